"""What is said of a record, whichever model says it."""

from __future__ import annotations

import numpy as np

#: "Not flagged" is not "normal": it says that nothing unusual was found.
FLAGGED, NOT_FLAGGED, NOT_SCORABLE = "flagged", "not flagged", "not scorable"
#: What `GatedDetector.score_samples` gives for a record that cannot be scored.
LOWEST_SCORE = float(np.finfo(np.float64).min)


def verdicts(margins, scorable) -> np.ndarray:
    """Return the verdict on each record.

    Parameters
    ----------
    margins : ndarray of shape (n_records,)
        Score minus threshold: negative where a record is flagged.
    scorable : bool or ndarray of bool of shape (n_records,)

    Returns
    -------
    ndarray of str of shape (n_records,)

    Examples
    --------
    >>> verdicts(np.array([0.5, -0.1, -1.0]), np.array([True, True, False])).tolist()
    ['not flagged', 'flagged', 'not scorable']
    """
    said = np.where(np.asarray(margins) >= 0, NOT_FLAGGED, FLAGGED)
    return np.where(scorable, said, NOT_SCORABLE)
