import re
import time

import numpy as np
import pandas as pd
import pytest

from ecg_anomaly.datasets import load_mimic_iv_ecg
from ecg_anomaly.errors import DatasetError, ECGError, RecordFileError
from ecg_anomaly.leads import STANDARD_LEADS

# the statements of a report, and its label; 0 is left out
REPORTS = [
    (["Sinus rhythm", "Normal ECG"], 1),
    (["sinus rhythm.", "Short PR interval", "NORMAL  ECG"], 1),
    (["Sinus rhythm", "Inferior infarct, age indeterminate", "Abnormal ECG"], -1),
    (["Atrial fibrillation", "ABNORMAL ECG."], -1),
    (["Sinus rhythm", "Possible left atrial abnormality", "Otherwise normal ECG"], 0),
    (["Sinus rhythm", "Nonspecific T wave changes", "Borderline ECG"], 0),
    (["Sinus rhythm"], 0),
    (["Normal ECG"], 0),
    (["Sinus rhythm with PAC(s)", "Normal ECG"], 0),
    (["Sinus rhythm", "Normal ECG", "Abnormal ECG"], 0),
    (["Sinus rhythm", "Normal ECG", "Borderline ECG"], 0),
    (["--- Warning: Data quality may affect interpretation ---", "Sinus rhythm", "Normal ECG"], 0),
    (["--- Recording unsuitable for analysis - please repeat ---", "Abnormal ECG"], 0),
    ([], 0),
    (None, 0),  # no row in machine_measurements.csv
    (["Sinus bradycardia", "Normal ECG except for rate"], 0),
    (["*** Consider acute ST elevation MI ***", "Abnormal ECG"], -1),
]
Y = np.array([label for _, label in REPORTS])
N = len(REPORTS)
SUBJECTS = 10_000_000 + np.arange(N) // 2
STUDIES = 40_000_000 + np.arange(N)[::-1]
# the order of the files
ORDER = ("I", "II", "III", "aVF", "aVR", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
WITHOUT_FILES = 2


def path_of(k):
    subject, study = SUBJECTS[k], STUDIES[k]
    return f"files/p{str(subject)[:4]}/p{subject}/s{study}/{study}"


def digital(k):
    """Return the samples of a record, leads in the standard order."""
    return np.random.default_rng(k).integers(-2000, 2000, (12, 5000))


@pytest.fixture
def folder(tmp_path, write_record):
    records, measurements = [], []
    for k, (statements, label) in enumerate(REPORTS):
        common = {"subject_id": SUBJECTS[k], "study_id": STUDIES[k]}
        when = f"2150-0{k % 9 + 1}-01 08:30:00"
        records.append(common | {"file_name": STUDIES[k], "ecg_time": when, "path": path_of(k)})
        if label and k != WITHOUT_FILES:
            samples = digital(k)[[STANDARD_LEADS.index(name) for name in ORDER]]
            write_record(tmp_path / path_of(k), samples, 500, ORDER)
        if statements is not None:
            report = dict.fromkeys([f"report_{n}" for n in range(18)], "")
            report |= {f"report_{n}": text for n, text in enumerate(statements)}
            measurements.append(
                common | {"cart_id": 7, "ecg_time": when} | report
                | {"bandwidth": "0.005-150 Hz", "filtering": "60 Hz notch", "rr_interval": 800 + k}
            )  # fmt: skip
    pd.DataFrame(records).to_csv(tmp_path / "record_list.csv", index=False)
    # the two files need not list records in one order
    pd.DataFrame(measurements[::-1]).to_csv(tmp_path / "machine_measurements.csv", index=False)
    return tmp_path


def change(folder, edit, name="record_list.csv"):
    table = edit(pd.read_csv(folder / name, dtype=object))
    table.to_csv(folder / name, index=False)


def set_cell(row, column, value):
    def edit(table):
        table.loc[row, column] = value
        return table

    return edit


def put_statement(table, study, column, statement):
    table.loc[table["study_id"] == study, f"report_{column}"] = statement
    return table


def test_labels_record_by_record(folder):
    dataset = load_mimic_iv_ecg(folder)
    assert dataset.X.record_ids.tolist() == STUDIES[Y != 0].tolist()
    assert dataset.y.tolist() == Y[Y != 0].tolist()
    assert dataset.groups.tolist() == SUBJECTS[Y != 0].tolist()
    assert dataset.table["rr_interval"].tolist() == (800 + np.flatnonzero(Y)).tolist()
    assert dataset.table["report_0"].astype(str).iloc[0] == "Sinus rhythm"
    assert dataset.excluded == {
        "without a report": 2,
        "of poor quality, by the cart": 2,
        "normal and denied at once": 2,
        "neither clearly normal nor clearly abnormal": 6,
    }
    assert len(dataset) + sum(dataset.excluded.values()) == N
    assert '"Sinus rhythm" and "Normal ECG"' in dataset.label_rule


def test_signals_by_lead_name_and_in_millivolts(folder):
    dataset = load_mimic_iv_ecg(str(folder))
    rows = np.flatnonzero(Y)
    kept = rows != WITHOUT_FILES
    part = dataset[kept]
    assert part.X.leads == STANDARD_LEADS
    assert part.fs == 500
    np.testing.assert_allclose(part.X.load(), [digital(k) / 1000 for k in rows[kept]], rtol=1e-6)
    assert part.X[0].annotations["study_id"] == STUDIES[0]


def test_a_missing_file_is_named_when_it_is_read(folder):
    row = np.flatnonzero(Y).tolist().index(WITHOUT_FILES)
    dataset = load_mimic_iv_ecg(folder)
    with pytest.raises(RecordFileError, match=str(STUDIES[WITHOUT_FILES])):
        dataset.X[row]


def test_missing_samples_and_flat_leads_are_handed_on(folder, write_record):
    samples = digital(0)
    samples[3, 100:200] = -32768  # the code of a missing sample
    samples[7] = 12
    write_record(folder / path_of(0), samples, 500, STANDARD_LEADS)
    signal = load_mimic_iv_ecg(folder).X[0].signal
    assert np.isnan(signal[3, 100:200]).all()
    assert np.isnan(signal).sum() == 100
    assert (signal[7] == np.float32(0.012)).all()


def test_a_record_of_another_rate(folder, write_record):
    write_record(folder / path_of(0), digital(0), 250, ORDER)
    with pytest.raises(DatasetError, match=rf"{STUDIES[0]}\.hea: 5000 samples at 250 Hz"):
        load_mimic_iv_ecg(folder).X[0]


def test_other_statements(folder):
    dataset = load_mimic_iv_ecg(
        folder,
        normal_statements=["- SINUS RHYTHM -"],
        abnormal_statements=["Abnormal ECG", "Otherwise normal ECG"],
        deny=[],
        poor_quality=["please repeat"],
    )
    expected = {0: 1, 1: 1, 2: 0, 3: -1, 4: 0, 5: 1, 6: 1, 9: 0, 10: 1, 11: 1, 16: -1}
    kept = {STUDIES.tolist().index(study): label
            for study, label in zip(dataset.X.record_ids, dataset.y, strict=True)}  # fmt: skip
    assert kept == {k: label for k, label in expected.items() if label}
    assert '"- SINUS RHYTHM -"' in dataset.label_rule


def test_deny_overrides_normal(folder):
    dataset = load_mimic_iv_ecg(folder, deny=["short pr interval"])
    assert STUDIES[1] not in dataset.X.record_ids
    assert STUDIES[10] in dataset.X.record_ids  # "Borderline ECG" is no longer denied


DISEASED = [
    "Atrial fibrillation",
    "Atrial flutter/fibrillation",
    "*** ATRIAL FLUTTER ***",
    "Old inferior infarct",
    "Possible anterior infarction - age undetermined",
    "Pacemaker spikes present",
    "Ventricular-paced complexes",
    "Electronic atrial pacing.",
    "Incomplete right bundle branch block",
    "1st degree A-V block",
    "RBBB with left anterior fascicular block",
    "Premature ventricular contractions",
    "Sinus rhythm with PAC(s)",
    "Nonspecific ST changes, consider ischemia",
    "Subendocardial injury",
    "Left ventricular hypertrophy",
    "LVH with secondary repolarization abnormality",
    "Sinus bradycardia",
    "Supraventricular tachycardia",
    "Since previous tracing, atrial fibrillation no longer seen",
]
HARMLESS = [
    "Short PR interval",
    "Sinus arrhythmia",
    "Since previous tracing, no significant change",
    "Compared to previous study of 2150-01-01",
    "Low voltage in limb leads",
    "Blockade of nothing, injuryless",  # parts of words
    "Spaced well",
    "Mild lead noise",
]


@pytest.mark.parametrize("statement", DISEASED)
@pytest.mark.parametrize("column", [2, 17])
def test_a_normal_report_with_disease_or_pacing_is_left_out(folder, statement, column):
    change(
        folder,
        lambda table: put_statement(table, str(STUDIES[0]), column, statement),
        "machine_measurements.csv",
    )
    dataset = load_mimic_iv_ecg(folder)
    assert STUDIES[0] not in dataset.X.record_ids
    assert dataset.excluded["normal with a word of disease or pacing"] == 1
    assert len(dataset) + sum(dataset.excluded.values()) == N
    for changes in ({"deny_words": []}, {"deny_words": ["asystole"]}):
        asked = load_mimic_iv_ecg(folder, **changes)
        assert asked.y[asked.X.record_ids == STUDIES[0]].tolist() == [1]
        assert "normal with a word of disease or pacing" not in asked.excluded


@pytest.mark.parametrize("statement", HARMLESS)
def test_other_remarks_leave_a_normal_report_normal(folder, statement):
    change(
        folder,
        lambda table: put_statement(table, str(STUDIES[0]), 3, statement),
        "machine_measurements.csv",
    )
    dataset = load_mimic_iv_ecg(folder)
    assert dataset.y[dataset.X.record_ids == STUDIES[0]].tolist() == [1]


def test_words_do_not_deny_what_was_asked_for(folder):
    asked = ["Sinus bradycardia", "Normal ECG except for rate"]
    dataset = load_mimic_iv_ecg(folder, normal_statements=asked, deny=[])
    assert dataset.X.record_ids[dataset.y == 1].tolist() == [STUDIES[15]]


def test_words_of_disease_make_no_anomaly(folder):
    change(
        folder,
        lambda table: put_statement(table, str(STUDIES[4]), 5, "Atrial fibrillation"),
        "machine_measurements.csv",
    )
    dataset = load_mimic_iv_ecg(folder)
    assert STUDIES[4] not in dataset.X.record_ids
    assert "normal with a word of disease or pacing" not in dataset.excluded
    assert "without a word of disease or pacing" in dataset.label_rule
    assert "disease" not in load_mimic_iv_ecg(folder, deny_words=()).label_rule


@pytest.mark.parametrize(
    "params",
    [
        {"normal_statements": "Normal ECG"},
        {"normal_statements": []},
        {"normal_statements": ["Normal ECG", " -*. "]},
        {"abnormal_statements": 5},
        {"deny": "Abnormal ECG"},
        {"deny_words": "block"},
        {"deny_words": ["block", " "]},
        {"poor_quality": [""]},
    ],
)
def test_statements_that_are_none(folder, params):
    with pytest.raises(DatasetError, match=f"{next(iter(params))} must (be|hold)"):
        load_mimic_iv_ecg(folder, **params)


def test_nothing_left(folder):
    with pytest.raises(DatasetError, match="no report is clearly normal or abnormal"):
        load_mimic_iv_ecg(folder, normal_statements=["a"], abnormal_statements=["b"])


def test_age_and_sex_come_from_the_patients(folder, tmp_path):
    people = pd.DataFrame(
        {
            "subject_id": [10_000_000, 10_000_001, 10_000_008],
            "gender": ["F", "M", "F"],
            "anchor_age": [52, 91, 89],
            "anchor_year": [2147, 2150, 2145],
            "anchor_year_group": "2011 - 2013",
        }
    )
    path = tmp_path / "patients.csv.gz"
    people.to_csv(path, index=False)
    table = load_mimic_iv_ecg(folder, patients=path).table.set_index("subject_id")
    assert table.loc[10_000_000, "age"].tolist() == [55.0, 55.0]
    assert table.loc[10_000_000, "sex"].tolist() == [1.0, 1.0]
    assert table.loc[10_000_001, ["age", "sex"]].to_numpy(float)[0].tolist() == [90.0, 0.0]
    assert table.loc[10_000_008, "age"] == 90.0
    people["subject_id"] = people["subject_id"].replace(10_000_001, 99)
    people.to_csv(path, index=False)
    table = load_mimic_iv_ecg(folder, patients=path).table.set_index("subject_id")
    assert table.loc[10_000_001, ["age", "sex"]].isna().all(axis=None)


def test_without_patients_there_is_neither_age_nor_sex(folder):
    assert not {"age", "sex"} & set(load_mimic_iv_ecg(folder).table)


@pytest.mark.parametrize("name", ["record_list.csv", "machine_measurements.csv"])
def test_missing_tables(folder, name):
    (folder / name).unlink()
    with pytest.raises(DatasetError, match=f"{re.escape(name)} is missing.*MIMIC-IV-ECG"):
        load_mimic_iv_ecg(folder)


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe" * 50, b"a,b\n1,2,3\n4,5,6,7,8\n"])
@pytest.mark.parametrize("name", ["record_list.csv", "machine_measurements.csv"])
def test_tables_that_are_none(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(DatasetError, match=f"{re.escape(name)} (cannot be read|lacks)"):
        load_mimic_iv_ecg(folder)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("record_list.csv", "path"),
        ("record_list.csv", "ecg_time"),
        ("record_list.csv", "subject_id"),
        ("machine_measurements.csv", "study_id"),
        ("machine_measurements.csv", "report_0"),
    ],
)
def test_missing_columns(folder, name, column):
    change(folder, lambda table: table.drop(columns=column), name)
    with pytest.raises(DatasetError, match=f"{re.escape(name)} lacks .*{column}"):
        load_mimic_iv_ecg(folder)


@pytest.mark.parametrize(
    ("name", "column", "value", "problem"),
    [
        ("record_list.csv", "path", "../../etc/passwd", "no path within the folder"),
        ("record_list.csv", "path", "/etc/passwd", "no path within"),
        ("record_list.csv", "path", "files/../../x", "no path within"),
        ("record_list.csv", "path", "C:x", "no path within"),
        ("record_list.csv", "path", "\\\\host\\share", "no path within"),
        ("record_list.csv", "path", "https://x.org/a", "no path within"),
        ("record_list.csv", "path", "", "no path within"),
        ("record_list.csv", "study_id", str(STUDIES[0]), "stands in an earlier row"),
        ("record_list.csv", "study_id", "40a", "no whole number"),
        ("record_list.csv", "study_id", "9" * 400, "no whole number"),
        ("record_list.csv", "subject_id", "", "no whole number"),
        ("record_list.csv", "subject_id", "12", "but another subject"),
        ("record_list.csv", "ecg_time", "yesterday", "no date and time"),
        ("machine_measurements.csv", "study_id", "<b>", "no whole number"),
        ("machine_measurements.csv", "study_id", str(STUDIES[-1]), "stands in an earlier row"),
    ],
)
def test_values_that_make_no_sense(folder, name, column, value, problem):
    change(folder, set_cell(3, column, value), name)
    with pytest.raises(
        DatasetError, match=rf"{re.escape(name)}: {column} of row 4 .*{problem}"
    ) as error:
        load_mimic_iv_ecg(folder)
    assert isinstance(error.value, ECGError)
    assert len(str(error.value)) < 500


def test_a_record_left_out_may_have_any_path(folder):
    change(folder, set_cell(4, "path", "../x"))
    assert len(load_mimic_iv_ecg(folder)) == (Y != 0).sum()


def test_many_rows_load_fast(folder):
    n = 50_000
    rng = np.random.default_rng(0)
    records = pd.read_csv(folder / "record_list.csv").iloc[[0] * n]
    measurements = pd.read_csv(folder / "machine_measurements.csv")
    measurements = measurements.iloc[rng.integers(len(measurements), size=n)]
    ids = 40_000_000 + np.arange(n)
    records.assign(study_id=ids).to_csv(folder / "record_list.csv", index=False)
    measurements.assign(study_id=ids, subject_id=records["subject_id"].to_numpy()).to_csv(
        folder / "machine_measurements.csv", index=False
    )
    start = time.perf_counter()
    dataset = load_mimic_iv_ecg(folder)
    assert time.perf_counter() - start < 3
    assert len(dataset) + sum(dataset.excluded.values()) == n
