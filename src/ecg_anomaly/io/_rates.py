"""Sampling rates that an ECG can have."""

from __future__ import annotations

from pathlib import Path

from ..errors import RecordFileError
from ..findings import Finding, FindingKind

#: No recorder of ECGs samples slower or faster, in Hz.
POSSIBLE = (10.0, 1e6)
#: Slower loses the QRS complex, faster is no ECG recorder's, in Hz.
COMMON = (50.0, 20_000.0)


def check_ecg_rate(path: Path, fs: float) -> list[Finding]:
    """Return a finding about an uncommon rate.

    Raises
    ------
    RecordFileError
        If no ECG can have it.
    """
    if not POSSIBLE[0] <= fs <= POSSIBLE[1]:
        raise RecordFileError(
            f"{path}: {fs:g} Hz is no sampling rate of an ECG, which lies between {POSSIBLE[0]:g} "
            f"and {POSSIBLE[1]:g} Hz; correct the header, the side-car or fs=."
        )
    if COMMON[0] <= fs <= COMMON[1]:
        return []
    return [Finding(FindingKind.UNCOMMON_RATE, detail=f"{fs:g} Hz")]
