"""Small signals and small networks for all tests."""

import numpy as np
import pytest
import torch
from hypothesis import settings

# machines are shared: how long an example takes says nothing of the code
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")

SMALL = {
    "channels": 8,
    "hidden": 8,
    "latent_dim": 4,
    "n_heads": 2,
    "n_neighbors": 3,
    "max_epochs": 1,
    "random_state": 0,
}
LEADS = ("I", "II", "V2")


@pytest.fixture(scope="session")
def small():
    """Build an estimator with a network that trains in no time; transformers as they are."""

    def build(cls, **params):
        names = cls._get_param_names()
        return cls(**{name: value for name, value in SMALL.items() if name in names} | params)

    return build


@pytest.fixture(scope="session")
def signals():
    """Make beats with noise, of shape (n_records, n_leads, n_samples), in mV."""

    def make(n_records=24, n_leads=3, n_samples=200, dtype=np.float32, seed=0):
        rng = np.random.default_rng(seed)
        phase = np.arange(n_samples) / 100 * rng.uniform(0.9, 1.4, (n_records, 1, 1))
        beat = np.exp(-np.square((phase + rng.uniform(size=(n_records, 1, 1))) % 1 - 0.5) / 0.002)
        height = np.linspace(0.5, 1.5, n_leads)[:, None] * rng.uniform(0.8, 1.2, (n_records, 1, 1))
        x = height * beat + 0.05 * rng.normal(size=(n_records, n_leads, n_samples)) + 0.1
        return x.astype(dtype)

    return make


@pytest.fixture(scope="session")
def record_set():
    """Wrap signals in a RecordSet at the rate that an estimator class takes by default."""
    from ecg_anomaly import RecordSet

    def wrap(cls, X, **params):
        defaults = dict(cls().get_params(), fs=100.0) | cls().get_params()
        fs = defaults.get("fs_in", defaults["fs"])
        return RecordSet(X, **{"fs": fs, "leads": LEADS[: X.shape[1]]} | params)

    return wrap


@pytest.fixture(scope="session")
def output():
    """Return what an estimator gives for X, as an array: scores or transformed signals."""

    def run(estimator, X):
        if hasattr(estimator, "score_samples"):
            return estimator.score_samples(X)
        return np.asarray(estimator.transform(X))

    return run


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread():
    """Run on one core: two threads that other work keeps apart are many times slower than one."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _as_many_torch_threads_as_before():
    """Leave the number of threads to the next test as this one found it."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
