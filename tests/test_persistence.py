"""Model files: exact round trips, and nothing but an error from files that lie."""

import io
import json
import os
import pickle
import resource
import struct
import sys
import time
import zipfile

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load as parse
from safetensors.numpy import save as to_bytes
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    GatedDetector,
    LeadImputer,
    LeadNormalizer,
    QualityGate,
    RecordSet,
    VAEMHADetector,
    __version__,
    load,
    make_ecg,
    save,
)
from ecg_anomaly.detectors import DETECTORS
from ecg_anomaly.errors import ECGWarning, ModelFileError
from ecg_anomaly.persistence import FORMAT, _digest, read_metadata
from ecg_anomaly.preprocessing import TRANSFORMERS

ESTIMATORS = DETECTORS + TRANSFORMERS
every_estimator = pytest.mark.parametrize("cls", ESTIMATORS)
LEADS = ("I", "II", "V2")


@pytest.fixture(scope="module")
def pipeline(small, signals):
    """Fit a Pipeline with a detector, whose file the tests damage."""
    steps = [("impute", LeadImputer()), ("scale", LeadNormalizer()), ("detect", small(CAEDetector))]
    return Pipeline(steps).fit(RecordSet(signals(), leads=LEADS))


@pytest.fixture(scope="module")
def content(pipeline, tmp_path_factory):
    """Return the bytes of the saved pipeline."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save(pipeline, path)
    return path.read_bytes()


def written(text, arrays):
    """Return a file of this document and these tensors."""
    return to_bytes(arrays or {"empty": np.zeros(0)}, {"ecg_anomaly": text})


def read_document(content):
    """Return the JSON document of a file."""
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["ecg_anomaly"])


def edited(content, change, arrays=None):
    """Return a file whose document was changed by a function, its checksum right."""
    arrays = dict(parse(content)) if arrays is None else arrays
    document = read_document(content)
    changed = change(document)
    document = document if changed is None else changed
    if isinstance(document, dict):
        document.pop("sha256")
        document["sha256"] = _digest(document, arrays)
    return written(json.dumps(document), arrays)


def refused(path, content, match=None):
    """Check that a file is refused, soon and without memory."""
    path.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    with pytest.raises(ModelFileError, match=match) as caught:
        load(path)
    assert time.perf_counter() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
    assert str(path) in str(caught.value)
    return str(caught.value)


@every_estimator
def test_round_trip(cls, small, signals, output, tmp_path):
    X = signals()
    estimator = small(cls).fit(X)
    save(estimator, tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    assert type(loaded) is cls
    assert loaded.get_params() == estimator.get_params()
    np.testing.assert_array_equal(output(loaded, X), output(estimator, X))
    assert set(loaded.__dict__) == set(estimator.__dict__)
    if cls in DETECTORS:
        for name in ("predict", "decision_function", "reconstruct", "anomaly_map", "latent"):
            np.testing.assert_array_equal(getattr(loaded, name)(X), getattr(estimator, name)(X))
        assert loaded.history_ == estimator.history_
        assert not loaded.module_.training
    # a second generation is the same file
    save(loaded, tmp_path / "again.safetensors")
    first, second = (tmp_path / f"{name}.safetensors" for name in ("model", "again"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("cls", DETECTORS)
def test_round_trip_of_a_pipeline_fitted_on_records(cls, small, signals, tmp_path):
    records = RecordSet(signals(), fs=100, leads=LEADS)
    model = make_pipeline(LeadImputer(), BandpassFilter(), LeadNormalizer(), small(cls))
    model.fit(records)
    save(model, str(tmp_path / "model.safetensors"))
    loaded = load(str(tmp_path / "model.safetensors"))
    assert [name for name, _ in loaded.steps] == [name for name, _ in model.steps]
    np.testing.assert_array_equal(loaded.score_samples(records), model.score_samples(records))
    assert loaded[-1].leads_ == LEADS
    assert loaded[-1].fs_ == 100
    refitted = clone(loaded).fit(records)
    np.testing.assert_array_equal(refitted.score_samples(records), model.score_samples(records))


def test_round_trip_of_nested_pipelines(small, signals, tmp_path):
    X = signals()
    inner = Pipeline([("a", BandpassFilter()), ("b", LeadNormalizer())])
    model = Pipeline([("first", inner), ("last", small(CAEDetector))]).fit(X)
    save(model, tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m").score_samples(X), model.score_samples(X))


@pytest.fixture
def gated(small):
    """Fit a gated Pipeline on synthetic ECGs."""
    X = make_ecg(20, duration=4, random_state=0).X
    pipeline = make_pipeline(BandpassFilter(), small(CAEDetector))
    return GatedDetector(pipeline, QualityGate(min_duration=1.5)).fit(RecordSet(X))


def test_round_trip_of_a_gated_detector(gated, tmp_path):
    X = make_ecg(20, duration=4, random_state=1).X
    X[3], X[5, 7] = 0, 0
    gated.offset_ = float(np.median(gated.score_and_assess(X)[0]))
    save(gated, tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert set(loaded.__dict__) == set(gated.__dict__)
    assert loaded.gate_ == loaded.gate == QualityGate(min_duration=1.5)
    assert loaded.offset_ == gated.offset_
    assert loaded.assess(X) == gated.assess(X)
    np.testing.assert_array_equal(loaded.score_and_assess(X)[0], gated.score_and_assess(X)[0])
    np.testing.assert_array_equal(loaded.predict_verdict(X), gated.predict_verdict(X))
    assert sorted(set(loaded.predict_verdict(X))) == ["flagged", "not flagged", "not scorable"]
    save(loaded, tmp_path / "again")
    assert (tmp_path / "model").read_bytes() == (tmp_path / "again").read_bytes()
    refitted = clone(loaded).fit(X)
    assert refitted.n_refused_ == 1


def gate_of(model):
    return model["state"]["gate_"]["fields"]["dict"]


@pytest.mark.parametrize(
    "change",
    [
        lambda model: gate_of(model).update(colour=1),
        lambda model: gate_of(model).update(min_duration=-1),
        lambda model: gate_of(model).update(mains="50"),
        lambda model: model["state"].pop("gate_"),
        lambda model: model["state"].update(gate_=None),
        lambda model: model["state"]["gate_"].update(settings="FalseAlarmRate"),
        lambda model: model["state"]["gate_"].update(settings="Path"),
        lambda model: model["parts"].pop("imputer_"),
        lambda model: model["parts"].update(imputer_=model["parts"]["detector_"]),
        lambda model: model["state"].update(fs_=-1),
        lambda model: model["state"].update(n_features_in_=12),
        lambda model: model["params"].update(colour=1),
    ],
)
def test_a_gate_that_does_not_fit(gated, tmp_path, change):
    path = tmp_path / "model"
    save(gated, path)
    refused(path, edited(path.read_bytes(), lambda document: change(document["model"]) and None))


def test_loaded_models_can_be_fitted_and_warm_started(small, signals, tmp_path):
    X = signals()
    model = small(CAEDetector, warm_start=True, leads=["I", "II", "V2"]).fit(X)
    save(model, tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert loaded.leads == ["I", "II", "V2"]
    np.testing.assert_array_equal(loaded.fit(X).score_samples(X), model.fit(X).score_samples(X))
    assert len(loaded.history_) == 2


def test_numpy_numbers_are_parameters_too(small, signals, tmp_path):
    X = signals()
    model = small(CAEDetector, n_neighbors=np.int64(2), contamination=np.float32(0.25)).fit(X)
    save(model, tmp_path / "m")
    loaded = load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.score_samples(X), model.score_samples(X))
    assert loaded.get_params() == model.get_params()


def test_metadata(pipeline, tmp_path):
    told = {"rate": 0.05, "folds": [1, {"b": None}], "tensor": "x", "é": "ß"}
    save(pipeline, tmp_path / "m", metadata=told)
    description = read_metadata(tmp_path / "m")
    assert set(description) == {"version", "model", "metadata"}
    assert description["metadata"] == told
    load(tmp_path / "m")
    for wrong in ({1, 2}, np.zeros(2), float("nan")):
        with pytest.raises(ModelFileError, match="metadata must be of JSON's types"):
            save(pipeline, tmp_path / "m", metadata={"a": wrong})
    assert read_metadata(tmp_path / "m") == description


@every_estimator
def test_files_are_small(cls, signals, tmp_path):
    X = np.repeat(signals(n_leads=12), 3, axis=0)
    params = {"max_epochs": 0} if cls in DETECTORS else {}
    estimator = cls(**params).fit(X)
    save(estimator, tmp_path / "m")
    n_weights = 0
    if cls in DETECTORS:
        n_weights = sum(p.numel() for p in estimator.module_.parameters())
        n_weights += 2 * estimator.reference_["projection"].size + len(X) * X.shape[1]
    assert (tmp_path / "m").stat().st_size < 4 * n_weights + 40_000


@every_estimator
def test_unfitted_estimators_are_refused(cls, tmp_path):
    with pytest.raises(NotFittedError):
        save(cls(), tmp_path / "m")
    with pytest.raises(NotFittedError):
        save(make_pipeline(BandpassFilter(), cls()), tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_foreign_estimators_are_refused(small, signals, tmp_path):
    class CAEDetector2(CAEDetector):
        pass

    CAEDetector2.__name__ = "CAEDetector"
    X = signals()
    for model in (
        PCA().fit(X[:, 0]),
        small(CAEDetector2).fit(X),
        make_pipeline(PCA(), BandpassFilter()),
        None,
        "model",
    ):
        with pytest.raises(ModelFileError, match=r"cannot be saved: only CAEDetector, .*joblib"):
            save(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_parameters_that_need_pickle_are_refused(small, signals, tmp_path):
    model = small(CAEDetector, random_state=np.random.RandomState(0)).fit(signals())
    with pytest.raises(ModelFileError, match=r"RandomState.*random_state: an int"):
        save(model, tmp_path / "m")


def test_truncated_files_are_refused(content, tmp_path):
    lengths = np.unique(np.linspace(0, len(content) - 1, 60).astype(int))
    for length in (*lengths, 7, 8, 9, len(content) - 2):
        refused(tmp_path / "m", content[:length])
    refused(tmp_path / "m", content + b"more")


def test_flipped_bits_are_refused_or_harmless(content, pipeline, signals, tmp_path):
    rng = np.random.default_rng(0)
    X = signals()
    expected = pipeline.score_samples(X)
    document_length = struct.unpack("<Q", content[:8])[0]
    path = tmp_path / "m"
    # half of them in the header, which is most of what can go wrong
    places = [
        *rng.integers(0, 8 + document_length, 120),
        *rng.integers(8 + document_length, len(content), 80),
    ]
    n_refused = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            model = load(path)
        except ModelFileError:
            n_refused += 1
            continue
        np.testing.assert_array_equal(model.score_samples(X), expected)
        assert model.get_params().keys() == pipeline.get_params().keys()
        np.testing.assert_array_equal(model.predict(X), pipeline.predict(X))
    assert n_refused > 150


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "no whole safetensors"),
        (b"\0" * 100, "safetensors"),
        (b"\xff" * 100, "no whole safetensors"),
        (struct.pack("<Q", 10**15) + b"{}", "no whole safetensors"),
        (struct.pack("<Q", 2) + b"{}", "no ecg-anomaly model"),
        (struct.pack("<Q", 90_000_000) + b"[" * 1000, "no whole safetensors"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "no whole safetensors"),
    ],
)
def test_other_bytes_are_refused(content, match, tmp_path):
    refused(tmp_path / "m", content, match)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(ModelFileError, match="no such file"):
        load(tmp_path / "missing")
    with pytest.raises(ModelFileError, match=str(tmp_path)):
        load(tmp_path)
    with pytest.raises(ModelFileError, match="no such file"):
        read_metadata(tmp_path / "missing")


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return os._exit, (3,)


def test_pickles_are_not_run(tmp_path):
    refused(tmp_path / "m.safetensors", pickle.dumps(Bomb()))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    refused(tmp_path / "m.safetensors", buffer.getvalue())
    buffer = io.BytesIO()
    torch.save({"weights": torch.zeros(3)}, buffer)
    refused(tmp_path / "m.safetensors", buffer.getvalue())


def test_loading_unpickles_nothing(content, tmp_path, monkeypatch):
    def forbidden(*args, **kwargs):
        raise AssertionError("unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, forbidden)
    monkeypatch.setattr(torch, "load", forbidden)
    monkeypatch.setattr(np, "load", forbidden)
    (tmp_path / "m").write_bytes(content)
    events = []
    sys.addaudithook(lambda event, args: events.append(event) if active else None)
    active = True
    load(tmp_path / "m")
    active = False
    assert not {"pickle.find_class", "exec", "os.system", "subprocess.Popen"} & set(events)


def step(document, number=-1):
    return document["model"]["steps"][number][1]


def hostile(path, value, *, where="state", number=-1):
    """Return a change of one entry of one step; value ... leaves it out."""

    def change(document):
        entry = step(document, number)["params" if where == "params" else "state"]
        if where == "architecture":
            entry = entry["architecture_"]
        entry = entry if where == "state" else entry["dict"]
        if value is Ellipsis:
            del entry[path]
        else:
            entry[path] = value

    return change


HOSTILE = {
    "os.system": lambda d: step(d).update({"class": "os.system"}),
    "builtin": lambda d: step(d).update({"class": "eval"}),
    "base class": lambda d: step(d).update({"class": "BaseDetector"}),
    "foreign estimator": lambda d: step(d).update({"class": "PCA"}),
    "class is a list": lambda d: step(d).update({"class": ["CAEDetector"]}),
    "class is None": lambda d: step(d).update({"class": None}),
    "class missing": lambda d: step(d).pop("class") and None,
    "another class": lambda d: step(d).update({"class": "VAEBiLSTMDetector"}),
    "a transformer": lambda d: step(d).update({"class": "LeadNormalizer"}),
    "state missing": lambda d: step(d).pop("state") and None,
    "params missing": lambda d: step(d).pop("params") and None,
    "steps missing": lambda d: d["model"].pop("steps") and None,
    "steps is a number": lambda d: d["model"].update(steps=3),
    "steps are pairs of three": lambda d: d["model"]["steps"][0].append(1),
    "no steps": lambda d: d["model"].update(steps=[]),
    "step name is a number": lambda d: d["model"]["steps"][0].__setitem__(0, 7),
    "step name has underscores": lambda d: d["model"]["steps"][0].__setitem__(0, "a__b"),
    "two steps of one name": lambda d: d["model"]["steps"][0].__setitem__(0, "detect"),
    "model missing": lambda d: d.pop("model") and None,
    "model is a list": lambda d: d.update(model=[]),
    "format missing": lambda d: d.pop("format") and None,
    "a newer format": lambda d: d.update(format=FORMAT + 1),
    "an older format": lambda d: d.update(format=FORMAT - 1),
    "document is a list": lambda d: [d],
    "document is a string": lambda d: "model",
    "__class__": hostile("__class__", "x"),
    "__dict__": hostile("__dict__", {"dict": {}}),
    "a method": hostile("fit", 1),
    "a method with an underscore": hostile("_build_module", 1),
    "a parameter as state": hostile("channels", 10**12),
    "an unknown parameter": hostile("payload", 1, where="params"),
    "a shape missing": hostile("latent_dim", ..., where="architecture"),
    "channels huge": hostile("channels", 10**12, where="architecture"),
    "channels beyond int64": hostile("channels", 10**30, where="architecture"),
    "latent_dim huge": hostile("latent_dim", 10**12, where="architecture"),
    "latent_dim large": hostile("latent_dim", 10**7, where="architecture"),
    "stride huge": hostile("stride", 10**12, where="architecture"),
    "stride large": hostile("stride", 10**8, where="architecture"),
    "stride other": hostile("stride", 4, where="architecture"),
    "channels negative": hostile("channels", -1, where="params"),
    "channels is text": hostile("channels", "8", where="params"),
    "contamination is NaN": hostile("contamination", float("nan"), where="params"),
    "random_state is a dict": hostile("random_state", {"dict": {}}, where="params"),
    "params is a list": lambda d: step(d).update(params=[1]),
    "state is a list": lambda d: step(d).update(state=[1]),
    "n_leads_in_ huge": hostile("n_leads_in_", 10**12),
    "n_leads_in_ zero": hostile("n_leads_in_", 0),
    "n_leads_in_ is text": hostile("n_leads_in_", "3"),
    "n_leads_in_ other": hostile("n_leads_in_", 2),
    "n_leads_in_ missing": hostile("n_leads_in_", ...),
    "n_leads_in_ is true": hostile("n_leads_in_", True),
    "n_features_in_ other": hostile("n_features_in_", 601),
    "n_features_in_ infinite": hostile("n_features_in_", float("inf")),
    "n_features_in_ missing": hostile("n_features_in_", ...),
    "weights missing": hostile("weights_", ...),
    "weights are a number": hostile("weights_", 1),
    "weights are text": hostile("weights_", {"dict": {"stem.conv.weight": "x"}}),
    "offset is NaN": hostile("offset_", float("nan")),
    "offset is infinite": hostile("offset_", float("-inf")),
    "offset is text": hostile("offset_", "0.1"),
    "offset missing": hostile("offset_", ...),
    "offset is None": hostile("offset_", None),
    "fs is NaN": hostile("fs_", float("nan")),
    "fs is zero": hostile("fs_", 0),
    "fs is negative": hostile("fs_", -100.0),
    "fs is text": hostile("fs_", "100"),
    "fs missing": hostile("fs_", ...),
    "leads are numbers": hostile("leads_", {"tuple": [1, 2, 3]}),
    "leads are too many": hostile("leads_", {"tuple": ["I"] * 4}),
    "leads twice": hostile("leads_", {"tuple": ["I", "I", "II"]}),
    "leads are a list": hostile("leads_", ["I", "II", "V2"]),
    "leads missing": hostile("leads_", ...),
    "center missing": hostile("center_", ...),
    "center is a number": hostile("center_", 0.0),
    "center is a list": hostile("center_", [0.0, 0.0, 0.0]),
    "scale missing": hostile("scale_", ...),
    "scale is text": hostile("scale_", ["a", "b", "c"]),
    "reference is empty": hostile("reference_", {"dict": {}}),
    "reference is a number": hostile("reference_", 3),
    "reference missing": hostile("reference_", ...),
    "surprise of three": hostile("surprise_scale_", {"tuple": [1.0, 1.0, 1.0]}),
    "surprise is text": hostile("surprise_scale_", {"tuple": ["a", "b"]}),
    "surprise is zero": hostile("surprise_scale_", {"tuple": [0.0, 0.0]}),
    "surprise missing": hostile("surprise_scale_", ...),
    "history missing": hostile("history_", ...),
    "history is text": hostile("history_", "x"),
    "a tensor that is not there": hostile("center_", {"tensor": "nowhere"}),
    "a tensor twice": hostile("scale_", {"tensor": "detect.center_"}),
    "a tensor named by a number": hostile("center_", {"tensor": 3}),
    "a tensor named by a list": hostile("center_", {"tensor": [1]}),
    "a tuple of a number": hostile("leads_", {"tuple": 3}),
    "a dict of a number": hostile("reference_", {"dict": 3}),
    "an unknown kind": hostile("center_", {"pickle": "gASV"}),
    "two kinds at once": hostile("center_", {"tuple": [], "dict": {}}),
    "normalizer's scale missing": hostile("scale_", ..., number=1),
    "imputer's mean missing": hostile("mean_", ..., number=0),
    "imputer's leads missing": hostile("leads_", ..., number=0),
    "steps that do not fit": hostile("n_leads_in_", 1, number=0),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_hostile_headers_are_refused(content, change, tmp_path):
    message = refused(tmp_path / "m", edited(content, change))
    assert "checksum" not in message


@pytest.mark.parametrize(
    "change",
    [
        lambda document: None,
        hostile("payload_", "x"),
        hostile("module_", "x"),
        hostile("patience", ..., where="params"),
    ],
)
def test_harmless_headers_change_nothing(content, pipeline, signals, tmp_path, change):
    (tmp_path / "m").write_bytes(edited(content, change))
    X, loaded = signals(), load(tmp_path / "m")
    np.testing.assert_array_equal(loaded.score_samples(X), pipeline.score_samples(X))
    np.testing.assert_array_equal(loaded.predict(X), pipeline.predict(X))


@pytest.mark.parametrize(
    "value", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000]
)
def test_deep_nesting_is_refused(content, value, tmp_path):
    arrays = dict(parse(content))
    refused(tmp_path / "m", written(value, arrays))


@pytest.mark.parametrize("depth", [200, 500, 900, 2000, 20_000])
def test_nesting_that_json_reads_is_refused_too(content, depth, tmp_path):
    arrays = dict(parse(content))
    pipelines = '{"class":"Pipeline","steps":[["a",' * depth + "1" + "]]}" * depth
    lists = "[" * depth + "]" * depth
    detector = f'{{"class":"CAEDetector","params":{{"dict":{{"leads":{lists}}}}},"state":{{}}}}'
    for model in (pipelines, detector):
        text = f'"format":{FORMAT},"version":"{__version__}","model":{model}}}'
        try:
            digest = _digest(json.loads("{" + text), arrays)
        except RecursionError:
            digest = ""
        refused(tmp_path / "m", written(f'{{"sha256":"{digest}",{text}', arrays))


def tensor_changes():
    def of(name, change):
        def apply(arrays):
            arrays[name] = change(arrays[name])

        return apply

    yield "extra", lambda arrays: arrays.update(extra=np.zeros(3))
    yield "fewer", lambda arrays: arrays.pop("detect.center_")
    for name in (
        "detect.center_",
        "detect.scale_",
        "detect.residual_scale_",
        "detect.reference_.projection",
        "detect.reference_.center",
        "detect.reference_.neighbours",
        "detect.weights_.stem.conv.weight",
        "scale.scale_",
        "impute.covariance_",
    ):
        if "neighbours" not in name:  # they alone may be of any number
            yield f"{name} longer", of(name, lambda x: np.concatenate([x, x]))
        yield f"{name} empty", of(name, lambda x: x[:0])
        yield f"{name} NaN", of(name, lambda x: np.full_like(x, np.nan))
        yield f"{name} inf", of(name, lambda x: np.full_like(x, np.inf))
        yield f"{name} flat", of(name, lambda x: np.ones(1, x.dtype))
        yield f"{name} more dimensions", of(name, lambda x: x[None])
    for name in ("detect.scale_", "detect.residual_scale_", "scale.scale_"):
        yield f"{name} zero", of(name, np.zeros_like)
        yield f"{name} negative", of(name, np.negative)


CHANGES = dict(tensor_changes())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_hostile_tensors_are_refused(content, change, tmp_path):
    arrays = dict(parse(content))
    change(arrays)
    message = refused(tmp_path / "m", edited(content, lambda document: None, arrays))
    assert "checksum" not in message


def test_the_checksum_covers_the_whole_file(content, tmp_path):
    arrays = dict(parse(content))
    for change in (
        hostile("offset_", -1.0),
        hostile("n_neighbors", 4, where="params"),
        lambda document: document["metadata"].update(a=1),
    ):
        document = read_document(content)
        change(document)
        refused(tmp_path / "m", written(json.dumps(document), arrays), "checksum")
    document = read_document(content)
    moved = arrays | {"detect.center_": arrays["detect.center_"] + 1e-9}
    refused(tmp_path / "m", written(json.dumps(document), moved), "checksum")
    del document["sha256"]
    refused(tmp_path / "m", written(json.dumps(document), arrays), "header is damaged")


def test_other_versions_warn(content, tmp_path):
    (tmp_path / "m").write_bytes(edited(content, lambda d: d.update(version="0.0.9")))
    with pytest.warns(ECGWarning, match=r"version 0\.0\.9"):
        load(tmp_path / "m")


def test_attention_heads_that_do_not_fit_are_refused(small, signals, tmp_path):
    save(small(VAEMHADetector).fit(signals()), tmp_path / "m")
    content = (tmp_path / "m").read_bytes()
    for heads in (3, 10**12):
        refused(
            tmp_path / "m",
            edited(
                content,
                lambda d, heads=heads: d["model"]["state"]["architecture_"]["dict"].update(
                    n_heads=heads
                ),
            ),
        )


@pytest.mark.parametrize("broken", ["replace", "fsync", "chmod"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_earlier_file(
    pipeline, content, tmp_path, monkeypatch, broken, error
):
    (tmp_path / "m").write_bytes(content)

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(os, broken, fail)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else ModelFileError
    with pytest.raises(expected):
        save(pipeline, tmp_path / "m", metadata={"another": "file"})
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert (tmp_path / "m").read_bytes() == content


def test_files_that_cannot_be_written(pipeline, tmp_path):
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "nowhere" / "m", tmp_path / "folder"):
        with pytest.raises(ModelFileError, match="cannot be written"):
            save(pipeline, path)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert list((tmp_path / "folder").iterdir()) == []


def test_the_file_is_plain_safetensors(content, tmp_path):
    (tmp_path / "m").write_bytes(content)
    with safe_open(tmp_path / "m", "np") as file:
        assert "detect.center_" in file.keys()  # noqa: SIM118
        assert set(file.metadata()) == {"ecg_anomaly"}


def test_a_detector_fitted_on_a_table_keeps_its_feature_names(tmp_path, small, signals):
    pd = pytest.importorskip("pandas")
    X = signals(n_leads=1, n_samples=40)[:, 0]
    table = pd.DataFrame(X, columns=[f"s{k}" for k in range(40)])
    detector = small(CAEDetector).fit(table)
    save(detector, tmp_path / "m.safetensors")
    loaded = load(tmp_path / "m.safetensors")
    assert loaded.feature_names_in_.tolist() == list(table.columns)
    np.testing.assert_array_equal(loaded.score_samples(table), detector.score_samples(table))


def test_an_array_as_a_parameter_is_refused_or_kept(tmp_path, small, signals):
    X = signals(n_leads=2)
    detector = small(CAEDetector, leads=np.arange(2)).fit(X)
    with pytest.raises(ModelFileError, match="give it as a list"):
        save(detector, tmp_path / "m.safetensors")
    named = small(CAEDetector, leads=np.array(["I", "V2"])).fit(X)
    save(named, tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").leads_ == ("I", "V2")


def test_steps_that_pass_through(tmp_path, small, signals):
    X = signals()
    model = Pipeline([("a", "passthrough"), ("b", None), ("c", small(CAEDetector))]).fit(X)
    save(model, tmp_path / "m.safetensors")
    np.testing.assert_array_equal(
        load(tmp_path / "m.safetensors").score_samples(X), model.score_samples(X)
    )
