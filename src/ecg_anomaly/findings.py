"""What is noteworthy about one ECG: typed findings, kept with the record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """Kinds of findings: about the file and its header, about a lead, about the record."""

    # the file and its header
    RATE_MISSING = "sampling rate missing"
    UNCOMMON_RATE = "uncommon sampling rate"
    GAIN_MISSING = "gain missing"
    UNIT_ASSUMED = "unit assumed"
    NAME_MISSING = "lead name missing"
    NAME_REPEATED = "lead name repeated"
    LENGTH_UNKNOWN = "length unknown"
    INITIAL_VALUE = "wrong initial value"
    TRAILING_BYTES = "trailing bytes"
    ENCODING = "header not in UTF-8"
    EXTRA_CHANNEL = "extra channel"
    MIXED_RATES = "mixed rates"
    IMPLAUSIBLE_AGE = "implausible age"
    CALIBRATION = "calibration pulse"

    # a lead
    MISSING = "missing"
    FLAT = "flat"
    CLIPPED = "clipped"
    MAINS = "mains tone"
    BASELINE_WANDER = "baseline wander"
    NOISE = "noise"
    DISCONNECTED = "disconnected"
    OUT_OF_STEP = "out of step"
    OFFSET = "offset"
    AMPLITUDE = "implausible amplitude"

    # the record
    REVERSAL_LA_RA = "LA/RA reversal suspected"
    REVERSAL_RA_RL = "RA/RL reversal suspected"
    EINTHOVEN = "Einthoven's sum violated"
    GOLDBERGER = "Goldberger's sum violated"
    TOO_SHORT = "too short"
    PACED = "paced"
    POPULATION = "outside the reference population"


@dataclass(frozen=True)
class Finding:
    """One thing that is noteworthy about an ECG.

    Parameters
    ----------
    kind : FindingKind
    lead : str, default=""
        Name of the lead or channel, empty where the finding is about the whole record.
    start, end : float, optional
        Where in the record, in seconds; None where it is everywhere.
    detail : str, default=""
        What was found, in words and numbers.

    Examples
    --------
    >>> print(Finding(FindingKind.FLAT, "V2", 1.0, 3.5, "0.2 mV"))
    flat, V2, 1 to 3.5 s: 0.2 mV
    """

    kind: FindingKind
    lead: str = ""
    start: float | None = None
    end: float | None = None
    detail: str = ""

    def __str__(self) -> str:
        where = [str(self.kind)]
        if self.lead:
            where.append(self.lead)
        if self.start is not None and self.end is not None:
            where.append(f"{self.start:g} to {self.end:g} s")
        return ", ".join(where) + (f": {self.detail}" if self.detail else "")
