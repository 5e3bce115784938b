"""The quality gate: whether an ECG can be scored, and with which leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from numbers import Real
from typing import Any

import numpy as np

from ..errors import ConfigError, SignalError
from ..leads import canonical_leads
from ..records import Record, default_leads
from ..signal.checks import check_rate
from ._assessment import Assessment
from ._whole import assess_all

# Shares, of which more than everything makes no sense.
_SHARES = (
    "min_usable", "min_scorable", "max_unusable", "dead_mains_share", "noise_to_swing",
    "min_agreement", "leg_share",
)  # fmt: skip

#: Signal of shape (n_leads, n_samples) in mV, rate in Hz, leads, and age in years.
Piece = tuple[np.ndarray, float, Sequence[str] | None, float]
# Pieces that are copied together.
_AT_ONCE = 64


def _number(value: Any) -> float:
    """Return a number as a float, NaN for anything else."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _checked(name: str, value: Any) -> float:
    number = _number(value)
    if name in _SHARES and not 0 <= number <= 1:
        raise ConfigError(f"{name} must be a share from 0 to 1, got {value!r}.")
    if not 0 <= number < np.inf:
        raise ConfigError(f"{name} must be finite and not negative, got {value!r}.")
    return number


def _checked_mains(value: Any) -> tuple[float, ...]:
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    frequencies = [_number(frequency) for frequency in value] if several else [np.nan]
    if not all(0 < frequency < np.inf for frequency in frequencies):
        raise ConfigError(
            "mains must be a list of frequencies in Hz, such as [50], or [] to look for no hum, "
            f"got {value!r}."
        )
    return tuple(dict.fromkeys(frequencies))


@dataclass(frozen=True, repr=False)
class QualityGate:
    """Decide whether an ECG can be scored.

    A gate must not refuse the sick: broad complexes, low voltage, fibrillation and flutter pass,
    because leads are judged by what no heart does to one lead alone. Findings inform; only what
    makes most of the leads useless for most of the time refuses a record.

    Parameters
    ----------
    min_duration : float, default=2.0
        Shortest record in seconds: it holds a beat down to 30 a minute. A printed column has 2.5.
    min_usable : float, default=0.5
        Least share of the independent leads (two limb leads and each chest lead) at any time.
        From half of them, the limb leads and two others, `LeadImputer` restores chest leads of
        PTB-XL to a median correlation of 0.86; from the limb leads alone, to 0.63.
    min_scorable : float, default=0.5
        Least share of the time during which `min_usable` holds.
    max_unusable : float, default=0.3
        A lead unusable for a larger share of the time is imputed whole.
    flat_level : float, default=0.03
        In mV: a lead that stays within it in each 0.1 s, for `flat_duration`, is flat. In 99.9 %
        of the leads of PTB-XL the QRS complex exceeds 0.16 mV.
    flat_duration : float, default=2.0
        In seconds. In 99.9 % of the leads of PTB-XL the longest such stretch is 1.1 s or less.
        When all leads hold still at once the heart pauses, and no lead is flat.
    mains : sequence of float, default=(50.0, 60.0)
        Frequencies of the mains in Hz; none looks for no hum.
    max_mains : float, default=0.02
        Amplitude in mV from which hum is a finding; 0.2 mm on paper, the width of the trace.
    dead_mains_share : float, default=0.9
        Share of the power above 1 Hz from which a lead holds nothing but hum.
    max_wander : float, default=0.5
        In mV, within 10 s: one large square on paper.
    max_drift : float, default=3.0
        In mV a second: a jump of the baseline that no filter removes.
    max_offset : float, default=0.5
        In mV. An offset is a finding only: filters remove it.
    max_noise : float, default=0.015
        In mV, the standard deviation between QRS complexes in a second, from which noise is a
        finding; peak to peak that is about 1 mm on paper. Hum is told apart and not counted.
    unusable_noise, noise_to_swing : float, default=0.05, 0.05
        Noise in mV, and as a share of the lead's usual peak-to-peak amplitude in a second; above
        both a second is unusable. Muscle noise of the MIT-BIH Noise Stress Test Database reaches
        both at about 0 dB.
    max_amplitude : float, default=10.0
        In mV from the baseline. The tallest R waves of hypertrophy are below.
    artefact_swing, artefact_ratio : float, default=4.0, 5.0
        A second in which a lead swings more than this in mV, and more times its usual swing than
        this many times what all other leads but one do, is an artefact. An ectopic beat is not.
    min_agreement : float, default=0.25
        Least share of the power of a chest lead that the other leads predict, judged where five
        of them are usable. A lead of 0.06 % of the records of PTB-XL without a remark about their
        quality is below, and of 45 % of those with one about electrodes.
    max_sum : float, default=0.1
        Einthoven's and Goldberger's sums as a share of the largest lead. Rounding gives 0.01.
    arm_ratio : float, default=0.5
        Logarithm of the ratio from which swapped arms are suspected [1]_: the limb leads then fit
        what the chest leads predict 1.6 times as well swapped. 99.9 % of the normals of PTB-XL
        are below -0.18.
    leg_share : float, default=0.15
        Swing of lead II as a share of I and III below which RA/RL reversal is suspected: II then
        lies between the legs [2]_. The least in the normals of PTB-XL is 0.2.
    min_bandwidth : float, default=0.001
        In mV between 100 and 150 Hz; below it the record was low-passed and pacing is not seen.
    min_age : float, default=18.0
        In years. Younger patients are outside the reference population.

    Raises
    ------
    ConfigError
        If a parameter is negative, not finite or no number, or a share exceeds 1.

    Notes
    -----
    An exchange of LA and LL cannot be told from a turn of the heart's axis and is not looked for
    [2]_. LA/RA is looked for where two limb leads and V1 to V6 are there; in dextrocardia the
    chest leads turn with the limb leads, so it does not pass for an exchange. Pacing pulses of
    2 ms need 500 Hz; in a low-passed record they are lost, see `Assessment.pacing_visible`.

    Findings of noise and wander were held against the remarks of PTB-XL's readers, refusals
    against its diagnoses, the noise stress test and ventricular flutter; ``benchmarks/quality.py``
    prints all of these figures. Records longer than 15 s are examined in pieces of 10 s.

    References
    ----------
    .. [1] J. A. Kors, G. van Herpen, "Accurate automatic detection of electrode interchange in the
       electrocardiogram", American Journal of Cardiology 88, 396-399, 2001.
    .. [2] P. Kligfield, et al., "Recommendations for the standardization and interpretation of the
       electrocardiogram: part I", Circulation 115, 1306-1324, 2007.

    Examples
    --------
    >>> from ecg_anomaly.datasets import make_ecg
    >>> x = make_ecg(1, random_state=0).X[0]
    >>> x[7] = 0.0
    >>> assessment = QualityGate().assess(Record(x, fs=100))
    >>> print(assessment.outcome, assessment.unusable_leads, sep=": ")
    scorable with leads imputed: ('V2',)
    """

    min_duration: float = 2.0
    min_usable: float = 0.5
    min_scorable: float = 0.5
    max_unusable: float = 0.3
    flat_level: float = 0.03
    flat_duration: float = 2.0
    mains: Sequence[float] = (50.0, 60.0)
    max_mains: float = 0.02
    dead_mains_share: float = 0.9
    max_wander: float = 0.5
    max_drift: float = 3.0
    max_offset: float = 0.5
    max_noise: float = 0.015
    unusable_noise: float = 0.05
    noise_to_swing: float = 0.05
    max_amplitude: float = 10.0
    artefact_swing: float = 4.0
    artefact_ratio: float = 5.0
    min_agreement: float = 0.25
    max_sum: float = 0.1
    arm_ratio: float = 0.5
    leg_share: float = 0.15
    min_bandwidth: float = 0.001
    min_age: float = 18.0

    def __post_init__(self):
        for field in dataclass_fields(self):
            value = getattr(self, field.name)
            checked = (
                _checked_mains(value) if field.name == "mains" else _checked(field.name, value)
            )
            object.__setattr__(self, field.name, checked)

    def __repr__(self) -> str:
        changed = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclass_fields(self)
            if getattr(self, field.name) != field.default
        )
        return f"QualityGate({', '.join(changed)})"

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters as plain numbers and lists, for YAML and JSON.

        Examples
        --------
        >>> QualityGate(**QualityGate().as_dict()) == QualityGate()
        True
        """
        values = {field.name: getattr(self, field.name) for field in dataclass_fields(self)}
        return values | {"mains": list(self.mains)}

    def assess(self, record: Record) -> Assessment:
        """Assess one record, whatever its length.

        Parameters
        ----------
        record : Record
            Its age is read from ``annotations["age"]``, in years.

        Returns
        -------
        Assessment
        """
        (result,) = self.assess_batch(record.signal[None], record.fs, record.leads, [record.age])
        return replace(result, findings=(*record.quality, *result.findings))

    def assess_batch(
        self,
        signals: np.ndarray,
        fs: float,
        leads: Sequence[str] | None = None,
        ages: Sequence[float] | np.ndarray | None = None,
    ) -> list[Assessment]:
        """Assess records of one shape; each gets what it would get alone.

        Parameters
        ----------
        signals : ndarray of shape (n_records, n_leads, n_samples)
            In mV; NaN where samples are missing. A memory map is read in pieces.
        fs : float
            In Hz.
        leads : sequence of str, optional
            By default the standard names for twelve leads, and numbered ones for any other count.
        ages : sequence of float, optional
            In years; NaN where unknown.

        Returns
        -------
        list of Assessment

        Raises
        ------
        SignalError
            If `signals` is no real array of three dimensions, or `fs` or `leads` do not fit it.
        """
        signals = np.asanyarray(signals)
        if signals.ndim != 3 or signals.dtype.kind not in "fiub":
            raise SignalError(
                "signals must be a real array of shape (n_records, n_leads, n_samples), got "
                f"{signals.dtype} of shape {signals.shape}."
            )
        fs = check_rate(fs)
        n_records, n_leads = signals.shape[:2]
        names = default_leads(n_leads) if leads is None else canonical_leads(leads)
        if len(names) != n_leads:
            raise SignalError(f"signals have {n_leads} leads, but {len(names)} names were given.")
        years = np.full(n_records, np.nan) if ages is None else np.asarray(ages, float)
        if years.shape != (n_records,):
            raise SignalError(f"{n_records} records, but ages of shape {years.shape} were given.")
        return assess_all(self, signals, fs, names, years)

    def assess_each(self, pieces: Sequence[Piece]) -> list[Assessment]:
        """Assess pieces of any shapes, those that are alike together: several times as fast.

        Parameters
        ----------
        pieces : sequence of (signal, fs, leads, age)
            As in `assess_batch`, each signal of shape (n_leads, n_samples).

        Returns
        -------
        list of Assessment
            In order; each as `assess_batch` gives it alone.

        Raises
        ------
        SignalError
            As `assess_batch`.

        Examples
        --------
        >>> flat = np.zeros((1, 1000), np.float32)
        >>> pieces = [(flat, 100.0, ("II",), 60.0), (flat, 500.0, ("V1",), np.nan)]
        >>> [item.is_scorable for item in QualityGate().assess_each(pieces)]
        [False, False]
        """
        alike: dict[tuple[Any, ...], list[int]] = {}
        for number, (signal, fs, leads, _) in enumerate(pieces):
            names = None if leads is None else tuple(leads)
            alike.setdefault((fs, names, signal.shape, signal.dtype), []).append(number)
        found: dict[int, Assessment] = {}
        for (fs, names, *_), numbers in alike.items():
            for start in range(0, len(numbers), _AT_ONCE):
                some = numbers[start : start + _AT_ONCE]
                signals = np.stack([pieces[number][0] for number in some])
                ages = [pieces[number][3] for number in some]
                found |= zip(some, self.assess_batch(signals, fs, names, ages), strict=True)
        return [found[number] for number in range(len(pieces))]


def assess(record: Record) -> Assessment:
    """Assess one record with the default gate.

    Examples
    --------
    >>> import numpy as np
    >>> assess(Record(np.zeros((1, 1000)), fs=100, leads=["II"])).outcome
    <Outcome.NOT_SCORABLE: 'not scorable'>
    """
    return QualityGate().assess(record)
