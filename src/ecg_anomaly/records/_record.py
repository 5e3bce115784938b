"""One ECG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import SignalError
from ..findings import Finding
from ..leads import STANDARD_LEADS, canonical_leads, reorder
from ..signal.checks import check_rate


def default_leads(n_leads: int) -> tuple[str, ...]:
    """Return the standard names for twelve leads, and numbered ones for any other count."""
    return STANDARD_LEADS if n_leads == 12 else tuple(f"lead{k + 1}" for k in range(n_leads))


@dataclass(eq=False)
class Channel:
    """What was recorded beside the ECG: respiration, pressure, pulse.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    fs : float
        Its own sampling rate in Hz.
    unit : str
        As the file has it.
    """

    signal: np.ndarray
    fs: float
    unit: str


@dataclass(eq=False)
class Record:
    """One ECG.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_samples)
        In mV; kept as float32.
    fs : float, default=100.0
        Sampling rate in Hz.
    leads : sequence of str, optional
        Lead names in any alias; by default the standard names for twelve leads.
    record_id, patient_id, source : str, default=""
        Which record, whose, and from which file or database.
    annotations : dict, optional
        Whatever else is known: beat labels, diagnoses, ``age`` in years, ``sex``.
    quality : tuple of Finding, default=()
        What the reader found noteworthy; empty, and so false, when clean.
    extra : dict of str to Channel, optional
        Channels that are no ECG leads.

    Raises
    ------
    SignalError
        If the signal is not a two-dimensional array of real numbers, `fs` is not a positive
        number, or the names do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> record = Record(np.zeros((2, 500)), fs=250, leads=["i", "avf"], record_id="a1")
    >>> record.leads, record.duration
    (('I', 'aVF'), 2.0)
    """

    signal: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    fs: float = 100.0
    leads: Sequence[str] | None = None
    record_id: str = ""
    patient_id: str = ""
    source: str = ""
    annotations: dict[str, Any] = field(default_factory=dict)
    quality: tuple[Finding, ...] = ()
    extra: dict[str, Channel] = field(default_factory=dict)

    def __post_init__(self):
        where = f"record {self.record_id!r}: " if self.record_id else ""
        signal = np.asarray(self.signal)
        if signal.ndim != 2 or signal.dtype.kind not in "fiub":
            raise SignalError(
                f"{where}signal must be a real array of shape (n_leads, n_samples), got "
                f"{signal.dtype} of shape {signal.shape}."
            )
        self.signal = np.ascontiguousarray(signal, dtype=np.float32)
        try:
            self.fs = check_rate(self.fs)
            self.leads = (
                default_leads(len(signal)) if self.leads is None else canonical_leads(self.leads)
            )
        except SignalError as error:
            raise SignalError(f"{where}{error}") from None
        if len(self.leads) != len(signal):
            raise SignalError(
                f"{where}{len(signal)} leads in the signal, but {len(self.leads)} lead names."
            )

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.signal.shape[1] / self.fs

    @property
    def age(self) -> float:
        """Age of the patient in years, from ``annotations["age"]``; NaN where it is not known."""
        try:
            return float(self.annotations.get("age", np.nan))
        except (TypeError, ValueError):
            return np.nan

    def select_leads(self, leads: Sequence[str], *, missing: str = "raise") -> np.ndarray:
        """Return the signal with leads by name and in order, deriving limb leads.

        See Also
        --------
        ecg_anomaly.leads.reorder : the rules.
        """
        try:
            return reorder(self.signal, self.leads or (), leads, missing=missing)
        except SignalError as error:
            raise SignalError(f"record {self.record_id!r}: {error}") from None
