"""China Physiological Signal Challenge 2018 (Liu et al. 2018): 6,877 12-lead ECGs of 6 to 60 s."""

from __future__ import annotations

from pathlib import Path

from ..errors import DatasetError
from ._challenge import load_challenge
from ._dataset import ECGDataset
from ._snomed import CPSC_2018, CPSC_2018_NAMES

_RULE = (
    "normal: Normal is the only one of the nine classes; anomaly: any other class; without a "
    "class: left out"
)


def load_cpsc2018(folder: str | Path, *, duration: float = 10.0, fs: float = 500.0) -> ECGDataset:
    """Load CPSC 2018 in the WFDB format of the PhysioNet/CinC Challenges.

    Parameters
    ----------
    folder : str or Path
        Holds the records ``A0001.hea``, ``A0001.mat`` and so on, at any depth. Headers may name
        classes (``#Dx: RBBB``) or give their SNOMED CT codes (``#Dx: 59118001``).
    duration : float, default=10.0
        Length of all records in seconds. Longer ones are cut from their start; **shorter ones are
        left out** and counted, never padded.
    fs : float, default=500.0
        Sampling rate of all records in Hz; 500 Hz is theirs.

    Returns
    -------
    ECGDataset
        `X` reads the files when they are needed; only headers are read at once. `labels` has the
        nine classes: Normal, AF, I-AVB, LBBB, RBBB, PAC, PVC, STD (ST depression) and STE (ST
        elevation). `table` has for each record its name, `source`, `dx` with its classes, `age` in
        years and `sex` (0 male, 1 female; both NaN where unknown), and the `file_fs` and
        `file_duration` before cutting. Patients are not named: each record is a group of its own.
        `excluded` counts what was left out.

    Raises
    ------
    DatasetError
        If the folder holds no record, one name stands there twice, a header or class makes no
        sense, or nothing is left.

    References
    ----------
    Liu et al., "An open access database for evaluating the algorithms of electrocardiogram rhythm
    and morphology abnormality detection", J Med Imaging Health Inform 2018.
    """
    return load_challenge(
        Path(folder),
        duration=duration,
        fs=fs,
        database="CPSC 2018",
        classes=CPSC_2018_NAMES,
        class_of={name: name for name in CPSC_2018_NAMES},
        check=_class,
        normal="Normal",
        label_rule=_RULE,
    )


def _class(text: str, path: Path) -> str:
    if text not in CPSC_2018:
        raise DatasetError(
            f"{path}: the diagnosis {text[:40]!r} is none of the nine of CPSC 2018 "
            f"({', '.join(CPSC_2018_NAMES)}); for other databases use load_cinc."
        )
    return CPSC_2018[text]
