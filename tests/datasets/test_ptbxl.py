import pickle
import re

import numpy as np
import pandas as pd
import pytest

from ecg_anomaly import RecordSet
from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.errors import DatasetError, ECGError, ECGWarning, RecordFileError
from ecg_anomaly.leads import STANDARD_LEADS

# codes of a record, its label under "superclass" and under "strict"; 0 is left out
RULES = [
    ({"NORM": 100.0, "SR": 0.0}, 1, 1),
    ({"NORM": 80.0, "SR": 0.0}, 1, 1),
    ({"NORM": 50.0, "SR": 0.0}, 1, 0),
    ({"NORM": 0.0, "SR": 0.0}, 1, 0),
    ({"NORM": 100.0}, 1, 0),
    ({"NORM": 100.0, "SR": 0.0, "PVC": 100.0}, 1, -1),
    ({"NORM": 100.0, "AFIB": 0.0}, 1, -1),
    ({"NORM": 80.0, "SBRAD": 0.0}, 1, -1),
    ({"NORM": 100.0, "LVOLT": 0.0, "SR": 0.0}, 1, -1),
    ({"IMI": 100.0, "SR": 0.0}, -1, -1),
    ({"LVH": 0.0, "SR": 0.0}, -1, -1),
    ({"CLBBB": 100.0, "AFIB": 0.0}, -1, -1),
    ({"NDT": 100.0, "IMI": 35.0, "SR": 0.0}, -1, -1),
    ({"NORM": 100.0, "IMI": 15.0, "SR": 0.0}, 0, -1),
    ({"PVC": 100.0, "SR": 0.0}, 0, -1),
    ({"SR": 0.0}, 0, 0),
    ({"LVOLT": 0.0, "SR": 0.0}, 0, -1),
    ({}, 0, 0),
]
STATEMENTS = """,description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass
NDT,non-diagnostic T abnormalities,1.0,1.0,,STTC,STTC
NORM,normal ECG,1.0,,,NORM,NORM
IMI,inferior myocardial infarction,1.0,,,MI,IMI
LVH,left ventricular hypertrophy,1.0,,,HYP,LVH
CLBBB,complete left bundle branch block,1.0,,,CD,CLBBB
PVC,ventricular premature complex,,1.0,,,
LVOLT,low QRS voltages,,1.0,,,
SR,sinus rhythm,,,1.0,,
AFIB,atrial fibrillation,,,1.0,,
SBRAD,sinus bradycardia,,,1.0,,
"""
N = 30
SUPERCLASS = np.array([RULES[k % len(RULES)][1] for k in range(N)])
STRICT = np.array([RULES[k % len(RULES)][2] for k in range(N)])
FOLDS = np.arange(N) % 10 + 1
PATIENTS = 1000.0 + np.arange(N) % 20
# record 5 has its leads in the order of MIMIC-IV-ECG
ORDERS = {5: ("I", "II", "III", "AVF", "AVL", "AVR", "V1", "V2", "V3", "V4", "V5", "V6")}
UPPER = tuple(name.upper() for name in STANDARD_LEADS)


def digital(ecg_id, fs):
    """Return the samples of a record, its leads in the standard order."""
    return np.random.default_rng([ecg_id, fs]).integers(-2000, 2000, (12, 10 * fs)).astype("<i2")


@pytest.fixture
def folder(tmp_path, write_record):
    """A folder like PhysioNet's: 30 records at 100 Hz, those of folds 1 and 2 at 500 Hz too."""
    rows = []
    for k in range(N):
        ecg_id = k + 1
        names = {100: f"records100/00000/{ecg_id:05}_lr", 500: f"records500/00000/{ecg_id:05}_hr"}
        for fs, name in names.items():
            if fs == 100 or FOLDS[k] <= 2:
                order = ORDERS.get(ecg_id, UPPER)
                samples = digital(ecg_id, fs)[[UPPER.index(lead) for lead in order]]
                write_record(tmp_path / name, samples, fs, order)
        rows.append(
            {
                "ecg_id": ecg_id,
                "patient_id": PATIENTS[k],
                "age": {3: 300.0, 4: np.nan}.get(k, 40.0 + k),
                "sex": k % 2,
                "validated_by_human": k % 3 > 0,
                "scp_codes": str(RULES[k % len(RULES)][0]),
                "strat_fold": FOLDS[k],
                "filename_lr": names[100],
                "filename_hr": names[500],
            }
        )
    pd.DataFrame(rows).to_csv(tmp_path / "ptbxl_database.csv", index=False)
    (tmp_path / "scp_statements.csv").write_text(STATEMENTS)
    return tmp_path


def change(folder, edit, name="ptbxl_database.csv"):
    table = pd.read_csv(folder / name)
    edit(table).to_csv(folder / name, index=False)


@pytest.mark.parametrize(("labels", "expected"), [("superclass", SUPERCLASS), ("strict", STRICT)])
def test_labels_row_by_row(folder, labels, expected):
    dataset = load_ptbxl(folder, normal=labels)
    kept = expected != 0
    np.testing.assert_array_equal(dataset.table["ecg_id"], np.arange(1, N + 1)[kept])
    np.testing.assert_array_equal(dataset.y, expected[kept])
    np.testing.assert_array_equal(dataset.groups, PATIENTS[kept])
    np.testing.assert_array_equal(dataset.X.patient_ids, dataset.groups)
    assert dataset.groups.dtype.kind == "i"
    assert dataset.X[0].patient_id == str(int(dataset.groups[0]))
    np.testing.assert_array_equal(dataset.X.record_ids, dataset.table["ecg_id"])
    assert sum(dataset.excluded.values()) == (~kept).sum()
    assert len(dataset) == kept.sum()
    assert dataset.name == "PTB-XL 100 Hz"
    assert "normal: NORM" in dataset.label_rule


def test_what_was_left_out_is_counted_by_reason(folder):
    both = sum("NORM" in RULES[k % 18][0] and SUPERCLASS[k] == 0 for k in range(N))
    assert both == 1
    assert load_ptbxl(folder).excluded == {
        "without a diagnostic superclass": (SUPERCLASS == 0).sum() - both,
        "NORM beside another superclass": both,
    }
    assert load_ptbxl(folder, folds=[1]).excluded == {}
    strict = load_ptbxl(folder, normal="strict").excluded
    assert strict == {
        "NORM with a likelihood below 80, or without a stated rhythm": (STRICT == 0).sum()
    }


def test_the_indicator_has_the_five_superclasses(folder):
    dataset = load_ptbxl(folder)
    assert dataset.labels.columns.tolist() == ["CD", "HYP", "MI", "NORM", "STTC"]
    by_id = labels_by_id(dataset)
    assert by_id.loc[13][lambda row: row].index.tolist() == ["MI", "STTC"]
    # a likelihood of 0.0 means that none was stated
    assert by_id.loc[11][lambda row: row].index.tolist() == ["HYP"]
    assert dataset.table["scp_codes"].iloc[0] == {"NORM": 100.0, "SR": 0.0}


@pytest.mark.parametrize("folds", [[3], range(1, 9), (9, 10), np.array([2, 2])])
def test_folds(folder, folds):
    dataset = load_ptbxl(folder, folds=folds)
    expected = np.flatnonzero(np.isin(FOLDS, list(folds)) & (SUPERCLASS != 0)) + 1
    assert dataset.table["ecg_id"].tolist() == expected.tolist()


def test_no_patient_stands_in_two_folds(folder):
    train, test = load_ptbxl(folder, folds=range(1, 9)), load_ptbxl(folder, folds=[9, 10])
    assert not set(train.groups) & set(test.groups)


def test_signals_by_lead_name_and_in_millivolts(folder):
    dataset = load_ptbxl(str(folder))
    assert isinstance(dataset.X, RecordSet)
    assert dataset.X.leads == STANDARD_LEADS
    assert (dataset.X.fs, dataset.fs) == (100, 100)
    assert 5 in dataset.table["ecg_id"].tolist()
    expected = [digital(ecg_id, 100) / 1000 for ecg_id in dataset.table["ecg_id"]]
    np.testing.assert_allclose(dataset.X.load(), expected, rtol=1e-6)
    assert dataset.X[0].annotations["scp_codes"] == {"NORM": 100.0, "SR": 0.0}


def test_500_hz(folder):
    dataset = load_ptbxl(folder, folds=[1, 2], fs=500)
    assert dataset.name == "PTB-XL 500 Hz"
    assert dataset.X.shape == (6, 12, 5000)
    expected = [digital(ecg_id, 500) / 1000 for ecg_id in dataset.table["ecg_id"]]
    np.testing.assert_allclose(dataset.X.load(), expected, rtol=1e-6)


def test_files_are_read_when_they_are_needed(folder):
    dataset = load_ptbxl(folder)
    row = dataset.table["ecg_id"].tolist().index(2)
    (folder / "records100/00000/00002_lr.dat").unlink()
    others = dataset[np.arange(len(dataset)) != row]
    assert np.isfinite(others.X.load()).all()
    with pytest.raises(RecordFileError, match=r"00002_lr\.dat"):
        dataset.X.load()
    with pytest.raises(RecordFileError, match=r"00002_lr\.dat"):
        dataset.X[row]


def test_a_record_of_another_length(folder, write_record):
    write_record(folder / "records100/00000/00001_lr", digital(1, 100)[:, :900], 100, UPPER)
    with pytest.raises(DatasetError, match=r"00001_lr\.hea: 900 samples at 100 Hz .* 1000 at 100"):
        load_ptbxl(folder).X.load()


def test_a_record_of_another_rate(folder, write_record):
    write_record(folder / "records100/00000/00001_lr", digital(1, 100), 125, UPPER)
    with pytest.raises(DatasetError, match=r"00001_lr\.hea: 1000 samples at 125 Hz"):
        load_ptbxl(folder).X.load()


def test_a_record_without_a_lead(folder, write_record):
    names = [*UPPER[:11], "RESP"]
    path = folder / "records100/00000/00001_lr"
    write_record(path, digital(1, 100), 100, UPPER)
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace("V6", names[-1]))
    with pytest.raises(ECGError, match=r"00001_lr.*V6"):
        load_ptbxl(folder).X.load()


@pytest.mark.parametrize("name", ["ptbxl_database.csv", "scp_statements.csv"])
def test_missing_tables(folder, name):
    (folder / name).unlink()
    with pytest.raises(DatasetError, match=f"{re.escape(name)} is missing"):
        load_ptbxl(folder)


def test_missing_folder(tmp_path):
    with pytest.raises(DatasetError, match=r"ptbxl_database\.csv is missing"):
        load_ptbxl(tmp_path / "none")


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe" * 50, b"a,b\n1,2,3\n4,5,6,7,8\n"])
@pytest.mark.parametrize("name", ["ptbxl_database.csv", "scp_statements.csv"])
def test_tables_that_are_none(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(DatasetError, match=f"{re.escape(name)} (cannot be read|lacks)"):
        load_ptbxl(folder)


@pytest.mark.parametrize(
    "column", ["ecg_id", "patient_id", "scp_codes", "strat_fold", "filename_lr"]
)
def test_missing_columns(folder, column):
    change(folder, lambda table: table.drop(columns=column))
    with pytest.raises(DatasetError, match=f"ptbxl_database.csv lacks .*{column}"):
        load_ptbxl(folder, folds=[1])


@pytest.mark.parametrize("value", [17.5, np.nan, np.inf, "Smith"])
def test_patients_that_are_no_numbers(folder, value):
    change(
        folder,
        lambda table: table.assign(patient_id=[value, *table["patient_id"].astype(object)[1:]]),
    )
    with pytest.raises(DatasetError, match=r"ptbxl_database.csv: patient_id .* is no whole number"):
        load_ptbxl(folder)


def test_the_other_rate_s_column_may_miss(folder):
    change(folder, lambda table: table.drop(columns="filename_hr"))
    assert len(load_ptbxl(folder, folds=[1])) == 3
    with pytest.raises(DatasetError, match=r"lacks .*filename_hr"):
        load_ptbxl(folder, folds=[1], fs=500)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [("diagnostic_class", "class", "diagnostic_class"), (",NORM,", ",OTHER,", "NORM")],
)
def test_statements_without_what_is_needed(folder, old, new, what):
    path = folder / "scp_statements.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DatasetError, match=rf"scp_statements\.csv lacks .*{what}"):
        load_ptbxl(folder)


@pytest.mark.parametrize(
    "text",
    [
        "{'NORM': 100.0",
        "NORM",
        "",
        "5",
        "['NORM']",
        "{'NORM': 'much'}",
        "__import__('os')",
        "(" * 9999,
    ],
    ids=lambda text: text[:20],
)
@pytest.mark.parametrize("labels", ["superclass", "strict"])
def test_malformed_codes(folder, text, labels):
    def edit(table):
        table.loc[4, "scp_codes"] = text
        return table

    change(folder, edit)
    with pytest.raises(
        DatasetError, match=r"ptbxl_database\.csv: scp_codes of record 5 "
    ) as caught:
        load_ptbxl(folder, normal=labels)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"fs": 250}, "at 100 and 500 Hz, not at fs=250"),
        ({"fs": "100"}, "not at fs='100'"),
        ({"normal": "form"}, "normal must be one of"),
        ({"folds": [0]}, r"folds 1 to 10, got \[0\]"),
        ({"folds": [9, 11]}, r"got \[9, 11\]"),
        ({"folds": []}, r"no record lies in folds"),
        ({"folds": 9}, "folds must be numbers"),
        ({"folds": ["nine"]}, "folds must be numbers"),
        ({"label_set": "diagnoses"}, "label_set must be one of"),
        ({"min_likelihood": -1}, "min_likelihood must be a number from 0 to 100"),
        ({"min_likelihood": "80%"}, "min_likelihood must be"),
        ({"min_likelihood": np.nan}, "min_likelihood must be"),
        ({"folds": None}, None),
    ],
)
def test_parameters(folder, params, problem):
    if problem is None:
        assert len(load_ptbxl(folder, **params)) == (SUPERCLASS != 0).sum()
        return
    with pytest.raises(DatasetError, match=problem):
        load_ptbxl(folder, **params)


def test_nothing_left(folder):
    change(folder, lambda table: table.assign(scp_codes="{'SR': 0.0}"))
    with pytest.raises(DatasetError, match="no record has a label under normal='strict'"):
        load_ptbxl(folder, normal="strict")


def labels_by_id(dataset):
    return dataset.labels.set_index(dataset.table["ecg_id"].to_numpy())


def has(dataset, ecg_id):
    row = labels_by_id(dataset).loc[ecg_id]
    return row.index[row].tolist()


@pytest.mark.parametrize(
    ("label_set", "columns"),
    [
        ("all", "NDT NORM IMI LVH CLBBB PVC LVOLT SR AFIB SBRAD"),
        ("diagnostic", "NDT NORM IMI LVH CLBBB"),
        ("subclass", "CLBBB IMI LVH NORM STTC"),
        ("superclass", "CD HYP MI NORM STTC"),
        ("form", "NDT PVC LVOLT"),
        ("rhythm", "SR AFIB SBRAD"),
    ],
)
def test_label_sets(folder, label_set, columns):
    dataset = load_ptbxl(folder, label_set=label_set, normal="all")
    assert len(dataset) == N
    assert dataset.labels.columns.tolist() == columns.split()
    assert dataset.labels.to_numpy().dtype == bool
    target = {"NDT": {"subclass": "STTC", "superclass": "STTC"},
              "IMI": {"superclass": "MI"}, "LVH": {"superclass": "HYP"},
              "CLBBB": {"superclass": "CD"}}  # fmt: skip
    for ecg_id, codes in zip(dataset.table["ecg_id"], dataset.table["scp_codes"], strict=True):
        expected = {target.get(code, {}).get(label_set, code) for code in codes}
        assert set(has(dataset, ecg_id)) == expected & set(columns.split())


def test_a_label_set_has_all_its_columns_in_every_fold(folder):
    part = load_ptbxl(folder, folds=[1], label_set="all")
    assert part.labels.shape == (3, 10)
    assert not part.labels["AFIB"].any()


def test_min_likelihood_spares_what_has_none(folder):
    dataset = load_ptbxl(folder, label_set="all", normal="all", min_likelihood=50)
    assert has(dataset, 13) == ["NDT", "SR"]  # IMI has 35
    assert has(dataset, 3) == ["NORM", "SR"]  # NORM has 50, SR 0
    assert has(dataset, 4) == ["NORM", "SR"]  # NORM has 0
    assert has(dataset, 9) == ["NORM", "LVOLT", "SR"]
    above = load_ptbxl(folder, label_set="all", normal="all", min_likelihood=50.5)
    assert has(above, 3) == ["SR"]


@pytest.mark.parametrize("normal", ["superclass", "strict"])
def test_what_is_normal_depends_on_neither_label_set_nor_likelihood(folder, normal):
    plain = load_ptbxl(folder, normal=normal)
    other = load_ptbxl(folder, normal=normal, label_set="rhythm", min_likelihood=100)
    np.testing.assert_array_equal(plain.y, other.y)
    assert plain.table["ecg_id"].tolist() == other.table["ecg_id"].tolist()
    assert plain.excluded == other.excluded


def test_nothing_is_left_out_for_diagnosis(folder):
    dataset = load_ptbxl(folder, normal="all")
    np.testing.assert_array_equal(dataset.y, np.where(SUPERCLASS == 1, 1, -1))
    assert dataset.excluded == {}


def test_validated_by_a_human(folder):
    dataset = load_ptbxl(folder, normal="all", validated_by_human=True)
    assert dataset.table["ecg_id"].tolist() == [k + 1 for k in range(N) if k % 3]
    assert dataset.excluded == {"not validated by a human": N // 3}
    assert load_ptbxl(folder, folds=[1], normal="all", validated_by_human=True).excluded == {
        "not validated by a human": 1
    }


def test_age_and_sex(folder):
    table = load_ptbxl(folder, normal="all").table
    assert table["age"].iloc[[0, 3, 5]].tolist() == [40.0, 90.0, 45.0]
    assert np.isnan(table["age"].iloc[4])
    assert table["sex"].tolist() == [k % 2 for k in range(N)]
    change(folder, lambda table: table.drop(columns=["age", "sex"]))
    table = load_ptbxl(folder).table
    assert table[["age", "sex"]].isna().all(axis=None)


def test_impossible_ages_count_as_unknown(folder):
    change(folder, lambda table: table.assign(age=np.where(table["ecg_id"] == 7, -5, table["age"])))
    with pytest.warns(ECGWarning, match=r"ptbxl_database\.csv: 1 age\(s\) such as -5"):
        table = load_ptbxl(folder, normal="all").table
    assert np.isnan(table.loc[table["ecg_id"] == 7, "age"]).all()


def test_unknown_statements_are_told(folder):
    def edit(table):
        table.loc[0, "scp_codes"] = "{'NORM': 100.0, 'NEW': 100.0, 'SR': 0.0}"
        return table

    change(folder, edit)
    with pytest.warns(ECGWarning, match=r"1 record\(s\) .*scp_statements\.csv .*NEW"):
        dataset = load_ptbxl(folder, label_set="all")
    assert has(dataset, 1) == ["NORM", "SR"]


@pytest.mark.parametrize(
    "name",
    ["../00001_lr", "/etc/passwd", "a/../../b", "http://x/y", "\\\\host\\x", "", "~/x", None],
)
def test_paths_that_lead_out_of_the_folder(folder, name):
    def edit(table):
        table.loc[5, "filename_lr"] = name
        return table

    change(folder, edit)
    with pytest.raises(
        DatasetError, match=r"ptbxl_database\.csv: filename_lr of row 6 .*no path within"
    ):
        load_ptbxl(folder, folds=[6])


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("ecg_id", 3, r"ecg_id of row 6 is '3', which stands in an earlier row too"),
        ("ecg_id", 1e300, r"ecg_id of row 6 .*no whole number"),
        ("strat_fold", 0, r"strat_fold of row 6 is '0', which is not within 1 to 10"),
        ("strat_fold", np.nan, r"strat_fold of row 6 is 'nan', which is no whole number"),
        (
            "validated_by_human",
            "maybe",
            r"validated_by_human of row 6 is 'maybe', which is neither",
        ),
        ("scp_codes", "{'NORM': 101}", r"scp_codes of record 6 .*from 0 to 100"),
        ("scp_codes", "{'NORM': 1e999}", r"scp_codes of record 6 .*from 0 to 100"),
    ],
)
def test_values_that_make_no_sense(folder, column, value, problem):
    def edit(table):
        table[column] = table[column].astype(object)
        table.loc[5, column] = value
        return table

    change(folder, edit)
    with pytest.raises(DatasetError, match=problem):
        load_ptbxl(folder, validated_by_human=True)


@pytest.mark.parametrize(
    ("edit", "label_set", "problem"),
    [
        (lambda s: s.assign(form="x"), "form", "form of 'NDT' is 'x', not 1 or empty"),
        (lambda s: s.assign(form=np.nan), "form", "no statement has a 'form' label"),
        (lambda s: s.drop(columns="rhythm"), "rhythm", "lacks the column.* rhythm"),
    ],
)
def test_statements_that_make_no_sense(folder, edit, label_set, problem):
    path = folder / "scp_statements.csv"
    edit(pd.read_csv(path, index_col=0)).to_csv(path)
    with pytest.raises(DatasetError, match=rf"scp_statements\.csv.*{problem}"):
        load_ptbxl(folder, label_set=label_set)
    assert len(load_ptbxl(folder)) == (SUPERCLASS != 0).sum()


def test_records_are_pickled_without_signals(folder):
    dataset = load_ptbxl(folder)
    copy = pickle.loads(pickle.dumps(dataset.X))
    np.testing.assert_array_equal(copy[:3].load(), dataset.X[:3].load())
    assert len(pickle.dumps(dataset.X)) < 50_000
