"""Unsupervised anomaly detection in ECGs with the scikit-learn interface.

The public names are loaded on first use (PEP 562), so that importing the package is instant.
"""

from importlib import import_module

__version__ = "0.1.0"

_EXPORTS = {
    "detectors": (
        "CAEDetector",
        "GatedDetector",
        "HeartbeatDetector",
        "VAEBiLSTMDetector",
        "VAEMHADetector",
    ),
    "preprocessing": (
        "BandpassFilter",
        "CropOrPad",
        "LeadImputer",
        "LeadNormalizer",
        "NotchFilter",
        "Resampler",
    ),
    "records": ("Record", "RecordSet"),
    "packing": ("pack",),
    "runtime": ("export_onnx", "load_onnx", "with_onnx"),
    "quality": ("QualityGate",),
    "model_selection": ("ConformalDetector", "NormalsOnly", "TunedThresholdDetector"),
    "scoring": ("score_beats", "score_records", "score_to_file"),
    "inspection": ("explain",),
    "evaluation": ("evaluate",),
    "persistence": ("load", "save"),
    "pretrained": ("load_pretrained",),
    "datasets": ("make_ecg",),
}
_MODULE_OF = {name: module for module, names in _EXPORTS.items() for name in names}

__all__ = ["__version__", *sorted(_MODULE_OF)]


def __getattr__(name):
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
