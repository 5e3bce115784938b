"""What thresholds do, by held-out scores, and what is to be expected of new records."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..metrics import Interval, design_effect, predicted_rate

# Points of a tuning curve, evenly spread over the false-alarm rate and the sensitivity.
_POINTS = 100
_CONFIDENCE = 0.95

Scores = Mapping[str, np.ndarray]


def rates_at(
    held_out: Scores,
    threshold: float,
    n_normals: int | None = None,
    n_anomalies: int | None = None,
    confidence: float = _CONFIDENCE,
) -> dict[str, Interval]:
    """Return the rates that a threshold is expected to have among new records.

    Parameters
    ----------
    held_out : mapping of str to ndarray
        ``normals`` and ``anomalies`` (scores), ``normal_patients`` and ``anomaly_patients``, and
        ``carried``: the variance of a rank, by which anomalies of other fits were brought here, in
        units of the binomial one of a record; 0 where they are scored by the model itself.
    threshold : float
    n_normals, n_anomalies : int, optional
        New records; None is infinitely many.
    confidence : float in (0, 1), default=0.95

    Returns
    -------
    dict of str to Interval
        ``false_alarm_rate``, ``specificity`` and, where there are anomalies, ``sensitivity``.
    """

    def rate(kind: str, n_new: int | None) -> Interval:
        flagged = held_out["anomalies" if kind == "anomaly" else "normals"] < threshold
        effect = design_effect(flagged, held_out[f"{kind}_patients"])
        if kind == "anomaly":
            effect *= _effect_of_ranks(held_out, threshold)
        return predicted_rate(
            flagged.sum(), len(flagged), n_new, confidence=confidence, design_effect=effect
        )

    rates = both_rates(rate("normal", n_normals))
    if len(held_out["anomalies"]):
        rates["sensitivity"] = rate("anomaly", n_anomalies)
    return rates


def _effect_of_ranks(held_out: Scores, threshold: float) -> float:
    """Return by how much the error of ranks adds to the variance of a sensitivity.

    An error of the rank moves the sensitivity by the slope of the ROC curve.
    """
    carried = float(held_out["carried"][0])
    if not carried:
        return 1.0
    normals, anomalies = np.sort(held_out["normals"]), np.sort(held_out["anomalies"])
    n = len(normals)
    rate = np.clip(np.searchsorted(normals, threshold) / n, 1 / (n + 1), n / (n + 1))
    error = np.sqrt(rate * (1 - rate) * carried)
    around = np.quantile(normals, np.clip([rate - error, rate + error], 0, 1))
    low, high = np.searchsorted(anomalies, around) / len(anomalies)
    half = 0.5 / len(anomalies)
    sensitivity = np.clip(np.mean(anomalies < threshold), half, 1 - half)
    return 1.0 + np.square((high - low) / 2) / (sensitivity * (1 - sensitivity) / len(anomalies))


def both_rates(false_alarms: Interval) -> dict[str, Interval]:
    """Return a false-alarm rate, and the specificity that it means."""
    rate, low, high = false_alarms
    return {
        "false_alarm_rate": false_alarms,
        "specificity": Interval(1 - rate, 1 - high, 1 - low),
    }


def tuning_curve(held_out: Scores, prevalence: float | None) -> dict[str, np.ndarray]:
    """Return the expected rates over thresholds, with intervals for as many new records.

    Parameters
    ----------
    held_out : mapping of str to ndarray
        As in `rates_at`.
    prevalence : float or None
        For the alert rate; None takes that of the records.

    Returns
    -------
    dict of str to ndarray of shape (n_thresholds,)
        ``threshold``; ``specificity`` and, with anomalies, ``sensitivity`` and ``alert_rate``, each
        with ``_low`` and ``_high``.
    """
    normals, anomalies = held_out["normals"], held_out["anomalies"]
    levels = np.linspace(0, 1, _POINTS)
    grid = [np.quantile(normals, levels, method="lower")]
    if len(anomalies):
        grid.append(np.quantile(anomalies, levels, method="lower"))
    thresholds = np.unique(np.concatenate(grid))
    thresholds = np.append(thresholds, np.nextafter(thresholds[-1], np.inf))
    curve: dict[str, list] = {"threshold": list(thresholds)}
    if prevalence is None:
        prevalence = len(anomalies) / (len(anomalies) + len(normals))
    for threshold in thresholds:
        rates = rates_at(held_out, threshold, len(normals), len(anomalies) or None)
        false_alarms = rates.pop("false_alarm_rate")
        if "sensitivity" in rates:
            rates["alert_rate"] = _mixed(false_alarms, rates["sensitivity"], prevalence)
        for name, rate in rates.items():
            for key, value in zip((name, f"{name}_low", f"{name}_high"), rate, strict=True):
                curve.setdefault(key, []).append(value)
    return {key: np.array(values) for key, values in curve.items()}


def same_rank(scores: np.ndarray, among: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the scores that lie among the `reference` as the given ones lie among others.

    Scores of two fits differ in scale, their ranks among normals do not. What lies below or above
    all of them comes to lie below or above all of the reference.

    Parameters
    ----------
    scores, among, reference : ndarray of shape (n,), (n_normals,), (n_reference,)

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> same_rank(np.array([5.0, -1.0]), np.arange(11.0), 10 * np.arange(11.0)).tolist()
    [50.0, -5e-324]
    """
    among, reference = np.sort(among), np.sort(reference)
    below = np.searchsorted(among, scores, side="left")
    at_most = np.searchsorted(among, scores, side="right")
    share = np.clip(((below + at_most) / 2 - 0.5) / max(len(among) - 1, 1), 0, 1)
    moved = np.quantile(reference, share)
    moved = np.where(at_most == 0, np.nextafter(reference[0], -np.inf), moved)
    return np.where(below == len(among), np.nextafter(reference[-1], np.inf), moved)


def _mixed(false_alarms: Interval, sensitivity: Interval, prevalence: float) -> Interval:
    """Return the alert rate, its interval by the errors of both rates (Zou and Donner 2008)."""
    shares = (1 - prevalence, prevalence)
    rates = (false_alarms, sensitivity)
    estimate = sum(share * rate.estimate for share, rate in zip(shares, rates, strict=True))

    def error(side: str) -> float:
        return float(
            np.hypot(*(
                share * (getattr(rate, side) - rate.estimate)
                for share, rate in zip(shares, rates, strict=True)
            ))
        )  # fmt: skip

    return Interval(estimate, max(0.0, estimate - error("low")), min(1.0, estimate + error("high")))
