import dataclasses
import json

import numpy as np
import pytest
import yaml
from sklearn.base import BaseEstimator, clone

from ecg_anomaly import experiment as module
from ecg_anomaly.datasets import make_ecg
from ecg_anomaly.detectors import DETECTORS, GatedDetector
from ecg_anomaly.errors import ConfigError, DatasetError, ECGError
from ecg_anomaly.evaluation import AGE_ONLY
from ecg_anomaly.experiment import (
    ExperimentConfig,
    check_config,
    config_names,
    evaluate_model,
    fit_experiment,
    load_config,
    load_datasets,
)
from ecg_anomaly.model_selection import split_holdout, threshold_at_false_alarm_rate
from ecg_anomaly.persistence import load, read_metadata, save
from ecg_anomaly.quality import QualityGate
from ecg_anomaly.records import RecordSet
from ecg_anomaly.scoring import calibrate

SMALL = {
    "name": "small",
    "data": {"dataset": "synthetic", "duration": 3, "n_train": 100, "n_test": 30},
    "preprocessing": [{"BandpassFilter": {"lowcut": 0.5, "highcut": 40.0, "fs": 100}}],
    "detector": {
        "CAEDetector": {"channels": 8, "latent_dim": 4, "max_epochs": 1, "random_state": 0}
    },
    "threshold": {"false_alarm_rate": 0.1, "holdout": 0.3},
}


def changed(path, value):
    """Return the small experiment with another value at a path of keys; None drops the key."""
    content = json.loads(json.dumps(SMALL))
    *parents, last = path
    place = content
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return content


@pytest.fixture(scope="module")
def fitted():
    config = check_config(SMALL, "small")
    training, test = load_datasets(config, None)
    return config, training, test, fit_experiment(config, training)


# Configurations


def test_names_are_those_of_the_files():
    assert {"cae", "vae_mha", "vae_bilstm", "synthetic_cae", "synthetic_vae_mha"} <= set(
        config_names()
    )
    assert config_names() == sorted(config_names())


@pytest.mark.parametrize("name", config_names())
def test_shipped_experiments(name):
    config = load_config(name)
    assert config.name == name
    model = config.build(verbose=0)
    if config.gate is not None:
        assert isinstance(model, GatedDetector)
        assert model.fs == config.data.fs
        clone(model)._validate_params()
        model = model.detector
    assert type(model[-1]) in DETECTORS
    assert model[-1].random_state is not None
    for step in clone(model):
        step._validate_params()
    assert ExperimentConfig.model_validate(config.model_dump(mode="json")) == config
    if config.data.dataset == "ptbxl":
        assert config.gate is not None
        assert not set(config.data.train_folds) & set(config.data.test_folds)


def test_build_passes_parameters_on(tmp_path):
    config = check_config(SMALL, "small")
    model = config.build(max_epochs=7)
    assert [type(step).__name__ for step in model] == ["BandpassFilter", "CAEDetector"]
    assert (model[0].highcut, model[0].fs) == (40.0, 100)
    assert (model[-1].channels, model[-1].max_epochs) == (8, 7)


def test_a_gate_goes_around_the_pipeline():
    model = check_config(SMALL | {"gate": {"min_duration": 1.5}}, "small").build()
    assert isinstance(model, GatedDetector)
    assert model.gate == QualityGate(min_duration=1.5)
    assert [type(step).__name__ for step in model.detector] == ["BandpassFilter", "CAEDetector"]
    with pytest.raises(ConfigError, match="gate: QualityGate has no parameter 'colour'"):
        check_config(SMALL | {"gate": {"colour": 1}}, "small")
    with pytest.raises(ConfigError, match="gate: min_duration must be"):
        check_config(SMALL | {"gate": {"min_duration": -1}}, "small")


def test_what_the_gate_refuses_sets_no_threshold(fitted):
    config, training, test, plain = fitted
    gated = config.model_copy(update={"gate": {}})
    X = training.X.copy()
    X[::3] = 0.0
    training = dataclasses.replace(training, X=X)
    result = fit_experiment(gated, training)
    n_flat = int((training.y[::3] == 1).sum())
    assert result.n_refused == n_flat > 5
    assert result.n_train + result.n_holdout == plain.n_train + plain.n_holdout - n_flat
    normals = training[training.y == 1]
    _, holdout = split_holdout(normals.groups, config.threshold.holdout, 0)
    scores = module.scores_or_nan(result.model, normals.X[holdout])
    assert np.isnan(scores).mean() > 0.2
    rate = config.threshold.false_alarm_rate
    expected = threshold_at_false_alarm_rate(scores[np.isfinite(scores)], rate)
    assert result.threshold == expected
    assert result.metadata(gated)["n_refused"] == n_flat
    X = test.X.copy()
    X[:4] = 0.0
    test = dataclasses.replace(test, X=X)
    table, scores = evaluate_model("gated", result.model, test)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [0, 1, 2, 3]
    share = table.loc["gated", ["normals not scorable", "anomalies not scorable"]]
    counts = share.to_numpy() * [(test.y == 1).sum(), (test.y == -1).sum()]
    assert counts.sum() == pytest.approx(4)


def test_steps_may_be_repeated():
    notches = [{"NotchFilter": {"freq": freq}} for freq in (20.0, 30.0, 40.0)]
    steps = [notches[0], {"LeadNormalizer": {}}, *notches[1:]]
    model = check_config(changed(["preprocessing"], steps), "small").build()
    assert list(model.named_steps) == [
        "NotchFilter",
        "LeadNormalizer",
        "NotchFilter2",
        "NotchFilter3",
        "CAEDetector",
    ]
    assert model["NotchFilter3"].freq == 40


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    assert load_config(path) == load_config(str(path)) == check_config(SMALL, "small")


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (["name"], None, "name: field required"),
        (["name"], 5, "name: "),
        (["colour"], "red", "unknown key 'colour'"),
        (["data", "dataset"], "mitbih", "data.*'mitbih'"),
        (["data", "dataset"], None, "data: .*dataset"),
        (["data", "folds"], [1], r"unknown key 'data\.synthetic\.folds'"),
        (["data", "fs"], -100, r"data\.synthetic\.fs: .*greater than 0"),
        (["data", "fs"], float("nan"), r"data\.synthetic\.fs"),
        (["data", "n_test"], 1, r"data\.synthetic\.n_test"),
        (["data", "n_train"], "many", r"data\.synthetic\.n_train"),
        (["data"], {"dataset": "ptbxl", "fs": 250}, r"data\.ptbxl\.fs: input should be 100 or 500"),
        (["data"], {"dataset": "ptbxl", "normal": "form"}, r"data\.ptbxl\.normal"),
        (["data"], {"dataset": "ptbxl", "train_folds": []}, r"data\.ptbxl\.train_folds"),
        (["data"], {"dataset": "ptbxl", "test_folds": ["x"]}, r"data\.ptbxl\.test_folds\.0"),
        (["preprocessing"], [{"Bandpass": {}}], "preprocessing: 'Bandpass' is none of"),
        (["preprocessing"], [{"BandpassFilter": {"low": 1}}], "BandpassFilter has no .*'low'"),
        (["preprocessing"], [{"BandpassFilter": {"order": 0}}], "preprocessing: .*'order'"),
        (["preprocessing"], [{}], "preprocessing: give one class"),
        (["preprocessing"], "BandpassFilter", "preprocessing: "),
        (["detector"], None, "detector: field required"),
        (["detector"], {"IsolationForest": {}}, "detector: 'IsolationForest' is none of"),
        (["detector"], {"CAEDetector": {}, "VAEMHADetector": {}}, "detector: give one class"),
        (["detector"], {"CAEDetector": None}, r"detector\.CAEDetector"),
        (["detector", "CAEDetector", "epochs"], 3, "CAEDetector has no parameter 'epochs'"),
        (["detector", "CAEDetector", "max_epochs"], "three", "detector: .*'max_epochs'"),
        (["detector", "CAEDetector", "score_method"], "best", "detector: .*'score_method'"),
        (["threshold", "false_alarm_rate"], 0, r"threshold\.false_alarm_rate"),
        (["threshold", "false_alarm_rate"], 5, r"threshold\.false_alarm_rate"),
        (["threshold", "holdout"], 1.0, r"threshold\.holdout"),
        (["threshold", "random_state"], -1, r"threshold\.random_state: .*greater than or equal"),
        (["threshold", "random_state"], 2**32, r"threshold\.random_state: .*less than"),
        (["data", "random_state"], -1, r"data\.synthetic\.random_state"),
        (["threshold", "k"], 1, r"unknown key 'threshold\.k'"),
    ],
    ids=str,
)
def test_wrong_keys_and_values_are_named(tmp_path, path, value, problem):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(changed(path, value)))
    with pytest.raises(ConfigError, match=problem) as caught:
        load_config(file)
    assert isinstance(caught.value, ECGError)
    assert str(caught.value).startswith(f"{file}: ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file: "),
        (b"just text", "the file: "),
        (b"- a\n- list\n", "the file: "),
        (b"name: [unclosed", "no YAML"),
        (b"name: !!python/object/apply:os.system [true]", "no YAML"),
        (b"[" * 100_000, "no YAML"),
        (b"\xff\xfe\x00", "neither a readable YAML file"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_files_that_are_no_experiment(tmp_path, content, problem):
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=problem):
        load_config(file)


@pytest.mark.parametrize("name", ["vae_mhaa", "", "cae.yaml", "../configs/cae", "a\0b"])
def test_unknown_names(name):
    with pytest.raises(ConfigError, match="neither a readable YAML file nor one of cae"):
        load_config(name)


def test_a_config_does_not_change():
    config = load_config("cae")
    with pytest.raises(ValueError, match="frozen"):
        config.name = "other"


# Data


def test_synthetic_data_follow_the_seed():
    config = check_config(SMALL, "small")
    training, test = load_datasets(config, None)
    assert training.X.shape == (100, 12, 300)
    assert test.X.shape == (30, 12, 300)
    assert (training.y == 1).all()
    assert (test.y == -1).sum() == 15
    np.testing.assert_array_equal(load_datasets(config, None)[0].X, training.X)
    other = check_config(changed(["data", "random_state"], 1), "small")
    assert not np.array_equal(load_datasets(other, None)[0].X, training.X)
    # nobody stands in both
    assert not set(training.table["qtc"]) & set(test.table["qtc"])


@pytest.mark.parametrize("below", ["", "ptbxl"])
def test_ptbxl_in_the_folder_or_below_it(tmp_path, monkeypatch, below):
    calls = []
    monkeypatch.setattr(
        module, "load_ptbxl", lambda folder, **params: calls.append((folder, params))
    )
    data = {"dataset": "ptbxl", "fs": 500, "normal": "strict", "train_folds": [1, 2]}
    (tmp_path / below).mkdir(exist_ok=True)
    load_datasets(check_config(changed(["data"], data), "small"), tmp_path)
    common = {"fs": 500, "normal": "strict", "validated_by_human": False}
    assert calls == [
        (tmp_path / below, {"folds": [1, 2], **common}),
        (tmp_path / below, {"folds": [9], **common}),
    ]


def test_ptbxl_needs_its_folder(tmp_path):
    config = load_config("cae")
    with pytest.raises(DatasetError, match="'cae' needs the folder of PTB-XL"):
        load_datasets(config, None)
    with pytest.raises(DatasetError, match=r"ptbxl_database\.csv is missing"):
        load_datasets(config, tmp_path)


# Fitting


def test_the_threshold_is_set_on_other_patients(fitted):
    _, training, _, result = fitted
    fit_rows, holdout_rows = split_holdout(training.groups, 0.3, 0)
    assert (result.n_train, result.n_holdout) == (70, 30) == (len(fit_rows), len(holdout_rows))
    scores = result.model.score_samples(training.X[holdout_rows])
    # the third smallest of 30: k = floor(0.1 * 31)
    assert result.threshold == pytest.approx(np.sort(scores)[2], rel=1e-6)
    assert result.model.predict(training.X[holdout_rows]).tolist().count(-1) in (2, 3)
    rate, low, high = result.expected_false_alarm_rate
    assert 0 <= low < rate < high < 0.4


def test_the_detector_sees_the_rows_to_fit_on_alone(monkeypatch):
    config = check_config(SMALL, "small")
    training = make_ecg(60, duration=3, anomalies="lvh", random_state=0)
    training.groups = np.repeat(np.arange(20), 3)
    seen = {}

    class Spy(BaseEstimator):
        def fit(self, X):
            seen["fit"] = X
            return self

        def score_samples(self, X):
            seen["holdout"] = X
            return np.arange(len(X), dtype=float)

    monkeypatch.setattr(ExperimentConfig, "build", lambda self, **params: Spy())
    monkeypatch.setattr(module, "gated_of", lambda model: None)
    result = fit_experiment(config, training)
    row_of = {signal.tobytes(): row for row, signal in enumerate(training.X)}
    fit_rows, holdout_rows = (
        [row_of[signal.tobytes()] for signal in seen[name]] for name in ("fit", "holdout")
    )
    assert not set(training.groups[fit_rows]) & set(training.groups[holdout_rows])
    assert sorted([*fit_rows, *holdout_rows]) == np.flatnonzero(training.y == 1).tolist()
    assert result.n_train == len(fit_rows)


def test_fits_are_reproducible(fitted):
    config, training, test, _ = fitted
    result, again = (fit_experiment(config, training) for _ in range(2))
    assert again.threshold == result.threshold
    np.testing.assert_array_equal(
        again.model.score_samples(test.X), result.model.score_samples(test.X)
    )


def test_metadata_is_json_and_travels_with_the_model(fitted, tmp_path):
    config, _, test, result = fitted
    metadata = result.metadata(config)
    assert json.loads(json.dumps(metadata, allow_nan=False)) == metadata
    assert check_config(metadata["experiment"], "small") == config
    path = tmp_path / "model.safetensors"
    save(result.model, path, metadata=metadata)
    assert read_metadata(path)["metadata"] == metadata
    np.testing.assert_array_equal(
        load(path).decision_function(test.X), result.model.decision_function(test.X)
    )


def test_too_few_held_out_for_the_rate():
    config = check_config(changed(["data", "n_train"], 20), "small")
    with pytest.raises(DatasetError, match="at least 9 held-out normals, got 6"):
        fit_experiment(config, load_datasets(config, None)[0])


def test_no_normal_to_train_on():
    training = make_ecg(10, duration=3, anomalies="all", random_state=0)
    with pytest.raises(DatasetError, match="no normal record to train on"):
        fit_experiment(check_config(SMALL, "small"), training[training.y == -1])


@pytest.mark.parametrize(
    ("detector", "problem"),
    [
        ({"VAEMHADetector": {"n_heads": 5}}, "n_heads=5 does not divide"),
        ({"CAEDetector": {"device": "nowhere"}}, "device='nowhere' cannot be used here"),
        ({"CAEDetector": {"early_stopping": True, "validation_fraction": 0.999}}, "."),
    ],
    ids=str,
)
def test_what_only_fitting_can_refuse(detector, problem):
    config = check_config(changed(["detector"], detector), "small")
    training = make_ecg(30, duration=3, random_state=0)
    with pytest.raises(ECGError, match=problem):
        fit_experiment(config, training)


def test_errors_of_scikit_learn_name_the_experiment(monkeypatch):
    class Refusing(BaseEstimator):
        def fit(self, X):
            raise ValueError("something of a library")

        def score_samples(self, X):
            raise AssertionError

    monkeypatch.setattr(ExperimentConfig, "build", lambda self, **params: Refusing())
    training = make_ecg(30, duration=3, random_state=0)
    with pytest.raises(ConfigError, match="experiment 'small': something of a library"):
        fit_experiment(check_config(SMALL, "small"), training)


def test_scoring_in_batches(fitted, monkeypatch):
    _, _, test, result = fitted
    monkeypatch.setattr(module, "BATCH_SIZE", 16)
    seen = []

    def progress(batches):
        for batch in batches:
            seen.append(batch)
            yield batch

    _, scores = evaluate_model("CAEDetector", result.model, test, progress=progress)
    assert seen == [slice(0, 16), slice(16, 32)]
    np.testing.assert_array_equal(scores, result.model.score_samples(test.X))


def test_evaluating_a_model(fitted):
    _, _, test, result = fitted
    table, scores = evaluate_model("CAEDetector", result.model, test)
    np.testing.assert_array_equal(scores, result.model.score_samples(test.X))
    assert table.index.tolist() == ["CAEDetector", AGE_ONLY]
    flagged = scores[test.y == 1] < result.threshold
    assert table.loc["CAEDetector", "false alarms"] == flagged.mean()


def test_a_model_with_thresholds_of_groups_is_measured_by_them(fitted):
    _, training, test, result = fitted
    table = test.table[["sex"]]
    records = RecordSet(test.X, table=table)
    shifted = np.where(table["sex"].to_numpy() == 1, 2.0, 1.0).astype(np.float32)
    local = RecordSet(
        training.X * np.where(training.table["sex"].to_numpy() == 1, 2.0, 1.0)[:, None, None],
        table=training.table[["sex"]],
    )
    model = calibrate(result.model, local, alpha=0.2, group_by="sex")
    assert len(set(model.group_offsets_.values())) == 2
    louder = RecordSet(test.X * shifted[:, None, None], table=table)
    measured, _ = evaluate_model("m", model, dataclasses.replace(test, X=louder))
    expected = model.predict(louder) == -1
    assert measured.loc["m", "false alarms"] == expected[test.y == 1].mean()
    assert measured.loc["m", "sensitivity"] == expected[test.y == -1].mean()
    cheat = calibrate(result.model, records[test.y == 1], alpha=0.2)
    with pytest.raises(DatasetError, match="was set on test records"):
        evaluate_model("m", cheat, dataclasses.replace(test, X=records))
