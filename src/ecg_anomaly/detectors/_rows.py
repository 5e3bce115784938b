"""What is computed of records chunk by chunk, as one array of each kind."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def joined(chunks: Iterable[dict[str, np.ndarray]], n_records: int) -> dict[str, np.ndarray]:
    """Return the arrays of several chunks as one of each name.

    Parameters
    ----------
    chunks : iterable of dict of ndarray
        One row a record, the same names in each.
    n_records : int
        Rows of all chunks together, at least one.

    Returns
    -------
    dict of ndarray
    """
    # places are taken at once: small arrays that stay among large ones that come and go would pin
    # the large ones' memory, 2 GB of 20,000 records
    arrays: dict[str, np.ndarray] = {}
    start = 0
    for chunk in chunks:
        for name, values in chunk.items():
            if name not in arrays:
                arrays[name] = np.empty((n_records, *values.shape[1:]), values.dtype)
            arrays[name][start : start + len(values)] = values
        start += len(values)
    return arrays
