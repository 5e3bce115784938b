"""What the free text of a header tells of the patient."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from ..findings import Finding, FindingKind

MAX_AGE = 120
# "Age: 47" and "<age>: 28  <sex>: M" both occur
_FIELD = re.compile(
    r"<?\b(?P<key>age|sex|gender|patient[ _]id|subject[ _]id)\b>?\s*[:=]\s*(?P<value>[^<\s]+)",
    re.IGNORECASE,
)
_SEX = {"m": "M", "male": "M", "f": "F", "female": "F"}


def patient_of(comments: Iterable[str]) -> tuple[dict[str, Any], str, list[Finding]]:
    """Return what comments tell of the patient.

    Returns
    -------
    annotations : dict
        ``age`` in years and ``sex``, "M" or "F", where they are told.
    patient_id : str
        Empty where it is not told.
    findings : list of Finding
        An age that cannot be one.

    Examples
    --------
    >>> patient_of(["Age: 47", "Sex: Female"])
    ({'age': 47.0, 'sex': 'F'}, '', [])
    """
    told: dict[str, str] = {}
    for comment in comments:
        for match in _FIELD.finditer(comment):
            told.setdefault(match["key"].lower().replace("_", " "), match["value"])
    annotations, findings = clean_patient(told.get("age"), told.get("sex", told.get("gender")))
    return annotations, told.get("patient id", told.get("subject id", "")), findings


def clean_patient(age: Any, sex: Any) -> tuple[dict[str, Any], list[Finding]]:
    """Return age and sex as they are kept with a record, an implausible age as a finding."""
    annotations: dict[str, Any] = {}
    findings = []
    try:
        years = float(str(age).rstrip("yY"))
    except ValueError:
        years = math.nan
    if 0 <= years <= MAX_AGE:
        annotations["age"] = years
    elif not math.isnan(years):
        detail = f"{years:g} years, taken as not known; 300 often stands for more than 89"
        findings.append(Finding(FindingKind.IMPLAUSIBLE_AGE, detail=detail))
    if str(sex).strip().lower() in _SEX:
        annotations["sex"] = _SEX[str(sex).strip().lower()]
    return annotations, findings
