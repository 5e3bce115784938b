"""The formats in which the UCR archive and its mirrors serve a split: text, .ts and .arff."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from ._folders import is_file

#: In order of preference, where a folder holds several; "" is the archive's oldest form.
SUFFIXES = (".txt", ".tsv", ".csv", ".ts", ".arff", "")


def find_split(folder: Path, name: str, split: str) -> Path:
    """Return the file of a split, such as ``ECG200_TRAIN.txt``.

    Raises
    ------
    DatasetError
        If there is none, or the folder may not be looked into.
    """
    stem = f"{name}_{split.upper()}"
    for suffix in SUFFIXES:
        path = folder / f"{stem}{suffix}"
        if is_file(path):
            return path
    raise DatasetError(
        f"{folder / stem} is missing, with any of {', '.join(filter(None, SUFFIXES))}; the folder "
        f"must hold {name} as the UCR archive serves it."
    )


def read_split(path: Path, n_samples: int, classes: set[int]) -> tuple[np.ndarray, np.ndarray]:
    """Read the rows of a split.

    Text files have a row's label first and commas, tabs or spaces between numbers; ``.arff`` has
    it last, ``.ts`` after a colon.

    Parameters
    ----------
    path : Path
    n_samples : int
        Numbers that each row must have beside its label.
    classes : set of int
        Labels that there are.

    Returns
    -------
    values : ndarray of float32 of shape (n_rows, n_samples)
    labels : ndarray of int of shape (n_rows,)

    Raises
    ------
    DatasetError
        If the file cannot be read, or a row is longer, shorter, or holds something else than finite
        numbers and one of the labels; the message names file and line.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); check the path.") from None
    if b"\0" in raw:
        raise DatasetError(f"{path} holds NUL bytes and is no text; download it again.")
    lines = raw.decode("utf-8", errors="replace").splitlines()
    values, labels = [], []
    for number, line in _rows(path, lines):
        where = f"{path}, line {number}"
        label, fields = _fields(path, line, where)
        if len(fields) != n_samples:
            raise DatasetError(
                f"{where}: {len(fields)} values where each row has {n_samples}; download the file "
                "again."
            )
        values.append(np.array([_number(text, k, where) for k, text in enumerate(fields)]))
        labels.append(_label(label, classes, where))
    if not values:
        raise DatasetError(f"{path} holds no row; download it again.")
    return np.array(values, np.float32), np.array(labels)


def _rows(path: Path, lines: list[str]) -> list[tuple[int, str]]:
    """Return the data lines with their numbers in the file."""
    numbered = [(k, line.strip()) for k, line in enumerate(lines, start=1) if line.strip()]
    if path.suffix not in (".ts", ".arff"):
        return numbered
    start = [k for k, line in numbered if line.lower() == "@data"]
    if not start:
        raise DatasetError(f"{path} has no line @data; download it again.")
    return [(k, line) for k, line in numbered if k > start[0] and line[0] not in "#%"]


def _fields(path: Path, line: str, where: str) -> tuple[str, list[str]]:
    """Return the label and the other fields of a line."""
    if path.suffix == ".ts":
        *series, label = line.split(":")
        if len(series) != 1:
            raise DatasetError(
                f"{where}: {len(series)} series and a label where there is one series; download "
                "the file again."
            )
        return label, series[0].split(",")
    fields = line.split(",") if "," in line else line.split()
    if path.suffix == ".arff":
        return fields[-1].strip().strip("'\""), fields[:-1]
    return fields[0], fields[1:]


def _float(text: str) -> float:
    """Return a number as files write them, NaN for anything else that Python takes for one."""
    try:
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan


def _number(text: str, column: int, where: str) -> float:
    value = _float(text)
    if not abs(value) < 1e9:
        raise DatasetError(
            f"{where}: value {column + 1} is {text.strip()[:40]!r}, no finite number; the dataset "
            "has no missing values: download the file again."
        )
    return value


def _label(text: str, classes: set[int], where: str) -> int:
    label = _float(text)
    if label not in classes:
        raise DatasetError(
            f"{where}: the label is {text.strip()[:40]!r}, none of {sorted(classes)}; download the "
            "file again."
        )
    return int(label)
