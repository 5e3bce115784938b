"""EDF files as recorders write them: labels, limits, lengths."""

import exports
import numpy as np
import pytest

from ecg_anomaly import make_ecg
from ecg_anomaly.errors import RecordFileError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io import read_record

FS = 250
# where each field of a signal stands in the header, in bytes a signal, and its width
FIELDS = {
    "label": (0, 16),
    "unit": (96, 8),
    "physical_min": (104, 8),
    "physical_max": (112, 8),
    "digital_min": (120, 8),
    "digital_max": (128, 8),
}


@pytest.fixture(scope="module")
def ecg():
    return make_ecg(1, fs=FS, duration=4, random_state=0).X[0]


@pytest.fixture
def content(ecg):
    return exports.edf(ecg[:2], FS, ["I", "II"])


def changed(content, number, **fields):
    """Return a file of which a signal has other fields."""
    content, n_signals = bytearray(content), int(content[252:256])
    for field, text in fields.items():
        begin, width = FIELDS[field]
        place = 256 + n_signals * begin + number * width
        content[place : place + width] = text.encode("latin-1").ljust(width)
    return bytes(content)


def announcing(content, n_records):
    return content[:236] + str(n_records).encode().ljust(8) + content[244:]


@pytest.fixture
def read(tmp_path):
    def read(content):
        (tmp_path / "rec.edf").write_bytes(content)
        return read_record(tmp_path / "rec.edf")

    return read


@pytest.mark.parametrize(
    "label",
    ["ECG1", "ekg 1", "ECG-L", "Holter ECG", "ECG", "EEG EKG1-REF", "POL ECG2", "ECG LL-RA"],
)
def test_labels_of_no_standard_lead(read, content, label):
    record = read(changed(content, 0, label=label))
    assert record.leads == (label, "II")
    assert not record.quality


@pytest.mark.parametrize(
    ("label", "lead"),
    [("EKGIII", "III"), ("ecg_aVF", "aVF"), ("V3_ECG", "V3"), ("ECG:V1", "V1"), ("MLII", "MLII"),
     ("EEG EKG III", "III"), ("POL ECG V4", "V4"), ("ECG MCL1", "MCL1"), ("Lead I", "I")],
)  # fmt: skip
def test_labels_of_leads(read, content, label, lead):
    assert read(changed(content, 0, label=label)).leads == (lead, "II")


def test_what_is_no_ecg_is_kept_apart_and_told(read, ecg):
    others = [("ECG rate", ecg[0]), ("EEG Fpz-Cz", ecg[1]), ("Flow", ecg[2]), ("L5", ecg[3])]
    content = exports.edf(ecg[:1], FS, ["I"], others=others)
    for number, unit in ((1, "bpm"), (3, "l/min")):
        content = changed(content, number, unit=unit)
    record = read(content)
    assert record.leads == ("I",)
    assert {name: extra.unit for name, extra in record.extra.items()} == {
        "ECG rate": "bpm",
        "EEG Fpz-Cz": "uV",
        "Flow": "l/min",
        "L5": "uV",  # a contact within the brain
    }
    assert [(finding.kind, finding.lead) for finding in record.quality] == [
        (FindingKind.EXTRA_CHANNEL, "ECG rate"),
        (FindingKind.EXTRA_CHANNEL, "EEG Fpz-Cz"),
        (FindingKind.EXTRA_CHANNEL, "L5"),
    ]


@pytest.mark.parametrize(
    "limits",
    [
        {"physical_min": "0", "physical_max": "0"},
        {"physical_min": ""},
        {"physical_max": "10000,0"},
        {"physical_max": "inf"},
        {"physical_min": "nan"},
        {"digital_min": "0", "digital_max": "0"},
        {"digital_min": ""},
    ],
)
def test_a_lead_without_calibration_is_refused(read, content, limits):
    with pytest.raises(RecordFileError, match="no calibration of lead ECG II"):
        read(changed(content, 1, **limits))


def test_an_amplifier_that_inverts_is_told_by_its_limits(read, content, ecg):
    record = read(changed(content, 1, physical_min="10000", physical_max="-10000"))
    np.testing.assert_allclose(record.signal, [ecg[0], -ecg[1]], atol=3e-3)


def test_the_micro_sign(read, content, ecg):
    record = read(changed(changed(content, 0, unit="\xb5V"), 1, unit="\xb5V"))
    np.testing.assert_allclose(record.signal, ecg[:2], atol=3e-3)


def test_lengths_that_the_header_tells_otherwise(read, content, ecg):
    n_records = int(content[236:244])
    assert n_records > 2
    for changes, kinds, n_samples in (
        (announcing(content, -1), [FindingKind.LENGTH_UNKNOWN], ecg.shape[1]),
        (content + bytes(10), [FindingKind.TRAILING_BYTES], ecg.shape[1]),
        (announcing(content, 2), [FindingKind.TRAILING_BYTES], 2 * ecg.shape[1] // n_records),
    ):
        record = read(changes)
        assert [finding.kind for finding in record.quality] == kinds
        np.testing.assert_allclose(record.signal, ecg[:2, :n_samples], atol=3e-3)
    for short in (announcing(content, n_records + 1), content[:-10]):
        with pytest.raises(RecordFileError, match="truncated"):
            read(short)


def test_a_date_that_is_not_told(read, ecg):
    content = exports.edf(ecg[:1], FS, ["I"])
    told = b"Startdate 01-MAY-2020 X X X"
    assert told in content
    record = read(content.replace(told, b"Startdate X X X X".ljust(len(told)), 1))
    assert not {"time", "age"} & set(record.annotations)


def test_rates_so_different_that_they_would_fill_the_memory(tmp_path, ecg):
    import edfio

    slow = [edfio.EdfSignal(ecg[0, :80].astype(float), 20, label=f"ECG {k}",
                            physical_dimension="mV") for k in range(30)]  # fmt: skip
    fast = edfio.EdfSignal(np.tile(ecg[0, :1000], 80).astype(float), 20_000, label="ECG fast",
                           physical_dimension="mV")  # fmt: skip
    edfio.Edf([*slow, fast]).write(tmp_path / "rec.edf")
    with pytest.raises(RecordFileError, match="would become"):
        read_record(tmp_path / "rec.edf")
