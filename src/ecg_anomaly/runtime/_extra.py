"""The packages of the extra ``onnx``, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ..errors import ECGError


def needed(name: str) -> ModuleType:
    """Return a module of the extra.

    Raises
    ------
    ECGError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ECGError(
            f"ONNX needs {name}, which cannot be imported ({error}); install it with "
            "pip install 'ecg-anomaly[onnx]'."
        ) from None
