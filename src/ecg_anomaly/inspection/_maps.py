"""How much of the anomaly score comes from where."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .._training import threads
from ._gradients import AnomalyScore
from ._restoration import median_beat_restoration, network_restoration, smooth
from ._subject import Subject

_STEPS = 10
# Length in seconds of the tiles, of which each is restored by itself.
_TILE = 0.2
_TILES_AT_ONCE = 128
# Tiles with less than this share of the largest change, in energy, are not looked at.
_LEAST = 0.01


class Attribution(NamedTuple):
    """The map of one record, and what it is of.

    Attributes
    ----------
    map : ndarray of shape (n_leads, n_samples)
        Fall of the anomaly score if that place were restored.
    restored : ndarray of shape (n_leads, n_samples)
        The record as the model would take it for normal.
    score, restored_score : float
        Anomaly scores, higher = more unusual.
    """

    map: np.ndarray
    restored: np.ndarray
    score: float
    restored_score: float


def attributions(subject: Subject):
    """Yield the `Attribution` of each record."""
    score = None if subject.detector is None else AnomalyScore(subject.detector)
    for row, (signal, seen) in enumerate(zip(subject.signals, subject.seen, strict=True)):
        if score is None:
            restored = median_beat_restoration(signal, seen, subject.fs)
            values = _by_occlusion(subject, row, restored)
            restored = np.where(values > 0, restored, signal)
        else:
            with threads():
                restored = network_restoration(score, signal, seen, subject.fs)
                record, target = torch.from_numpy(signal), torch.from_numpy(restored)
                values = score.integrated_gradients(record, target, _STEPS).numpy()
            values = smooth(values, subject.fs) * seen
        both = subject.anomaly_scores(np.stack([signal, restored]), row)
        yield Attribution(values, restored, float(both[0]), float(both[1]))


def _by_occlusion(subject: Subject, row: int, restored: np.ndarray) -> np.ndarray:
    """Return the fall of the score where each tile of lead and time is restored by itself."""
    signal = subject.signals[row]
    n_leads, n_samples = signal.shape
    width = max(1, round(_TILE * subject.fs))
    tiles = [
        (lead, slice(start, min(start + width, n_samples)))
        for lead in range(n_leads)
        for start in range(0, n_samples, width)
    ]
    # where hardly anything changes, nothing can fall; each tile costs a score
    change = np.nan_to_num(restored - signal)  # missing samples stay missing
    sizes = np.array([np.square(change[tile]).sum() for tile in tiles])
    tiles = [tile for tile, size in zip(tiles, sizes, strict=True) if size > _LEAST * sizes.max()]
    values = np.zeros(signal.shape)
    before = subject.anomaly_scores(signal[None], row)[0]
    for first in range(0, len(tiles), _TILES_AT_ONCE):
        part = tiles[first : first + _TILES_AT_ONCE]
        variants = np.repeat(signal[None], len(part), axis=0)
        for variant, tile in zip(variants, part, strict=True):
            variant[tile] = restored[tile]
        falls = before - subject.anomaly_scores(variants, row)
        for fall, tile in zip(falls, part, strict=True):
            values[tile] = fall / values[tile].size
    return values
