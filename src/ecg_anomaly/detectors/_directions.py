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

from ..pathologies import PATHOLOGIES, QRS, VOLTAGES, simulate_pathology, voltage_weights
from ..signal.median_beat import BEAT_SAMPLES, median_beat
from . import _reference

# Axes of the space of normal beats: 60 to 100 are best on PTB-XL fold 8, 800 cost .015 of AUROC.
_MAX_AXES = 64
# Simulations of each pathology: their mean settles within 100.
_PER_PATHOLOGY = 300
#: Samples before QRS whose median is a beat's level.
LEVEL = slice(18, 27)
_FEWEST_FOR_HALVES = 4

Directions = dict[str, np.ndarray]


def n_features(n_leads: int) -> int:
    """Return how many numbers stand for a beat: compressed samples, then voltages."""
    return n_leads * BEAT_SAMPLES + len(VOLTAGES)


def beat_features(
    signals: np.ndarray,
    centers: Sequence[np.ndarray],
    fs: float,
    leads: Sequence[str],
    scale: np.ndarray,
) -> np.ndarray:
    """Return the median beats of records as features.

    Parameters
    ----------
    signals : ndarray of shape (n_records, n_leads, n_samples)
        In mV.
    centers : sequence of ndarray
        R peaks of each record, in samples.
    fs : float
        In Hz.
    leads : sequence of str
        Out of the standard twelve.
    scale : ndarray of shape (n_leads,)
        Deviation of each lead; amplitudes are compressed by asinh beyond it.

    Returns
    -------
    ndarray of float64 of shape (n_records, n_features)
        Compressed samples, and voltages in mV.
    """
    weights = voltage_weights(leads)
    return np.stack(
        [
            features_of(median_beat(signal, peaks, fs), scale, weights)
            for signal, peaks in zip(signals, centers, strict=True)
        ]
    )


def half_differences(
    signals: np.ndarray, centers: Sequence[np.ndarray], fs: float, scale: np.ndarray
) -> np.ndarray:
    """Return by how much the compressed samples of records' halves differ.

    Parameters
    ----------
    signals, centers, fs, scale
        As in `beat_features`.

    Returns
    -------
    ndarray of float64 of shape (n_records, n_leads * BEAT_SAMPLES)
        NaN where a record has fewer than four beats.
    """
    differences = np.full((len(signals), len(scale) * BEAT_SAMPLES), np.nan)
    for row, (signal, peaks) in enumerate(zip(signals, centers, strict=True)):
        if len(peaks) >= _FEWEST_FOR_HALVES:
            middle = len(peaks) // 2
            early, late = (
                _compressed(_levelled(median_beat(signal, part, fs)), scale)
                for part in (peaks[:middle], peaks[middle:])
            )
            differences[row] = early - late
    return differences


def fit_directions(
    beats: np.ndarray, halves: np.ndarray, leads: Sequence[str], scale: np.ndarray, rng
) -> Directions:
    """Learn the directions of the pathologies among normal beats.

    Parameters
    ----------
    beats, halves : ndarray of shape (n_records, n_features), (n_records, n_leads * BEAT_SAMPLES)
        Of `beat_features` and `half_differences`, of normal records.
    leads : sequence of str
        Out of the standard twelve.
    scale : ndarray of shape (n_leads,)
    rng : RandomState

    Returns
    -------
    dict of ndarray
        ``weights`` (n_features, n_departures) and ``bias`` (n_departures,): all that `departures`
        needs.
    """
    n_samples = len(scale) * BEAT_SAMPLES
    samples, known = beats[:, :n_samples], halves[np.isfinite(halves).all(1)]
    reference = _reference.fit_reference(samples, known if len(known) else None, max_axes=_MAX_AXES)
    generator = np.random.default_rng(rng.randint(np.iinfo(np.int32).max))
    weights = np.zeros((beats.shape[1], len(PATHOLOGIES) + len(VOLTAGES)))
    weights[n_samples:, len(PATHOLOGIES) :] = np.eye(len(VOLTAGES))
    for column, kind in enumerate(PATHOLOGIES):
        rows = generator.choice(len(beats), min(len(beats), _PER_PATHOLOGY), replace=False)
        shifts = []
        for normal in samples[rows]:
            beat = np.sinh(normal.reshape(len(scale), -1)) * scale[:, None]
            ill = simulate_pathology(beat, kind, leads, generator)
            shifts.append(_compressed(_levelled(ill), scale) - normal)
        shift = np.array(shifts) @ reference["projection"]
        lengths = np.linalg.norm(shift, axis=1, keepdims=True)
        # each simulation counts alike, however severe
        mean = np.divide(shift, lengths, out=np.zeros_like(shift), where=lengths > 0).mean(0)
        weights[:n_samples, column] = reference["projection"] @ mean
    along = beats @ weights
    spread = np.maximum(along.std(0), 1e-12)
    return {"weights": (weights / spread).astype(np.float32), "bias": -along.mean(0) / spread}


def departures(directions: Directions, beats: np.ndarray) -> np.ndarray:
    """Return the departure towards each pathology and voltage, (n_records, n_departures).

    In standard deviations of the training normals; negative away from it.
    """
    # one beat at a time: a product of many could round differently with their number
    along = [beat @ directions["weights"] for beat in beats]
    return np.reshape(along, (len(beats), len(directions["bias"]))) + directions["bias"]


def joint_departure(along: np.ndarray) -> np.ndarray:
    """Return the root of the summed squares of the departures towards illness, (n_records,)."""
    return np.sqrt(np.square(np.maximum(0.0, along)).sum(1))


def features_of(
    beat: np.ndarray, scale: np.ndarray, weights: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Return the features of one median beat, given those of `voltage_weights`."""
    beat = _levelled(beat)
    of_highest, of_lowest = weights
    voltages = beat[:, QRS].max(1) @ of_highest + beat[:, QRS].min(1) @ of_lowest
    return np.concatenate([_compressed(beat, scale), voltages])


def _levelled(beat: np.ndarray) -> np.ndarray:
    return beat - np.median(beat[:, LEVEL], axis=1, keepdims=True)


def _compressed(levelled: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.arcsinh(levelled / scale[:, None]).ravel()
