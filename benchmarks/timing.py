"""Timing of competitors side by side."""

from time import perf_counter


def in_turns(functions, repeats):
    """Return the shortest time of each function, in seconds.

    They take turns, so that a busy machine slows all of them; the first turn warms up.
    """
    times = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            start = perf_counter()
            function()
            if turn:
                times[name].append(perf_counter() - start)
    return {name: min(values) for name, values in times.items()}
