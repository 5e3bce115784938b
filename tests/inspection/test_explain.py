"""Explanations: of the very score, whatever the model is wrapped in, faithful as they say."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    ConformalDetector,
    GatedDetector,
    LeadNormalizer,
    NormalsOnly,
    RecordSet,
    Resampler,
    TunedThresholdDetector,
    VAEMHADetector,
    load,
    make_ecg,
    save,
)
from ecg_anomaly.baselines import make_baseline
from ecg_anomaly.datasets import inject_anomalies, inject_anomaly
from ecg_anomaly.detectors import DETECTORS
from ecg_anomaly.errors import SignalError
from ecg_anomaly.inspection import explain, faithfulness, score_map
from ecg_anomaly.inspection._gradients import AnomalyScore
from ecg_anomaly.inspection._maps import attributions
from ecg_anomaly.inspection._subject import subject_of
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.metrics import localisation_auroc, pointing_game
from ecg_anomaly.model_selection import FalseAlarmRate

every_detector = pytest.mark.parametrize("cls", DETECTORS)
SMALL = {"channels": 12, "hidden": 8, "latent_dim": 8, "n_heads": 2, "max_epochs": 2}


def shrunk(cls, **params):
    names = cls._get_param_names()
    return cls(**{k: v for k, v in SMALL.items() if k in names} | {"random_state": 0} | params)


@pytest.fixture(scope="module")
def normals():
    return make_ecg(60, duration=4, random_state=0).X


@pytest.fixture(scope="module")
def trained(normals):
    torch.set_num_threads(1)
    return {cls: shrunk(cls).fit(normals) for cls in DETECTORS}


@pytest.fixture(scope="module")
def anomalies():
    x = make_ecg(6, duration=4, random_state=1).X
    return inject_anomalies(x, ["noise_burst", "pvc", "st_elevation"], random_state=0)


def methods(cls):
    (options,) = cls._parameter_constraints["score_method"]
    return sorted(options.options)


@pytest.fixture(scope="module")
def trained_for_all(normals):
    """Detectors that know pathologies too, so that any of their scores can be set."""
    return {cls: shrunk(cls, score_method="latent_beat").fit(normals) for cls in DETECTORS}


@every_detector
def test_the_gradient_is_of_the_score_that_decides(trained_for_all, anomalies, cls):
    detector = copy.copy(trained_for_all[cls])
    signals = anomalies.X.load()
    for method in methods(cls):
        detector.score_method = method
        ours = AnomalyScore(detector)(torch.from_numpy(signals.astype(float))).numpy()
        np.testing.assert_allclose(ours, -detector.score_samples(signals), rtol=1e-4, atol=1e-5)


@every_detector
def test_maps_add_up_to_the_fall_of_the_score(trained_for_all, anomalies, cls):
    detector = copy.copy(trained_for_all[cls])
    for method in methods(cls):
        detector.score_method = method
        found = list(attributions(subject_of(detector, anomalies.X)))
        falls = np.array([item.score - item.restored_score for item in found])
        sums = np.array([item.map.sum() for item in found])
        np.testing.assert_allclose(
            [item.score for item in found], -detector.score_samples(anomalies.X), rtol=1e-5
        )
        if method != "latent":  # of few records and small networks, it sees little
            assert (falls > 0).mean() > 0.8, "what is restored is more normal"
        # a median of few beats jumps where R peaks move and where another beat is the middle one
        jumps = 0.25 if method == "latent_beat" else 0.05
        np.testing.assert_allclose(sums, falls, rtol=0.15, atol=jumps * np.abs(falls).max())


@every_detector
def test_maps_point_at_the_anomaly(trained, anomalies, cls):
    chosen = anomalies[anomalies.table["kind"].isin(["noise_burst", "pvc"]).to_numpy()]
    maps = score_map(trained[cls], chosen.X)
    # of networks of two epochs; benchmarks/localisation.py measures grown ones
    assert localisation_auroc(maps, chosen.masks).auroc > 0.52
    assert pointing_game(maps, chosen.masks).corrected > 0.4


@every_detector
def test_explanations_are_faithful_and_say_so(trained, anomalies, cls):
    explanations = explain(trained[cls], anomalies.X)
    assert np.mean([item.faithful for item in explanations]) > 0.5
    table = faithfulness(trained[cls], anomalies.X, explanations, random_state=0)
    assert table.loc["first - random", "low"] > 0
    assert table.loc["first - QRS", "low"] > 0
    assert table.loc["everything", "fall"] > table.loc["first span", "fall"]
    for item in explanations:
        assert item.label == ("score" if item.faithful else "reconstruction error")


def test_a_shuffled_map_is_not_faithful(trained, anomalies):
    """The measure can fail: spans of another record's explanation are as good as random ones."""
    detector = trained[CAEDetector]
    explanations = explain(detector, anomalies.X)
    moved = [replace(item, spans=explanations[k - 1].spans) for k, item in enumerate(explanations)]
    right = faithfulness(detector, anomalies.X, explanations, random_state=0)
    wrong = faithfulness(detector, anomalies.X, moved, random_state=0)
    assert wrong.loc["first span", "fall"] < 0.3 * right.loc["first span", "fall"]


@every_detector
def test_random_weights_destroy_the_map(trained, anomalies, cls):
    """Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018."""
    other = copy.deepcopy(trained[cls])
    torch.manual_seed(7)
    with torch.no_grad():
        for weights in other.module_.parameters():
            weights.copy_(weights[torch.randperm(len(weights))])
    there, random = (score_map(model, anomalies.X) for model in (trained[cls], other))
    same = score_map(copy.deepcopy(trained[cls]), anomalies.X)
    np.testing.assert_array_equal(there, same)
    correlations = [
        spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(there, random, strict=True)
    ]
    assert np.median(correlations) < 0.45


@every_detector
def test_a_hidden_lead_gets_no_blame(trained, anomalies, cls):
    signals = anomalies.X.load()
    signals[:, 7] = 0.0
    signals[:, 2] = 0.3
    explanations = explain(trained[cls], signals)
    for item in explanations:
        assert not item.map[[2, 7]].any()
        assert not any({2, 7} & set(span.rows) for span in item.spans)
        assert item.map.any()


def test_samples_that_were_filled_in_get_no_blame(normals, anomalies):
    gated = GatedDetector(shrunk(CAEDetector)).fit(normals)
    signals = anomalies.X.load()[:3]
    signals[0, 8] = np.nan
    signals[1, 10, 100:300] = np.nan
    maps = score_map(gated, signals)
    assert np.isfinite(maps).all()
    assert not maps[0, 8].any()
    assert not maps[1, 10, 100:300].any()
    assert maps[1, 9].any()


def test_showing_some_leads_changes_nothing(trained, anomalies):
    item = explain(trained[CAEDetector], anomalies.X[:1])[0]
    shown = item.map_of(["V6", "II"])
    np.testing.assert_array_equal(shown, item.map[[11, 1]])
    with pytest.raises(SignalError, match="no map of V7"):
        item.map_of(["V7"])


def test_a_record_is_explained_alike_in_any_company(trained, anomalies):
    detector = trained[VAEMHADetector]
    together = score_map(detector, anomalies.X)
    alone = score_map(detector, anomalies.X[[4]])
    np.testing.assert_array_equal(together[4], alone[0])


WRAPPED = {
    "pipeline": lambda: make_pipeline(BandpassFilter(highcut=40), shrunk(CAEDetector)),
    "other unit": lambda: make_pipeline(LeadNormalizer(), shrunk(CAEDetector)),
    "gated": lambda: GatedDetector(make_pipeline(BandpassFilter(), shrunk(CAEDetector))),
    "tuned": lambda: TunedThresholdDetector(
        shrunk(CAEDetector), FalseAlarmRate(0.2), random_state=0
    ),
    "conformal": lambda: ConformalDetector(shrunk(CAEDetector), alpha=0.2, random_state=0),
    "tuned gated": lambda: TunedThresholdDetector(
        GatedDetector(shrunk(CAEDetector)), FalseAlarmRate(0.2), random_state=0
    ),
    "search": lambda: GridSearchCV(
        shrunk(CAEDetector, max_epochs=0), {"n_neighbors": [3]}, cv=NormalsOnly(2),
        scoring=lambda model, X, y: 0.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPED)
def test_whatever_the_detector_is_wrapped_in(normals, anomalies, name):
    model = WRAPPED[name]().fit(normals[:40], np.ones(40))
    signals = anomalies.X.load()[:2]
    explanations = explain(model, signals, top=2)
    scores = model.score_samples(signals)
    for item, score in zip(explanations, scores, strict=True):
        assert item.map.shape == signals.shape[1:]
        assert item.map.dtype == np.float32
        assert item.leads == STANDARD_LEADS
        assert len(item.neighbours) in (3, 10)
        np.testing.assert_allclose(item.anomaly_score, -score, rtol=1e-5)
        if name != "search":  # of an untrained network
            assert item.restored_score < item.anomaly_score


@pytest.mark.parametrize("name", ["mean distance", "median beat", "isolation forest"])
def test_baselines_are_explained_by_occlusion(name):
    normals = make_ecg(100, duration=4, random_state=0).X
    model = make_baseline(name, random_state=0).fit(normals)
    x = make_ecg(1, duration=4, random_state=1).X[0]
    found = inject_anomaly(x, "noise_burst", severity=1.0, random_state=0)
    (item,) = explain(model, found.record.signal[None], top=3)
    np.testing.assert_allclose(
        item.anomaly_score, -model.score_samples(found.record.signal[None])[0], rtol=1e-6
    )
    assert item.neighbours == ()
    if name == "mean distance":
        lead = int(found.mask.any(axis=1).argmax())
        assert item.faithful
        assert item.ranking[0][0] == STANDARD_LEADS[lead]
        assert item.restored_score < item.anomaly_score


def test_a_score_that_does_not_look_at_signals_blames_nothing():
    data = make_ecg(40, duration=4, random_state=0)
    records = RecordSet(data.X, table=data.table[["age"]])
    model = make_baseline("age").fit(records)
    for item in explain(model, records[:2]):
        assert not item.faithful
        assert item.restored_score == item.anomaly_score


def test_a_baseline_behind_a_gate():
    normals = make_ecg(40, duration=4, random_state=0).X
    model = GatedDetector(make_baseline("mean distance")).fit(normals)
    signals = normals[:1].copy()
    signals[0, 9] = np.nan
    (item,) = explain(model, signals)
    np.testing.assert_allclose(item.anomaly_score, -model.score_samples(signals)[0], rtol=1e-6)
    assert not item.map[9].any()
    assert item.map.any()


def test_a_step_that_changes_the_grid_leads_to_occlusion(normals, anomalies):
    at_50 = make_pipeline(Resampler(fs_in=100, fs_out=50), shrunk(CAEDetector, fs=50.0))
    at_50.fit(normals)
    (item,) = explain(at_50, anomalies.X.load()[:1])
    assert item.map.shape == (12, 400)
    assert item.neighbours == ()


def test_a_single_lead_and_a_table(normals):
    detector = shrunk(CAEDetector, crop=None).fit(normals[:, 1:2])
    table = normals[:2, 1].reshape(2, -1)
    explanations = explain(detector, table)
    assert explanations[0].map.shape == (1, 400)
    assert explanations[0].leads == ("lead1",)


def test_neighbours_are_named_and_saved(normals, tmp_path):
    names = [f"r{k}" for k in range(len(normals))]
    records = RecordSet(normals, record_ids=names)
    detector = shrunk(CAEDetector, n_neighbors=4).fit(records)
    (item,) = explain(detector, records[[5]])
    assert item.neighbours[0][0] == "r5", "a training record is its own nearest"
    assert len(item.neighbours) == 4
    distances = [distance for _, distance in item.neighbours]
    assert distances == sorted(distances)
    np.testing.assert_allclose(distances[0], 0, atol=1e-3)
    save(detector, tmp_path / "model.safetensors")
    (again,) = explain(load(tmp_path / "model.safetensors"), records[[5]])
    assert again.neighbours == item.neighbours
    np.testing.assert_array_equal(again.map, item.map)
    of_array = shrunk(CAEDetector).fit(normals)
    assert explain(of_array, normals[[7]])[0].neighbours[0][0] == 7
    detector.score_method = "reconstruction"
    assert explain(detector, records[[5]])[0].neighbours == ()


def test_older_models_without_names_are_explained(trained, anomalies):
    older = copy.deepcopy(trained[CAEDetector])
    del older.reference_["ids"]
    new = explain(trained[CAEDetector], anomalies.X[:1])[0]
    assert explain(older, anomalies.X[:1])[0].neighbours == new.neighbours


def test_the_model_is_left_alone(trained, anomalies):
    detector = trained[CAEDetector]
    weights = {name: value.clone() for name, value in detector.module_.state_dict().items()}
    before = detector.score_samples(anomalies.X)
    explain(detector, anomalies.X[:2])
    for name, value in detector.module_.state_dict().items():
        assert value.equal(weights[name])
        assert value.dtype == torch.float32
    assert all(value.requires_grad for value in detector.module_.parameters())
    np.testing.assert_array_equal(detector.score_samples(anomalies.X), before)


def test_it_can_be_said_in_a_sentence(trained, anomalies):
    item = explain(trained[CAEDetector], anomalies.X[:1], top=2)[0]
    assert str(item).startswith("record 0: anomaly score ")
    assert str(item.spans[0]) in str(item)


def test_bad_input_is_refused(trained, normals, anomalies):
    detector = trained[CAEDetector]
    with pytest.raises(ValueError, match="top must be"):
        explain(detector, anomalies.X, top=0)
    with pytest.raises(NotFittedError):
        explain(CAEDetector(), anomalies.X)
    with pytest.raises(SignalError, match="3 explanations of 6"):
        faithfulness(detector, anomalies.X, explain(detector, anomalies.X[:3]))
    gated = GatedDetector(shrunk(CAEDetector)).fit(normals)
    signals = anomalies.X.load()[:2]
    signals[1] = 0.0
    with pytest.raises(SignalError, match=r"1 of 2 records are not scorable \(1: "):
        explain(gated, signals)
