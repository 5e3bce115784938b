"""A detector whose arithmetic ONNX Runtime does."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from .. import __version__
from .._input import SignalInputMixin
from ..errors import ECGError, ECGWarning, ModelFileError, SignalError
from ..leads import STANDARD_LEADS
from ..records import RecordSet
from ._extra import needed
from ._file import checked, read
from ._properties import Properties


class ONNXDetector(SignalInputMixin, OutlierMixin, BaseEstimator):
    """A fitted detector as `export_onnx` wrote it; `load_onnx` and `with_onnx` make it.

    It takes what the detector took and gives the same scores to 1e-5 of the larger of 1 and the
    score, on one thread. Records are scored one by one, so that a score does not depend on the
    others; what a larger batch would save is small.

    Attributes
    ----------
    offset_ : float
        Records with a lower score are flagged. Can be set.
    properties_ : Properties
        What the file says of itself, among it what of the exported model is not in it.
    content_ : bytes
        The file. It is what is pickled.
    fs_, leads_ : float, tuple of str
        Of what the detector was fitted on.
    n_features_in_, n_leads_in_ : int

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from ecg_anomaly import CAEDetector, make_ecg
    >>> from ecg_anomaly.runtime import export_onnx, load_onnx
    >>> ecgs = make_ecg(20, random_state=0).X
    >>> detector = CAEDetector(max_epochs=0, random_state=0).fit(ecgs)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_onnx(detector, f"{folder}/detector.onnx")
    ...     exported = load_onnx(f"{folder}/detector.onnx")
    >>> exported
    ONNXDetector()
    >>> np.allclose(exported.score_samples(ecgs), detector.score_samples(ecgs), rtol=1e-5)
    True
    """

    content_: bytes
    properties_: Properties
    offset_: float

    def fit(self, X, y=None):
        """Refuse: it is fitted.

        Raises
        ------
        ECGError
            Always.
        """
        raise ECGError(
            "an ONNXDetector cannot be fitted: fit the detector that it comes from, and export it; "
            'for another threshold, give cv="prefit" to what sets it.'
        )

    def score_samples(self, X):
        """Return how normal each record is.

        Parameters
        ----------
        X : RecordSet or array-like
            Records with the leads and the length of those that the detector was fitted on.

        Returns
        -------
        ndarray of float64 of shape (n_records,)
            Higher = more normal.
        """
        check_is_fitted(self)
        X, _ = self._check_input(X)
        session = self._session
        scores = [
            session.run(["score"], one)[0]
            for signals in self._batches(X)
            for one in self._inputs(signals)
        ]
        return np.concatenate(scores)

    def decision_function(self, X):
        """Return ``score_samples(X) - offset_``: negative where a record is flagged."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Return +1 (not flagged) or -1 (flagged) for each record."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def _inputs(self, signals: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        """Yield what the graph is given for each record."""
        inputs = {"signal": np.ascontiguousarray(signals, np.float32)}
        if self.properties_.beat_input:
            inputs["beats"] = self._beats(signals)
        for row in range(len(signals)):
            yield {name: values[row : row + 1] for name, values in inputs.items()}

    def _beats(self, signals: np.ndarray) -> np.ndarray:
        # they load torch
        from ..detectors._directions import beat_features
        from ..signal.r_peaks import beat_centers

        centers = [beat_centers(signal, self.fs_) for signal in signals]
        leads = self.leads_ or STANDARD_LEADS
        return beat_features(signals, centers, self.fs_, leads, np.array(self.properties_.scale))

    def _check_input(self, X):
        if isinstance(X, RecordSet) and len(X) == 0:
            raise SignalError(f"{type(self).__name__} cannot score the empty {X!r}.")
        self._check_fitted_rate(X)
        return super()._check_input(X)

    @property
    def _session(self) -> Any:
        # not part of what is pickled or copied
        if "_running" not in vars(self):
            self._running = _started(self.content_, "the model")
        return self._running

    def _load(self, content: bytes, name: str) -> None:
        self._running = _started(checked(content, name), name)
        told = self._running.get_modelmeta().custom_metadata_map
        self.properties_ = properties = Properties.from_strings(told, name)
        self.content_ = content
        self.fs_, self.leads_ = float(properties.fs), properties.leads
        self.n_features_in_ = properties.n_leads * properties.n_samples
        if properties.feature_names:
            self.feature_names_in_ = np.array(properties.feature_names, object)
        self.offset_ = float(properties.offset)
        self.n_leads_in_ = properties.n_leads
        try:
            self._check_state()
        except SignalError as error:
            raise ModelFileError(f"{name}: {error}") from None
        if _signature(self._running) != _expected(properties):
            raise ModelFileError(
                f"{name}: its inputs are not those that it tells of; export the model again."
            )
        if properties.beat_input and properties.version != __version__:
            warnings.warn(
                f"{name} was exported by version {properties.version}, and reads median beats as "
                f"that measured them; this is {__version__}.",
                ECGWarning,
                stacklevel=3,
            )

    def __getstate__(self):
        state = super().__getstate__().copy()
        state.pop("_running", None)
        return state

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_leads_in_")


def load_onnx(source: str | Path | bytes) -> ONNXDetector:
    """Load a file of `export_onnx`.

    Parameters
    ----------
    source : str, Path or bytes
        The file, or what is in it.

    Returns
    -------
    ONNXDetector
        Fitted. It has the threshold of the exported detector, and nothing of what stood around
        this: filters, gate and other thresholds. `with_onnx` keeps them.

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, or not one of `export_onnx`.
    ECGError
        If the extra ``onnx`` is not installed.

    Warns
    -----
    ECGWarning
        If the file is of another version of the package, and the score reads median beats.
    """
    detector = ONNXDetector()
    content = source if isinstance(source, bytes) else read(source)
    detector._load(content, "the bytes" if isinstance(source, bytes) else str(source))
    return detector


def _started(content: bytes, name: str) -> Any:
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    # as torch in this package: a second thread costs more than it saves beside other work
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what matters is raised
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    # its exceptions have no public base
    except Exception as error:
        raise ModelFileError(
            f"{name}: ONNX Runtime {runtime.__version__} does not take it ({error}); export the "
            "model again, or upgrade onnxruntime."
        ) from None


def _signature(session: Any) -> dict[str, tuple[str, list[Any]]]:
    ends = (*session.get_inputs(), *session.get_outputs())
    return {end.name: (end.type, list(end.shape[1:])) for end in ends}


def _expected(properties: Properties) -> dict[str, tuple[str, list[Any]]]:
    ends: dict[str, tuple[str, list[Any]]] = {
        "signal": ("tensor(float)", [properties.n_leads, properties.n_samples]),
        "score": ("tensor(double)", []),
    }
    if properties.beat_input:
        from ..detectors._directions import n_features

        ends["beats"] = ("tensor(double)", [n_features(properties.n_leads)])
    return ends
