"""Whether explanations point at what the score depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SignalError
from ..signal.r_peaks import beat_centers
from ._explanation import Explanation
from ._restored import N_RANDOM, falls, qrs_spans, random_spans
from ._subject import subject_of

if TYPE_CHECKING:
    import pandas as pd


def faithfulness(
    model: Any,
    X: Any,
    explanations: Sequence[Explanation],
    *,
    n_random: int = N_RANDOM,
    groups: Any = None,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state: Any = None,
) -> pd.DataFrame:
    """Measure how far the anomaly score falls where the first span of each record is restored.

    It is compared with random spans and with QRS complexes, of equal length and equal number of
    leads, restored in the same way.

    Parameters
    ----------
    model, X
        As for `explain`.
    explanations : sequence of Explanation
        Of these records, by `explain`.
    n_random : int, default=19
        Random spans a record.
    groups : array-like of shape (n_records,), optional
        Patient of each record, drawn together; by default each record is a patient of its own.
    confidence : float in (0, 1), default=0.95
    n_resamples : int, default=1000
        Bootstrap samples.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    DataFrame
        Indexed by what was restored: "first span", "random spans", "QRS spans", "first - random",
        "first - QRS", "everything". `fall` is the mean fall of the anomaly score over its
        percentile bootstrap interval, `low` to `high`; `n_records` those that count. Records in
        which nothing stands out fall by 0; without R peaks there are no QRS spans.

    Raises
    ------
    SignalError
        If explanations are not one a record.

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, make_ecg
    >>> from ecg_anomaly.inspection import explain, faithfulness
    >>> detector = CAEDetector(max_epochs=1, random_state=0).fit(make_ecg(40, random_state=0).X)
    >>> X = make_ecg(4, anomalies="pvc", anomaly_fraction=1, random_state=1).X
    >>> table = faithfulness(detector, X, explain(detector, X), random_state=0)
    >>> table["n_records"].tolist()
    [4, 4, 4, 4, 4, 4]
    """
    import pandas as pd
    from sklearn.utils import check_random_state

    rng = check_random_state(random_state)
    subject = subject_of(model, X)
    if len(explanations) != len(subject.signals):
        raise SignalError(
            f"{len(explanations)} explanations of {len(subject.signals)} records; pass one each."
        )
    rows = []
    for row, explanation in enumerate(explanations):
        signal = subject.signals[row]
        everything = explanation.anomaly_score - explanation.restored_score
        if not explanation.spans:
            rows.append([0.0, 0.0, 0.0, everything])
            continue
        first = explanation.spans[0]
        peaks = beat_centers(np.where(np.isfinite(signal), signal, 0.0), subject.fs)
        somewhere = random_spans(first, signal.shape, n_random, rng)
        at_qrs = qrs_spans(first, signal.shape, peaks, rng)
        restored = explanation.restored.astype(np.float64)
        fall = falls(subject, row, restored, [first, *somewhere, *at_qrs])
        of_qrs = fall[1 + n_random :].mean() if len(peaks) else np.nan
        rows.append([fall[0], fall[1 : 1 + n_random].mean(), of_qrs, everything])
    first_span, random, qrs, everything_ = np.array(rows, dtype=np.float64).T
    columns = {
        "first span": first_span,
        "random spans": random,
        "QRS spans": qrs,
        "first - random": first_span - random,
        "first - QRS": first_span - qrs,
        "everything": everything_,
    }
    draws = _draws(groups, len(rows), n_resamples, rng)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    table = {}
    for name, values in columns.items():
        counts = ~np.isnan(values)
        total, number = draws[:, counts] @ values[counts], draws[:, counts].sum(axis=1)
        means = total[number > 0] / number[number > 0]
        low, high = np.quantile(means, tails) if len(means) else (np.nan, np.nan)
        mean = float(values[counts].mean()) if counts.any() else np.nan
        table[name] = {"fall": mean, "low": low, "high": high, "n_records": int(counts.sum())}
    return pd.DataFrame(table.values(), index=pd.Index(list(table), name="restored"))


def _draws(groups: Any, n_records: int, n_resamples: int, rng) -> np.ndarray:
    """Return how often each record is drawn in each bootstrap sample of patients."""
    patients = np.arange(n_records)
    if groups is not None:
        patients = np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(patients) != n_records:
        raise SignalError(f"{len(patients)} groups for {n_records} records.")
    n_patients = int(patients.max()) + 1
    times = rng.multinomial(n_patients, np.full(n_patients, 1 / n_patients), n_resamples)
    return times[:, patients]
