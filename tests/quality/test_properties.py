"""What holds for any array."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.datasets import make_ecg
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.quality import Assessment, Outcome, QualityGate, assess
from ecg_anomaly.records import Record

DTYPES = ("f4", "f8", ">f4", "f2", "i2", "u1", "i8", "?")
SPECIAL = (np.nan, np.inf, -np.inf, 1e38, 3e5, 1e-30, 0.0)
SIGNALS = make_ecg(20, anomalies="all", faults="all", random_state=4).X


@st.composite
def arrays(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_leads, n_samples = draw(st.integers(1, 13)), draw(st.integers(1, 2500))
    scale = draw(st.sampled_from([0.0, 1e-3, 1.0, 1e4]))
    x = rng.normal(scale=scale, size=(n_leads, n_samples))
    if draw(st.booleans()):
        x = np.cumsum(x, axis=1)
    for value in draw(st.lists(st.sampled_from(SPECIAL), max_size=3)):
        x[rng.random(x.shape) < draw(st.sampled_from([0.01, 0.5, 1.0]))] = value
    if draw(st.booleans()):
        x[rng.integers(n_leads)] = draw(st.sampled_from(SPECIAL))
    with np.errstate(all="ignore"):
        return x.astype(draw(st.sampled_from(DTYPES)))


@settings(max_examples=150, deadline=None)
@given(x=arrays(), fs=st.sampled_from([0.01, 1.0, 50.0, 100.0, 128.5, 250.0, 360.0, 500.0, 2000.0]))
def test_any_array_gets_an_assessment(x, fs):
    (assessment,) = QualityGate(min_duration=0.0).assess_batch(x[None], fs)
    (default,) = QualityGate().assess_batch(x[None], fs)
    duration = x.shape[1] / fs
    for result in (assessment, default):
        assert isinstance(result, Assessment)
        assert (result.outcome is Outcome.SCORABLE) == (not result.reason)
        for finding in result.findings:
            assert 0 <= finding.start <= finding.end <= duration + 0.001
            assert str(finding)
    if duration < 2:
        assert default.outcome is Outcome.NOT_SCORABLE


@settings(max_examples=30, deadline=None)
@given(row=st.integers(0, len(SIGNALS) - 1), order=st.permutations(range(12)))
def test_the_order_of_the_leads_does_not_matter(row, order):
    as_is = assess(Record(SIGNALS[row]))
    leads = [STANDARD_LEADS[k] for k in order]
    other = assess(Record(SIGNALS[row][list(order)], leads=leads))
    assert set(other.findings) == set(as_is.findings)
    assert set(other.unusable_leads) == set(as_is.unusable_leads)
    assert set(other.unusable_spans) == set(as_is.unusable_spans)
    assert other.outcome == as_is.outcome


@settings(max_examples=20, deadline=None)
@given(rows=st.lists(st.integers(0, len(SIGNALS) - 1), min_size=1, max_size=30))
def test_the_batch_does_not_matter(rows):
    alone = [QualityGate().assess_batch(SIGNALS[[row]], 100.0)[0] for row in rows]
    assert QualityGate().assess_batch(SIGNALS[rows], 100.0) == alone


@settings(max_examples=20, deadline=None)
@given(row=st.integers(0, len(SIGNALS) - 1), exponent=st.integers(-3, 3))
def test_thresholds_in_mv_scale_with_the_signal(row, exponent):
    factor = 2.0**exponent
    default = QualityGate()
    in_mv = (
        "flat_level", "max_mains", "max_wander", "max_drift", "max_offset", "max_noise",
        "unusable_noise", "max_amplitude", "artefact_swing",
    )  # fmt: skip
    scaled = QualityGate(**{name: factor * getattr(default, name) for name in in_mv})
    kinds = [
        {(f.kind, f.lead, f.start, f.end) for f in gate.assess_batch(x[None], 100.0)[0].findings}
        for gate, x in ((default, SIGNALS[row]), (scaled, SIGNALS[row] * np.float32(factor)))
    ]
    assert kinds[0] == kinds[1]
