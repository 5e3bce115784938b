"""Files of bare numbers, and the side-cars that describe them."""

import io
import json
import warnings

import numpy as np
import pandas as pd
import pytest

from ecg_anomaly.errors import ECGError, RecordFileError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io import find_records, read_record

SIGNAL = np.round(np.random.default_rng(0).normal(size=(3, 400)), 3).astype(np.float32)
LEADS = ["I", "AVR", "v2"]
GIVEN = {"fs": 250, "leads": LEADS}


def refused(path, problem, **given):
    with pytest.raises(RecordFileError, match=problem) as caught:
        read_record(path, **given)
    assert str(path.parent) in str(caught.value)
    assert isinstance(caught.value, ECGError)


def npy(folder, array, name="a.npy", side=None):
    path = folder / name
    np.save(path, array)
    if side is not None:
        path.with_suffix(".json").write_text(json.dumps(side))
    return path


def csv(folder, text, side=None):
    path = folder / "a.csv"
    path.write_text(text)
    if side is not None:
        path.with_suffix(".json").write_text(json.dumps(side))
    return path


def table(signal=SIGNAL, header=True, **kwargs):
    return pd.DataFrame(signal.T, columns=LEADS[: len(signal)]).to_csv(
        index=False, header=header, **kwargs
    )


# .npy


@pytest.mark.parametrize("order", ["leads first", "samples first", "Fortran"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
def test_npy_by_arguments(tmp_path, order, dtype):
    array = SIGNAL.astype(dtype)
    array = {"leads first": array, "samples first": array.T, "Fortran": np.asfortranarray(array)}[
        order
    ]
    record = read_record(npy(tmp_path, array), **GIVEN)
    np.testing.assert_array_equal(record.signal, SIGNAL.astype(dtype).astype(np.float32))
    assert (record.fs, record.leads, record.record_id) == (250, ("I", "aVR", "V2"), "a")
    assert record.quality == ()


def test_npy_by_a_side_car(tmp_path):
    side = {"fs": 360, "leads": LEADS, "unit": "uV", "patient_id": 7, "record_id": "x",
            "age": 41, "sex": "female", "device": "A"}  # fmt: skip
    record = read_record(npy(tmp_path, (1000 * SIGNAL).round().astype(np.int16), side=side))
    np.testing.assert_allclose(record.signal, SIGNAL, atol=1e-3)
    assert (record.fs, record.patient_id, record.record_id) == (360, "7", "x")
    assert record.annotations == {"age": 41.0, "sex": 1, "device": "A"}


def test_one_lead_as_a_flat_array(tmp_path):
    record = read_record(npy(tmp_path, SIGNAL[0]), fs=250, leads=["ECG1"])
    np.testing.assert_array_equal(record.signal, SIGNAL[:1])


def test_missing_samples_of_npy_stay_missing(tmp_path):
    array = SIGNAL.copy()
    array[1, 5] = np.nan
    np.testing.assert_array_equal(read_record(npy(tmp_path, array), **GIVEN).signal, array)


@pytest.mark.parametrize(
    ("array", "given", "problem"),
    [
        (SIGNAL, {"leads": LEADS}, "tells no sampling rate; give fs=, or a.json"),
        (SIGNAL, {"fs": 250}, "does not name its 3 leads; give leads="),
        (SIGNAL, {"fs": 250, "leads": ["I"]}, "3 leads of 400 samples, but 1 are named"),
        (SIGNAL, {"fs": 250, "leads": ["I", "i", "II"]}, "named more than once"),
        (SIGNAL, {"fs": 250, "leads": [1, 2, 3]}, "list of names"),
        (SIGNAL, {"fs": 250, "leads": ["I", "II", "9" * 5000]}, "a name of more than 255"),
        (SIGNAL, GIVEN | {"fs": 0}, "positive number"),
        (SIGNAL, GIVEN | {"fs": np.nan}, "positive number"),
        (SIGNAL, GIVEN | {"fs": 1e9}, "no sampling rate of an ECG.*the side-car or fs="),
        (SIGNAL, GIVEN | {"fs": 0.1}, "no sampling rate of an ECG"),
        (SIGNAL, GIVEN | {"unit": "bananas"}, "unit must be mV"),
        (SIGNAL.astype(int), GIVEN, "tells no unit"),
        (np.where(SIGNAL > 1, np.nan, SIGNAL.round()), GIVEN, "tells no unit"),
        (SIGNAL, GIVEN | {"leads": "I,AVR,v2"}, r"a list of names such as .* got 'I,AVR,v2'"),
        (SIGNAL, GIVEN | {"fs": 10**400}, "positive number"),
        (SIGNAL + np.float32(np.inf), GIVEN, "lead I is infinite at sample 0"),
        (SIGNAL.astype(float) * 1e300, GIVEN | {"unit": "mV"}, "is infinite"),
        (SIGNAL[:, :3], GIVEN, "does not tell leads from samples"),
        (SIGNAL[:, :0], GIVEN, "holds no sample"),
        (SIGNAL[None], GIVEN, "has shape"),
        (SIGNAL[0, 0], GIVEN, "has shape"),
        (SIGNAL + 1j, GIVEN, "real numbers are needed"),
        (SIGNAL > 0, GIVEN, "real numbers are needed"),
        (SIGNAL.astype("U8"), GIVEN, "real numbers are needed"),
        (np.zeros(5, [("I", "f4")]), GIVEN, "real numbers are needed"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_npy_refused(tmp_path, array, given, problem):
    refused(npy(tmp_path, array), problem, **given)


def test_a_rate_of_5001_digits(tmp_path):
    refused(npy(tmp_path, SIGNAL), "got a huge number", fs=10**5000, leads=LEADS)


def test_a_pickle_is_never_loaded(tmp_path):
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("code ran",)

    path = tmp_path / "a.npy"
    np.save(path, np.array([Bomb()], object), allow_pickle=True)
    refused(path, "objects are never loaded", **GIVEN)


@pytest.mark.parametrize("keep", [0, 3, 8, 40, 100, 130, -1, -400])
def test_a_truncated_npy(tmp_path, keep):
    path = npy(tmp_path, SIGNAL)
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, "no .npy file|truncated|damaged", **GIVEN)


@pytest.mark.parametrize(
    ("shape", "descr"),
    [
        ("(3, 1000000000000)", "<f4"),
        ("(-3, -400)", "<f4"),
        ("(3, 400.0)", "<f4"),
        ("(3, True)", "<f4"),
        ("(3, " + "9" * 5000 + ")", "<f4"),
        ("(3, 400)", "|O"),
        ("(3, 400)", "<f17"),
        ("(3, 400)", "<V1000000000"),
        ("((((((", "<f4"),
    ],
)
def test_a_header_of_npy_that_lies(tmp_path, shape, descr):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    path = tmp_path / "a.npy"
    path.write_bytes(
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + SIGNAL.tobytes()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refused(path, "no .npy file|truncated|damaged|real numbers|shape", **GIVEN)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_all_versions_of_the_format(tmp_path, version):
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, SIGNAL, version=version)
    np.testing.assert_array_equal(read_record(path, **GIVEN).signal, SIGNAL)


def test_a_header_by_python_2(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 400L), }\n"
    path = tmp_path / "a.npy"
    path.write_bytes(
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + SIGNAL.tobytes()
    )
    np.testing.assert_array_equal(read_record(path, **GIVEN).signal, SIGNAL)


def test_a_shape_with_a_truth_value(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, True), }\n"
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(12))
    refused(path, r"has shape \(3, True\)", **GIVEN)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_zeros_need_no_unit(tmp_path, value):
    array = np.full((3, 400), value)
    np.testing.assert_array_equal(read_record(npy(tmp_path, array), **GIVEN).signal, array)


def test_npz_is_no_record(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, a=SIGNAL)
    path = tmp_path / "a.npy"
    path.write_bytes(buffer.getvalue())
    refused(path, "no .npy file", **GIVEN)


# .csv


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_with_names(tmp_path, separator, end):
    text = table(sep=separator, lineterminator=end)
    record = read_record(csv(tmp_path, text), fs=250)
    np.testing.assert_array_equal(record.signal, SIGNAL)
    assert record.leads == ("I", "aVR", "V2")


def test_csv_without_names(tmp_path):
    record = read_record(csv(tmp_path, table(header=False)), **GIVEN)
    np.testing.assert_array_equal(record.signal, SIGNAL)


def test_csv_with_a_byte_order_mark_and_quotes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + table(quoting=1).encode())
    np.testing.assert_array_equal(read_record(path, fs=250).signal, SIGNAL)


@pytest.mark.parametrize(("column", "scale"), [("time", 1), ("time_ms", 1000), ("Time (s)", 1)])
def test_csv_tells_its_rate_by_a_column_of_time(tmp_path, column, scale):
    frame = pd.DataFrame(SIGNAL.T, columns=LEADS)
    frame.insert(0, column, np.round(np.arange(400) / 360 * scale, 4))
    path = csv(tmp_path, frame.to_csv(index=False))
    record = read_record(path)
    assert record.fs == pytest.approx(360, rel=1e-3)
    np.testing.assert_array_equal(record.signal, SIGNAL)
    assert read_record(path, fs=360).fs == 360
    refused(path, "its times tell 360", fs=250)


@pytest.mark.parametrize("empty", ["", "NaN", "null", " "])
def test_missing_samples_of_csv(tmp_path, empty):
    text = table(header=True).splitlines()
    text[5] = f"1.5,{empty},2.5"
    signal = read_record(csv(tmp_path, "\n".join(text)), fs=250).signal
    assert np.argwhere(np.isnan(signal)).tolist() == [[1, 4]]
    assert signal[0, 4] == 1.5


@pytest.mark.parametrize(
    ("times", "problem"),
    [
        ([0, 1, 2, 3, 3, 4], "sample 4"),
        ([0, 1, 2, 4, 3, 5], "sample 3"),
        ([0, 1, 2, 3, 9, 10], "from 3 to 9 s .sample 4. time does not pass by 1 s"),
        ([5, 4, 3, 2, 1, 0], "do not rise"),
        ([0, 0, 0, 0, 0, 0], "do not rise"),
        ([0, 1, "", 3, 4, 5], "sample 2 has no time"),
    ],
)
def test_gaps_and_repeated_or_falling_times(tmp_path, times, problem):
    rows = [f"{time},0.{k}" for k, time in enumerate(times)]
    refused(csv(tmp_path, "\n".join(["time,II", *rows])), problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no first line"),
        ("\n\n", "no first line"),
        ("I,II\n", "holds no sample"),
        ("I,II\n1.5,2.5\n3.5,abc\n", "'abc' in column II, line 3, is no number"),
        ("I,II\n1.5,2.5\n3.5,=1+1\n", "'=1\\+1' in column II, line 3"),
        ("I,II\n1.5,2.5,3.5\n", "line 2 has 3 fields instead of 2"),
        ("I,II\n1.5,2.5\n1.5,2.5,3.5\n", "line 3 has 3 fields"),
        ("I,I\n1.5,2.5\n", "named more than once"),
        ("9" * 5000 + "A\nabc\n", "'abc' in column 9{40}, line 2, is no number"),
        ("I,II\n1.5,inf\n", "lead II is infinite at sample 0"),
        ("I,II\n1,2\n3,4\n", "tells no unit"),
        ("time,t,II\n0,0,1.5\n", "2 columns of time"),
        ("I,II\n\x00,1\n", "line 2 is no row of numbers"),
        (",".join(map(str, range(1000))) + "\n", "1000 columns"),
        ("I" * 200_000, "no first line"),
    ],
    ids=lambda text: text[:20],
)
def test_csv_refused(tmp_path, text, problem):
    refused(csv(tmp_path, text), problem, fs=250)


def test_a_short_row(tmp_path):
    refused(csv(tmp_path, "I,II\n1.5,2.5\n3.5\n"), "line 3 has 1 fields instead of 2", fs=250)


def test_an_empty_line_is_no_sample_to_skip(tmp_path):
    refused(csv(tmp_path, "II\n1.5\n\n3.5\n"), "line 3 is empty", fs=250)
    assert read_record(csv(tmp_path, "II\n1.5\n2.5\n\n\n"), fs=250).signal.tolist() == [[1.5, 2.5]]


def test_csv_in_another_encoding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"I,\xff\xfe\n1.5,2.5\n")
    refused(path, "no text in UTF-8", fs=250)


def test_names_that_were_given_differ_from_the_columns(tmp_path):
    refused(
        csv(tmp_path, table()),
        "its columns are I, aVR, V2, but others were given: I",
        fs=250,
        leads=["I"],
    )


# Side-cars


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is no JSON"),
        ("[]", "must be an object"),
        ("[" * 100_000, "is no JSON"),
        ('{"fs": "500"}', "positive number"),
        ('{"fs": true}', "positive number"),
        ('{"fs": NaN}', "positive number"),
        ('{"fs": 360}', "fs is 360, but 250 was given"),
        ('{"fs": 1' + "0" * 400 + "}", "positive number"),
        ('{"patient_id": {"a": 1}}', "patient_id must be a text or a number"),
        ('{"record_id": ["x"]}', "record_id must be a text or a number"),
        ('{"leads": "I"}', "leads"),
        ('{"unit": 3}', "unit must be"),
        (" " * 2_000_000, "larger than"),
    ],
    ids=lambda text: text[:20],
)
@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_wrong_side_cars(tmp_path, suffix, content, problem):
    path = npy(tmp_path, SIGNAL) if suffix == ".npy" else csv(tmp_path, table(header=False))
    path.with_suffix(".json").write_text(content)
    given = {} if "leads" in content else {"leads": LEADS}
    refused(path, problem, fs=250, **given)


def test_a_unit_in_another_spelling_is_no_contradiction(tmp_path):
    path = npy(tmp_path, SIGNAL, side={"unit": "MV"})
    np.testing.assert_array_equal(read_record(path, unit="mV", **GIVEN).signal, SIGNAL)
    refused(path, "unit is 'MV', but 'uV' was given", unit="uV", **GIVEN)


def test_a_patient_called_zero(tmp_path):
    assert read_record(npy(tmp_path, SIGNAL, side=GIVEN | {"patient_id": 0})).patient_id == "0"


@pytest.mark.parametrize(("age", "known"), [(300, False), (-1, False), (0, True), ("NaN", True)])
def test_ages(tmp_path, age, known):
    record = read_record(npy(tmp_path, SIGNAL, side=GIVEN | {"age": age}))
    kinds = [finding.kind for finding in record.quality]
    assert kinds == ([] if known else [FindingKind.IMPLAUSIBLE_AGE])
    assert record.annotations.get("age") == (0.0 if age == 0 else None)


def test_in_folders_tables_are_no_records(tmp_path):
    (tmp_path / "table.csv").write_text("ecg_id,age\n1,2\n")
    record = csv(tmp_path, table(), side={"fs": 250})
    array = npy(tmp_path, SIGNAL, name="b.npy")
    assert find_records([tmp_path]) == [record, array]
    assert find_records([tmp_path / "table.csv"]) == [tmp_path / "table.csv"]


@pytest.mark.parametrize("name", ["a.npy", "a.csv"])
def test_files_that_are_not_there(tmp_path, name):
    refused(tmp_path / name, "cannot be read", **GIVEN)
    (tmp_path / name).mkdir()
    refused(tmp_path / name, "not a file", **GIVEN)


def test_times_that_hardly_differ_do_not_overflow(tmp_path):
    """Found by the fuzzer: a rate beyond all numbers was a RuntimeWarning."""
    rows = "\n".join(f"{k}e-320,0.{k}" for k in range(9))
    refused(csv(tmp_path, f"time,II\n{rows}\n"), "no sampling rate of an ECG")
