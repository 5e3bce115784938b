"""What a file says of itself: strings under plain names, to be read in any language."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import __version__
from ..errors import ModelFileError

FORMAT = "ecg-anomaly score 1"


@dataclass(frozen=True)
class Properties:
    """What is to be known of a graph to give it signals, and to read its score.

    Attributes
    ----------
    detector, score_method : str
        Class and parameter.
    fs : float
        In Hz.
    leads : tuple of str
        () where nobody named them.
    n_leads, n_samples : int
    offset : float
        The detector's own: scores below are flagged.
    threshold : float
        That of the outermost part of the model; the same where there is no other.
    center, scale : tuple of float
        Of each lead, in mV; part of the graph, and `scale` of the beat features too.
    beat_input : bool
        Whether the graph has the second input.
    outside : tuple of str
        Parts of the model that are not in the graph, in order.
    feature_names : tuple of str
        Columns of the table that the detector was fitted on, () without one.
    version : str
        Of the package.
    """

    detector: str
    score_method: str
    fs: float
    leads: tuple[str, ...]
    n_leads: int
    n_samples: int
    offset: float
    threshold: float
    center: tuple[float, ...]
    scale: tuple[float, ...]
    beat_input: bool
    outside: tuple[str, ...]
    feature_names: tuple[str, ...] = ()
    version: str = __version__

    def as_strings(self) -> dict[str, str]:
        """Return the properties as a file has them: numbers and lists as JSON."""
        texts = {"format": FORMAT, "unit": "mV"}
        for name, value in vars(self).items():
            texts[name] = value if isinstance(value, str) else json.dumps(value)
        return texts

    @classmethod
    def from_strings(cls, texts: dict[str, str], name: str) -> Properties:
        """Return the properties of the file called `name`.

        Raises
        ------
        ModelFileError
            If they are of another format, or do not fit together.
        """
        found = texts.get("format")
        if found != FORMAT:
            raise ModelFileError(
                f"{name}: format {found!r}, but this version reads {FORMAT!r}; export the model "
                "with this version."
            )
        try:
            values: dict[str, Any] = {}
            for key, kind in cls.__annotations__.items():
                value = texts[key] if kind == "str" else json.loads(texts[key])
                values[key] = tuple(value) if isinstance(value, list) else value
            made = cls(**values)
            made._check()
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            raise ModelFileError(
                f"{name}: its properties do not fit together ({error}); export the model again."
            ) from None
        return made

    def _check(self) -> None:
        names = (*self.leads, *self.outside, *self.feature_names)
        counts = (self.n_leads, self.n_samples)
        if not all(isinstance(one, str) for one in names) or type(self.beat_input) is not bool:
            raise ValueError("names that are none")
        if any(type(count) is not int or count < 1 for count in counts):
            raise ValueError("leads or samples")
        if len(self.feature_names) not in (0, self.n_leads * self.n_samples):
            raise ValueError("feature_names")
        if {len(self.center), len(self.scale)} != {self.n_leads}:
            raise ValueError("center or scale")
        if not all(map(math.isfinite, (self.offset, self.threshold, *self.center))):
            raise ValueError("a threshold that is no number")
        if not np.all(np.isfinite((self.fs, *self.scale))) or min(self.fs, *self.scale) <= 0:
            raise ValueError("fs or scale")
