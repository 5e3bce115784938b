"""How far a median beat departs from normal ones in the directions in which illness lies.

A distance counts every departure alike, though few are illness. So pathologies are simulated on the
normals' own beats (`ecg_anomaly.pathologies`); the mean shift of each, in the space where normal
beats are white, is a direction, and a beat's coordinate along it, in standard deviations of the
normals, is how far it departs that way. For a Gaussian this is Fisher's discriminant, the matched
filter, which knows no more of the simulation than its mean: it cannot learn the traces of a paste.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..pathologies import PATHOLOGIES, simulate_pathology
from ..signal.median_beat import BEAT_SAMPLES, median_beat
from ..signal.r_peaks import beat_centers
from . import _reference

# Axes of the space of normal beats: 60 to 100 are best on PTB-XL fold 8, 800 cost .015 of AUROC.
_MAX_AXES = 64
# Simulations of each pathology: their mean settles within 100.
_PER_PATHOLOGY = 300
#: Samples before QRS whose median is a beat's level.
LEVEL = slice(18, 27)
_FEWEST_FOR_HALVES = 4

Directions = dict[str, np.ndarray]


def compressed_beats(
    signals: np.ndarray, fs: float, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the median beats of records, and by how much those of their halves differ.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_samples)
        In mV.
    fs : float
        In Hz.
    scale : ndarray of shape (n_leads,)
        Deviation of each lead; amplitudes are compressed by asinh beyond it.

    Returns
    -------
    beats, halves : ndarray of float64 of shape (n_records, n_leads * BEAT_SAMPLES)
        `halves` is NaN where a record has fewer than four beats.
    """
    beats = np.empty((len(signals), signals.shape[1] * BEAT_SAMPLES))
    halves = np.full_like(beats, np.nan)
    for row, signal in enumerate(signals):
        centers = beat_centers(signal, fs)
        beats[row] = _compressed(median_beat(signal, centers, fs), scale)
        if len(centers) >= _FEWEST_FOR_HALVES:
            middle = len(centers) // 2
            early, late = (
                _compressed(median_beat(signal, part, fs), scale)
                for part in (centers[:middle], centers[middle:])
            )
            halves[row] = early - late
    return beats, halves


def fit_directions(
    beats: np.ndarray, halves: np.ndarray, leads: Sequence[str], scale: np.ndarray, rng
) -> Directions:
    """Learn the directions of the pathologies among normal beats.

    Parameters
    ----------
    beats, halves : ndarray of shape (n_records, n_leads * BEAT_SAMPLES)
        Of `compressed_beats`, of normal records.
    leads : sequence of str
        Out of the standard twelve.
    scale : ndarray of shape (n_leads,)
    rng : RandomState

    Returns
    -------
    dict of ndarray
        ``weights`` (n_features, n_pathologies) and ``bias`` (n_pathologies,): all that
        `departures` needs.
    """
    known = halves[np.isfinite(halves).all(1)]
    reference = _reference.fit_reference(
        beats, known if len(known) else None, rng, max_axes=_MAX_AXES
    )
    generator = np.random.default_rng(rng.randint(np.iinfo(np.int32).max))
    columns = []
    for kind in PATHOLOGIES:
        rows = generator.choice(len(beats), min(len(beats), _PER_PATHOLOGY), replace=False)
        shifts = []
        for normal in beats[rows]:
            beat = np.sinh(normal.reshape(len(scale), -1)) * scale[:, None]
            ill = simulate_pathology(beat, kind, leads, generator)
            shifts.append(_compressed(ill, scale) - normal)
        shift = np.array(shifts) @ reference["projection"]
        lengths = np.linalg.norm(shift, axis=1, keepdims=True)
        # each simulation counts alike, however severe
        mean = np.divide(shift, lengths, out=np.zeros_like(shift), where=lengths > 0).mean(0)
        columns.append(reference["projection"] @ mean)
    weights = np.stack(columns, axis=1)
    along = beats @ weights
    spread = np.maximum(along.std(0), 1e-12)
    return {"weights": (weights / spread).astype(np.float32), "bias": -along.mean(0) / spread}


def departures(directions: Directions, beats: np.ndarray) -> np.ndarray:
    """Return the departure towards each pathology, of shape (n_records, n_pathologies).

    In standard deviations of the training normals; negative away from the pathology.
    """
    return beats @ directions["weights"] + directions["bias"]


def joint_departure(along: np.ndarray) -> np.ndarray:
    """Return the root of the summed squares of the departures towards pathologies, (n_records,)."""
    return np.sqrt(np.square(np.maximum(0.0, along)).sum(1))


def _compressed(beat: np.ndarray, scale: np.ndarray) -> np.ndarray:
    level = np.median(beat[:, LEVEL], axis=1, keepdims=True)
    return np.arcsinh((beat - level) / scale[:, None]).ravel()
