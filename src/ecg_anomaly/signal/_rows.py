"""Work through the rows of an array in pieces that stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Size of one piece. Larger pieces spill out of the cache, smaller ones pay per call.
CHUNK_BYTES = 1 << 20


def as_float(x: np.ndarray) -> np.ndarray:
    """Return an array as native float32 or float64, without a copy where it is one already.

    Types of up to 16 bits become float32, which holds them exactly; wider ones float64.

    Examples
    --------
    >>> import numpy as np
    >>> as_float(np.zeros(2, np.int16)).dtype, as_float(np.zeros(2, ">f8")).dtype
    (dtype('float32'), dtype('float64'))
    """
    x = np.asarray(x)
    wanted = np.result_type(x.dtype, np.float32)
    return x.astype(wanted if wanted.itemsize <= 8 else np.float64, copy=False)


def map_rows(
    function: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    n_out: int | None = None,
    dtype: type | None = None,
) -> np.ndarray:
    """Apply a function to the rows of an array, some at a time.

    Parameters
    ----------
    function : callable
        From an array (n_rows, n_samples) to an array (n_rows, n_out), each row by itself.
    x : ndarray of shape (..., n_samples)
    n_out : int, optional
        Samples of a row afterwards; by default as many as before.
    dtype : type, optional
        Of the result; by default that of `x` (see `as_float`).

    Returns
    -------
    ndarray of shape (..., n_out)
        C-contiguous.
    """
    x = as_float(x)
    n_samples = x.shape[-1]
    n_out = n_samples if n_out is None else n_out
    out = np.empty((*x.shape[:-1], n_out), x.dtype if dtype is None else dtype)
    rows, out_rows = x.reshape(-1, n_samples), out.reshape(-1, n_out)
    size = max(1, CHUNK_BYTES // (x.itemsize * max(n_samples, n_out, 1)))
    for start in range(0, len(rows), size):
        out_rows[start : start + size] = function(rows[start : start + size])
    return out
