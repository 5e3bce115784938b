"""Which leads see a part of the heart, and the limb leads that follow from I and II."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import DatasetError
from ...leads import limb_plane

#: Share of each lead in a change of a territory; of the limb leads I and II, the others follow.
TERRITORIES: dict[str, dict[str, float]] = {
    "anterior": {"V1": 0.4, "V2": 1.0, "V3": 1.0, "V4": 0.7},
    "inferior": {"I": -0.3, "II": 0.7},
    "lateral": {"I": 0.9, "II": 0.1, "V5": 0.8, "V6": 0.9},
}
# Below it a lead counts as hardly concerned.
_LEAST_SHARE = 0.3


def choose_territory(leads: Sequence[str], wanted: str | None, rng: np.random.Generator) -> str:
    """Return a territory that the leads can see; "" where their names tell nothing.

    Raises
    ------
    DatasetError
        If the wanted one is unknown, or none of the leads sees it.
    """
    if wanted is not None and wanted not in TERRITORIES:
        raise DatasetError(
            f"territory must be one of {', '.join(TERRITORIES)}, or None; got {wanted!r}."
        )
    seen = [name for name in TERRITORIES if np.abs(shares(name, leads)).max() >= _LEAST_SHARE]
    if wanted is not None and wanted not in seen:
        raise DatasetError(f"none of the leads {', '.join(leads)} sees the {wanted} territory.")
    number = int(rng.integers(0, max(1, len(seen))))
    return wanted or (seen[number] if seen else "")


def shares(territory: str, leads: Sequence[str]) -> np.ndarray:
    """Return each lead's share of a change, negative where it is reciprocal."""
    return spread(TERRITORIES[territory], leads)


def spread(values: Mapping[str, float | np.ndarray], leads: Sequence[str]) -> np.ndarray:
    """Return values of all leads from those of I, II and the chest leads; 0 where none is given.

    Parameters
    ----------
    values : mapping of str to float or ndarray of shape (n,)
        By lead. Limb leads other than I and II are not looked at.
    leads : sequence of str

    Returns
    -------
    ndarray of shape (n_leads,) or (n_leads, n)
    """
    zero = 0.0 * next(iter(values.values()))
    plane = limb_plane(leads)
    rows = []
    for lead, (a, b) in zip(leads, plane, strict=True):
        of_limbs = np.isfinite(a)
        value = values.get(lead, zero)
        rows.append(a * values.get("I", zero) + b * values.get("II", zero) if of_limbs else value)
    return np.array(rows)


def sized_shares(
    territory: str, leads: Sequence[str], sizes: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the change of each lead in mV: its share times its size.

    The limb leads have one size, the mean of those concerned, so that they stay consistent. Each
    heart lies a little differently: shares vary by a tenth.

    Parameters
    ----------
    territory : str
        "" takes one lead by chance.
    leads : sequence of str
    sizes : ndarray of shape (n_leads,)
        In mV.
    rng : Generator

    Returns
    -------
    ndarray of shape (n_leads,)
    """
    if not territory:
        change = np.zeros(len(leads))
        row = int(rng.integers(0, len(leads)))
        change[row] = sizes[row]
        return change
    of_limbs = np.isfinite(limb_plane(leads)[:, 0])
    concerned = of_limbs & (np.abs(shares(territory, leads)) >= _LEAST_SHARE)
    limb_size = float(sizes[concerned].mean()) if concerned.any() else 0.0
    size_of = dict(zip(leads, sizes, strict=True)) | {"I": limb_size, "II": limb_size}
    varied = {
        lead: share * (1.0 + 0.1 * rng.standard_normal()) * size_of.get(lead, 0.0)
        for lead, share in TERRITORIES[territory].items()
    }
    return spread(varied, leads)
