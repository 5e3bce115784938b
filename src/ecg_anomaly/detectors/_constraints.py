"""What the parameters that all detectors with a network share may be."""

from __future__ import annotations

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval

COMMON_CONSTRAINTS: dict = {
    "contamination": [Interval(Real, 0, 0.5, closed="right")],
    "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    "channels": [Interval(Integral, 1, None, closed="left")],
    "latent_dim": [Interval(Integral, 1, None, closed="left")],
    "stride": [Interval(Integral, 1, None, closed="left")],
    "mask_fraction": [Interval(Real, 0, 1, closed="left")],
    "lead_mask_fraction": [Interval(Real, 0, 1, closed="left")],
    "crop": [Interval(Real, 0, None, closed="neither"), None],
    "max_epochs": [Interval(Integral, 0, None, closed="left")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "lr": [Interval(Real, 0, None, closed="neither")],
    "early_stopping": ["boolean"],
    "patience": [Interval(Integral, 1, None, closed="left")],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "warm_start": ["boolean"],
    "fs": [Interval(Real, 0, None, closed="neither")],
    "leads": ["array-like", None],
    "n_leads": [Interval(Integral, 1, None, closed="left")],
    "device": [str],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}
