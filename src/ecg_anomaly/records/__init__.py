"""One ECG (`Record`) and many of one shape (`RecordSet`), lazily read."""

from ._record import Channel, Record, default_leads
from ._record_set import BATCH_SIZE, RecordSet
from ._sources import RecordSignalError, SignalSource
from ._store import is_store

__all__ = [
    "BATCH_SIZE",
    "Channel",
    "Record",
    "RecordSet",
    "RecordSignalError",
    "SignalSource",
    "default_leads",
    "is_store",
]
