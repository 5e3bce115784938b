import pytest

from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io._comments import patient_of


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("Age: 47, Sex: F", {"age": 47, "sex": 1}),
        ("Age: 47 Sex: Male", {"age": 47, "sex": 0}),
        ("Age: 47; Gender: M; Dx: 1", {"age": 47}),
        ("<age>: 28  <sex>: M  <diagnoses>: age: 3 <age>: 4", {"age": 28, "sex": 0}),
        ("<diagnoses>: none <sex>: F", {"sex": 1}),
        ("Sex: F;", {"sex": 1}),
        ("gender = female", {"sex": 1}),
        ("age: 6 months", {"age": 0.5}),
        ("Average age: 3", {}),
        ("dosage: 3 mg", {}),
        ("Drug: voltage: age: 6", {}),
        ("Age at ECG: 55", {}),
        ("72 F 1085", {}),
        ("Age: Unknown  Sex: -", {}),
        ("Sex: 1", {}),  # male in ISO/IEC 5218, female in PTB-XL
    ],
)
def test_age_and_sex(comment, told):
    assert patient_of([comment]) == (told, "", [])


@pytest.mark.parametrize(
    ("comment", "patient"),
    [
        ("Patient ID: MRN 1", "MRN 1"),
        ("patient_id: a, b ; <c>", "a, b ; <c>"),
        ("Subject ID: 7 Age: 47", "7"),
        ("<subject id>: p 7 <age>: 47", "p 7"),
        ("outpatient id: 7", ""),
    ],
)
def test_patients(comment, patient):
    assert patient_of([comment])[1] == patient


def test_the_first_value_counts():
    told = ["Age: 47", "age: 62", "Sex: F", "Sex: M", "patient id: a", "patient id: b"]
    assert patient_of(told) == ({"age": 47.0, "sex": 1}, "a", [])


@pytest.mark.parametrize("age", ["300", "-1", "121", "6m", "1e2", "1_2", "٤٧", "9" * 500])
def test_what_can_be_no_age_is_found(age):
    told, _, (finding,) = patient_of([f"Age: {age}"])
    assert (told, finding.kind) == ({}, FindingKind.IMPLAUSIBLE_AGE)
    assert len(finding.detail) < 200
