import numpy as np
import pytest

from ecg_anomaly import RecordSet
from ecg_anomaly.preprocessing import LeadNormalizer


def signals(n=51):
    return np.random.default_rng(0).normal([[1.0], [-2.0]], [[0.5], [3.0]], size=(n, 2, 400))


def test_population_keeps_amplitude():
    x = signals()
    normalizer = LeadNormalizer().fit(x)
    small, large = normalizer.transform(np.stack([x[0], 1 + 10 * (x[0] - 1)]))
    np.testing.assert_allclose(np.ptp(large, axis=-1), 10 * np.ptp(small, axis=-1))


def test_population_is_not_moved_by_artefacts():
    x = signals()
    clean = LeadNormalizer().fit(x)
    x[:5] *= 1000
    dirty = LeadNormalizer().fit(x)
    np.testing.assert_allclose(dirty.center_, clean.center_, atol=0.02)
    np.testing.assert_allclose(dirty.scale_, clean.scale_, rtol=0.02)


def test_population_ignores_flat_leads_of_single_records():
    x = signals()
    x[:30, 1] = 300.0
    normalizer = LeadNormalizer().fit(x)
    assert normalizer.center_[1] == pytest.approx(-2, abs=0.2)
    assert normalizer.scale_[1] == pytest.approx(3, rel=0.1)


def test_population_of_a_dead_lead_gives_zeros():
    x = signals().astype(np.float32)
    x[:, 0] = np.linspace(-1, 1, len(x))[:, None]
    x[:, 1] = 7.0
    normalizer = LeadNormalizer().fit(x)
    assert normalizer.scale_.tolist() == [1.0, 1.0]
    assert not normalizer.transform(x)[:, 1].any()


def test_population_is_streamed():
    x = signals(600).astype(np.float32)
    array, records = LeadNormalizer().fit(x), LeadNormalizer().fit(RecordSet(x))
    np.testing.assert_array_equal(array.center_, records.center_)
    np.testing.assert_array_equal(array.scale_, records.scale_)


@pytest.mark.parametrize("method", ["zscore", "robust", "minmax"])
def test_by_record_reads_nothing_in_fit(method):
    class Unreadable:
        shape = (5, 2, 400)

        def read(self, rows):
            raise AssertionError

    normalizer = LeadNormalizer(method=method).fit(RecordSet(Unreadable()))
    assert not hasattr(normalizer, "scale_")


@pytest.mark.parametrize("method", ["zscore", "robust", "minmax"])
def test_flat_leads_give_zeros(method):
    x = signals()
    x[3, 1] = 300.1
    result = LeadNormalizer(method=method).fit_transform(x)
    assert not result[3, 1].any()
    assert np.isfinite(result).all()


def test_unknown_methods_are_refused():
    with pytest.raises(ValueError, match="'method' parameter"):
        LeadNormalizer(method="l2").fit(signals())
