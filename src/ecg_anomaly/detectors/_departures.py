"""The part of a detector that reads median beats: which way, and how far, they depart."""

from __future__ import annotations

import numpy as np

from .._input import SignalInputMixin
from ..errors import SignalError
from ..leads import STANDARD_LEADS
from ..pathologies import DEPARTURES
from ..signal.r_peaks import beat_centers
from . import _directions
from ._rows import joined

# In seconds: a median beat of less is that of one or two.
_SHORTEST = 2.5


class DeparturesMixin(SignalInputMixin):
    """Median beats of a detector with ``score_method="latent_beat"``.

    `_fit_directions` sets `directions_`, which detectors with another score do not have.
    """

    score_method: str
    scale_: np.ndarray
    directions_: _directions.Directions

    def _check_fitted_input(self, X):
        raise NotImplementedError

    def departures(self, X):
        """Return how far each median beat departs from normal ones towards each pathology.

        Needs ``score_method="latent_beat"``, of whose scores these are a part. They say what a beat
        resembles, and are no diagnosis.

        Returns
        -------
        ndarray of float64 of shape (n_records, n_departures)
            In standard deviations of the training normals, positive towards the pathology or high
            voltage; the columns are `ecg_anomaly.pathologies.DEPARTURES`.
        """
        X = self._check_fitted_input(X)
        self._check_directions()
        return np.concatenate([self._along(signals) for signals in self._batches(X)])

    def _beat_leads(self, n_leads: int, n_samples: int) -> tuple[str, ...]:
        """Return the leads whose median beats count: none but by the score that reads them."""
        if self.score_method != "latent_beat":
            return ()
        leads = self._named_leads(n_leads)
        if not leads or not set(leads) <= set(STANDARD_LEADS):
            told = f"are {', '.join(leads)}" if leads else "have no names"
            raise SignalError(
                f"score_method='latent_beat' reads beats by lead, but the {n_leads} leads {told}; "
                "name them out of the standard twelve (leads=...), or take another score_method."
            )
        if n_samples < _SHORTEST * self.fs_:
            raise SignalError(
                f"score_method='latent_beat' reads the median of several beats, but records have "
                f"{n_samples / self.fs_:.3g} s; take records of {_SHORTEST} s or more, or "
                "another score_method."
            )
        return leads

    def _named_leads(self, n_leads: int) -> tuple[str, ...]:
        # arrays of twelve leads are taken to have them in the standard order
        return self.leads_ or (STANDARD_LEADS if n_leads == len(STANDARD_LEADS) else ())

    def _fit_directions(self, X, leads: tuple[str, ...], rng) -> np.ndarray:
        def features(signals):
            centers = self._centers(signals)
            return {
                "beats": _directions.beat_features(signals, centers, self.fs_, leads, self.scale_),
                "halves": _directions.half_differences(signals, centers, self.fs_, self.scale_),
            }

        found = joined((features(signals) for signals in self._batches(X)), len(X))
        beats, halves = found["beats"], found["halves"]
        self.directions_ = _directions.fit_directions(beats, halves, leads, self.scale_, rng)
        return _directions.departures(self.directions_, beats)

    def _centers(self, signals: np.ndarray) -> list[np.ndarray]:
        return [beat_centers(signal, self.fs_) for signal in signals]

    def _along(self, signals: np.ndarray) -> np.ndarray:
        leads = self._named_leads(signals.shape[1])
        centers = self._centers(signals)
        beats = _directions.beat_features(signals, centers, self.fs_, leads, self.scale_)
        return _directions.departures(self.directions_, beats)

    def _check_directions(self) -> None:
        if not hasattr(self, "directions_"):
            raise SignalError(
                f"this {type(self).__name__} was fitted with another score_method and knows no "
                "pathologies; fit it with score_method='latent_beat'."
            )

    def _check_directions_state(self) -> None:
        """Refuse directions that do not fit the leads."""
        n_features, n_kinds = _directions.n_features(self.n_leads_in_), len(DEPARTURES)
        expected = {"weights": (n_features, n_kinds), "bias": (n_kinds,)}
        if {name: np.shape(value) for name, value in self.directions_.items()} != expected:
            raise SignalError(f"the directions of {type(self).__name__} do not fit together.")
