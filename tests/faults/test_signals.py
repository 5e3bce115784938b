"""Faults of the signal, numbered, times everything that takes signals.

Estimators answer with finite numbers or one clear error, the gate with the right finding, and
`score_records` with a verdict; none with a warning.
"""

import warnings

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    GatedDetector,
    Record,
    RecordSet,
    make_ecg,
    score_records,
)
from ecg_anomaly.detectors import DETECTORS
from ecg_anomaly.errors import ECGError
from ecg_anomaly.findings import FindingKind as Kind
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.preprocessing import TRANSFORMERS
from ecg_anomaly.quality import Outcome, QualityGate

FS, SECONDS = 500, 4
TARGETS = [*DETECTORS, *TRANSFORMERS]
LEAD = {name: k for k, name in enumerate(STANDARD_LEADS)}


@pytest.fixture(scope="module")
def ecgs():
    """Make twelve-lead ECGs at 500 Hz, where pacing can be seen."""
    return make_ecg(12, fs=FS, duration=SECONDS, random_state=0).X


def tone(freq, amplitude, n):
    return (amplitude * np.sin(2 * np.pi * freq * np.arange(n) / FS)).astype(np.float32)


def at(where, value):
    def damage(x):
        x[where] = value

    return damage


def clip(x):
    x[LEAD["V2"]] = np.clip(x[LEAD["V2"]], -0.1, 0.15)


def swap_arms(x):
    left, right = x[0].copy(), x[4].copy()
    x[0], x[1], x[2] = -left, x[2].copy(), x[1].copy()
    x[4], x[3] = x[3].copy(), right


def break_einthoven(x):
    x[LEAD["III"]] += tone(1.3, 0.5, x.shape[1])


def break_goldberger(x):
    x[LEAD["aVF"]] += tone(1.3, 0.5, x.shape[1])


def spikes(x):
    places = np.arange(100, x.shape[1] - 2, FS)
    for place in places:
        x[:, place : place + 1] += np.linspace(1.5, 2.5, len(x), dtype=np.float32)[:, None]


def wrap(x):
    """Let an int16 converter of 1 uV a step overflow in V3, which rides on an offset."""
    digital = np.round((x[LEAD["V3"]] + 32.7) * 1000).astype(np.int64)
    x[LEAD["V3"]] = (((digital + 2**15) % 2**16) - 2**15) / 1000


# number, name, what happens to a record, the gate's finding (lead, kind) or None, its outcome
C = [
    (33, "NaN sample", at((7, 100), np.nan), ("V2", Kind.MISSING), None),
    (33, "NaN lead", at(7, np.nan), ("V2", Kind.MISSING), Outcome.IMPUTED),
    (33, "NaN record", at(np.s_[:], np.nan), ("V2", Kind.MISSING), Outcome.NOT_SCORABLE),
    (34, "inf sample", at((7, 100), np.inf), ("V2", Kind.MISSING), None),
    (34, "-inf lead", at(7, -np.inf), ("V2", Kind.MISSING), Outcome.IMPUTED),
    (35, "flat lead", at(7, 0.0), ("V2", Kind.FLAT), Outcome.IMPUTED),
    (35, "flat record", at(np.s_[:], 0.3), ("V2", Kind.FLAT), Outcome.NOT_SCORABLE),
    (36, "clipped lead", clip, ("V2", Kind.CLIPPED), None),
    (37, "mains", lambda x: x.__iadd__(tone(50, 0.3, x.shape[1])), ("V2", Kind.MAINS), None),
    (37, "dead lead", lambda x: x.__setitem__(7, tone(50, 1.0, x.shape[1])), ("V2", Kind.MAINS),
     Outcome.IMPUTED),
    (38, "arms swapped", swap_arms, ("", Kind.REVERSAL_LA_RA), Outcome.SCORABLE),
    (38, "polarity reversed", lambda x: x.__setitem__(0, -x[0]), ("", Kind.EINTHOVEN), None),
    (39, "I + III is not II", break_einthoven, ("", Kind.EINTHOVEN), None),
    (39, "aVR + aVL + aVF is not 0", break_goldberger, ("", Kind.GOLDBERGER), None),
    (40, "pacing", spikes, ("", Kind.PACED), None),
    (43, "300 mV offset", lambda x: x.__iadd__(300), ("V2", Kind.OFFSET), None),
    (43, "300 mV offset of a lead", lambda x: x[7].__iadd__(300), ("V2", Kind.OFFSET), None),
    (44, "int16 wrap", wrap, ("V3", None), None),
]  # fmt: skip
IDS = [f"{number}-{name}" for number, name, *_ in C]
every_fault = pytest.mark.parametrize(
    ("number", "name", "damage", "finding", "outcome"), C, ids=IDS
)


def damaged(ecgs, damage):
    X = ecgs.copy()
    with np.errstate(all="ignore"):
        damage(X[3])
    return X


def build(small, cls):
    names = cls._get_param_names()
    rates = {name: float(FS) for name in ("fs", "fs_in") if name in names}
    return small(cls, **rates)


@pytest.fixture(scope="module")
def fitted(small, ecgs):
    cache = {}

    def get(cls):
        if cls not in cache:
            cache[cls] = build(small, cls).fit(RecordSet(ecgs, fs=FS))
        return cache[cls]

    return get


@pytest.fixture(scope="module")
def gated(small, ecgs):
    pipeline = make_pipeline(BandpassFilter(fs=FS), small(CAEDetector, contamination=0.2))
    return GatedDetector(pipeline).fit(RecordSet(ecgs, fs=FS))


def answer(action):
    """Return a finite result, or None for a clear error."""
    error = None
    try:
        result = np.asarray(action())
    except (ECGError, ValueError) as caught:
        error = str(caught)
    if error is None:
        assert np.isfinite(result).all()
        return result
    assert len(error) > 20
    assert any(word in error for word in ("record", "lead", "sample"))
    return None


@every_fault
@pytest.mark.parametrize("cls", TARGETS)
def test_use(cls, fitted, ecgs, output, number, name, damage, finding, outcome):
    X = RecordSet(damaged(ecgs, damage), fs=FS)
    result = answer(lambda: output(fitted(cls), X))
    # what has no number in it cannot be computed on; all else can
    has_numbers = np.isfinite(X.load()).all()
    assert (result is not None) == (has_numbers or (cls.__name__ == "LeadImputer" and number == 33))
    if result is not None:
        sound = output(fitted(cls), RecordSet(ecgs, fs=FS))
        np.testing.assert_array_equal(np.delete(result, 3, 0), np.delete(sound, 3, 0))


@every_fault
@pytest.mark.parametrize("cls", TARGETS)
def test_fit(cls, small, ecgs, output, number, name, damage, finding, outcome):
    X = damaged(ecgs, damage)
    records = RecordSet(X, fs=FS)
    answer(lambda: output(build(small, cls).fit(records), RecordSet(ecgs, fs=FS)))


@every_fault
def test_gate(ecgs, number, name, damage, finding, outcome):
    gate = QualityGate()
    X = damaged(ecgs, damage)
    batch = gate.assess_batch(X, FS)
    alone = gate.assess(Record(X[3], fs=FS))
    assert alone == batch[3]
    assert [a.outcome for k, a in enumerate(batch) if k != 3] == [Outcome.SCORABLE] * 11
    lead, kind = finding
    found = {(item.lead, item.kind) for item in alone.findings}
    if kind is None:
        assert any(item.lead == lead for item in alone.findings), alone
    else:
        assert (lead, kind) in found, alone
        before = gate.assess(Record(ecgs[3], fs=FS)).findings
        assert kind not in {item.kind for item in before}
    if outcome is not None:
        assert alone.outcome is outcome


@every_fault
def test_gated(gated, ecgs, number, name, damage, finding, outcome):
    X = RecordSet(damaged(ecgs, damage), fs=FS)
    if number == 34:  # arrays with infinite samples are refused by every estimator
        with pytest.raises(ECGError, match=r"record '?3'?: -?inf in lead 7"):
            gated.score_and_assess(X)
        return
    scores, assessments = gated.score_and_assess(X)
    assert np.isfinite(scores).all()
    verdict = gated.predict_verdict(X)[3]
    assert (verdict == "not scorable") == (assessments[3].outcome is Outcome.NOT_SCORABLE)


@every_fault
def test_score_records(gated, ecgs, number, name, damage, finding, outcome):
    X = damaged(ecgs, damage)
    records = [Record(x, fs=FS, record_id=f"r{k}") for k, x in enumerate(X)]
    table = score_records(gated, records, errors="report")
    assert set(table["verdict"]) <= {"flagged", "not flagged", "not scorable"}
    if outcome is not None:
        assert (table["verdict"][3] == "not scorable") == (outcome is Outcome.NOT_SCORABLE)
    assert np.isfinite(table["score"].drop(3)).all()
    assert table["findings"][3]


# 41 and 42: leads and lengths


@pytest.mark.parametrize("leads", [["II"], ["MLII", "V1"], ["I", "II", "V2"], ["ECG1", "ECG2"]])
@pytest.mark.parametrize("target", ["detector", "gated", "gate"])
def test_41_few_leads(small, ecgs, target, leads):
    X = ecgs[:, [1, 6, 7][: len(leads)]]
    records = RecordSet(X, fs=FS, leads=leads)
    if target == "gate":
        outcomes = {a.outcome for a in QualityGate().assess_batch(X, FS, leads)}
        assert outcomes == {Outcome.SCORABLE}
        return
    detector = small(CAEDetector)
    model = (GatedDetector(detector) if target == "gated" else detector).fit(records)
    assert np.isfinite(model.score_samples(records)).all()
    assert (score_records(model, records)["verdict"] != "not scorable").all()


@pytest.mark.parametrize("seconds", [0.002, 1, 2.5, 4, 60])
@pytest.mark.parametrize("target", [*TARGETS, GatedDetector], ids=lambda cls: cls.__name__)
def test_42_lengths_in_fit(small, target, seconds):
    fs = 100
    X = np.tile(make_ecg(6, duration=4, random_state=1).X, 15)[..., : max(1, int(seconds * fs))]
    model = GatedDetector(small(CAEDetector)) if target is GatedDetector else small(target)
    rate = 500 if target.__name__ == "Resampler" else fs
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        method = "score_samples" if hasattr(model, "score_samples") else "transform"
        records = RecordSet(X, fs=rate)

        def use():
            return getattr(model.fit(records), method)(records)

        if target is GatedDetector and seconds < 2:
            with pytest.raises(ECGError, match=r"too short: .* at least 2 s are needed"):
                use()
            return
        result = answer(use)
        assert (result is not None) or seconds < 1


@pytest.mark.parametrize("seconds", [1, 2.5, 10, 60, 3600])
def test_42_lengths_in_scoring(small, seconds):
    """A day takes the same way as an hour."""
    model = GatedDetector(small(CAEDetector)).fit(
        RecordSet(make_ecg(12, duration=4, random_state=0).X[:, :2], leads=["I", "II"])
    )
    x = make_ecg(1, duration=min(seconds, 60), random_state=3).X[0, :2]
    record = Record(
        np.tile(x, (1, max(1, seconds // 60) if seconds > 60 else 1)), leads=["I", "II"]
    )
    row = score_records(model, record, errors="report").iloc[0]
    if seconds < 4:
        assert row["verdict"] == "not scorable"
        assert "shorter than the 4 s that the model takes" in row["problem"]
    else:
        assert np.isfinite(row["score"])
        assert row["n_windows"] >= seconds / 4


def test_42_a_day_through_the_gate():
    x = make_ecg(1, duration=60, random_state=3).X[0, :1]
    day = np.tile(x, (1, 60 * 24))
    assessment = QualityGate().assess(Record(day, leads=["II"]))
    assert assessment.outcome is not Outcome.NOT_SCORABLE


def test_every_class_is_here():
    # times (45) are a matter of files; arrays of other types (46) are in test_estimators
    assert {number for number, *_ in C} | {41, 42, 45, 46} == set(range(33, 47))
    assert len(C) * (2 * len(TARGETS) + 3) >= 300
