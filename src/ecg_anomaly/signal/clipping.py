"""Samples cut off at the limit of an amplifier or converter."""

from __future__ import annotations

import numpy as np

from .runs import runs

# A plateau is cut off where the signal moves by this share of its range, and by so many quanta,
# within 10 ms of it; a rounded wave does not.
_STEEP, _QUANTA, _NEAR = 0.03, 2.5, 0.01
# One plateau of this many seconds, or several that last as long as that together, is clipping.
_SECONDS = 0.03


def clipped_samples(x: np.ndarray, fs: float) -> np.ndarray | None:
    """Find plateaus at the largest or smallest value of each row that begin or end abruptly.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
    fs : float
        In Hz.

    Returns
    -------
    ndarray of bool, shape (..., n_samples), or None
        None where nothing is clipped.

    Examples
    --------
    >>> import numpy as np
    >>> wave = np.sin(np.arange(200) / 4)
    >>> clipped_samples(wave, 100.0) is None
    True
    >>> int(clipped_samples(np.minimum(wave, 0.8), 100.0).sum())
    41
    """
    rows = x.reshape(-1, x.shape[-1])
    if rows.shape[-1] < 3:
        return None
    found = None
    for extreme in (rows.max(axis=-1), rows.min(axis=-1)):
        at = rows == extreme[:, None]
        pairs = np.count_nonzero(at[:, 1:] & at[:, :-1], axis=-1)
        for row in np.flatnonzero((pairs > 1) & (pairs < rows.shape[-1] - 1)):
            inside = _steep_plateaus(rows[row], at[row], fs)
            if inside is not None:
                found = np.zeros(rows.shape, bool) if found is None else found
                found[row] |= inside
    return None if found is None else found.reshape(x.shape)


def _steep_plateaus(row, at, fs):
    _, start, stop = runs(at[None])
    near = max(1, round(_NEAR * fs))
    before = np.abs(row[np.maximum(start - near, 0)] - row[start])
    after = np.abs(row[np.minimum(stop - 1 + near, len(row) - 1)] - row[start])
    steps = np.abs(np.diff(row))
    enough = max(_STEEP * np.ptp(row), _QUANTA * steps[steps > 0].min())
    steep = (stop - start > 1) & (np.maximum(before, after) > enough)
    if (stop - start)[steep].sum() < max(4, _SECONDS * fs):
        return None
    inside = np.zeros(len(row), bool)
    for i, j in zip(start[steep], stop[steep], strict=True):
        inside[i:j] = True
    return inside
