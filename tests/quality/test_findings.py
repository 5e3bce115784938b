"""Each kind of finding: there when its cause is, with lead and time, and only then."""

import numpy as np
import pytest

from ecg_anomaly.datasets import make_ecg
from ecg_anomaly.findings import FindingKind as Kind
from ecg_anomaly.leads import LIMB_LEADS, STANDARD_LEADS
from ecg_anomaly.quality import Outcome, QualityGate, assess
from ecg_anomaly.records import Record

ROW = {lead: k for k, lead in enumerate(STANDARD_LEADS)}
LIMBS = ("I", "II", "III", "aVR", "aVL", "aVF")


@pytest.fixture(scope="module", params=[100.0, 500.0])
def clean(request):
    """Return a normal record without a finding, in mV."""
    signals = make_ecg(30, fs=request.param, random_state=0).X
    for signal in signals:
        record = Record(signal, fs=request.param)
        if not assess(record).findings:
            return record
    raise AssertionError("no synthetic record is clean")


def changed(record, **kwargs):
    out = Record(record.signal.copy(), fs=record.fs, leads=record.leads)
    for name, value in kwargs.items():
        setattr(out, name, value)
    return out


def seconds(record, start, end):
    return slice(round(start * record.fs), round(end * record.fs))


def times(record):
    return np.arange(record.signal.shape[1]) / record.fs


def found(assessment, kind):
    return [finding for finding in assessment.findings if finding.kind is kind]


def only(assessment, kind, lead="", start=0.0, end=10.0, within=0.15):
    """Return the one finding of this kind; it has this lead and this span."""
    (finding,) = found(assessment, kind)
    assert finding.lead == lead
    assert finding.start == pytest.approx(start, abs=within)
    assert finding.end == pytest.approx(end, abs=within)
    assert finding.detail
    return finding


def test_a_clean_record_is_scorable(clean):
    assessment = assess(clean)
    assert assessment.outcome is Outcome.SCORABLE
    assert assessment.findings == ()
    assert assessment.unusable_leads == ()
    assert assessment.unusable_spans == ()
    assert assessment.reason == ""


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_missing_samples(clean, value):
    record = changed(clean)
    record.signal[ROW["V3"], seconds(clean, 2.0, 3.5)] = value
    assessment = assess(record)
    only(assessment, Kind.MISSING, "V3", 2.0, 3.5, within=0.011)
    assert assessment.outcome is Outcome.IMPUTED
    assert assessment.unusable_leads == ()
    assert {lead for lead, _, _ in assessment.unusable_spans} == {"V3"}


def test_a_missing_lead_is_imputed_and_told_once(clean):
    record = changed(clean)
    record.signal[ROW["V3"]] = np.nan
    assessment = assess(record)
    only(assessment, Kind.MISSING, "V3", within=0.011)
    assert len(assessment.findings) == 1
    assert assessment.unusable_leads == ("V3",)


def test_a_flat_lead(clean):
    record = changed(clean)
    record.signal[ROW["V5"]] = 0.1
    assessment = assess(record)
    only(assessment, Kind.FLAT, "V5")
    assert assessment.unusable_leads == ("V5",)
    assert assessment.outcome is Outcome.IMPUTED


def test_a_lead_that_falls_off(clean):
    record = changed(clean)
    record.signal[ROW["V5"], seconds(clean, 7.0, 10.0)] = 0.0
    assessment = assess(record)
    only(assessment, Kind.FLAT, "V5", 7.0, 10.0)
    assert assessment.unusable_leads == ()
    assert [span[0] for span in assessment.unusable_spans] == ["V5"]
    assert assessment.unusable_spans[0][1:] == pytest.approx((7.0, 10.0))


def test_a_pause_of_the_heart_is_no_fault(clean):
    record = changed(clean)
    noise = 0.003 * np.random.default_rng(0).normal(size=record.signal.shape)
    pause = seconds(clean, 4.0, 7.5)
    record.signal[:, pause] = noise[:, pause]
    assessment = assess(record)
    assert assessment.outcome is Outcome.SCORABLE
    assert not found(assessment, Kind.FLAT)


def test_all_leads_flat_is_not_scorable(clean):
    record = changed(clean, signal=np.full_like(clean.signal, 0.02))
    assessment = assess(record)
    assert assessment.outcome is Outcome.NOT_SCORABLE
    assert len(found(assessment, Kind.FLAT)) == 12


def test_clipping(clean):
    record = changed(clean)
    lead = record.signal[ROW["V4"]]
    limit = 0.5 * lead.max()
    np.minimum(lead, limit, out=lead)
    assessment = assess(record)
    clipped = found(assessment, Kind.CLIPPED)
    assert clipped
    assert {finding.lead for finding in clipped} == {"V4"}
    assert assessment.unusable_leads == ()


def test_mains(clean):
    record = changed(clean)
    freq = 40.0 if clean.fs == 100 else 60.0  # 60 Hz is folded to 40 Hz
    record.signal[ROW["V2"]] += 0.05 * np.sin(2 * np.pi * freq * times(clean)).astype(np.float32)
    assessment = assess(record)
    finding = only(assessment, Kind.MAINS, "V2")
    assert "60 Hz" in finding.detail
    assert float(finding.detail.split()[0]) == pytest.approx(0.05, abs=0.01)
    assert assessment.outcome is Outcome.SCORABLE


def test_a_lead_that_holds_only_hum_is_disconnected(clean):
    record = changed(clean)
    freq = 40.0 if clean.fs == 100 else 60.0
    record.signal[ROW["V2"]] = 0.8 * np.sin(2 * np.pi * freq * times(clean))
    assessment = assess(record)
    assert found(assessment, Kind.MAINS)[0].lead == "V2"
    only(assessment, Kind.DISCONNECTED, "V2")
    assert not found(assessment, Kind.FLAT)
    assert assessment.unusable_leads == ("V2",)


def test_baseline_wander_is_no_reason_to_impute(clean):
    record = changed(clean)
    record.signal[ROW["V1"]] += 0.6 * np.sin(2 * np.pi * 0.3 * times(clean)).astype(np.float32)
    assessment = assess(record)
    only(assessment, Kind.BASELINE_WANDER, "V1")
    assert assessment.outcome is Outcome.SCORABLE


def test_a_jump_of_the_baseline(clean):
    record = changed(clean)
    record.signal[ROW["V1"], seconds(clean, 5.5, 10)] += 6.0
    assessment = assess(record)
    spans = [f for f in found(assessment, Kind.BASELINE_WANDER) if f.end - f.start < 3]
    assert [f.lead for f in spans] == ["V1"]
    assert spans[0].start <= 5.5 <= spans[0].end
    assert ("V1", spans[0].start, spans[0].end) in assessment.unusable_spans


def test_noise_for_a_while(clean):
    record = changed(clean)
    rng = np.random.default_rng(0)
    span = seconds(clean, 3.0, 6.0)
    sigma = 0.06 * np.sqrt(clean.fs / 100)  # of which averaging to 100 Hz leaves 0.06
    record.signal[ROW["V6"], span] += sigma * rng.normal(size=span.stop - span.start)
    assessment = assess(record)
    finding = only(assessment, Kind.NOISE, "V6", 3.0, 6.0, within=0.01)
    assert 0.03 < float(finding.detail.split()[2]) < 0.09


@pytest.mark.parametrize("size", [0.5, 2.0])
def test_heavy_noise_in_all_leads_is_not_scorable(clean, size):
    record = changed(clean)
    noise = size * np.random.default_rng(0).normal(size=record.signal.shape)
    record.signal += noise.astype(np.float32)
    assessment = assess(record)
    assert assessment.outcome is Outcome.NOT_SCORABLE
    assert "too few usable leads" in assessment.reason


def test_a_chest_lead_that_shows_no_heart_is_disconnected(clean):
    record = changed(clean)
    walk = np.cumsum(np.random.default_rng(1).normal(size=record.signal.shape[1]))
    record.signal[ROW["V4"]] = 0.6 * (walk - walk.mean()) / np.ptp(walk)
    assessment = assess(record)
    only(assessment, Kind.DISCONNECTED, "V4")
    assert assessment.unusable_leads == ("V4",)


def test_a_chest_lead_out_of_step(clean):
    record = changed(clean)
    shift = round(0.07 * clean.fs)
    record.signal[ROW["V5"]] = np.roll(record.signal[ROW["V5"]], shift)
    assessment = assess(record)
    only(assessment, Kind.OUT_OF_STEP, "V5")
    assert assessment.unusable_leads == ("V5",)


def test_an_offset_is_a_finding_only(clean):
    record = changed(clean)
    record.signal[ROW["II"]] += 300.0
    assessment = assess(record)
    finding = only(assessment, Kind.OFFSET, "II")
    assert "300" in finding.detail
    assert assessment.outcome is Outcome.SCORABLE


def test_an_amplitude_that_no_heart_has(clean):
    record = changed(clean)
    record.signal[ROW["V2"], seconds(clean, 4.2, 4.4)] += 14.0
    assessment = assess(record)
    only(assessment, Kind.AMPLITUDE, "V2", 4.0, 5.0, within=0.01)
    assert ("V2", 4.0, 5.0) in assessment.unusable_spans


@pytest.mark.parametrize("factor", [1000.0, 1e-3])
def test_another_unit(clean, factor):
    record = changed(clean, signal=clean.signal * np.float32(factor))
    assessment = assess(record)
    amplitude = [f for f in found(assessment, Kind.AMPLITUDE) if not f.lead]
    assert len(amplitude) == 1
    assert ("microvolts" if factor > 1 else "volts") in amplitude[0].detail
    assert assessment.outcome is Outcome.NOT_SCORABLE


def rebuilt(record, one, two):
    """Return the record with leads I and II replaced, and what follows from them."""
    out = changed(record)
    for lead, (a, b) in LIMB_LEADS.items():
        out.signal[ROW[lead]] = a * one + b * two
    return out


def test_swapped_arms(clean):
    one, three = clean.signal[ROW["I"]].copy(), clean.signal[ROW["III"]].copy()
    assessment = assess(rebuilt(clean, -one, three))
    only(assessment, Kind.REVERSAL_LA_RA)
    assert assessment.outcome is Outcome.SCORABLE
    assert assessment.unusable_leads == ()


def test_swapped_arms_are_seen_in_eight_leads_too(clean):
    leads = ("II", "III", *STANDARD_LEADS[6:])
    one, three = clean.signal[ROW["I"]].copy(), clean.signal[ROW["III"]].copy()
    swapped = rebuilt(clean, -one, three)
    record = Record(swapped.select_leads(leads), fs=clean.fs, leads=leads)
    only(assess(record), Kind.REVERSAL_LA_RA)
    as_it_was = Record(clean.select_leads(leads), fs=clean.fs, leads=leads)
    assert not assess(as_it_was).findings


def test_a_mirrored_heart_is_no_reversal(clean):
    """In dextrocardia the chest leads turn with the limb leads; V1 to V6 then move away from it."""
    mirrored = rebuilt(clean, -clean.signal[ROW["I"]], clean.signal[ROW["III"]].copy())
    weak = np.linspace(1.0, 0.15, 6, dtype=np.float32)[:, None]
    mirrored.signal[6:] = clean.signal[ROW["V1"]] * weak
    assert not found(assess(mirrored), Kind.REVERSAL_LA_RA)


def test_an_arm_and_the_right_leg_swapped(clean):
    three = clean.signal[ROW["III"]].copy()
    if np.ptp(three) < 0.5:
        three *= 0.5 / np.ptp(three)
    record = rebuilt(clean, -three, 0 * three)
    assessment = assess(record)
    only(assessment, Kind.REVERSAL_RA_RL)
    assert not found(assessment, Kind.REVERSAL_LA_RA)


def test_limb_leads_that_contradict_each_other(clean):
    record = changed(clean)
    record.signal[ROW["III"]] *= -1
    assert found(assess(record), Kind.EINTHOVEN)
    assert not found(assess(record), Kind.GOLDBERGER)
    record = changed(clean)
    record.signal[ROW["aVF"]] *= 2
    assert found(assess(record), Kind.GOLDBERGER)
    assert not found(assess(record), Kind.EINTHOVEN)


def test_rounding_contradicts_nothing(clean):
    rounded = np.round(clean.signal / 0.005) * 0.005
    assert not assess(changed(clean, signal=rounded.astype(np.float32))).findings


def test_too_short(clean):
    record = changed(clean, signal=clean.signal[:, seconds(clean, 0, 1.0)])
    assessment = assess(record)
    only(assessment, Kind.TOO_SHORT, "", 0.0, 1.0)
    assert assessment.outcome is Outcome.NOT_SCORABLE
    assert "at least 2 s" in assessment.reason
    column = changed(clean, signal=clean.signal[:, seconds(clean, 0, 2.5)])
    assert assess(column).outcome is Outcome.SCORABLE
    assert QualityGate(min_duration=0.5).assess(record).outcome is Outcome.SCORABLE


@pytest.mark.parametrize("fs", [500.0, 1000.0])
def test_pacing_pulses(fs):
    X = make_ecg(4, fs=fs, random_state=5).X
    width = round(0.002 * fs)
    pulses = X.copy()
    for start in np.arange(0.4, 9.9, 0.85):
        at = round(start * fs)
        pulses[..., at : at + width] += np.linspace(-0.8, 1.0, 12, dtype=np.float32)[:, None]
    gate = QualityGate()
    for before, after in zip(gate.assess_batch(X, fs), gate.assess_batch(pulses, fs), strict=True):
        assert after.pacing_visible
        assert not found(before, Kind.PACED)
        only(after, Kind.PACED)
        assert found(after, Kind.POPULATION)[0].detail == "paced"
        assert after.outcome is not Outcome.NOT_SCORABLE


def test_pacing_is_not_visible_at_100_hz_nor_after_a_low_pass():
    X = make_ecg(1, fs=500.0, random_state=5).X
    from ecg_anomaly.signal.filters import bandpass

    smooth = bandpass(X, fs=500.0, lowcut=0.5, highcut=40.0)
    gate = QualityGate()
    assert gate.assess_batch(X, 500.0)[0].pacing_visible
    assert not gate.assess_batch(smooth, 500.0)[0].pacing_visible
    assert not gate.assess_batch(X[..., ::5], 100.0)[0].pacing_visible


@pytest.mark.parametrize(
    ("age", "outside"), [(17.0, True), (18, False), (None, False), ("?", False)]
)
def test_children_are_outside_the_reference_population(clean, age, outside):
    assessment = assess(changed(clean, annotations={"age": age}))
    assert bool(found(assessment, Kind.POPULATION)) == outside
    assert assessment.outcome is Outcome.SCORABLE
