"""Importing the measures is quick: tables, statistics and learning come with their first use."""

import json
import subprocess
import sys

from ecg_anomaly import metrics

LATER = {"pandas", "scipy.stats", "sklearn", "torch", "matplotlib", "wfdb"}


def test_nothing_heavy_is_imported():
    code = "import ecg_anomaly.metrics, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    modules = set(json.loads(done.stdout))
    assert "numpy" in modules
    assert not LATER & modules


def test_every_public_name_is_there():
    assert all(getattr(metrics, name) is not None for name in metrics.__all__)
    assert len(set(metrics.__all__)) == len(metrics.__all__)
