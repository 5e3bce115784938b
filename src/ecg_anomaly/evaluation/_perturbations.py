"""What is done to test records to see how a model bears it: noise, hum, lost and swapped leads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..errors import SignalError
from ..leads import LIMB_LEADS, STANDARD_LEADS, can_derive, limb_plane, reorder
from ..records import Record, RecordSet
from ..signal.perturbations import (
    baseline_wander,
    hum,
    noise_at_snr,
    random_stretches,
    through_rate,
)
from ..signal.resampling import resample

SNRS = (24, 18, 12, 6, 0, -6)
MAINS = (50, 60)
HUMS = (0.02, 0.05, 0.1, 0.2)
RATES = (250, 125, 62.5)
MISSING = (1, 2, 3, 6, 8, 11)
GAINS = (0.5, 0.8, 1.25, 2)
#: What leads I and II show with two limb electrodes exchanged, as combinations of I and II.
LIMB_SWAPS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "LA/RA": ((-1.0, 0.0), (-1.0, 1.0)),
    "LA/LL": ((0.0, 1.0), (1.0, 0.0)),
}
_SWAPPED = "swapped or inverted leads"
# Synthetic noise to cut stretches out of, in s, and its channels.
_SYNTHETIC = 600.0
_CHANNELS = 2

#: From a signal (n_leads, n_samples) in mV, lead names, rate in Hz and a generator to another.
Change = Callable[[np.ndarray, tuple[str, ...], float, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Perturbation:
    """A change of records at one level.

    Parameters
    ----------
    name : str
        What is done, the same at all levels.
    level : float or str
        How much of it.
    change : callable
        ``change(signal, leads, fs, rng)`` gives the changed signal: `signal` is float64 of shape
        (n_leads, n_samples) in mV and may be written to, `leads` a tuple of names, `fs` the rate in
        Hz, `rng` a `numpy.random.Generator` of the record's own, the same at all levels. It must be
        picklable.
    unit : str, default=""
        Of the level.

    Examples
    --------
    >>> from functools import partial
    >>> import numpy as np
    >>> def shift(signal, leads, fs, rng, by):
    ...     return signal + by
    >>> records = RecordSet(np.zeros((3, 12, 5)))
    >>> offset = Perturbation("offset", 0.2, partial(shift, by=0.2), "mV")
    >>> print(offset.apply(records).load().max())
    0.2
    """

    name: str
    level: float | str
    change: Change
    unit: str = ""

    def __str__(self) -> str:
        level = self.level if isinstance(self.level, str) else f"{self.level:g}"
        return f"{self.name} {level} {self.unit}".strip()

    def apply(self, records: RecordSet, random_state: int = 0) -> RecordSet:
        """Return the records, changed as they are read.

        What is drawn at random for a record follows from `random_state`, the name and the signal
        itself: it depends neither on other records nor on their order.
        """
        seed = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8], "little")
        step = _Step(self.change, tuple(records.leads), records.fs, (int(random_state), seed))
        return records.map(step)


@dataclass(frozen=True)
class _Step:
    """A change of one record, applied to each of a batch."""

    change: Change
    leads: tuple[str, ...]
    fs: float
    seed: tuple[int, int]

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        out = np.empty_like(batch)
        for k, signal in enumerate(batch):
            own = hashlib.sha256(np.ascontiguousarray(signal).tobytes()).digest()[:16]
            rng = np.random.default_rng([*self.seed, int.from_bytes(own, "little")])
            out[k] = self.change(signal.astype(np.float64), self.leads, self.fs, rng)
        return out


def standard_perturbations(
    leads: Sequence[str],
    fs: float,
    noise: Mapping[str, Any] | None = None,
    *,
    random_state: int = 0,
) -> list[Perturbation]:
    """Return the perturbations that records of these leads can undergo.

    Parameters
    ----------
    leads : sequence of str
        Canonical names.
    fs : float
        In Hz.
    noise : mapping of str to Record or (array, fs), optional
        Recordings of noise in mV, arrays of shape (n_samples,) or (n_channels, n_samples), such as
        ``bw``, ``ma`` and ``em`` of the MIT-BIH Noise Stress Test Database [1]_. By default a
        synthetic wander of the baseline.
    random_state : int, default=0
        For the synthetic noise.

    Returns
    -------
    list of Perturbation
        Noise at 24 to -6 dB; hum of 50 and 60 Hz; recording at 250, 125 and 62.5 Hz; missing leads;
        swapped and inverted leads; errors of gain.

    Raises
    ------
    SignalError
        If a recording of noise is none.

    References
    ----------
    .. [1] G. B. Moody, W. K. Muldrow, R. G. Mark, "A noise stress test for arrhythmia detectors",
       Computers in Cardiology 11, 381-384, 1984.

    Examples
    --------
    >>> from ecg_anomaly.leads import STANDARD_LEADS
    >>> chosen = standard_perturbations(STANDARD_LEADS, 100.0)
    >>> print(chosen[0], chosen[-1], sep="; ")
    synthetic baseline wander 24 dB; gain error 2 x
    """
    leads = tuple(leads)
    if noise is None:
        rng = np.random.default_rng(random_state)
        wander = baseline_wander(_CHANNELS, round(_SYNTHETIC * fs), fs, rng)
        noise = {"synthetic baseline wander": (wander, fs)}
    chosen = []
    for name, recording in noise.items():
        signal = _noise_signal(name, recording, fs)
        chosen += [
            Perturbation(name, snr, partial(add_noise, noise=signal, snr=snr), "dB") for snr in SNRS
        ]
    chosen += [
        Perturbation(f"{freq} Hz hum", mv, partial(add_hum, freq=freq, amplitude=mv), "mV")
        for freq in MAINS
        for mv in HUMS
    ]
    chosen += [
        Perturbation("recorded at", rate, partial(record_at, rate=rate), "Hz") for rate in RATES
    ]
    chosen += [
        Perturbation("missing leads", n, partial(lose_leads, n_lost=n))
        for n in MISSING
        if n < len(leads)
    ]
    chosen += [
        Perturbation(_SWAPPED, name, partial(swap_limbs, electrodes=name))
        for name in LIMB_SWAPS
        if can_derive("I", leads) and can_derive("II", leads)
    ]
    chest = STANDARD_LEADS[6:]
    if {"V1", "V2"} <= set(leads):
        change = partial(exchange, order={"V1": "V2", "V2": "V1"})
        chosen.append(Perturbation(_SWAPPED, "V1/V2", change))
    if set(chest) <= set(leads):
        change = partial(exchange, order=dict(zip(chest, chest[::-1], strict=True)))
        chosen.append(Perturbation(_SWAPPED, "V1-V6 reversed", change))
    inverted = "I" if "I" in leads else leads[0]
    change = partial(invert, lead=inverted)
    chosen.append(Perturbation(_SWAPPED, f"{inverted} inverted", change))
    chosen += [Perturbation("gain error", gain, partial(amplify, gain=gain), "x") for gain in GAINS]
    return chosen


def add_noise(signal, leads, fs, rng, *, noise: np.ndarray, snr: float) -> np.ndarray:
    """Add stretches of noise at a signal-to-noise ratio in each independent lead."""
    own = _independent(leads)
    stretches = random_stretches(noise, len(own), signal.shape[-1], rng)
    of_own = signal[[leads.index(lead) for lead in own]]
    return signal + reorder(noise_at_snr(of_own, stretches, snr, fs), own, leads)


def add_hum(signal, leads, fs, rng, *, freq: float, amplitude: float) -> np.ndarray:
    """Add hum to each independent lead."""
    own = _independent(leads)
    return signal + reorder(hum(len(own), signal.shape[-1], fs, freq, amplitude, rng), own, leads)


def record_at(signal, leads, fs, rng, *, rate: float) -> np.ndarray:
    """Bring a signal to another rate and back."""
    return through_rate(signal, fs, rate)


def lose_leads(signal, leads, fs, rng, *, n_lost: int) -> np.ndarray:
    """Put NaN into leads drawn at random; those that are lost first stay so as more are lost."""
    signal[rng.permutation(len(leads))[:n_lost]] = np.nan
    return signal


def swap_limbs(signal, leads, fs, rng, *, electrodes: str) -> np.ndarray:
    """Exchange two limb electrodes.

    The central terminal is the mean of the limbs, so the chest leads stay as they are.
    """
    swapped = np.array(LIMB_SWAPS[electrodes]) @ reorder(signal, leads, ("I", "II"))
    for row, weights in enumerate(limb_plane(leads)):
        if np.isfinite(weights).all():
            signal[row] = weights @ swapped
    return signal


def exchange(signal, leads, fs, rng, *, order: Mapping[str, str]) -> np.ndarray:
    """Show in some leads what others measure."""
    sources = [leads.index(order.get(lead, lead)) for lead in leads]
    return signal[sources]


def invert(signal, leads, fs, rng, *, lead: str) -> np.ndarray:
    """Turn one lead upside down, and no other: a fault of cable or file."""
    signal[leads.index(lead)] *= -1
    return signal


def amplify(signal, leads, fs, rng, *, gain: float) -> np.ndarray:
    """Multiply all leads, as with a wrong gain."""
    return gain * signal


def _independent(leads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the leads that do not follow from others: two limb leads, and all that are none."""
    limb = [lead for lead in leads if lead in LIMB_LEADS][:2]
    return tuple(lead for lead in leads if lead in limb or lead not in LIMB_LEADS)


def _noise_signal(name: str, recording: Any, fs: float) -> np.ndarray:
    """Return a recording of noise at a rate, without mean, of shape (n_channels, n_samples)."""
    if isinstance(recording, Record):
        recording = (recording.signal, recording.fs)
    try:
        signal, rate = recording
        signal = np.atleast_2d(np.asarray(signal, dtype=np.float64))
    except (TypeError, ValueError):
        signal = np.zeros((0, 0))
    if signal.ndim != 2 or signal.shape[-1] < 2 or not np.isfinite(signal).any(axis=-1).all():
        raise SignalError(
            f"noise {name!r} must be a Record or (array, fs) with an array in mV of shape "
            "(n_samples,) or (n_channels, n_samples)."
        )
    signal = np.nan_to_num(signal - np.nanmean(signal, axis=-1, keepdims=True), posinf=0, neginf=0)
    return resample(signal, fs_in=rate, fs_out=fs)
