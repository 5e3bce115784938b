"""One row a heartbeat."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from ecg_anomaly import (
    BandpassFilter,
    CAEDetector,
    HeartbeatDetector,
    RecordSet,
    load_pretrained,
    make_ecg,
    score_beats,
    score_records,
)
from ecg_anomaly.errors import ECGError, SignalError
from ecg_anomaly.records import Record
from ecg_anomaly.scoring import calibrate, threshold_of
from ecg_anomaly.signal.beats import cut_windows
from ecg_anomaly.signal.r_peaks import find_r_peaks


@pytest.fixture(scope="module")
def model():
    return load_pretrained("mitbih-360hz")


def record(seconds=40.0, fs=360.0, leads=("II",), seed=0):
    """Return a pulse a second with a little jitter, the 21st early, broad and turned over."""
    rng = np.random.default_rng(seed)
    beats = np.arange(0.5, seconds) + rng.normal(scale=0.01, size=int(seconds))
    widths, heights = np.full(len(beats), 0.02), np.ones(len(beats))
    beats[20] -= 0.3
    widths[20], heights[20] = 0.04, -1.2
    t = np.arange(int(seconds * fs)) / fs
    signal = np.exp(-np.square((t[:, None] - beats) / widths)) @ heights
    signal = np.repeat([signal + 0.01 * rng.normal(size=len(t))], len(leads), axis=0)
    return Record(signal.astype(np.float32), fs=fs, leads=leads, record_id="pulses"), beats


@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0])
def test_each_beat_has_a_row_and_the_ectopic_one_is_flagged(model, fs):
    pulses, beats = record(fs=fs)
    table = score_beats(model, pulses)
    assert len(table) == len(beats)
    np.testing.assert_allclose(table["time"], beats, atol=0.02)
    np.testing.assert_allclose(table["sample"].astype(float) / fs, table["time"])
    scorable = table["verdict"] != "not scorable"
    inside = (beats > 5.05) & (beats < 34.95)
    assert scorable[inside].all()
    assert not scorable[(beats < 4.95) | (beats > 35.05)].any()
    assert (table["problem"] == "").eq(scorable).all()
    assert table["score"].notna().eq(scorable).all()
    assert table["score"].idxmin() == 20
    assert table.loc[20, "verdict"] == "flagged"


def test_scores_are_those_of_windows_around_the_peaks(model):
    pulses, _ = record()
    table = score_beats(model, pulses)
    peaks = find_r_peaks(pulses.signal[0], 360.0)
    np.testing.assert_array_equal(table["sample"], peaks)
    rows = table["score"].notna().to_numpy()
    expected = model.score_samples(cut_windows(pulses.signal, peaks[rows], 3600))
    np.testing.assert_array_equal(table.loc[rows, "score"], expected)
    flagged = expected < threshold_of(model)
    np.testing.assert_array_equal(table.loc[rows, "verdict"] == "flagged", flagged)


def test_the_lead_is_found_by_name(model):
    expected = score_beats(model, record()[0])["score"]
    for leads, given in [(("V1", "II"), None), (("MLII",), None), (("ECG1",), "ECG1")]:
        pulses, _ = record(leads=leads)
        np.testing.assert_array_equal(score_beats(model, pulses, leads=given)["score"], expected)
    with pytest.raises(SignalError, match=r"'pulses': lead\(s\) II .*leads="):
        score_beats(model, record(leads=("V1",))[0])
    with pytest.raises(SignalError, match="leads=II, V1, but the model takes 1"):
        score_beats(model, record()[0], leads=["II", "V1"])


def test_missing_samples_cost_the_beats_around_them(model):
    pulses, beats = record()
    whole = score_beats(model, pulses)
    signal = pulses.signal.copy()
    signal[:, 7308:7344] = np.nan  # from 20.3 s on, between two beats
    table = score_beats(model, Record(signal, fs=360, leads=("II",), record_id="gap"))
    near = (beats > 15.5) & (beats < 25.2)
    assert (table.loc[near, "problem"] == "samples are missing within 5 s").all()
    far = (beats > 5.1) & (beats < 15.2)
    np.testing.assert_allclose(table.loc[far, "score"], whole.loc[far, "score"], rtol=1e-6)


def test_peaks_of_ones_own(model):
    pulses, beats = record()
    own = np.rint(beats * 360).astype(int)
    table = score_beats(model, pulses, find_peaks=lambda signal, fs: own)
    np.testing.assert_array_equal(table["sample"], own)
    for bad in ([5, 3], [-1], [10**6], [0.5], [[1]]):
        with pytest.raises(SignalError, match="find_peaks must return ascending samples"):
            score_beats(model, pulses, find_peaks=lambda signal, fs, bad=bad: bad)


def test_no_record_is_lost(model, tmp_path):
    flat = Record(np.zeros((1, 3600)), fs=360, leads=("II",), record_id="flat")
    missing = tmp_path / "nothere.hea"
    table = score_beats(model, [flat, missing, record()[0]], errors="report")
    assert table["record_id"].unique().tolist() == ["flat", "nothere", "pulses"]
    assert table["sample"].isna().sum() == 2
    assert table.loc[0, "problem"].startswith("no heartbeat was found")
    assert "cannot be read" in table.loc[1, "problem"]
    assert (table.loc[:1, "verdict"] == "not scorable").all()
    with pytest.raises(ECGError, match="cannot be read"):
        score_beats(model, missing)
    assert score_beats(model, []).columns.tolist() == table.columns.tolist()
    infinite = record()[0].signal.copy()
    infinite[0, 9] = np.inf
    with pytest.raises(SignalError, match="'x': infinite samples"):
        score_beats(model, Record(infinite, fs=360, leads=("II",), record_id="x"))
    with pytest.raises(ValueError, match="errors must be"):
        score_beats(model, flat, errors="ignore")


def test_other_detectors_score_beats_too():
    X = np.concatenate(
        [
            cut_windows(pulses.signal, np.rint(beats[3:-3] * 360).astype(int), 720)
            for pulses, beats in (record(seed=seed, leads=("II", "V5")) for seed in (1, 2))
        ]
    )
    windows = RecordSet(X, fs=360, leads=("II", "V5"))
    pipeline = make_pipeline(BandpassFilter(fs=360), CAEDetector(max_epochs=1, random_state=0))
    table = score_beats(pipeline.fit(windows), record(leads=("V5", "II"))[0])
    assert table["score"].notna().sum() > 30
    with pytest.raises(SignalError, match=r"does not know the names of its 2 leads; give leads="):
        score_beats(CAEDetector(max_epochs=1, fs=360).fit(X), record(leads=("II", "V5"))[0])


def test_whole_records_and_single_beats_are_told_apart(model):
    with pytest.raises(SignalError, match="use score_beats"):
        score_records(model, record()[0])
    pulses, beats = record()
    windows = cut_windows(pulses.signal, np.rint(beats[5:-5] * 360).astype(int), 3600)
    named = HeartbeatDetector(leads=["II"]).fit(windows)
    with pytest.raises(SignalError, match="use score_beats"):
        score_records(named, record()[0])


def test_thresholds_of_groups_are_refused():
    ecgs = make_ecg(40, duration=4, random_state=0)
    records = RecordSet(ecgs.X, table=pd.DataFrame({"sex": np.arange(40) % 2}))
    detector = CAEDetector(max_epochs=1, random_state=0).fit(records)
    grouped = calibrate(detector, records, alpha=0.1, group_by="sex")
    with pytest.raises(ECGError, match="without group_by"):
        score_beats(grouped, records)
