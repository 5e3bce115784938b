"""Faults put into real and synthetic ECGs, to see whether the quality gate finds them."""

import warnings

import numpy as np

from ecg_anomaly.leads import LIMB_LEADS, STANDARD_LEADS

ROW = {lead: k for k, lead in enumerate(STANDARD_LEADS)}
CHEST = STANDARD_LEADS[6:]
INDEPENDENT = [ROW[lead] for lead in ("I", "II", *CHEST)]


def swap(X, electrodes):
    """Exchange two limb electrodes in twelve standard leads."""
    I, II, III = (X[:, ROW[lead]] for lead in ("I", "II", "III"))  # noqa: E741
    out = X.copy()
    if electrodes == "LA/RA":
        one, two = -I, III
    else:  # the right leg lies at the potential of the left
        one, two = -III, 0 * II
        for lead in CHEST:  # and the central terminal moves
            out[:, ROW[lead]] -= II / 3
    for lead, (a, b) in LIMB_LEADS.items():
        out[:, ROW[lead]] = a * one + b * two
    return out


def add_noise(X, noise, snr, seed=0):
    """Add noise at a signal-to-noise ratio in dB, as nst of the WFDB tools defines it.

    The signal's power is the square of the mean peak-to-peak amplitude of the QRS complexes over
    8 (here: of one-second stretches without the largest and smallest), the noise's its mean
    square. Independent leads get stretches of their own; the other limb leads follow.
    """
    rng = np.random.default_rng(seed)
    out, n = X.astype(np.float64), X.shape[-1]
    for record in out:
        for row in INDEPENDENT:
            swings = np.sort(np.ptp(record[row][: n - n % 100].reshape(-1, 100), axis=1))[1:-1]
            start = rng.integers(0, noise.shape[1] - n)
            stretch = noise[rng.integers(len(noise))][start : start + n]
            stretch = stretch - stretch.mean()
            power = swings.mean() ** 2 / 8 / 10 ** (snr / 10)
            record[row] += stretch * np.sqrt(power / np.mean(stretch**2))
    one, two = out[:, ROW["I"]].copy(), out[:, ROW["II"]].copy()
    for lead, (a, b) in LIMB_LEADS.items():
        out[:, ROW[lead]] = a * one + b * two
    return out.astype(np.float32)


def add_pulses(X, fs, height, seed=0):
    """Add pulses of 2 ms, 70 a minute, of one direction and size a record."""
    rng = np.random.default_rng(seed)
    out = X.copy()
    width = round(0.002 * fs)
    for record in out:
        vector = rng.uniform(0.5, 1.5, len(record)) * rng.choice([-1, 1], len(record)) * height
        for start in np.arange(rng.uniform(0, 0.8), X.shape[-1] / fs - 0.1, 60 / 70):
            at = round(start * fs)
            record[:, at : at + width] += vector[:, None].astype(np.float32)
    return out


def read_noise(path):
    import wfdb

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nan_to_num(wfdb.rdrecord(str(path)).p_signal.T)
