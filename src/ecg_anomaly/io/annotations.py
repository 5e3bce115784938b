"""Beat and rhythm annotations beside a WFDB record."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import RecordFileError
from ._header import file_size

MAX_ANNOTATION_BYTES = 50_000_000


@dataclass(eq=False)
class Annotations:
    """Annotations of one record, in order of time.

    Parameters
    ----------
    sample : ndarray of int of shape (n_annotations,)
        Where, in samples from the start of the record.
    symbol : tuple of str
        What, in the codes of PhysioNet: ``N`` a normal beat, ``V`` a ventricular one, ``+`` a
        change of rhythm.
    aux : tuple of str
        The text that goes with it, such as ``(AFIB`` for a rhythm; mostly empty.
    source : str
        The file.
    """

    sample: np.ndarray
    symbol: tuple[str, ...]
    aux: tuple[str, ...]
    source: str = ""

    def __len__(self) -> int:
        return len(self.sample)


def read_annotations(path: str | Path, extension: str = "atr") -> Annotations:
    """Read the annotations of a WFDB record.

    Parameters
    ----------
    path : str or Path
        Of the record, with or without ``.hea``.
    extension : str, default="atr"
        Which annotator; the end of the file's name.

    Returns
    -------
    Annotations

    Raises
    ------
    RecordFileError
        If there is no such file, or it is no annotation file.

    References
    ----------
    The annot(5) page of the WFDB Applications Guide (Moody et al., PhysioNet).
    """
    path = Path(path)
    if not re.fullmatch(r"\w{1,20}", extension):
        raise RecordFileError(f"{path}: {extension[:40]!r} cannot be the end of a file's name.")
    record = path.with_suffix("") if path.suffix.lower() == ".hea" else path
    file = record.with_name(f"{record.name}.{extension}") if record.name else record
    size = file_size(file)
    if size > MAX_ANNOTATION_BYTES:
        raise RecordFileError(
            f"{file}: {size} bytes, more than {MAX_ANNOTATION_BYTES}; are these annotations?"
        )
    if not size:
        raise RecordFileError(f"{file}: is empty; download it again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # wfdb uses what pandas is about to drop
            import wfdb

            found = wfdb.rdann(str(record.absolute()), extension)
    except Exception as error:
        # wfdb raises many kinds of exceptions on damaged files
        raise RecordFileError(
            f"{file}: wfdb finds no annotations in it ({error or type(error).__name__})."
        ) from None
    sample = np.asarray(found.sample, np.int64)
    if (sample < 0).any() or (np.diff(sample) < 0).any():
        raise RecordFileError(f"{file}: times of annotations fall; the file is damaged.")
    return Annotations(
        sample,
        tuple(str(symbol) for symbol in found.symbol),
        tuple(str(text).rstrip("\0") for text in found.aux_note),
        str(file),
    )
