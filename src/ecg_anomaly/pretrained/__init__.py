"""Models that come with the package, trained and calibrated.

Each file holds its model card too: `model_card`, ``ecg-anomaly info NAME``. They are made anew by
``python -m benchmarks.pretrain DIR``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ModelFileError
from ..persistence import load, read_metadata

#: Names of the models, the command line's default first.
PRETRAINED: tuple[str, ...] = ("ptbxl-100hz", "mitbih-360hz")

_FOLDER = Path(__file__).parent


def load_pretrained(name: str = "ptbxl-100hz") -> Any:
    """Load a model that comes with the package.

    Parameters
    ----------
    name : str, default="ptbxl-100hz"
        Out of `PRETRAINED`. ``"ptbxl-100hz"``: twelve leads, 10 s and longer. ``"mitbih-360hz"``:
        single heartbeats in 10 s of lead II.

    Returns
    -------
    estimator
        Fitted, with a threshold at a false-alarm rate of 5 % for ECGs like those that it was
        calibrated on, ``"ptbxl-100hz"`` with conformal p-values too; elsewhere, calibrate it on
        local normals (`ecg_anomaly.scoring.calibrate`). The first is for `score_records`, the
        second for `score_beats`. Research use only: no medical device.

    Raises
    ------
    ModelFileError
        If there is no model of this name.

    Examples
    --------
    >>> from ecg_anomaly import load_pretrained, make_ecg, score_records
    >>> from ecg_anomaly.records import RecordSet
    >>> model = load_pretrained("ptbxl-100hz")
    >>> records = RecordSet(make_ecg(2, fs=500, random_state=0).X, fs=500)
    >>> score_records(model, records)["verdict"].tolist()
    ['not flagged', 'not flagged']
    """
    return load(pretrained_path(name))


def model_card(name: str = "ptbxl-100hz") -> dict[str, Any]:
    """Return what is to be known of a model before it is used.

    Parameters
    ----------
    name : str, default="ptbxl-100hz"
        Out of `PRETRAINED`.

    Returns
    -------
    dict
        Population, leads, rate, figures with intervals, limits, licence and citations.
    """
    return read_metadata(pretrained_path(name))["metadata"]["card"]


def pretrained_path(name: str) -> Path:
    """Return the file of a model that comes with the package."""
    if name not in PRETRAINED:
        raise ModelFileError(
            f"no model {name!r} comes with the package; known are {', '.join(PRETRAINED)}."
        )
    return _FOLDER / f"{name}.safetensors"
