"""An experiment as YAML: data, preprocessing, detector, threshold; and how it is run."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sklearn.pipeline import Pipeline

from .datasets import ECGDataset, load_ptbxl, make_ecg
from .detectors import DETECTORS, GatedDetector
from .errors import ConfigError, DatasetError, ECGError
from .evaluation import evaluate_scores
from .evaluation.cells import refuse_oracle, tuned_on
from .metrics import Interval
from .model_selection import FalseAlarmRate, TunedThresholdDetector, scores_or_nan
from .model_selection.disjoint import record_digests
from .preprocessing import TRANSFORMERS
from .quality import QualityGate
from .records import BATCH_SIZE
from .scoring import gated_of, thresholds_of

logger = logging.getLogger(__name__)
_DETECTORS: dict[str, type] = {cls.__name__: cls for cls in DETECTORS}
_TRANSFORMERS: dict[str, type] = {cls.__name__: cls for cls in TRANSFORMERS}


class Strict(BaseModel):
    """Settings that refuse keys they do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Described = TypeVar("Described", bound=Strict)


class PTBXLConfig(Strict):
    """PTB-XL by folds."""

    dataset: Literal["ptbxl"]
    fs: Literal[100, 500] = 100
    normal: Literal["superclass", "strict"] = "superclass"
    validated_by_human: bool = False
    train_folds: list[int] = Field(default=[1, 2, 3, 4, 5, 6, 7, 8], min_length=1)
    test_folds: list[int] = Field(default=[9], min_length=1)

    @model_validator(mode="after")
    def _apart(self):
        shared = set(self.train_folds) & set(self.test_folds)
        if shared:
            raise ValueError(f"fold(s) {sorted(shared)} stand in train_folds and in test_folds")
        return self


class SyntheticConfig(Strict):
    """Synthetic ECGs: `n_train` normals; `n_test` records, half of them with an anomaly."""

    dataset: Literal["synthetic"]
    fs: float = Field(default=100.0, gt=0)
    duration: float = Field(default=10.0, gt=0)
    n_train: int = Field(default=2000, gt=0)
    n_test: int = Field(default=1000, gt=1)
    random_state: int = Field(default=0, ge=0, lt=2**32)


class ThresholdConfig(Strict):
    """A threshold on normals that the detector did not see, held out by patient."""

    false_alarm_rate: float = Field(default=0.05, gt=0, lt=1)
    holdout: float = Field(default=0.2, gt=0, lt=1)
    random_state: int = Field(default=0, ge=0, lt=2**32)


def check_gate(params: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the parameters of a gate.

    Raises
    ------
    ValueError
        If there is no such parameter, or its value is wrong.
    """
    if params is not None:
        unknown = set(params) - set(QualityGate().as_dict())
        if unknown:
            raise ValueError(f"QualityGate has no parameter {min(unknown)!r}")
        QualityGate(**params)
    return params


class ExperimentConfig(Strict):
    """A whole experiment; `gate` has the parameters of a `QualityGate`, None goes without one."""

    name: str
    data: PTBXLConfig | SyntheticConfig = Field(discriminator="dataset")
    gate: dict[str, Any] | None = None
    preprocessing: list[dict[str, dict[str, Any]]] = []
    detector: dict[str, dict[str, Any]]
    threshold: ThresholdConfig = ThresholdConfig()

    _known_gate = field_validator("gate")(check_gate)

    @field_validator("preprocessing")
    @classmethod
    def _known_steps(cls, steps):
        for step in steps:
            _check_step(step, _TRANSFORMERS)
        return steps

    @field_validator("detector")
    @classmethod
    def _known_detector(cls, step):
        _check_step(step, _DETECTORS)
        return step

    def build(self, **detector_params) -> Pipeline | GatedDetector:
        """Return the unfitted model, a Pipeline, behind its gate where there is one.

        Keyword arguments go to the detector. Steps have the names of their classes, repeated ones
        with a number: ``NotchFilter2``.
        """
        steps: list[tuple[str, Any]] = []
        count: Counter[str] = Counter()
        for step in self.preprocessing:
            ((name, params),) = step.items()
            count[name] += 1
            number = count[name] if count[name] > 1 else ""
            steps.append((f"{name}{number}", _TRANSFORMERS[name](**params)))
        ((name, params),) = self.detector.items()
        pipeline = Pipeline([*steps, (name, _DETECTORS[name](**{**params, **detector_params}))])
        if self.gate is None:
            return pipeline
        return GatedDetector(pipeline, QualityGate(**self.gate), fs=float(self.data.fs))


def _check_step(step: dict[str, dict[str, Any]], known: dict[str, type]) -> None:
    if len(step) != 1:
        raise ValueError("give one class with its parameters, as in CAEDetector: {max_epochs: 3}")
    ((name, params),) = step.items()
    if name not in known:
        raise ValueError(f"{name!r} is none of {', '.join(known)}")
    unknown = set(params) - set(known[name]().get_params())
    if unknown:
        raise ValueError(f"{name} has no parameter {min(unknown)!r}")
    known[name](**params)._validate_params()


def config_names(folder: str = "configs") -> list[str]:
    """Return the names of the experiments in the package, or of the YAML in another folder."""
    files = (resources.files(__package__) / folder).iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def load_config(name: str | Path) -> ExperimentConfig:
    """Read and check an experiment.

    Parameters
    ----------
    name : str or Path
        A name of `config_names`, or the path of a YAML file.

    Raises
    ------
    ConfigError
        If there is no such experiment, or a key or value is wrong; the message names it.

    Examples
    --------
    >>> load_config("cae").name
    'cae'
    """
    return check_config(read_yaml(name), name)


def read_yaml(name: str | Path, folder: str = "configs") -> Any:
    """Return what is in a YAML file of the package, or at a path.

    Raises
    ------
    ConfigError
        If there is neither, or it is no YAML.
    """
    if str(name) in config_names(folder):
        text = (resources.files(__package__) / folder / f"{name}.yaml").read_text("utf-8")
    else:
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, ValueError):  # not text, or a path with a NUL
            known = ", ".join(config_names(folder))
            raise ConfigError(f"{name}: neither a readable YAML file nor one of {known}.") from None
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{name}: no YAML ({str(error).splitlines()[0]}).") from None


def check_config(content: Any, name: str | Path) -> ExperimentConfig:
    """Return the experiment that a YAML or a model file describes.

    Parameters
    ----------
    content : dict
    name : str or Path
        Where it comes from, for messages.

    Raises
    ------
    ConfigError
        If a key or value is wrong; the message names it.
    """
    return validated(ExperimentConfig, content, name)


def validated(kind: type[Described], content: Any, name: str | Path) -> Described:
    """Return what a YAML describes, or raise ConfigError with the first thing that is wrong."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{name}: {_first_problem(error)}.") from None


def _first_problem(error: ValidationError) -> str:
    """Return the key and the remedy of what is wrong first."""
    # an unknown key tells more than the field that is missing because of it
    problem = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in problem["loc"]) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key!r}"
    message = problem["msg"].rstrip(".")
    if problem["type"] == "value_error":  # ours or scikit-learn's
        return f"{key}: {message.removeprefix('Value error, ')}"
    return f"{key}: {message[0].lower()}{message[1:]}"


def load_datasets(config: Any, folder: Path | None) -> tuple[ECGDataset, ECGDataset]:
    """Return the training and the test data of an experiment or a comparison.

    Parameters
    ----------
    config : ExperimentConfig or ComparisonConfig
    folder : Path or None
        For PTB-XL: its folder, or one that holds it as ``ptbxl``.

    Raises
    ------
    DatasetError
        If the data is not there.
    """
    data = config.data
    if isinstance(data, SyntheticConfig):
        seeds = np.random.SeedSequence(data.random_state).generate_state(2)
        make = partial(make_ecg, fs=data.fs, duration=data.duration)
        training = make(data.n_train, random_state=int(seeds[0]))
        test = make(data.n_test, anomalies="all", random_state=int(seeds[1]))
        test.groups = test.groups + data.n_train  # other patients
        return training, test
    if folder is None:
        raise DatasetError(f"{config.name!r} needs the folder of PTB-XL: give --data.")
    if (folder / "ptbxl").is_dir():
        folder = folder / "ptbxl"
    load = partial(
        load_ptbxl,
        folder,
        fs=data.fs,
        normal=data.normal,
        validated_by_human=data.validated_by_human,
    )
    return load(folds=data.train_folds), load(folds=data.test_folds)


@dataclass
class FittedExperiment:
    """A fitted model and how it came about.

    `n_train` and `n_holdout` count the normals that the gate let through, `n_refused` the others.
    `expected_false_alarm_rate` has the 95 % prediction interval for as many new normals as were
    held out.
    """

    model: TunedThresholdDetector
    n_train: int
    n_holdout: int
    n_refused: int
    seconds: float
    expected_false_alarm_rate: Interval

    @property
    def threshold(self) -> float:
        """Score below which the model flags."""
        return self.model.offset_

    def metadata(self, config: ExperimentConfig) -> dict[str, Any]:
        """Return what the model file says of its training."""
        return {
            "experiment": config.model_dump(mode="json"),
            "n_train": self.n_train,
            "n_holdout": self.n_holdout,
            "n_refused": self.n_refused,
            "fit_seconds": round(self.seconds, 1),
            "expected_false_alarm_rate": [round(x, 4) for x in self.expected_false_alarm_rate],
        }


def fit_experiment(
    config: ExperimentConfig, training: ECGDataset, *, verbose: int = 0
) -> FittedExperiment:
    """Fit on the normals and set the threshold on normals held out by patient.

    Parameters
    ----------
    config : ExperimentConfig
    training : ECGDataset
        Anomalies in it are left out.
    verbose : int, default=0
        1 shows progress bars.

    Returns
    -------
    FittedExperiment

    Raises
    ------
    DatasetError
        If there are too few normals.
    ConfigError
        If parameters do not fit each other, the data or this machine.
    """
    normals = training[training.y == 1]
    if len(normals) == 0:
        raise DatasetError(f"{training.name}: no normal record to train on.")
    rule = config.threshold
    model = TunedThresholdDetector(
        config.build(verbose=verbose),
        FalseAlarmRate(rule.false_alarm_rate),
        holdout=rule.holdout,
        random_state=rule.random_state,
    )
    logger.info("fitting %s on %d normals", config.name, len(normals))
    started = time.perf_counter()
    try:
        model.fit(normals.X, groups=normals.groups)
    except ECGError:
        raise
    except ValueError as error:  # what only fit can check, scikit-learn's own checks too
        raise ConfigError(f"experiment {config.name!r}: {error}") from error
    gated = gated_of(model)
    n_refused = 0 if gated is None else gated.n_refused_
    n_held_out = model.n_normals_ + model.n_refused_
    return FittedExperiment(
        model=model,
        n_train=len(normals) - n_held_out - n_refused,
        n_holdout=model.n_normals_,
        n_refused=n_refused + model.n_refused_,
        seconds=time.perf_counter() - started,
        expected_false_alarm_rate=model.predicted_rates(n_normals=model.n_normals_)[
            "false_alarm_rate"
        ],
    )


def evaluate_model(
    name: str,
    model: Any,
    test: ECGDataset,
    *,
    n_resamples: int = 0,
    progress: Callable[[list[slice]], Iterable[slice]] = iter,
) -> tuple[Any, np.ndarray]:
    """Return the table of one model on `test`, and its scores, NaN where there is none.

    With `n_resamples` draws of patients the AUROC has an interval. `progress` is given the batches
    to score and gives them back one by one, as a progress bar does.
    """
    starts = range(0, len(test), BATCH_SIZE)
    batches = progress([slice(start, start + BATCH_SIZE) for start in starts])
    scores = np.concatenate([scores_or_nan(model, test.X[batch]) for batch in batches])
    if tuned_on(model, record_digests(test.X)):
        refuse_oracle(name)
    table = evaluate_scores(
        test,
        {name: scores},
        thresholds={name: thresholds_of(model, test.X)},
        n_resamples=n_resamples,
        random_state=0,
    )
    return table, scores
