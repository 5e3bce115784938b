"""Zip archives of records, taken apart into a folder that goes again."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..errors import RecordFileError

# An archive of 100,000 ECGs of 12 x 5,000 has fewer, and samples shrink to a third at best.
_MOST_FILES = 250_000
_MOST_BYTES = 32 * 2**30
_MOST_GROWTH = 100
# Below, growth says nothing: headers alone shrink to a hundredth.
_SMALL = 2**20
_PIECE = 2**20


@contextmanager
def without_archives(paths: Iterable[str | Path]) -> Iterator[list[Path]]:
    """Give the paths, folders instead of zip archives, for as long as the block lasts.

    Parameters
    ----------
    paths : iterable of str or Path
        What ends in ``.zip`` is taken apart, each into a temporary folder of its own, which is
        called like it.

    Yields
    ------
    list of Path
        For `find_records`.

    Raises
    ------
    RecordFileError
        If an archive is damaged, encrypted, would fill the disk, holds a link or a file outside
        itself, or unpacks to far more than it is.

    Examples
    --------
    >>> with without_archives(["records/a.hea"]) as paths:
    ...     print([path.name for path in paths])
    ['a.hea']
    """
    with tempfile.TemporaryDirectory(prefix="ecg-anomaly-") as folder:
        found = []
        for number, path in enumerate(map(Path, paths)):
            if path.suffix.lower() == ".zip" and path.is_file():
                target = Path(folder, str(number), path.stem)
                _unpack(path, target)
                path = target
            found.append(path)
        yield found


def _unpack(path: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check(path, members, target)
            for member in members:
                if not member.is_dir():
                    _write(path, archive, member, target / member.filename)
    except RecordFileError:
        raise
    except RuntimeError:
        raise RecordFileError(f"{path}: is encrypted; unpack it first.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        detail = " ".join(str(error).split())[:100]
        raise RecordFileError(
            f"{path}: is no zip archive, or damaged ({detail}); copy it again."
        ) from None
    except OSError as error:
        raise RecordFileError(
            f"{path}: cannot be unpacked ({error.strerror or error}); free some space, or unpack "
            "it yourself and name the folder."
        ) from None


def _check(path: Path, members: list[zipfile.ZipInfo], target: Path) -> None:
    """Refuse an archive before anything of it is written."""
    if len(members) > _MOST_FILES:
        raise RecordFileError(f"{path}: holds {len(members)} files; unpack it yourself.")
    for member in members:
        name, mode = member.filename, member.external_attr >> 16
        outside = PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
        if outside or "\\" in name or ":" in name or "\0" in name:
            raise RecordFileError(
                f"{path}: {name[:80]!r} would lie outside the archive's folder; do not trust it."
            )
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise RecordFileError(f"{path}: {name[:80]!r} is no file but a link or device.")
    names = [str(PurePosixPath(member.filename)).lower() for member in members]
    if len(set(names)) < len(names):
        raise RecordFileError(f"{path}: holds two files of one name; unpack it yourself.")
    total = sum(member.file_size for member in members)
    packed = path.stat().st_size
    if total > _MOST_BYTES or total > max(_SMALL, _MOST_GROWTH * packed):
        raise RecordFileError(
            f"{path}: {packed:,} bytes would become {total:,}; unpack it yourself if you trust it."
        )
    target.mkdir(parents=True)
    if total > shutil.disk_usage(target).free:
        raise RecordFileError(
            f"{path}: needs {total:,} bytes in {target.parent.parent}; free some space, or set "
            "TMPDIR."
        )


def _write(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Write a member, never more than it announces."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with archive.open(member) as source, target.open("xb") as file:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise RecordFileError(
                    f"{path}: {member.filename[:80]!r} is longer than announced; do not trust it."
                )
            file.write(piece)
    os.chmod(target, 0o600)
