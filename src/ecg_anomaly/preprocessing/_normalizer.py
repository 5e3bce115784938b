"""Scaling of leads as a transformer."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ..errors import SignalError
from ..signal.scaling import mean_and_std, minmax_scale, robust_scale, zscore
from ._base import SignalTransformer

_BY_RECORD = {"zscore": zscore, "robust": robust_scale, "minmax": minmax_scale}


class LeadNormalizer(SignalTransformer):
    """Scaling of each lead.

    Amplitude carries diagnosis: hypertrophy shows in high voltages, effusion in low ones. So the
    default scales each lead in all records by the same numbers.

    Parameters
    ----------
    method : {"population", "zscore", "robust", "minmax"}, default="population"
        - ``"population"``: each lead by a centre and scale learnt in `fit`: the medians, over
          records, of a record's mean and standard deviation. Single records with artefacts do not
          move them. Records in which the lead is flat do not count.
        - ``"zscore"``: each record and lead to mean 0 and standard deviation 1.
        - ``"robust"``: each record and lead to median 0 and the interquartile range of a standard
          normal.
        - ``"minmax"``: each record and lead to the range 0 to 1.
    n_leads : int, default=1
        Number of leads in a 2-D `X`; a 3-D `X` has its own.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_leads,)
        In mV; only with ``method="population"``. The scale of a lead that is flat in all records
        is 1, so that it becomes zero.
    n_features_in_, n_leads_in_ : int
        Features (leads times samples) and leads seen in `fit`.
    leads_ : tuple of str
        Names of the leads, where `fit` saw a RecordSet; else empty.

    Notes
    -----
    Scaled by record, flat leads become zeros. Flat is a spread of less than a millionth of the
    largest magnitude.

    See Also
    --------
    ecg_anomaly.signal.scaling : the same for plain arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from ecg_anomaly.preprocessing import LeadNormalizer
    >>> X = np.random.default_rng(0).normal(1.0, [[0.5], [2.0]], size=(20, 2, 500))
    >>> normalizer = LeadNormalizer().fit(X)
    >>> normalizer.center_.round(1).tolist(), normalizer.scale_.round(1).tolist()
    ([1.0, 1.0], [0.5, 2.0])
    """

    _parameter_constraints: ClassVar[dict] = {
        "method": [StrOptions({"population", *_BY_RECORD})],
        "n_leads": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, method="population", n_leads=1):
        self.method = method
        self.n_leads = n_leads

    def _learn(self, batches: Iterable[np.ndarray]) -> None:
        if self.method != "population":
            return
        statistics = [mean_and_std(batch) for batch in batches]
        mean = np.concatenate([value for value, _ in statistics])
        std = np.concatenate([value for _, value in statistics])
        center, scale = np.median(mean, axis=0), np.ones(mean.shape[1])
        for lead in range(mean.shape[1]):
            alive = std[:, lead] > 0
            if alive.any():
                center[lead] = np.median(mean[alive, lead])
                scale[lead] = np.median(std[alive, lead])
        self.center_, self.scale_ = center, scale

    def _transform_signals(self, X: np.ndarray) -> np.ndarray:
        if self.method != "population":
            return _BY_RECORD[self.method](X)
        center, scale = (value.astype(X.dtype)[:, None] for value in (self.center_, self.scale_))
        result = X - center
        result /= scale
        return result

    def _check_state(self):
        super()._check_state()
        if self.method == "population" and not (self.scale_ > 0).all():
            raise SignalError("scale_ must be positive.")

    def _state_shapes(self):
        if self.method != "population":
            return {}
        return {"center_": (self.n_leads_in_,), "scale_": (self.n_leads_in_,)}
