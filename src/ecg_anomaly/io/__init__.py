"""Reading ECG files, one file a format; `read_record` finds the right one."""

from .annotations import Annotations, read_annotations
from .wfdb import find_records, read_record

__all__ = ["Annotations", "find_records", "read_annotations", "read_record"]
