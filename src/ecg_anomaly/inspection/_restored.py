"""Restore spans of a record, and see how far its score falls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from ._spans import Span
from ._subject import Subject

#: Random spans a record: to surpass all of them by chance has a probability of 5 %.
N_RANDOM = 19
# Seconds over which a restored span fades in and out.
_FADE = 0.03


class Place(NamedTuple):
    """A stretch of samples in some rows."""

    rows: tuple[int, ...]
    start: int
    stop: int


def falls(
    subject: Subject, row: int, restored: np.ndarray, places: Sequence[Place | Span]
) -> np.ndarray:
    """Return how far the anomaly score of a record falls where each place is restored by itself.

    Parameters
    ----------
    subject : Subject
    row : int
    restored : ndarray of shape (n_leads, n_samples)
    places : sequence of Place or Span

    Returns
    -------
    ndarray of shape (n_places,)
    """
    signal = subject.signals[row]
    variants = np.repeat(signal[None], len(places) + 1, axis=0)
    change = np.where(subject.seen[row], restored - signal, 0.0)
    width = 2 * round(_FADE * subject.fs / 2) + 1
    for variant, place in zip(variants[1:], places, strict=True):
        share = np.zeros(signal.shape[1])
        share[place.start : place.stop] = 1.0
        share = uniform_filter1d(share, width)
        rows = list(place.rows)
        variant[rows] += share * change[rows]
    scores = subject.anomaly_scores(variants, row)
    return scores[0] - scores[1:]


def random_spans(like: Span, shape: tuple[int, ...], n: int, rng) -> list[Place]:
    """Return places anywhere, of the same length and number of leads."""
    n_leads, n_samples = shape
    length = like.stop - like.start
    starts = rng.randint(0, n_samples - length + 1, n)
    return [_at(start, length, n_leads, len(like.rows), rng) for start in starts]


def qrs_spans(like: Span, shape: tuple[int, ...], peaks: np.ndarray, rng) -> list[Place]:
    """Return places around each R peak, of the same length and number of leads."""
    n_leads, n_samples = shape
    length = like.stop - like.start
    starts = np.clip(np.asarray(peaks) - length // 2, 0, n_samples - length)
    return [_at(start, length, n_leads, len(like.rows), rng) for start in starts]


def _at(start: int, length: int, n_leads: int, n_rows: int, rng) -> Place:
    rows = tuple(sorted(rng.choice(n_leads, n_rows, replace=False).tolist()))
    return Place(rows, int(start), int(start) + length)
