"""What an injection adds to a record."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Change(NamedTuple):
    """What is added to a record.

    Attributes
    ----------
    difference : ndarray of shape (n_leads, n_samples)
        In mV.
    detail : str
        Territory, origin or lead.
    spans : tuple of (float, float)
        Seconds that belong to the anomaly as a whole, in leads that it changes.
    kept : ndarray of shape (n_leads, n_samples) or None
        The part of `difference` that does not grow with the severity: what is taken away.
    """

    difference: np.ndarray
    detail: str
    spans: tuple[tuple[float, float], ...] = ()
    kept: np.ndarray | None = None

    def total(self, severity: float | None) -> np.ndarray:
        """Return the difference, scaled so that its largest deflection is `severity` in mV."""
        scale = 1.0 if severity is None else severity / np.abs(self.difference).max()
        return scale * self.difference + (0.0 if self.kept is None else self.kept)
