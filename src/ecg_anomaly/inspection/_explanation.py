"""What is said of one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import SignalError
from ._spans import Span


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a model finds one record more or less unusual.

    Attributes
    ----------
    map : ndarray of float32 of shape (n_leads, n_samples)
        On the grid of the record. With the label "score": how much the anomaly score,
        ``-score_samples``, falls if that place is restored to what the model takes for normal;
        signed, comparable across leads and records, and adding up to about
        ``anomaly_score - restored_score``. With "reconstruction error": squared differences over
        their usual size, which another score is made of.
    leads : tuple of str
        The rows of `map`.
    ranking : tuple of (str, float)
        Leads by their part of the map, the most blamed one first.
    spans : tuple of Span
        Where most of the map is, the first one foremost.
    neighbours : tuple of (str or int, float)
        The nearest normal training records and their distances, where the detector knows them;
        by number where it was fitted on an array.
    departures : tuple of (str, float)
        Which pathologies the median beat resembles, and how far it departs from normal ones towards
        each, in standard deviations: those of 2 and more, the farthest first. No diagnosis. Only of
        detectors with ``score_method="latent_beat"``.
    faithful : bool
        Whether restoring the first span lowers the score by more than each of 19 random spans of
        the same length and number of leads: a rank test at 5 %.
    label : {"score", "reconstruction error"}
        What `map` is: "score" only where it was shown to be faithful.
    anomaly_score, restored_score : float
        Before and after the record is restored; higher = more unusual.
    restored : ndarray of float32 of shape (n_leads, n_samples)
        The record, as the detector is given it, restored.
    record_id : str or int
    fs : float
        In Hz.
    """

    map: np.ndarray
    leads: tuple[str, ...]
    ranking: tuple[tuple[str, float], ...]
    spans: tuple[Span, ...]
    neighbours: tuple[tuple[object, float], ...]
    departures: tuple[tuple[str, float], ...]
    faithful: bool
    label: str
    anomaly_score: float
    restored_score: float
    restored: np.ndarray
    record_id: object
    fs: float

    def map_of(self, leads: Sequence[str]) -> np.ndarray:
        """Return the rows of the map of some leads, unchanged by which others are shown.

        Raises
        ------
        SignalError
            If a lead is not there.
        """
        missing = [lead for lead in leads if lead not in self.leads]
        if missing:
            raise SignalError(
                f"record {self.record_id}: no map of {', '.join(missing)}; there are "
                f"{', '.join(self.leads)}."
            )
        return self.map[[self.leads.index(lead) for lead in leads]]

    def __str__(self) -> str:
        spans = "; ".join(str(span) for span in self.spans) or "nothing stands out"
        told = ", ".join(
            f"{name.replace('_', ' ')} ({far:.1f} SD)" for name, far in self.departures
        )
        return (
            f"record {self.record_id}: anomaly score {self.anomaly_score:.3g}, "
            f"{self.restored_score:.3g} restored; by {self.label}: {spans}"
            + (f"; its beats resemble {told}" if told else "")
        )
