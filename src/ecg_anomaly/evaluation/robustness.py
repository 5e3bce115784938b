"""How fitted models bear noise, hum, other rates, lost and swapped leads, and a wrong gain."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import ECGDataset
from ..errors import DatasetError, ECGError, SignalError
from ..metrics import Interval, age_band, alarm_rates, anomaly_auroc, bootstrap_difference
from ..metrics import matched_auroc as auroc_of_pairs
from ..model_selection import scores_or_nan
from ..model_selection.disjoint import record_digests
from ..records import RecordSet, default_leads
from ..scoring import thresholds_of
from ._perturbations import Perturbation, standard_perturbations
from .protocol import Protocol
from .result import test_facts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)

CLEAN = "clean"


@dataclass(frozen=True, eq=False)
class Trial:
    """What one model made of the test records under one perturbation.

    Attributes
    ----------
    model : str
    perturbation : Perturbation or None
        None for the records as they are.
    scores, thresholds : ndarray of shape (n_test,)
        NaN scores where a record is not scorable; all of them where the model refuses such records.
    refusal : str
        Why it does, else empty.
    """

    model: str
    perturbation: Perturbation | None
    scores: np.ndarray
    thresholds: np.ndarray
    refusal: str = ""


def robustness(
    models: Mapping[str, Any],
    test: ECGDataset,
    *,
    noise: Mapping[str, Any] | None = None,
    perturbations: Sequence[Perturbation] | None = None,
    n_resamples: int = 1000,
    random_state: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Robustness:
    """Measure fitted models on perturbed test records, side by side with the clean ones.

    Parameters
    ----------
    models : mapping of str to fitted model
        With a threshold of their own, such as `TunedThresholdDetector` and `ConformalDetector`, or
        with an `offset_`. They stay as they are: nothing is fitted or tuned anew.
    test : ECGDataset
        Normals and anomalies that no model has seen.
    noise : mapping of str to Record or (array, fs), optional
        Recordings of noise in mV, arrays of shape (n_samples,) or (n_channels, n_samples), to be
        added at 24 to -6 dB, such as ``{"muscle": read_record("nstdb/ma")}``; by default a
        synthetic wander of the baseline.
    perturbations : sequence of Perturbation, optional
        By default those of `standard_perturbations`, with `noise`.
    n_resamples : int, default=1000
        Draws of patients for the intervals.
    random_state : int, default=0
        For noise, lost leads and draws. A record gets the same noise in whatever batch and order it
        is read, from all models, and at all levels.
    progress : callable, optional
        Called with the model and perturbation, how many are done, and how many there are.

    Returns
    -------
    Robustness

    Raises
    ------
    DatasetError
        If the threshold of a model was set on test records, or their sampling rate is not known.
    ECGError
        If a model cannot score the clean records; the message names it. Of perturbed ones this is
        a result: the model refuses them.
    SignalError
        If there are no models, `noise` and `perturbations` both, or noise shorter than the records.

    See Also
    --------
    evaluate : the same models on clean records.

    Examples
    --------
    >>> from ecg_anomaly import CAEDetector, GatedDetector, TunedThresholdDetector, make_ecg
    >>> from ecg_anomaly.leads import STANDARD_LEADS
    >>> gated = GatedDetector(CAEDetector(max_epochs=1, random_state=0))
    >>> model = TunedThresholdDetector(gated, random_state=0)
    >>> model = model.fit(make_ecg(120, duration=4, random_state=0).X)
    >>> test = make_ecg(40, duration=4, anomalies="lvh", random_state=1)
    >>> lost = [p for p in standard_perturbations(STANDARD_LEADS, 100) if p.name == "missing leads"]
    >>> result = robustness({"CAE": model}, test, perturbations=lost, n_resamples=20)
    >>> result.to_frame()["not scorable"].iloc[[0, -1]].tolist()  # clean, 11 leads missing
    [0.0, 1.0]
    """
    if not models:
        raise SignalError("there is no model to test; give one or more by name.")
    if noise is not None and perturbations is not None:
        raise SignalError("give noise or perturbations, not both: noise is for the standard ones.")
    records = _records(test)
    if perturbations is None:
        perturbations = standard_perturbations(
            records.leads, records.fs, noise, random_state=random_state
        )
    perturbations = list(perturbations)
    _refuse_twice(perturbations)
    digests = record_digests(test.X)
    for name, model in models.items():
        n_known = int(np.isin(digests, getattr(model, "tuned_on_", [])).sum())
        if n_known:
            raise DatasetError(
                f"the threshold of {name!r} was set on {n_known} of the test records; test on "
                "others."
            )
    trials: list[Trial] = []
    n_all = len(models) * (1 + len(perturbations))
    for perturbation in (None, *perturbations):
        perturbed = records
        if perturbation is not None:
            perturbed = perturbation.apply(records, random_state)
            perturbed[:1].load()  # what cannot be done to records is no fault of a model
        # models that take arrays only are given arrays
        X = perturbed if isinstance(test.X, RecordSet) else perturbed.load()
        for name, model in models.items():
            trials.append(_trial(name, model, X, perturbation))
            told = f"{name}, {perturbation or CLEAN}"
            logger.info("%d of %d: %s", len(trials), n_all, told)
            if progress is not None:
                progress(told, len(trials), n_all)
    return Robustness(
        models=list(models),
        perturbations=perturbations,
        trials=trials,
        test=test_facts(test, Protocol()),
        n_resamples=n_resamples,
        random_state=random_state,
    )


@dataclass(eq=False)
class Robustness:
    """The result of `robustness`.

    Attributes
    ----------
    models : list of str
    perturbations : list of Perturbation
    trials : list of Trial
        One a model and perturbation, and one a model of the clean records.
    test : ECGDataset
        Labels, patients and table of the test records, without their signals.
    n_resamples, random_state : int
        For the intervals.
    """

    models: list[str]
    perturbations: list[Perturbation]
    trials: list[Trial]
    test: ECGDataset
    n_resamples: int = 1000
    random_state: int = 0
    _by_key: dict[tuple[str, str, Any], Trial] = field(init=False, repr=False)

    def __post_init__(self):
        self._by_key = {(trial.model, *_key(trial.perturbation)): trial for trial in self.trials}

    def trial(self, model: str, perturbation: Perturbation | None = None) -> Trial:
        """Return what a model made of a perturbation, or of the clean records.

        Raises
        ------
        ECGError
            If there is none.
        """
        try:
            return self._by_key[model, *_key(perturbation)]
        except KeyError:
            raise ECGError(
                f"there is no result of {model!r} on {perturbation or CLEAN}; there are the models "
                f"{', '.join(self.models)}."
            ) from None

    def to_frame(self) -> pd.DataFrame:
        """Return one row a model and perturbation, after one a model for the clean records.

        Returns
        -------
        DataFrame
            ``model``, ``perturbation``, ``level`` and ``unit``; ``AUROC``; where age and sex are
            known, ``matched AUROC`` within age band and sex; ``false alarms`` and ``sensitivity``
            at the model's own threshold; ``n``, the records that all these are on, and how many of
            them are ``normals``: those scorable both as perturbed and as clean; ``not scorable``,
            the share that has no score as perturbed, and ``refusal``, why a model takes no such
            records at all.
            ``AUROC change`` with ``low`` and ``high``, its 95 % interval over patients, and ``false
            alarms change`` are against the clean scores of the same records. What cannot be known
            is NaN.
        """
        return self._frame.copy()

    def plot(self) -> Figure:
        """Return AUROC and false-alarm rate over the levels of each perturbation."""
        from ..plotting import plot_robustness

        return plot_robustness(self.to_frame())

    @cached_property
    def _frame(self) -> pd.DataFrame:
        import pandas as pd

        rows = [self._row(trial) for trial in self.trials]
        order = {name: k for k, name in enumerate(self.models)}
        frame = pd.DataFrame(rows)
        return frame.sort_values("model", key=lambda names: names.map(order), kind="stable",
                                 ignore_index=True)  # fmt: skip

    def _row(self, trial: Trial) -> dict[str, Any]:
        clean, y = self.trial(trial.model), self.test.y
        both = ~np.isnan(trial.scores) & ~np.isnan(clean.scores)
        row: dict[str, Any] = {"model": trial.model}
        row |= dict(zip(("perturbation", "level"), _key(trial.perturbation), strict=True))
        row["unit"] = "" if trial.perturbation is None else trial.perturbation.unit
        now, before = (self._measures(one, both) for one in (trial, clean))
        row |= {"AUROC": now["AUROC"], **self._change(trial, clean, both)}
        row |= {name: value for name, value in now.items() if name != "AUROC"}
        row["false alarms change"] = now["false alarms"] - before["false alarms"]
        row |= {"n": int(both.sum()), "normals": int(np.sum(y[both] == 1))}
        row["not scorable"] = float(np.isnan(trial.scores).mean())
        return row | {"refusal": trial.refusal}

    def _measures(self, trial: Trial, rows: np.ndarray) -> dict[str, float]:
        y, scores = self.test.y[rows], trial.scores[rows]
        measured = {"AUROC": float("nan")}
        strata = self._strata
        if strata is not None:
            measured["matched AUROC"] = float("nan")
        if len(np.unique(y)) == 2:
            measured["AUROC"] = anomaly_auroc(y, scores)
            if strata is not None:
                measured["matched AUROC"] = _matched(y, scores, [of[rows] for of in strata])
        rates = {"false alarms": float("nan"), "sensitivity": float("nan")}
        if len(y):
            of_threshold = alarm_rates(y, scores - trial.thresholds[rows], 0.0)
            rates = {
                "false alarms": of_threshold.false_alarm_rate,
                "sensitivity": of_threshold.sensitivity,
            }
        return measured | rates

    def _change(self, trial: Trial, clean: Trial, rows: np.ndarray) -> dict[str, float]:
        y = self.test.y[rows]
        interval = Interval(float("nan"), float("nan"), float("nan"))
        if trial is clean:
            interval = Interval(0.0, 0.0, 0.0)
        elif len(np.unique(y)) == 2:
            interval = _difference(
                y, trial.scores[rows], clean.scores[rows], self.test.groups[rows],
                n_resamples=self.n_resamples, random_state=self.random_state,
            )  # fmt: skip
        return dict(zip(("AUROC change", "low", "high"), interval, strict=True))

    @cached_property
    def _strata(self) -> list[np.ndarray] | None:
        table = self.test.table
        if not {"age", "sex"} <= set(table.columns):
            return None
        return [age_band(table["age"].to_numpy(float)), table["sex"].to_numpy()]


def _trial(name: str, model: Any, X: Any, perturbation: Perturbation | None) -> Trial:
    try:
        scores = scores_or_nan(model, X)
        thresholds = thresholds_of(model, X)
    except ValueError as error:  # ECGError is one, and so are scikit-learn's own
        if perturbation is None:
            raise ECGError(f"{name!r} cannot score the clean records: {error}") from error
        nothing = np.full(len(X), np.nan)
        return Trial(name, perturbation, nothing, nothing, str(error) or type(error).__name__)
    return Trial(name, perturbation, scores, thresholds)


def _records(test: ECGDataset) -> RecordSet:
    """Return the test records as a RecordSet, so that rate and names of leads go with them."""
    if isinstance(test.X, RecordSet):
        return test.X
    if "fs" not in test.table:
        raise DatasetError(
            f"the sampling rate of {test.name or 'the test records'} is not known: give "
            "X=RecordSet(signals, fs=...), or a column fs of the table."
        )
    X = np.asarray(test.X)
    return RecordSet(X, fs=test.fs, leads=default_leads(X.shape[1]))


def _key(perturbation: Perturbation | None) -> tuple[str, Any]:
    return (CLEAN, "") if perturbation is None else (perturbation.name, perturbation.level)


def _refuse_twice(perturbations: Sequence[Perturbation]) -> None:
    keys = [_key(perturbation) for perturbation in perturbations]
    for name, level in keys:
        if name == CLEAN or keys.count((name, level)) > 1:
            raise SignalError(
                f"the perturbation {name!r} at level {level!r} stands twice, or is called "
                f"{CLEAN!r} as the records themselves are; give each a name and level of its own."
            )


def _matched(y: np.ndarray, scores: np.ndarray, strata: list[np.ndarray]) -> float:
    try:
        return auroc_of_pairs(y, scores, *strata)
    except SignalError:  # the scores are sound: only pairs are missing
        return float("nan")


def _difference(y, scores, clean, groups, **draws) -> Interval:
    try:
        return bootstrap_difference(anomaly_auroc, y, scores, clean, groups=groups, **draws)
    except ECGError:  # too few patients of a class for an interval
        change = anomaly_auroc(y, scores) - anomaly_auroc(y, clean)
        return Interval(change, float("nan"), float("nan"))
