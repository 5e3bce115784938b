"""What a recorder adds to the heart's signal, electrode by electrode.

Noise arises at the nine electrodes, so that leads formed from them stay consistent: Einthoven's
and Goldberger's identities hold for the noise as they do for the heart.
"""

from __future__ import annotations

import numpy as np

from ...leads import STANDARD_LEADS

ELECTRODES = ("RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6")
# Recorders pass 0.05 to 150 Hz (AHA/ACC/HRS 2007).
_BANDWIDTH = 150.0


def _lead_matrix() -> np.ndarray:
    ra, la, ll = np.eye(9)[:3]
    rows = {"I": la - ra, "II": ll - ra, "III": ll - la}
    rows |= {"aVR": ra - (la + ll) / 2, "aVL": la - (ra + ll) / 2, "aVF": ll - (ra + la) / 2}
    central = (ra + la + ll) / 3
    rows |= {f"V{k + 1}": np.eye(9)[3 + k] - central for k in range(6)}
    return np.array([rows[lead] for lead in STANDARD_LEADS])


#: Leads from electrode potentials, of shape (12, 9).
LEADS_FROM_ELECTRODES = _lead_matrix()


def coloured(rng: np.random.Generator, density, fs: float, n_samples: int, n_rows: int):
    """Draw Gaussian noise with a given spectrum.

    The Fourier coefficients are drawn from low to high frequency: at another rate the same
    generator gives the same noise, as far as that rate reaches.

    Parameters
    ----------
    rng : Generator
    density : callable
        One-sided power spectral density in mV^2/Hz at frequencies in Hz.
    fs : float
    n_samples, n_rows : int

    Returns
    -------
    ndarray of shape (n_rows, n_samples)
    """
    step = fs / n_samples
    top = min(int(min(0.45 * fs, _BANDWIDTH) / step), (n_samples - 1) // 2)
    frequencies = step * np.arange(1, top + 1)
    draws = rng.standard_normal((top, n_rows, 2))
    amplitude = np.sqrt(density(frequencies) * step) / 2.0
    spectrum = np.zeros((n_rows, n_samples // 2 + 1), complex)
    spectrum[:, 1 : top + 1] = (amplitude[:, None] * (draws[..., 0] + 1j * draws[..., 1])).T
    return np.fft.irfft(spectrum, n_samples, axis=-1) * n_samples


def muscle(frequencies: np.ndarray) -> np.ndarray:
    """Spectrum of the surface electromyogram, of unit power up to 150 Hz."""
    return 0.012 * (frequencies / 30.0) ** 2 / (1.0 + (frequencies / 30.0) ** 2) ** 1.5


def recorder_noise(
    rng: np.random.Generator, breath: float, fs: float, n_samples: int
) -> np.ndarray:
    """Draw the noise of one record in the twelve leads, in mV.

    Parameters
    ----------
    rng : Generator
    breath : float
        Breaths a second: the baseline sways with them.
    fs : float
    n_samples : int

    Returns
    -------
    ndarray of shape (12, n_samples)
    """
    emg = 0.009 * np.exp(rng.normal(0.0, 0.7))
    drift = 0.012 * np.exp(rng.normal(0.0, 0.8))
    sway = 0.018 * np.exp(rng.normal(0.0, 0.6))
    hum = 0.003 * np.exp(rng.normal(0.0, 0.8))
    mains = 50.0 if rng.uniform() < 0.7 else 60.0
    each = np.exp(rng.normal(0.0, 0.35, (3, 9)))
    phase = rng.uniform(0.0, 2.0 * np.pi, (3, 9))
    slow = rng.uniform(0.03, 0.15, 9)
    times = np.arange(n_samples) / fs
    turns = 2.0 * np.pi * times
    noise = sway * each[0, :, None] * np.sin(breath * turns + 0.3 * phase[0, :, None])
    noise += 2.0 * drift * each[1, :, None] * np.sin(slow[:, None] * turns + phase[1, :, None])
    # The anti-alias filter leaves no hum that the rate could fold back.
    if mains < 0.45 * fs:
        noise += hum * each[2, :, None] * np.sin(mains * turns + 0.5 * phase[2, :, None])

    def density(frequencies):
        skin = drift**2 * 0.3 / (0.3 + frequencies**2)
        return skin + emg**2 * muscle(frequencies)

    noise += coloured(rng, density, fs, n_samples, 9)
    return LEADS_FROM_ELECTRODES @ noise
