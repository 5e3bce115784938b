"""Databases of PhysioNet, downloaded: whole or a part, resumed, checked against their checksums."""

from .challenge import fetch_cinc, fetch_cpsc2018
from .mimic_iv_ecg import fetch_mimic_iv_ecg
from .mitbih import fetch_mitdb, fetch_nstdb
from .presence import is_fetched
from .ptbxl import fetch_ptbxl

__all__ = [
    "fetch_cinc",
    "fetch_cpsc2018",
    "fetch_mimic_iv_ecg",
    "fetch_mitdb",
    "fetch_nstdb",
    "fetch_ptbxl",
    "is_fetched",
]
