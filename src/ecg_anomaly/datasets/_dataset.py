"""The one shape in which every database arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DatasetError
from ..records import RecordSet

if TYPE_CHECKING:
    import pandas as pd


def counted(excluded: Mapping[str, int]) -> str:
    """Return what was left out for a message.

    Examples
    --------
    >>> counted({"without a diagnosis": 2, "shorter than 10 s": 1, "damaged": 0})
    '2 without a diagnosis, 1 shorter than 10 s'
    """
    return ", ".join(f"{n} {reason}" for reason, n in excluded.items() if n)


@dataclass(eq=False)
class ECGDataset:
    """ECGs with their labels, patients and everything known about them.

    Attributes
    ----------
    X : RecordSet or ndarray of shape (n_records, n_leads, n_samples)
        Signals in mV.
    y : ndarray of shape (n_records,)
        +1 normal, -1 anomaly.
    groups : ndarray of shape (n_records,)
        Patient of each record.
    table : DataFrame
        One row a record: what the database tells of it.
    labels : DataFrame or None
        Indicator matrix of diagnoses, one column each.
    name : str
        Name of the database.
    label_rule : str
        What "normal" and "anomaly" mean here, in a sentence; every report prints it.
    excluded : dict of str to int
        How many records were left out, by reason.
    masks : ndarray of bool of shape (n_records, n_leads, n_samples), or None
        Where the anomaly is, known for synthetic ECGs only.
    twins : ndarray of shape (n_records, n_leads, n_samples), or None
        The same ECGs without their anomalies, synthetic ones only.
    """

    X: Any
    y: np.ndarray
    groups: np.ndarray
    table: pd.DataFrame
    labels: pd.DataFrame | None = None
    name: str = ""
    label_rule: str = ""
    excluded: dict[str, int] = field(default_factory=dict)
    masks: np.ndarray | None = None
    twins: np.ndarray | None = None

    def __post_init__(self):
        n = len(self.X)
        for attribute in ("y", "groups", "table", "labels", "masks", "twins"):
            value = getattr(self, attribute)
            if value is not None and len(value) != n:
                raise DatasetError(f"{attribute} has {len(value)} rows, but X has {n} records.")

    def __len__(self) -> int:
        return len(self.X)

    def __iter__(self) -> Iterator[Any]:
        """Refuse: without it, Python would ask for ``dataset[0]`` and take the error for an end."""
        raise TypeError(
            "a dataset of ECGs, labels and more is not iterated over; iterate over dataset.X, or "
            "zip(dataset.X, dataset.y)."
        )

    def __getitem__(self, rows) -> ECGDataset:
        """Return the dataset of some rows: a slice, indices or a boolean mask."""
        rows = np.arange(len(self))[rows]
        if rows.ndim != 1:
            raise IndexError("a dataset is indexed by a slice, indices or a boolean mask.")

        def take(value):
            return None if value is None else value[rows]

        return ECGDataset(
            X=self.X[rows],
            y=self.y[rows],
            groups=self.groups[rows],
            table=self.table.iloc[rows],
            labels=None if self.labels is None else self.labels.iloc[rows],
            name=self.name,
            label_rule=self.label_rule,
            excluded=dict(self.excluded),
            masks=take(self.masks),
            twins=take(self.twins),
        )

    @property
    def fs(self) -> float:
        """Sampling rate in Hz."""
        return (
            float(self.X.fs) if isinstance(self.X, RecordSet) else float(self.table["fs"].iloc[0])
        )
