"""Explain what a model says of records."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from ..detectors import _reference
from ..detectors.base import BaseDetector
from ..pathologies import DEPARTURES
from ..signal.r_peaks import beat_centers
from ._explanation import Explanation
from ._maps import Attribution, attributions
from ._restored import N_RANDOM, falls, random_spans
from ._spans import top_spans
from ._subject import Subject, subject_of

# Standard deviations from which on a departure is told: one normal in forty has as much by chance.
_FAR = 2.0
_LATENT = ("latent", "latent_beat", "combined")


def explain(model: Any, X: Any, *, top: int = 5, random_state: Any = 0) -> list[Explanation]:
    """Explain the scores of records: where, in which leads, and next to which normals.

    Each record is restored to what the model takes for normal, and the fall of its anomaly score
    is shared among leads and samples.

    Parameters
    ----------
    model : estimator
        Fitted: a detector or baseline of the package, a Pipeline that ends in one, or either in a
        `GatedDetector`, `TunedThresholdDetector`, `ConformalDetector` or search; or any other
        estimator with `score_samples` on signals.
    X : RecordSet or array-like of shape (n_records, n_leads, n_samples)
        What the model takes.
    top : int, default=5
        Spans of each record, at most.
    random_state : int, RandomState or None, default=0
        For the random spans that the first span is compared with.

    Returns
    -------
    list of Explanation
        One a record.

    Raises
    ------
    SignalError
        If a record cannot be scored; the message names it.
    ValueError
        If `top` is less than 1.

    Notes
    -----
    **Networks.** The restored record is the record moved towards its own reconstruction, by how
    far it is beyond the deviation of the training normals from theirs, where this lowers the
    score. The map is the integrated gradients [1]_ of the very score, whatever the
    `score_method`, from the restored record to the record, in double precision: it sums to the
    fall of the score but for the numerical error of the integral. It is smoothed over 0.16 s, as
    single samples of opposite sign mean nothing.

    **Other models**, and networks behind a step that changes the grid (`Resampler`, `CropOrPad`):
    tiles of one lead and 0.2 s are restored one by one to the record's own median beat [2]_, and
    the restored record has those that lower the score. What all its beats share cannot be blamed
    by this.

    No blame falls on constant leads, nor on samples that a gate found unusable.

    References
    ----------
    .. [1] Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017.
    .. [2] Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014
       (occlusion).

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, make_ecg
    >>> from ecg_anomaly.inspection import explain
    >>> detector = CAEDetector(max_epochs=1, random_state=0).fit(make_ecg(40, random_state=0).X)
    >>> (explanation,) = explain(detector, make_ecg(1, random_state=1).X, top=2)
    >>> explanation.map.shape, len(explanation.neighbours)
    ((12, 1000), 10)
    """
    from sklearn.utils import check_random_state

    if not isinstance(top, Integral) or top < 1:
        raise ValueError(f"top must be an integer of at least 1, got {top!r}.")
    rng = check_random_state(random_state)
    subject = subject_of(model, X)
    neighbours, departures = _neighbours(subject), _departures(subject)
    return [
        _explanation(subject, row, found, neighbours[row], departures[row], int(top), rng)
        for row, found in enumerate(attributions(subject))
    ]


def score_map(model: Any, X: Any) -> np.ndarray:
    """Return where the anomaly scores of records come from, whether shown faithful or not.

    Parameters
    ----------
    model, X
        As for `explain`.

    Returns
    -------
    ndarray of float32 of shape (n_records, n_leads, n_samples)
        The `map` of each `Explanation` whose label is "score".
    """
    maps = [found.map for found in attributions(subject_of(model, X))]
    return np.stack(maps).astype(np.float32)


def _explanation(
    subject: Subject, row: int, found: Attribution, neighbours, departures, top: int, rng
) -> Explanation:
    signal, fs = subject.signals[row], subject.fs
    peaks = beat_centers(np.where(np.isfinite(signal), signal, 0.0), fs)
    values, label = found.map, "score"
    spans = top_spans(values, fs, subject.leads, peaks, top)
    faithful = False
    if spans:
        others = random_spans(spans[0], signal.shape, N_RANDOM, rng)
        fall, *rest = falls(subject, row, found.restored, [spans[0], *others])
        faithful = bool(fall > max(0.0, *rest))
    if not faithful:
        values, label = _error_map(subject, row, found), "reconstruction error"
        spans = top_spans(values, fs, subject.leads, peaks, top)
    blame = values.sum(axis=1)
    order = np.argsort(-blame, kind="stable")
    return Explanation(
        map=values.astype(np.float32),
        leads=subject.leads,
        ranking=tuple((subject.leads[lead], float(blame[lead])) for lead in order),
        spans=tuple(spans),
        neighbours=neighbours,
        departures=departures,
        faithful=faithful,
        label=label,
        anomaly_score=found.score,
        restored_score=found.restored_score,
        restored=found.restored.astype(np.float32),
        record_id=subject.record_ids[row],
        fs=fs,
    )


def _error_map(subject: Subject, row: int, found: Attribution) -> np.ndarray:
    """Return squared residuals of the network, or squared differences to the restored record."""
    signal = subject.signals[row]
    if subject.detector is not None:
        values = subject.detector.anomaly_map(signal[None].astype(np.float32))[0]
    else:
        values = np.square(np.nan_to_num(found.restored - signal))
    return np.where(subject.seen[row], values, 0.0)


def _departures(subject: Subject) -> list[tuple[tuple[str, float], ...]]:
    detector = subject.detector
    if not isinstance(detector, BaseDetector) or detector.score_method != "latent_beat":
        return [()] * len(subject.signals)
    return [
        tuple((DEPARTURES[k], float(row[k])) for k in np.argsort(-row) if row[k] >= _FAR)
        for row in detector.departures(subject.signals.astype(np.float32))
    ]


def _neighbours(subject: Subject) -> list[tuple[tuple[object, float], ...]]:
    detector = subject.detector
    if not isinstance(detector, BaseDetector) or detector.score_method not in _LATENT:
        return [()] * len(subject.signals)
    pooled = detector._state_summaries(subject.signals.astype(np.float32))["pooled"]
    ids, apart = _reference.nearest(detector.reference_, pooled, detector.n_neighbors)
    return [
        tuple((name, float(distance)) for name, distance in zip(*pair, strict=True))
        for pair in zip(ids.tolist(), apart, strict=True)
    ]
