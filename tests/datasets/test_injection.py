"""Known anomalies in real ECGs: placed by the beats, consistent, smooth, repeatable."""

import os
from pathlib import Path

import numpy as np
import pytest

from ecg_anomaly import LeadImputer, Record, RecordSet, make_ecg
from ecg_anomaly.datasets import (
    ANOMALIES,
    FAULTS,
    INJECTIONS,
    inject_anomalies,
    inject_anomaly,
    load_ptbxl,
)
from ecg_anomaly.datasets.injection._beats import find_beats
from ecg_anomaly.errors import DatasetError, SignalError
from ecg_anomaly.leads import LIMB_LEADS, STANDARD_LEADS, reorder
from ecg_anomaly.metrics import paste_edge_map
from ecg_anomaly.signal.r_peaks import find_r_peaks

PTBXL = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset") / "ptbxl"

every_kind = pytest.mark.parametrize("kind", INJECTIONS)
K = {lead: k for k, lead in enumerate(STANDARD_LEADS)}
IN_ALL_BEATS = ("st_elevation", "st_depression", "t_inversion", "q_wave")


@pytest.fixture(scope="module")
def normals():
    return make_ecg(6, random_state=3).X


def test_names_are_those_of_synthetic_ecgs():
    assert set(INJECTIONS) - {"st_depression", "q_wave"} <= set(ANOMALIES) | set(FAULTS)


@every_kind
def test_the_mask_says_where_the_record_differs(normals, kind):
    for seed, x in enumerate(normals):
        found = inject_anomaly(x, kind, random_state=seed)
        difference = found.record.signal - x
        assert np.abs(difference[~found.mask]).max() <= 0.0101
        assert 0 < found.mask.mean() < 0.6
        assert np.abs(difference).max() > 0.08
        if kind != "pvc":
            assert not found.mask.any(axis=1).all(), "focal: some leads are as they were"


@every_kind
def test_limb_leads_stay_consistent(normals, kind):
    for seed, x in enumerate(normals):
        difference = inject_anomaly(x, kind, random_state=seed).record.signal - x
        for lead, (a, b) in LIMB_LEADS.items():
            expected = a * difference[K["I"]] + b * difference[K["II"]]
            np.testing.assert_allclose(difference[K[lead]], expected, atol=1e-5)


@every_kind
def test_what_is_added_is_smooth(normals, kind):
    frequencies = np.fft.rfftfreq(normals.shape[2], 0.01)
    for seed, x in enumerate(normals):
        found = inject_anomaly(x, kind, random_state=seed)
        power = np.abs(np.fft.rfft(found.record.signal - x)) ** 2
        assert power[:, frequencies > 40].sum() < 0.005 * power.sum()
        # no edge that is steeper than what the record has anyway
        assert paste_edge_map(found.record.signal).max() < 1.5 * paste_edge_map(x).max()


@every_kind
def test_an_integer_seed_repeats_bit_for_bit(normals, kind):
    once, again = (inject_anomaly(normals[0], kind, random_state=5) for _ in range(2))
    np.testing.assert_array_equal(once.record.signal, again.record.signal)
    np.testing.assert_array_equal(once.mask, again.mask)
    other = inject_anomaly(normals[0], kind, random_state=6)
    assert not np.array_equal(once.record.signal, other.record.signal)


@every_kind
def test_the_original_is_left_alone(normals, kind):
    x = normals[0].copy()
    inject_anomaly(x, kind, random_state=0)
    np.testing.assert_array_equal(x, normals[0])


@pytest.mark.parametrize("kind", IN_ALL_BEATS)
@pytest.mark.parametrize("fs", [100.0, 250.0])
def test_changes_stand_at_the_same_place_of_all_beats(kind, fs):
    x = make_ecg(1, fs=fs, random_state=1).X[0]
    peaks = find_r_peaks(x[K["II"]], fs)
    found = inject_anomaly(x, kind, fs=fs, territory="inferior", random_state=0)
    difference = np.abs(found.record.signal - x)[K["III"]]
    inside = peaks[(peaks > 0.3 * fs) & (peaks < len(difference) - 0.6 * fs)]
    around = difference[inside[:, None] + np.arange(round(-0.1 * fs), round(0.45 * fs))]
    largest = around.argmax(axis=1) / fs - 0.1
    low, high = {"t_inversion": (0.15, 0.42), "q_wave": (-0.09, 0.0)}.get(kind, (0.02, 0.3))
    assert (largest > low).all()
    assert (largest < high).all()
    assert around.max(axis=1).std() < 0.05


def test_severity_is_the_largest_deflection(normals):
    for kind in ("st_elevation", "t_inversion", "q_wave", "noise_burst"):
        difference = inject_anomaly(normals[1], kind, severity=0.42, random_state=0).record.signal
        np.testing.assert_allclose(np.abs(difference - normals[1]).max(), 0.42, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "sign"), [("st_elevation", 1), ("st_depression", -1), ("q_wave", -1)]
)
def test_signs_by_territory(normals, kind, sign):
    for territory, up, reciprocal in (
        ("anterior", ("V2", "V3"), ()),
        ("inferior", ("II", "III", "aVF"), ("aVL",)),
        ("lateral", ("I", "aVL", "V6"), ("III",)),
    ):
        found = inject_anomaly(normals[2], kind, territory=territory, random_state=0)
        assert found.detail == territory
        difference = found.record.signal - normals[2]
        extreme = difference[np.arange(12), np.abs(difference).argmax(axis=1)]
        assert all(sign * extreme[K[lead]] > 0.05 for lead in up)
        assert all(sign * extreme[K[lead]] < -0.02 for lead in reciprocal)


def test_amplitudes_follow_the_records_own_qrs(normals):
    sizes = [
        np.abs(inject_anomaly(scale * normals[0], "q_wave", random_state=0).record.signal
               - scale * normals[0]).max()
        for scale in (1.0, 2.0)
    ]  # fmt: skip
    assert 1.6 < sizes[1] / sizes[0] < 2.1


def test_t_waves_are_turned_over():
    x = make_ecg(8, random_state=0).X
    turned = 0
    for k, signal in enumerate(x):
        found = inject_anomaly(signal, "t_inversion", territory="anterior", random_state=k)
        beats = find_beats(signal.astype(float), 100.0)
        after = find_beats(found.record.signal.astype(float), 100.0)
        lead, at = K["V3"], beats.t_peak
        assert after.at(at)[lead] < beats.at(at)[lead] - 0.1
        turned += after.at(at)[lead] < -0.03
    assert turned >= 7


def test_a_pvc_is_early_wide_and_takes_a_beats_place(normals):
    for seed, x in enumerate(normals):
        found = inject_anomaly(x, "pvc", random_state=seed)
        before, after = (find_beats(s.astype(float), 100.0) for s in (x, found.record.signal))
        columns = np.flatnonzero(found.mask.any(axis=0))
        inside = (after.peaks >= columns[0]) & (after.peaks <= columns[-1])
        assert inside.sum() == 1
        assert len(after.peaks) == len(before.peaks)
        (k,) = np.flatnonzero(inside)
        rr = np.diff(after.peaks)
        if 0 < k < len(rr):
            assert rr[k - 1] < 0.92 * 100 * before.rr
            assert rr[k] > 1.08 * 100 * before.rr
        # at least 100 ms above half of its height in some lead
        row = np.abs(found.record.signal - np.median(found.record.signal, axis=1, keepdims=True))
        lead = row[:, after.peaks[k]].argmax()
        near = row[lead, after.peaks[k] - 15 : after.peaks[k] + 16]
        assert 6 <= (near > near.max() / 2).sum() <= 16


def test_faults_stay_at_one_electrode(normals):
    for kind in ("lead_off", "noise_burst"):
        for seed in range(6):
            found = inject_anomaly(normals[0], kind, random_state=seed)
            assert found.mask.any(axis=1).sum() == 1
            assert found.detail.startswith("V")
    limb = reorder(normals[0], STANDARD_LEADS, ("I", "II", "III"))
    found = inject_anomaly(limb, "noise_burst", leads=("I", "II", "III"), random_state=0)
    assert found.mask.any(axis=1).sum() == 2


def test_a_lead_that_is_off_is_flat(normals):
    found = inject_anomaly(normals[0], "lead_off", random_state=1)
    row = found.mask.any(axis=1).argmax()
    columns = np.flatnonzero(found.mask[row])[15:-15]
    assert np.ptp(found.record.signal[row, columns]) < 0.02


def test_leads_without_known_names(normals):
    x = normals[0][[1, 7]]
    for kind in INJECTIONS:
        found = inject_anomaly(x, kind, leads=("MLII", "ECG2"), random_state=0)
        assert found.mask.any()
    single = inject_anomaly(x[:1], "st_elevation", leads=("II",), random_state=0)
    assert single.detail == "inferior"
    with pytest.raises(DatasetError, match="sees the anterior"):
        inject_anomaly(x[:1], "st_elevation", leads=("II",), territory="anterior")


def test_a_record_keeps_what_is_known_of_it(normals):
    record = Record(normals[0], record_id="a", patient_id="p", annotations={"age": 50})
    found = inject_anomaly(record, "q_wave", random_state=0).record
    assert (found.record_id, found.patient_id, found.age) == ("a", "p", 50.0)


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros((12, 1000)),
        np.random.default_rng(0).normal(size=(12, 1000)),
        np.sin(np.arange(1000) / 8) * np.ones((12, 1)),
        make_ecg(1, duration=1.0, random_state=0).X[0],
    ],
    ids=["flat", "noise", "sine", "short"],
)
@pytest.mark.parametrize("kind", ["q_wave", "lead_off"])
def test_no_beats_no_anomaly(signal, kind):
    with pytest.raises(SignalError, match=r"beats|longer or cleaner|alike"):
        inject_anomaly(Record(signal, record_id="r7"), kind, random_state=0)


def test_bad_input_is_refused(normals):
    x = normals[0].copy()
    x[3, 5] = np.nan
    with pytest.raises(SignalError, match="not finite"):
        inject_anomaly(x, "pvc")
    x = LeadImputer().fit(normals).transform(x[None])[0]
    inject_anomaly(x, "pvc", random_state=0)
    for arguments, message in (
        ({"kind": "af"}, "unknown kind"),
        ({"kind": "q_wave", "territory": "septal"}, "territory must be"),
        ({"kind": "pvc", "territory": "anterior"}, "no territory"),
        ({"kind": "lead_off", "severity": 1.0}, "no severity"),
        ({"kind": "pvc", "severity": -1.0}, "above 0 mV"),
    ):
        with pytest.raises(DatasetError, match=message):
            inject_anomaly(normals[0], **arguments)


def test_many_records(normals):
    records = RecordSet(normals, record_ids=[f"r{k}" for k in range(6)], patient_ids=list("aabbcc"))
    data = inject_anomalies(records, ["pvc", "q_wave", "lead_off"], random_state=4)
    assert data.table["kind"].tolist() == ["pvc", "q_wave", "lead_off"] * 2
    assert data.table["is_fault"].tolist() == [False, False, True] * 2
    assert data.groups.tolist() == list("aabbcc")
    assert data.X.record_ids.tolist() == [f"r{k}" for k in range(6)]
    assert (data.y == -1).all()
    np.testing.assert_array_equal(data.twins, normals)
    difference = np.abs(data.X.load() - data.twins)
    assert difference[~data.masks].max() < 0.0101
    # each record by itself: what stands behind does not matter
    fewer = inject_anomalies(records[:3], ["pvc", "q_wave", "lead_off"], random_state=4)
    np.testing.assert_array_equal(fewer.X.load(), data.X.load()[:3])


def test_records_without_beats_are_counted(normals):
    x = normals.copy()
    x[1] = 0
    data = inject_anomalies(x, "q_wave", random_state=0)
    assert data.table["row"].tolist() == [0, 2, 3, 4, 5]
    assert data.excluded == {"without beats": 1}
    with pytest.raises(DatasetError, match="none of the 6"):
        inject_anomalies(0 * x, "q_wave")
    with pytest.raises(DatasetError, match="kinds is empty"):
        inject_anomalies(x, [])


@pytest.mark.skipif(
    not (PTBXL / "ptbxl_database.csv").is_file(),
    reason="needs PTB-XL: set ECG_ANOMALY_DATA to a folder that holds it as ptbxl/",
)
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # wfdb
def test_nearly_every_real_normal_ecg_takes_every_kind():
    dataset = load_ptbxl(PTBXL, folds=[1])
    records = dataset.X[np.flatnonzero(dataset.y == 1)[:60]]
    for kind in INJECTIONS:
        data = inject_anomalies(records, kind, random_state=0)
        assert len(data) >= 57
        difference = data.X.load() - data.twins
        for lead, (a, b) in LIMB_LEADS.items():
            expected = a * difference[:, K["I"]] + b * difference[:, K["II"]]
            # files hold leads rounded to 0.001 mV
            np.testing.assert_allclose(difference[:, K[lead]], expected, atol=0.003)
