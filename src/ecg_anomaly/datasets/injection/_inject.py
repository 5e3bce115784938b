"""Put a known anomaly into one record, or one into each of many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from ...errors import DatasetError, SignalError
from ...records import Record, RecordSet, default_leads
from .._dataset import ECGDataset
from ..synthetic import FAULTS
from ..synthetic._mask import difference_mask
from . import _ectopy, _faults, _ischaemia
from ._beats import find_beats
from ._change import Change

_MAKERS: dict[str, Callable[..., Change]] = {
    "st_elevation": _ischaemia.st_elevation,
    "st_depression": _ischaemia.st_depression,
    "t_inversion": _ischaemia.t_inversion,
    "q_wave": _ischaemia.q_wave,
    "pvc": _ectopy.pvc,
    "lead_off": _faults.lead_off,
    "noise_burst": _faults.noise_burst,
}

#: Names of the focal anomalies and faults that can be put into a real ECG.
INJECTIONS: tuple[str, ...] = tuple(_MAKERS)


class Injected(NamedTuple):
    """A record with an anomaly, of `inject_anomaly`.

    Attributes
    ----------
    record : Record
        The changed one.
    mask : ndarray of bool of shape (n_leads, n_samples)
        Where it differs from the original by more than 0.01 mV.
    detail : str
        Territory, origin of the beat, or lead.
    """

    record: Record
    mask: np.ndarray
    detail: str


def inject_anomaly(
    record: Record | np.ndarray,
    kind: str,
    *,
    fs: float = 100.0,
    leads: Sequence[str] | None = None,
    territory: str | None = None,
    severity: float | None = None,
    random_state: Any = None,
) -> Injected:
    """Put a focal anomaly at a known place into a real normal ECG.

    The anomaly is timed by the record's own beats and sized by the QRS complexes of its own leads.
    What is added has no edges and lies below 40 Hz. Among the limb leads Einthoven's and
    Goldberger's identities hold for it.

    Parameters
    ----------
    record : Record or array-like of shape (n_leads, n_samples)
        Raw, in mV, not filtered.
    kind : str
        Out of `INJECTIONS`. In all beats: "st_elevation", "st_depression", "t_inversion", "q_wave".
        One beat: "pvc". For 1.5 to 4 s at one electrode: "lead_off", "noise_burst".
    fs : float, default=100.0
        Sampling rate in Hz of an array, 50 or more; a Record has its own.
    leads : sequence of str, optional
        Leads of an array; by default the standard names for twelve.
    territory : {"anterior", "inferior", "lateral"}, optional
        Of ST, T and Q changes; by default one by chance that the leads see. Where no name is
        known, one lead by chance is changed.
    severity : float, optional
        Largest deflection in mV of what is added, in any lead. By default one by chance, relative
        to QRS. "lead_off" has none.
    random_state : int, RandomState or None, default=None
        With an int, bit-equal each time.

    Returns
    -------
    Injected
        `record` in single precision, `mask` and `detail`.

    Raises
    ------
    DatasetError
        If the kind or territory is unknown, or the severity is not above 0.
    SignalError
        If the record has no beats to be timed by, or samples that are not finite.

    Notes
    -----
    Real ECGs with made anomalies say where a map should point; they are no patients. ST segments
    are those of the record plus a smooth plateau from the J point into the T wave; a Q wave is a
    Gaussian of 33 ms at half height; an ectopic beat lasts 125 to 175 ms and takes the place of a
    normal one, whose median form is taken out so that noise and wander stay.

    Examples
    --------
    >>> from ecg_anomaly import make_ecg
    >>> from ecg_anomaly.datasets import inject_anomaly
    >>> record = make_ecg(1, random_state=0).X[0]
    >>> found = inject_anomaly(record, "st_elevation", territory="anterior", random_state=0)
    >>> [lead for lead, row in zip(found.record.leads, found.mask) if row.any()]
    ['V1', 'V2', 'V3', 'V4']
    """
    _check(kind, severity)
    if not isinstance(record, Record):
        record = Record(np.asarray(record), fs=fs, leads=leads)
    # Here, because importing the package must not load scikit-learn.
    from sklearn.utils import check_random_state

    seed = check_random_state(random_state).randint(2**31 - 1)
    return _inject(record, kind, territory, severity, np.random.default_rng(int(seed)))


def inject_anomalies(
    X,
    kinds: str | Sequence[str] = INJECTIONS,
    *,
    fs: float = 100.0,
    leads: Sequence[str] | None = None,
    territory: str | None = None,
    severity: float | None = None,
    random_state: Any = None,
) -> ECGDataset:
    """Put a focal anomaly at a known place into each of many real normal ECGs.

    Parameters
    ----------
    X : RecordSet or array-like of shape (n_records, n_leads, n_samples)
        Raw normal ECGs in mV.
    kinds : str or sequence of str, default=INJECTIONS
        Given to the records in turn.
    fs, leads
        Of arrays; a RecordSet has its own.
    territory, severity
        As for `inject_anomaly`, for all records.
    random_state : int, RandomState or None, default=None
        With an int, each record is changed in the same way whatever stands behind it.

    Returns
    -------
    ECGDataset
        `X` (a RecordSet of the changed records), `y` (all -1), `groups`, `table` with `kind`,
        `detail`, `is_fault`, `fs` and `row` in the `X` given, `masks` and `twins` (the originals).
        Records without beats to be timed by are left out and counted in `excluded`.

    Raises
    ------
    DatasetError
        If a kind or territory is unknown, or no record is left.

    Examples
    --------
    >>> from ecg_anomaly import make_ecg
    >>> from ecg_anomaly.datasets import inject_anomalies
    >>> data = inject_anomalies(make_ecg(3, random_state=0).X, ["pvc", "q_wave"], random_state=0)
    >>> data.table["kind"].tolist(), data.masks.shape
    (['pvc', 'q_wave', 'pvc'], (3, 12, 1000))
    """
    import pandas as pd
    from sklearn.utils import check_random_state

    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if not kinds:
        raise DatasetError(f"kinds is empty; known are {', '.join(INJECTIONS)}.")
    for kind in kinds:
        _check(kind, severity)
    if not isinstance(X, RecordSet):
        X = np.asarray(X)
        names = leads if leads is not None or X.ndim != 3 else default_leads(X.shape[1])
        X = RecordSet(X, fs=fs, leads=names)
    entropy = _entropy(random_state, check_random_state)
    signals, twins, masks, rows, excluded = [], [], [], [], 0
    for number, record in enumerate(X):
        kind = kinds[number % len(kinds)]
        rng = np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(number,)))
        try:
            found = _inject(record, kind, territory, severity, rng)
        except SignalError:
            excluded += 1
            continue
        signals.append(found.record.signal)
        twins.append(record.signal)
        masks.append(found.mask)
        rows.append(
            {
                "kind": kind,
                "detail": found.detail,
                "is_fault": kind in FAULTS,
                "fs": X.fs,
                "row": number,
            }
        )
    if not rows:
        raise DatasetError(
            f"none of the {len(X)} records has beats to be timed by; give ECGs in mV of several "
            "seconds."
        )
    kept = [row["row"] for row in rows]
    return ECGDataset(
        X=RecordSet(
            np.stack(signals),
            fs=X.fs,
            leads=X.leads,
            record_ids=X.record_ids[kept],
            patient_ids=X.patient_ids[kept],
        ),
        y=np.full(len(rows), -1),
        groups=X.patient_ids[kept],
        table=pd.DataFrame(rows),
        name="injected",
        label_rule="anomaly: a focal anomaly or fault was put into a normal ECG.",
        excluded={"without beats": excluded} if excluded else {},
        masks=np.stack(masks),
        twins=np.stack(twins),
    )


def _inject(
    record: Record, kind: str, territory: str | None, severity: float | None, rng
) -> Injected:
    where = f"record {record.record_id!r}: " if record.record_id else ""
    signal = record.signal.astype(np.float64)
    if not np.isfinite(signal).all():
        raise SignalError(
            f"{where}it has samples that are not finite; fill them in with LeadImputer first."
        )
    leads = tuple(record.leads or ())
    try:
        beats = find_beats(signal, record.fs)
        change = _MAKERS[kind](beats, signal, leads, territory, rng)
    except (SignalError, DatasetError) as error:
        raise type(error)(f"{where}{kind}: {error}") from None
    difference = change.total(severity)
    mask = difference_mask(difference, record.fs, list(change.spans))
    changed = (signal + difference).astype(np.float32)
    return Injected(replace(record, signal=changed), mask, change.detail)


def _check(kind: str, severity: float | None) -> None:
    if kind not in _MAKERS:
        raise DatasetError(f"unknown kind {kind!r}; known are {', '.join(INJECTIONS)}.")
    if severity is None:
        return
    if not isinstance(severity, Real) or not 0.0 < float(severity) < np.inf:
        raise DatasetError(f"severity must be above 0 mV, got {severity!r}.")
    if kind == "lead_off":
        raise DatasetError("lead_off has no severity; leave it None.")


def _entropy(random_state: Any, check_random_state: Callable) -> int:
    if isinstance(random_state, Integral) and int(random_state) >= 0:
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
