"""The training loop and what surrounds it."""

import numpy as np
import pytest
import torch

from ecg_anomaly._training import (
    THREADS,
    BatchReader,
    TrainingPlan,
    resolve_device,
    seeded,
    threads,
    train,
)
from ecg_anomaly.errors import ECGError, SignalError
from ecg_anomaly.nn import CAE
from ecg_anomaly.nn.losses import SquaredError

CPU = torch.device("cpu")


def test_seeded_repeats_and_gives_the_state_back():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    draws = []
    for seed in (0, 0, 1):
        with seeded(seed, CPU):
            draws.append(torch.randn(5))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(KeyError), seeded(0, CPU):
        raise KeyError(torch.randn(1))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("given", [1, 2, 3])
def test_threads_are_limited_and_put_back(given):
    torch.set_num_threads(given)
    with threads():
        assert torch.get_num_threads() == THREADS
    assert torch.get_num_threads() == given
    with pytest.raises(KeyError), threads():
        raise KeyError
    assert torch.get_num_threads() == given


def test_devices(monkeypatch):
    assert resolve_device("cpu") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")
    for name in ("nonsense", "", "cpu:x", "meta", "cuda:99"):
        with pytest.raises(ValueError, match=f"device='{name}' cannot be used here: .+"):
            resolve_device(name)


def plan(**changes):
    defaults = {"max_epochs": 2, "batch_size": 4, "lr": 1e-2, "patience": None, "verbose": 0}
    return TrainingPlan(**defaults | changes)


class Recorder:
    """Remembers which rows were read."""

    def __init__(self, X):
        self.X, self.calls = torch.from_numpy(X), []

    def reader(self):
        return BatchReader(self.read, len(self.X), lambda x: (x, x))

    def read(self, rows):
        self.calls.append(np.array(rows))
        return self.X[rows]


@pytest.fixture
def network():
    with seeded(0, CPU):
        return CAE(3, 4, 2, variance=False)


def run(network, recorder, validation=None, **changes):
    with seeded(0, CPU):
        reader = None if validation is None else validation.reader()
        return train(network, SquaredError(), plan(**changes), recorder.reader(), reader, CPU)


@pytest.mark.parametrize("n_records", [1, 4, 10, 11])
def test_each_epoch_reads_every_record_once(network, signals, n_records):
    recorder = Recorder(signals(n_records))
    history = run(network, recorder, max_epochs=3)
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert set(history[0]) == {"epoch", "train_loss"}
    per_epoch = -(-n_records // 4)
    assert len(recorder.calls) == 3 * per_epoch
    for epoch in range(3):
        rows = np.concatenate(recorder.calls[epoch * per_epoch : (epoch + 1) * per_epoch])
        assert sorted(rows.tolist()) == list(range(n_records))
    assert max(len(rows) for rows in recorder.calls) == min(4, n_records)
    if n_records >= 10:
        first, second = (
            np.concatenate(recorder.calls[k * per_epoch : (k + 1) * per_epoch]) for k in (0, 1)
        )
        assert not np.array_equal(first, second)


def test_no_epochs_change_nothing(network, signals):
    recorder = Recorder(signals(5))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert run(network, recorder, max_epochs=0) == []
    assert recorder.calls == []
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_training_lowers_the_loss(network, signals):
    history = run(network, Recorder(signals(16)), max_epochs=30)
    assert history[-1]["train_loss"] < 0.5 * history[0]["train_loss"]


def test_validation_is_read_in_order_and_not_trained_on(network, signals):
    recorder, validation = Recorder(signals(8)), Recorder(signals(6, seed=1))
    history = run(network, recorder, validation, patience=5)
    assert set(history[0]) == {"epoch", "train_loss", "valid_loss"}
    np.testing.assert_array_equal(np.concatenate(validation.calls[:2]), np.arange(6))
    network.eval()
    # the best weights are back: their loss is the best of the history
    with torch.no_grad():
        x = validation.X
        loss = (network(x).mean - x).square().mean()
    assert float(loss) == pytest.approx(min(row["valid_loss"] for row in history), rel=0.05)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_divergence_is_an_error(network, signals, value):
    X = signals(8)
    X[3, 0, 0] = value
    with pytest.raises(SignalError, match=r"diverged: the loss is (nan|inf) in epoch 1\. Lower lr"):
        run(network, Recorder(X))
    assert issubclass(SignalError, ECGError)


def test_a_raging_learning_rate_ends_finite_or_in_an_error(network, signals):
    try:
        history = run(network, Recorder(signals(16)), max_epochs=20, lr=1e6)
    except SignalError:
        return
    assert np.isfinite([row["train_loss"] for row in history]).all()


def test_batch_reader(signals):
    X = torch.from_numpy(signals(6))
    reader = BatchReader(lambda rows: X[rows], 6, lambda x: (0 * x, x))
    hidden, target = reader[[4, 1]]
    assert len(reader) == 6
    assert torch.equal(target, X[[4, 1]])
    assert not hidden.any()
    assert reader[3][1].shape == (1, 3, 200)
