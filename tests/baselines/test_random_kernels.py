import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ecg_anomaly import RecordSet, make_ecg
from ecg_anomaly.baselines import RandomKernels
from ecg_anomaly.baselines._minirocket import KERNELS
from ecg_anomaly.errors import SignalError
from ecg_anomaly.leads import STANDARD_LEADS, reorder


@pytest.fixture(scope="module")
def ecgs():
    return make_ecg(12, random_state=0).X


def kernels(**params):
    return RandomKernels(**{"n_kernels": 500, "random_state": 0} | params)


def test_shares_of_a_known_number(ecgs):
    table = kernels().fit_transform(ecgs)
    assert table.shape == (12, 420)
    assert table.dtype == np.float32
    assert table.min() >= 0
    assert table.max() <= 1
    # biases are quantiles of what they are compared with
    assert 0.4 < table.mean() < 0.6
    assert kernels(n_kernels=84).fit_transform(ecgs).shape == (12, 84)
    with pytest.raises(ValueError, match="n_kernels"):
        kernels(n_kernels=83).fit(ecgs)


def test_features_equal_the_definition():
    X = np.random.default_rng(0).normal(size=(4, 2, 60)).astype(np.float32)
    fitted = kernels(n_kernels=600, max_span=0.5).fit(X)
    assert len(fitted.dilations_) > 3
    record, shares = X[1], []
    for row, kernel in enumerate(KERNELS):
        first = 0
        for k, (dilation, count) in enumerate(zip(fitted.dilations_, fitted.counts_, strict=True)):
            mixed = np.pad(fitted.channels_[k, row] @ record, 4 * dilation)
            value = np.array(
                [(mixed[t : t + 8 * dilation + 1 : dilation] * kernel).sum() for t in range(60)]
            )
            inner = (k + row) % 2 == 1
            read = value[4 * dilation : -4 * dilation] if inner else value
            shares += [(read > bias).mean() for bias in fitted.biases_[row, first : first + count]]
            first += count
    np.testing.assert_allclose(fitted.transform(X)[1], shares, atol=0.021)
    # single samples on a bias may fall on either side, but few do
    assert (np.abs(fitted.transform(X)[1] - shares) > 1e-6).mean() < 0.02


def test_the_seed_matters(ecgs):
    first, second = (kernels(random_state=seed).fit_transform(ecgs) for seed in (0, 1))
    assert np.abs(first - second).mean() > 0.05


def test_shape_counts_but_level_does_not(ecgs):
    fitted = kernels().fit(ecgs)
    inner = fitted.transform(ecgs + 5.0)
    # a constant moves no value but those at the padded ends
    assert np.abs(inner - fitted.transform(ecgs)).mean() < 0.06
    assert np.abs(fitted.transform(3 * ecgs) - fitted.transform(ecgs)).mean() > 0.02


def test_twelve_leads_are_eight(ecgs):
    fitted = kernels().fit(ecgs)
    assert fitted.rows_.tolist() == [0, 1, 6, 7, 8, 9, 10, 11]
    changed = ecgs.copy()
    changed[:, 2:6] = 7.0
    np.testing.assert_array_equal(fitted.transform(changed), fitted.transform(ecgs))
    shuffled = STANDARD_LEADS[::-1]
    records = RecordSet(reorder(ecgs, STANDARD_LEADS, shuffled), leads=shuffled)
    np.testing.assert_array_equal(kernels().fit_transform(records), kernels().fit_transform(ecgs))
    assert kernels().fit(ecgs[:, :6]).rows_.tolist() == [0, 1, 2, 3, 4, 5]


def test_the_span_is_in_seconds():
    for fs in (100, 500):
        X = make_ecg(2, fs=fs, random_state=0).X
        longest = kernels(fs=fs, n_kernels=10_000).fit(X).dilations_[-1]
        assert 8 * longest / fs == pytest.approx(1.25, abs=0.08)
        longest = kernels(fs=fs, n_kernels=10_000, max_span=60).fit(X).dilations_[-1]
        assert longest == (10 * fs - 1) // 8
    with pytest.raises(SignalError, match="set fs=250, or resample"):
        kernels().fit(RecordSet(np.zeros((2, 12, 1000)), fs=250))
    with pytest.raises(ValueError, match="max_span"):
        kernels(max_span=0).fit(X)


def test_records_are_read_in_batches():
    class Source:
        shape = (2000, 12, 100)
        largest = 0

        def read(self, rows):
            type(self).largest = max(self.largest, len(rows))
            return np.sin(np.arange(100) * (rows[:, None, None] + 1) / 99) * np.ones((1, 12, 1))

    table = kernels(n_kernels=84).fit_transform(RecordSet(Source()))
    assert table.shape == (2000, 84)
    assert Source.largest <= 256


def test_blocks_stand_out_of_normals(ecgs):
    data = make_ecg(60, anomalies="lbbb", random_state=1)
    fitted = kernels().fit(make_ecg(60, random_state=2).X)
    normals = fitted.transform(make_ecg(60, random_state=2).X)
    spread = normals.std(axis=0) + 1e-3
    distance = np.abs((fitted.transform(data.X) - normals.mean(axis=0)) / spread).mean(axis=1)
    assert roc_auc_score(data.y, -distance) > 0.9


def test_kernels_from_a_file_must_fit(ecgs):
    fitted = kernels().fit(ecgs)
    fitted._check_state()
    fitted.rows_ = fitted.rows_ + 12
    with pytest.raises(SignalError, match="fit together"):
        fitted._check_state()
