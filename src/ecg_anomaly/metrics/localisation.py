"""How well maps over leads and time show where an anomaly is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import SignalError
from ._pairs import pairs_won
from ._shares import check_resampling

if TYPE_CHECKING:
    import pandas as pd


class PointingGame(NamedTuple):
    """Result of `pointing_game`.

    Attributes
    ----------
    hit : float in [0, 1]
        Share of the records whose map is highest within the mask.
    chance : float in (0, 1)
        What pointing anywhere would hit: the mean share of the area that masks cover.
    corrected : float up to 1
        ``(hit - chance) / (1 - chance)``: 0 by chance, below it if worse.
    n_records, n_skipped : int
        Records that count, and those whose mask is empty or full.
    """

    hit: float
    chance: float
    corrected: float
    n_records: int
    n_skipped: int


class LocalisationAUROC(NamedTuple):
    """Result of `localisation_auroc`.

    Attributes
    ----------
    auroc : float in [0, 1]
        Mean over records; 0.5 by chance.
    n_records, n_skipped : int
        Records that count, and those whose mask is empty or full.
    """

    auroc: float
    n_records: int
    n_skipped: int


class LeadRanking(NamedTuple):
    """Result of `lead_ranking`.

    Attributes
    ----------
    auroc : float in [0, 1]
        Mean over records of the AUROC of affected leads against the others; 0.5 by chance.
    top : float in [0, 1]
        Share of the records whose most blamed lead is affected.
    chance : float in (0, 1)
        What naming any lead would hit: the mean share of leads that are affected.
    corrected : float up to 1
        ``(top - chance) / (1 - chance)``.
    n_records, n_skipped : int
        Records that count, and those in which all leads or none are affected.
    """

    auroc: float
    top: float
    chance: float
    corrected: float
    n_records: int
    n_skipped: int


def pointing_game(maps, masks, *, tolerance: int = 0) -> PointingGame:
    """Return how often the highest point of a map lies in the mask, also corrected for chance.

    Parameters
    ----------
    maps : iterable of array-like of shape (n_leads, n_samples)
        One a record, such as an array of shape (n_records, n_leads, n_samples): higher = more
        unusual. Maps may be signed, as those of `difference_map` are: the highest counts, not the
        largest magnitude. Several highest points count by their share in the mask, so that a
        constant map scores chance.
    masks : iterable of array-like of bool of shape (n_leads, n_samples)
        Where the anomaly is.
    tolerance : int, default=0
        By how many samples, in either direction of time, a point may miss the mask. Chance grows
        with it.

    Returns
    -------
    PointingGame

    Raises
    ------
    SignalError
        If maps and masks do not fit each other, maps are not finite, masks are not boolean, or no
        mask is other than empty or full.
    ValueError
        If the tolerance is negative.

    References
    ----------
    Zhang, Bargal, Lin, Brandt, Shen and Sclaroff, "Top-down neural attention by excitation
    backprop", International Journal of Computer Vision 2018.

    Examples
    --------
    >>> game = pointing_game([[[0, 1, 5, 2]]], [[[False, False, True, False]]])
    >>> game.hit, game.chance, game.corrected
    (1.0, 0.25, 1.0)
    """
    _check_tolerance(tolerance)
    rows = [_point(values, mask, tolerance) for values, mask in _checked(maps, masks)]
    (hit, chance), n_records = _means(rows, "every mask is empty or full: nothing to point at.")
    corrected = float(_corrected(hit, chance))
    return PointingGame(hit, chance, corrected, n_records, len(rows) - n_records)


def localisation_auroc(maps, masks) -> LocalisationAUROC:
    """Return the AUROC of samples in the mask against those outside, over leads and time.

    Parameters
    ----------
    maps, masks
        As in `pointing_game`.

    Returns
    -------
    LocalisationAUROC
        Each record has its own AUROC, ties counting one half; the mean of these. Records do not
        mix, so that it does not matter whose map is higher altogether.

    Raises
    ------
    SignalError
        As `pointing_game`.

    Examples
    --------
    >>> localisation_auroc([[[0, 1, 5, 2]]], [[[False, True, True, False]]]).auroc
    0.75
    """
    rows = [(_auroc(values.ravel(), mask.ravel()),) for values, mask in _checked(maps, masks)]
    (auroc,), n_records = _means(rows, "every mask is empty or full: nothing to tell apart.")
    return LocalisationAUROC(auroc, n_records, len(rows) - n_records)


def lead_ranking(maps, masks) -> LeadRanking:
    """Return how well a map, summed over time, tells the affected leads from the others.

    Parameters
    ----------
    maps, masks
        As in `pointing_game`. A lead is affected if its mask holds a sample.

    Returns
    -------
    LeadRanking
        Leads of equal blame count one half each in the AUROC, and by their affected share at the
        top.

    Raises
    ------
    SignalError
        If maps and masks do not fit each other, maps are not finite, masks are not boolean, or in
        no record some leads are affected and others not.

    Examples
    --------
    >>> maps = [[[0, 3], [1, 1], [0, 0]]]
    >>> masks = [[[False, True], [False, False], [False, True]]]
    >>> ranking = lead_ranking(maps, masks)
    >>> ranking.auroc, ranking.top, round(ranking.chance, 2)
    (0.5, 1.0, 0.67)
    """
    rows = [_rank(values, mask) for values, mask in _checked(maps, masks)]
    (auroc, top, chance), n_records = _means(
        rows, "in every record all leads are affected, or none: no leads to rank."
    )
    corrected = float(_corrected(top, chance))
    return LeadRanking(auroc, top, chance, corrected, n_records, len(rows) - n_records)


def localisation_table(
    maps_by_name: Mapping[str, Iterable],
    masks,
    *,
    tolerance: int = 0,
    groups=None,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    random_state=None,
) -> pd.DataFrame:
    """Return the measures of several kinds of maps side by side, with their intervals.

    Parameters
    ----------
    maps_by_name : mapping of str to maps
        Of a detector and of baselines, such as `amplitude_map` and `paste_edge_map`, on the same
        records.
    masks, tolerance
        As in `pointing_game`.
    groups : array-like of shape (n_records,), optional
        Patient of each record, drawn together; by default each record is a patient of its own.
    confidence : float in (0, 1), default=0.95
    n_resamples : int, default=1000
        Bootstrap samples; the same ones for all maps.
    random_state : int, RandomState or None, default=None

    Returns
    -------
    DataFrame
        Indexed by name: `pointing` (corrected for chance) and the `hit` and `chance` that it is of;
        `auroc` over leads and time; `lead_auroc`; `lead_top` (corrected). Each of `pointing`,
        `auroc`, `lead_auroc` and `lead_top` has its percentile bootstrap interval, `..._low` and
        `..._high`. `n_records` have a mask neither empty nor full, `n_lead_records` some but not
        all leads affected; what no record allows is NaN.

    Raises
    ------
    SignalError
        If maps, masks and groups do not fit each other, maps are not finite or masks not boolean.
    ValueError
        If another parameter is out of range.

    Examples
    --------
    >>> x = np.zeros((8, 2, 50))
    >>> x[:, 0, 20:30] = 1
    >>> table = localisation_table({"signal": x, "nothing": 0 * x}, x > 0, random_state=0)
    >>> table[["pointing", "auroc", "lead_top"]]
             pointing  auroc  lead_top
    name
    signal        1.0    1.0       1.0
    nothing       0.0    0.5       0.0
    """
    import pandas as pd
    from sklearn.utils import check_random_state

    if n_resamples < 1:
        raise ValueError(f"n_resamples must be 1 or more, got {n_resamples!r}.")
    _check_tolerance(tolerance)
    masks = list(masks)
    if not masks:
        raise SignalError("there are no records.")
    patients = check_resampling(groups, len(masks), confidence, n_resamples)
    rng = check_random_state(random_state)
    n_patients = int(patients.max()) + 1
    times = rng.multinomial(n_patients, np.full(n_patients, 1 / n_patients), n_resamples)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    table = {}
    for name, maps in maps_by_name.items():
        found = _measure(maps, masks, tolerance)
        row = {}
        # once as they are, then as often as each patient is drawn
        once, drawn = (
            _summaries(found, weights[:, patients])
            for weights in (np.ones((1, n_patients), np.int64), times)
        )
        for measure, value in once.items():
            row[measure] = float(value[0])
            if measure not in ("hit", "chance"):
                draws = drawn[measure][~np.isnan(drawn[measure])]
                low, high = np.quantile(draws, tails) if len(draws) else (np.nan, np.nan)
                row |= {f"{measure}_low": float(low), f"{measure}_high": float(high)}
        row["n_records"] = int((~np.isnan(found.hit)).sum())
        row["n_lead_records"] = int((~np.isnan(found.lead_auroc)).sum())
        table[name] = row
    return pd.DataFrame(table.values(), index=pd.Index(list(table), name="name"))


class _Measured(NamedTuple):
    """Of each record, NaN where its mask does not allow it."""

    hit: np.ndarray
    chance: np.ndarray
    auroc: np.ndarray
    lead_auroc: np.ndarray
    lead_top: np.ndarray
    lead_chance: np.ndarray


def _measure(maps, masks, tolerance: int) -> _Measured:
    rows = [
        (
            *_point(values, mask, tolerance),
            _auroc(values.ravel(), mask.ravel()),
            *_rank(values, mask),
        )
        for values, mask in _checked(maps, masks)
    ]
    return _Measured(*np.array(rows, dtype=np.float64).T)


def _means(rows: Sequence[tuple[float, ...]], otherwise: str) -> tuple[list[float], int]:
    """Return the mean of each column, and over how many records."""
    columns = np.array(rows, dtype=np.float64)
    columns = columns[~np.isnan(columns).any(axis=1)] if len(rows) else columns
    if not len(columns):
        raise SignalError(otherwise if rows else "there are no records.")
    return columns.mean(axis=0).tolist(), len(columns)


def _check_tolerance(tolerance: int) -> None:
    if tolerance < 0:
        raise ValueError(f"tolerance must be 0 or more samples, got {tolerance!r}.")


def _checked(maps, masks) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    maps, masks = list(maps), list(masks)
    if len(maps) != len(masks):
        raise SignalError(f"{len(maps)} maps, but {len(masks)} masks; pass one of each a record.")
    for number, (values, mask) in enumerate(zip(maps, masks, strict=True)):
        values, mask = np.asarray(values, dtype=np.float64), np.asarray(mask)
        if values.ndim != 2 or values.shape != mask.shape or not values.size:
            raise SignalError(
                f"record {number}: a map of shape {values.shape} and a mask of shape {mask.shape}; "
                "both must be (n_leads, n_samples), a single one in a list."
            )
        if mask.dtype != bool:
            raise SignalError(f"record {number}: a mask of {mask.dtype}; make it boolean.")
        if not np.isfinite(values).all():
            raise SignalError(
                f"record {number}: its map is not finite; leave out records that cannot be scored."
            )
        yield values, mask


def _point(values: np.ndarray, mask: np.ndarray, tolerance: int) -> tuple[float, float]:
    """Return whether the highest point is in the mask, and the share of the area that is."""
    from scipy.ndimage import maximum_filter1d

    if tolerance and mask.any():
        mask = maximum_filter1d(mask, 2 * tolerance + 1, axis=-1, mode="constant")
    if mask.all() or not mask.any():
        return np.nan, np.nan
    return float(mask[values == values.max()].mean()), float(mask.mean())


def _auroc(values: np.ndarray, positive: np.ndarray) -> float:
    won, n_pairs = pairs_won(values, positive)
    return won / n_pairs if n_pairs else np.nan


def _rank(values: np.ndarray, mask: np.ndarray) -> tuple[float, float, float]:
    """Return the AUROC of affected leads, whether the first is one, and the chance of that."""
    blame, affected = values.sum(axis=-1), np.asarray(mask.any(axis=-1))
    if affected.all() or not affected.any():
        return np.nan, np.nan, np.nan
    top = float(affected[blame == blame.max()].mean())
    return _auroc(blame, affected), top, float(affected.mean())


def _corrected(hit, chance):
    return (hit - chance) / (1 - chance)


def _summaries(found: _Measured, times: np.ndarray) -> dict[str, np.ndarray]:
    """Return each measure in every draw, given how often it holds each record."""

    def mean(values):
        there = ~np.isnan(values)
        number = times[:, there].sum(axis=1)
        total = times[:, there] @ values[there]
        return np.divide(total, number, out=np.full(len(times), np.nan), where=number > 0)

    hit, chance = mean(found.hit), mean(found.chance)
    return {
        "pointing": _corrected(hit, chance),
        "hit": hit,
        "chance": chance,
        "auroc": mean(found.auroc),
        "lead_auroc": mean(found.lead_auroc),
        "lead_top": _corrected(mean(found.lead_top), mean(found.lead_chance)),
    }
