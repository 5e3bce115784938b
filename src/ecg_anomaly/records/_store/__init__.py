"""The packed store: int16 shards and an index in SQLite."""

from ._index import is_store
from ._reader import StoreReader, StoreSource
from ._writer import Packed, StoreWriter, packed

__all__ = ["Packed", "StoreReader", "StoreSource", "StoreWriter", "is_store", "packed"]
