"""Stimuli of a pacemaker: pulses far shorter than any wave of the heart."""

from __future__ import annotations

import numpy as np

from .blocks import reduce_blocks

#: Slowest sampling rate in Hz that keeps a pulse of 2 ms.
LOWEST_RATE = 500.0
_LAG = 0.002
_BLOCK = 0.02
# Blocks on either side that a filter's ringing may reach no further than.
_AROUND = (2, 3, 4)
_NEAR = 0.02


def spikes(
    x: np.ndarray,
    fs: float,
    *,
    height: float = 0.1,
    isolation: float = 3.0,
    sharpness: float = 0.25,
) -> list[np.ndarray]:
    """Find pulses that most leads show at once.

    The largest second difference over 2 ms in 20 ms, and of the leads the median, must exceed
    `height`, `isolation` times what is 20 to 80 ms away, and `sharpness` times the signal's own
    range there and 20 ms around. A narrow R wave passes the first two, but bends little for its
    size.

    Parameters
    ----------
    x : ndarray of shape (n, n_leads, n_samples)
        In mV.
    fs : float
        In Hz; nothing is found below 500 Hz.
    height : float, default=0.1
        In mV.
    isolation, sharpness : float, default=3.0, 0.25
        Ratios. A pulse of one sample has a sharpness of 2; paced records of PTB-XL, low-passed at
        150 Hz, one of 0.3 to 1.2, R waves there one of up to 0.18.

    Returns
    -------
    list of ndarray of float
        Times of the pulses in s, to 20 ms, for each of the n.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.zeros((1, 2, 1000))
    >>> x[..., 300] = 1.0
    >>> spikes(x, 500.0)
    [array([0.61])]
    """
    lag, size = max(1, round(_LAG * fs)), max(1, round(_BLOCK * fs))
    n = x.shape[-1]
    if fs < LOWEST_RATE or n < max(2 * lag + 1, 2 * size):
        return [np.empty(0) for _ in x]
    bend = np.zeros(x.shape, x.dtype)
    inner = bend[..., lag : n - lag]
    np.subtract(x[..., 2 * lag :], x[..., lag : n - lag], out=inner)
    inner -= x[..., lag : n - lag]
    inner += x[..., : n - 2 * lag]
    np.abs(bend, out=bend)
    bend = reduce_blocks(np.maximum, bend, size)
    blocks = _middle(bend)
    around = np.zeros_like(blocks)
    for k in _AROUND:
        np.maximum(around[:, k:], blocks[:, :-k], out=around[:, k:])
        np.maximum(around[:, :-k], blocks[:, k:], out=around[:, :-k])
    likely = (blocks > height) & (blocks > isolation * around)
    likely[:, 1:] &= blocks[:, 1:] >= blocks[:, :-1]
    likely[:, :-1] &= blocks[:, :-1] > blocks[:, 1:]
    near = max(1, round(_NEAR * fs))
    found: list[list[float]] = [[] for _ in x]
    for record, block in zip(*np.nonzero(likely), strict=True):
        piece = x[record, :, max(0, block * size - near) : (block + 1) * size + near]
        if bend[record, :, block].sum() > sharpness * np.ptp(piece, axis=-1).sum():
            found[record].append((block + 0.5) * size / fs)
    return [np.array(times) for times in found]


def _middle(rows):
    """Median over the leads; for an even count the lower of the two in the middle."""
    k = (rows.shape[1] - 1) // 2
    return np.partition(rows, k, axis=1)[:, k]
