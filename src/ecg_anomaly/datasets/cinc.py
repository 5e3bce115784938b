"""PhysioNet/CinC Challenges 2020 and 2021 (Perez Alday 2020, Reyna 2021): 88,253 12-lead ECGs."""

from __future__ import annotations

from pathlib import Path

from ..errors import DatasetError
from ._challenge import load_challenge
from ._dataset import ECGDataset
from ._snomed import CPSC_2018, SCORED, SCORED_NAMES, SINUS_RHYTHM

# Early headers name diagnoses as CPSC 2018 does.
_CODE_OF_NAME = {name: code for code, name in CPSC_2018.items() if code.isdigit()}
_RULE = (
    "normal: sinus rhythm (SNOMED CT 426783006) is the only diagnosis; anomaly: any other "
    "diagnosis, scored by the Challenge or not; without a diagnosis: left out"
)


def load_cinc(folder: str | Path, *, duration: float = 10.0, fs: float = 500.0) -> ECGDataset:
    """Load the training data of the PhysioNet/CinC Challenge 2020 or 2021, or a part of it.

    Parameters
    ----------
    folder : str or Path
        Holds records in WFDB format, at any depth.
    duration : float, default=10.0
        Length of all records in seconds. Longer ones are cut from their start; **shorter ones are
        left out** and counted, never padded.
    fs : float, default=500.0
        Sampling rate of all records in Hz. Records of other rates (257 Hz of St Petersburg, 1000
        Hz of PTB) are resampled when they are read.

    Returns
    -------
    ECGDataset
        `X` reads the files when they are needed; only headers are read at once. `labels` has the
        26 diagnoses that the Challenge 2021 scores, four of which stand for two codes each: LBBB
        (with CLBBB), RBBB (with CRBBB), PAC (with SVPB) and PVC (with VPB). `table` has for each
        record its name, `source` by its name's letters, `dx` with all its SNOMED CT codes, `age` in
        years and `sex` (0 male, 1 female; both NaN where unknown), and the `file_fs` and
        `file_duration` before resampling and cutting. `excluded` counts what was left out.

        `groups`: headers name no patients, each record is one of its own. PTB, PTB-XL and St
        Petersburg hold several records of some patients: split by `source`, not at random.

    Raises
    ------
    DatasetError
        If the folder holds no record, one name stands there twice, a header or diagnosis makes no
        sense, or nothing is left.

    References
    ----------
    Perez Alday et al., "Classification of 12-lead ECGs: the PhysioNet/Computing in Cardiology
    Challenge 2020", Physiol Meas 2020. Reyna et al., "Will two do? Varying dimensions in
    electrocardiography: the PhysioNet/Computing in Cardiology Challenge 2021", CinC 2021.
    """
    return load_challenge(
        Path(folder),
        duration=duration,
        fs=fs,
        database="PhysioNet/CinC Challenge",
        classes=SCORED_NAMES,
        class_of=SCORED,
        check=_code,
        normal=SINUS_RHYTHM,
        label_rule=_RULE,
    )


def _code(text: str, path: Path) -> str:
    code = _CODE_OF_NAME.get(text, text)
    # SNOMED CT identifiers have 6 to 18 digits, without a leading zero
    if not (code.isascii() and code.isdigit() and 6 <= len(code) <= 18 and code[0] != "0"):
        raise DatasetError(
            f"{path}: the diagnosis {text[:40]!r} is no SNOMED CT code; write codes with commas "
            'between them, as in "#Dx: 426783006,164884008".'
        )
    return code
