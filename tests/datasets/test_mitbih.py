import os
import pickle
import warnings

import numpy as np
import pytest

from ecg_anomaly.datasets import _mitbih_beats, load_mitbih
from ecg_anomaly.datasets.mitbih import DS1, DS2, PACED, RECORDS
from ecg_anomaly.errors import DatasetError, ECGError, RecordFileError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb

FS = 360
N_TOTAL = 20 * FS
HALF = N_TOTAL // 2
LEADS = {"114": ("V5", "MLII"), "102": ("V5", "V2")}
COMMENTS = {"100": ["69 M 1085 1629 x1", "Aldomet, Inderal"], "101": ["-1 F 1 2 x1"]}
# one beat a second from 0.5 s on
SAMPLES = np.arange(20) * FS + FS // 2
SYMBOLS = {
    "100": "NNNNNANNNNNNNNNNNNNN",
    "101": "NNLRejNNaJSNNVEFfQNN",
    "102": "N/////////////////f/",
    "114": "NNNNNNNNNNNNNNNNNNNV",
    "201": "NNNNNNNNNNNNNNNNNNNN",
    "202": "NNVNNNNNNNNNNNNNNNNN",
}


def digital(name):
    """Return the samples of a record in units of a microvolt, in the order of its file."""
    seed = int(name)
    rng = np.random.default_rng(seed)
    noise = rng.integers(-20, 20, (2, N_TOTAL))
    for lead, height in ((0, 1000 + seed), (1, 2000 + seed)):
        for sample in SAMPLES:
            noise[lead, sample - 5 : sample + 6] += (height * np.hanning(11)).astype(int)
    return noise


def write_annotations(folder, name, sample, symbol, aux=None):
    aux = [""] * len(sample) if aux is None else aux
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wfdb.wrann(
            name, "atr", np.asarray(sample), list(symbol), aux_note=aux, write_dir=str(folder)
        )


def write(folder, write_record, name, symbols, extra=()):
    """Write a record with its beats, and other annotations (sample, code, text)."""
    leads = LEADS.get(name, ("MLII", "V1"))
    write_record(folder / name, digital(name), FS, leads, COMMENTS.get(name, ()))
    marks = [(int(s), c, "") for s, c in zip(SAMPLES, symbols, strict=True)]
    marks = sorted([(18, "+", "(N"), *marks, *extra])
    sample, symbol, aux = zip(*marks, strict=True)
    write_annotations(folder, name, sample, symbol, list(aux))


@pytest.fixture
def folder(tmp_path, write_record):
    for name, symbols in SYMBOLS.items():
        write(tmp_path, write_record, name, symbols)
    return tmp_path


def load(folder, **params):
    return load_mitbih(folder, **({"n_samples": 200} | params))


def test_the_published_division():
    assert len(DS1) == len(DS2) == 22
    assert len(RECORDS) == len(set(RECORDS)) == 48
    assert not set(DS1) & set(DS2) & set(PACED)
    assert "201" in DS1
    assert "202" in DS2


def test_classes_of_ec57(folder):
    dataset = load(folder)
    table = dataset.table
    beats = table[table["record"] == "101"]
    assert "".join(beats["symbol"]) == SYMBOLS["101"]
    assert "".join(beats["aami"]) == "NNNNNNNNSSSNNVVFQQNN"
    assert (dataset.y == np.where(table["aami"] == "N", 1, -1)).all()
    assert dataset.labels.columns.tolist() == ["N", "S", "V", "F", "Q"]
    assert (dataset.labels.idxmax(axis=1) == table["aami"]).all()
    assert len(dataset) == 5 * 20
    assert (table["time"] == table["sample"] / FS).all()
    assert set(table["rhythm"]) == {"N"}


def test_windows_lie_around_the_beats_by_lead_name(folder):
    dataset = load(folder, n_samples=201)
    assert dataset.X.shape == (100, 1, 201)
    assert dataset.X.leads == ("MLII",)
    assert dataset.fs == FS
    signals = dataset.X.load()[:, 0]
    assert (signals.argmax(axis=1) == 100).all()
    for name, row in (("100", 0), ("114", 1)):  # the second signal of 114 is MLII
        here = np.flatnonzero(dataset.table["record"] == name)
        expected = digital(name)[row, SAMPLES[3] - 100 : SAMPLES[3] + 101] / 1000
        np.testing.assert_allclose(signals[here[3]], expected, rtol=1e-6)


def test_any_order_of_rows_and_several_leads(folder):
    dataset = load(folder, leads=("V1", "MLII"))
    assert set(dataset.table["record"]) == {"100", "101", "201", "202"}
    assert dataset.excluded["records without lead(s) V1, MLII"] == 1
    everything = dataset.X.load()
    assert everything.shape == (80, 2, 200)
    rows = np.random.default_rng(0).permutation(80)
    np.testing.assert_array_equal(dataset.X[rows].load(), everything[rows])
    np.testing.assert_array_equal(dataset.X[79].signal, everything[79])
    np.testing.assert_array_equal(
        load(folder, leads=("V5",)).X.load()[0, 0],
        digital("114")[0, SAMPLES[0] - 100 : SAMPLES[0] + 100].astype(np.float32) / 1000,
    )


@pytest.mark.parametrize(
    ("split", "train", "test"),
    [
        ("inter-patient", {"101", "114", "201"}, {"100", "202"}),
        ("inter-patient-strict", {"101", "114", "201", "202"}, {"100"}),
        ("intra-patient", {"100", "101", "114", "201", "202"}, {"100", "101", "114", "201", "202"}),
    ],
)
def test_splits(folder, split, train, test):
    whole = load(folder, split=split)
    for subset, expected in (("train", train), ("test", test)):
        part = load(folder, split=split, subset=subset)
        assert set(part.table["record"]) == expected
        assert set(part.table["subset"]) == {subset}
        same = whole[(whole.table["subset"] == subset).to_numpy()]
        assert part.X.record_ids.tolist() == same.X.record_ids.tolist()
        np.testing.assert_array_equal(part.X.load(), same.X.load())
    if split == "inter-patient-strict":
        groups = [set(load(folder, split=split, subset=s).groups) for s in ("train", "test")]
        assert not groups[0] & groups[1]


def test_halves_of_a_record_share_no_sample(folder):
    n_samples = 720
    dataset = load(folder, split="intra-patient", n_samples=n_samples)
    start = dataset.table["sample"] - n_samples // 2
    stop = start + n_samples
    train = (dataset.table["subset"] == "train").to_numpy()
    assert (stop[train] <= HALF).all()
    assert (start[~train] >= HALF).all()
    assert dataset.excluded["beats whose window crosses the middle"] == 2 * 5
    assert len(dataset) == 5 * (20 - 2 - 2)


def test_201_and_202_are_one_patient(folder):
    dataset = load(folder)
    by_record = dict(zip(dataset.table["record"], dataset.groups, strict=True))
    assert by_record == {"100": "100", "101": "101", "114": "114", "201": "201", "202": "201"}
    np.testing.assert_array_equal(dataset.X.patient_ids, dataset.groups)


def test_age_and_sex_come_from_the_header(folder):
    table = load(folder).table.groupby("record")[["age", "sex"]].first()
    assert table.loc["100"].tolist() == [69.0, 0.0]
    assert np.isnan(table.loc["101", "age"])
    assert table.loc["101", "sex"] == 1.0
    assert table.loc["114"].isna().all()


def test_paced_records_only_on_demand(folder):
    dataset = load(folder)
    assert "102" not in set(dataset.table["record"])
    assert dataset.excluded["records of patients with pacemakers"] == 1
    # 102 has no MLII either
    assert load(folder, paced=True).excluded["records without lead(s) MLII"] == 1
    paced = load(folder, paced=True, leads=("V5",), subset="test")
    assert "".join(paced.table["symbol"]) == SYMBOLS["102"]
    assert paced.table["aami"].tolist() == ["N"] + ["Q"] * 19


def test_bundle_branch_block_by_choice(folder):
    normal, abnormal = load(folder), load(folder, bundle_branch_block="abnormal")
    changed = normal.y != abnormal.y
    assert changed.sum() == 2
    assert set(normal.table["symbol"][changed]) == {"L", "R"}
    assert (normal.labels == abnormal.labels).all(axis=None)
    assert "without bundle branch block" in abnormal.label_rule


def test_neighbours_that_are_abnormal(folder):
    for n_samples, reach in ((200, 0), (800, 1), (1500, 2)):
        table = load(folder, n_samples=n_samples).table
        for name, symbols in SYMBOLS.items():
            beats = table[table["record"] == name]
            expected = []
            for sample in beats["sample"]:
                k = SAMPLES.tolist().index(sample)
                around = symbols[max(0, k - reach) : k] + symbols[k + 1 : k + 1 + reach]
                expected.append(bool(set(around) & set("AaJSVEFfQ")))
            assert beats["abnormal_neighbour"].tolist() == expected
    # beyond the beats that are taken: the last V of 114 is too near to the end
    table = load(folder, n_samples=800).table
    assert table.query("record == '114'")["abnormal_neighbour"].tolist()[-1]
    table = load(folder, n_samples=800, bundle_branch_block="abnormal").table
    assert table.query("record == '101'")["abnormal_neighbour"].tolist()[0]


def test_windows_beyond_the_record_are_counted(folder):
    dataset = load(folder, n_samples=720)
    assert dataset.excluded["beats too near to an end of the record"] == 5 * 2
    assert len(dataset) == 5 * 18
    with pytest.raises(DatasetError, match="no beat is left"):
        load(folder, n_samples=N_TOTAL + 1)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("marked_by", ["brackets", "rhythm", "both"])
def test_ventricular_flutter(folder, write_record, closed, marked_by):
    at = {k: int(SAMPLES[k]) for k in range(20)}
    extra = []
    if marked_by != "rhythm":
        extra += [(at[3] - 50, "]", ""), (at[14] - 50, "[", "")]  # the first closes nothing
        extra += [(at[16] + 50, "]", "")] if closed else []
    if marked_by != "brackets":
        extra += [(at[14] - 40, "+", "(VFL")]
        extra += [(at[16] + 60, "+", "(N")] if closed else []
    write(folder, write_record, "207", "NNNNNNNNNNNNNN!V!NNN", extra)
    n_inside = 3 if closed else 6
    reason = "beats and waves in ventricular flutter or fibrillation"
    dataset = load(folder)
    beats = dataset.table[dataset.table["record"] == "207"]
    assert "".join(beats["symbol"]) == "NNNNNNNNNNNNNN" + ("NNN" if closed else "")
    assert dataset.excluded[reason] == n_inside
    near = load(folder, n_samples=800).table.query("record == '207'")
    assert near.set_index("sample").loc[at[13], "abnormal_neighbour"]
    taken = load(folder, fibrillation=True)
    beats = taken.table[taken.table["record"] == "207"]
    assert beats["aami"].tolist()[13:17] == ["N", "VF", "V", "VF"]
    assert taken.labels["VF"].sum() == 2
    assert (taken.y[taken.table["aami"] == "VF"] == -1).all()
    assert reason not in taken.excluded
    assert set(beats["rhythm"]) == ({"N"} if marked_by == "brackets" else {"N", "VFL"})


@pytest.fixture
def with_artefacts(folder, write_record):
    """Record 100 with a spike that is no beat, and an annotated beat that is not to be seen."""
    samples = digital("100")
    samples[0, SAMPLES[9] - 8 : SAMPLES[9] + 9] = 0
    write_record(folder / "100", samples, FS, ("MLII", "V1"))
    symbols = SYMBOLS["100"][:12] + SYMBOLS["100"][13:]
    write_annotations(folder, "100", np.delete(SAMPLES, 12), symbols)
    return folder


def test_detected_peaks(with_artefacts):
    dataset = load(with_artefacts, r_peaks="detected", subset="test")
    beats = dataset.table[dataset.table["record"] == "100"]
    assert np.isin(np.round(beats["sample"] / FS - 0.5), np.delete(np.arange(20), [9, 12])).all()
    assert len(beats) >= 17
    assert dataset.excluded["detections that no annotated beat meets"] >= 1
    assert dataset.excluded["beats of class N that no detection meets"] >= 1
    nearest = np.rint((beats["sample"] - FS // 2) / FS).astype(int)
    assert (np.abs(beats["sample"] - SAMPLES[nearest]) <= 0.15 * FS).all()
    # each takes the label of the beat that it meets
    expected = [SYMBOLS["100"][k] for k in nearest]
    assert beats["symbol"].tolist() == expected
    assert "A" in expected
    assert "detected R peaks" in dataset.label_rule
    n_annotated = 19 + 20
    n_left = sum(count for reason, count in dataset.excluded.items() if reason.startswith("beats"))
    assert len(dataset) + n_left == n_annotated


@pytest.mark.parametrize(("distance", "met"), [(54, True), (-54, True), (55, False), (-55, False)])
def test_a_peak_meets_a_beat_within_150_ms(folder, monkeypatch, distance, met):
    found = SAMPLES.copy()
    found[9] += distance  # 54 samples are 150 ms
    monkeypatch.setattr(_mitbih_beats, "find_r_peaks", lambda signal, fs: found)
    dataset = load(folder, r_peaks="detected")
    there = (dataset.table["sample"] == found[9]).groupby(dataset.table["record"]).any()
    assert there.tolist() == [met] * 5
    assert len(dataset) == 100 - (0 if met else 5)
    unmet = {reason: n for reason, n in dataset.excluded.items() if "meets" in reason}
    assert unmet == ({} if met else {
        "detections that no annotated beat meets": 5,
        "beats of class N that no detection meets": 4,
        "beats of class S that no detection meets": 1,
    })  # fmt: skip


def test_flutter_waves_need_no_detection(folder, write_record):
    extra = [(int(SAMPLES[14]) - 50, "[", ""), (int(SAMPLES[16]) + 50, "]", "")]
    write(folder, write_record, "207", "NNNNNNNNNNNNNN!!!NNN", extra)
    plain = load(folder, r_peaks="detected", subset="train")
    assert plain.excluded["beats and waves in ventricular flutter or fibrillation"] == 3
    assert not plain.excluded.get("detections that no annotated beat meets")
    taken = load(folder, r_peaks="detected", subset="train", fibrillation=True)
    assert taken.labels["VF"].sum() == 3


def test_missing_records_are_counted(folder):
    assert load(folder).excluded["records that the folder lacks"] == 44 - 5
    assert load(folder, paced=True).excluded["records that the folder lacks"] == 48 - 6
    assert load(folder, subset="train").excluded["records that the folder lacks"] == 22 - 3


def test_records_are_pickled_without_signals(folder):
    dataset = load(folder)
    before = len(pickle.dumps(dataset.X))
    expected = dataset.X.load()
    data = pickle.dumps(dataset.X)
    assert len(data) == before
    np.testing.assert_array_equal(pickle.loads(data).load(), expected)


def test_a_record_is_read_once(folder, monkeypatch):
    from ecg_anomaly.datasets import _beat_windows

    read = []
    original = _beat_windows.read_record
    monkeypatch.setattr(
        _beat_windows, "read_record", lambda path: read.append(path.name) or original(path)
    )
    dataset = load(folder)
    assert read == []
    for _ in range(3):
        dataset.X[np.random.default_rng(0).permutation(len(dataset))].load()
    assert sorted(read) == ["100", "101", "114", "201", "202"]
    monkeypatch.setattr(_beat_windows, "_CACHE_BYTES", 2 * N_TOTAL * 4)
    records = load(folder).X._source.records
    for name in ("100", "101", "114", "101"):
        records.signal(name)
    assert list(records._cache) == ["114", "101"]


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"split": "random"}, "split must be one of"),
        ({"subset": "dev"}, "subset must be one of"),
        ({"r_peaks": "both"}, "r_peaks must be one of"),
        ({"bundle_branch_block": True}, "bundle_branch_block must be one of"),
        ({"n_samples": 0}, "n_samples must be a whole number"),
        ({"n_samples": 2.5}, "n_samples must be"),
        ({"leads": "MLII"}, "leads: leads must be a sequence of names"),
        ({"leads": ()}, "at least one lead"),
        ({"leads": ("MLII", "MLII")}, "named more than once"),
        (
            {"leads": ("V9",)},
            r"no beat is left \(.*5 records without lead\(s\) V9.*other leads",
        ),
    ],
)
def test_parameters(folder, params, problem):
    with pytest.raises(DatasetError, match=problem):
        load(folder, **params)


def test_missing_folder(tmp_path):
    with pytest.raises(DatasetError, match="holds none of the 48 records"):
        load(tmp_path / "none")


def test_a_folder_that_may_not_be_looked_into(folder, monkeypatch):
    def stat(path, *args, **kwargs):
        if str(path).startswith(str(folder)):
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, *args, **kwargs)

    original = os.stat
    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(DatasetError, match=rf"^{folder} cannot be read \(Permission denied\)"):
        load(folder)


def test_missing_annotations(folder):
    (folder / "101.atr").unlink()
    assert len(load(folder, subset="test")) == 40
    with pytest.raises(RecordFileError, match=r"101\.atr"):
        load(folder)


def test_annotations_beyond_the_record(folder):
    write_annotations(folder, "101", [100, N_TOTAL], "NN")
    with pytest.raises(DatasetError, match=rf"101\.atr: an annotation at sample {N_TOTAL}"):
        load(folder)


def test_beats_of_other_databases(folder):
    write_annotations(folder, "101", [100, 500], "Nn")
    with pytest.raises(DatasetError, match=r"101\.atr: a beat of code 'n' at sample 500"):
        load(folder)


def test_a_record_of_another_rate(folder, write_record):
    write_record(folder / "101", digital("101"), 250, ("MLII", "V1"))
    with pytest.raises(DatasetError, match=r"101\.hea: 250 Hz where .* 360"):
        load(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0",
        b"101 2 360\n",
        b"101 2 nan 10\n",
        b"#x\n",
        b"101 1000000 360 7200\n",
        b"101/3 2 360 -5\na 1\nb 2\n",
        b"101 2 360 " + b"9" * 200_000,
        b"101 2 360 7200" + b" " * 2_000_000,
    ],
    ids=lambda content: repr(content[:20]),
)
def test_damaged_headers(folder, content):
    (folder / "101.hea").write_bytes(content)
    with pytest.raises(DatasetError, match=r"101\.hea") as error:
        load(folder)
    assert isinstance(error.value, ECGError)
    assert len(str(error.value)) < 400


def test_a_truncated_signal_is_told_when_it_is_read(folder):
    path = folder / "101.dat"
    path.write_bytes(path.read_bytes()[:-100])
    dataset = load(folder)
    with pytest.raises(RecordFileError, match="101"):
        dataset.X.load()
