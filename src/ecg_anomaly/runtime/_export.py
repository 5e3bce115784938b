"""From a fitted model to an ONNX file, or to the same model on ONNX Runtime."""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ECGError
from ._detector import ONNXDetector
from ._extra import needed
from ._file import sealed
from ._properties import Properties

if TYPE_CHECKING:
    from ..detectors.base import BaseDetector

# Of the larger of 1 and the score. Far below what a fault does, and far beyond what rounding does:
# below 1e-5, but for records of a few samples, whose states hardly vary.
_TOLERANCE = 1e-3
# What the exporter has to say is for its own developers.
_CHATTY = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")


def export_onnx(model: Any, path: str | Path) -> None:
    """Write the network of a fitted detector with the head of its score as one ONNX file.

    The graph takes ``signal``, float32 of shape (n_records, n_leads, n_samples) in mV, and gives
    ``score``, float64 of shape (n_records,): higher = more normal. With
    ``score_method="latent_beat"`` it takes ``beats`` too, the features of median beats. What else
    is to be known stands in the file's ``metadata_props``. The scores of a few signals are compared
    with the detector's before anything is written.

    Parameters
    ----------
    model : detector, Pipeline or search, perhaps with a gate or a threshold around it
        Fitted. What is around the detector, filters, gate and thresholds, is named in the file,
        but not part of the graph.
    path : str or Path
        By custom ``.onnx``. It appears whole or not at all, and needs no other file.

    Raises
    ------
    ECGError
        If the model has no network, or the extra ``onnx`` is not installed.
    ModelFileError
        If the file cannot be written.
    NotFittedError
        If the model is not fitted.

    Examples
    --------
    >>> import tempfile
    >>> from ecg_anomaly import load_pretrained
    >>> from ecg_anomaly.runtime import export_onnx, load_onnx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_onnx(load_pretrained(), f"{folder}/model.onnx")
    ...     properties = load_onnx(f"{folder}/model.onnx").properties_
    >>> properties.detector, properties.score_method, properties.fs
    ('VAEBiLSTMDetector', 'latent_beat', 100.0)
    >>> properties.outside
    ('ConformalDetector', 'GatedDetector', 'LeadImputer', 'BandpassFilter')
    """
    from ..persistence import write_whole

    write_whole(Path(path), _exported(model).content_)


def with_onnx(model: Any) -> Any:
    """Return a copy of a fitted model whose detector runs on ONNX Runtime.

    Parameters
    ----------
    model : detector, Pipeline or search, perhaps with a gate or a threshold around it
        Fitted; it stays as it is.

    Returns
    -------
    estimator
        Of the same class, an `ONNXDetector` where the detector was: filters, gate, thresholds and
        p-values work on as before, with `score_records` too.

    Raises
    ------
    ECGError, NotFittedError
        As `export_onnx`.

    Examples
    --------
    >>> from ecg_anomaly import load_pretrained, make_ecg, score_records
    >>> from ecg_anomaly.records import RecordSet
    >>> from ecg_anomaly.runtime import with_onnx
    >>> model = with_onnx(load_pretrained())
    >>> records = RecordSet(make_ecg(2, fs=500, random_state=0).X, fs=500)
    >>> score_records(model, records)["verdict"].tolist()
    ['not flagged', 'not flagged']
    """
    # wherever the model holds the detector, the copy holds the other
    return copy.deepcopy(model, {id(_network_of(model)): _exported(model)})


def _exported(model: Any) -> ONNXDetector:
    detector = copy.deepcopy(_network_of(model))
    detector.module_.cpu()
    exported = ONNXDetector()
    graph = _graph(detector, _properties(model, detector))
    exported._load(sealed(graph), f"the exported {type(detector).__name__}")
    _compare(exported, detector)
    if exported.offset_ != detector.offset_:
        raise ECGError("the threshold did not survive the export.")
    return exported


def _network_of(model: Any) -> BaseDetector:
    from ..detectors.base import BaseDetector
    from ..scoring import detector_of

    detector = detector_of(model)
    if not isinstance(detector, BaseDetector):
        from ..detectors import DETECTORS

        raise ECGError(
            f"{type(detector).__name__} has no network that could be exported to ONNX; take one of "
            f"{', '.join(cls.__name__ for cls in DETECTORS)}."
        )
    if detector.score_method == "latent_beat":
        detector._check_directions()
    return detector


def _properties(model: Any, detector: BaseDetector) -> Properties:
    from ..scoring import threshold_of

    n_leads = detector.n_leads_in_
    return Properties(
        detector=type(detector).__name__,
        score_method=detector.score_method,
        fs=float(detector.fs_),
        leads=tuple(detector._named_leads(n_leads)),
        n_leads=n_leads,
        n_samples=detector.n_features_in_ // n_leads,
        offset=float(detector.offset_),
        threshold=threshold_of(model),
        center=tuple(map(float, detector.center_)),
        scale=tuple(map(float, detector.scale_)),
        beat_input=detector.score_method == "latent_beat",
        outside=tuple(_around(model)),
        feature_names=tuple(map(str, getattr(detector, "feature_names_in_", ()))),
    )


def _around(model: Any) -> Iterator[str]:
    """Yield the names of what stands around and before the detector."""
    from sklearn.pipeline import Pipeline

    from ..detectors import GatedDetector

    if isinstance(model, Pipeline):
        *before, last = [step for _, step in model.steps]
        yield from (name for step in before for name in _named(step))
        yield from _around(last)
        return
    inner = next(
        (
            getattr(model, name)
            for name in ("best_estimator_", "estimator_", "detector_")
            if hasattr(model, name)
        ),
        None,
    )
    if inner is not None:
        yield type(model).__name__
        if isinstance(model, GatedDetector):
            yield type(model.imputer_).__name__
        yield from _around(inner)


def _named(step: Any) -> Iterator[str]:
    from sklearn.pipeline import Pipeline

    if isinstance(step, Pipeline):
        yield from (name for _, inner in step.steps for name in _named(inner))
    elif step is not None and not isinstance(step, str):
        yield type(step).__name__


def _graph(detector: BaseDetector, properties: Properties) -> bytes:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        needed(name)
    import torch

    from ..detectors._directions import n_features
    from ._graph import ScoreGraph

    inputs = {"signal": torch.zeros(2, properties.n_leads, properties.n_samples)}
    if properties.beat_input:
        inputs["beats"] = torch.zeros(2, n_features(properties.n_leads), dtype=torch.float64)
    n_records = torch.export.Dim("n_records")
    with _quiet():
        program = torch.export.export(
            ScoreGraph(detector).eval(),
            tuple(inputs.values()),
            dynamic_shapes=tuple({0: n_records} for _ in inputs),
            strict=False,
        )
        exported = torch.onnx.export(
            program,
            (),
            dynamo=True,
            verbose=False,
            input_names=list(inputs),
            output_names=["score"],
        )
    assert exported is not None
    return _cleaned(exported.model_proto, properties)


def _cleaned(model: Any, properties: Properties) -> bytes:
    """Return the model with its properties, and without what the exporter noted for itself."""
    for part in (*model.graph.node, *model.graph.initializer, *model.graph.input, model.graph):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    model.graph.ClearField("value_info")
    for end in (*model.graph.input, *model.graph.output):
        end.type.tensor_type.shape.dim[0].dim_param = "n_records"
    model.graph.name = "score"
    model.producer_name, model.producer_version = "ecg-anomaly", properties.version
    model.ClearField("metadata_props")
    for name, text in properties.as_strings().items():
        model.metadata_props.add(key=name, value=text)
    return model.SerializeToString()


def _compare(exported: ONNXDetector, detector: BaseDetector) -> None:
    """Refuse a graph that does not give the detector's scores."""
    n_leads = detector.n_leads_in_
    noise = np.random.default_rng(0).normal(size=(4, n_leads, detector.n_features_in_ // n_leads))
    levels = np.array([0.0, 0.1, 1.0, 100.0])[:, None, None]
    signals = detector.center_[:, None] + levels * detector.scale_[:, None] * noise
    signals = signals.astype(np.float32)
    with warnings.catch_warnings():
        # of a detector that was fitted on a table with names
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        found, expected = (one.score_samples(signals) for one in (exported, detector))
    apart = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    if not apart.max() <= _TOLERANCE:
        raise ECGError(
            f"the exported {type(detector).__name__} gives other scores, by {apart.max():.2g}; "
            "this is a fault of the export: try other versions of torch, onnxscript and "
            "onnxruntime."
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
