"""Beats of one record, annotated or detected, and which of them to take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from ..io import read_annotations
from ..signal.beats import count_in_windows, match_peaks, window_fits
from ..signal.r_peaks import find_r_peaks

CLASSES = ("N", "S", "V", "F", "Q")
#: Class of flutter waves, which are no beats and have none in EC57.
FLUTTER = "VF"
#: Class of each annotation code, by ANSI/AAMI EC57.
AAMI_CLASSES = {
    **dict.fromkeys("NLRej", "N"),
    **dict.fromkeys("AaJS", "S"),
    **dict.fromkeys("VE", "V"),
    "F": "F",
    **dict.fromkeys("/fQ", "Q"),
    "!": FLUTTER,
}
# Beats of other databases, which EC57 puts nowhere or which were never classified.
_OTHER_BEATS = "Bnr?"
_TOLERANCE_S = 0.15


@dataclass(frozen=True)
class Beats:
    """Beats of one record.

    Attributes
    ----------
    sample : ndarray of int of shape (n_beats,)
        Middle of each window, ascending.
    symbol : ndarray of str of shape (n_beats,)
        Annotation code.
    rhythm : ndarray of str of shape (n_beats,)
        Rhythm at the beat, as annotated: N, AFIB, B and so on; "" before the first.
    in_flutter : ndarray of bool of shape (n_beats,)
        Whether the beat lies in an episode of ventricular flutter or fibrillation.
    marks, mark_symbols : ndarray of shape (n_marks,)
        Sample and code of every annotated beat and flutter wave.
    own_mark : ndarray of int of shape (n_beats,)
        Sample of the annotation that is the beat itself.
    abnormal_neighbour : ndarray of bool of shape (n_beats,)
        Whether the window holds another beat that is abnormal.
    """

    sample: np.ndarray
    symbol: np.ndarray
    rhythm: np.ndarray
    in_flutter: np.ndarray
    marks: np.ndarray
    mark_symbols: np.ndarray
    own_mark: np.ndarray
    abnormal_neighbour: np.ndarray

    def take(self, rows: np.ndarray) -> Beats:
        """Return some of the beats, among all marks."""
        names = ("sample", "symbol", "rhythm", "in_flutter", "own_mark", "abnormal_neighbour")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def select(
        self,
        n_samples: int,
        n_total: int,
        excluded: Counter[str],
        *,
        abnormal: set[str],
        fibrillation: bool,
        halves: bool,
    ) -> Beats:
        """Return the beats to take, and count the others.

        Parameters
        ----------
        n_samples : int
            Length of a window.
        n_total : int
            Length of the record.
        excluded : Counter
            Grows by what is left out.
        abnormal : set of str
            Codes of abnormal beats.
        fibrillation : bool
            Whether to take flutter waves, and beats among them.
        halves : bool
            Whether windows must lie in one half of the record.
        """
        beats = self
        if not fibrillation:
            beats = beats._without(
                beats.in_flutter | (beats.symbol == "!"),
                "beats and waves in ventricular flutter or fibrillation",
                excluded,
            )
        fits = window_fits(beats.sample, n_samples, n_total)
        beats = beats._without(~fits, "beats too near to an end of the record", excluded)
        if halves:
            start = beats.sample - n_samples // 2
            across = (start < n_total // 2) & (start + n_samples > n_total // 2)
            beats = beats._without(across, "beats whose window crosses the middle", excluded)
        is_abnormal = np.isin(self.mark_symbols, list(abnormal))
        inside = count_in_windows(self.marks[is_abnormal], beats.sample, n_samples)
        start = beats.sample - n_samples // 2
        own = np.isin(beats.symbol, list(abnormal)) & (
            (beats.own_mark >= start) & (beats.own_mark < start + n_samples)
        )
        return replace(beats, abnormal_neighbour=inside > own)

    def _without(self, rows: np.ndarray, reason: str, excluded: Counter[str]) -> Beats:
        excluded[reason] += int(rows.sum())
        return self.take(~rows)


def annotated_beats(path: Path, n_total: int) -> Beats:
    """Read the beats and flutter waves of a record.

    Raises
    ------
    RecordFileError
        If the annotations are missing or damaged.
    DatasetError
        If they reach beyond the signal, or hold beats of codes that the database does not use.
    """
    annotations = read_annotations(path)
    sample = np.asarray(annotations.sample, np.int64)
    symbol = np.asarray(annotations.symbol, str)
    if len(sample) and sample[-1] >= n_total:
        raise DatasetError(
            f"{path}.atr: an annotation at sample {sample[-1]}, but the record has {n_total}; "
            "download both files again."
        )
    foreign = np.isin(symbol, list(_OTHER_BEATS))
    if foreign.any():
        first = int(np.flatnonzero(foreign)[0])
        raise DatasetError(
            f"{path}.atr: a beat of code {str(symbol[first])!r} at sample {sample[first]}, which "
            "the MIT-BIH Arrhythmia Database does not use; download it again."
        )
    is_beat = np.isin(symbol, list(AAMI_CLASSES))
    starts = np.flatnonzero([text.startswith("(") for text in annotations.aux])
    names = np.array(["", *(annotations.aux[k][1:].strip() for k in starts)])
    rhythm = names[np.searchsorted(sample[starts], sample, side="right")]
    in_episode = _between(symbol, "[", "]") | (rhythm == "VFL")
    beats = sample[is_beat]
    return Beats(
        sample=beats,
        symbol=symbol[is_beat],
        rhythm=rhythm[is_beat],
        in_flutter=in_episode[is_beat],
        marks=beats,
        mark_symbols=symbol[is_beat],
        own_mark=beats,
        abnormal_neighbour=np.zeros(len(beats), bool),
    )


def _between(symbol: np.ndarray, opening: str, closing: str) -> np.ndarray:
    """Tell what lies between an opening and a closing mark; an open end lasts to the end."""
    depth = np.cumsum((symbol == opening).astype(int) - (symbol == closing))
    return depth - np.minimum(np.minimum.accumulate(depth), 0) > 0


def detected_beats(beats: Beats, signal: np.ndarray, fs: float, excluded: Counter[str]) -> Beats:
    """Return the detected R peaks with the labels of the annotated beats that they meet.

    Parameters
    ----------
    beats : Beats
        The annotated ones.
    signal : ndarray of shape (n_samples,)
        The lead to detect in.
    fs : float
        In Hz.
    excluded : Counter
        Grows by the detections without a beat, and by the beats without a detection.
    """
    found = find_r_peaks(signal, fs)
    # there are no beats to be met in ventricular flutter: its waves stay as annotated
    regular = np.flatnonzero(~(beats.in_flutter | (beats.symbol == "!")))
    waves = np.flatnonzero(beats.in_flutter | (beats.symbol == "!"))
    rows, peaks = match_peaks(beats.sample[regular], found, _TOLERANCE_S * fs)
    among_waves = np.zeros(len(found), bool)
    if len(waves):
        distance = np.abs(found[:, None] - beats.sample[waves]).min(axis=1)
        among_waves = distance <= fs / 2
    unmet = np.ones(len(found), bool)
    unmet[peaks] = False
    excluded["detections that no annotated beat meets"] += int((unmet & ~among_waves).sum())
    missed = np.setdiff1d(regular, regular[rows])
    for symbol in beats.symbol[missed].tolist():
        excluded[f"beats of class {AAMI_CLASSES[symbol]} that no detection meets"] += 1
    kept = np.sort(np.concatenate([regular[rows], waves]))
    sample = beats.sample.copy()
    sample[regular[rows]] = found[peaks]
    return replace(beats.take(kept), sample=sample[kept])
