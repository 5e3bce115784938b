"""Missing samples and leads, filled in by a transformer."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from ..errors import SignalError
from ..leads import limb_plane
from ..records import BATCH_SIZE, default_leads
from ..signal.imputation import (
    fill_by_regression,
    fill_from_plane,
    fill_short_gaps,
    lead_statistics,
)
from ._base import SignalTransformer


class LeadImputer(SignalTransformer):
    """Filling in of missing samples (NaN) and leads.

    In this order: limb leads follow exactly, sample by sample, from any two limb leads that are
    present [1]_ [2]_; gaps of up to `max_gap` are bridged by straight lines; what is left is
    predicted from the leads that are present by linear regression, which reconstructs chest leads
    well from the others [3]_. Where no lead is present, the lead's mean is put. Samples that are
    present are never changed.

    Parameters
    ----------
    max_gap : float, default=0.05
        Longest gap to bridge in time, in seconds. A QRS complex lasts about 0.1 s, so much longer
        lines would cut through it.
    fs : float, default=100.0
        Sampling rate in Hz.
    leads : sequence of str, default=None
        Names of the leads, in the order of the signals. By default those of the RecordSet, or the
        standard names for twelve leads in an array.
    n_leads : int, default=1
        Number of leads in a 2-D `X`; a 3-D `X` has its own.

    Attributes
    ----------
    mean_ : ndarray of shape (n_leads,)
        Mean of each lead, in mV.
    covariance_ : ndarray of shape (n_leads, n_leads)
        Covariance of the leads, from samples where all are present, in mV squared.
    leads_ : tuple of str
        Names of the leads.
    n_features_in_, n_leads_in_ : int
        Features (leads times samples) and leads seen in `fit`.

    Raises
    ------
    SignalError
        If a lead is missing in all of the signals given to `fit` and does not follow from others;
        if there are infinite samples.

    References
    ----------
    .. [1] W. Einthoven, "The different forms of the human electrocardiogram and their
       signification", The Lancet 179, 853-861, 1912.
    .. [2] E. Goldberger, "A simple, indifferent, electrocardiographic electrode of zero potential
       and a technique of obtaining augmented, unipolar, extremity leads", American Heart Journal
       23, 483-492, 1942.
    .. [3] S. P. Nelwan, J. A. Kors, S. H. Meij, J. H. van Bemmel, M. L. Simoons, "Reconstruction of
       the 12-lead electrocardiogram from reduced lead sets", Journal of Electrocardiology 37,
       11-18, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.preprocessing import LeadImputer
    >>> X = np.random.default_rng(0).normal(size=(3, 2, 500))
    >>> X = np.stack([X[:, 0], X[:, 1], X[:, 1] - X[:, 0]], axis=1)
    >>> imputer = LeadImputer(leads=["I", "II", "III"]).fit(X)
    >>> broken = X.copy()
    >>> broken[0, 2] = np.nan
    >>> bool(np.allclose(imputer.transform(broken), X))
    True
    """

    _rate_name = "fs"
    _allow_nan = True
    _parameter_constraints: ClassVar[dict] = {
        "max_gap": [Interval(Real, 0, None, closed="left")],
        "fs": [Interval(Real, None, None, closed="neither")],
        "leads": ["array-like", None],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, max_gap=0.05, fs=100.0, leads=None, n_leads=1):
        self.max_gap = max_gap
        self.fs = fs
        self.leads = leads
        self.n_leads = n_leads

    def _names(self, names, n_leads):
        return super()._names(names, n_leads) or default_leads(n_leads)

    @property
    def _plane(self) -> np.ndarray:
        return limb_plane(self.leads_)

    def _learn(self, batches: Iterable[np.ndarray]) -> None:
        mean, covariance = lead_statistics(self._derived(batch) for batch in batches)
        absent = [self.leads_[k] for k in np.flatnonzero(np.isnan(mean))]
        if absent:
            raise SignalError(
                f"lead(s) {', '.join(absent)} have no sample in X, so that nothing can be learnt "
                "about them; fit on records that have them, or leave them out."
            )
        self.mean_, self.covariance_ = mean, covariance

    def _derived(self, batch: np.ndarray) -> np.ndarray:
        if np.isnan(batch).any():
            batch = batch.copy()
            fill_from_plane(batch, self._plane)
        return batch

    def _transform_signals(self, X: np.ndarray) -> np.ndarray:
        result = X.copy()
        broken = np.flatnonzero(np.isnan(X).any(axis=(1, 2)))
        for start in range(0, len(broken), BATCH_SIZE):
            rows = broken[start : start + BATCH_SIZE]
            part = result[rows]
            fill_from_plane(part, self._plane)
            fill_short_gaps(part, int(self.max_gap * self.fs + 1e-9))
            fill_by_regression(part, self.mean_, self.covariance_)
            result[rows] = part
        return result

    def _state_shapes(self):
        n_leads = self.n_leads_in_
        return {"mean_": (n_leads,), "covariance_": (n_leads, n_leads)}
