"""The gate on real ECGs: set ECG_ANOMALY_DATA to a folder that holds ptbxl/, mitdb/, nstdb/ ..."""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.findings import FindingKind as Kind
from ecg_anomaly.io import read_record
from ecg_anomaly.leads import LIMB_LEADS, STANDARD_LEADS
from ecg_anomaly.quality import Outcome, QualityGate, assess
from ecg_anomaly.signal.resampling import resample

FOLDER = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset")
ROW = {lead: k for k, lead in enumerate(STANDARD_LEADS)}
GATE = QualityGate()

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # wfdb


def needs(*names):
    for name in names:
        if not (FOLDER / name).exists():
            pytest.skip(f"needs {name}: set ECG_ANOMALY_DATA to a folder that holds it")


@pytest.fixture(scope="module")
def ptbxl():
    """Some records of fold 9: normals and anomalies."""
    needs("ptbxl/ptbxl_database.csv", "ptbxl/records100")
    dataset = load_ptbxl(FOLDER / "ptbxl", folds=[9])
    rng = np.random.default_rng(0)
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(dataset.y == label))[:400] for label in (1, -1)]
    )
    part = dataset[np.sort(rows)]
    return part, part.X.load()


def share(results, kind):
    return np.mean([any(f.kind is kind for f in a.findings) for a in results])


def refused(results):
    return np.mean([a.outcome is Outcome.NOT_SCORABLE for a in results])


def test_hardly_a_record_is_refused_sick_or_not(ptbxl):
    dataset, X = ptbxl
    results = GATE.assess_batch(X, 100.0)
    for label in (1, -1):
        chosen = [a for a, y in zip(results, dataset.y, strict=True) if y == label]
        assert refused(chosen) <= 0.01
        assert np.mean([a.outcome is Outcome.IMPUTED for a in chosen]) < 0.05
        assert share(chosen, Kind.REVERSAL_LA_RA) <= 0.01
        assert share(chosen, Kind.REVERSAL_RA_RL) <= 0.01


def test_the_flat_leads_of_record_12722():
    path = FOLDER / "ptbxl" / "records100" / "12000" / "12722_lr"
    if not path.with_suffix(".hea").is_file():
        pytest.skip("needs record 12722 of PTB-XL")
    assessment = assess(read_record(path))
    flat = {f.lead: (f.start, f.end) for f in assessment.findings if f.kind is Kind.FLAT}
    assert flat["V5"] == (0.0, 10.0)  # by the signal: V5 is constant, V4 from 6.3 s on
    assert flat["V4"] == pytest.approx((6.3, 10.0), abs=0.15)
    assert {"V4", "V5", "V6"} <= set(assessment.unusable_leads)
    assert assessment.outcome is Outcome.IMPUTED


def swapped_arms(X):
    out = X.copy()
    one, two = -X[:, ROW["I"]], X[:, ROW["III"]]
    for lead, (a, b) in LIMB_LEADS.items():
        out[:, ROW[lead]] = a * one + b * two
    return out


def right_arm_on_right_leg(X):
    """The right leg has the left leg's potential; the central terminal moves by II / 3."""
    out = X.copy()
    one = -X[:, ROW["III"]]
    for lead, (a, _) in LIMB_LEADS.items():
        out[:, ROW[lead]] = a * one
    out[:, 6:] -= X[:, [ROW["II"]]] / 3
    return out


def test_limb_reversals_are_found(ptbxl):
    dataset, X = ptbxl
    normals = X[dataset.y == 1]
    assert share(GATE.assess_batch(swapped_arms(normals), 100.0), Kind.REVERSAL_LA_RA) > 0.95
    moved = GATE.assess_batch(right_arm_on_right_leg(normals), 100.0)
    assert share(moved, Kind.REVERSAL_RA_RL) > 0.9


@pytest.fixture(scope="module")
def quiet(ptbxl):
    """Normals without a remark about their quality."""
    dataset, X = ptbxl
    remarks = ["baseline_drift", "static_noise", "burst_noise", "electrodes_problems"]
    clean = ~dataset.table[remarks].notna().any(axis=1).to_numpy() & (dataset.y == 1)
    return X[clean][:100]


def mixed(X, noise, snr):
    """Add noise at an SNR as `nst` defines it: QRS peak-to-peak squared over 8, by noise power."""
    rng = np.random.default_rng(0)
    out = X.astype(float)
    for record in out:
        for row in (0, 1, *range(6, 12)):
            height = np.sort(np.ptp(record[row].reshape(10, 100), axis=1))[1:-1].mean()
            start = rng.integers(noise.shape[1] - 1000)
            piece = noise[rng.integers(2), start : start + 1000]
            piece = piece - piece.mean()
            power = height**2 / 8 / 10 ** (snr / 10)
            record[row] += piece * np.sqrt(power / np.mean(piece**2))
    one, two = out[:, 0].copy(), out[:, 1].copy()
    for lead, (a, b) in LIMB_LEADS.items():
        out[:, ROW[lead]] = a * one + b * two
    return out


@pytest.mark.parametrize(
    ("name", "kind", "most"), [("bw", Kind.BASELINE_WANDER, 0.0), ("ma", Kind.NOISE, 0.9)]
)
def test_more_noise_more_findings_more_refused(quiet, name, kind, most):
    needs(f"nstdb/{name}.dat")
    import wfdb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the gain of these records is undefined
        noise = np.nan_to_num(wfdb.rdrecord(str(FOLDER / "nstdb" / name)).p_signal.T)
    noise = resample(noise - noise.mean(axis=1, keepdims=True), fs_in=360, fs_out=100)
    flagged, not_scorable, touched = [], [], []
    for snr in (24, 18, 12, 6, 0, -6):
        results = GATE.assess_batch(mixed(quiet, noise, snr), 100.0)
        flagged.append(share(results, kind))
        not_scorable.append(refused(results))
        touched.append(np.mean([a.outcome is not Outcome.SCORABLE for a in results]))
    for shares in (flagged, not_scorable, touched):
        assert (np.diff(shares) >= 0).all(), shares
    assert flagged[0] < flagged[-1] or flagged[0] > 0.95
    assert flagged[-1] == 1
    assert touched[0] < 0.05
    assert touched[-1] > 0.6
    assert not_scorable[0] == not_scorable[1] == 0
    assert not_scorable[-1] >= most


def test_fibrillation_and_flutter_of_the_ventricles_pass():
    needs("mitdb/207.dat")
    record = read_record(FOLDER / "mitdb" / "207")
    length = round(10 * record.fs)
    n = record.signal.shape[1] // length
    windows = record.signal[:, : n * length].reshape(2, n, length).swapaxes(0, 1)
    results = GATE.assess_batch(windows, record.fs, record.leads)
    assert n == 180
    assert refused(results) == 0
    assert assess(record).outcome is not Outcome.NOT_SCORABLE


def test_pacing_pulses_at_500_hz():
    needs("ptbxl500/records500", "ptbxl/ptbxl_database.csv")
    table = pd.read_csv(FOLDER / "ptbxl" / "ptbxl_database.csv")
    there = [(FOLDER / "ptbxl500" / f"{name}.hea").is_file() for name in table["filename_hr"]]
    table = table[there]
    paced = table["scp_codes"].str.contains("PACE")
    table = pd.concat([table[paced], table[~paced].iloc[:60]])
    for name, codes in zip(table["filename_hr"], table["scp_codes"], strict=True):
        assessment = assess(read_record(FOLDER / "ptbxl500" / name))
        assert assessment.pacing_visible
        assert any(f.kind is Kind.PACED for f in assessment.findings) == ("PACE" in codes), name


def test_the_sampling_rate_changes_little():
    needs("ptbxl500/records500")
    paths = sorted((FOLDER / "ptbxl500" / "records500").rglob("*.hea"))[:60]
    X = np.stack([read_record(path.with_suffix("")).signal for path in paths])
    expected = GATE.assess_batch(X, 500.0)
    for fs in (50.0, 100.0, 128.0, 250.0, 1000.0):
        results = GATE.assess_batch(resample(X, fs_in=500.0, fs_out=fs), fs)
        same = [a.outcome == b.outcome for a, b in zip(results, expected, strict=True)]
        assert np.mean(same) >= 0.95, fs
        for kind in (Kind.BASELINE_WANDER, Kind.OUT_OF_STEP, Kind.REVERSAL_LA_RA):
            assert abs(share(results, kind) - share(expected, kind)) <= 0.05, (fs, kind)
