import math

import pytest

from ecg_anomaly.patients import FEMALE, MALE, age_in_years, sex_code


@pytest.mark.parametrize(
    ("told", "years"),
    [
        (47, 47), (0.5, 0.5), ("47", 47), ("089", 89), ("47y", 47), ("47 years", 47),
        ("1 year", 1), ("47.", 47), ("47.5", 47.5), ("47, male", 47), ("47 (about)", 47),
        ("6 months", 0.5), ("6 mo", 0.5), ("006M", 0.5), ("047Y", 47),
        ("10 weeks", 70 / 365.25), ("010W", 70 / 365.25), ("3 days", 3 / 365.25),
        ("300", 300), ("-1", -1),
    ],
)  # fmt: skip
def test_ages(told, years):
    assert age_in_years(told) == pytest.approx(years)


@pytest.mark.parametrize(
    "told",
    [None, "", "unknown", "nan", math.nan, True, [47], "6m", "6 M", "0,5", "1_2", "0x10", "٤٧",
     "forty", "3 moons", "47/2", 10**400],
    ids=lambda told: repr(told)[:20],
)  # fmt: skip
def test_what_tells_no_age(told):
    assert math.isnan(age_in_years(told))


@pytest.mark.parametrize("told", ["M", "m", "Male", " male; ", 0, 0.0, "0"])
def test_men(told):
    assert sex_code(told) == MALE == 0


@pytest.mark.parametrize("told", ["F", "f.", "FEMALE", 1, 1.0, "1"])
def test_women(told):
    assert sex_code(told) == FEMALE == 1


@pytest.mark.parametrize("told", [None, "", "unknown", "-", 2, math.nan, "femme"])
def test_what_tells_no_sex(told):
    assert math.isnan(sex_code(told))
