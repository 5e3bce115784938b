"""Reading ECG files, one file a format; `read_record` finds the right one."""

from .wfdb import find_records, read_record

__all__ = ["find_records", "read_record"]
