"""Shards: files of int16 samples, one record behind another, which only grow."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import xxhash

from ...errors import StoreError

#: Bytes from which on a new shard begins: few files, none too large to copy.
SHARD_BYTES = 2**30
#: How arrays hold digests.
DIGEST = np.dtype("V8")


def shard_path(folder: Path, number: int) -> Path:
    """Return the path of a shard."""
    return folder / f"shard-{number:05d}.i16"


def digest(values) -> bytes:
    """Return the digest of a record's bytes, which tells damage: XXH3 of 64 bits."""
    return xxhash.xxh3_64_digest(values)


class ShardWriter:
    """Appends to the last shard of a store.

    Parameters
    ----------
    folder : Path
    extents : dict of int to int
        Bytes of each shard that the index knows; what lies behind was not finished, and goes.
    """

    def __init__(self, folder: Path, extents: dict[int, int]):
        self.folder = folder
        check_shards(folder, extents)
        self.number = max(extents, default=0)
        self.end = extents.get(self.number, 0)
        for path in folder.glob("shard-*.i16"):
            if path not in {shard_path(folder, number) for number in (*extents, self.number)}:
                path.unlink()  # begun, and nothing of it finished
        self._file = self._opened()

    def _opened(self) -> BinaryIO:
        path = shard_path(self.folder, self.number)
        file = path.open("r+b" if path.exists() else "w+b")
        try:
            file.truncate(self.end)
            file.seek(self.end)
        except BaseException:
            file.close()
            raise
        return file

    def append(self, content: bytes) -> tuple[int, int]:
        """Write the samples of a record; return its shard, and where it begins there."""
        if self.end >= SHARD_BYTES:
            self.sync()
            self._file.close()
            self.number, self.end = self.number + 1, 0
            self._file = self._opened()
        start = self.end
        self._file.write(content)
        self.end += len(content)
        return self.number, start

    def sync(self) -> None:
        """Wait until all lies on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file, whatever is on its way."""
        # what does not fit on the disk is not in the index either
        with suppress(OSError):
            self._file.close()


def check_shards(folder: Path, extents: dict[int, int]) -> None:
    """Refuse shards that are missing, or shorter than the index knows."""
    for number, extent in extents.items():
        path = shard_path(folder, number)
        try:
            size = path.stat().st_size
        except OSError as error:
            raise StoreError(f"{path}: cannot be read ({error.strerror}); restore it.") from None
        if size < extent:
            raise StoreError(
                f"{path}: has {size} bytes where the index knows {extent}; restore it, or pack the "
                "records anew."
            )
