"""Where two versions of one ECG differ."""

from __future__ import annotations

import numpy as np

#: Difference in mV above which a sample belongs to the mask: a tenth of a small square.
TOLERANCE = 0.01
# Two changed samples this close, in seconds, belong to one change that crosses zero.
_GAP = 0.06


def difference_mask(
    difference: np.ndarray, fs: float, spans: list[tuple[float, float]] | None = None
) -> np.ndarray:
    """Mark where a record differs from its twin.

    Parameters
    ----------
    difference : ndarray of shape (n_leads, n_samples)
        In mV.
    fs : float
    spans : list of (float, float), optional
        Begin and end in seconds: in a lead that changes anywhere within a span, the whole span
        is marked.

    Returns
    -------
    ndarray of bool of shape (n_leads, n_samples)
    """
    mask = np.abs(difference) > TOLERANCE
    n_samples = mask.shape[1]
    times = np.arange(n_samples) / fs
    for begin, end in spans or ():
        inside = (times >= begin) & (times <= end)
        if inside.any():
            mask[:, inside] |= mask[:, inside].any(axis=1, keepdims=True)
    return _closed(mask, max(1, round(_GAP * fs)))


def _closed(mask: np.ndarray, gap: int) -> np.ndarray:
    """Fill runs of False of up to `gap` samples that lie between True samples."""
    index = np.arange(mask.shape[1])
    last = np.maximum.accumulate(np.where(mask, index, -gap - 1), axis=1)
    following = np.minimum.accumulate(np.where(mask, index, mask.shape[1] + gap)[:, ::-1], axis=1)[
        :, ::-1
    ]
    return mask | ((following - last - 1 <= gap) & (last >= 0) & (following < mask.shape[1]))
