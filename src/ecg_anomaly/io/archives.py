"""Records of zip archives, taken apart into a folder that goes again."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ..errors import ECGError, RecordFileError
from ..records import Record
from ._reading import find_records, read_record

# An archive of 100,000 ECGs of 12 x 5,000 has fewer, and samples shrink to a third at best.
_MOST_FILES = 250_000
_MOST_BYTES = 32 * 2**30
_MOST_GROWTH = 100
# Below, growth says nothing: headers alone shrink to a hundredth.
_SMALL = 2**20
_PIECE = 2**20


@contextmanager
def unzipped(
    paths: str | Path | Iterable[str | Path],
    read: Callable[[str | Path], Record] = read_record,
) -> Iterator[tuple[list[Path], Callable[[str | Path], Record]]]:
    """Find records in files, folders and zip archives, and give what reads them.

    A record in an archive is called by the archive and its place there, as in
    ``export.zip/a/rec.dcm``, in results and errors too, and so the same in every call.

    Parameters
    ----------
    paths : str or Path, or iterable of them
        As for `find_records`. What ends in ``.zip`` is taken apart into a temporary folder, for as
        long as the block lasts; archives within folders or archives are left alone.
    read : callable, default=`read_record`
        How files are read.

    Yields
    ------
    files : list of Path
        As of `find_records`.
    read : callable
        Reads one of them; picklable if `read` is.

    Raises
    ------
    RecordFileError
        If an archive is damaged, encrypted, would fill the disk, holds a link, a file outside
        itself or no record, or unpacks to far more than it is; and as `find_records`.

    See Also
    --------
    find_records : without archives.

    Examples
    --------
    >>> import tempfile, zipfile
    >>> import numpy as np
    >>> folder = tempfile.mkdtemp()
    >>> np.save(f"{folder}/a.npy", np.array([[0.1, 0.2, 0.3]]))
    >>> with zipfile.ZipFile(f"{folder}/export.zip", "w") as archive:
    ...     archive.write(f"{folder}/a.npy", "ward/a.npy")
    >>> with unzipped(f"{folder}/export.zip") as (files, read):
    ...     record = read(files[0], fs=500, leads=["II"])
    >>> record.source.removeprefix(folder)
    '/export.zip/ward/a.npy'
    """
    given = [Path(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    archives = list(dict.fromkeys(path for path in given if _is_archive(path)))
    with tempfile.TemporaryDirectory(prefix="ecg-anomaly-") as folder:
        folders = {path: Path(folder, str(number)) for number, path in enumerate(archives)}
        files = []
        for path in given:
            if path not in folders:
                files += find_records([path])
                continue
            if not folders[path].exists():
                _unpack(path, folders[path])
            with _called(path, folders[path]):
                found = find_records([folders[path]])
            files += [path / file.relative_to(folders[path]) for file in found]
        yield files, _ReadUnzipped(read, folders) if folders else read


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file()


@contextmanager
def _called(archive: Path, folder: Path) -> Iterator[None]:
    """Name the archive in errors instead of the folder that it lies in for now."""
    try:
        yield
    except ECGError as error:
        raise type(error)(str(error).replace(str(folder), str(archive))) from None


@dataclass(frozen=True)
class _ReadUnzipped:
    """Reads records by the names that they have in their archives."""

    read: Callable[..., Record]
    folders: dict[Path, Path]

    def __call__(self, path: str | Path, **how: object) -> Record:
        for archive, folder in self.folders.items():
            if Path(path).is_relative_to(archive):
                with _called(archive, folder):
                    record = self.read(folder / Path(path).relative_to(archive), **how)
                return replace(record, source=str(path))
        return self.read(path, **how)


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
            f"{path}: needs {total:,} bytes in {target.parent}; free some space, or set TMPDIR."
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
