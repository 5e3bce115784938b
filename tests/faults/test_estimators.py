"""Bad input: every estimator gives a finite result or one clear ValueError, and never a warning."""

import numpy as np
import pytest

from ecg_anomaly import LeadImputer, RecordSet
from ecg_anomaly.detectors import DETECTORS
from ecg_anomaly.errors import ECGError, SignalError
from ecg_anomaly.preprocessing import TRANSFORMERS

ESTIMATORS = DETECTORS + TRANSFORMERS
every_estimator = pytest.mark.parametrize("cls", ESTIMATORS)


def put(value, where):
    def change(x):
        x = x.copy()
        x[where] = value
        return x

    return change


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def record_of_another_scale(x):
    x = x.copy()
    x[1] *= 1e4
    return x


# What may be computed on must give a finite result, so that refusing everything is no way out.
HARMLESS = {
    "as it is": lambda x: x,
    "flat lead": put(0.3, np.s_[:, 1]),
    "flat lead in one record": put(0.3, np.s_[1, 1]),
    "flat record": put(0.0, np.s_[1]),
    "all flat": put(0.5, np.s_[:]),
    "all zero": put(0.0, np.s_[:]),
    "identical records": lambda x: np.repeat(x[:1], len(x), axis=0),
    "tiny": lambda x: x * np.float32(1e-30),
    "300 mV offset": lambda x: x + 300,
    "300 mV offset in one record": lambda x: x + 300 * (np.arange(len(x)) == 1)[:, None, None],
    "one record loose": record_of_another_scale,
    "one record": lambda x: x[:1],
    "bool": lambda x: x > 0.3,
    "int8": lambda x: (10 * x).astype(np.int8),
    "int64": lambda x: (1000 * x).astype(np.int64),
    "uint16": lambda x: (1000 * np.abs(x)).astype(np.uint16),
    "float16": lambda x: x.astype(np.float16),
    "float64": lambda x: x.astype(np.float64),
    "longdouble": lambda x: x.astype(np.longdouble),
    "big-endian": lambda x: x.astype(">f4"),
    "read-only": read_only,
    "non-contiguous": lambda x: np.repeat(x, 2, axis=0)[::2],
    "Fortran order": np.asfortranarray,
    "negative strides": lambda x: x[..., ::-1],
    "nested lists": lambda x: x.tolist(),
    "unmasked": lambda x: np.ma.masked_array(x, mask=False),
}
REFUSED = {
    "1e300": lambda x: x.astype(float) * 1e300,
    "one 1e300": lambda x: put(1e300, (1, 1, 7))(x.astype(float)),
    "3e38": put(3e38, (1, 1, 7)),
    "inf": put(np.inf, (1, 1, 7)),
    "-inf": put(-np.inf, (1, 1, 7)),
    "no leads": lambda x: x[:, :0],
    "no samples": lambda x: x[..., :0],
    "objects": lambda x: x.astype(object),
    "strings as objects": lambda x: np.full(x.shape, "1 mV", object),
    "complex": lambda x: x + 1j,
    "strings": lambda x: x.astype("U8"),
    "dates": lambda x: np.zeros(x.shape, "datetime64[s]"),
    "one number": lambda x: x[0, 0, 0],
    "one dimension": lambda x: x[0, 0],
    "four dimensions": lambda x: x[None],
    "ragged lists": lambda x: [[[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0, 4.0]]],
    "nothing": lambda x: None,
    "a string": lambda x: "ecg",
    "a dict": lambda x: {"x": x},
}
# Either will do: what can be computed in double precision, or filled in.
EITHER = {
    "no records": lambda x: x[:0],
    "NaN sample": put(np.nan, (1, 1, 7)),
    "NaN lead": put(np.nan, (1, 1)),
    "NaN record": put(np.nan, 1),
    "NaN lead everywhere": put(np.nan, np.s_[:, 1]),
    "all NaN": put(np.nan, np.s_[:]),
    "masked samples": lambda x: np.ma.masked_array(x, mask=x > 0.5),
    "one sample": lambda x: x[..., :1],
    "two samples": lambda x: x[..., :2],
    "one lead": lambda x: x[:, :1],
    "1e30": put(1e30, (1, 1, 7)),
    "1e30 everywhere": lambda x: x * np.float32(1e30),
    "9e31 in turn": lambda x: x * 0 + (9e31 * (-1) ** np.arange(x.shape[-1])).astype(np.float32),
    "one 9e31": put(9e31, (1, 1, 7)),
}
CASES = (
    [pytest.param(change, True, id=name) for name, change in HARMLESS.items()]
    + [pytest.param(change, False, id=name) for name, change in REFUSED.items()]
    + [pytest.param(change, None, id=name) for name, change in EITHER.items()]
)


def attempt(action, allowed):
    """Return a finite result or None, after checking that it is what was allowed."""
    error = None
    try:
        result = action()
    except (ValueError, TypeError) as caught:
        error = caught
    if error is None:
        assert allowed is not False
        assert np.isfinite(result).all()
        return result
    assert allowed is not True, error
    assert len(str(error)) > 20
    # a subclass of numpy's or json's would mean that something was not foreseen
    assert type(error).__module__ in ("builtins", "ecg_anomaly.errors", "ecg_anomaly.records")
    return None


@pytest.fixture(scope="module")
def fitted(small, signals):
    """Fit each class once."""
    cache = {}

    def get(cls):
        if cls not in cache:
            cache[cls] = small(cls).fit(signals(12))
        return cache[cls]

    return get


@every_estimator
@pytest.mark.parametrize(("change", "allowed"), CASES)
def test_fit(cls, small, signals, output, change, allowed):
    X = change(signals(12))
    estimator = small(cls)
    attempt(lambda: output(estimator.fit(X), X), allowed)


@every_estimator
@pytest.mark.parametrize(("change", "allowed"), CASES)
def test_use(cls, fitted, signals, output, change, allowed):
    attempt(lambda: output(fitted(cls), change(signals(4, seed=1))), allowed)


@pytest.mark.parametrize("cls", DETECTORS)
@pytest.mark.parametrize(("change", "allowed"), CASES)
def test_localise(cls, fitted, signals, change, allowed):
    X = change(signals(4, seed=1))
    for name in ("anomaly_map", "reconstruct", "latent", "predict"):
        attempt(lambda name=name: getattr(fitted(cls), name)(X), allowed)


@every_estimator
@pytest.mark.parametrize("name", ["NaN sample", "NaN lead", "NaN record"])
def test_missing_samples_are_refused_or_filled_in(cls, small, fitted, signals, output, name):
    X = EITHER[name](signals(12))
    attempt(lambda: small(cls).fit(X) and np.zeros(1), cls is LeadImputer)
    attempt(lambda: output(fitted(cls), X), cls is LeadImputer)


@every_estimator
@pytest.mark.parametrize("dtype", [np.float32, np.int16])
@pytest.mark.parametrize("lazy", [False, True], ids=["array", "RecordSet"])
def test_masked_samples_are_missing(cls, fitted, signals, record_set, output, dtype, lazy):
    X = (10 * signals(4)).astype(dtype)
    masked = np.ma.masked_array(X, mask=np.zeros(X.shape, bool))
    masked[1, 2, 7] = np.ma.masked
    missing = X.astype(np.float32)
    missing[1, 2, 7] = np.nan
    if lazy:
        leads = ("lead1", "lead2", "lead3")
        masked, missing = (record_set(cls, data, leads=leads) for data in (masked, missing))
    if cls is LeadImputer:
        np.testing.assert_array_equal(output(fitted(cls), masked), output(fitted(cls), missing))
        return
    with pytest.raises(SignalError, match=r"record '?1'?: nan in lead 2.* at sample 7"):
        output(fitted(cls), masked)


@every_estimator
def test_huge_values_score_low_or_stay(cls, fitted, signals, output):
    X = signals(4, seed=1)
    for value in (1e6, 1e30):
        result = output(fitted(cls), put(value, (1, 1, 7))(X))
        others = [0, 2, 3]
        np.testing.assert_array_equal(result[others], output(fitted(cls), X)[others])
        if cls in DETECTORS:
            assert result[1] < result[others].min()


@every_estimator
def test_another_shape_is_refused(cls, fitted, signals):
    name = "score_samples" if cls in DETECTORS else "transform"
    for X in (signals(3)[:, :2], signals(3, n_leads=4), signals(3, n_leads=6, n_samples=100)):
        with pytest.raises(SignalError, match=r"leads x .*is expecting 600 features"):
            getattr(fitted(cls), name)(X)
    for length in (1, 199, 201):
        X = signals(3, n_samples=length)
        if fitted(cls)._any_length:
            assert np.isfinite(getattr(fitted(cls), name)(X)).all()
            continue
        with pytest.raises(SignalError, match=f"3 leads x {length} samples.*CropOrPad"):
            getattr(fitted(cls), name)(X)
    with pytest.raises(ValueError, match="X has 599 features, but"):
        getattr(fitted(cls), name)(signals(3).reshape(3, -1)[:, 1:])


@every_estimator
def test_another_rate_is_refused_by_record_sets(cls, small, signals, record_set):
    X = signals()
    wrong = record_set(cls, X, fs=77)
    name = "score_samples" if cls in DETECTORS else "transform"
    trained = small(cls).fit(record_set(cls, X))
    if "fs" not in cls._get_param_names() and "fs_in" not in cls._get_param_names():
        assert len(getattr(trained, name)(wrong)) == len(X)
        return
    with pytest.raises(SignalError, match="77 Hz"):
        getattr(trained, name)(wrong)
    if cls in DETECTORS:
        assert small(cls).fit(wrong).fs_ == 77
    else:
        with pytest.raises(SignalError, match="77 Hz"):
            small(cls).fit(wrong)


@every_estimator
def test_another_order_of_leads_is_refused(cls, small, signals, record_set):
    X = signals()
    name = "score_samples" if cls in DETECTORS else "transform"
    trained = small(cls).fit(record_set(cls, X))
    with pytest.raises(SignalError, match="has the leads V2, I, II, but"):
        getattr(trained, name)(record_set(cls, X, leads=("V2", "I", "II")))


@every_estimator
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bad_samples_in_a_record_set_are_named(
    cls, small, fitted, signals, record_set, output, value
):
    X = signals()
    X[17, 2, 5] = value
    broken = record_set(cls, X, record_ids=[f"ecg{k}" for k in range(len(X))])
    if cls is LeadImputer and np.isnan(value):
        assert np.isfinite(output(small(cls).fit(broken), broken)).all()
        return
    message = rf"record 'ecg17': {value} in lead 2 \(V2\) at sample 5; .*LeadImputer"
    trained = small(cls).fit(broken[:17])
    for use in (lambda: output(trained, broken), lambda: output(trained, broken[[20, 17]])):
        with pytest.raises(SignalError, match=message):
            use()
    # transformers that learn nothing read nothing in fit, and say it when the record is read
    with pytest.raises(SignalError, match=message):
        output(small(cls).fit(broken), broken)


@every_estimator
def test_an_empty_record_set(cls, small, signals, record_set, output):
    records = record_set(cls, signals())
    with pytest.raises(SignalError, match="empty"):
        small(cls).fit(records[:0])
    trained = small(cls).fit(records)
    result = attempt(lambda: output(trained, records[:0]), None)
    assert result is None or len(result) == 0


@pytest.mark.parametrize("cls", DETECTORS)
def test_divergence_is_an_error(cls, small, signals):
    with pytest.raises(ECGError, match=r"diverged.*Lower lr"):
        small(cls, crop=None, mask_fraction=0.0, lr=1e30).fit(signals())


@pytest.mark.parametrize("cls", DETECTORS)
def test_one_giant_sample_in_training_is_borne(cls, small, signals):
    X = signals()
    X[3, 1, 7] = 1e30
    detector = small(cls, crop=None, mask_fraction=0.0).fit(X)
    assert np.isfinite(detector.score_samples(signals())).all()


@pytest.mark.parametrize("dtype", [object, complex, "U8", bool])
def test_record_sets_hold_real_numbers(signals, dtype):
    with pytest.raises(SignalError, match="real array"):
        RecordSet(signals(2).astype(dtype))
