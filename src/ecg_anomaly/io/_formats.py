"""Which format a file has: by its name, or by what it begins with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..records import Record
from .csv import read_csv
from .dicom import MAGIC as DICOM
from .dicom import read_dicom
from .edf import MAGIC as EDF
from .edf import read_edf
from .npy import read_npy
from .wfdb import read_wfdb
from .xml import read_xml, root_of

#: Formats whose files are known by their names. A new one is one file with a function like these,
#: and one line here.
BY_SUFFIX: dict[str, Callable[..., Record]] = {
    ".hea": read_wfdb,
    ".npy": read_npy,
    ".csv": read_csv,
}
#: Formats whose files bear any name, and these by custom.
BY_CONTENT: dict[str, Callable[..., Record]] = {
    ".edf": read_edf,
    ".dcm": read_dicom,
    ".xml": read_xml,
}


def reader_of(path: Path) -> Callable[..., Record] | None:
    """Return what reads a file, None where neither name nor content tells.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    known = BY_SUFFIX.get(path.suffix.lower())
    if known is not None or not path.is_file():
        return known
    with path.open("rb") as file:
        head = file.read(132)
    if head.startswith(EDF):
        return read_edf
    if head[128:] == DICOM:
        return read_dicom
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<" or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return read_xml if root_of(path) else None
    return None
