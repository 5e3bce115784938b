"""What came of an evaluation: tables, figures, JSON and a page."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..datasets import ECGDataset
from ..errors import ECGError
from ..metrics import (
    Interval,
    age_band,
    alarm_rates,
    anomaly_auroc,
    bootstrap_interval,
    p_value_calibration,
    recall_by_diagnosis,
    sensitivity_at_specificity,
    subgroup_table,
)
from ..model_selection import FBeta, Youden
from ..model_selection.p_values import conformal_p_values
from ..persistence import write_whole
from .cells import Cell
from .protocol import Protocol
from .scores import AGE_ONLY, ages, measures, scorable_by_all

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ORACLE = " (oracle)"
_PACKAGES = ("ecg-anomaly", "numpy", "scipy", "scikit-learn", "torch", "pandas")
# Width of the age bands in which results are told apart, in years.
_AGE_BAND = 10.0


def test_facts(test: ECGDataset, protocol: Protocol) -> ECGDataset:
    """Return the test data without its signals, which results do not need."""
    wanted = {"age", "sex", "device", *protocol.subgroups}
    table = test.table[[column for column in test.table.columns if column in wanted]].copy()
    table["fs"] = test.fs
    # one value that is repeated without memory: the length still tells the hours
    shape = (len(test), 1, test.X.shape[-1])
    silent = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), shape, (0, 0, 0))
    return ECGDataset(
        X=silent,
        y=test.y,
        groups=test.groups,
        table=table,
        labels=test.labels,
        name=test.name,
        label_rule=test.label_rule,
        excluded=dict(test.excluded),
    )


@dataclass(eq=False)
class Evaluation:
    """The result of `evaluate`.

    Attributes
    ----------
    protocol : Protocol
    cells : list of Cell
        One a detector and seed: scores and thresholds of the test records.
    test : ECGDataset
        Labels, patients and table of the test records, without their signals.
    training_description, test_description : str
        Counts, rule of labels, and what was left out.
    """

    protocol: Protocol
    cells: list[Cell]
    test: ECGDataset
    training_description: str
    test_description: str

    @cached_property
    def scorable(self) -> np.ndarray:
        """Which test records every detector could score: all measures are on these."""
        named = {f"{cell.detector}, seed {cell.seed}": cell.scores for cell in self.cells}
        return scorable_by_all(self.test, named)

    @property
    def detectors(self) -> list[str]:
        """Names of the detectors, in the order given."""
        return list(dict.fromkeys(cell.detector for cell in self.cells))

    @property
    def best(self) -> str:
        """Name of the detector with the highest mean AUROC."""
        of_detector = self.per_seed().groupby("detector", sort=False)["AUROC"].mean()
        return str(of_detector.idxmax())

    def to_frame(self) -> pd.DataFrame:
        """Return one row a detector: means over seeds, intervals over patients.

        Returns
        -------
        DataFrame
            ``AUROC`` with the interval of its mean over seeds, patients drawn, and ``AUROC sd``
            over the seeds; all further measures of `evaluate_scores`; ``expected low`` and
            ``expected high``, where the false-alarm rate was predicted to lie; seconds of a fit
            and of scoring; the shares of normals and anomalies without a score, where there are
            any. The last row, where age and sex are known, is age alone. With the protocol's
            oracle, the best F1 and balanced accuracy of thresholds chosen on the test labels.
        """
        import pandas as pd

        return pd.DataFrame.from_dict(self._rows, orient="index")

    def per_seed(self) -> pd.DataFrame:
        """Return one row a detector and seed."""
        import pandas as pd

        test = self.test[self.scorable]
        rows = [
            {"detector": cell.detector, "seed": cell.seed} | self._of_cell(cell, test)
            for cell in self.cells
        ]
        return pd.DataFrame(rows)

    def differences(self, reference: str) -> pd.DataFrame:
        """Return by how much the AUROC of each detector surpasses that of another.

        Parameters
        ----------
        reference : str
            Name of a detector.

        Returns
        -------
        DataFrame
            One row for each other detector: ``difference``, ``low`` and ``high``, of the mean over
            seeds, all measured on the same draws of patients.
        """
        import pandas as pd

        of_reference = self._stacked(reference)
        rows = {}
        for name in self.detectors:
            if name != reference:
                interval = self._interval(
                    lambda y, ours, theirs: anomaly_auroc(y, ours) - anomaly_auroc(y, theirs),
                    self._stacked(name),
                    of_reference,
                )
                rows[name] = dict(zip(("difference", "low", "high"), interval, strict=True))
        return pd.DataFrame.from_dict(rows, orient="index")

    def subgroups(self, detector: str) -> pd.DataFrame:
        """Return false alarms and sensitivity by sex, age band and so on, of the first seed."""
        import pandas as pd

        cell, rows = self._first(detector), self.scorable
        table = self.test.table.loc[rows]
        columns = {}
        for column in self.protocol.subgroups:
            if column == "age" and column in table:
                columns["age"] = age_band(table["age"].to_numpy(float), _AGE_BAND)
            elif column in table:
                columns[column] = table[column].to_numpy()
        if not columns:
            return pd.DataFrame()
        return subgroup_table(
            self.test.y[rows], cell.scores[rows] - cell.thresholds[rows], 0.0, columns
        )

    def diagnoses(self, detector: str) -> pd.DataFrame:
        """Return the recall of each diagnosis, of the first seed.

        Raises
        ------
        ECGError
            If the test data has no diagnoses.
        """
        if self.test.labels is None:
            raise ECGError(f"{self.test.name} has no diagnoses.")
        cell, rows = self._first(detector), self.scorable
        return recall_by_diagnosis(
            self.test.y[rows],
            cell.scores[rows] - cell.thresholds[rows],
            self.test.labels.loc[rows],
            0.0,
        )

    def calibration(self, detector: str) -> pd.DataFrame:
        """Return which share of test normals has a conformal p-value below each level."""
        return p_value_calibration(
            self.p_values(detector), n_calibration=len(self._first(detector).calibration)
        )

    def p_values(self, detector: str) -> np.ndarray:
        """Return the conformal p-values of the test normals, of the first seed.

        By all normals that set the threshold, whatever groups the detector has.
        """
        cell = self._first(detector)
        normals = self.scorable & (self.test.y == 1)
        return conformal_p_values(cell.scores[normals], cell.calibration)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values: tables, protocol, versions, machine."""
        return {
            "protocol": self.protocol.as_dict(),
            "training": self.training_description,
            "test": self.test_description,
            "n_test": len(self.test),
            "n_scorable": int(self.scorable.sum()),
            "results": _records(self.to_frame().rename_axis("detector").reset_index()),
            "seeds": _records(self.per_seed()),
            "versions": {name: version(name) for name in _PACKAGES},
            "machine": {
                "processor": platform.machine(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
            },
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """Return everything as JSON, and write it where a path is given."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
        return _written(text, path)

    def to_html(self, path: str | Path | None = None) -> str:
        """Return one self-contained page of tables and figures, and write it to a path."""
        from .report import page

        return _written(page(self), path)

    def plot(self) -> Figure:
        """Return the ROC curves of all detectors, each of its first seed."""
        from ..plotting import plot_roc

        return plot_roc(self.test.y[self.scorable], self.first_scores())

    def first_scores(self) -> dict[str, np.ndarray]:
        """Return the scores of each detector's first seed, for figures."""
        return {name: self._first(name).scores[self.scorable] for name in self.detectors}

    @cached_property
    def _rows(self) -> dict[str, dict[str, float]]:
        test = self.test[self.scorable]
        rows = {}
        for name in self.detectors:
            cells = self._cells(name)
            of_seeds = [self._of_cell(cell, test) for cell in cells]
            means = {key: float(np.mean([row[key] for row in of_seeds])) for key in of_seeds[0]}
            scores = self._stacked(name)
            auroc = self._interval(anomaly_auroc, scores)
            sensitivity = self._interval(sensitivity_at_specificity, scores)
            row = {"AUROC": means.pop("AUROC"), "AUROC low": auroc.low, "AUROC high": auroc.high}
            if len(cells) > 1:
                row["AUROC sd"] = float(np.std([r["AUROC"] for r in of_seeds], ddof=1))
            row |= means
            row |= {
                "sens. at 95 % spec. low": sensitivity.low,
                "sens. at 95 % spec. high": sensitivity.high,
            }
            if not self.scorable.all():
                for what, label in (("normals", 1), ("anomalies", -1)):
                    shares = [np.isnan(c.scores[self.test.y == label]).mean() for c in cells]
                    row[f"{what} not scorable"] = float(np.mean(shares))
            rows[name + (ORACLE if any(cell.is_oracle for cell in cells) else "")] = row
        age = ages(test)
        if age is not None and "age" not in rows:
            interval = self._interval(anomaly_auroc, -age[None])
            rows[AGE_ONLY] = measures(test, -age)
            rows[AGE_ONLY] |= {"AUROC low": interval.low, "AUROC high": interval.high}
        return rows

    def _of_cell(self, cell: Cell, test: ECGDataset) -> dict[str, float]:
        scores, thresholds = cell.scores[self.scorable], cell.thresholds[self.scorable]
        row = measures(test, scores, thresholds)
        row |= {"expected low": cell.expected.low, "expected high": cell.expected.high}
        if self.protocol.oracle:
            normals, anomalies = scores[test.y == 1], scores[test.y == -1]
            for what, target in (("F1", FBeta()), ("balanced accuracy", Youden())):
                rates = alarm_rates(test.y, scores, target.threshold(normals, anomalies))
                balanced = (rates.sensitivity + rates.specificity) / 2
                row[f"{what}{ORACLE}"] = rates.f1 if what == "F1" else balanced
        return row | {"fit s": cell.fit_seconds, "score s": cell.score_seconds}

    def _cells(self, name: str) -> list[Cell]:
        cells = [cell for cell in self.cells if cell.detector == name]
        if not cells:
            raise ECGError(f"there is no detector {name!r}; there are {', '.join(self.detectors)}.")
        return cells

    def _first(self, name: str) -> Cell:
        return self._cells(name)[0]

    def _stacked(self, name: str) -> np.ndarray:
        return np.stack([cell.scores[self.scorable] for cell in self._cells(name)])

    def _interval(self, metric: Callable[..., float], *scores: np.ndarray) -> Interval:
        """Return the mean of a metric over seeds, with its interval over patients.

        The bootstrap draws row numbers, so that all seeds and detectors are drawn alike.
        """
        n_seeds = max(len(stack) for stack in scores)
        # a model that came fitted has no seeds, and meets each of the others'
        stacks = [np.broadcast_to(stack, (n_seeds, stack.shape[1])) for stack in scores]

        def mean(y: np.ndarray, rows: np.ndarray) -> float:
            rows = rows.astype(int)
            values = [metric(y, *(s[rows] for s in one)) for one in zip(*stacks, strict=True)]
            return float(np.mean(values))

        y = self.test.y[self.scorable]
        return bootstrap_interval(
            mean,
            y,
            np.arange(len(y)),
            groups=self.test.groups[self.scorable],
            confidence=self.protocol.confidence,
            n_resamples=self.protocol.n_resamples,
            random_state=self.protocol.random_state,
        )


def _records(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.astype(object).where(table.notna(), None).to_dict("records")


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        write_whole(Path(path), text.encode())
    return text
