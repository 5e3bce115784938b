"""A comparison of detectors as YAML: data, detectors, protocol; and how it is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from .baselines import BASELINES, make_baseline
from .detectors import GatedDetector
from .errors import ConfigError
from .evaluation import Evaluation, Protocol, evaluate
from .experiment import (
    PTBXLConfig,
    Strict,
    SyntheticConfig,
    check_gate,
    load_config,
    load_datasets,
    read_yaml,
    validated,
)
from .model_selection import FalseAlarmRate
from .persistence import write_whole
from .quality import QualityGate

_FOLDER = "configs/comparisons"


class DetectorConfig(Strict):
    """One detector: a shipped experiment or a YAML of one, or a baseline."""

    experiment: str | None = None
    baseline: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self):
        if (self.experiment is None) == (self.baseline is None):
            raise ValueError("give either experiment or baseline")
        if self.baseline is not None and self.baseline not in BASELINES:
            raise ValueError(f"baseline {self.baseline!r} is none of {', '.join(BASELINES)}")
        return self


class ComparisonConfig(Strict):
    """A whole comparison; `gate` goes before baselines, experiments have their own."""

    name: str
    data: PTBXLConfig | SyntheticConfig = Field(discriminator="dataset")
    gate: dict[str, Any] | None = None
    detectors: dict[str, DetectorConfig] = Field(min_length=1)
    seeds: list[int] = Field(default=[0, 1, 2], min_length=1)
    false_alarm_rate: float = Field(default=0.05, gt=0, lt=1)
    holdout: float = Field(default=0.2, gt=0, lt=1)
    n_resamples: int = Field(default=1000, gt=0)
    subgroups: list[str] = ["sex", "age", "device"]
    oracle: bool = False

    _known_gate = field_validator("gate")(check_gate)

    @model_validator(mode="after")
    def _sound_protocol(self):
        self.protocol()
        return self

    def protocol(self) -> Protocol:
        """Return the protocol."""
        return Protocol(
            seeds=tuple(self.seeds),
            target=FalseAlarmRate(self.false_alarm_rate),
            holdout=self.holdout,
            n_resamples=self.n_resamples,
            subgroups=tuple(self.subgroups),
            oracle=self.oracle,
        )

    def build(self) -> dict[str, Any]:
        """Return the unfitted detectors by name."""
        return {name: self._build(entry) for name, entry in self.detectors.items()}

    def _build(self, entry: DetectorConfig) -> Any:
        fs = float(self.data.fs)
        if entry.experiment is not None:
            experiment = load_config(entry.experiment)
            if float(experiment.data.fs) != fs:
                raise ConfigError(
                    f"{self.name}: experiment {entry.experiment!r} is for {experiment.data.fs:g} "
                    f"Hz, but the data has {fs:g} Hz."
                )
            return experiment.build()
        baseline = make_baseline(str(entry.baseline), fs=fs)
        if self.gate is None:
            return baseline
        return GatedDetector(baseline, QualityGate(**self.gate), fs=fs)


def load_comparison(name: str | Path) -> ComparisonConfig:
    """Read and check a comparison.

    Parameters
    ----------
    name : str or Path
        The name of a shipped one, such as ``"ptbxl"``, or the path of a YAML file.

    Raises
    ------
    ConfigError
        If there is no such comparison, or a key or value is wrong; the message names it.

    Examples
    --------
    >>> list(load_comparison("synthetic").detectors)
    ['VAEMHADetector', 'CAEDetector', 'random kernels', 'PCA residual']
    """
    return validated(ComparisonConfig, read_yaml(name, _FOLDER), name)


def run_comparison(
    config: ComparisonConfig,
    data: Path | None,
    out: Path,
    *,
    n_jobs: int = 1,
    progress: Callable[..., None] | None = None,
) -> Evaluation:
    """Run a comparison, or what is left of it, and write its tables and its page.

    Parameters
    ----------
    config : ComparisonConfig
    data : Path or None
        For PTB-XL: its folder, or one that holds it as ``ptbxl``.
    out : Path
        Folder for ``results.csv``, ``seeds.csv``, ``results.json`` and ``report.html``, and for
        what is done already, as ``cells``.
    n_jobs : int, default=1
        Detectors fitted at a time.
    progress : callable, optional
        As in `evaluate`.

    Returns
    -------
    Evaluation

    Raises
    ------
    ECGError
        If data is missing, a detector fails, or `out` cannot be written.
    """
    training, test = load_datasets(config, data)
    result = evaluate(
        config.build(),
        (training, test),
        config.protocol(),
        folder=out / "cells",
        n_jobs=n_jobs,
        progress=progress,
    )
    for name, table in (
        ("results.csv", result.to_frame().rename_axis("detector").reset_index()),
        ("seeds.csv", result.per_seed()),
    ):
        write_whole(out / name, table.to_csv(index=False).encode())
    result.to_json(out / "results.json")
    result.to_html(out / "report.html")
    return result
