"""Databases, one file each, and synthetic ECGs; all return an `ECGDataset`."""

from ._dataset import ECGDataset
from .cinc import load_cinc
from .cpsc2018 import load_cpsc2018
from .fetching import (
    fetch_cinc,
    fetch_cpsc2018,
    fetch_mimic_iv_ecg,
    fetch_mitdb,
    fetch_nstdb,
    fetch_ptbxl,
    is_fetched,
)
from .injection import INJECTIONS, inject_anomalies, inject_anomaly
from .mimic_iv_ecg import load_mimic_iv_ecg
from .mitbih import load_mitbih
from .ptbxl import load_ptbxl
from .synthetic import ANOMALIES, FAULTS, make_ecg
from .ucr import load_ecg200, load_ecg5000

__all__ = [
    "ANOMALIES",
    "FAULTS",
    "INJECTIONS",
    "ECGDataset",
    "fetch_cinc",
    "fetch_cpsc2018",
    "fetch_mimic_iv_ecg",
    "fetch_mitdb",
    "fetch_nstdb",
    "fetch_ptbxl",
    "inject_anomalies",
    "inject_anomaly",
    "is_fetched",
    "load_cinc",
    "load_cpsc2018",
    "load_ecg200",
    "load_ecg5000",
    "load_mimic_iv_ecg",
    "load_mitbih",
    "load_ptbxl",
    "make_ecg",
]
