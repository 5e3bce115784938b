"""What scikit-learn and the package demand of every transformer."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from ecg_anomaly import RecordSet
from ecg_anomaly.errors import SignalError
from ecg_anomaly.preprocessing import (
    TRANSFORMERS,
    BandpassFilter,
    CropOrPad,
    LeadImputer,
    LeadNormalizer,
    NotchFilter,
    Resampler,
)

LEADS = ("I", "II", "V2")
VARIANTS = [
    BandpassFilter(),
    BandpassFilter(lowcut=1.0, highcut=20.0, order=2),
    NotchFilter(),
    NotchFilter(freq=30.0),
    Resampler(fs_in=100.0, fs_out=40.0),
    Resampler(fs_in=100.0, fs_out=250.0),
    *(LeadNormalizer(method=method) for method in ("population", "zscore", "robust", "minmax")),
    LeadImputer(),
    CropOrPad(duration=2.0),
    CropOrPad(duration=7.0, mode="reflect", position="end"),
]
every_variant = pytest.mark.parametrize("transformer", VARIANTS, ids=repr)
every_default = pytest.mark.parametrize("cls", TRANSFORMERS)


def signals(n_records=12, n_leads=3, n_samples=400, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * 5 * np.arange(n_samples) / 100 + rng.uniform(0, 6, (n_records, 1, 1)))
    scale = np.arange(1.0, n_leads + 1)[:, None]
    x = scale * wave + 0.3 * rng.normal(size=(n_records, n_leads, n_samples)) + 0.5
    return x.astype(dtype)


@parametrize_with_checks([cls() for cls in TRANSFORMERS])
def test_sklearn_contract(estimator, check):
    check(estimator)


@every_default
def test_tags_and_defaults(cls):
    tags = get_tags(cls())
    assert tags.input_tags.three_d_array
    assert tags.input_tags.two_d_array
    assert tags.input_tags.allow_nan == (cls is LeadImputer)
    assert not hasattr(cls(), "get_feature_names_out")


@every_variant
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dimensions_and_type_stay(transformer, dtype):
    x = signals(dtype=dtype)
    result = clone(transformer).fit_transform(x)
    assert result.shape[:2] == x.shape[:2]
    assert result.dtype == dtype
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert not np.shares_memory(result, x)
    assert np.isfinite(result).all()


@every_variant
def test_two_dimensions_equal_three(transformer):
    x = signals()
    expected = clone(transformer).fit_transform(x)
    flat = clone(transformer).set_params(n_leads=3).fit(x.reshape(12, -1))
    result = flat.transform(x.reshape(12, -1))
    assert result.shape == (12, expected[0].size)
    np.testing.assert_array_equal(result.reshape(expected.shape), expected)
    np.testing.assert_array_equal(flat.transform(x), expected)
    assert flat.n_features_in_ == 1200
    assert flat.n_leads_in_ == 3


@every_variant
def test_a_record_set_equals_an_array(transformer):
    x = signals(n_records=300)
    records = RecordSet(x, fs=100, leads=LEADS)
    expected = clone(transformer).fit_transform(x)
    result = clone(transformer).fit_transform(records)
    assert isinstance(result, RecordSet)
    assert result.leads == LEADS
    np.testing.assert_array_equal(result.load(), expected)
    assert result.fs == (transformer.fs_out if isinstance(transformer, Resampler) else 100)


@every_variant
def test_records_do_not_depend_on_each_other(transformer):
    x = signals(n_records=40)
    fitted = clone(transformer).fit(x)
    together = fitted.transform(x)
    alone = np.concatenate([fitted.transform(x[k : k + 1]) for k in range(len(x))])
    np.testing.assert_array_equal(alone, together)
    order = np.random.default_rng(0).permutation(len(x))
    np.testing.assert_array_equal(fitted.transform(x[order]), together[order])


@every_variant
def test_input_and_parameters_stay_and_fitting_repeats(transformer):
    x = signals()
    before, parameters = x.copy(), transformer.get_params()
    fitted = clone(transformer)
    first = fitted.fit(x).transform(x)
    second = fitted.fit(x).transform(x)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(x, before)
    assert fitted.get_params() == parameters
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.transform(x), first)


@every_variant
def test_read_only_memmaps(transformer, tmp_path):
    x = signals()
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    expected = clone(transformer).fit_transform(x)
    result = clone(transformer).fit_transform(mapped)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, expected)
    records = RecordSet(mapped, leads=LEADS)
    np.testing.assert_array_equal(clone(transformer).fit_transform(records).load(), expected)


@every_variant
@pytest.mark.parametrize("dtype", [">f4", "f2", "i2", "i4", "?"])
def test_other_real_types(transformer, dtype):
    x = (10 * signals()).astype(dtype)
    wanted = np.float64 if dtype == "i4" else np.float32
    result = clone(transformer).fit_transform(x)
    assert result.dtype == wanted
    np.testing.assert_array_equal(result, clone(transformer).fit_transform(x.astype(wanted)))


@every_variant
def test_layout_does_not_matter(transformer):
    x = signals()
    expected = clone(transformer).fit_transform(x)
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=2)[..., ::2], x[::-1][::-1]):
        np.testing.assert_array_equal(clone(transformer).fit_transform(other), expected)
    np.testing.assert_allclose(
        clone(transformer).fit_transform(x.tolist()), expected, rtol=1e-4, atol=1e-4
    )


@every_default
@pytest.mark.parametrize("dtype", [object, complex, "U8", "datetime64[s]"])
def test_other_types_are_refused(cls, dtype):
    x = np.zeros((3, 2, 400)).astype(dtype)
    with pytest.raises(SignalError, match="real numbers"):
        cls().fit(x)


@every_default
def test_bad_samples_are_named(cls):
    x = signals(n_leads=12, n_samples=1000)
    fitted = cls().fit(x)
    for value in (np.inf, -np.inf, np.nan):
        broken = x.copy()
        broken[5, 7, 11] = value
        if np.isnan(value) and cls is LeadImputer:
            assert np.isfinite(fitted.transform(broken)).all()
            continue
        for call in (cls().fit, fitted.transform):
            with pytest.raises(
                SignalError, match=r"record 5: -?(inf|nan) in lead 7( .V2.)? at sample 11.*Imputer"
            ):
                call(broken)


@every_default
def test_bad_samples_in_a_record_set_are_named(cls):
    x = signals(n_records=270, n_leads=12, n_samples=300)
    x[261, 7, 11] = np.inf
    fs = 500 if cls is Resampler else 100
    records = RecordSet(x, fs=fs, record_ids=[f"ecg{k}" for k in range(270)])
    message = "record 'ecg261': inf in lead 7 [(]V2[)] at sample 11"
    good = records[:261]
    result = cls().fit(good).transform(records)
    with pytest.raises(SignalError, match=message):
        result.load()
    with pytest.raises(SignalError, match=message):
        _ = result[261]
    if cls in (LeadImputer, LeadNormalizer):
        with pytest.raises(SignalError, match=message):
            cls().fit(records)


@every_default
def test_huge_values_are_no_infinities(cls):
    x = np.full((3, 2, 1000), 9e31, np.float32)
    assert cls().fit(x) is not None


@every_default
def test_another_shape_is_refused(cls):
    x = signals(n_leads=3, n_samples=600)
    fitted = cls().fit(x)
    with pytest.raises(SignalError, match=r"X has 1200 features \(2 leads.*expecting 1800"):
        fitted.transform(x[:, :2])
    with pytest.raises(SignalError, match="2 leads"):
        fitted.transform(signals(n_leads=2, n_samples=900))
    if cls is CropOrPad:
        assert fitted.transform(x[..., :500]).shape == (12, 3, 1000)
    else:
        with pytest.raises(SignalError, match="CropOrPad"):
            fitted.transform(x[..., :500])
    with pytest.raises(ValueError, match="X has 7 features, but"):
        fitted.transform(np.zeros((3, 7)))


@every_default
def test_other_leads_are_refused(cls):
    fs = 500 if cls is Resampler else 100
    x = signals(n_samples=600)
    fitted = cls().fit(RecordSet(x, fs=fs, leads=LEADS))
    assert fitted.leads_ == LEADS
    with pytest.raises(SignalError, match="order them by name"):
        fitted.transform(RecordSet(x, fs=fs, leads=("II", "I", "V2")))


@pytest.mark.parametrize("cls", [cls for cls in TRANSFORMERS if cls is not LeadNormalizer])
def test_another_rate_is_refused(cls):
    name = "fs_in" if cls is Resampler else "fs"
    records = RecordSet(signals(n_samples=600), fs=250)
    with pytest.raises(SignalError, match=f"set {name}=250, or resample"):
        cls().fit(records)
    right = cls().set_params(**{name: 250}).fit(records)
    with pytest.raises(SignalError, match="Hz"):
        right.transform(RecordSet(signals(n_samples=600), fs=360))
    with pytest.raises(SignalError, match="positive number in Hz"):
        cls().set_params(**{name: -1.0}).fit(records)


@every_default
def test_features_must_hold_whole_leads(cls):
    with pytest.raises(SignalError, match="n_leads=3 does not divide"):
        cls().set_params(n_leads=3).fit(np.zeros((4, 10)))


@every_default
def test_unfitted_and_empty(cls):
    fs = 500 if cls is Resampler else 100
    with pytest.raises(NotFittedError):
        cls().transform(signals())
    with pytest.raises(NotFittedError):
        cls().transform(RecordSet(signals(), fs=fs))
    with pytest.raises(SignalError, match="empty"):
        cls().fit(RecordSet(np.zeros((0, 12, 1000)), fs=fs))
    with pytest.raises(ValueError, match="0 sample"):
        cls().fit(np.zeros((0, 12, 1000)))
    with pytest.raises(ValueError, match="0 feature"):
        cls().fit(np.zeros((3, 12, 0)))
    with pytest.raises(ValueError, match="dim"):
        cls().fit(np.zeros((2, 3, 12, 100)))


@every_default
def test_an_empty_record_set_can_be_transformed(cls):
    fs = 500 if cls is Resampler else 100
    records = RecordSet(signals(), fs=fs)
    assert len(cls().fit(records).transform(records[:0]).load()) == 0


@every_default
def test_a_failed_fit_leaves_nothing_fitted(cls):
    broken = cls()
    name = "fs_in" if cls is Resampler else "fs"
    if cls is LeadNormalizer:
        pytest.skip("every input can be normalised")
    broken.set_params(**{name: 1e-3})
    with pytest.raises(SignalError):
        broken.fit(RecordSet(signals(), fs=100))
    with pytest.raises(NotFittedError):
        broken.transform(signals())


def test_a_pipeline_stays_lazy_and_keeps_its_state():
    class Counting:
        shape = (600, 12, 1000)
        reads = 0

        def read(self, rows):
            type(self).reads += len(rows)
            return np.sin(np.arange(1000) * (rows[:, None, None] + 1) / 99) * np.ones((1, 12, 1))

    records = RecordSet(Counting(), fs=250)
    pipeline = make_pipeline(
        CropOrPad(duration=4.0, fs=250),
        Resampler(fs_in=250),
        BandpassFilter(),
        NotchFilter(),
        LeadNormalizer(),
    )
    pipeline.fit(records)
    assert Counting.reads == 600
    result = pipeline.transform(records)
    assert Counting.reads == 600
    assert (result.shape, result.fs) == ((600, 12, 400), 100)
    first = result[3].signal
    assert Counting.reads == 601
    np.testing.assert_array_equal(pipeline.transform(records.load()[3:4])[0], first)
    # fitting again does not reach into sets made before
    pipeline.fit(records[:5])
    np.testing.assert_array_equal(result[3].signal, first)


def test_a_lazy_set_pickles_small(tmp_path):
    records = BandpassFilter().fit_transform(RecordSet(signals(2), fs=100))
    assert len(pickle.dumps(records._steps)) < 1000
    loaded = pickle.loads(pickle.dumps(records))
    np.testing.assert_array_equal(loaded.load(), records.load())
