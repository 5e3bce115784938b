"""When a recording began, as files write it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

# DICOM's value representation DT, from its seconds on; also aECG's.
_DT = re.compile(r"(\d{14})(\.\d{1,6})?([+-]\d{4})?", re.ASCII)


def start_of(annotations: Mapping[str, Any]) -> datetime | None:
    """Return when a record began, from its annotations; None where no local time is told.

    Examples
    --------
    >>> start_of({"time": "2020-05-01T10:11:12"})
    datetime.datetime(2020, 5, 1, 10, 11, 12)
    """
    text = str(annotations.get("time"))
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if "T" not in text:  # a day alone
        return None
    return time if time.tzinfo is None else None


def wfdb_time(fields: list[str]) -> datetime | None:
    """Return base time and date of a header, None where one of them is not told, or is impossible.

    Examples
    --------
    >>> wfdb_time(["10:11:12.5", "01/05/2020"])
    datetime.datetime(2020, 5, 1, 10, 11, 12, 500000)
    """
    if len(fields) < 2:
        return None
    return _parsed(" ".join(fields[:2]), "%H:%M:%S %d/%m/%Y", "%H:%M:%S.%f %d/%m/%Y")


def dicom_time(text: str) -> datetime | None:
    """Return a time of DICOM that tells its second, None otherwise.

    Examples
    --------
    >>> dicom_time("20200501101112+0100").isoformat(), dicom_time("2020")
    ('2020-05-01T10:11:12+01:00', None)
    """
    match = _DT.fullmatch(text.strip())
    if match is None:
        return None
    fraction, zone = match[2] or ".0", match[3] or ""
    return _parsed(match[1] + fraction + zone, "%Y%m%d%H%M%S.%f" + ("%z" if zone else ""))


def _parsed(text: str, *formats: str) -> datetime | None:
    for format in formats:
        try:
            return datetime.strptime(text, format)
        except ValueError:
            continue
    return None
