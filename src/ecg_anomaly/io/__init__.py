"""Reading and writing of ECG files, one file a format; `read_record` finds the right one."""

from ._reading import find_records, read_record
from ._writing import write_record
from .annotations import Annotations, read_annotations
from .archives import unzipped

__all__ = [
    "Annotations",
    "find_records",
    "read_annotations",
    "read_record",
    "unzipped",
    "write_record",
]
