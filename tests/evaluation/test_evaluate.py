"""Many detectors, one protocol."""

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.pipeline import make_pipeline

from ecg_anomaly import ConformalDetector, RecordSet, TunedThresholdDetector
from ecg_anomaly.baselines import Flattened, ResidualDetector
from ecg_anomaly.datasets import ECGDataset
from ecg_anomaly.errors import DatasetError, ECGError, LabelError
from ecg_anomaly.evaluation import Evaluation, Protocol, evaluate
from ecg_anomaly.metrics import anomaly_auroc, bootstrap_difference, bootstrap_interval
from ecg_anomaly.model_selection import (
    FalseAlarmRate,
    FBeta,
    Youden,
    split_holdout,
    threshold_at_false_alarm_rate,
)

QUICK = Protocol(seeds=(0, 1), n_resamples=50)
AXES = {"one axis": 1, "two axes": 2}


class Blurred(OutlierMixin, BaseEstimator):
    """Scores are the first sample, blurred by the seed; `fits` counts all fits."""

    fits = []

    def __init__(self, blur=0.5, random_state=None):
        self.blur = blur
        self.random_state = random_state

    def fit(self, X, y=None):
        Blurred.fits.append((self.blur, self.random_state, np.asarray(X)[:, 0, 1].astype(int)))
        self.n_features_in_ = 3
        return self

    def score_samples(self, X):
        X = np.asarray(X)[:, 0]
        noise = np.random.default_rng(self.random_state).normal(size=100_000)
        return X[:, 0].astype(float) + self.blur * noise[X[:, 1].astype(int)]


class Failing(Blurred):
    def fit(self, X, y=None):
        raise ValueError("out of luck")


def dataset(n, first, prevalence=0.0, **changed):
    """Make records whose first sample is their score and whose second is their number."""
    rng = np.random.default_rng(first)
    y = np.where(np.arange(n) < prevalence * n, -1, 1)
    number = first + np.arange(n)
    X = np.zeros((n, 1, 3), np.float32)
    X[:, 0, 0], X[:, 0, 1] = rng.normal(size=n) + y, number
    table = pd.DataFrame({"age": rng.integers(20, 90, n), "sex": number % 2})
    table["device"] = np.where(number % 3 == 0, "A", "B<")
    labels = pd.DataFrame({"MI": (y == -1) & (number % 2 == 0), "HYP": (y == -1)}).astype(int)
    values = {
        "X": RecordSet(X, leads=["II"], table=table, patient_ids=number // 2),
        "y": y,
        "groups": number // 2,
        "table": table,
        "labels": labels,
        "name": "made up",
        "label_rule": "as drawn",
    }
    return ECGDataset(**values | changed)


TRAINING, TEST = dataset(400, 0), dataset(300, 1000, 0.4)


@pytest.fixture(scope="module")
def result():
    detectors = {"sharp": Blurred(0.5), "blunt": Blurred(2.0)}
    return evaluate(detectors, (TRAINING, TEST), QUICK)


def test_all_detectors_get_the_same_splits_and_seeds():
    Blurred.fits.clear()
    evaluate({"a": Blurred(0.5), "b": Blurred(1.0)}, (TRAINING, TEST), QUICK)
    assert [(blur, seed) for blur, seed, _ in Blurred.fits] == [
        (0.5, 0),
        (0.5, 1),
        (1.0, 0),
        (1.0, 1),
    ]
    for (_, seed, rows), (_, _, others) in zip(Blurred.fits[:2], Blurred.fits[2:], strict=True):
        np.testing.assert_array_equal(rows, others)
        fit_rows, _ = split_holdout(TRAINING.groups, 0.2, seed)
        np.testing.assert_array_equal(rows, fit_rows)


def test_cells_hold_scores_and_thresholds_of_held_out_patients(result):
    assert [(cell.detector, cell.seed) for cell in result.cells] == [
        ("sharp", 0),
        ("sharp", 1),
        ("blunt", 0),
        ("blunt", 1),
    ]
    cell = result.cells[1]
    model = Blurred(0.5, 1)
    np.testing.assert_array_equal(cell.scores, model.score_samples(TEST.X))
    _, held = split_holdout(TRAINING.groups, 0.2, 1)
    normals = model.score_samples(TRAINING.X[held])
    assert set(cell.thresholds) == {threshold_at_false_alarm_rate(normals, 0.05)}
    assert sorted(cell.calibration) == sorted(normals)


def test_the_table_has_means_over_seeds_and_intervals_over_patients(result):
    frame = result.to_frame()
    assert frame.index.tolist() == ["sharp", "blunt", "age only"]
    scores = [cell.scores for cell in result.cells[:2]]
    aurocs = [anomaly_auroc(TEST.y, s) for s in scores]
    row = frame.loc["sharp"]
    assert row["AUROC"] == pytest.approx(np.mean(aurocs))
    assert row["AUROC sd"] == pytest.approx(np.std(aurocs, ddof=1))
    assert row["AUROC low"] < row["AUROC"] < row["AUROC high"]
    cells = result.cells[:2]
    alarms = [np.mean(c.scores[TEST.y == 1] < c.thresholds[TEST.y == 1]) for c in cells]
    assert row["false alarms"] == pytest.approx(np.mean(alarms))
    assert row["expected low"] <= 0.05 <= row["expected high"]
    # 0.03 s a record
    assert row["false alarms per hour"] == pytest.approx(row["false alarms"] * 3600 / 0.03)
    assert frame.loc["blunt", "AUROC"] < row["AUROC"]
    assert {"matched AUROC", "within-device AUROC", "PPV at 5 %", "fit s"} <= set(frame.columns)
    assert result.per_seed()["AUROC"].tolist()[:2] == pytest.approx(aurocs)


def test_with_one_seed_the_interval_is_that_of_the_bootstrap():
    protocol = Protocol(seeds=(3,), n_resamples=60, random_state=5)
    result = evaluate({"a": Blurred(0.5), "b": Blurred(2.0)}, (TRAINING, TEST), protocol)
    one, other = (cell.scores for cell in result.cells)
    options = {"groups": TEST.groups, "n_resamples": 60, "random_state": 5}
    expected = bootstrap_interval(anomaly_auroc, TEST.y, one, **options)
    row = result.to_frame().loc["a"]
    np.testing.assert_allclose(row[["AUROC", "AUROC low", "AUROC high"]].to_list(), expected)
    assert "AUROC sd" not in row
    difference = bootstrap_difference(anomaly_auroc, TEST.y, other, one, **options)
    np.testing.assert_allclose(result.differences("a").loc["b"], difference)


def test_after_a_break_it_goes_on(tmp_path, result):
    detectors = {"sharp": Blurred(0.5), "fails": Failing(), "blunt": Blurred(2.0)}
    with pytest.raises(ECGError, match="'fails' with seed 0 fails: out of luck"):
        evaluate(detectors, (TRAINING, TEST), QUICK, folder=tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 2
    Blurred.fits.clear()
    told = []
    del detectors["fails"]
    again = evaluate(
        detectors,
        (TRAINING, TEST),
        QUICK,
        folder=tmp_path,
        progress=lambda cell, done, n: told.append((cell.detector, cell.seed, done, n)),
    )
    assert [blur for blur, *_ in Blurred.fits] == [2.0, 2.0]
    assert told == [("sharp", 0, 1, 4), ("sharp", 1, 2, 4), ("blunt", 0, 3, 4), ("blunt", 1, 4, 4)]
    times = ["fit s", "score s"]
    pd.testing.assert_frame_equal(
        again.to_frame().drop(columns=times), result.to_frame().drop(columns=times)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"detectors": {"sharp": Blurred(0.6)}},
        {"protocol": dataclasses.replace(QUICK, target=FalseAlarmRate(0.1))},
        {"protocol": dataclasses.replace(QUICK, holdout=0.3)},
        {"training": TRAINING[:390]},
        {"test": TEST[:290]},
    ],
)
def test_what_is_kept_belongs_to_its_question(tmp_path, change):
    asked = {"detectors": {"sharp": Blurred(0.5)}, "protocol": QUICK}
    asked |= {"training": TRAINING, "test": TEST}

    def ask(detectors, protocol, training, test):
        Blurred.fits.clear()
        evaluate(detectors, (training, test), protocol, folder=tmp_path)
        return len(Blurred.fits)

    assert ask(**asked) == 2
    assert ask(**asked) == 0
    assert ask(**asked | change) == 2


def test_damaged_cells_are_done_again(tmp_path):
    detectors = {"sharp": Blurred(0.5)}
    first = evaluate(detectors, (TRAINING, TEST), QUICK, folder=tmp_path)
    one, other = sorted(tmp_path.glob("*.npz"))
    one.write_bytes(one.read_bytes()[:-40])
    other.write_bytes(b"")
    again = evaluate(detectors, (TRAINING, TEST), QUICK, folder=tmp_path)
    np.testing.assert_array_equal(again.cells[0].scores, first.cells[0].scores)
    assert not list(tmp_path.glob(".*"))


def test_processes_give_the_same():
    # of the package: processes know nothing of the classes of a test
    detectors = {name: make_pipeline(Flattened(), ResidualDetector(n)) for name, n in AXES.items()}
    both, one = (evaluate(detectors, (TRAINING, TEST), QUICK, n_jobs=n) for n in (2, 1))
    for ours, theirs in zip(both.cells, one.cells, strict=True):
        np.testing.assert_array_equal(ours.scores, theirs.scores)
        assert (ours.detector, ours.seed) == (theirs.detector, theirs.seed)


# Leaks


def test_patients_on_both_sides_are_refused():
    test = dataset(300, 1000, 0.4, groups=np.arange(300) + 150)
    with pytest.raises(DatasetError, match="training and test share"):
        evaluate({"a": Blurred()}, (TRAINING, test), QUICK)


def test_records_identical_with_test_records_are_left_out():
    training = dataset(400, 0)
    X = training.X.load()
    X[7] = TEST.X.load()[3]
    training.X = RecordSet(X, leads=["II"])
    Blurred.fits.clear()
    result = evaluate({"a": Blurred()}, (training, TEST), QUICK)
    assert all(1003 not in rows for *_, rows in Blurred.fits)
    assert "Left out: 1 identical with a test record" in result.training_description
    assert training.excluded == {}


def test_a_threshold_set_on_test_records_is_the_oracle_or_refused():
    fitted = Blurred(0.5, 0).fit(TRAINING.X)
    for cheat in (
        TunedThresholdDetector(fitted, Youden(), cv="prefit").fit(TEST.X, TEST.y),
        ConformalDetector(fitted, cv="prefit").fit(TEST.X[TEST.y == 1]),
    ):
        with pytest.raises(DatasetError, match="'cheat' was set on test records"):
            evaluate({"cheat": cheat}, (TRAINING, TEST), QUICK)
        oracle = Protocol(n_resamples=20, oracle=True)
        result = evaluate({"cheat": cheat, "fair": Blurred()}, (TRAINING, TEST), oracle)
        assert result.to_frame().index.tolist() == ["cheat (oracle)", "fair", "age only"]


def test_stray_twins_are_no_leak():
    fitted = Blurred(0.5, 0).fit(TRAINING.X)
    X = TRAINING.X.load()
    X[0] = TEST.X.load()[200]
    model = TunedThresholdDetector(fitted, cv="prefit").fit(RecordSet(X, leads=["II"]))
    result = evaluate({"fair": model}, (TRAINING, TEST), QUICK)
    assert not result.cells[0].is_oracle


def test_the_oracle_columns_are_the_best_on_the_test_labels():
    protocol = Protocol(seeds=(0,), n_resamples=20, oracle=True)
    result = evaluate({"a": Blurred()}, (TRAINING, TEST), protocol)
    row = result.to_frame().loc["a"]
    scores = result.cells[0].scores
    best = FBeta().threshold(scores[TEST.y == 1], scores[TEST.y == -1])
    flagged = scores < best
    hits = (flagged & (TEST.y == -1)).sum()
    assert row["F1 (oracle)"] == pytest.approx(2 * hits / (flagged.sum() + (TEST.y == -1).sum()))
    assert row["F1 (oracle)"] >= row["F1"]
    assert not any("oracle" in column for column in evaluate(
        {"a": Blurred()}, (TRAINING, TEST), Protocol(seeds=(0,), n_resamples=20)
    ).to_frame().columns)  # fmt: skip


def test_fitted_models_with_a_threshold_are_taken_as_they_are():
    ready = TunedThresholdDetector(Blurred(0.5), random_state=0).fit(TRAINING.X)
    Blurred.fits.clear()
    result = evaluate({"ready": ready, "new": Blurred(0.5)}, (TRAINING, TEST), QUICK)
    assert len(Blurred.fits) == 2
    assert [cell.seed for cell in result.cells] == [None, 0, 1]
    assert set(result.cells[0].thresholds) == {ready.offset_}
    assert result.differences("ready").shape == (1, 3)


def test_conformal_detectors_keep_their_groups():
    model = ConformalDetector(Blurred(0.5), 0.1, group_by="sex")
    result = evaluate({"by sex": model}, (TRAINING, TEST), QUICK)
    cell = result.cells[0]
    assert len(set(cell.thresholds)) == 2
    assert len(set(cell.thresholds[TEST.table["sex"] == 1])) == 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"test": dataset(300, 1000, 0.4, y=np.arange(300) % 2)}, LabelError, "np.where"),
        ({"test": dataset(300, 1000)}, LabelError, "both classes"),
        ({"training": dataset(400, 0, y=np.zeros(400))}, DatasetError, "training labels"),
        ({"detectors": {}}, ECGError, "no detector"),
        ({"detectors": {"age only": Blurred()}}, ECGError, "a row that every table has"),
    ],
)
def test_what_cannot_be_evaluated(change, error, message):
    asked = {"detectors": {"a": Blurred()}, "training": TRAINING, "test": TEST} | change
    with pytest.raises(error, match=message):
        evaluate(asked["detectors"], (asked["training"], asked["test"]), QUICK)


def test_tables_without_subgroups_make_a_page(tmp_path):
    plain = [dataset(n, first, p) for n, first, p in ((200, 0, 0), (100, 1000, 0.5))]
    for side in plain:
        side.table = side.table[["device"]].assign(fs=100.0)
        side.labels = None
    result = evaluate({"a": Blurred()}, tuple(plain), Protocol(seeds=(0,), subgroups=("ward",)))
    assert len(result.subgroups("a")) == 0
    assert "<h2>a</h2>" in result.to_html(tmp_path / "page.html")


def test_what_a_cell_depends_on(tmp_path):
    """Age and sex may decide, and so may the rate."""
    model = ConformalDetector(Blurred(0.5), 0.1, group_by="sex")
    first = evaluate({"a": model}, (TRAINING, TEST), QUICK, folder=tmp_path)
    other = dataset(300, 1000, 0.4)
    swapped = other.table.assign(sex=1 - other.table["sex"])
    other.table, other.X = swapped, RecordSet(other.X.load(), leads=["II"], table=swapped)
    second = evaluate({"a": model}, (TRAINING, other), QUICK, folder=tmp_path)
    assert (first.cells[0].thresholds != second.cells[0].thresholds).any()


def test_a_cell_that_cannot_be_kept_says_so(tmp_path):
    evaluate({"a": Blurred(0.5)}, (TRAINING, TEST), Protocol(seeds=(0,)), folder=tmp_path)
    (file,) = tmp_path.glob("*.npz")
    file.unlink()
    file.mkdir()
    with pytest.raises(ECGError, match="cannot be written"):
        evaluate({"a": Blurred(0.5)}, (TRAINING, TEST), Protocol(seeds=(0,)), folder=tmp_path)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"n_resamples": 0}, "n_resamples"),
        ({"confidence": 95}, "confidence"),
        ({"holdout": 0}, "holdout"),
        ({"target": "x"}, "FalseAlarmRate"),
    ],
)
def test_impossible_protocols(numbers, message):
    with pytest.raises(ValueError, match=message):
        Protocol(**numbers)


def test_protocols():
    assert Protocol(seeds=np.arange(2)).seeds == (0, 1)
    with pytest.raises(ValueError, match="different numbers"):
        Protocol(seeds=(0, 0))
    with pytest.raises(ValueError, match="one or more"):
        Protocol(seeds=())
    json.dumps(QUICK.as_dict())


# What comes of it


def test_json(result, tmp_path):
    text = result.to_json(tmp_path / "result.json")
    assert (tmp_path / "result.json").read_text() == text
    document = json.loads(text)
    assert [row["detector"] for row in document["results"]] == result.to_frame().index.tolist()
    assert document["protocol"]["seeds"] == [0, 1]
    assert len(document["seeds"]) == 4
    assert document["versions"]["numpy"] == np.__version__
    with pytest.raises(ECGError, match="cannot be written"):
        result.to_json(tmp_path / "no" / "result.json")


def test_tables_of_one_detector(result):
    groups = result.subgroups("sharp")
    assert set(groups["column"]) == {"sex", "age", "device"}
    cell = result.cells[0]
    men = TEST.table["sex"].to_numpy() == 0
    flagged = cell.scores < cell.thresholds
    row = groups[(groups["column"] == "sex") & (groups["value"].astype(str) == "0")].iloc[0]
    assert row["false_alarm_rate"] == pytest.approx(flagged[men & (TEST.y == 1)].mean())
    diagnoses = result.diagnoses("sharp")
    assert diagnoses.shape[0] == 2
    p = result.p_values("sharp")
    normals = cell.scores[TEST.y == 1]
    expected = [(1 + (cell.calibration <= s).sum()) / (1 + len(cell.calibration)) for s in normals]
    np.testing.assert_allclose(p, expected)
    assert len(result.calibration("sharp")) == 5
    with pytest.raises(ECGError, match="no detector 'blurry'; there are sharp, blunt"):
        result.subgroups("blurry")


def test_the_page_is_whole_and_escapes_names(tmp_path):
    detectors = {"<b>sharp</b>": Blurred(0.5), "blunt & dull": Blurred(2.0)}
    result = evaluate(detectors, (TRAINING, TEST), QUICK)
    page = result.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    assert page.startswith("<!DOCTYPE html>")
    assert "<b>sharp</b>" not in page
    assert "&lt;b&gt;sharp&lt;/b&gt;" in page
    assert "B&lt;" in page
    assert len(re.findall(r'src="data:image/png;base64,[A-Za-z0-9+/=]{1000,}"', page)) >= 3
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    for value in result.to_frame()["AUROC"]:
        assert f"<td>{value:.3f}</td>" in page


def test_unscorable_records_are_left_out_for_all():
    class Refusing(Blurred):
        def score_samples(self, X):
            scores = super().score_samples(X)
            number = np.asarray(X)[:, 0, 1]
            return np.where(number % 10 == 0, np.finfo(float).min, scores)

    detectors = {"refusing": Refusing(0.5), "plain": Blurred(0.5)}
    result = evaluate(detectors, (TRAINING, TEST), QUICK)
    assert isinstance(result, Evaluation)
    assert result.scorable.sum() == 270
    frame = result.to_frame()
    for what in ("normals", "anomalies"):
        assert frame.loc["plain", f"{what} not scorable"] == 0
        assert frame.loc["refusing", f"{what} not scorable"] == pytest.approx(0.1, abs=0.02)
    kept = TEST.X.load()[:, 0, 1] % 10 != 0
    expected = anomaly_auroc(TEST.y[kept], result.cells[2].scores[kept])
    assert result.per_seed()["AUROC"].iloc[2] == pytest.approx(expected)
