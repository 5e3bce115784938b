"""The stored samples are those that wfdb reads, in random records and in real files."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.io import read_record
from ecg_anomaly.io._decoding import read_digital
from ecg_anomaly.io._header import read_header

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb

pytestmark = [
    pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning"),
]
BITS = {"80": 8, "212": 12, "16": 16, "24": 24, "32": 32}
REAL_FILES = Path(os.environ.get("ECG_ANOMALY_DATA", "/none"), "formats", "wfdb")
REAL = sorted(REAL_FILES.rglob("*.hea")) if REAL_FILES.is_dir() else []

REFUSED = {
    "3269321_0001": "no ECG lead, only PLETH",
    "s00001-2896-10-09-01-56": "only 0 of 30000 samples",
    "s00001-2896-10-09-01-56n": "no ECG lead, only HR",
    "s00001-2896-10-10-00-31n": "no ECG lead, only HR",
    "s25047-2704-05-04-10-44n": "no ECG lead, only HR",
    "s00001-2896-10-10-00-31": "0009.dat: cannot be read",
    "p000878-2137-10-26-16-57": "0003.hea: cannot be read",
}


def read_by_wfdb(header):
    # wfdb fails on format 61 where it is asked for all samples of a frame
    one_each = all(spec.samples_per_frame == 1 for spec in header.signals)
    path = str(header.path.with_suffix(""))
    record = wfdb.rdrecord(path, physical=False, smooth_frames=one_each)
    return list(record.d_signal.T) if one_each else record.e_d_signal


def write_random(folder, rng):
    """Write a valid record: any formats, rates, gains, several samples a frame, missing ones."""
    n_signals = int(rng.integers(1, 13))
    n_frames = int(rng.integers(1, 120))
    formats = [str(fmt) for fmt in rng.choice(list(BITS), n_signals)]
    if rng.random() < 0.5:
        formats = formats[:1] * n_signals
    spf = rng.integers(1, 4, n_signals) if rng.random() < 0.3 else np.ones(n_signals, int)
    samples = []
    for fmt, per_frame in zip(formats, spf, strict=True):
        largest = 2 ** (BITS[fmt] - 1)
        values = rng.integers(-largest, largest, n_frames * per_frame)
        if rng.random() < 0.3:  # nothing but missing samples is among the valid ones
            values[rng.random(len(values)) < rng.random()] = -largest
        samples.append(values)
    wfdb.wrsamp(
        "rec",
        fs=float(rng.choice([100, 250, 360, 500, 257.5])),
        units=[str(unit) for unit in rng.choice(["mV", "uV", "V"], n_signals)],
        sig_name=[f"ECG{k}" for k in range(n_signals)],
        e_d_signal=samples,
        fmt=formats,
        adc_gain=[float(gain) for gain in rng.choice([200, 1000, 7247, 0.5, 1e4], n_signals)],
        baseline=[int(value) for value in rng.integers(-3000, 3000, n_signals)],
        samps_per_frame=[int(value) for value in spf],
        write_dir=str(folder),
    )
    return folder / "rec.hea", samples


@pytest.mark.slow
def test_a_thousand_random_records(tmp_path):
    rng = np.random.default_rng(0)
    n_equal = 0
    for _ in range(1000):
        path, written = write_random(tmp_path, rng)
        header = read_header(path)
        samples, findings = read_digital(header)
        assert not findings
        for ours, theirs, true in zip(samples, read_by_wfdb(header), written, strict=True):
            np.testing.assert_array_equal(ours, true)
            n_equal += np.array_equal(ours, theirs)
        record = read_record(path)
        assert record.quality == () or record.quality[0].kind == "mixed rates"
        for file in tmp_path.iterdir():
            file.unlink()
    assert n_equal > 5000


@pytest.mark.skipif(not REAL, reason="needs ECG_ANOMALY_DATA")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_are_read_as_wfdb_reads_them(path):
    header = read_header(path)
    try:
        expected = None if header.segments else read_by_wfdb(header)
    except Exception:
        # their signal files are not there, or they are a layout
        with pytest.raises(RecordFileError, match=r"cannot be read|has no samples"):
            read_record(path)
        return
    if expected is not None:
        samples, _ = read_digital(header)
        for ours, theirs in zip(samples, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    if path.stem in REFUSED:
        with pytest.raises(RecordFileError, match=REFUSED[path.stem]):
            read_record(path)
    else:
        assert np.isfinite(read_record(path).signal).any()
