"""What annotation codes of PhysioNet are beats, and of which class."""

from __future__ import annotations

import numpy as np

from ..errors import LabelError, SignalError

#: Class of each beat code as de Chazal et al. 2004 and most work after them have it, escape beats
#: being of class N. The letters of the classes stand for themselves.
AAMI_CLASSES = {
    **dict.fromkeys("NLRBejn", "N"),
    **dict.fromkeys("AaJS", "S"),
    **dict.fromkeys("VEr", "V"),
    "F": "F",
    **dict.fromkeys("/fQ?", "Q"),
}
#: Class of each beat code as the program bxb of PhysioNet has it, which counts atrial, nodal and
#: supraventricular escape beats as supraventricular ectopic ones.
BXB_CLASSES = {**AAMI_CLASSES, **dict.fromkeys("ejn", "S")}

# Codes of annot(5) that mark something else: rhythm, noise, waves, flutter, comments.
_NOT_BEATS = frozenset("~|sT*D\"=p^t+u![]@x()'`")


def read_beats(samples, symbols, classes, who: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the samples and classes of beats, and the spans of ventricular flutter.

    Parameters
    ----------
    samples : array-like of int of shape (n_annotations,)
        Ascending.
    symbols : sequence of str of shape (n_annotations,), or None
        None for beats without a class, which are taken for N.
    classes : mapping of str to str
        Class of each code.
    who : str
        "reference" or "test", for messages.

    Returns
    -------
    samples : ndarray of int of shape (n_beats,)
    classes : ndarray of str of shape (n_beats,)
    flutter : ndarray of int of shape (n_spans, 2)
        First and last sample of what lies between ``[`` and ``]``.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1 or (len(samples) and not np.issubdtype(samples.dtype, np.integer)):
        raise SignalError(f"{who} samples must be a row of whole numbers, got {samples.dtype}.")
    samples = samples.astype(np.int64)
    if (np.diff(samples) < 0).any():
        raise SignalError(f"{who} samples fall; sort annotations by time.")
    symbols = np.full(len(samples), "N") if symbols is None else np.asarray(symbols, dtype=str)
    if symbols.shape != samples.shape:
        raise SignalError(f"{len(samples)} {who} samples, but symbols of shape {symbols.shape}.")
    foreign = sorted(set(symbols.tolist()) - set(classes) - _NOT_BEATS)
    if foreign:
        raise LabelError(
            f"{who} symbol {foreign[0]!r} is no annotation code; say its class in `classes`."
        )
    is_beat = np.isin(symbols, list(classes))
    groups = np.array([classes[symbol] for symbol in symbols[is_beat].tolist()], dtype="<U1")
    return samples[is_beat], groups, _flutter(samples, symbols)


def _flutter(samples: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """Return the spans between marks of flutter; an open end lasts to the end."""
    spans: list[list[int]] = []
    is_open = False
    for k in np.flatnonzero(np.isin(symbols, ["[", "]"])):
        if symbols[k] == "[" and not is_open:
            spans.append([int(samples[k]), np.iinfo(np.int64).max])
        elif symbols[k] == "]" and is_open:
            spans[-1][1] = int(samples[k])
        is_open = bool(symbols[k] == "[")
    return np.array(spans, np.int64).reshape(-1, 2)
