"""Beats compared one by one, by ANSI/AAMI EC57."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SignalError
from ._beat_codes import AAMI_CLASSES, BXB_CLASSES, read_beats

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AAMI_CLASSES", "BXB_CLASSES", "PACED_RECORDS", "beat_table", "match_beats"]

#: Records of the MIT-BIH Arrhythmia Database with paced beats, on which EC57 asks for no report.
PACED_RECORDS = ("102", "104", "107", "217")

_ROWS = ("N", "S", "V", "F", "Q", "O", "X")
_COLUMNS = tuple(name.lower() for name in _ROWS)
_NEVER = np.iinfo(np.int64).max // 4


def match_beats(
    reference_samples,
    reference_symbols,
    test_samples,
    test_symbols,
    fs: float,
    window: float = 0.15,
    start: float = 300.0,
    *,
    classes: Mapping[str, str] = AAMI_CLASSES,
    fibrillation: bool = False,
    reference_unreadable=(),
    test_shutdown=(),
) -> pd.DataFrame:
    """Pair the beats of a detector with the annotated ones and count the pairs by class.

    Pairs are those of PhysioNet's program bxb, after the standard [1]_, [2]_: going through time,
    the earlier of the next annotated and the next detected beat is paired with the other if they
    are no further apart than the window, and no beat that follows is as near.

    Parameters
    ----------
    reference_samples : array-like of int of shape (n_reference,)
        Ascending; of annotations, among which there may be others than beats.
    reference_symbols : sequence of str of shape (n_reference,)
        Annotation codes of PhysioNet, or letters of the classes.
    test_samples : array-like of int of shape (n_test,)
        Ascending; what a detector found.
    test_symbols : sequence of str of shape (n_test,), or None
        Its codes or classes; None for a detector that only finds beats, which are taken for N.
    fs : float
        In Hz.
    window : float, default=0.15
        Largest distance of a pair, in s.
    start : float, default=300
        End of the learning period, in s: beats before are not counted.
    classes : mapping of str to str, default=AAMI_CLASSES
        Class (N, S, V, F, Q) of each code. `AAMI_CLASSES` counts escape beats (e, j, n) as N, with
        most literature; `BXB_CLASSES` as S, with bxb.
    fibrillation : bool, default=False
        Whether to count beats in ventricular flutter or fibrillation, between codes ``[`` and
        ``]``. By the standard annotated beats there are passed over, and so is what a detector
        finds there without a partner. Flutter waves (``!``) are no beats either way.
    reference_unreadable, test_shutdown : array-like of int of shape (n_spans, 2)
        First and last sample of stretches annotated as unreadable, and of those for which the
        detector said that it was off.

    Returns
    -------
    DataFrame of int of shape (7, 7)
        Rows are annotated, columns found: N, S, V, F, Q and n, s, v, f, q. Row O counts beats that
        were found but are not annotated, column o annotated ones that were not found; row X and
        column x are those in what is unreadable, and in shutdown.

    Raises
    ------
    SignalError
        If samples fall, symbols do not fit them, or the rate, window or start is out of range.
    LabelError
        If a symbol is no annotation code.

    References
    ----------
    .. [1] ANSI/AAMI EC57:1998, "Testing and reporting performance results of cardiac rhythm and ST
       segment measurement algorithms".
    .. [2] Moody, "Evaluating ECG analyzers", WFDB Applications Guide, PhysioNet.

    Examples
    --------
    >>> matrix = match_beats([100, 200, 300], "NVN", [101, 205, 250], "NNN", fs=100, start=0)
    >>> matrix.loc[["N", "V", "O"], ["n", "v", "o"]]
    test       n  v  o
    reference
    N          1  0  1
    V          1  0  0
    O          1  0  0
    """
    import pandas as pd

    for name, value in (("fs", fs), ("window", window), ("start", start)):
        if not np.isfinite(value) or value < 0 or (name == "fs" and value == 0):
            raise SignalError(f"{name} must be a positive number, got {value!r}.")
    reference = read_beats(reference_samples, _split(reference_symbols), classes, "reference")
    test = read_beats(test_samples, _split(test_symbols), classes, "test")
    samples, found = [], []
    for beat_samples, groups, flutter in (reference, test):
        counts = np.ones(len(beat_samples), bool)
        if not fibrillation:
            counts = ~_within(beat_samples, flutter)
        samples.append(beat_samples[counts])
        found.append(groups[counts])
    pairs = _pair(samples[0], samples[1], round(window * fs), round(start * fs))
    in_flutter = _within(samples[1], reference[2]) & (not fibrillation)
    unreadable = _within(samples[1], _spans(reference_unreadable, "reference_unreadable"))
    off = _within(samples[0], _spans(test_shutdown, "test_shutdown"))
    counted = {(row, column): 0 for row in _ROWS for column in _COLUMNS}
    for i, j in pairs:
        if i is None and in_flutter[j]:
            continue
        row = found[0][i] if i is not None else "X" if unreadable[j] else "O"
        column = found[1][j].lower() if j is not None else "x" if off[i] else "o"
        counted[row, column] += 1
    values = np.array(list(counted.values())).reshape(len(_ROWS), -1)
    return pd.DataFrame(values, pd.Index(_ROWS, name="reference"), pd.Index(_COLUMNS, name="test"))


def _split(symbols):
    return list(symbols) if isinstance(symbols, str) else symbols


def _spans(spans, name: str) -> np.ndarray:
    spans = np.asarray(spans, np.int64)
    if spans.size and (spans.ndim != 2 or spans.shape[1] != 2):
        raise SignalError(f"{name} of shape {spans.shape}; pass the first and last sample of each.")
    return spans.reshape(-1, 2)


def _within(samples: np.ndarray, spans: np.ndarray) -> np.ndarray:
    inside = np.zeros(len(samples), bool)
    for first, last in spans:
        inside |= (samples >= first) & (samples <= last)
    return inside


def _pair(
    reference: np.ndarray, test: np.ndarray, window: int, start: int
) -> list[tuple[Any, Any]]:
    """Return rows of both that pair up, with None for a partner where there is none."""
    # two times that never come, so that there always is a next one
    T: list[int] = [*reference.tolist(), _NEVER, 2 * _NEVER]
    t: list[int] = [*test.tolist(), _NEVER, 2 * _NEVER]
    i = int(np.searchsorted(reference, start))
    j = int(np.searchsorted(test, start))
    pairs: list[tuple[Any, Any]] = []
    # at the end of the learning period one of a pair may lie before it, the other after it
    before = T[i] - t[j - 1] if j else _NEVER
    if before <= window and before < abs(T[i] - t[j]):
        pairs.append((i, j - 1))
        i += 1
    elif t[j] - start <= window and abs(T[i] - t[j + 1]) < abs(T[i] - t[j]):
        j += 1
    while i < len(reference) or j < len(test):
        if t[j] < T[i]:
            is_pair = T[i] - t[j] <= window and T[i] - t[j] < abs(T[i] - t[j + 1])
            pairs.append((i if is_pair else None, j))
            i, j = i + is_pair, j + 1
        else:
            is_pair = t[j] - T[i] <= window and t[j] - T[i] < abs(t[j] - T[i + 1])
            pairs.append((i, j if is_pair else None))
            i, j = i + 1, j + is_pair
    return pairs


def beat_table(
    matrices: Mapping[Any, pd.DataFrame], *, exclude: Collection[str] = PACED_RECORDS
) -> pd.DataFrame:
    """Return the sensitivities and predictive values that EC57 asks for, by record and in all.

    Parameters
    ----------
    matrices : mapping of record name to DataFrame
        From `match_beats`.
    exclude : collection of str, default=("102", "104", "107", "217")
        Records to leave out, by default those of the MIT-BIH Arrhythmia Database with paced beats.
        Pass () to leave out none, and for databases whose records have these names by chance.

    Returns
    -------
    DataFrame
        One row per record, then `gross`, of the summed matrices, in which each beat counts the
        same, and `average`, the mean of the records, in which each record does; those where a
        quotient has no denominator (NaN) do not enter its mean. Columns, as shares:
        `qrs_se` and `qrs_ppv`, then `veb_se`, `veb_ppv`, `veb_fpr`, and `sveb_se`, `sveb_ppv` and
        `sveb_fpr`, after them the annotated beats, `n_qrs`, `n_veb` and `n_sveb`.

    Raises
    ------
    SignalError
        If no record remains, or a matrix is not one of `match_beats`.

    Notes
    -----
    With Vv for row V and column v, and dots for sums over all classes:

    - QRS: TP is every pair of two beats whatever the classes, FN columns o and x, FP rows O and X.
    - VEB: TP = Vv; FN the rest of row V, missed ones too; FP = Nv + Sv + Ov + Xv. Fusion and
      unknown beats called ventricular, Fv and Qv, are neither right nor wrong. TN are all other
      cells without V, v, o and x; FPR = FP / (TN + FP).
    - SVEB: TP = Ss; FN the rest of row S; FP = Ns + Vs + Fs + Os + Xs; Qs does not count. TN by the
      rule for VEBs. bxb prints no FPR of SVEBs; it is given for symmetry.

    This is what bxb prints for a record. Its companion sumstats leaves Fs out of the gross SVEB
    predictive value, since the lines that it sums mix it with Qs.

    References
    ----------
    ANSI/AAMI EC57:1998, "Testing and reporting performance results of cardiac rhythm and ST segment
    measurement algorithms".

    Examples
    --------
    >>> matrix = match_beats([100, 200, 300], "NVN", [101, 205, 250], "NVN", fs=100, start=0)
    >>> beat_table({"100": matrix})[["qrs_se", "qrs_ppv", "veb_se"]].round(2)
             qrs_se  qrs_ppv  veb_se
    record
    100        0.67     0.67     1.0
    gross      0.67     0.67     1.0
    average    0.67     0.67     1.0
    """
    import pandas as pd

    kept = {str(name): matrix for name, matrix in matrices.items() if str(name) not in exclude}
    if not kept:
        names = ", ".join(map(str, matrices)) or "none"
        raise SignalError(f"no record remains of those given ({names}); see `exclude`.")
    for name, matrix in kept.items():
        if tuple(matrix.index) != _ROWS or tuple(matrix.columns) != _COLUMNS:
            raise SignalError(f"record {name}: not a matrix of match_beats().")
    table = pd.DataFrame.from_dict(
        {name: _figures(matrix) for name, matrix in kept.items()}, orient="index", dtype=float
    )
    average = table.mean()
    table.loc["gross"] = _figures(sum(kept.values()))
    table.loc["average"] = average
    return table.rename_axis("record")


def _figures(matrix) -> dict[str, float]:
    beats, unpaired = list(_ROWS[:5]), list(_ROWS[5:])
    found, missed = list(_COLUMNS[:5]), list(_COLUMNS[5:])

    def count(rows, columns):
        return int(matrix.loc[rows, columns].to_numpy().sum())

    def quotient(part, whole):
        return part / whole if whole else float("nan")

    pairs = count(beats, found)
    figures = {
        "qrs_se": quotient(pairs, count(beats, found + missed)),
        "qrs_ppv": quotient(pairs, count(beats + unpaired, found)),
    }
    for name, group, no_matter in (("veb", "V", ["F", "Q"]), ("sveb", "S", ["Q"])):
        column = group.lower()
        others = [row for row in _ROWS if row != group]
        right = count([group], [column])
        wrong = count([row for row in others if row not in no_matter], [column])
        negative = count(others, [label for label in found if label != column])
        figures[f"{name}_se"] = quotient(right, count([group], found + missed))
        figures[f"{name}_ppv"] = quotient(right, right + wrong)
        figures[f"{name}_fpr"] = quotient(wrong, negative + wrong)
    for name, rows in (("qrs", beats), ("veb", ["V"]), ("sveb", ["S"])):
        figures[f"n_{name}"] = count(rows, found + missed)
    return figures
