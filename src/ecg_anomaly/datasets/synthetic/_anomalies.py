"""The kinds of anomaly by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ._conduction import lbbb, lvh, rbbb
from ._ectopy import Case, Change, af, av_block, pac, pvc
from ._repolarisation import st_elevation, t_inversion

MAKERS: dict[str, Callable[[Case, np.random.Generator], Change]] = {
    "pvc": pvc,
    "pac": pac,
    "af": af,
    "lbbb": lbbb,
    "rbbb": rbbb,
    "st_elevation": st_elevation,
    "t_inversion": t_inversion,
    "lvh": lvh,
    "av_block": av_block,
}

#: Names of the anomalies of the heart that `make_ecg` knows.
ANOMALIES: tuple[str, ...] = tuple(MAKERS)
