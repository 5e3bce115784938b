"""The command ``ecg-anomaly``: each of its commands calls one public function."""

from __future__ import annotations

import signal
import warnings

import typer

from ..errors import ECGError
from ._beats import beats
from ._calibrate import calibrate
from ._demo import demo
from ._evaluate import evaluate
from ._export import export
from ._fetch import fetch
from ._fit import fit
from ._info import info
from ._output import ERRORS
from ._pack import pack
from ._score import score

app = typer.Typer(
    help="Anomaly detection in ECGs, trained on normals. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for _command in (fit, score, beats, evaluate, calibrate, pack, export, info, fetch, demo):
    app.command()(_command)


def main() -> None:
    """Run the command line: wrong input is one line on standard error and exit code 2."""
    # as an exception, which leaves no temporary file behind
    signal.signal(signal.SIGTERM, _stop)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _tell  # one line too, without the place in our code
            app()
    except ECGError as error:
        ERRORS.print("ecg-anomaly: " + " ".join(str(error).split()))
        raise SystemExit(2) from None


def _stop(number, frame) -> None:
    raise SystemExit(128 + number)


def _tell(message, category, filename, lineno, file=None, line=None) -> None:
    ERRORS.print(f"warning: {message}")
