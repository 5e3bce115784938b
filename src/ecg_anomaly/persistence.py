"""Saving and loading of fitted estimators: one safetensors file, no pickle.

The tensors are the fitted arrays of every estimator; the header holds one JSON document with class
names, parameters and everything else. Nothing in a file is ever run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from . import __version__
from .detectors import DETECTORS, GatedDetector, HeartbeatDetector
from .detectors.gated import refuse_inner_gate
from .errors import ECGError, ECGWarning, ModelFileError
from .model_selection import TARGETS, ConformalDetector, TunedThresholdDetector
from .preprocessing import TRANSFORMERS
from .quality import QualityGate

FORMAT = 2
_KEY = "ecg_anomaly"
_CLASSES: dict[str, type[BaseEstimator]] = {
    cls.__name__: cls for cls in (*DETECTORS, HeartbeatDetector, *TRANSFORMERS)
}
# Estimators around another one: the parameter and the fitted attribute that hold it, and further
# fitted parts.
_AROUND: dict[type[BaseEstimator], tuple[str, str, tuple[str, ...]]] = {
    GatedDetector: ("detector", "detector_", ("imputer_",)),
    TunedThresholdDetector: ("estimator", "estimator_", ()),
    ConformalDetector: ("estimator", "estimator_", ()),
}
_AROUND_NAMES = {cls.__name__: cls for cls in _AROUND}
# Values that know their own fields and check them.
_SETTINGS: dict[str, type] = {"QualityGate": QualityGate, **TARGETS}
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_]*_")
_SCALARS = (bool, int, float, str, type(None))


def save(estimator: BaseEstimator, path: str | Path, *, metadata: dict | None = None) -> None:
    """Save a fitted detector, transformer, Pipeline of them, or what has a gate or a threshold.

    The file appears whole or not at all: it is written beside its place and then renamed.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    path : str or Path
        By custom ``.safetensors``.
    metadata : dict, optional
        Anything of JSON's types that is to travel with the model: how it was trained, its
        threshold's false-alarm rate.

    Raises
    ------
    ModelFileError
        If the estimator, or a parameter of it, cannot be saved without pickle, or the file cannot
        be written.
    NotFittedError
        If the estimator is not fitted.

    Examples
    --------
    >>> import tempfile
    >>> from ecg_anomaly import LeadNormalizer, load, make_ecg, save
    >>> normalizer = LeadNormalizer().fit(make_ecg(5, random_state=0).X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(normalizer, f"{folder}/normalizer.safetensors")
    ...     load(f"{folder}/normalizer.safetensors")
    LeadNormalizer()
    """
    path = Path(path)
    tensors: dict[str, np.ndarray] = {}
    document = {
        "format": FORMAT,
        "version": __version__,
        "model": _describe(estimator, "", tensors),
        "metadata": _as_json(metadata or {}),
    }
    document["sha256"] = _digest(document, tensors)
    content = to_bytes(tensors or {"empty": np.zeros(0)}, {_KEY: json.dumps(document)})
    write_whole(path, content)


def load(path: str | Path) -> Any:
    """Load what `save` has saved.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    estimator
        Its scores are identical to those of the one that was saved.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, of another kind, from a newer format, or names a class
        that is not allowed. Nothing of the file is run in any case.
    """
    document, tensors = _read(Path(path))
    try:
        estimator = _rebuild(document["model"], tensors)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except (ECGError, KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ModelFileError(
            f"{path}: the contents do not fit together ({error}); save the model again."
        ) from None
    if tensors:
        raise ModelFileError(f"{path}: has tensors nobody asked for, such as {min(tensors)!r}.")
    return estimator


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return what a model file says of itself: ``version``, ``model`` and ``metadata``."""
    document, _ = _read(Path(path))
    return {key: document.get(key) for key in ("version", "model", "metadata")}


def _describe(estimator: Any, prefix: str, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    if isinstance(estimator, Pipeline):
        refuse_inner_gate(estimator)
        steps = [
            [name, _describe_step(step, f"{prefix}{name}.", tensors)]
            for name, step in estimator.steps
        ]
        return {"class": "Pipeline", "steps": steps}
    name = type(estimator).__name__
    if type(estimator) in _AROUND:
        return _describe_around(estimator, prefix, tensors)
    if _CLASSES.get(name) is not type(estimator):
        raise ModelFileError(
            f"{name} cannot be saved: only {', '.join(_CLASSES)}, Pipelines of them and "
            f"{', '.join(_AROUND_NAMES)}. "
            "Use joblib for other estimators, and load its files only where you trust them."
        )
    check_is_fitted(estimator)
    return {
        "class": name,
        "params": _plain(estimator.get_params(deep=False), name, None, prefix),
        "state": _describe_state(estimator, prefix, tensors),
    }


def _describe_state(
    estimator: BaseEstimator, prefix: str, tensors: dict[str, np.ndarray], besides=()
) -> dict[str, Any]:
    left_out = {*estimator.get_params(deep=False), *besides}
    return {
        key: _plain(value, f"{type(estimator).__name__}.{key}", tensors, f"{prefix}{key}")
        for key, value in estimator.__getstate__().items()
        if _ATTRIBUTE.fullmatch(key) and key not in left_out
    }


def _describe_around(
    estimator: BaseEstimator, prefix: str, tensors: dict[str, np.ndarray]
) -> dict[str, Any]:
    check_is_fitted(estimator)
    name = type(estimator).__name__
    inner, fitted, others = _AROUND[type(estimator)]
    params = estimator.get_params(deep=False)
    del params[inner]
    parts = (fitted, *others)
    return {
        "class": name,
        "params": _plain(params, name, None, prefix),
        "state": _describe_state(estimator, prefix, tensors, parts),
        "parts": {
            part: _describe(getattr(estimator, part), f"{prefix}{part}.", tensors) for part in parts
        },
    }


def _describe_step(step: Any, prefix: str, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return {"class": "passthrough"}
    return _describe(step, prefix, tensors)


def _as_json(metadata: dict) -> dict:
    try:
        return json.loads(json.dumps(metadata, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"metadata must be of JSON's types: {error}.") from None


def _plain(value: Any, where: str, tensors: dict[str, np.ndarray] | None, prefix: str) -> Any:
    """Return a value as JSON, its arrays put among the tensors; None takes no arrays of numbers."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "OU":
        return {"strings": [str(item) for item in value.ravel()]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        if tensors is None:
            raise ModelFileError(f"{where} has an array as a parameter; give it as a list.")
        tensors[prefix] = np.ascontiguousarray(value)
        return {"tensor": prefix}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, tuple | list):
        items = [_plain(item, where, tensors, f"{prefix}.{k}") for k, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if dataclasses.is_dataclass(value) and _SETTINGS.get(type(value).__name__) is type(value):
        fields = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        kind = type(value).__name__
        return {"settings": kind, "fields": _plain(fields, where, None, prefix)}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {
            "dict": {key: _plain(v, where, tensors, f"{prefix}.{key}") for key, v in value.items()}
        }
    raise ModelFileError(
        f"{where} holds a {type(value).__name__}, which cannot be saved without pickle; "
        "use numbers, strings, lists or arrays (random_state: an int or None)."
    )


def _unplain(value: Any, tensors: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_unplain(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"settings", "fields"} and value["settings"] in _SETTINGS:
        return _SETTINGS[value["settings"]](**_unplain(value["fields"], tensors))
    if len(value) == 1:
        (kind, content), *_ = value.items()
        if kind == "tensor":
            # taken out, so that leftovers are noticed
            array = tensors.pop(content)
            if not np.isfinite(array).all():
                raise ModelFileError(f"{content} holds NaN or infinite numbers.")
            return array
        if kind == "strings":
            return np.array([str(item) for item in content], dtype=object)
        if kind == "tuple":
            return tuple(_unplain(item, tensors) for item in content)
        if kind == "dict":
            return {key: _unplain(item, tensors) for key, item in content.items()}
    raise ModelFileError("an unknown kind of value in the header; the file is damaged.")


def _rebuild(document: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
    name = document["class"]
    if name == "Pipeline":
        steps = [(step, _rebuild(inner, tensors)) for step, inner in document["steps"]]
        names = {step for step, _ in steps if isinstance(step, str) and "__" not in step}
        if len(names) != len(steps) or not steps:
            raise ModelFileError(f"a Pipeline cannot have the steps {[step for step, _ in steps]}.")
        return Pipeline(steps)
    if name == "passthrough":
        return name
    if name not in _CLASSES and name not in _AROUND_NAMES:
        allowed = ", ".join([*_CLASSES, *_AROUND_NAMES])
        raise ModelFileError(f"class {name!r} is not allowed; allowed are {allowed}.")
    cls = _CLASSES.get(name) or _AROUND_NAMES[name]
    params, parts = _unplain(document["params"], tensors), {}
    unknown = set(params) - set(cls._get_param_names())
    if unknown:
        raise ModelFileError(f"{name} has no parameter {min(unknown)!r}; a newer version's?")
    if cls in _AROUND:
        inner, fitted, others = _AROUND[cls]
        parts = {part: _rebuild(document["parts"][part], tensors) for part in (fitted, *others)}
        params[inner] = clone(parts[fitted])
    return _with_state(cls(**params), document, tensors, **parts)


def _with_state(
    estimator: Any, document: dict[str, Any], tensors: dict[str, np.ndarray], **parts: Any
) -> Any:
    name = document["class"]
    estimator._validate_params()
    state = dict(parts)
    for key, value in document["state"].items():
        if not _ATTRIBUTE.fullmatch(key):
            raise ModelFileError(f"{name} cannot have an attribute {key!r}.")
        state[key] = _unplain(value, tensors)
    estimator.__setstate__({**estimator.__dict__, **state})
    check_is_fitted(estimator)
    estimator._check_state()
    return estimator


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        with safe_open(path, "np") as file:
            header = (file.metadata() or {}).get(_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such file.") from None
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        raise ModelFileError(
            f"{path}: no whole safetensors file ({error}); copy or save it again."
        ) from None
    if header is None:
        raise ModelFileError(f"{path}: a safetensors file, but no ecg-anomaly model.")
    try:
        document = json.loads(header)
        file_format, digest = document["format"], document.pop("sha256")
        tensors.pop("empty", None)
        whole = digest == _digest(document, tensors)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ModelFileError(f"{path}: its header is damaged; copy or save it again.") from None
    if file_format != FORMAT:
        older = isinstance(file_format, int) and file_format < FORMAT
        raise ModelFileError(
            f"{path}: format {file_format!r}, but this version reads format {FORMAT}; "
            + ("fit the model again." if older else "upgrade ecg-anomaly.")
        )
    if not whole:
        raise ModelFileError(f"{path}: it is damaged (checksum); copy or save it again.")
    if document.get("version") != __version__:
        warnings.warn(
            f"{path} was saved by version {document.get('version')}; this is {__version__}.",
            ECGWarning,
            stacklevel=3,
        )
    return document, tensors


def _digest(document: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside its place, then renamed.

    Raises
    ------
    ModelFileError
        If it cannot be written.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be written ({error.strerror}).") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be written ({error.strerror}).") from None
    finally:
        Path(temporary).unlink(missing_ok=True)
