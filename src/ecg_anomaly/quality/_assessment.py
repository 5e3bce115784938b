"""What the gate says about one ECG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ..findings import Finding


class Outcome(StrEnum):
    """Whether an ECG can be scored."""

    SCORABLE = "scorable"
    IMPUTED = "scorable with leads imputed"
    NOT_SCORABLE = "not scorable"


@dataclass(frozen=True)
class Assessment:
    """What the gate says about one ECG.

    Parameters
    ----------
    outcome : Outcome
    findings : tuple of Finding
        Of the reader first, then the gate's: by lead, kind and time.
    unusable_leads : tuple of str
        Leads to be imputed from the others, whole.
    unusable_spans : tuple of (str, float, float)
        Lead, start and end in seconds of what else is to be imputed.
    reason : str
        Why it is not simply scorable; empty where it is.
    pacing_visible : bool
        Whether rate and bandwidth would show pacing pulses; else that the record is not
        "paced" says nothing.
    """

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    unusable_leads: tuple[str, ...] = ()
    unusable_spans: tuple[tuple[str, float, float], ...] = ()
    reason: str = ""
    pacing_visible: bool = False

    @property
    def is_scorable(self) -> bool:
        """Whether a score means anything, leads imputed or not."""
        return self.outcome is not Outcome.NOT_SCORABLE

    def blank_signal(self, signal: np.ndarray, fs: float, leads: Sequence[str]) -> None:
        """Put NaN into a signal of shape (n_leads, n_samples) where it is unusable, in place.

        `LeadImputer` fills it in.

        Examples
        --------
        >>> signal = np.zeros((2, 500))
        >>> bad = Assessment(Outcome.IMPUTED, unusable_spans=(("II", 0.0, 1.0),))
        >>> bad.blank_signal(signal, 250, ["I", "II"])
        >>> np.isnan(signal).sum(axis=1).tolist()
        [0, 250]
        """
        row = {lead: k for k, lead in enumerate(leads)}
        signal[[row[lead] for lead in self.unusable_leads]] = np.nan
        for lead, start, end in self.unusable_spans:
            signal[row[lead], round(start * fs) : round(end * fs)] = np.nan
