"""Reading of NumPy's .npy files: numbers only, never pickled objects."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import RecordFileError
from ..records import Record
from ._header import file_size
from ._sidecar import build_record, describe

_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    # names of fields in UTF-8 set it apart, and arrays with fields are refused
    (3, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(
    path: Path,
    *,
    fs: float | None = None,
    leads: Sequence[str] | None = None,
    unit: str | None = None,
) -> Record:
    """Read one ECG from an array of shape (n_leads, n_samples), or its transpose.

    Which one it is follows from the number of names. Numbers with a fraction and without a unit are
    mV. All versions of the format are read.

    Raises
    ------
    RecordFileError
        If the file is no array of real numbers in one or two dimensions, is shorter or longer than
        its header says, or rate, names or unit are not known.
    """
    about = describe(path, fs, leads, unit)
    array = _load(path)
    if array.ndim == 1:
        array = array[None]
    n_names = len(about.leads or ())
    if n_names == array.shape[1] != array.shape[0]:
        array = array.T
    if n_names == len(array) == array.shape[1] > 1:
        raise RecordFileError(
            f"{path}: has shape {array.shape}, which does not tell leads from samples; store more "
            "samples than leads."
        )
    return build_record(path, array, about)


def _load(path: Path) -> np.ndarray:
    size = file_size(path)
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 2 wrote 3L
            read = _READ_HEADER[np.lib.format.read_magic(file)]
            shape, fortran, dtype = read(file)
            start = file.tell()
    except (ValueError, KeyError, EOFError, MemoryError, RecursionError, SyntaxError, TypeError):
        raise RecordFileError(f"{path}: is no .npy file, or its header is damaged.") from None
    except Exception as error:  # numpy evaluates the header as Python, which fails in many ways
        raise RecordFileError(f"{path}: has a damaged header ({type(error).__name__}).") from None
    if dtype.kind not in "fiu" or dtype.itemsize > 16:
        raise RecordFileError(
            f"{path}: holds {dtype} where real numbers are needed; objects are never loaded."
        )
    n_values = math.prod(shape)
    if not 1 <= len(shape) <= 2 or min(shape) < 0 or bool in map(type, shape):
        raise RecordFileError(
            f"{path}: has shape {shape}; one record has the shape (n_leads, n_samples)."
        )
    if size != start + n_values * dtype.itemsize:
        raise RecordFileError(
            f"{path}: {size} bytes, but its header announces {start + n_values * dtype.itemsize}; "
            "the file is truncated or damaged."
        )
    values = np.fromfile(path, dtype, n_values, offset=start)
    return values.reshape(shape, order="F" if fortran else "C")
