"""What the free text of a header tells of the patient."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..findings import Finding, FindingKind
from ..patients import MAX_AGE, age_in_years, sex_code

_KEY = re.compile(
    r"<?\b(age|sex|gender|patient[ _]id|subject[ _]id)\b>?\s*[:=]\s*", re.ASCII | re.IGNORECASE
)


def patient_of(comments: Iterable[str]) -> tuple[dict[str, Any], str, list[Finding]]:
    """Return what comments tell of the patient.

    A comment tells it if it begins with it: "Age: 47, Sex: F" does, "Average age: 3" does not. In
    the style of "<age>: 28 <diagnoses>: none", each part is a comment of its own. Where something
    is told twice, the first counts.

    Returns
    -------
    annotations : dict
        ``age`` in years and ``sex``, 0 (male) or 1 (female), where they are told.
    patient_id : str
        Empty where it is not told.
    findings : list of Finding
        An age that cannot be one.

    Examples
    --------
    >>> patient_of(["Age: 47", "Sex: Female", "Patient ID: MRN 1"])
    ({'age': 47.0, 'sex': 1}, 'MRN 1', [])
    """
    told: dict[str, str] = {}
    for comment in comments:
        for key, value in _fields(comment.strip()):
            told.setdefault(key.lower().replace("_", " "), value)
    sex = told.get("sex", told.get("gender", ""))
    # which of the two a digit means differs from one convention to another
    annotations, findings = clean_patient(told.get("age"), None if sex[:1].isdigit() else sex)
    return annotations, told.get("patient id", told.get("subject id", "")), findings


def _fields(comment: str) -> Iterator[tuple[str, str]]:
    parts = re.split("(?=<)", comment) if comment.startswith("<") else [comment]
    for part in parts:
        before, *pairs = _KEY.split(part)
        keys, values = pairs[::2], pairs[1::2]
        if not before.strip():
            # between two fields there may be a comma
            values[:-1] = [value.rstrip(" ,;") for value in values[:-1]]
            yield from zip(keys, map(str.strip, values), strict=True)


def clean_patient(age: Any, sex: Any) -> tuple[dict[str, Any], list[Finding]]:
    """Return age and sex as they are kept with a record, an implausible age as a finding."""
    annotations: dict[str, Any] = {}
    findings = []
    years = age_in_years(age)
    if 0 <= years <= MAX_AGE:
        annotations["age"] = years
    elif not math.isnan(years):
        detail = f"{years:g} years, taken as not known; 300 often stands for more than 89"
        findings.append(Finding(FindingKind.IMPLAUSIBLE_AGE, detail=detail))
    elif any(letter.isdigit() for letter in str(age)):
        detail = f"{str(age)[:40]!r}, taken as not known; write years, or a number and its unit"
        findings.append(Finding(FindingKind.IMPLAUSIBLE_AGE, detail=detail))
    code = sex_code(sex)
    if not math.isnan(code):
        annotations["sex"] = code
    return annotations, findings
