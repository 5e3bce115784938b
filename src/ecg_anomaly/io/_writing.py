"""Writing of WFDB records."""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from pathlib import Path

import numpy as np

from ..errors import RecordFileError
from ..patients import FEMALE
from ..records import Record
from ._comments import clean_patient, patient_of
from ._encoding import Stored, encode
from ._header import MAX_NAME
from ._reading import read_record
from ._times import start_of

_MAX_SPF = 1000
# What writing may change: half a step of 32 bits, and the rounding to float32
_PRECISION = 2.0**-31 + 2.0**-24
_TINIEST_MV = 1e-12


def write_record(record: Record, path: str | Path) -> Path:
    """Write an ECG as a WFDB record: a header ``.hea`` and a signal file ``.dat``.

    A lead whose values are multiples of one step, as converters give them, reads back bit for bit
    where that step is found; any other within its largest amplitude divided by 2^31, or 1e-12 mV.
    Missing samples stay missing. Patient, age and sex are written as comments, before the comments
    of ``record.annotations["comments"]``, which are written as they are, and ``"time"`` where it is
    a local time in ISO 8601; other annotations and findings are not.

    Parameters
    ----------
    record : Record
    path : str or Path
        Of the header, with or without ``.hea``; its name becomes the record's. Files there are
        replaced once the new ones are complete and were read back.

    Returns
    -------
    Path
        Of the header.

    Raises
    ------
    RecordFileError
        If there is no sample or an infinite one, the name is not made of letters, digits,
        underscores and hyphens, the rates of extra channels are no multiples of a common one, the
        folder cannot be written, or what was written would read back otherwise: names decide what
        is a lead, and rates, amplitudes and the number of channels have limits.

    See Also
    --------
    read_record : reads it.

    Examples
    --------
    >>> import tempfile
    >>> from ecg_anomaly import Record
    >>> from ecg_anomaly.io import read_record, write_record
    >>> record = Record(np.array([[0.0, 0.5, np.nan]]), fs=250, leads=["II"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_record(write_record(record, f"{folder}/a1")).signal
    array([[0. , 0.5, nan]], dtype=float32)
    """
    path = Path(path)
    name = path.stem if path.suffix.lower() == ".hea" else path.name
    where = f"record {record.record_id!r}"
    if not re.fullmatch(r"[\w-]+", name, re.ASCII) or len(name) > MAX_NAME - len(".hea"):
        raise RecordFileError(
            f"{path}: a WFDB record's name has letters, digits, underscores and hyphens only, at "
            f"most {MAX_NAME - len('.hea')}."
        )
    if not record.signal.size:
        raise RecordFileError(f"{where}: has no sample to write.")
    try:
        if path.is_dir():
            raise RecordFileError(f"{path}: is a folder; name a record in it.")
        if not path.parent.is_dir():
            raise RecordFileError(f"{path.parent}: no such folder; make it first.")
        fs_frame, stored = _encode(record, where)
        with tempfile.TemporaryDirectory(prefix=".ecg", dir=path.parent) as folder:
            _write(where, folder, name, fs_frame, stored, record)
            _check(record, where, Path(folder, f"{name}.hea"))
            # the header last: until then, checksums tell that new samples are not the old header's
            for file in sorted(Path(folder).iterdir(), key=lambda file: file.suffix == ".hea"):
                os.replace(file, path.parent / file.name)
    except OSError as error:
        raise RecordFileError(f"{path}: cannot be written ({error.strerror}).") from None
    return path.parent / f"{name}.hea"


def _channels(record: Record) -> list[tuple[str, str, np.ndarray, float]]:
    """Return name, unit, samples and rate of leads, then of other channels."""
    leads = zip(record.leads or (), record.signal, strict=True)
    return [
        *((name, "mV", signal, record.fs) for name, signal in leads),
        *((name, item.unit, item.signal, item.fs) for name, item in record.extra.items()),
    ]


def _encode(record: Record, where: str) -> tuple[float, list[Stored]]:
    """Return the rate of frames and the channels as they are stored."""
    fs_frame = _frame_rate(record)
    stored = []
    for name, unit, signal, fs in _channels(record):
        if re.search(r"\s", unit):
            raise RecordFileError(
                f"{where}: unit {unit!r} of {name} has a space, which a header cannot hold; write "
                f"{'_'.join(unit.split())!r}."
            )
        stored.append(encode(where, name, unit, signal, round(fs / fs_frame)))
    n_frames = record.signal.shape[1] // stored[0].samples_per_frame
    for channel in stored:
        if len(channel.digital) != n_frames * channel.samples_per_frame:
            raise RecordFileError(f"{where}: {channel.name} does not last as long as the leads.")
    return fs_frame, stored


def _write(
    where: str, folder: str, name: str, fs: float, stored: list[Stored], record: Record
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wfdb uses what pandas is about to drop
        import wfdb

        try:
            wfdb.wrsamp(
                name,
                fs=fs,
                units=[channel.unit for channel in stored],
                sig_name=[channel.name for channel in stored],
                e_d_signal=[channel.digital for channel in stored],
                fmt=[channel.format for channel in stored],
                adc_gain=[channel.gain for channel in stored],
                baseline=[0] * len(stored),
                samps_per_frame=[channel.samples_per_frame for channel in stored],
                comments=_comments(record),
                base_datetime=start_of(record.annotations),
                write_dir=folder,
            )
        except OSError:
            raise
        except Exception as error:  # wfdb raises many kinds of exceptions
            raise RecordFileError(
                f"{where}: wfdb cannot write it ({str(error)[:200]}); change the names or units."
            ) from None


def _check(record: Record, where: str, header: Path) -> None:
    """Refuse what was written if it would read back otherwise."""

    def refuse(problem: str) -> RecordFileError:
        return RecordFileError(f"{where}: cannot be written as WFDB, since {problem}")

    try:
        again = read_record(header)
    except RecordFileError as error:
        problem = str(error).removeprefix(f"{header}: ")
        raise refuse(f"it would be refused: {problem}") from None
    if (record.leads, list(record.extra)) != (again.leads, list(again.extra)):
        raise refuse(f"{_names(record)} would read back as {_names(again)}; rename or drop some.")
    told = clean_patient(record.annotations.get("age"), record.annotations.get("sex"))[0]
    same_patient = record.patient_id in ("", again.patient_id)
    if not same_patient or any(again.annotations.get(key) != told[key] for key in told):
        raise refuse(
            f"patient {record.patient_id[:40]!r} would read back otherwise; change the id."
        )
    if start_of(record.annotations) not in (None, start_of(again.annotations)):
        raise refuse(f"the time {record.annotations['time']!r} would read back otherwise; drop it.")
    pairs = zip(_channels(record), _channels(again), strict=True)
    for number, (given, read) in enumerate(pairs):
        name, unit, signal, fs = given
        _, unit_read, signal_read, fs_read = read
        if unit != unit_read:
            raise refuse(f"unit {unit!r} of {name} would become {unit_read!r}; change it.")
        if not np.isclose(fs, fs_read, rtol=1e-9, atol=0) or np.shape(signal) != signal_read.shape:
            raise refuse(f"the rate of {name}, {fs!r} Hz, would become {fs_read!r}; resample it.")
        floor = _TINIEST_MV if number < len(record.signal) else 0.0
        if not _are_close(signal, signal_read, floor):
            raise refuse(f"samples of {name} are too large or too small; change their unit.")


def _names(record: Record) -> str:
    extra = ", ".join(record.extra)[:200] or "nothing"
    return f"{', '.join(record.leads or ())[:200]} with {extra} beside the leads"


def _are_close(given: np.ndarray, read: np.ndarray, floor: float) -> bool:
    given, read = np.asarray(given, np.float64), np.asarray(read, np.float64)
    largest = np.abs(given[np.isfinite(given)]).max(initial=0.0)
    return np.allclose(read, given, rtol=0, atol=max(largest * _PRECISION, floor), equal_nan=True)


def _frame_rate(record: Record) -> float:
    """Return the rate of frames: all channels have a whole number of samples in each."""
    rates = [record.fs, *(channel.fs for channel in record.extra.values())]
    slowest = min(rates)
    for parts in range(1, _MAX_SPF):
        ratios = np.array(rates) * parts / slowest
        if np.allclose(ratios, ratios.round(), rtol=1e-9, atol=0):
            return slowest / parts
    raise RecordFileError(
        f"record {record.record_id!r}: rates {', '.join(f'{rate:g}' for rate in rates)} Hz are no "
        "multiples of a common one; resample the extra channels."
    )


def _comments(record: Record) -> list[str]:
    """Return the comments of a record, preceded by what is known of the patient and not in them."""
    given = record.annotations.get("comments")
    texts = (given,) if isinstance(given, str) else given or ()
    comments = [" ".join(str(text).splitlines()) for text in texts]
    told, patient, _ = patient_of(comments)
    own = []
    known, _ = clean_patient(record.annotations.get("age"), record.annotations.get("sex"))
    if "age" in known and known["age"] != told.get("age"):
        own.append(f"age: {known['age']}")
    if "sex" in known and known["sex"] != told.get("sex"):
        own.append(f"sex: {'F' if known['sex'] == FEMALE else 'M'}")
    if record.patient_id not in ("", patient):
        own.append(f"patient id: {record.patient_id}")
    return own + comments
