"""Tiny databases are built of these."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def write_record():
    """Write a WFDB record of format 16 at 1000 units a mV from integers (n_leads, n_samples)."""

    def write(path, samples, fs, names, comments=()):
        samples = np.asarray(samples, "<i2")
        path.parent.mkdir(parents=True, exist_ok=True)
        samples.T.tofile(path.with_name(path.name + ".dat"))
        lines = [
            f"{path.name}.dat 16 1000.0(0)/mV 16 0 {row[0]} {row.sum(dtype=int) % 65536} 0 {name}"
            for row, name in zip(samples, names, strict=True)
        ]
        header = [f"{path.name} {len(names)} {fs:g} {samples.shape[1]}", *lines]
        header += [f"#{comment}" for comment in comments]
        path.with_name(path.name + ".hea").write_text("\n".join(header) + "\n")

    return write
