"""Put patients, anomalies, noise and faults together into a data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from ...errors import DatasetError
from ...leads import STANDARD_LEADS
from .._dataset import ECGDataset
from ._anomalies import ANOMALIES
from ._anomalies import MAKERS as ANOMALY_MAKERS
from ._dipole import render
from ._ectopy import Case, Change
from ._faults import FAULTS
from ._faults import MAKERS as FAULT_MAKERS
from ._mask import difference_mask
from ._noise import recorder_noise
from ._patient import sample_patient
from ._rhythm import beats, sinus

NORMAL = "normal"
_MIN_FS = 25.0
_MIN_DURATION = 1.0
# Change of the dipole in mV that no recorder resolves; records are equal to their twins there.
_UNSEEN = 1e-4
# Branches of the seed: each record draws its patient, rhythm, noise, anomaly and fault apart.
_RECORDS, _KINDS = 0, 1


def make_ecg(
    n: int = 100,
    *,
    fs: float = 100.0,
    duration: float = 10.0,
    anomalies: str | Sequence[str] | None = None,
    faults: str | Sequence[str] | None = None,
    anomaly_fraction: float = 0.5,
    return_twins: bool = False,
    random_state: Any = None,
) -> ECGDataset:
    """Make synthetic 12-lead ECGs, normal ones and ones with known anomalies.

    A moving dipole, a sum of Gaussian waves for P, QRS, ST and T [1]_ [2]_, is projected on the
    twelve leads by Dower's weights [3]_. Patients differ in age, sex, heart rate, axis, intervals,
    amplitudes, electrode positions and noise. Anomalies satisfy the published criteria that a
    reader would apply: [4]_ for ST and T, [5]_ for conduction, [6]_ [7]_ for hypertrophy.

    Parameters
    ----------
    n : int, default=100
        Number of records, one a patient.
    fs : float, default=100.0
        Sampling rate in Hz, at least 25. The same seed gives the same ECGs at another rate.
    duration : float, default=10.0
        Length of each record in seconds, at least 1.
    anomalies : {None, "all"}, str or sequence of str, default=None
        Which anomalies of the heart to make, out of `ANOMALIES`: "pvc" (premature ventricular
        beats), "pac" (premature atrial beats), "af" (atrial fibrillation), "lbbb", "rbbb" (bundle
        branch blocks), "st_elevation" and "t_inversion" (anterior, inferior or lateral), "lvh"
        (left ventricular hypertrophy with strain), "av_block" (first degree or 2:1).
    faults : {None, "all"}, str or sequence of str, default=None
        Which faults of the recording to make, out of `FAULTS`: "lead_off", "limb_reversal",
        "noise_burst".
    anomaly_fraction : float, default=0.5
        Share of records, in [0, 1], that carry an anomaly or fault: exactly one each, all kinds
        asked for equally often. Without `anomalies` and `faults` every record is normal.
    return_twins : bool, default=False
        Whether to keep each record's twin: the same patient, beats and noise without the anomaly
        or fault.
    random_state : int, RandomState instance or None, default=None
        As in scikit-learn. With an integer, record k comes from the same patient whatever `n`.

    Returns
    -------
    ECGDataset
        With

        - ``X``: float32 ndarray of shape (n, 12, round(fs * duration)), in mV, leads in the order
          of `ecg_anomaly.leads.STANDARD_LEADS`;
        - ``y``: +1 normal, -1 anomaly or fault;
        - ``groups``: patients, one a record;
        - ``table``: DataFrame with `kind` ("normal" or a name), `detail` (territory, origin,
          electrode), `is_fault`, `fs`, `age` in years, `sex` (0 male, 1 female), `heart_rate` in
          beats a minute, `axis` in degrees, `pr`, `qrs` and `qtc` in ms;
        - ``labels``: indicator DataFrame with one column for each of `ANOMALIES` and `FAULTS`;
        - ``masks``: bool ndarray shaped like ``X``, True where the anomaly or fault is. Outside
          its mask a record is within 0.01 mV of its twin;
        - ``twins``: float32 ndarray shaped like ``X``, or None.

    Raises
    ------
    DatasetError
        If a kind is unknown, or a number is out of its range.

    Notes
    -----
    Normal records have an all-False mask and equal their twins. Later beats come on time after an
    ectopic beat, so that masks end with the compensatory pause.

    The synthetic heart is a test bench for detectors, not a population: results on it say that a
    detector works, not how well it works on patients.

    References
    ----------
    .. [1] McSharry PE, Clifford GD, Tarassenko L, Smith LA. A dynamical model for generating
       synthetic electrocardiogram signals. IEEE Trans Biomed Eng 2003;50:289-294.
    .. [2] Sameni R, Clifford GD, Jutten C, Shamsollahi MB. Multichannel ECG and noise modeling:
       application to maternal and fetal ECG signals. EURASIP J Adv Signal Process 2007:043407.
    .. [3] Dower GE, Machado HB, Osborne JA. On deriving the electrocardiogram from
       vectorcardiographic leads. Clin Cardiol 1980;3:87-95.
    .. [4] Thygesen K, et al. Fourth universal definition of myocardial infarction (2018).
       Circulation 2018;138:e618-e651.
    .. [5] Surawicz B, et al. AHA/ACCF/HRS recommendations for the standardization and
       interpretation of the electrocardiogram, part III. Circulation 2009;119:e235-e240.
    .. [6] Sokolow M, Lyon TP. The ventricular complex in left ventricular hypertrophy as obtained
       by unipolar precordial and limb leads. Am Heart J 1949;37:161-186.
    .. [7] Casale PN, et al. Improved sex-specific criteria of left ventricular hypertrophy for
       clinical and computer interpretation of electrocardiograms. Circulation 1987;75:565-572.

    Examples
    --------
    >>> from ecg_anomaly.datasets import make_ecg
    >>> data = make_ecg(6, anomalies=["pvc", "st_elevation"], random_state=0)
    >>> data.X.shape, sorted(data.y.tolist())
    ((6, 12, 1000), [-1, -1, -1, 1, 1, 1])
    >>> bool(data.masks[data.y == 1].any())
    False
    """
    n, fs, duration, fraction = _check_numbers(n, fs, duration, anomaly_fraction)
    wanted = _check_kinds(anomalies, ANOMALIES, "anomalies")
    wanted += _check_kinds(faults, FAULTS, "faults")
    entropy = _entropy(random_state)
    kinds = _assign(n, wanted, fraction, _generator(entropy, _KINDS))
    shape = (n, len(STANDARD_LEADS), round(fs * duration))
    X, masks = np.empty(shape, np.float32), np.zeros(shape, bool)
    twins = np.empty(shape, np.float32) if return_twins else None
    rows = []
    for k, kind in enumerate(kinds):
        record, twin, mask, row = _make_record(kind, fs, duration, shape[2], entropy, k)
        X[k] = record
        if mask is not None:
            masks[k] = mask
        if twins is not None:
            twins[k] = twin
        rows.append(row)
    return _dataset(X, masks, twins, rows)


def _make_record(kind, fs, duration, n_samples, entropy, k):
    """Return the record, its twin, its mask (None: nothing differs) and its row of the table."""
    streams = [_generator(entropy, _RECORDS, k, branch) for branch in range(4)]
    patient = sample_patient(streams[0])
    rhythm = sinus(patient, duration, streams[1])
    waves = beats(patient.template, rhythm)
    dipole = render(waves, fs, n_samples)
    noise = recorder_noise(streams[2], patient.breath, fs, n_samples)
    twin = patient.leads @ dipole + noise
    facts = {
        "heart_rate": patient.heart_rate,
        "axis": patient.axis,
        "pr": patient.pr,
        "qrs": patient.qrs,
        "qtc": patient.qtc,
    }
    record, mask, detail = twin, None, ""
    if kind in ANOMALY_MAKERS:
        case = Case(patient, rhythm, waves, duration)
        change: Change = ANOMALY_MAKERS[kind](case, streams[3])
        moved = render(change.waves, fs, n_samples) - dipole
        moved[:, np.abs(moved).max(axis=0) < _UNSEEN] = 0.0
        difference = patient.leads @ moved
        record, detail = twin + difference, change.detail
        mask = difference_mask(difference, fs, change.spans)
        facts |= change.facts
    elif kind in FAULT_MAKERS:
        record, mask, detail = FAULT_MAKERS[kind](twin, fs, streams[3])
    row = {
        "kind": kind,
        "detail": detail,
        "is_fault": kind in FAULT_MAKERS,
        "fs": fs,
        "age": patient.age,
        "sex": patient.sex,
        "heart_rate": facts["heart_rate"],
        "axis": facts["axis"],
        "pr": 1000.0 * facts["pr"],
        "qrs": 1000.0 * facts["qrs"],
        "qtc": 1000.0 * facts["qtc"],
    }
    return record, twin, mask, row


def _dataset(X, masks, twins, rows) -> ECGDataset:
    # Here, because importing the package must not load pandas.
    import pandas as pd

    table = pd.DataFrame(rows)
    kinds = table["kind"].to_numpy()
    labels = pd.DataFrame({kind: (kinds == kind).astype(int) for kind in ANOMALIES + FAULTS})
    return ECGDataset(
        X=X,
        y=np.where(kinds == NORMAL, 1, -1),
        groups=np.arange(len(X)),
        table=table,
        labels=labels,
        name="synthetic",
        label_rule="normal: a healthy synthetic heart; anomaly: one anomaly or fault was made.",
        masks=masks,
        twins=twins,
    )


def _generator(entropy: int, *branch: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=branch))


def _entropy(random_state: Any) -> int:
    if isinstance(random_state, Integral) and int(random_state) >= 0:
        return int(random_state)
    # Here, because importing the package must not load scikit-learn.
    from sklearn.utils import check_random_state

    return int(check_random_state(random_state).randint(2**31 - 1))


def _assign(n: int, wanted: list[str], fraction: float, rng: np.random.Generator) -> list[str]:
    """Give each record its kind: as many of each as can be, in random order."""
    if not wanted:
        return [NORMAL] * n
    n_changed = round(n * fraction)
    order = [wanted[k] for k in rng.permutation(len(wanted))]
    kinds = [order[k % len(order)] for k in range(n_changed)] + [NORMAL] * (n - n_changed)
    return [kinds[k] for k in rng.permutation(n)]


def _check_kinds(kinds, known: tuple[str, ...], name: str) -> list[str]:
    if kinds is None:
        return []
    if isinstance(kinds, str):
        kinds = known if kinds == "all" else (kinds,)
    if not isinstance(kinds, Iterable):
        raise DatasetError(f"{name} must be None, 'all', a name or a list of names, got {kinds!r}.")
    kinds = list(kinds)
    for kind in kinds:
        if kind not in known:
            raise DatasetError(
                f"{name} has the unknown kind {kind!r}; known are {', '.join(known)}, or 'all'."
            )
    return list(dict.fromkeys(kinds))


def _check_numbers(
    n: Any, fs: Any, duration: Any, fraction: Any
) -> tuple[int, float, float, float]:
    if not isinstance(n, Integral) or isinstance(n, bool) or int(n) < 1:
        raise DatasetError(f"n must be an integer of at least 1, got {n!r}.")
    for name, value, low, unit, why in (
        ("fs", fs, _MIN_FS, "Hz", "a QRS complex cannot be sampled below"),
        ("duration", duration, _MIN_DURATION, "s", "a beat does not fit into less"),
    ):
        if not isinstance(value, Real) or not low <= float(value) < np.inf:
            raise DatasetError(
                f"{name} must be a number of at least {low:g} {unit} ({why}), got {value!r}."
            )
    if not isinstance(fraction, Real) or not 0.0 <= float(fraction) <= 1.0:
        raise DatasetError(f"anomaly_fraction must lie in [0, 1], got {fraction!r}.")
    return int(n), float(fs), float(duration), float(fraction)
