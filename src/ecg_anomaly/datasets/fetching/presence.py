"""Which records of a dataset have their files."""

from __future__ import annotations

import os

import numpy as np

from ...errors import DatasetError
from ...records import RecordSet
from .._dataset import ECGDataset
from .._files import RecordFiles


def is_fetched(dataset: ECGDataset) -> np.ndarray:
    """Tell which records of a dataset have their files in the folder.

    The tables of PTB-XL and MIMIC-IV-ECG list every record, also where a part of the records was
    fetched; reading the others would be an error.

    Parameters
    ----------
    dataset : ECGDataset
        Of `load_ptbxl`, `load_mimic_iv_ecg`, `load_cinc` or `load_cpsc2018`.

    Returns
    -------
    ndarray of bool of shape (n_records,)
        Whether header and signals are there; ``dataset[is_fetched(dataset)]`` has these alone.

    Raises
    ------
    DatasetError
        If the dataset does not read its records from files.

    Examples
    --------
    >>> from ecg_anomaly.datasets import make_ecg
    >>> is_fetched(make_ecg(2, random_state=0))
    Traceback (most recent call last):
    ...
    ecg_anomaly.errors.DatasetError: ...
    """
    source = dataset.X._source if isinstance(dataset.X, RecordSet) else None
    if not isinstance(source, RecordFiles):
        raise DatasetError(
            f"{dataset.name} has no file for each record; leave out the step that asks which are "
            "there."
        )
    there = np.zeros(len(dataset), bool)
    for k, row in enumerate(dataset.X._rows):
        path = str(source.folder / source.names[row].decode("utf-8", "surrogateescape"))
        there[k] = os.path.isfile(f"{path}.hea") and (
            os.path.isfile(f"{path}.dat") or os.path.isfile(f"{path}.mat")
        )
    return there
