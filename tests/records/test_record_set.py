import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, train_test_split

from ecg_anomaly.errors import ECGError, RecordFileError, SignalError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.leads import STANDARD_LEADS
from ecg_anomaly.quality import QualityGate, assess
from ecg_anomaly.records import (
    BATCH_SIZE,
    Record,
    RecordSet,
    RecordSignalError,
)
from ecg_anomaly.signal.checks import check_rate


class FileSource:
    """A source that is a path, as the readers' are."""

    def __init__(self, path, shape):
        self.path, self.shape = path, shape

    def read(self, rows):
        return np.load(self.path, mmap_mode="r")[rows]


def signals(n=20, n_leads=12, n_samples=50):
    return np.random.default_rng(0).normal(size=(n, n_leads, n_samples)).astype(np.float32)


class Files:
    """A source of which some rows cannot be read; counts what is asked for."""

    def __init__(self, x, broken=(), error=None):
        self.x, self.shape, self.broken = x, x.shape, set(broken)
        self.error = error or RecordFileError("is torn; download it again.")
        self.asked = []

    def read(self, rows):
        self.asked.append(len(rows))
        if self.broken & set(rows.tolist()):
            raise self.error
        return self.x[rows]


def double(batch):
    return batch * 2


def first_half(batch):
    return batch[..., : batch.shape[-1] // 2]


def complain(batch):
    bad = np.flatnonzero(batch[:, 0, 0] > 90)
    if len(bad):
        raise RecordSignalError("too loud; turn it down.", row=int(bad[0]))
    return batch


@pytest.mark.parametrize("fs", [0, -500, np.nan, np.inf, None, "x", [1]])
def test_rates_that_are_none(fs):
    with pytest.raises(SignalError, match="rate must be a positive number"):
        check_rate(fs, "rate")


class TestRecordSet:
    def test_shape_and_load(self):
        x = signals()
        records = RecordSet(x, fs=500)
        assert (records.shape, records.ndim, records.dtype) == (x.shape, 3, np.float32)
        assert len(records) == 20
        assert repr(records) == "<RecordSet of 20 records, 12 leads, 50 samples, 500 Hz>"
        np.testing.assert_array_equal(records.load(), x)
        np.testing.assert_array_equal(np.asarray(records), x)
        assert np.asarray(records, dtype=np.float64).dtype == np.float64

    @pytest.mark.parametrize(
        "key", [slice(3, 9, 2), [4, 1, 1], np.arange(20) % 3 == 0, np.array([-1, 0]), slice(0)]
    )
    def test_indexing(self, key):
        x = signals()
        ids = np.array([f"r{k}" for k in range(20)])
        records = RecordSet(x, record_ids=ids, patient_ids=np.arange(20) // 2)
        for index in (key, (key, Ellipsis)):
            part = records[index]
            assert isinstance(part, RecordSet)
            np.testing.assert_array_equal(part.load(), x[key])
            np.testing.assert_array_equal(part.record_ids, ids[key])
            np.testing.assert_array_equal(part.patient_ids, (np.arange(20) // 2)[key])
        np.testing.assert_array_equal(records[5:][[1, 0]].load(), x[5:][[1, 0]])

    def test_one_record(self):
        x = signals()
        table = pd.DataFrame({"age": range(20)}, index=[f"i{k}" for k in range(20)])
        records = RecordSet(x, fs=250, record_ids=range(100, 120), table=table)
        for record in (records[3], records[np.int64(3)], records[3, ...], records[-17]):
            assert isinstance(record, Record)
            np.testing.assert_array_equal(record.signal, x[3])
            assert (record.fs, record.leads, record.record_id) == (250, STANDARD_LEADS, "103")
            assert record.annotations == {"age": 3}
        with pytest.raises(IndexError):
            records[20]
        with pytest.raises(IndexError, match="by records only"):
            records[0, 1]
        with pytest.raises(IndexError, match="flat list"):
            records[[[0, 1]]]

    def test_iteration_and_batches(self):
        x = signals(BATCH_SIZE + 3, 2, 4)
        records = RecordSet(x)[::-1]
        assert [len(batch) for batch in records.batches()] == [BATCH_SIZE, 3]
        np.testing.assert_array_equal(np.concatenate([*records.batches(100)]), x[::-1])
        found = [*records]
        assert [int(record.record_id) for record in found] == [*range(len(x))][::-1]
        np.testing.assert_array_equal(found[0].signal, x[-1])

    def test_splitters(self):
        x = signals()
        y = np.array([1, -1] * 10)
        table = pd.DataFrame({"row": range(20)})
        records = RecordSet(x, patient_ids=np.arange(20) // 2, table=table)
        train, test, _, y_test = train_test_split(records, y, random_state=0, stratify=y)
        assert isinstance(train, RecordSet)
        rows = test.table["row"].to_numpy()
        np.testing.assert_array_equal(test.load(), x[rows])
        np.testing.assert_array_equal(y_test, y[rows])
        for _, held_out in KFold(4).split(records):
            np.testing.assert_array_equal(records[held_out].load(), x[held_out])
        for fit, held_out in GroupKFold(5).split(records, groups=records.patient_ids):
            assert not set(records[fit].patient_ids) & set(records[held_out].patient_ids)

    def test_map_is_lazy_and_leaves_the_original(self):
        x = signals()
        records = RecordSet(x, fs=100)
        mapped = records.map(double).map(first_half, n_samples=25, fs=50)
        assert (mapped.shape, mapped.fs) == ((20, 12, 25), 50)
        np.testing.assert_array_equal(mapped[[7]].load(), 2 * x[[7], :, :25])
        assert (records.shape, records.fs) == ((20, 12, 50), 100)
        np.testing.assert_array_equal(records.load(), x)
        renamed = records.map(lambda batch: batch[:, :2], leads=["V1", "avr"])
        assert (renamed.leads, renamed.shape) == (("V1", "aVR"), (20, 2, 50))

    def test_a_step_must_keep_its_word(self):
        with pytest.raises(SignalError, match=r"\(12, 25\) where \(12, 50\) was declared"):
            RecordSet(signals()).map(first_half).load()

    def test_errors_of_steps_name_the_record(self):
        x = signals(600, 2, 4)
        x[431, 0, 0] = 99
        records = RecordSet(x, record_ids=[f"ecg{k}" for k in range(600)]).map(double).map(complain)
        with pytest.raises(SignalError, match="record 'ecg431': too loud"):
            records[400:].load()
        error = RecordSignalError("loud", row=3, record_id="a")
        assert str(pickle.loads(pickle.dumps(error))) == str(error) == "record 'a': loud"

    def test_steps_see_float32(self):
        class Integers:
            shape = (2, 1, 3)

            def read(self, rows):
                return np.ones((len(rows), 1, 3), ">i2")

        seen = []
        RecordSet(Integers()).map(lambda batch: (seen.append(batch.dtype), batch)[1]).load()
        assert seen == [np.float32]

    def test_a_pickle_holds_its_own_records_only(self):
        x = np.random.default_rng(0).normal(size=(200, 2, 50)).astype(np.float32)
        table = pd.DataFrame({"age": np.arange(200)})
        names = [f"r{k}" for k in range(200)]
        records = RecordSet(x, record_ids=names, patient_ids=names[::-1], table=table)
        some = records.map(np.negative)[[7, 3, 7]]
        data = pickle.dumps(some)
        assert len(data) < 5000 < x.nbytes
        again = pickle.loads(data)
        np.testing.assert_array_equal(again.load(), -x[[7, 3, 7]])
        assert again.record_ids.tolist() == ["r7", "r3", "r7"]
        assert again.patient_ids.tolist() == ["r192", "r196", "r192"]
        assert again.table["age"].tolist() == [7, 3, 7]
        assert [record.annotations["age"] for record in again[1:]] == [3, 7]
        np.testing.assert_array_equal(some.load(), again.load())

    def test_file_backed_sets_pickle_small(self, tmp_path):
        x = signals(200)
        np.save(tmp_path / "x.npy", x)
        records = RecordSet(FileSource(tmp_path / "x.npy", x.shape)).map(double)[50:]
        data = pickle.dumps(records)
        assert len(data) < 10_000 < x.nbytes
        np.testing.assert_array_equal(pickle.loads(data).load(), 2 * x[50:])

    def test_an_error_is_known_by_its_public_name(self):
        assert RecordSignalError.__module__ == "ecg_anomaly.records"

    def test_arrays_are_not_copied(self):
        x = signals()
        records = RecordSet(x)
        x[3] = 7
        assert (records[3].signal == 7).all()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"signals": np.zeros((3, 4))}, "real array of shape"),
            ({"signals": np.zeros((3, 4, 5), complex)}, "real array of shape"),
            ({"signals": np.zeros((3, 4, 5), object)}, "real array of shape"),
            ({"fs": -1}, "fs must be"),
            ({"leads": ["I", "II"]}, "4 leads, but 2 names"),
            ({"record_ids": [1, 2]}, "record_ids has 2 rows for 3"),
            ({"patient_ids": [1, 2]}, "patient_ids has 2 rows for 3"),
            ({"table": pd.DataFrame({"a": [1]})}, "table has 1 rows for 3"),
        ],
    )
    def test_what_does_not_fit(self, arguments, message):
        with pytest.raises(SignalError, match=message):
            RecordSet(**{"signals": np.zeros((3, 4, 5)), **arguments})

    @pytest.mark.parametrize(
        ("patients", "expected"),
        [
            ([1.0, np.nan, 1.0, np.nan], ["1.0", "b", "1.0", "row 3"]),
            ([None, None, "x", ""], ["row 0", "b", "x", "row 3"]),
            (["b", "", "b", np.nan], ["b", "row 1", "b", "row 3"]),
            (pd.Series([7, None, 7, None], dtype="Int64"), ["7", "b", "7", "row 3"]),
        ],
        ids=["float", "object", "repeated", "pandas"],
    )
    def test_a_missing_patient_is_nobody_else(self, patients, expected):
        ids = ["a", "b", "c", ""] if patients[0] is not None else ["", "b", "c", ""]
        records = RecordSet(signals(4), record_ids=ids, patient_ids=patients)
        assert records.patient_ids.tolist() == expected

    def test_whole_patient_ids_stay(self):
        records = RecordSet(signals(3), patient_ids=[1.0, 2.0, 1.0])
        assert records.patient_ids.tolist() == [1.0, 2.0, 1.0]
        assert RecordSet(signals(2), patient_ids=["a", "a"]).patient_ids.tolist() == ["a", "a"]

    def test_an_empty_set(self):
        assert RecordSet().shape == (0, 12, 0)
        assert RecordSet().load().shape == (0, 12, 0)
        assert [*RecordSet()] == []


class TestEach:
    """A record that cannot be read costs no other."""

    N = 2 * BATCH_SIZE + 5

    def test_a_broken_record_among_many(self):
        x = signals(self.N, 2, 4)
        source = Files(x, broken=[300, 301])
        table = pd.DataFrame({"age": range(self.N), "sex": ["f"] * self.N})
        ids = [f"ecg{k}" for k in range(self.N)]
        found = [*RecordSet(source, record_ids=ids, table=table).map(double).each()]
        assert [k for k, item in enumerate(found) if isinstance(item, ECGError)] == [300, 301]
        assert type(found[301]) is RecordFileError
        assert str(found[301]) == "record 'ecg301': is torn; download it again."
        for k in (0, 255, 256, 299, 302, self.N - 1):
            np.testing.assert_array_equal(found[k].signal, 2 * x[k])
            assert found[k].record_id == f"ecg{k}"
            assert found[k].annotations == {"age": k, "sex": "f"}
        # whole batches, and one by one only where a batch failed
        assert source.asked == [BATCH_SIZE, BATCH_SIZE, *[1] * BATCH_SIZE, 5]

    def test_in_the_order_of_the_set(self):
        x = signals(6, 2, 4)
        records = RecordSet(Files(x, broken=[4]), record_ids=list("abcdef"))[[5, 4, 0, 4]]
        f, e, a, again = records.each()
        assert (f.record_id, a.record_id) == ("f", "a")
        assert str(e) == str(again) == "record 'e': is torn; download it again."

    def test_indexing_names_the_record(self):
        records = RecordSet(Files(signals(3), broken=[1]), record_ids=["a", "b", "c"])
        with pytest.raises(RecordFileError, match=r"^record 'b': is torn; download it again\.$"):
            records[1]
        np.testing.assert_array_equal(records[2].signal, signals(3)[2])

    def test_iteration_gives_all_before_it(self):
        records = RecordSet(Files(signals(3), broken=[1]), record_ids=["a", "b", "c"])
        walk = iter(records)
        assert next(walk).record_id == "a"
        with pytest.raises(RecordFileError, match=r"^record 'b': is torn"):
            next(walk)

    def test_errors_of_the_system_are_ours(self):
        gone = FileNotFoundError(2, "No such file or directory", "x.npy")
        records = RecordSet(Files(signals(3), broken=[1], error=gone), record_ids=["a", "b", "c"])
        _, error, _ = records.each()
        assert isinstance(error, RecordFileError)
        assert str(error).startswith("record 'b': signals cannot be read ([Errno 2] No such file")
        assert "check the files" in str(error)
        with pytest.raises(RecordFileError, match=r"x\.npy"):
            records.load()

    def test_other_errors_are_not_hidden(self):
        records = RecordSet(Files(signals(3), broken=[1], error=KeyError("bug")))
        with pytest.raises(KeyError):
            [*records.each()]

    def test_a_step_that_refuses_one(self):
        x = signals(4, 2, 4)
        x[2, 0, 0] = 99
        found = [*RecordSet(x, record_ids=list("abcd")).map(complain).each()]
        assert str(found[2]) == "record 'c': too loud; turn it down."
        assert [isinstance(item, Record) for item in found] == [True, True, False, True]

    def test_a_source_that_refuses_one(self):
        error = RecordSignalError("is empty.", row=0)
        found = [
            *RecordSet(Files(signals(2), broken=[1], error=error), record_ids=["a", "b"]).each()
        ]
        assert str(found[1]) == "record 'b': is empty."

    def test_a_source_that_gives_something_else(self):
        class Short(Files):
            def read(self, rows):
                return self.x[rows][..., :-1]

        (error,) = RecordSet(Short(signals(1)), record_ids=["a"]).map(double).each()
        assert str(error).startswith("record 'a': the source gave signals of shape (1, 12, 49)")

    def test_long_records_are_read_few_at_a_time(self):
        source = Files(np.broadcast_to(np.float32(0), (6, 12, 1_000_000)))
        records = RecordSet(source)
        next(records.each())
        assert source.asked == [2]  # 48 MB each

    def test_none(self):
        assert [*RecordSet().each()] == []


class TestFromRecords:
    def test_what_it_keeps(self):
        x = signals(3, 2)
        records = [
            Record(x[k], 250, ["I", "II"], record_id=f"r{k}", patient_id=f"p{k}") for k in range(3)
        ]
        result = RecordSet.from_records(iter(records))
        np.testing.assert_array_equal(result.load(), x)
        assert (result.fs, result.leads) == (250, ("I", "II"))
        assert result.record_ids.tolist() == ["r0", "r1", "r2"]
        assert result.patient_ids.tolist() == ["p0", "p1", "p2"]

    def test_records_without_a_patient_are_not_of_one_patient(self):
        x = signals(4)
        records = RecordSet.from_records(
            [Record(part, record_id=name) for part, name in zip(x, "aabc", strict=True)]
        )
        assert records.patient_ids.tolist() == ["row 0", "row 1", "b", "c"]
        nameless = RecordSet.from_records([Record(part) for part in x])
        assert len(set(nameless.patient_ids)) == 4
        assert nameless[0].patient_id == "row 0"

    def test_annotations_come_back(self):
        x = signals(3, 2)
        given = [
            {"age": 5, "sex": "m", "paced": True},
            {"age": np.float32(61.5), "sex": "f", 7: None},
            {"when": pd.Timestamp("2150-01-01 08:30")},
        ]
        whole = RecordSet.from_records(
            [Record(part, annotations=known) for part, known in zip(x, given, strict=True)]
        )
        assert list(whole.table) == ["age", "sex", "paced", "7", "when"]
        for records in (whole, whole[[2, 0, 1]][[1, 2, 0]]):
            for read in ([*records], [records[k] for k in range(3)]):
                for record, known in zip(read, given, strict=True):
                    for name in records.table:
                        found = record.annotations[name]
                        assert found == known[name] if name in known else pd.isna(found)
            assert [records[0].age, records[1].age] == [5.0, 61.5]
            assert np.isnan(records[2].age)

    def test_whole_numbers_stay_whole(self):
        records = [Record(np.zeros((1, 5)), annotations={"age": age}) for age in (5, 70)]
        assert RecordSet.from_records(records).table["age"].tolist() == [5, 70]
        assert RecordSet.from_records(records).table["age"].dtype.kind == "i"

    def test_what_is_no_single_value_is_not_carried(self):
        beats = {"beats": np.arange(4), "dx": ["AF"], "scp_codes": {"NORM": 100}}
        record = Record(np.zeros((1, 5)), annotations=beats)
        assert RecordSet.from_records([record]).table is None
        other = Record(np.zeros((1, 5)), annotations=beats | {"age": 3})
        assert RecordSet.from_records([record, other])[1].annotations == {"age": 3}

    def test_without_annotations_there_is_no_table(self):
        assert RecordSet.from_records([Record(np.zeros((1, 5)))]).table is None

    def test_the_gate_sees_the_age_of_a_child(self):
        given = [Record(signals(1, 12, 1000)[0], annotations={"age": age}) for age in (40, 5)]
        records = RecordSet.from_records(given)
        kinds = [{found.kind for found in assess(record).findings} for record in records]
        assert [FindingKind.POPULATION in found for found in kinds] == [False, True]
        ages = records.table["age"]  # what GatedDetector reads
        together = QualityGate().assess_batch(records.load(), records.fs, records.leads, ages)
        assert [{found.kind for found in item.findings} for item in together] == kinds

    @pytest.mark.parametrize(
        ("other", "message"),
        [
            (Record(np.zeros((2, 5)), 500, record_id="b"), "'b' has fs=500.0.*resample"),
            (Record(np.zeros((2, 5)), 100, ["I", "II"], record_id="b"), "'b' has leads="),
            (Record(np.zeros((2, 6)), 100, record_id="b"), "'b' has 6 samples.*crop or pad"),
        ],
    )
    def test_the_odd_one_is_named(self, other, message):
        with pytest.raises(SignalError, match=message):
            RecordSet.from_records([Record(np.zeros((2, 5)), record_id="a"), other])

    def test_none(self):
        with pytest.raises(SignalError, match="at least one record"):
            RecordSet.from_records([])
