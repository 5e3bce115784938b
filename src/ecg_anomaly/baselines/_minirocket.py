"""Arithmetic of MiniRocket: convolutions with fixed kernels, and shares of values above biases."""

from __future__ import annotations

from itertools import combinations

import numpy as np

KERNEL_LENGTH = 9
_CENTER = KERNEL_LENGTH // 2
#: All kernels with three weights of 2 among six of -1: each sums to zero.
KERNELS = np.full((84, KERNEL_LENGTH), -1.0, np.float32)
for _row, _positions in enumerate(combinations(range(KERNEL_LENGTH), 3)):
    KERNELS[_row, list(_positions)] = 2.0
_MAX_DILATIONS = 32
_GOLDEN_RATIO = (np.sqrt(5.0) + 1) / 2
# Counts are added in bytes, eight to a word, which hold no more than this.
_BYTE = 255


def spread_dilations(span: int, n_biases: int) -> tuple[np.ndarray, np.ndarray]:
    """Return dilations, and how many biases a kernel has at each.

    Parameters
    ----------
    span : int
        Samples that the longest kernel may span; the shortest spans nine in any case.
    n_biases : int
        Of each kernel, over all dilations.

    Returns
    -------
    dilations, counts : ndarray of int
        Ascending; `counts` sums to `n_biases`.

    Examples
    --------
    >>> spread_dilations(100, 10)
    (array([ 1,  2,  3,  4,  5,  7,  9, 12]), array([3, 1, 1, 1, 1, 1, 1, 1]))
    """
    longest = max(1.0, (span - 1) / (KERNEL_LENGTH - 1))
    n_dilations = min(n_biases, _MAX_DILATIONS)
    wanted = 2 ** np.linspace(0, np.log2(longest), n_dilations)
    # powers that should be whole numbers may come out a little below them
    dilations, repeats = np.unique((wanted + 1e-9).astype(int), return_counts=True)
    counts = repeats * n_biases // n_dilations
    counts[: n_biases - counts.sum()] += 1
    return dilations, counts


def draw_channels(n_channels: int, rng: np.random.RandomState) -> np.ndarray:
    """Return which channels each kernel sums: a random few, small numbers as likely as large.

    Returns
    -------
    ndarray of float32 of shape (84, n_channels)
        0 or 1.
    """
    chosen = np.zeros((len(KERNELS), n_channels), np.float32)
    largest = np.log2(min(n_channels, KERNEL_LENGTH) + 1)
    for row in chosen:
        n_chosen = int(2 ** rng.uniform(0, largest))
        row[rng.choice(n_channels, n_chosen, replace=False)] = 1
    return chosen


def bias_levels(n: int, start: int = 0) -> np.ndarray:
    """Return quantile levels in [0, 1) that fill it evenly, wherever the row of them is cut."""
    return (np.arange(start + 1, start + n + 1) * _GOLDEN_RATIO) % 1


def convolve(record: np.ndarray, channels: np.ndarray, dilation: int) -> np.ndarray:
    """Convolve one record with all kernels at one dilation, with zeros beyond its ends.

    Parameters
    ----------
    record : ndarray of float32 of shape (n_channels, n_samples)
    channels : ndarray of float32 of shape (84, n_channels)
        Which channels each kernel sums.
    dilation : int

    Returns
    -------
    ndarray of float32 of shape (84, n_samples)

    Notes
    -----
    One matrix product a record, of one shape whatever the batch, so that a record's values are
    the same in any company.
    """
    n_channels, n_samples = record.shape
    weights = channels[:, :, None] * KERNELS[:, None, :]
    pad = _CENTER * dilation
    padded = np.zeros((n_channels, n_samples + 2 * pad), record.dtype)
    padded[:, pad : pad + n_samples] = record
    shifted = np.stack(
        [padded[:, k * dilation : k * dilation + n_samples] for k in range(KERNEL_LENGTH)], axis=1
    )
    return weights.reshape(len(KERNELS), -1) @ shifted.reshape(-1, n_samples)


def samples_read(turn: int, dilation: int, n_samples: int) -> slice:
    """Return the samples of a convolution that count.

    In every other turn that is the whole record, else the part over which the kernel lies within
    it; the whole again where there is no such part.
    """
    pad = _CENTER * dilation
    within = turn % 2 == 1 and n_samples > 2 * pad
    return slice(pad, n_samples - pad) if within else slice(0, n_samples)


def share_above(values: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """Return which share of each row's values lies above each of its biases.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_values)
    biases : ndarray of shape (n_rows, n_biases)

    Returns
    -------
    ndarray of float32 of shape (n_rows, n_biases)

    Examples
    --------
    >>> import numpy as np
    >>> share_above(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[0.5, 3.5, 4.0]])).tolist()
    [[1.0, 0.25, 0.0]]
    """
    n_rows, n_values = values.shape
    # eight truths make a word, whose bytes count apart: several times faster than adding truths
    above = np.zeros((n_rows, -(-n_values // 8) * 8), bool)
    words = above.view(np.uint64)
    counts = np.zeros((n_rows, biases.shape[1]), np.int64)
    for k in range(biases.shape[1]):
        np.greater(values, biases[:, k, None], out=above[:, :n_values])
        for start in range(0, words.shape[1], _BYTE):
            lanes = np.add.reduce(words[:, start : start + _BYTE], axis=1)
            counts[:, k] += lanes.view(np.uint8).reshape(n_rows, 8).sum(axis=1, dtype=np.int64)
    return (counts / n_values).astype(np.float32)
