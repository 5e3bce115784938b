"""The file is one, tells what it is, and is refused where it is not."""

import io
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from ecg_anomaly import CAEDetector, HeartbeatDetector, VAEMHADetector, __version__, save
from ecg_anomaly.detectors import _directions
from ecg_anomaly.errors import ECGError, ECGWarning, ModelFileError
from ecg_anomaly.nn.pooling import pool
from ecg_anomaly.runtime import ONNXDetector, export_onnx, load_onnx
from ecg_anomaly.runtime._file import sealed

LEADS = ("I", "II", "V2")


def opened(content):
    """Return the model in a file, as any other program reads it."""
    return onnx.load_model_from_string(content)


def told(model):
    return {entry.key: entry.value for entry in model.metadata_props}


def changed(content, change):
    """Return the file with a change to its model, and the checksum of what is then there."""
    model = opened(content)
    kept = [entry for entry in model.metadata_props if entry.key != "sha256"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    change(model)
    return sealed(model.SerializeToString())


def with_property(content, key, value):
    def change(model):
        for entry in model.metadata_props:
            if entry.key == key:
                entry.value = value

    return changed(content, change)


def test_one_file_that_any_onnx_runtime_takes(twins, ecgs, tmp_path):
    detector, exported = twins(CAEDetector, "latent_beat")
    path = tmp_path / "model.onnx"
    export_onnx(detector, path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == exported.content_
    onnx.checker.check_model(opened(path.read_bytes()), full_check=True)
    other = tmp_path / "elsewhere"
    other.mkdir()
    path = path.rename(other / "moved.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    properties = session.get_modelmeta().custom_metadata_map
    X = ecgs[1]
    inputs = {"signal": X}
    assert properties["beat_input"] == "true"
    scale = np.array(eval(properties["scale"]))
    inputs["beats"] = _directions.beat_features(X, detector._centers(X), 100.0, LEADS, scale)
    (scores,) = session.run(["score"], inputs)
    np.testing.assert_allclose(scores, detector.score_samples(X), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(scores, exported.score_samples(X), atol=1e-9)
    np.testing.assert_array_equal(load_onnx(path).score_samples(X), exported.score_samples(X))
    np.testing.assert_array_equal(load_onnx(str(path)).score_samples(X), exported.score_samples(X))


def test_what_the_file_tells(twins):
    detector, exported = twins(CAEDetector, "latent_beat")
    model = opened(exported.content_)
    properties = told(model)
    assert properties["format"] == "ecg-anomaly score 1"
    assert properties["version"] == model.producer_version == __version__
    assert properties["detector"] == "CAEDetector"
    assert properties["score_method"] == "latent_beat"
    assert properties["unit"] == "mV"
    assert float(properties["fs"]) == 100
    assert properties["leads"] == '["I", "II", "V2"]'
    assert (int(properties["n_leads"]), int(properties["n_samples"])) == (3, 400)
    assert float(properties["offset"]) == detector.offset_
    assert float(properties["threshold"]) == detector.offset_
    assert eval(properties["scale"]) == detector.scale_.tolist()
    assert properties["outside"] == "[]"
    assert exported.properties_.beat_input
    dimensions = {
        end.name: [dim.dim_param or dim.dim_value for dim in end.type.tensor_type.shape.dim]
        for end in (*model.graph.input, *model.graph.output)
    }
    assert dimensions == {
        "signal": ["n_records", 3, 400],
        "beats": ["n_records", _directions.n_features(3)],
        "score": ["n_records"],
    }


def test_nothing_of_this_machine_is_in_the_file(twins):
    content = twins(VAEMHADetector, "combined")[1].content_
    for trace in (b"/site-packages/", b"/src/ecg_anomaly", b"stack_trace", b".py"):
        assert trace not in content


def test_the_lstm_is_one_node(twins):
    content = twins(VAEMHADetector, "combined")[1].content_
    nodes = [node.op_type for node in opened(content).graph.node]
    assert nodes.count("LSTM") == 1
    assert len(nodes) < 200


def test_scores_of_states_come_without_a_decoder(twins):
    def weights(method):
        model = opened(twins(CAEDetector, method)[1].content_)
        return {one.name for one in model.graph.initializer if one.name.startswith("network")}

    decoder = {name for name in weights("combined") if "expand" in name or "squeeze" in name}
    assert decoder
    assert weights("latent") == weights("latent_beat") == weights("combined") - decoder


def test_models_without_a_network(tmp_path):
    detector = HeartbeatDetector().fit(np.random.default_rng(0).normal(size=(40, 1, 1800)))
    with pytest.raises(ECGError, match=r"HeartbeatDetector has no network.*CAEDetector"):
        export_onnx(detector, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_baselines_have_no_network(signals, tmp_path):
    from sklearn.ensemble import IsolationForest
    from sklearn.pipeline import make_pipeline

    forest = IsolationForest(n_estimators=5).fit(signals(10).reshape(10, -1))
    for model in (forest, make_pipeline(forest)):
        with pytest.raises(ECGError, match="IsolationForest"):
            export_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_graph_with_other_scores_is_not_written(twins, tmp_path, monkeypatch):
    monkeypatch.setattr("ecg_anomaly.runtime._graph.pool", lambda states: 1.01 * pool(states))
    with pytest.raises(ECGError, match="gives other scores"):
        export_onnx(twins(CAEDetector, "latent")[0], tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(twins, tmp_path, monkeypatch):
    detector, exported = twins(CAEDetector, "latent")
    monkeypatch.setattr("ecg_anomaly.runtime._export._exported", lambda model: exported)
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "missing" / "model.onnx", tmp_path / "folder"):
        with pytest.raises(ModelFileError, match="cannot be written"):
            export_onnx(detector, path)
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_without_the_extra(name, twins, onnx_file, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ECGError, match=r"pip install 'ecg-anomaly\[onnx\]'"):
        export_onnx(twins(CAEDetector, "latent")[0], tmp_path / "model.onnx")
    if name != "onnxscript":
        with pytest.raises(ECGError, match=r"pip install 'ecg-anomaly\[onnx\]'"):
            load_onnx(onnx_file)


def test_importing_needs_neither_torch_nor_onnx():
    code = (
        "import sys, ecg_anomaly.runtime;"
        "print({'torch', 'onnx', 'onnxruntime', 'onnxscript'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_foreign_files(onnx_file, twins, tmp_path):
    save(twins(CAEDetector, "latent")[0], tmp_path / "model.safetensors")
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "text.onnx").write_text("score")
    foreign = changed(onnx_file, lambda model: model.metadata_props.clear())
    (tmp_path / "other.onnx").write_bytes(foreign[:-76])
    np.save(tmp_path / "array.npy", np.zeros(1000))
    paths = list(tmp_path.iterdir())
    assert len(paths) == 5
    for path in paths:
        with pytest.raises(ModelFileError, match=f"{path.name}: no whole file of export_onnx"):
            load_onnx(path)
    with pytest.raises(ModelFileError, match="no such file"):
        load_onnx(tmp_path / "missing.onnx")
    with pytest.raises(ModelFileError, match="give an ONNX file"):
        load_onnx(tmp_path)
    with pytest.raises(ModelFileError, match="the bytes: no whole file"):
        load_onnx(b"")
    for content in (sealed(b""), sealed(b"nonsense"), sealed(foreign[:-76])):
        with pytest.raises(ModelFileError, match="the bytes"):
            load_onnx(content)


@given(st.data())
@settings(max_examples=100)
def test_damaged_files(onnx_file, data):
    content = bytearray(onnx_file)
    if data.draw(st.booleans(), label="cut"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        where = data.draw(st.integers(0, len(content) - 1))
        content[where] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ModelFileError, match="the bytes: "):
        load_onnx(bytes(content))


@given(st.data())
@settings(max_examples=100)
def test_forged_files_are_refused_or_run(onnx_file, data):
    """Damage under a checksum that was made for it."""
    content = bytearray(onnx_file[:-76])
    where = data.draw(st.integers(0, len(content) - 1))
    content[where] ^= data.draw(st.integers(1, 255))
    try:
        detector = load_onnx(sealed(bytes(content)))
    except ModelFileError:
        return
    assert isinstance(detector, ONNXDetector)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "ecg-anomaly score 2"),
        ("n_samples", "1000000000000"),
        ("n_samples", "-400"),
        ("n_samples", "401"),
        ("n_leads", "1e400"),
        ("n_leads", '"3"'),
        ("leads", '["I", "II"]'),
        ("leads", "[1, 2, 3]"),
        ("leads", "["),
        ("scale", "[1, 1]"),
        ("scale", "[1, 1, 0]"),
        ("scale", '["1", "1", "1"]'),
        ("fs", "NaN"),
        ("fs", "-1"),
        ("offset", "NaN"),
        ("offset", "null"),
        ("threshold", "Infinity"),
        ("beat_input", "true"),
        ("beat_input", "1"),
        ("feature_names", '["a"]'),
        ("outside", "5"),
        ("center", "[" * 100_000),
    ],
)
def test_properties_that_do_not_fit(onnx_file, key, value):
    with pytest.raises(ModelFileError, match="the bytes: "):
        load_onnx(with_property(onnx_file, key, value))


def test_another_version(twins):
    content = with_property(twins(CAEDetector, "latent_beat")[1].content_, "version", "0.0.1")
    with pytest.warns(ECGWarning, match="median beats"):
        load_onnx(content)
    content = with_property(twins(CAEDetector, "latent")[1].content_, "version", "0.0.1")
    load_onnx(content)


HUGE = 10**12


def huge_weight(model):
    model.graph.initializer[0].dims[0] = HUGE


def huge_input(model):
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = HUGE
    next(entry for entry in model.metadata_props if entry.key == "n_samples").value = str(HUGE)


def huge_constant(model):
    shape = onnx.numpy_helper.from_array(np.array([HUGE, 1]), "huge shape")
    model.graph.initializer.append(shape)
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["huge shape"], ["huge"]))


def external_weight(model):
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")


def a_loop(model):
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["endless"], body=body))


def other_operators(model):
    model.opset_import.append(helper.make_opsetid("other", 1))
    model.graph.node.append(helper.make_node("Run", ["signal"], ["other"], domain="other"))


def other_output(model):
    model.graph.output[0].name = "other"


def wrong_weight(model):
    model.graph.initializer[0].raw_data = b"1234"


@pytest.mark.parametrize(
    "change",
    [
        huge_weight,
        huge_input,
        huge_constant,
        external_weight,
        a_loop,
        other_operators,
        other_output,
        wrong_weight,
    ],
)
def test_graphs_that_must_not_run(change, onnx_file):
    started = time.perf_counter()
    with pytest.raises(ModelFileError, match="the bytes: "):
        load_onnx(changed(onnx_file, change))
    assert time.perf_counter() - started < 5


def test_huge_files_are_not_read(tmp_path):
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    with pytest.raises(ModelFileError, match="too large"):
        load_onnx(path)


def test_a_stream_is_no_path(onnx_file):
    with pytest.raises(TypeError):
        load_onnx(io.BytesIO(onnx_file))
