"""DICOM files as carts write them: codes, kinds of samples, groups, transfer syntaxes."""

import io
from datetime import datetime

import exports
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ecg_anomaly import make_ecg
from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io import find_records, read_record
from ecg_anomaly.leads import STANDARD_LEADS

FS = 250
CLASS = "1.2.840.10008.5.1.4.1.1.9."


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(1, fs=FS, duration=4, random_state=0).X[0]


@pytest.fixture
def read(tmp_path):
    def read(*groups, **elements):
        path = tmp_path / "rec.dcm"
        path.write_bytes(exports.dicom(*groups, **elements))
        return read_record(path)

    return read


def group(ecg, leads=STANDARD_LEADS, about=None, **how):
    """Return a group whose channels `about` changes."""
    made = exports.group(ecg, how.pop("fs", FS), leads, **how)
    for lead, channel in zip(leads, made.ChannelDefinitionSequence, strict=True):
        if about is not None:
            about(lead, channel, channel.ChannelSourceSequence[0])
    return made


def is_whole(record, ecg):
    assert record.leads == STANDARD_LEADS
    np.testing.assert_allclose(record.signal, ecg, atol=3e-3)


# Names


@pytest.mark.parametrize("first", [0, 2 * 65536])
def test_codes_of_iso_11073(read, ecg, first):
    def about(lead, _, source):
        number = exports.CODES[lead]
        source.CodingSchemeDesignator = "MDC"
        source.CodeValue = str(first + number) if first else f"2:{number}"
        source.CodeMeaning = ""

    is_whole(read(group(ecg, about=about)), ecg)


@pytest.mark.parametrize("meaning", ["", "ECG channel", "Lead {} (Einthoven)"])
@pytest.mark.parametrize("label", [None, "{}", "lead {}"])
def test_codes_of_a_maker(read, ecg, meaning, label):
    def about(lead, channel, source):
        source.CodingSchemeDesignator, source.CodeValue = "99GEMS", f"7:{lead}"
        source.CodeMeaning = meaning.format(lead)
        if label:
            channel.ChannelLabel = label.format(lead)

    record = read(group(ecg, about=about))
    if label or "{}" in meaning:
        is_whole(record, ecg)
    else:
        name = meaning or "unnamed"
        assert record.leads == tuple(f"{name}#{k}" for k in range(1, 13))
        np.testing.assert_allclose(record.signal, ecg, atol=3e-3)


def test_numbers_of_other_things_are_no_leads(read, ecg):
    def about(lead, _, source):
        source.CodingSchemeDesignator = "MDC"
        source.CodeValue, source.CodeMeaning = f"10:{exports.CODES[lead]}", f"Electrode {lead}x"

    assert not set(read(group(ecg, about=about)).leads) & set(STANDARD_LEADS)


@pytest.mark.parametrize(
    ("number", "meaning", "label", "name"),
    [(65, "-aVR", "aVR", "-aVR"), (11, "Lead V3R", "V3", "Lead V3R"), (66, "", "", "V8"),
     (0, "Lead II", "", "II")],
)  # fmt: skip
def test_a_code_says_more_than_a_text(read, ecg, number, meaning, label, name):
    def about(_, channel, source):
        source.CodingSchemeDesignator, source.CodeValue = "MDC", f"2:{number}"
        source.CodeMeaning, channel.ChannelLabel = meaning, label

    assert read(group(ecg[:1], ["I"], about)).leads == (name,)


def test_a_lead_twice_in_a_group_is_refused(read, ecg):
    with pytest.raises(RecordFileError, match="lead II is there more than once"):
        read(group(ecg[:3], ["I", "II", "II"]))


# Other waveforms


def test_objects_that_are_no_ecg(read, ecg):
    def about(lead, channel, source):
        source.CodingSchemeDesignator, source.CodeMeaning = "99X", f"Fp{lead}"

    eeg = group(ecg, about=about)
    with pytest.raises(RecordFileError, match="no ECG lead, only FpI"):
        read(eeg, SOPClassUID=f"{CLASS}7.1")
    # catheters: the leads by their names, the voltages within the heart apart
    record = read(group(ecg[:2], ["I", "II"]), eeg, SOPClassUID=f"{CLASS}3.1")
    assert record.leads == ("I", "II")
    assert list(record.extra) == [f"Fp{lead}" for lead in STANDARD_LEADS]
    assert {finding.kind for finding in record.quality} == {FindingKind.EXTRA_CHANNEL}


@pytest.mark.parametrize("every", [1, 4])
def test_pressure_and_respiration_are_kept_apart(read, ecg, every):
    def about(_, channel, source):
        source.CodingSchemeDesignator, source.CodeMeaning = "99X", "Arterial pressure"
        channel.ChannelBaseline = 100

    slow = group(ecg[:1, ::every], ["I"], about, fs=FS / every, unit="mmHg")
    record = read(group(ecg), slow)
    is_whole(record, ecg)
    (extra,) = record.extra.values()
    assert (extra.unit, extra.fs, len(extra.signal)) == ("mmHg", FS / every, len(ecg[0, ::every]))
    stored = np.rint((ecg[0, ::every] - 10) / 5)
    np.testing.assert_allclose(extra.signal, 5 * stored + 100)


def test_channels_of_one_name_in_several_groups_are_several(read, ecg):
    def about(_, channel, source):
        source.CodingSchemeDesignator, source.CodeMeaning = "99X", "Aux"

    half = ecg.shape[1] // 2
    record = read(
        group(ecg[:1], ["I"], about),
        group(ecg[1:2, half:], ["I"], about, offset=1000.0 * half / FS),
        group(ecg[2:3], ["I"], about, unit="mmHg"),
        group(ecg[3:4, ::2], ["I"], about, fs=FS / 2, unit="mmHg"),
    )
    assert record.leads == ("Aux#1", "Aux#2")
    np.testing.assert_allclose(record.signal[0], ecg[0], atol=3e-3)
    np.testing.assert_allclose(record.signal[1, half:], ecg[1, half:], atol=3e-3)
    assert [(extra.unit, extra.fs) for extra in record.extra.values()] == [
        ("mmHg", FS),
        ("mmHg", FS / 2),
    ]


def test_channels_beside_the_ecg_need_no_calibration(read, ecg):
    def marker(_, channel, source):
        source.CodingSchemeDesignator, source.CodeMeaning = "99X", "Marker"
        del channel.ChannelSensitivity, channel.ChannelSensitivityUnitsSequence

    def respiration(_, channel, source):
        source.CodingSchemeDesignator, source.CodeMeaning = "99X", "Respiration"

    others = group(ecg[:1], ["I"], marker), group(ecg[:1, ::10], ["I"], respiration, fs=FS / 10)
    record = read(group(ecg), *others)
    is_whole(record, ecg)
    assert list(record.extra) == ["Marker", "Respiration"]


# Samples


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_transfer_syntaxes(ecg, tmp_path, syntax):
    dataset = pydicom.dcmread(io.BytesIO(exports.dicom(group(ecg))))
    dataset.file_meta.TransferSyntaxUID = syntax
    implicit = syntax == ImplicitVRLittleEndian
    pydicom.dcmwrite(
        tmp_path / "rec.dcm", dataset, implicit_vr=implicit, little_endian=True,
        enforce_file_format=True,
    )  # fmt: skip
    is_whole(read_record(tmp_path / "rec.dcm"), ecg)


def test_big_endian(ecg, tmp_path):
    gap = ecg.copy()
    gap[3, 100:120] = np.nan
    dataset = pydicom.dcmread(io.BytesIO(exports.dicom(group(gap, padding=-32768))))

    def swapped(dataset):
        copy = Dataset()
        for element in dataset:
            value = element.value
            if element.VR == "SQ":
                value = Sequence([swapped(item) for item in value])
            elif element.keyword in ("WaveformData", "WaveformPaddingValue"):
                value = np.frombuffer(value, "<i2").astype(">i2").tobytes()
            copy.add_new(element.tag, element.VR, value)
        return copy

    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    whole = FileDataset("rec", {}, preamble=bytes(128), file_meta=dataset.file_meta)
    whole.update(swapped(dataset))
    path = tmp_path / "rec.dcm"
    pydicom.dcmwrite(path, whole, implicit_vr=False, little_endian=False, enforce_file_format=True)
    is_whole(read_record(path), gap)


@pytest.mark.parametrize("uid", [None, "1.2.3.4"])
def test_a_transfer_syntax_that_is_not_known(ecg, tmp_path, uid):
    path = tmp_path / "rec.dcm"
    content = exports.dicom(group(ecg))
    known = ExplicitVRLittleEndian.encode() + b"\0"
    assert content.count(known) == 1
    if uid:
        content = content.replace(known, uid.encode().ljust(len(known), b"\0"))
    else:
        dataset = pydicom.dcmread(io.BytesIO(content))
        del dataset.file_meta.TransferSyntaxUID
        made = io.BytesIO()
        pydicom.dcmwrite(made, dataset, implicit_vr=False, little_endian=True)
        content = made.getvalue()
    path.write_bytes(content)
    is_whole(read_record(path), ecg)


def test_a_deflated_bomb(ecg, tmp_path):
    dataset = pydicom.dcmread(io.BytesIO(exports.dicom(group(ecg))))
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.WaveformSequence[0].WaveformData = bytes(50_000_000)
    path = tmp_path / "rec.dcm"
    pydicom.dcmwrite(path, dataset, implicit_vr=False, little_endian=True, enforce_file_format=True)
    assert path.stat().st_size < 100_000
    with pytest.raises(RecordFileError, match="would inflate to 100 times its size"):
        read_record(path)


@pytest.mark.parametrize(
    ("kind", "bits", "dtype"), [("SL", 32, "<i4"), ("SS", 16, "<i2"), ("UL", 32, "<u4")]
)
def test_widths_of_samples(read, ecg, kind, bits, dtype):
    made = group(np.abs(ecg) + 0.1)
    stored = np.frombuffer(made.WaveformData, "<i2")
    made.WaveformBitsAllocated, made.WaveformSampleInterpretation = bits, kind
    made.WaveformData = stored.astype(dtype).tobytes()
    is_whole(read(made), np.abs(ecg) + 0.1)


@pytest.mark.parametrize("kind", ["MB", "AB", "XX"])
def test_samples_that_are_not_linear_are_refused(read, ecg, kind):
    made = group(ecg)
    made.WaveformBitsAllocated, made.WaveformSampleInterpretation = 8, kind
    made.WaveformData = made.WaveformData[::2]
    with pytest.raises(RecordFileError, match=f"of the kind '{kind}'"):
        read(made)


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("ChannelSensitivity", 0),
        ("ChannelSensitivity", -2.5),
        ("ChannelSensitivityCorrectionFactor", 0),
        ("ChannelSensitivityCorrectionFactor", -1),
    ],
)
def test_calibrations_that_flatten_or_invert_are_refused(read, ecg, element, value):
    def about(lead, channel, _):
        if lead == "V2":
            setattr(channel, element, value)

    with pytest.raises(RecordFileError, match="calibration of lead V2"):
        read(group(ecg, about=about))


# Time


def test_channels_that_begin_later(read, ecg):
    for skews in ({"ChannelSampleSkew": 3}, {"ChannelTimeSkew": 3 / FS}):

        def about(lead, channel, _, skews=skews):
            for element, value in skews.items():
                setattr(channel, element, value if lead == "V2" else 0)

        record = read(group(ecg, about=about))
        v2 = record.leads.index("V2")
        assert record.signal.shape[1] == ecg.shape[1] + 3
        np.testing.assert_allclose(record.signal[v2, 3:], ecg[v2], atol=3e-3)
        assert np.isnan(record.signal[v2, :3]).all()
        others = np.delete(record.signal, v2, 0)
        np.testing.assert_allclose(others[:, :-3], np.delete(ecg, v2, 0), atol=3e-3)


def test_groups_of_the_same_leads_one_after_the_other(read, ecg):
    half = ecg.shape[1] // 2
    record = read(group(ecg[:, :half]), group(ecg[:, half:], offset=1000.0 * half / FS))
    is_whole(record, ecg)
    assert not record.quality


def test_many_groups_of_one_lead_would_fill_the_memory(read, ecg):
    leads = [f"E{k}" for k in range(40)]
    groups = [group(ecg[:1, :100], [lead], offset=400.0 * k) for k, lead in enumerate(leads)]
    with pytest.raises(RecordFileError, match="far apart"):
        read(*groups)


@pytest.mark.parametrize(
    ("birth", "time", "told"),
    [
        ("19700501", "20200501101112.5+0200", {"age": 50, "time": "2020-05-01T10:11:12.5+02:00"}),
        ("19700501", "", {}),
        ("", "20200501", {}),
        ("30000101", "20200501101112", {"time": "2020-05-01T10:11:12"}),
    ],
)
def test_age_and_time(read, ecg, birth, time, told):
    record = read(group(ecg), PatientAge="", PatientBirthDate=birth, AcquisitionDateTime=time)
    found = {key: record.annotations[key] for key in ("age", "time") if key in record.annotations}
    assert found.pop("age", None) == pytest.approx(told.get("age"), abs=0.01)
    times = [{key: datetime.fromisoformat(value) for key, value in all_.items() if key == "time"}
             for all_ in (found, told)]  # fmt: skip
    assert times[0] == times[1]
    kinds = [FindingKind.IMPLAUSIBLE_AGE] if birth == "30000101" else []
    assert [finding.kind for finding in record.quality] == kinds


def test_files_that_are_called_by_their_uid(ecg, tmp_path):
    content = exports.dicom(group(ecg))
    names = ["1.2.840.113619.21", "1.2.840.113619.22"]
    for name in names:
        (tmp_path / name).write_bytes(content)
    (tmp_path / "messages.1").write_bytes(b"rotated")
    found = find_records([tmp_path])
    assert [path.name for path in found] == names
    assert [read_record(path).record_id for path in found] == names
