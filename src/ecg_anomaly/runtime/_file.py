"""The file: an ONNX model with a checksum at its end, and nothing in it that could run away."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ModelFileError
from ._extra import needed

# An entry "sha256" of metadata_props in protobuf's wire format. Messages that are put one behind
# the other are merged, so that a file with this end is an ONNX file as any other.
_TAIL = b"\x72\x4a\x0a\x06sha256\x12\x40"
_DIGITS = 64
# A record of a day at 1 kHz in twelve leads has as many; so has no layer of a network.
_MOST_ELEMENTS = 2**30
_MOST_BYTES = 2**31 - 1  # protobuf's own limit


def sealed(content: bytes) -> bytes:
    """Return a serialised model with its checksum."""
    return content + _TAIL + hashlib.sha256(content).hexdigest().encode()


def read(path: str | Path) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    ModelFileError
        If it cannot be read, or is no file of a model's size.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise ModelFileError(f"{path}: no such file.")
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            raise ModelFileError(f"{path}: no file, or too large for a model; give an ONNX file.")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}).") from None


def checked(content: bytes, name: str) -> bytes:
    """Return the bytes if they are a model of `export_onnx`, whole and of sane size.

    Raises
    ------
    ModelFileError
        If not; `name` is what its message calls them.
    """
    end = len(content) - _DIGITS
    whole = content[max(0, end - len(_TAIL)) : max(0, end)] == _TAIL
    if not whole:
        raise ModelFileError(
            f"{name}: no whole file of export_onnx; export the model again, or copy the file again."
        )
    model_bytes = content[: end - len(_TAIL)]
    if hashlib.sha256(model_bytes).hexdigest().encode() != content[end:]:
        raise ModelFileError(f"{name}: it is damaged (checksum); copy or export it again.")
    problem = _problem(model_bytes)
    if problem:
        raise ModelFileError(f"{name}: {problem}; export the model again.")
    return content


def _problem(content: bytes) -> str | None:
    """Return why a graph must not be run: a checksum proves that it is whole, not harmless."""
    onnx = needed("onnx")
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        return "it is no ONNX model"
    # protobuf gives those as bytes that are no UTF-8, and ONNX Runtime stumbles
    if any(isinstance(text, bytes) for text in _texts(model)):
        return "its texts are damaged"
    parts = [*model.graph.initializer, *model.graph.sparse_initializer]
    if any(getattr(part, "external_data", None) for part in parts):
        return "its weights lie in another file"
    if model.functions or any(node.domain for node in model.graph.node):
        return "it has operators that are not of ONNX itself"
    nested = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    if any(one.type in nested for node in model.graph.node for one in node.attribute):
        return "it has loops or branches"
    for value in model.graph.input:
        dimensions = value.type.tensor_type.shape.dim
        if dimensions and not dimensions[0].HasField("dim_value"):
            dimensions[0].dim_value = 1
    del model.graph.value_info[:]  # what it claims
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        return "its shapes do not fit together"
    sizes = dict(_sizes(inferred.graph))
    values = [name for node in model.graph.node for name in node.output if name]
    if any(sizes.get(name) is None for name in (*values, *sizes)):
        return "its shapes are not known"
    if max((size or 0 for size in sizes.values()), default=0) > _MOST_ELEMENTS:
        return "it needs more memory than any detector"
    return None


def _texts(message: Any) -> Iterator[str | bytes]:
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for part in [value] if hasattr(value, "ListFields") else value:
                yield from _texts(part)
        elif field.type == field.TYPE_STRING:
            yield from [value] if isinstance(value, str | bytes) else value


def _sizes(graph: Any) -> Iterator[tuple[str, int | None]]:
    """Yield the number of elements of each value for one record, None where it is not known."""
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        dims = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim]
        known = kind.HasField("shape") and min(dims, default=0) >= 0
        yield value.name, math.prod(dims) if known else None
