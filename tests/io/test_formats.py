"""EDF, DICOM, HL7 aECG and Philips Sierra: the same ECG out of each, or the right error."""

import os
import struct
import time
from pathlib import Path

import exports
import numpy as np
import pytest

from ecg_anomaly import make_ecg, score_records
from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io import find_records, read_record
from ecg_anomaly.leads import STANDARD_LEADS

FS = 250
MADE = {
    "edf": (exports.edf, ".edf"),
    "dicom": (lambda *ecg, **how: exports.dicom(exports.group(*ecg, **how)), ".dcm"),
    "aecg": (exports.aecg, ".xml"),
    "sierra": (exports.sierra, ".xml"),
}
DATA = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset") / "formats"
real = pytest.mark.skipif(
    not DATA.is_dir(), reason="needs formats/: set ECG_ANOMALY_DATA to a folder that holds it"
)


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(1, fs=FS, duration=4, random_state=0).X[0]


def write(folder, content, name):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["rec{}", "IM0001", "rec.bak"])
@pytest.mark.parametrize("kind", MADE)
def test_the_same_ecg_under_any_name(ecg, tmp_path, kind, name):
    make, suffix = MADE[kind]
    path = write(tmp_path, make(ecg, FS, STANDARD_LEADS), name.format(suffix))
    record = read_record(path)
    assert (record.fs, record.leads) == (FS, STANDARD_LEADS)
    np.testing.assert_allclose(record.signal, ecg, atol=3e-3)
    assert record.patient_id == "MRN1"
    assert record.annotations["age"] == pytest.approx(50, abs=0.01)
    assert record.annotations["sex"] == 1
    assert record.annotations["time"] == "2020-05-01T10:11:12"
    assert record.source == str(path)
    assert not record.quality


@pytest.mark.parametrize("kind", MADE)
def test_without_its_library_it_says_what_to_install(ecg, tmp_path, kind, monkeypatch):
    def missing(name):
        raise ImportError(name)

    path = write(tmp_path, MADE[kind][0](ecg, FS, STANDARD_LEADS), "rec")
    monkeypatch.setattr("ecg_anomaly.io._readers.import_module", missing)
    with pytest.raises(RecordFileError, match=r"pip install 'ecg-anomaly\[formats\]'"):
        read_record(path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", MADE)
def test_a_truncated_file_is_refused(ecg, tmp_path, kind, share):
    make, suffix = MADE[kind]
    content = make(ecg, FS, STANDARD_LEADS)
    path = write(tmp_path, content[: int(share * len(content))], f"rec{suffix}")
    with pytest.raises(RecordFileError, match="rec"):
        read_record(path)


@pytest.mark.parametrize("kind", ["edf", "dicom", "aecg"])
def test_a_unit_that_is_no_voltage_is_refused(ecg, tmp_path, kind):
    make, suffix = MADE[kind]
    path = write(tmp_path, make(ecg, FS, STANDARD_LEADS, unit="mmHg"), f"rec{suffix}")
    with pytest.raises(RecordFileError, match=r"mmHg|unit"):
        read_record(path)


@pytest.mark.parametrize("name", ["rec.edf", "rec.dcm", "rec.xml"])
@pytest.mark.parametrize("content", [b"", b"nothing of the kind" * 20, b"<html><body/></html>"])
def test_what_a_name_promises_must_be_there(tmp_path, name, content):
    with pytest.raises(RecordFileError, match="holds no EDF, DICOM"):
        read_record(write(tmp_path, content, name))


@pytest.mark.parametrize("name", ["rec.npz", "rec", "rec.wav", "rec.zip"])
def test_a_file_of_no_known_format(tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as file:
        np.savez(file, signal=np.zeros((1, 100)), pickled=np.array([{}], object))
    assert find_records([path]) == [path]
    with pytest.raises(RecordFileError, match=f"{name}: is of no format that is read"):
        read_record(path)
    with pytest.raises(RecordFileError, match="holds no record"):
        find_records([tmp_path])


def test_millivolts_and_other_signals_of_edf(ecg, tmp_path):
    others = [("EEG Fpz-Cz", ecg[0]), ("Resp", ecg[1])]
    content = exports.edf(ecg[:2], FS, ["I", "II"], unit="mV", others=others)
    content = content.replace(b"EDF+C", b"     ")  # where patients are free text
    record = read_record(write(tmp_path, content, "rec.edf"))
    assert record.leads == ("I", "II")
    assert list(record.extra) == ["EEG Fpz-Cz", "Resp"]
    np.testing.assert_allclose(record.signal, ecg[:2], atol=1e-3)
    assert record.patient_id == ""


def test_edf_with_gaps_is_refused(ecg, tmp_path):
    content = exports.edf(ecg, FS, STANDARD_LEADS)
    content = content.replace(b"EDF+C", b"EDF+D")
    whole = read_record(write(tmp_path, content, "rec.edf"))
    np.testing.assert_allclose(whole.signal, ecg, atol=3e-3)
    content = content.replace(b"+3\x14\x14", b"+9\x14\x14")
    with pytest.raises(RecordFileError, match=r"gaps.*continuous"):
        read_record(write(tmp_path, content, "rec.edf"))


def test_edf_without_an_ecg_is_refused(ecg, tmp_path):
    content = exports.edf(ecg[:0], FS, [], others=[("EEG Fpz-Cz", ecg[0])])
    with pytest.raises(RecordFileError, match="no ECG lead, only EEG Fpz-Cz"):
        read_record(write(tmp_path, content, "rec.edf"))


def test_groups_of_dicom_stand_where_they_were_recorded(ecg, tmp_path):
    half = ecg.shape[1] // 2
    content = exports.dicom(
        exports.group(ecg[:3, :half], FS, STANDARD_LEADS[:3]),
        exports.group(ecg[3:6, half:], FS, STANDARD_LEADS[3:6], offset=2000.0),
        exports.group(ecg[1:2], FS, ["II"]),
        exports.group(ecg[:, :100], FS, STANDARD_LEADS, originality="DERIVED"),
    )
    record = read_record(write(tmp_path, content, "rec.dcm"))
    assert record.leads == STANDARD_LEADS[:6]
    np.testing.assert_allclose(record.signal[1], ecg[1], atol=3e-3)
    np.testing.assert_allclose(record.signal[3:, half:], ecg[3:6, half:], atol=3e-3)
    assert np.isnan(record.signal[[0, 2], half:]).all()
    assert np.isnan(record.signal[3:, :half]).all()
    assert [finding.lead for finding in record.quality] == ["II"]


def test_padding_of_dicom_is_missing(ecg, tmp_path):
    gap = ecg.copy()
    gap[2, 100:120] = np.nan
    content = exports.dicom(exports.group(gap, FS, STANDARD_LEADS, padding=-32768))
    record = read_record(write(tmp_path, content, "rec.dcm"))
    np.testing.assert_array_equal(np.isnan(record.signal), np.isnan(gap))


def test_dicom_that_cannot_be_an_ecg(ecg, tmp_path):
    one, other = (exports.group(ecg, fs, STANDARD_LEADS) for fs in (FS, 500))
    with pytest.raises(RecordFileError, match="250, 500 Hz"):
        read_record(write(tmp_path, exports.dicom(one, other), "rec.dcm"))
    far = exports.group(ecg, FS, STANDARD_LEADS, offset=1e9)
    with pytest.raises(RecordFileError, match="far apart"):
        read_record(write(tmp_path, exports.dicom(one, far), "rec.dcm"))
    beat = exports.group(ecg, FS, STANDARD_LEADS, originality="DERIVED")
    with pytest.raises(RecordFileError, match="derived waveforms only"):
        read_record(write(tmp_path, exports.dicom(beat), "rec.dcm"))
    with pytest.raises(RecordFileError, match="holds no waveform"):
        read_record(write(tmp_path, exports.dicom(), "rec.dcm"))
    del one.ChannelDefinitionSequence[4].ChannelSensitivity
    with pytest.raises(RecordFileError, match="no calibration of lead aVL"):
        read_record(write(tmp_path, exports.dicom(one), "rec.dcm"))


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF])
def test_a_dicom_element_of_four_gigabytes(ecg, tmp_path, length):
    content = exports.dicom(exports.group(ecg, FS, STANDARD_LEADS))
    place = content.index(struct.pack("<HH", 0x5400, 0x1010))  # WaveformData
    lied = content[: place + 8] + struct.pack("<I", length) + content[place + 12 :]
    path = write(tmp_path, lied, "rec.dcm")
    start = time.perf_counter()
    if length == 0xFFFFFFFF:  # undefined: an end is looked for
        with pytest.raises(RecordFileError):
            read_record(path)
    else:  # up to the end of the file, where all samples are
        np.testing.assert_allclose(read_record(path).signal, ecg, atol=3e-3)
    with pytest.raises(RecordFileError):
        read_record(write(tmp_path, lied[:-100], "rec.dcm"))
    assert time.perf_counter() - start < 10


BOMB = "<!DOCTYPE x [" + '<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{k + 1} "{10 * f"&a{k};"}">' for k in range(12)
) + "]>"  # fmt: skip


@pytest.mark.parametrize("make", [exports.aecg, exports.sierra])
@pytest.mark.parametrize(
    "entity", [BOMB, '<!DOCTYPE x [<!ENTITY a12 SYSTEM "file:///etc/passwd">]>']
)
def test_xml_entities_are_refused(ecg, tmp_path, make, entity):
    content = make(ecg, FS, STANDARD_LEADS, entity=entity).replace(b"MRN1", b"&a12;")
    start = time.perf_counter()
    with pytest.raises(RecordFileError) as refused:
        read_record(write(tmp_path, content, "rec.xml"))
    assert time.perf_counter() - start < 5
    assert "root:" not in str(refused.value)


def test_a_rate_that_is_no_whole_number(ecg, tmp_path):
    record = read_record(write(tmp_path, exports.aecg(ecg, 249.5, STANDARD_LEADS), "rec.xml"))
    assert record.fs == pytest.approx(249.5)


def test_leads_of_different_lengths_are_refused(ecg, tmp_path):
    content = exports.aecg(ecg, FS, STANDARD_LEADS)
    shorter = content.replace(b"</digits>", b" 5</digits>", 1)
    with pytest.raises(RecordFileError, match=r"different lengths \(1000 in V6, 1001 in I\)"):
        read_record(write(tmp_path, shorter, "rec.xml"))


def test_utf16(ecg, tmp_path):
    content = exports.sierra(ecg, FS, STANDARD_LEADS, utf16=True)
    assert read_record(write(tmp_path, content, "rec")).leads == STANDARD_LEADS


def test_folders_of_mixed_formats(ecg, tmp_path):
    names = ["a.edf", "b.dcm", "c.xml", "d"]
    for name, (make, _) in zip(names, MADE.values(), strict=True):
        write(tmp_path, make(ecg, FS, STANDARD_LEADS), name)
    for name in ("notes.xml", "README", "x.pdf"):
        write(tmp_path, b"<notes/>", name)
    assert [path.name for path in find_records([tmp_path])] == names
    (tmp_path / "e.dcm").write_bytes(b"nothing")
    assert [path.name for path in find_records([tmp_path / "e.dcm"])] == ["e.dcm"]


def test_a_calibration_pulse_is_cut_off(ecg, tmp_path):
    pulse = np.zeros((12, 100))
    pulse[:, 25:75] = 1.0
    content = exports.sierra(np.hstack([ecg, pulse]), FS, STANDARD_LEADS)
    record = read_record(write(tmp_path, content, "rec.xml"))
    assert record.signal.shape == ecg.shape
    (finding,) = record.quality
    assert (finding.kind, finding.start, finding.end) == (FindingKind.CALIBRATION, 4.0, 4.4)
    flat = exports.sierra(np.hstack([ecg, 0 * pulse]), FS, STANDARD_LEADS)
    assert read_record(write(tmp_path, flat, "rec.xml")).signal.shape[1] == ecg.shape[1] + 100


@real
def test_real_exports():
    found = {}
    for path in find_records([DATA / name for name in ("dicom", "edf", "hl7_aecg", "philips_xml")]):
        try:
            found[path.name] = read_record(path)
        except RecordFileError as error:
            found[path.name] = str(error)
    assert "no ECG lead, nor any other channel" in found.pop("test_edfann.edf")
    generator = found.pop("test_generator_2.edf")
    assert (generator.leads, len(generator.extra), generator.duration) == (("ECG",), 10, 600)
    assert len(found) == 12
    twins = [found.pop(name) for name in ("anonymous_ecg.dcm", "waveform_ecg.dcm")]
    np.testing.assert_array_equal(twins[0].signal, twins[1].signal)
    assert (twins[0].fs, twins[0].duration) == (1000, 10)
    for record in (twins[0], *found.values()):
        assert set(record.leads) == set(STANDARD_LEADS)
        one, two, three, right = record.select_leads(["I", "II", "III", "aVR"])
        np.testing.assert_allclose(three, two - one, atol=0.011)
        np.testing.assert_allclose(right, -(one + two) / 2, atol=0.011)
        assert 0.5 < np.ptp(record.signal) < 10
        pulse = "philips" in record.source
        assert [finding.kind for finding in record.quality] == pulse * [FindingKind.CALIBRATION]
        assert record.duration == pytest.approx(10.6 if pulse else 10, abs=0.1)


@real
def test_a_recording_is_the_same_in_edf_and_wfdb():
    edf = read_record(DATA / "edf" / "test_generator_2.edf")
    wfdb = read_record(DATA / "wfdb" / "test_generator_2")
    assert (edf.fs, edf.duration) == (wfdb.fs, wfdb.duration) == (200, 600)
    # a digital unit is 3e-5 mV; the converter has rounded the baseline
    np.testing.assert_allclose(edf.signal, wfdb.select_leads(["ECG"]), atol=1.6e-5)
    assert np.ptp(edf.signal) > 0.07
    in_volts = set(wfdb.leads) - {"ECG", "EDF Annotations"}
    assert in_volts | set(wfdb.extra) == set(edf.extra)
    for name in in_volts:
        (uv,) = 1000 * wfdb.select_leads([name])
        np.testing.assert_allclose(edf.extra[name].signal, uv, atol=0.016)


@real
def test_a_recording_is_the_same_in_every_aecg():
    first, *others = map(read_record, find_records([DATA / "hl7_aecg"]))
    assert len(others) == 6
    for other in others:
        assert (other.fs, other.leads) == (first.fs, first.leads)
        np.testing.assert_array_equal(other.signal, first.signal)


@real
def test_real_exports_are_scored():
    from ecg_anomaly import load_pretrained

    files = find_records([DATA / "dicom", DATA / "philips_xml"])
    table = score_records(load_pretrained(), files)
    assert len(table) == 5
    assert set(table["verdict"]) <= {"flagged", "not flagged"}
    assert table["score"][0] == table["score"][1]
