"""Fitted detectors without torch at run time: one ONNX file, run by ONNX Runtime.

Needs the extra ``onnx``: ``pip install 'ecg-anomaly[onnx]'``.
"""

from ._detector import ONNXDetector, load_onnx
from ._export import export_onnx, with_onnx

__all__ = ["ONNXDetector", "export_onnx", "load_onnx", "with_onnx"]
