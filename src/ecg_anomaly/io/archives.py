"""Records of zip archives, taken apart into a folder that goes again."""

from __future__ import annotations

import lzma
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
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
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError)
_DRIVE = re.compile("[A-Za-z]:")


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
        If there is no place for temporary files; and as `find_records`. What is wrong with an
        archive is raised where it is read, as if it were a record: if it is damaged, encrypted,
        would fill the disk, holds a link, a file outside itself or no record, or unpacks to far
        more than it is.

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
    if not archives:
        yield find_records(given), read
        return
    with _temporary_folder() as folder:
        folders = {path: folder / str(number) for number, path in enumerate(archives)}
        contents: dict[Path, list[Path]] = {}
        problems: dict[Path, RecordFileError] = {}
        for path, unpacked in folders.items():
            try:
                contents[path] = _contents(path, unpacked)
            except RecordFileError as error:
                problems[path] = error
        files: list[Path] = []
        for path in given:
            if path in problems:
                files.append(path)
            else:
                files += contents[path] if path in contents else find_records([path])
        yield files, _ReadUnzipped(read, folders, problems)


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and not path.is_dir()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="ecg-anomaly-")
    except OSError as error:
        raise RecordFileError(
            f"no place to unpack archives ({error.strerror or error}); set TMPDIR to a folder "
            "with space."
        ) from None
    with folder as name:
        yield Path(name)


def _contents(path: Path, folder: Path) -> list[Path]:
    """Unpack an archive, and return the names of its records."""
    with _called(path, folder):
        _unpack(path, folder)
        return [path / file.relative_to(folder) for file in find_records([folder])]


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
    folders: Mapping[Path, Path]
    problems: Mapping[Path, ECGError]

    def __call__(self, path: str | Path, **how: object) -> Record:
        if Path(path) in self.problems:
            raise self.problems[Path(path)]
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
                name = _name(member)
                if not name.endswith("/"):
                    _write(path, archive, member, target / name)
    except RecordFileError:
        raise
    except (*_DAMAGED, RuntimeError, OSError) as error:
        raise RecordFileError(f"{path}: {_problem(error)}") from None


def _problem(error: Exception) -> str:
    """Return what is wrong with an archive, and the remedy."""
    if isinstance(error, NotImplementedError):
        return "is packed by a method that is not known; unpack it first."
    if isinstance(error, FileExistsError):
        return "holds a file and a folder of one name; unpack it yourself."
    if isinstance(error, FileNotFoundError):
        return f"cannot be read ({error.strerror}); check the path."
    # bzip2 tells of damage by an OSError without a number
    if isinstance(error, _DAMAGED) or (isinstance(error, OSError) and error.errno is None):
        detail = " ".join(str(error).split())[:100]
        return f"is no zip archive, or damaged ({detail}); copy it again."
    if isinstance(error, OSError):
        return (
            f"cannot be unpacked ({error.strerror}); free some space, or unpack it yourself and "
            "name the folder."
        )
    return "is encrypted; unpack it first."


def _check(path: Path, members: list[zipfile.ZipInfo], target: Path) -> None:
    """Refuse an archive before anything of it is written."""
    if len(members) > _MOST_FILES:
        raise RecordFileError(f"{path}: holds {len(members)} files; unpack it yourself.")
    for member in members:
        name, mode = _name(member), member.external_attr >> 16
        parts = PurePosixPath(name).parts
        outside = not parts or PurePosixPath(name).is_absolute() or ".." in parts
        # a colon is fine in a name, but not on Windows
        if outside or _DRIVE.match(name) or "\0" in name or (os.name == "nt" and ":" in name):
            raise RecordFileError(
                f"{path}: {name[:80]!r} would lie outside the archive's folder; do not trust it."
            )
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise RecordFileError(f"{path}: {name[:80]!r} is no file but a link or device.")
    names = [name for member in members if not (name := _name(member)).endswith("/")]
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


def _name(member: zipfile.ZipInfo) -> str:
    # as some programs on Windows write it
    return member.filename.replace("\\", "/")


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
