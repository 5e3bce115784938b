"""The reader libraries of the extra ``formats``, and what they give as channels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ECGError, RecordFileError
from ._channels import ChannelData
from ._units import mv_per_unit

# Larger files of these formats hold no ECG: a day of twelve leads at 1 kHz has 2 GB.
_MOST_BYTES = 4 * 10**9


def reader_library(name: str, path: Path, what: str) -> Any:
    """Return a module of the extra.

    Raises
    ------
    RecordFileError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise RecordFileError(
            f"{path}: {what} needs {package}; pip install 'ecg-anomaly[formats]'."
        ) from None


@contextmanager
def told_of(path: Path, what: str) -> Iterator[list[str]]:
    """Tell what a library raises as one error; give the warnings that it gave.

    Raises
    ------
    RecordFileError
        If the file is damaged, too large, or not of this format.
    """
    told: list[str] = []
    if path.stat().st_size > _MOST_BYTES:
        raise RecordFileError(f"{path}: is larger than 4 GB, which no {what} of an ECG is.")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield told
    except (ECGError, OSError, MemoryError):
        raise
    # the libraries raise whatever a damaged file leads them to
    except Exception as error:
        detail = " ".join(str(error).split())[:200] or type(error).__name__
        raise RecordFileError(
            f"{path}: is no {what}, or damaged ({detail}); export it again."
        ) from None
    told += [" ".join(str(warning.message).split())[:200] for warning in caught]


def check_scale(path: Path, name: str, scale: float) -> None:
    """Check how much of its unit a step of a lead is.

    Raises
    ------
    RecordFileError
        If it is no positive number: the lead would be flat, inverted, or lost.
    """
    if not 0 < scale < np.inf:
        raise RecordFileError(
            f"{path}: the calibration of lead {name[:40]} is {scale:g} a step; export it again "
            "with its calibration."
        )


def lead_in_mv(path: Path, name: str, unit: str, fs: float, values: np.ndarray) -> ChannelData:
    """Return an ECG lead in mV.

    Raises
    ------
    RecordFileError
        If its unit is none of voltage, or a sample is infinite.
    """
    scale = mv_per_unit(unit)
    if scale is None:
        raise RecordFileError(
            f"{path}: unit {unit[:40]!r} of lead {name[:40]} is no voltage (mV, uV, nV or V); "
            "export it again with its calibration."
        )
    with np.errstate(over="ignore"):
        in_mv = np.asarray(values * scale, np.float32)
    if np.isinf(in_mv).any():
        raise RecordFileError(
            f"{path}: lead {name[:40]} is infinite; its scale is damaged, export it again."
        )
    return ChannelData(name, "mV", fs, in_mv, True)
