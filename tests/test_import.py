"""Importing the package is instant, and every public name is there."""

import json
import subprocess
import sys

import pytest

import ecg_anomaly

HEAVY = {"torch", "sklearn", "scipy", "pandas", "matplotlib", "skorch", "wfdb", "numpy"}
CLASSES = [name for name in ecg_anomaly.__all__ if name[0].isupper()]


def in_fresh_python(code):
    """Return what a new interpreter prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_is_instant():
    code = (
        "import time; start = time.perf_counter(); import ecg_anomaly; import json, sys;"
        "print(json.dumps([time.perf_counter() - start, sorted(sys.modules)]))"
    )
    seconds, modules = in_fresh_python(code)
    assert not HEAVY & set(modules)
    assert seconds < 0.5


@pytest.mark.parametrize("name", ["make_ecg", "RecordSet", "Record", "BandpassFilter"])
def test_signals_need_no_torch(name):
    code = (
        f"import ecg_anomaly; ecg_anomaly.{name}; import json, sys;"
        "print(json.dumps(sorted(sys.modules)))"
    )
    assert not {"torch", "skorch", "matplotlib"} & set(in_fresh_python(code))


@pytest.mark.parametrize("name", ecg_anomaly.__all__)
def test_every_name_resolves(name):
    assert getattr(ecg_anomaly, name) is not None
    assert name in dir(ecg_anomaly)


def test_unknown_names():
    with pytest.raises(AttributeError, match=r"ecg_anomaly.* has no attribute 'nonsense'"):
        _ = ecg_anomaly.nonsense
    with pytest.raises(ImportError):
        exec("from ecg_anomaly import nonsense")


def test_all_is_sorted_and_unique():
    names = ecg_anomaly.__all__
    assert len(set(names)) == len(names)
    assert names[0] == "__version__"
    assert names[1:] == sorted(names[1:])


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_constructs_with_no_argument(name):
    cls = getattr(ecg_anomaly, name)
    assert isinstance(cls(), cls)
    assert repr(cls()).lstrip("<").startswith(name)
    assert cls.__doc__


def test_every_estimator_is_public():
    from ecg_anomaly.detectors import DETECTORS
    from ecg_anomaly.preprocessing import TRANSFORMERS

    assert {cls.__name__ for cls in DETECTORS + TRANSFORMERS} <= set(ecg_anomaly.__all__)
