"""The packed store: int16 shards and an index in SQLite."""

from ._reader import StoreReader, StoreSource
from ._writer import StoreWriter

__all__ = ["StoreReader", "StoreSource", "StoreWriter"]
