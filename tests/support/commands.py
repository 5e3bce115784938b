"""The command line in this process, and records for it."""

import numpy as np
from typer.testing import CliRunner

from ecg_anomaly import cli
from ecg_anomaly.errors import ECGError
from ecg_anomaly.leads import STANDARD_LEADS

CONFIG = {
    "name": "tiny",
    "data": {"dataset": "synthetic", "duration": 3, "n_train": 100, "n_test": 30},
    "detector": {
        "CAEDetector": {"channels": 8, "latent_dim": 4, "max_epochs": 1, "random_state": 0}
    },
    "threshold": {"false_alarm_rate": 0.1, "holdout": 0.3},
}


def run(*arguments):
    """Run a command in this process as `main` does: (exit code, standard output, error line)."""
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    if isinstance(result.exception, ECGError):
        return 2, result.stdout, str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def write_record(path, signal, fs=100):
    """Write a 12-lead record in microvolts."""
    digital = np.round(1000 * signal).astype("<i2")
    digital.T.tofile(path.with_suffix(".dat"))
    lines = [f"{path.stem}.dat 16 1000(0)/mV 16 0 {row[0]} {row.sum(dtype=int) % 65536} 0 {name}"
             for row, name in zip(digital, STANDARD_LEADS, strict=True)]  # fmt: skip
    head = f"{path.stem} 12 {fs} {digital.shape[1]}"
    path.with_suffix(".hea").write_text("\n".join([head, *lines]) + "\n")
