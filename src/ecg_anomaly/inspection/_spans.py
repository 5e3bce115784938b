"""The places that matter most, and what a reader calls them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# In seconds.
_SHORTEST, _LONGEST = 0.08, 0.4
# A span goes on, and takes a lead in, where there is so much of the largest.
_STILL = 0.4
# A sample this close before the next R peak belongs to it.
_BEFORE_R = 0.25
_CHEST = re.compile(r"V([1-6])")


@dataclass(frozen=True)
class Span:
    """A stretch of time in some leads.

    Attributes
    ----------
    name : str
        Such as "V2-V4, 0.35-0.48 s after R at 3.2 s".
    leads : tuple of str
    rows : tuple of int
        Which leads of the record these are.
    start, stop : int
        Samples, the second one excluded.
    share : float
        Of the map's total.
    """

    name: str
    leads: tuple[str, ...]
    rows: tuple[int, ...]
    start: int
    stop: int
    share: float

    def __str__(self) -> str:
        return f"{self.name} ({100 * self.share:.0f} %)"


def top_spans(
    values: np.ndarray, fs: float, leads: Sequence[str], peaks: np.ndarray, top: int
) -> list[Span]:
    """Return the spans with most of a map, the largest first; fewer where nothing is left.

    Parameters
    ----------
    values : ndarray of shape (n_leads, n_samples)
    fs : float
    leads : sequence of str
    peaks : ndarray of int
        R peaks, ascending.
    top : int

    Returns
    -------
    list of Span
    """
    left = np.maximum(values, 0.0)
    total = left.sum()
    spans: list[Span] = []
    while len(spans) < top and left.max() > 1e-9 * max(total, 1e-300):
        start, stop = _stretch(left.sum(axis=0), fs)
        of_leads = left[:, start:stop].sum(axis=1)
        rows = tuple(np.flatnonzero(of_leads >= _STILL * of_leads.max()).tolist())
        share = float(left[list(rows), start:stop].sum() / total)
        names = tuple(leads[row] for row in rows)
        name = f"{lead_words(names)}, {time_words(start, stop, fs, peaks)}"
        spans.append(Span(name, names, rows, start, stop, share))
        left[list(rows), start:stop] = 0.0
    return sorted(spans, key=lambda span: -span.share)


def _stretch(profile: np.ndarray, fs: float) -> tuple[int, int]:
    """Return the stretch around the highest point in which a profile stays high."""
    shortest, longest = max(1, round(_SHORTEST * fs)), max(1, round(_LONGEST * fs))
    start = int(profile.argmax())
    stop, least = start + 1, _STILL * profile.max()
    n_samples = len(profile)
    while stop - start < longest:
        before = profile[start - 1] if start > 0 else -1.0
        after = profile[stop] if stop < n_samples else -1.0
        if max(before, after) < (least if stop - start >= shortest else 0.0):
            break
        if before > after:
            start -= 1
        else:
            stop += 1
    return start, stop


def lead_words(names: Sequence[str]) -> str:
    """Return leads as a reader writes them.

    Examples
    --------
    >>> lead_words(["II", "aVF", "V2", "V3", "V4", "V6"])
    'II, aVF, V2-V4, V6'
    """
    words: list[str] = []
    run: list[str] = []
    for name in [*names, ""]:
        match = _CHEST.fullmatch(name)
        if run and match and int(match[1]) == int(run[-1][1]) + 1:
            run.append(name)
            continue
        words += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else run
        run = [name] if match else []
        words += [] if match or not name else [name]
    return ", ".join(words)


def time_words(start: int, stop: int, fs: float, peaks: np.ndarray) -> str:
    """Return a stretch of time, from the R peak of its beat where there is one.

    Examples
    --------
    >>> time_words(135, 148, 100.0, np.array([100, 200]))
    '0.35-0.48 s after R at 1.00 s'
    >>> time_words(180, 190, 100.0, np.array([100, 200])), time_words(5, 25, 100.0, np.array([]))
    ('0.20-0.10 s before R at 2.00 s', '0.05-0.25 s')
    """
    begin, end = start / fs, stop / fs
    if not len(peaks):
        return f"{begin:.2f}-{end:.2f} s"
    times = np.asarray(peaks) / fs
    middle = (begin + end) / 2
    following = times[times >= middle - 0.02]
    earlier = times[times < middle - 0.02]
    own = following[0] if len(following) else earlier[-1]
    if len(earlier) and (not len(following) or following[0] - middle > _BEFORE_R):
        own = earlier[-1]
    a, b = begin - own, end - own
    if b <= 0:
        words = f"{-a:.2f}-{-b:.2f} s before R"
    elif a >= 0:
        words = f"{a:.2f}-{b:.2f} s after R"
    else:
        words = f"{-a:.2f} s before to {b:.2f} s after R"
    return f"{words} at {own:.2f} s"
