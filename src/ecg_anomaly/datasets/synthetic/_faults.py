"""Faults of the recording: they are no disease, and a quality gate should catch them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...leads import STANDARD_LEADS
from ._noise import ELECTRODES, LEADS_FROM_ELECTRODES, coloured, muscle

_K = {lead: k for k, lead in enumerate(STANDARD_LEADS)}
# Lead shown: (lead that the swapped electrodes really measure, sign).
_SWAPPED = {
    "RA/LA": {
        "I": ("I", -1), "II": ("III", 1), "III": ("II", 1), "aVR": ("aVL", 1), "aVL": ("aVR", 1),
    },
    "RA/LL": {
        "I": ("III", -1), "II": ("II", -1), "III": ("I", -1), "aVR": ("aVF", 1), "aVF": ("aVR", 1),
    },
    "LA/LL": {
        "I": ("II", 1), "II": ("I", 1), "III": ("III", -1), "aVL": ("aVF", 1), "aVF": ("aVL", 1),
    },
}  # fmt: skip


def lead_off(signal: np.ndarray, fs: float, rng: np.random.Generator):
    """Take one chest electrode off: its lead is flat but for amplifier noise and drift.

    In one record of three it falls off on the way, else it never had contact.
    """
    lead = STANDARD_LEADS[int(rng.integers(6, 12))]
    n_samples = signal.shape[1]
    begin = int(rng.uniform(0.15, 0.6) * n_samples) if rng.uniform() < 1 / 3 else 0
    times = np.arange(n_samples - begin) / fs
    level = rng.uniform(-0.2, 0.2)
    drift = rng.uniform(0.0, 0.15) * (rng.uniform() < 0.5)
    quiet = level + drift * np.sin(2.0 * np.pi * rng.uniform(0.02, 0.08) * times)
    hiss = rng.uniform(0.0005, 0.003)
    noise = coloured(rng, lambda f: hiss**2 * muscle(f), fs, n_samples, 1)[0]
    faulty = signal.copy()
    faulty[_K[lead], begin:] = quiet + noise[begin:]
    mask = np.zeros(signal.shape, bool)
    mask[_K[lead], begin:] = True
    return faulty, mask, lead


def limb_reversal(signal: np.ndarray, fs: float, rng: np.random.Generator):
    """Exchange two limb electrodes.

    The central terminal is the mean of all three limbs, so the chest leads stay as they are.
    """
    swap = list(_SWAPPED)[int(rng.integers(0, 3))]
    faulty, mask = signal.copy(), np.zeros(signal.shape, bool)
    for lead, (source, sign) in _SWAPPED[swap].items():
        faulty[_K[lead]] = sign * signal[_K[source]]
        mask[_K[lead]] = True
    return faulty, mask, swap


def noise_burst(signal: np.ndarray, fs: float, rng: np.random.Generator):
    """Add a burst of muscle and motion artefact at one limb or some chest electrodes."""
    n_samples = signal.shape[1]
    duration = n_samples / fs
    length = min(rng.uniform(1.0, 4.0), 0.6 * duration)
    begin = rng.uniform(0.0, duration - length)
    limb = rng.uniform() < 0.4
    if limb:
        rows = [int(rng.integers(0, 3))]
    else:
        rows = sorted(3 + rng.choice(6, int(rng.integers(1, 5)), replace=False))
    size = rng.uniform(0.25, 0.6)
    motion = rng.uniform(0.3, 1.5)

    def density(frequencies):
        slow = 0.25 * np.exp(-(((frequencies - 2.0) / 2.0) ** 2))
        return size**2 * (muscle(frequencies) + motion * slow)

    noise = np.zeros((9, n_samples))
    noise[rows] = coloured(rng, density, fs, n_samples, len(rows))
    # The burst swells and fades over a tenth of its length.
    phase = (np.arange(n_samples) / fs - begin) / length
    envelope = np.clip(np.minimum(phase, 1.0 - phase) / 0.1, 0.0, 1.0)
    envelope = np.sin(0.5 * np.pi * envelope) ** 2
    faulty = signal + LEADS_FROM_ELECTRODES @ (noise * envelope)
    touched = np.abs(LEADS_FROM_ELECTRODES[:, rows]).sum(axis=1) > 1e-9
    mask = touched[:, None] & (envelope > 0)
    return np.where(mask, faulty, signal), mask, "+".join(ELECTRODES[row] for row in rows)


MAKERS: dict[str, Callable] = {
    "lead_off": lead_off,
    "limb_reversal": limb_reversal,
    "noise_burst": noise_burst,
}

#: Names of the faults of the recording that `make_ecg` knows.
FAULTS: tuple[str, ...] = tuple(MAKERS)
