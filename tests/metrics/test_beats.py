import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecg_anomaly.errors import LabelError, SignalError
from ecg_anomaly.metrics import (
    AAMI_CLASSES,
    BXB_CLASSES,
    PACED_RECORDS,
    beat_table,
    match_beats,
)

FOLDER = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset") / "mitdb"


def match(reference, test, *, reference_symbols=None, test_symbols=None, **options):
    """Compare beats at 100 Hz, so that the window is 15 samples, from the start."""
    symbols = "N" * len(reference) if reference_symbols is None else reference_symbols
    options = {"fs": 100, "start": 0} | options
    return match_beats(reference, symbols, test, test_symbols, **options)


def cells(matrix):
    """Name the cells that are not zero, row and column."""
    return {
        row + column: int(matrix.loc[row, column])
        for row in matrix.index
        for column in matrix.columns
        if matrix.loc[row, column]
    }


@pytest.mark.parametrize(
    ("reference", "test", "expected"),
    [
        ([100, 200], [100, 200], {"Nn": 2}),
        # 15 samples are within the window, 16 are not
        ([100, 200], [115, 216], {"Nn": 1, "No": 1, "On": 1}),
        ([100, 200], [85, 184], {"Nn": 1, "No": 1, "On": 1}),
        # of two found beats the nearer, before or after
        ([100], [95, 102], {"Nn": 1, "On": 1}),
        ([100], [98, 105], {"Nn": 1, "On": 1}),
        # of two annotated beats the nearer
        ([100, 112], [110], {"Nn": 1, "No": 1}),
        ([100, 112], [103], {"Nn": 1, "No": 1}),
        # 110 is nearer to 112 than 100 is, so 100 is left alone, and then 112 takes 110
        ([100, 112], [110, 125], {"Nn": 1, "No": 1, "On": 1}),
        ([], [100], {"On": 1}),
        ([100], [], {"No": 1}),
        ([], [], {}),
    ],
)
def test_pairs_by_hand(reference, test, expected):
    assert cells(match(np.array(reference, int), np.array(test, int))) == expected


def test_which_of_two_equally_near_beats_pairs():
    # like bxb: of two found beats at 95 and 105 the later one
    matrix = match([100], [95, 105], test_symbols="NV")
    assert cells(matrix) == {"Nv": 1, "On": 1}
    # and of two annotated ones
    matrix = match([95, 105], [100], reference_symbols="NV")
    assert cells(matrix) == {"No": 1, "Vn": 1}


def test_classes_by_hand():
    #        N    L->N  A->S  V    E->V  F    /->Q  ~ (noise)  V
    matrix = match(
        [100, 200, 300, 400, 500, 600, 700, 750, 800],
        [101, 199, 305, 402, 498, 600, 703, 900],
        reference_symbols="NLAVEF/~V",
        test_symbols="NVSVNVQS",
    )
    assert cells(matrix) == {
        "Nn": 1, "Nv": 1, "Ss": 1, "Vv": 1, "Vn": 1, "Fv": 1, "Qq": 1, "Vo": 1, "Os": 1
    }  # fmt: skip
    assert matrix.index.tolist() == list("NSVFQOX")
    assert matrix.columns.tolist() == list("nsvfqox")


def test_escape_beats_by_either_table():
    beats = [100, 200, 300, 400], [100, 200, 300, 400]
    symbols = {"reference_symbols": "ejnA", "test_symbols": "NNNS"}
    assert cells(match(*beats, **symbols)) == {"Nn": 3, "Ss": 1}
    assert cells(match(*beats, **symbols, classes=BXB_CLASSES)) == {"Sn": 3, "Ss": 1}
    assert {symbol for symbol in AAMI_CLASSES if AAMI_CLASSES[symbol] != BXB_CLASSES[symbol]} == {
        "e", "j", "n"
    }  # fmt: skip
    assert set(AAMI_CLASSES.values()) == set("NSVFQ")


def test_the_learning_period():
    # at 100 Hz 300 s end at sample 30000
    reference = [100, 29900, 30100, 30200]
    assert cells(match(reference, reference, start=300)) == {"Nn": 2}
    assert cells(match_beats(reference, "NNNN", reference, None, 100)) == {"Nn": 2}
    # an annotated beat just after the end may have its partner before it
    assert cells(match([30003, 30100], [29995, 30100], start=300)) == {"Nn": 2}
    # unless one after it is nearer
    matrix = match([30003], [29995, 30005], start=300, test_symbols="VS")
    assert cells(matrix) == {"Ns": 1}
    # a beat found just after it may belong to one annotated before: not counted
    assert cells(match([29998, 30100], [30004, 30100], start=300)) == {"Nn": 1}
    # but what is found further from the end is
    assert cells(match([29998, 30100], [30030, 30100], start=300)) == {"Nn": 1, "On": 1}


FLUTTER = [100, 150, 200, 220, 240, 300, 400], "N[!!]NN"


def test_flutter_is_passed_over():
    test = [100, 200, 230, 245, 300, 400]
    # 245 is after the end: 5 beyond ]
    expected = {"Nn": 3, "Ov": 1}
    found = match_beats(*FLUTTER, test, "NVVVNN", 100, start=0)
    assert cells(found) == expected
    # annotated beats within do not count either
    within = [100, 150, 200, 240, 300, 400], "N[V]NN"
    assert cells(match_beats(*within, test, "NVVVNN", 100, start=0)) == expected
    # unless that is asked for
    found = match_beats(*within, test, "NVVVNN", 100, start=0, fibrillation=True)
    assert cells(found) == {"Nn": 3, "Vv": 1, "Ov": 2}
    # an episode opened twice ends once, and an end without a beginning is none
    twice = [50, 100, 150, 180, 240, 300, 400], "]N[[]NN"
    assert cells(match_beats(*twice, test, "NVVVNN", 100, start=0)) == expected
    # an episode that does not end lasts
    open_end = [100, 150, 300], "N[N"
    assert cells(match_beats(*open_end, test, "NVVVNN", 100, start=0)) == {"Nn": 1}


def test_flutter_that_the_detector_claims():
    matrix = match_beats([100, 200, 300], "NVN", [100, 150, 200, 250, 300], "N[V]N", 100, start=0)
    assert cells(matrix) == {"Nn": 2, "Vo": 1}


def test_shutdown_and_unreadable_stretches():
    matrix = match(
        [100, 200, 300, 400],
        [100, 250, 350],
        reference_symbols="NNVN",
        reference_unreadable=[[240, 260]],
        test_shutdown=[(290, 500)],
    )
    assert cells(matrix) == {"Nn": 1, "No": 1, "Xn": 1, "Vx": 1, "Nx": 1, "On": 1}


# Rows N S V F Q O X, columns n s v f q o x; every cell differs.
FULL = pd.DataFrame(
    [
        [1000, 10, 20, 3, 4, 5, 6],
        [11, 50, 12, 1, 2, 7, 8],
        [30, 13, 200, 14, 15, 9, 16],
        [17, 18, 19, 21, 22, 23, 24],
        [25, 26, 27, 28, 29, 31, 32],
        [33, 34, 35, 36, 37, 0, 0],
        [38, 39, 40, 41, 42, 0, 0],
    ],
    pd.Index(list("NSVFQOX"), name="reference"),
    pd.Index(list("nsvfqox"), name="test"),
)


def test_figures_by_hand():
    figures = beat_table({"100": FULL}).loc["100"]
    # pairs: 1037 (N) + 76 (S) + 272 (V) + 97 (F) + 135 (Q) = 1617
    # missed: o 5+7+9+23+31 = 75, x 6+8+16+24+32 = 86; extra: O 175, X 200
    assert figures["qrs_se"] == pytest.approx(1617 / (1617 + 75 + 86))
    assert figures["qrs_ppv"] == pytest.approx(1617 / (1617 + 175 + 200))
    # VEB: TP 200; FN 30+13+14+15+9+16 = 97; FP Nv 20 + Sv 12 + Ov 35 + Xv 40 = 107, no Fv, no Qv
    # TN: n s f q of N 1017, S 64, F 78, Q 108, O 140, X 160 = 1567
    assert figures["veb_se"] == pytest.approx(200 / 297)
    assert figures["veb_ppv"] == pytest.approx(200 / 307)
    assert figures["veb_fpr"] == pytest.approx(107 / (1567 + 107))
    # SVEB: TP 50; FN 11+12+1+2+7+8 = 41; FP Ns 10 + Vs 13 + Fs 18 + Os 34 + Xs 39 = 114, no Qs
    # TN: n v f q of N 1027, V 259, F 79, Q 109, O 141, X 161 = 1776
    assert figures["sveb_se"] == pytest.approx(50 / 91)
    assert figures["sveb_ppv"] == pytest.approx(50 / 164)
    assert figures["sveb_fpr"] == pytest.approx(114 / (1776 + 114))
    assert figures[["n_qrs", "n_veb", "n_sveb"]].tolist() == [1617 + 161, 297, 91]


def test_gross_and_average():
    # record a: 3 of 4 beats found, no V; record b: 1 of 1, V, and one beat too many
    a = match([100, 200, 300, 400], [100, 200, 300])
    b = match([100], [100, 200], reference_symbols="V", test_symbols="VN")
    table = beat_table({"a": a, "b": b})
    assert table.index.tolist() == ["a", "b", "gross", "average"]
    assert table["qrs_se"].tolist() == [0.75, 1, 0.8, 0.875]
    assert table["qrs_ppv"].tolist() == [1, 0.5, 0.8, 0.75]
    # a has no VEBs: it does not enter the average
    np.testing.assert_array_equal(table["veb_se"], [np.nan, 1, 1, 1])
    assert table["veb_fpr"].tolist() == [0, 0, 0, 0]
    assert table["sveb_se"].isna().all()
    assert table["n_qrs"].tolist() == [4, 1, 5, 2.5]


def test_paced_records_are_left_out():
    a, paced = match([100], [100]), match([100, 200], [])
    table = beat_table({100: a, **dict.fromkeys(PACED_RECORDS, paced)})
    assert table.index.tolist() == ["100", "gross", "average"]
    assert table.loc["gross", "qrs_se"] == 1
    everything = beat_table({"100": a, "102": paced}, exclude=())
    assert everything.loc["gross", "qrs_se"] == pytest.approx(1 / 3)
    with pytest.raises(SignalError, match=r"no record remains of those given \(102\)"):
        beat_table({"102": paced})


TIMES = st.lists(st.integers(20, 300), unique=True, max_size=25).map(sorted)
BEATS = TIMES.flatmap(
    lambda times: st.tuples(
        st.just(np.array(times, int)),
        st.lists(st.sampled_from("NSVFQ"), min_size=len(times), max_size=len(times)),
    )
)


@given(BEATS)
def test_beats_match_themselves(beats):
    matrix = match_beats(*beats, *beats, 100, start=0)
    assert cells(matrix) == {
        group + group.lower(): beats[1].count(group) for group in set(beats[1])
    }


@given(BEATS, BEATS)
def test_changing_sides_transposes(one, other):
    forward = match_beats(*one, *other, 100, start=0)
    backward = match_beats(*other, *one, 100, start=0)
    np.testing.assert_array_equal(forward, backward.T)


@given(BEATS, BEATS)
def test_every_beat_counts_once(one, other):
    matrix = match_beats(*one, *other, 100, start=0)
    for group in "NSVFQ":
        assert matrix.loc[group].sum() == one[1].count(group)
        assert matrix[group.lower()].sum() == other[1].count(group)


@settings(deadline=None)
@given(BEATS, BEATS)
def test_figures_have_bounds_and_perfect_ones_are_one(one, other):
    table = beat_table({"one": match_beats(*one, *other, 100, start=0)})
    shares = table.loc["one"].iloc[:8]
    assert shares.dropna().between(0, 1).all()
    perfect = beat_table({"one": match_beats(*one, *one, 100, start=0)}).loc["one"]
    se = perfect[["qrs_se", "qrs_ppv", "veb_se", "veb_ppv", "sveb_se", "sveb_ppv"]].dropna()
    assert (se == 1).all()
    assert not perfect[["veb_fpr", "sveb_fpr"]].dropna().any()


@pytest.mark.parametrize(
    ("change", "error", "problem"),
    [
        ({"reference_samples": [200, 100]}, SignalError, "reference samples fall"),
        ({"test_samples": [200, 100]}, SignalError, "test samples fall"),
        ({"test_samples": [100.5, 200]}, SignalError, "whole numbers"),
        ({"test_samples": [[100, 200]]}, SignalError, "must be a row"),
        ({"test_symbols": "NNN"}, SignalError, "2 test samples, but symbols of shape"),
        ({"test_symbols": ["N", "Z"]}, LabelError, "test symbol 'Z' is no annotation code"),
        ({"fs": 0}, SignalError, "fs must be"),
        ({"window": -1}, SignalError, "window must be"),
        ({"start": np.nan}, SignalError, "start must be"),
        ({"test_shutdown": [1, 2, 3]}, SignalError, "test_shutdown of shape"),
    ],
)
def test_what_is_refused(change, error, problem):
    given = {"reference_samples": [100, 200], "reference_symbols": "NN", "fs": 100}
    given |= {"test_samples": [100, 200], "test_symbols": "NN"}
    with pytest.raises(error, match=problem):
        match_beats(**(given | change))


def test_tables_of_something_else():
    with pytest.raises(SignalError, match="record a: not a matrix of"):
        beat_table({"a": FULL.T})
    with pytest.raises(SignalError, match=r"no record remains of those given \(none\)"):
        beat_table({})


real = pytest.mark.skipif(
    not (FOLDER / "207.atr").is_file(),
    reason="needs the MIT-BIH Arrhythmia Database: set ECG_ANOMALY_DATA to a folder with mitdb/",
)


def annotations(record):
    from ecg_anomaly.io import read_annotations

    found = read_annotations(FOLDER / record)
    return found.sample, np.array(found.symbol)


@real
@pytest.mark.parametrize("record", ["100", "203", "208"])
def test_known_damage_to_real_annotations(record):
    sample, symbol = annotations(record)
    is_beat = np.isin(symbol, list(AAMI_CLASSES))
    sample, group = sample[is_beat], np.array([AAMI_CLASSES[s] for s in symbol[is_beat]])
    start = 300 * 360
    later = np.flatnonzero(sample > start + 360)
    rng = np.random.default_rng(0)
    chosen = rng.permutation(later)
    missed, renamed = chosen[:40], chosen[40:70]
    test_group = group.copy()
    test_group[renamed] = np.where(group[renamed] == "V", "N", "V")
    # all are a little off, some missing, and some are too many, halfway to the next beat
    jittered = sample + rng.integers(-20, 21, len(sample))
    gaps = later[:-1][np.diff(sample[later]) > 200][:25]
    kept = np.setdiff1d(np.arange(len(sample)), missed)
    times = np.r_[jittered[kept], (sample[gaps] + sample[gaps + 1]) // 2]
    order = np.argsort(times, kind="stable")
    groups = np.r_[test_group[kept], ["N"] * len(gaps)]

    matrix = match_beats(sample, group, times[order], groups[order], 360)

    counted = sample >= start
    expected = pd.DataFrame(0, FULL.index, FULL.columns)
    for k in np.flatnonzero(counted):
        expected.loc[group[k], "o" if k in missed else test_group[k].lower()] += 1
    expected.loc["O", "n"] = len(gaps)
    assert len(gaps) == 25
    pd.testing.assert_frame_equal(matrix, expected)


@real
def test_detections_agree_with_the_comparison_of_wfdb():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from wfdb.processing import compare_annotations

    sample, symbol = annotations("203")
    sample = sample[np.isin(symbol, list(AAMI_CLASSES))]
    rng = np.random.default_rng(1)
    test = np.sort(
        np.r_[
            rng.choice(sample, 2500, replace=False) + rng.integers(-70, 71, 2500),
            rng.integers(400, sample[-1], 300),
        ]
    )
    matrix = match_beats(sample, ["N"] * len(sample), test, None, 360, start=0)
    # its window does not include the end
    other = compare_annotations(sample, test, 55)
    # greedy choices differ where three beats are within the window of each other
    assert matrix.loc["N", "n"] == pytest.approx(other.tp, abs=3)
    assert 1800 < other.tp < 2100


@real
def test_flutter_of_record_207():
    sample, symbol = annotations("207")
    flutter = (symbol == "!").sum()
    assert flutter == 472
    beats = np.isin(symbol, list(AAMI_CLASSES))
    everywhere = beats | (symbol == "!")
    # a detector that finds each flutter wave loses nothing by it
    found = match_beats(sample, symbol, sample[everywhere], None, 360, start=0)
    alone = match_beats(sample, symbol, sample[beats], None, 360, start=0)
    pd.testing.assert_frame_equal(found, alone)
    counting = match_beats(
        sample, symbol, sample[everywhere], None, 360, start=0, fibrillation=True
    )
    assert counting.loc["O", "n"] == flutter
