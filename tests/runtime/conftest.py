"""Detectors on synthetic ECGs, and their exported twins; tests must not change what they get."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from ecg_anomaly import CAEDetector, make_ecg
from ecg_anomaly.detectors import DETECTORS
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.runtime import with_onnx

LEADS = ("I", "II", "V2")


@pytest.fixture(scope="session")
def ecgs():
    """Give 40 normals and 20 ECGs with anomalies, three leads of 4 s."""
    three = [STANDARD_LEADS.index(lead) for lead in LEADS]
    normals = make_ecg(60, duration=4, random_state=0).X[:, three]
    anomalies = make_ecg(20, duration=4, anomalies="all", anomaly_fraction=1.0, random_state=1)
    ill = anomalies.X[:, three]
    return normals[:40], np.concatenate([normals[40:], ill])


@pytest.fixture(scope="session")
def extremes(ecgs):
    """Give records that no heart made: silence, steps, spikes, huge and tiny amplitudes."""
    records = np.repeat(ecgs[1][:1], 10, axis=0)
    records[0] = 0.0
    records[1] = 3.0
    records[2] *= 1e-6
    records[3] *= 50
    records[4] *= 1e6
    records[5] *= 1e30
    records[6, 1] = 0.0
    records[7, :, 200:] += 5
    records[8, 0, 100] = 1e4
    records[9] = np.random.default_rng(0).normal(size=records[9].shape)
    return records


@pytest.fixture(scope="session")
def twins(small, ecgs):
    """Return a fitted detector, and the same on ONNX Runtime."""

    @cache
    def make(cls, score_method, **params):
        detector = small(cls, score_method=score_method, leads=LEADS, **params).fit(ecgs[0])
        return detector, with_onnx(detector)

    return make


EVERY = [
    (cls, method)
    for cls in DETECTORS
    for method in sorted(cls._parameter_constraints["score_method"][0].options)
]


@pytest.fixture(params=EVERY, ids=lambda one: f"{one[0].__name__}-{one[1]}")
def every_twin(request, twins):
    """Return each detector with each of its scores, and the same on ONNX Runtime."""
    return twins(*request.param)


@pytest.fixture(scope="session")
def onnx_file(twins):
    """Return the bytes of an exported detector."""
    return twins(CAEDetector, "latent")[1].content_
