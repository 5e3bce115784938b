"""Arguments checked before anything is computed, and made into what the library takes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..errors import ECGError


def check_out(out: Path) -> None:
    """Refuse a file that cannot be written, before anything is computed."""
    if not out.parent.is_dir():
        raise ECGError(f"{out.parent}: no such folder; make it first.")
    if out.exists() and not out.is_file():
        raise ECGError(f"{out}: is a folder, pipe or device; name a file to write.")


def model_file(model: str) -> Path:
    """Return the file of a model, given by its path or the name of one that comes with us."""
    from ..pretrained import PRETRAINED, pretrained_path

    return pretrained_path(model) if model in PRETRAINED else Path(model)


def check_aggregate(aggregate: str) -> None:
    """Refuse an unknown way to put windows together."""
    if aggregate not in ("min", "mean", "median"):
        raise ECGError(f"--aggregate must be min, mean or median, got {aggregate!r}.")


def rate(value: float, option: str) -> float:
    """Return a share between 0 and 1."""
    if not 0 < value < 1:
        raise ECGError(f"{option} must lie between 0 and 1, got {value:g}.")
    return value


def reader(fs: float | None, leads: str | None, unit: str | None):
    """Return how files are read that do not tell everything themselves."""
    from ..io import read_record

    names = None if leads is None else leads.split(",")
    return partial(read_record, fs=fs, leads=names, unit=unit)
