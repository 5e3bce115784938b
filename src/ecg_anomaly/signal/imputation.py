"""Fill in missing samples (NaN), from other leads and from their neighbours in time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import numpy as np

#: Directions of the lead space with less than this share of the variance are rounding.
RANK_SHARE = 1e-6
#: Records whose statistics are taken together; divides `ecg_anomaly.records.BATCH_SIZE`, so that
#: arrays and RecordSets give equal sums.
RECORDS_AT_ONCE = 64


def fill_from_plane(x: np.ndarray, plane: np.ndarray) -> None:
    """Fill missing samples of leads that any two others of them determine, in place.

    The six limb leads are such: each is a combination of I and II.

    Parameters
    ----------
    x : ndarray of shape (n_records, n_leads, n_samples)
        Changed where it is NaN and at least two other leads in the plane are not.
    plane : ndarray of shape (n_leads, 2)
        Each lead as a combination of two; NaN for a lead outside the plane. No two rows may be
        parallel.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[[1.0], [3.0], [np.nan]]])
    >>> fill_from_plane(x, np.array([[1, 0], [0, 1], [-1, 1]]))
    >>> x.ravel().tolist()
    [1.0, 3.0, 2.0]
    """
    inside = [k for k in range(len(plane)) if np.isfinite(plane[k]).all()]
    present = np.isfinite(x[:, inside])
    pairs = list(combinations(range(len(inside)), 2))
    for k, lead in enumerate(inside):
        wanted = ~present[:, k]
        for i, j in pairs:
            if not wanted.any():
                break
            if k in (i, j):
                continue
            use = wanted & present[:, i] & present[:, j]
            if use.any():
                a, b = inside[i], inside[j]
                weights = np.linalg.solve(plane[[a, b]].T, plane[lead])
                x[:, lead][use] = weights[0] * x[:, a][use] + weights[1] * x[:, b][use]
                wanted &= ~use


def fill_short_gaps(x: np.ndarray, max_samples: int) -> None:
    """Fill gaps in time by straight lines, in place.

    A gap at the start or end of a row is filled with the nearest value.

    Parameters
    ----------
    x : ndarray of shape (..., n_samples), C-contiguous
        Changed where it is NaN in a run of at most `max_samples`.
    max_samples : int
        Longest gap to fill.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.0, np.nan, 2.0, np.nan, np.nan]])
    >>> fill_short_gaps(x, 1)
    >>> x.tolist()
    [[0.0, 1.0, 2.0, nan, nan]]
    """
    n = x.shape[-1]
    rows = x.reshape(-1, n)
    edges = np.diff(np.isnan(rows).view(np.int8), prepend=np.int8(0), append=np.int8(0), axis=-1)
    row, start = np.nonzero(edges == 1)
    stop = np.nonzero(edges == -1)[1]
    short = (stop - start <= max_samples) & (stop - start < n)
    row, start, stop = row[short], start[short], stop[short]
    left = np.where(start > 0, start - 1, stop)
    right = np.where(stop < n, stop, left)
    first, last = rows[row, left], rows[row, right]

    gap = np.repeat(np.arange(len(row)), stop - start)
    within = np.arange(len(gap)) - np.repeat(np.cumsum(stop - start) - (stop - start), stop - start)
    share = (within + 1) / (stop - start + 1)[gap]
    rows[row[gap], start[gap] + within] = first[gap] + share.astype(x.dtype) * (last - first)[gap]


def lead_statistics(batches: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and covariance of the leads, from samples where none is missing.

    Parameters
    ----------
    batches : iterable of ndarray of shape (n_records, n_leads, n_samples)
        Read once.

    Returns
    -------
    mean : ndarray of shape (n_leads,)
        NaN for a lead that has no sample at all. Without a complete sample, the mean of what each
        lead has.
    covariance : ndarray of shape (n_leads, n_leads)
        Zero without a complete sample.

    Examples
    --------
    >>> import numpy as np
    >>> mean, covariance = lead_statistics([np.array([[[0.0, 2.0, 9.0], [0.0, 4.0, np.nan]]])])
    >>> mean.tolist(), covariance.tolist()
    ([1.0, 2.0], [[1.0, 2.0], [2.0, 4.0]])
    """
    n_complete, shift = 0, np.zeros((1, 1))
    total, product = np.zeros(1), np.zeros((1, 1))
    lead_total, lead_count = np.zeros(1), np.zeros(1)
    for batch in batches:
        for start in range(0, len(batch), RECORDS_AT_ONCE):
            records = batch[start : start + RECORDS_AT_ONCE]
            leads = np.moveaxis(records, 1, 0).reshape(records.shape[1], -1).astype(np.float64)
            present = np.isfinite(leads)
            lead_count = lead_count + present.sum(axis=-1)
            lead_total = lead_total + np.where(present, leads, 0).sum(axis=-1)
            complete = leads if present.all() else leads[:, present.all(axis=0)]
            if not complete.size:
                continue
            if not n_complete:
                shift = complete.mean(axis=-1, keepdims=True)
            complete -= shift
            n_complete += complete.shape[-1]
            total = total + complete.sum(axis=-1)
            product = product + complete @ complete.T
    mean = np.divide(
        lead_total, lead_count, out=np.full_like(lead_total, np.nan), where=lead_count > 0
    )
    if not n_complete:
        return mean, np.zeros((len(mean), len(mean)))
    centre = total / n_complete
    return shift[:, 0] + centre, product / n_complete - np.outer(centre, centre)


def regression_weights(covariance: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the weights that predict the missing leads from the present ones.

    Parameters
    ----------
    covariance : ndarray of shape (n_leads, n_leads)
        Singular matrices are fine: the limb leads make it one.
    present : ndarray of bool, shape (n_leads,)

    Returns
    -------
    ndarray of shape (n_missing, n_present)

    Examples
    --------
    >>> import numpy as np
    >>> regression_weights(np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([True, False])).round(3)
    array([[2.]])
    """
    scale = np.sqrt(np.maximum(np.diag(covariance), 0))
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    correlation = covariance * np.outer(inverse, inverse)
    known = correlation[np.ix_(present, present)]
    weights = correlation[np.ix_(~present, present)] @ np.linalg.pinv(
        known, rcond=RANK_SHARE, hermitian=True
    )
    return weights * scale[~present, None] * inverse[present]


def fill_by_regression(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> None:
    """Fill missing samples with their expectation given the leads that are present, in place.

    Under a joint normal distribution of the leads this is the conditional mean; where no lead is
    present, it is the mean of the lead.

    Parameters
    ----------
    x : ndarray of shape (n_records, n_leads, n_samples)
        Changed where it is NaN.
    mean : ndarray of shape (n_leads,)
    covariance : ndarray of shape (n_leads, n_leads)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[[3.0], [np.nan]]])
    >>> fill_by_regression(x, np.array([1.0, 0.0]), np.array([[1.0, 2.0], [2.0, 4.0]]))
    >>> x.round(3).ravel().tolist()
    [3.0, 4.0]
    """
    record, sample = np.nonzero(np.isnan(x).any(axis=1))
    columns = x[record, :, sample]
    holes = np.isnan(columns)
    packed = np.packbits(holes, axis=1)
    _, first, which = np.unique(
        packed.view(f"V{packed.shape[1]}").ravel(), return_index=True, return_inverse=True
    )
    for number, missing in enumerate(holes[first]):
        use = which == number
        weights = regression_weights(covariance, ~missing)
        known = columns[np.ix_(use, ~missing)].astype(np.float64) - mean[~missing]
        # summed lead by lead: a matrix product could round differently with the batch
        filled = np.repeat(mean[None, missing], len(known), axis=0)
        for k in range(known.shape[1]):
            filled += known[:, k, None] * weights[:, k]
        columns[np.ix_(use, missing)] = filled
    x[record, :, sample] = columns
