"""Short blocks of a signal and what can be read off them: levels, extremes, noise, baseline."""

from __future__ import annotations

from math import comb

import numpy as np

#: Blocks in which the noise of one second is the quiet share: what QRS complexes leave free, even
#: at 150 beats a minute.
QUIET_SHARE = 0.3
# Half a second and more of signal on either side of a baseline sample: longer than a wide QRS
# complex, shorter than a breath.
_BASELINE_BLOCKS = 7
# The period of flutter at 120 a minute: faster and slower waves are damped at least fourfold.
_SMOOTH_BLOCKS = 5


def average_to_rate(x: np.ndarray, fs: float, rate: float = 100.0) -> tuple[np.ndarray, float]:
    """Lower the sampling rate by averaging neighbouring samples.

    It is cruder than `resample` and many times faster: enough to measure levels by.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
    fs : float
        In Hz.
    rate : float, default=100.0
        Wanted rate in Hz; the result lies between 2/3 and 4/3 of it, or at `fs` where that is less.

    Returns
    -------
    averaged : ndarray of shape (..., n_samples // factor)
    fs : float
        Its rate in Hz.

    Examples
    --------
    >>> import numpy as np
    >>> average_to_rate(np.array([1.0, 3.0, 5.0, 7.0]), 200.0)
    (array([2., 6.]), 100.0)
    """
    factor = min(max(1, round(fs / rate)), max(1, x.shape[-1]))
    return reduce_blocks(np.add, x, factor) / x.dtype.type(factor), fs / factor


def reduce_blocks(ufunc: np.ufunc, x: np.ndarray, size: int) -> np.ndarray:
    """Reduce each block of `size` samples, leaving out the last samples that fill none.

    Slices are combined, not short rows reduced, which is several times faster.

    Parameters
    ----------
    ufunc : ufunc
        Such as `numpy.add` or `numpy.maximum`.
    x : ndarray of shape (..., n_samples)
    size : int

    Returns
    -------
    ndarray of shape (..., n_samples // size)

    Examples
    --------
    >>> import numpy as np
    >>> reduce_blocks(np.maximum, np.array([1, 5, 2, 3, 9]), 2).tolist()
    [5, 3]
    """
    n = x.shape[-1] // size
    out = x[..., : n * size : size].copy()
    for k in range(1, size):
        ufunc(out, x[..., k : n * size : size], out=out)
    return out


def block_noise(x: np.ndarray, size: int, order: int = 2) -> np.ndarray:
    """Return the noise in each block, as the standard deviation of white noise.

    It is the root mean square of a higher difference, which passes little of P, T and the
    baseline, over its gain for white noise.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples)
    size : int
        Samples of a block.
    order : int, default=2
        Of the difference: 2 at 100 Hz, 3 from 50 to 90 Hz keep out the waves of the heart alike.

    Examples
    --------
    >>> import numpy as np
    >>> noise = 0.02 * np.random.default_rng(0).normal(size=100_000)
    >>> [float(block_noise(noise, 100_000, order)[0].round(3)) for order in (2, 3)]
    [0.02, 0.02]
    """
    difference = np.zeros_like(x)
    if x.shape[-1] > order:
        part = x
        for _ in range(order):
            part = part[..., 1:] - part[..., :-1]
        np.square(part, out=difference[..., order // 2 : order // 2 + part.shape[-1]])
    gain = comb(2 * order, order)
    return np.sqrt(reduce_blocks(np.add, difference, size) / x.dtype.type(gain * size))


def groups(blocks: np.ndarray, size: int) -> np.ndarray:
    """Group blocks; the last group reaches back where blocks are left over.

    Parameters
    ----------
    blocks : ndarray of shape (..., n_blocks)
    size : int

    Returns
    -------
    ndarray of shape (..., ceil(n_blocks / size), min(size, n_blocks))

    Examples
    --------
    >>> import numpy as np
    >>> groups(np.arange(5), 2).tolist()
    [[0, 1], [2, 3], [3, 4]]
    """
    n = blocks.shape[-1]
    if n % size == 0:
        return blocks.reshape(*blocks.shape[:-1], n // size, size)
    size = min(size, n)
    starts = np.minimum(size * np.arange(-(-n // size)), n - size)
    return blocks[..., starts[:, None] + np.arange(size)]


def quiet_level(noise: np.ndarray) -> np.ndarray:
    """Return the level of the quiet blocks of each group: the noise between the QRS complexes.

    Parameters
    ----------
    noise : ndarray of shape (..., n_blocks)

    Returns
    -------
    ndarray of shape (...)

    Examples
    --------
    >>> import numpy as np
    >>> float(quiet_level(np.array([1.0, 9.0, 1.0, 2.0, 9.0])))
    1.0
    """
    k = int(QUIET_SHARE * (noise.shape[-1] - 1))
    return np.partition(noise, k, axis=-1)[..., k]


def block_baseline(mean: np.ndarray) -> np.ndarray:
    """Return the baseline at each block: a moving median of the blocks' means, then a moving mean.

    The median leaves out QRS complexes, the mean what is left of waves without a pause between
    them, such as those of ventricular flutter.

    Parameters
    ----------
    mean : ndarray of shape (..., n_blocks)
        Of blocks of about 0.1 s.

    Returns
    -------
    ndarray of shape (..., n_blocks)
        The first and last blocks take the nearest value.

    Examples
    --------
    >>> import numpy as np
    >>> mean = np.full(20, 0.5)
    >>> mean[::6] = 9.0
    >>> bool((block_baseline(mean) == 0.5).all())
    True
    """
    n = mean.shape[-1]
    width = min(_BASELINE_BLOCKS, n - 1 + n % 2)
    windows = np.lib.stride_tricks.sliding_window_view(mean, width, axis=-1)
    middle = np.partition(windows, width // 2, axis=-1)[..., width // 2]
    span = min(_SMOOTH_BLOCKS, middle.shape[-1] - 1 + middle.shape[-1] % 2)
    inner = middle.shape[-1] - span + 1
    smooth = middle[..., :inner].copy()
    for shift in range(1, span):
        smooth += middle[..., shift : shift + inner]
    smooth /= mean.dtype.type(span)
    at = np.clip(np.arange(n) - width // 2 - span // 2, 0, inner - 1)
    return smooth[..., at]
