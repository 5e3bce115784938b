import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold

from ecg_anomaly.datasets import load_ecg200, load_ecg5000
from ecg_anomaly.datasets._ucr_files import read_split
from ecg_anomaly.errors import DatasetError, ECGError
from ecg_anomaly.model_selection import split_holdout

LABELS = {"TRAIN": [1, -1, 1, 1], "TEST": [-1, 1, 1]}


def rows(n, n_samples, seed):
    x = np.random.default_rng(seed).normal(size=(n, n_samples)).astype(np.float32)
    return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)


VALUES = {split: rows(len(labels), 96, k) for k, (split, labels) in enumerate(LABELS.items())}


def text(split, kind):
    """Return a split as the archive and its mirrors write it."""
    labels, values = LABELS[split], VALUES[split]
    fields = [[f"{v:.9e}" for v in row] for row in values]
    pairs = list(zip(labels, fields, strict=True))
    if kind == ".ts":
        head = "#A comment, with a:colon\n@problemName ECG200\n@classLabel true -1 1\n@data\n"
        return head + "".join(f"{','.join(f)}:{label}\n" for label, f in pairs)
    if kind == ".arff":
        head = (
            "%A comment\n@relation ECG200\n@attribute a numeric\n@attribute target {-1,1}\n@DATA\n"
        )
        return head + "".join(f"{','.join(f)},'{label}'\n" for label, f in pairs)
    if kind == ".txt":  # Matlab's form
        return "".join(f"  {label:.7e}   {'   '.join(f)}\n" for label, f in pairs) + "\n"
    separator = "\t" if kind == ".tsv" else ","
    return "".join(separator.join([str(label), *f]) + "\n" for label, f in pairs)


def write(folder, kind=".txt"):
    for split in LABELS:
        (folder / f"ECG200_{split}{kind}").write_text(text(split, kind))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path)


@pytest.mark.parametrize("kind", [".txt", ".tsv", ".csv", ".ts", ".arff", ""])
def test_every_format_gives_the_same(tmp_path, kind):
    dataset = load_ecg200(write(tmp_path, kind))
    assert dataset.X.shape == (7, 1, 96)
    np.testing.assert_array_equal(
        dataset.X.load()[:, 0], np.concatenate([VALUES["TRAIN"], VALUES["TEST"]])
    )
    assert dataset.y.tolist() == [1, -1, 1, 1, -1, 1, 1]
    assert dataset.table["split"].tolist() == ["train"] * 4 + ["test"] * 3
    assert dataset.labels["myocardial infarction"].tolist() == (dataset.y == -1).tolist()
    assert dataset.excluded == {"rows that the archive has and the file lacks": 193}


def test_a_folder_that_may_not_be_looked_into(folder, monkeypatch):
    def stat(path, *args, **kwargs):
        if str(path).startswith(str(folder)):
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, *args, **kwargs)

    original = os.stat
    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(DatasetError, match=rf"^{folder} cannot be read \(Permission denied\)"):
        load_ecg200(folder)


@pytest.mark.parametrize("split", ["train", "test"])
def test_one_split(folder, split):
    dataset = load_ecg200(str(folder), split=split)
    np.testing.assert_array_equal(dataset.X.load()[:, 0], VALUES[split.upper()])
    assert dataset.y.tolist() == LABELS[split.upper()]
    assert dataset.X.record_ids[0] == f"{split}/1"


def test_the_unit_is_told(folder):
    dataset = load_ecg200(folder)
    assert "not mV" in dataset.label_rule
    assert set(dataset.table["unit"]) == {"standard deviations of the row"}
    assert dataset.X[0].annotations["unit"] == "standard deviations of the row"
    assert dataset.X.leads == ("ECG",)


def test_rows_of_unknown_patients_are_groups_of_their_own(folder):
    assert len(set(load_ecg200(folder).groups)) == 7


@pytest.fixture
def ecg5000(tmp_path):
    values = rows(12, 140, 3)
    labels = [1, 2, 3, 4, 5, 1] * 2
    for split, part in (("TRAIN", slice(0, 6)), ("TEST", slice(6, 12))):
        lines = [
            " ".join([str(label), *(f"{v:.7g}" for v in row)])
            for label, row in zip(labels[part], values[part], strict=True)
        ]
        (tmp_path / f"ECG5000_{split}.txt").write_text("\n".join(lines))
    return tmp_path


def test_ecg5000(ecg5000):
    dataset = load_ecg5000(ecg5000)
    assert dataset.X.shape == (12, 1, 140)
    assert dataset.fs == 180
    assert dataset.y.tolist() == [1, -1, -1, -1, -1, 1] * 2
    assert dataset.labels.sum().tolist() == [4, 2, 2, 2, 2]
    assert (dataset.labels.sum(axis=1) == 1).all()
    assert dataset.excluded == {"rows that the archive has and the file lacks": 4988}


def test_one_patient_cannot_be_split_by_patient(ecg5000):
    dataset = load_ecg5000(ecg5000)
    assert set(dataset.groups) == {"chf07"}
    with pytest.raises(ValueError, match="groups"):
        list(GroupKFold(2).split(dataset.X, dataset.y, dataset.groups))
    with pytest.raises(DatasetError):
        split_holdout(dataset.groups, 0.2)


def change(folder, line, edit, name="ECG200_TRAIN.txt"):
    path = folder / name
    lines = path.read_text().splitlines()
    lines[line - 1] = edit(lines[line - 1])
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda line: line + " 1.0", "97 values where each row has 96"),
        (lambda line: " ".join(line.split()[:-1]), "95 values where each row has 96"),
        (lambda line: " ".join(line.split()[1:]), "95 values"),
        (lambda line: line.replace(line.split()[5], "?"), r"value 5 is '\?', no finite number"),
        (lambda line: line.replace(line.split()[5], "NaN"), "value 5 is 'NaN', no finite"),
        (lambda line: line.replace(line.split()[5], "inf"), "value 5 is 'inf', no finite"),
        (lambda line: line.replace(line.split()[5], "9" * 4000), "value 5 is '999"),
        (lambda line: line.replace(line.split()[5], "1_5"), "value 5 is '1_5'"),
        (lambda line: line.replace(line.split()[5], "\u0661"), "value 5 is '\u0661'"),
        (lambda line: " ".join(["2", *line.split()[1:]]), r"label is '2', none of \[-1, 1\]"),
        (lambda line: " ".join(["1.5", *line.split()[1:]]), r"label is '1.5', none of"),
        (lambda line: " ".join(["nan", *line.split()[1:]]), r"label is 'nan', none of"),
        (lambda line: "<b>=1+1</b>", "0 values where each row has 96"),
    ],
)
def test_malformed_rows(folder, edit, problem):
    change(folder, 3, edit)
    with pytest.raises(DatasetError, match=rf"ECG200_TRAIN\.txt, line 3: .*{problem}") as error:
        load_ecg200(folder)
    assert isinstance(error.value, ECGError)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("kind", "edit", "problem"),
    [
        (".ts", lambda s: s.replace("@data", "@date"), "has no line @data"),
        (".arff", lambda s: s.replace("@DATA", ""), "has no line @data"),
        (".ts", lambda s: s.replace(":1\n", "\n", 1), "line 5: 0 series"),
        (".ts", lambda s: s.replace(":1\n", ":0:1\n", 1), "line 5: 2 series"),
        (".ts", lambda s: s.replace(":-1\n", ":?\n", 1), r"line 6: the label is '\?'"),
        (".arff", lambda s: s.replace("'-1'", "?", 1), r"line 7: the label is '\?'"),
        (".txt", lambda s: "", "holds no row"),
        (".arff", lambda s: s.partition("@DATA")[0] + "@data\n", "holds no row"),
        (".txt", lambda s: s * 30, "120 rows where ECG200 has 100"),
        (".txt", lambda s: "\0" + s, "NUL bytes"),
    ],
)
def test_malformed_files(tmp_path, kind, edit, problem):
    path = write(tmp_path, kind) / f"ECG200_TRAIN{kind}"
    path.write_text(edit(path.read_text()))
    with pytest.raises(DatasetError, match=rf"ECG200_TRAIN\{kind}.*{problem}"):
        load_ecg200(tmp_path)


def test_latin_1_comments_do_no_harm(tmp_path):
    path = write(tmp_path, ".ts") / "ECG200_TRAIN.ts"
    path.write_bytes(b"#Herzschl\xe4ge\n" + path.read_bytes())
    assert len(load_ecg200(tmp_path, split="train")) == 4


def test_missing_files(folder):
    (folder / "ECG200_TEST.txt").unlink()
    assert len(load_ecg200(folder, split="train")) == 4
    with pytest.raises(DatasetError, match=r"ECG200_TEST is missing.*\.arff"):
        load_ecg200(folder)
    with pytest.raises(DatasetError, match="ECG5000_TRAIN is missing"):
        load_ecg5000(folder)


def test_bad_split(folder):
    with pytest.raises(DatasetError, match=r"split must be one of .* got 'validation'"):
        load_ecg200(folder, split="validation")


PIECES = ["1", "-1", "0.5", "?", "nan", "1e999", ",", ":", " ", "\t", "\n", "@data\n", "#", "%"]
PIECES += ["'", "\r\n", "é", "1_0"]


@given(
    parts=st.lists(st.sampled_from(PIECES), max_size=40),
    kind=st.sampled_from([".txt", ".csv", ".ts", ".arff"]),
)
def test_anything_is_read_or_refused(tmp_path_factory, parts, kind):
    path = tmp_path_factory.mktemp("ucr") / f"a{kind}"
    path.write_bytes("".join(parts).encode("latin-1"))
    try:
        values, labels = read_split(path, 3, {1, -1})
    except DatasetError as error:
        message = str(error)
        assert path.name in message
    else:
        assert values.shape == (len(labels), 3)
        assert np.isfinite(values).all()
        assert set(labels) <= {1, -1}
