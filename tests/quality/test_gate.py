"""The gate as a whole: outcomes, parameters, batches, long records."""

import json
from dataclasses import fields

import numpy as np
import pytest

from ecg_anomaly.datasets import make_ecg
from ecg_anomaly.errors import ConfigError, SignalError
from ecg_anomaly.findings import Finding, FindingKind
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.preprocessing import LeadImputer
from ecg_anomaly.quality import Outcome, QualityGate, assess
from ecg_anomaly.records import Record


@pytest.fixture(scope="module")
def X():
    return make_ecg(12, anomalies="all", random_state=2).X


def without(x, *rows):
    x = x.copy()
    x[list(rows)] = 0.0
    return x


def test_parameters_survive_json():
    gate = QualityGate(min_duration=5.0, mains=(60,))
    again = QualityGate(**json.loads(json.dumps(gate.as_dict())))
    assert again == gate
    assert hash(again) == hash(gate)
    assert gate != QualityGate()


@pytest.mark.parametrize("field", [field.name for field in fields(QualityGate)])
def test_parameters_must_be_numbers_that_are_not_negative(field):
    for value in (-1.0, np.nan, np.inf, 10**400, "1", None, True, [1.0], {}, 1j, np.bool_(True)):
        given = [value] if field == "mains" else value
        with pytest.raises(ConfigError, match=field):
            QualityGate(**{field: given})


@pytest.mark.parametrize(
    "value",
    [50, 50.0, None, "50", "50, 60", b"50", True, [None], ["50"], [[50]], [0], [-50], [np.nan],
     [np.inf], [True], [10**400], {"freq": 50}, {50: "Hz", None: 1}],
    ids=repr,
)  # fmt: skip
def test_mains_must_be_a_list_of_frequencies(value):
    with pytest.raises(ConfigError, match=r"mains must be a list.*such as \[50\]"):
        QualityGate(mains=value)


@pytest.mark.parametrize("value", [[50], (50.0,), np.array([50]), {50}, range(50, 51), [50, 50]])
def test_mains_of_any_sequence(value):
    gate = QualityGate(mains=value)
    assert gate.mains == (50.0,)
    assert gate.as_dict()["mains"] == [50.0]


def test_without_mains_no_hum_is_looked_for():
    x = make_ecg(1, fs=500.0, random_state=0).X[0]
    record = Record(x + 0.2 * np.sin(2 * np.pi * 50 / 500 * np.arange(x.shape[1])), 500)
    for mains, found in (([50], True), ([], False)):
        kinds = {finding.kind for finding in QualityGate(mains=mains).assess(record).findings}
        assert (FindingKind.MAINS in kinds) == found


@pytest.mark.parametrize(
    "name",
    ["min_usable", "min_scorable", "max_unusable", "dead_mains_share", "noise_to_swing",
     "min_agreement", "leg_share"],
)  # fmt: skip
def test_shares_do_not_exceed_one(name):
    assert getattr(QualityGate(**{name: 1}), name) == 1.0
    for value in (1.0001, 50):
        with pytest.raises(ConfigError, match=f"{name} must be a share"):
            QualityGate(**{name: value})


def test_numbers_of_any_kind_become_plain():
    gate = QualityGate(max_noise=np.float32(0.5), min_age=np.int64(16), min_duration=3)
    assert [type(value) for value in gate.as_dict().values() if type(value) is not list] == (
        [float] * (len(fields(QualityGate)) - 1)
    )
    assert (gate.max_noise, gate.min_age, gate.min_duration) == (0.5, 16.0, 3.0)


def test_its_text_shows_what_differs_from_the_defaults():
    assert repr(QualityGate()) == str(QualityGate()) == "QualityGate()"
    assert repr(QualityGate(max_noise=0.015)) == "QualityGate()"
    gate = QualityGate(mains=[50], max_noise=0.03)
    assert repr(gate) == "QualityGate(mains=(50.0,), max_noise=0.03)"
    assert eval(repr(gate)) == gate


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ((), Outcome.SCORABLE),
        ((11,), Outcome.IMPUTED),
        ((2, 3, 4, 5), Outcome.IMPUTED),  # any two limb leads determine the others
        ((8, 9, 10, 11), Outcome.IMPUTED),
        ((7, 8, 9, 10, 11), Outcome.NOT_SCORABLE),
        (range(12), Outcome.NOT_SCORABLE),
    ],
)
def test_how_many_leads_may_be_off(X, rows, outcome):
    assessment = assess(Record(without(X[0], *rows)))
    assert assessment.outcome is outcome
    assert assessment.unusable_leads == tuple(STANDARD_LEADS[row] for row in rows)
    assert bool(assessment.reason) == (outcome is not Outcome.SCORABLE)


@pytest.mark.parametrize("leads", [("II",), ("MLII", "V1"), ("I", "II", "V2")])
def test_records_of_few_leads(X, leads):
    rows = [STANDARD_LEADS.index(lead.removeprefix("ML")) for lead in leads]
    record = Record(X[0][rows], leads=leads)
    assert assess(record).outcome is Outcome.SCORABLE
    off = assess(Record(without(X[0][rows], 0), leads=leads))
    expected = Outcome.NOT_SCORABLE if len(leads) == 1 else Outcome.IMPUTED
    assert off.outcome is expected
    assert off.unusable_leads == leads[:1]


def test_a_batch_gives_what_records_alone_give(X):
    X = X.copy()
    X[0, 7] = np.nan
    X[1, 8, 200:400] = np.nan
    X[2] *= 1000
    X[3, 6:] = 0
    X[4] += np.random.default_rng(0).normal(scale=0.3, size=X[4].shape)
    ages = np.arange(10.0, 22.0)
    batch = QualityGate().assess_batch(X, 100.0, ages=ages)
    alone = [
        QualityGate().assess_batch(x[None], 100.0, ages=[a])[0]
        for x, a in zip(X, ages, strict=True)
    ]
    records = [assess(Record(x, annotations={"age": a})) for x, a in zip(X, ages, strict=True)]
    assert batch == alone == records
    assert len({a.outcome for a in batch}) == 3


def test_the_readers_findings_come_first(X):
    finding = Finding(FindingKind.UNIT_ASSUMED, detail="mV")
    record = Record(without(X[0], 7), quality=(finding,))
    assessment = assess(record)
    assert assessment.findings[0] == finding
    assert assessment.findings[1].kind is FindingKind.FLAT


def test_blank_leaves_what_the_imputer_restores(X):
    x = without(X[0], 7)
    x[9, 300:520] = x[9, 300]
    assessment = assess(Record(x))
    blank = x.copy()
    assessment.blank_signal(blank, 100.0, STANDARD_LEADS)
    assert np.isnan(blank[7]).all()
    assert np.isnan(blank[9, 300:500]).all()
    assert np.isfinite(np.delete(blank, [7, 9], axis=0)).all()
    imputer = LeadImputer(leads=STANDARD_LEADS).fit(X)
    restored = imputer.transform(blank[None])[0]
    assert np.corrcoef(restored[7], X[0, 7])[0, 1] > 0.8
    clean = X[0].copy()
    assess(Record(clean)).blank_signal(clean, 100.0, STANDARD_LEADS)
    np.testing.assert_array_equal(clean, X[0])


def test_long_records_are_examined_in_pieces():
    x = make_ecg(1, duration=65.0, random_state=1).X[0]
    x[7, 2000:5000] = x[7, 2000]
    x[9, 4210:4290] = np.nan
    assessment = assess(Record(x))
    flat = [f for f in assessment.findings if f.kind is FindingKind.FLAT]
    assert [(f.lead, f.start, f.end) for f in flat] == [("V2", 20.0, 50.0)]
    missing = [f for f in assessment.findings if f.kind is FindingKind.MISSING]
    assert [(f.lead, f.start, f.end) for f in missing] == [("V4", 42.1, 42.9)]
    assert assessment.unusable_leads == ("V2",)
    assert assessment.outcome is Outcome.IMPUTED


def test_memory_does_not_grow_with_the_record(tmp_path):
    import tracemalloc

    beats = make_ecg(1, duration=60.0, fs=500.0, random_state=1).X[0][[1, 7]]
    peaks = []
    for minutes in (20, 120):
        shape = (1, 2, minutes * beats.shape[1])
        hours = np.memmap(tmp_path / f"{minutes}.dat", np.float32, "w+", shape=shape)
        for minute in range(minutes):
            hours[0, :, minute * beats.shape[1] : (minute + 1) * beats.shape[1]] = beats
        tracemalloc.start()
        (assessment,) = QualityGate().assess_batch(hours, 500.0, ["II", "V2"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert assessment.outcome is Outcome.SCORABLE
    # 100 minutes more are 24 MB of signal; a few bytes of each second are kept
    assert peaks[1] - peaks[0] < 2e6


@pytest.mark.parametrize(
    ("signals", "kwargs", "message"),
    [
        (np.zeros((2, 100)), {}, "n_records, n_leads, n_samples"),
        (np.zeros((1, 2, 100), complex), {}, "real array"),
        (np.zeros((1, 2, 100), object), {}, "real array"),
        (np.array("a"), {}, "real array"),
        (np.zeros((1, 2, 100)), {"leads": ["I"]}, "names were given"),
        (np.zeros((1, 2, 100)), {"leads": ["I", "i"]}, "more than once"),
        (np.zeros((1, 2, 100)), {"ages": [1, 2]}, "ages"),
        (np.zeros((1, 2, 100)), {"fs": 0}, "fs must be"),
    ],
)
def test_what_is_no_batch_is_refused(signals, kwargs, message):
    with pytest.raises(SignalError, match=message):
        QualityGate().assess_batch(signals, **{"fs": 100.0} | kwargs)


def test_nothing_gives_nothing():
    assert QualityGate().assess_batch(np.zeros((0, 12, 1000)), 100.0) == []
    for shape in ((0, 1000), (12, 0), (0, 0)):
        assert assess(Record(np.zeros(shape))).outcome is Outcome.NOT_SCORABLE
