"""No patient, and no record, on both sides of a split."""

from __future__ import annotations

import hashlib
from itertools import combinations

import numpy as np

from ..errors import DatasetError
from ..records import RecordSet

_NAMED = 3


def assert_disjoint(*groups, records=None, names=None) -> None:
    """Refuse sides of a split that share a patient or hold identical records.

    Parameters
    ----------
    *groups : array-likes
        Patients of the records of each side: training, threshold, test.
    records : sequence of RecordSet or ndarray, optional
        Signals of each side: byte-identical ones are refused too, whatever patient they bear.
        PTB-XL has twenty pairs of such records under different patients.
    names : sequence of str, optional
        What the sides are called in messages.

    Raises
    ------
    DatasetError
        If two sides share a patient or a record; the message names the sides and the first few.

    Examples
    --------
    >>> assert_disjoint([1, 1, 2], [3, 4])
    >>> try:
    ...     assert_disjoint(["a", "b"], ["b"], names=["training", "test"])
    ... except DatasetError as error:
    ...     print(error)
    training and test share 1 patient(s), such as b; split by patient.
    """
    names = [f"side {k + 1}" for k in range(len(groups))] if names is None else list(names)
    if len(names) != len(groups) or (records is not None and len(records) != len(groups)):
        raise ValueError(f"{len(groups)} sides, but {len(names)} names or other records.")
    # numbers and their text are the same patient
    patients = [set(map(str, np.asarray(side).tolist())) for side in groups]
    for (one, first), (other, second) in combinations(zip(names, patients, strict=True), 2):
        shared = first & second
        if shared:
            raise DatasetError(
                f"{one} and {other} share {len(shared)} patient(s), such as {_few(shared)}; split "
                "by patient."
            )
    seen: dict[int, tuple[int, object]] = {}
    for side, signals in enumerate(records or ()):
        ids = getattr(signals, "record_ids", range(len(signals)))
        for record_id, digest in zip(ids, record_digests(signals).tolist(), strict=True):
            where, before = seen.setdefault(digest, (side, record_id))
            if where != side:
                raise DatasetError(
                    f"record {before} of {names[where]} is identical with record {record_id} of "
                    f"{names[side]}; leave one out."
                )


def _few(values: set) -> str:
    return ", ".join(sorted(map(str, values))[:_NAMED])


def record_digests(signals) -> np.ndarray:
    """Return a number for each record that only identical signals share.

    Parameters
    ----------
    signals : RecordSet or array-like of n_records

    Returns
    -------
    ndarray of uint64 of shape (n_records,)

    Examples
    --------
    >>> one, other, again = record_digests([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    >>> bool(one == again), bool(one == other)
    (True, False)
    """
    batches = signals.batches() if isinstance(signals, RecordSet) else [np.asarray(signals)]
    digests = [
        hashlib.sha256(
            str(np.shape(signal)).encode() + np.asarray(signal, dtype=np.float32).tobytes()
        ).digest()[:8]
        for batch in batches
        for signal in batch
    ]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
