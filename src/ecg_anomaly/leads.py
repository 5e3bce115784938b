"""Lead names: the canonical twelve, their aliases, and the leads that follow from others.

Leads are addressed by name everywhere, because databases disagree about their order: MIMIC-IV-ECG
stores aVF before aVL and aVR, PTB-XL writes ``AVR`` for aVR.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from .errors import SignalError

STANDARD_LEADS: tuple[str, ...] = (
    "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6",
)  # fmt: skip

#: Each derived limb lead as a combination of I and II (Einthoven 1912, Goldberger 1942).
LIMB_LEADS: dict[str, tuple[float, float]] = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}

#: I, II and V1 to V6 from the Frank axes x (left), y (foot), z (back).
DOWER: dict[str, tuple[float, float, float]] = {
    "I": (0.632, -0.235, 0.059),
    "II": (0.235, 1.066, -0.132),
    "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387),
    "V3": (0.882, 0.098, -1.277),
    "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086),
    "V6": (0.831, 0.076, 0.230),
}

_BY_LOWER = {name.lower(): name for name in STANDARD_LEADS}
# ISO/IEEE 11073-10101 codes: MDC_ECG_LEAD_I, MDC_ECG_LEAD_AVR, ...
_PREFIXES = ("mdc_ecg_lead_", "lead ", "lead_", "lead", "ecg lead ", "ecg ")


@lru_cache(maxsize=1024)  # asked for every lead of every record
def canonical_lead(name: str) -> str:
    """Return the canonical name of a lead.

    Parameters
    ----------
    name : str
        A lead's name in any case, with or without the prefixes ``MDC_ECG_LEAD_`` (ISO/IEEE
        11073-10101) or ``Lead``. A leading minus is a negated lead and stays unknown.

    Returns
    -------
    str
        One of `STANDARD_LEADS`, or `name` stripped of white space where it is none of them:
        Holter recorders call their channels ``MLII`` or ``ECG1``, and those are names too.

    Examples
    --------
    >>> canonical_lead("AVR"), canonical_lead("mdc_ecg_lead_v2"), canonical_lead("ECG1")
    ('aVR', 'V2', 'ECG1')
    """
    stripped = str(name).strip()
    lowered = stripped.lower()
    for prefix in _PREFIXES:
        if lowered.startswith(prefix) and lowered[len(prefix) :] in _BY_LOWER:
            return _BY_LOWER[lowered[len(prefix) :]]
    return _BY_LOWER.get(lowered, stripped)


def canonical_leads(names: Sequence[str]) -> tuple[str, ...]:
    """Return the canonical names of several leads, refusing duplicates.

    Parameters
    ----------
    names : sequence of str

    Returns
    -------
    tuple of str

    Raises
    ------
    SignalError
        If two names mean the same lead.

    Examples
    --------
    >>> canonical_leads(["i", "avF"])
    ('I', 'aVF')
    """
    if isinstance(names, str):
        raise SignalError(f"leads must be a sequence of names, got the string {names!r}.")
    canonical = tuple(canonical_lead(name) for name in names)
    for lead in canonical:
        if canonical.count(lead) > 1:
            raise SignalError(
                f"lead {lead!r} is named more than once in {list(names)}; "
                "give each lead a name of its own."
            )
    return canonical


def can_derive(lead: str, available: Sequence[str]) -> bool:
    """Tell whether a limb lead follows from two other limb leads that are present.

    Examples
    --------
    >>> can_derive("aVF", ["I", "III"]), can_derive("V1", ["I", "II"])
    (True, False)
    """
    if lead in available:
        return True
    return lead in LIMB_LEADS and sum(name in LIMB_LEADS for name in available) >= 2


def limb_plane(leads: Sequence[str]) -> np.ndarray:
    """Return each lead as a combination of I and II, NaN for one that is no limb lead.

    Examples
    --------
    >>> limb_plane(["III", "V1"]).tolist()
    [[-1.0, 1.0], [nan, nan]]
    """
    return np.array([LIMB_LEADS.get(lead, (np.nan, np.nan)) for lead in leads])


def sources(lead: str, available: Sequence[str]) -> tuple[str, ...]:
    """Return the leads from which `reorder` makes one: itself, two limb leads, or none.

    Examples
    --------
    >>> sources("aVF", ["V1", "I", "III", "aVL"]), sources("V1", ["I", "II"])
    (('I', 'III'), ())
    """
    if lead in available:
        return (lead,)
    if not can_derive(lead, available):
        return ()
    first, second = [name for name in available if name in LIMB_LEADS][:2]
    return first, second


def reorder(
    signals: np.ndarray, leads: Sequence[str], target: Sequence[str], *, missing: str = "raise"
) -> np.ndarray:
    """Put leads into the order of `target`, deriving limb leads where they are absent.

    Any two of the six limb leads determine the other four.

    Parameters
    ----------
    signals : ndarray of shape (..., n_leads, n_samples)
    leads : sequence of str
        Names of the leads in `signals`, in any alias.
    target : sequence of str
        Names wanted, in order. Leads not named there are dropped.
    missing : {"raise", "nan"}, default="raise"
        What to do with a lead that is neither present nor derivable.

    Returns
    -------
    ndarray of shape (..., len(target), n_samples)
        A copy, in the dtype of `signals`; float64 for integers.

    Raises
    ------
    SignalError
        If the names do not fit the array, or a lead is missing and `missing="raise"`.

    Examples
    --------
    >>> import numpy as np
    >>> reorder(np.array([[1.0], [3.0]]), ["I", "II"], ["aVF", "III", "I"]).ravel().tolist()
    [2.5, 2.0, 1.0]
    """
    names, wanted = canonical_leads(leads), canonical_leads(target)
    if signals.dtype.kind != "f":  # halves and NaN are no integers
        signals = signals.astype(np.float64)
    if signals.shape[-2] != len(names):
        raise SignalError(
            f"signals have {signals.shape[-2]} leads, but {len(names)} names were given."
        )
    out = np.full((*signals.shape[:-2], len(wanted), signals.shape[-1]), np.nan, signals.dtype)
    absent = []
    for k, lead in enumerate(wanted):
        limb = sources(lead, names)
        if limb == (lead,):
            out[..., k, :] = signals[..., names.index(lead), :]
        elif limb:
            # lead = w . (limb leads present), solved in the basis (I, II)
            weights = np.linalg.solve(
                np.array([LIMB_LEADS[name] for name in limb]).T, LIMB_LEADS[lead]
            )
            a, b = (signals[..., names.index(name), :] for name in limb)
            out[..., k, :] = (weights[0] * a + weights[1] * b).astype(signals.dtype)
        else:
            absent.append(lead)
    if absent and missing == "raise":
        raise SignalError(
            f"lead(s) {', '.join(absent)} are missing: present are {', '.join(names)}. "
            "Supply them, or impute them with LeadImputer."
        )
    return out


def frank_to_leads(leads: Sequence[str]) -> np.ndarray:
    """Return the matrix that takes a dipole along the Frank axes to leads.

    Parameters
    ----------
    leads : sequence of str
        Out of the standard twelve.

    Returns
    -------
    ndarray of shape (n_leads, 3)
        Its pseudo-inverse takes leads to the least dipole that they see.

    Raises
    ------
    SignalError
        If a lead is none of the standard twelve.

    References
    ----------
    Dower, Machado and Osborne, "On deriving the electrocardiogram from vectorcardiographic leads",
    Clinical Cardiology 1980.

    Examples
    --------
    >>> frank_to_leads(["II", "V2"]).tolist()
    [[0.235, 1.066, -0.132], [0.044, 0.164, -1.387]]
    """
    unknown = [lead for lead in leads if lead not in STANDARD_LEADS]
    if unknown:
        raise SignalError(
            f"how lead {unknown[0]} sees the heart is not known; name leads out of the standard "
            f"twelve: {', '.join(STANDARD_LEADS)}."
        )
    of_i, of_ii = np.array(DOWER["I"]), np.array(DOWER["II"])
    rows = {lead: np.array(row) for lead, row in DOWER.items()}
    rows |= {lead: a * of_i + b * of_ii for lead, (a, b) in LIMB_LEADS.items()}
    return np.array([rows[lead] for lead in leads])
