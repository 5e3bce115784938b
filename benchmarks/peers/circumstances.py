"""What a result must say of how it came about."""

import os
import platform
import resource
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

_LIBRARIES = ("ecg-anomaly", "numpy", "scipy", "scikit-learn", "torch", "pyod", "aeon", "numba")


def circumstances() -> dict:
    """Return versions, machine, threads and the largest memory of this process so far."""
    return {
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _LIBRARIES},
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "torch threads": torch.get_num_threads(),
        "peak GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
