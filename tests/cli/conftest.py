"""A small model and a few records for all commands."""

import pytest
import yaml
from commands import CONFIG, run, write_record

from ecg_anomaly import make_ecg


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    """A folder with a configuration, a model fitted on it, and three records."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "records").mkdir()
    for k, signal in enumerate(make_ecg(3, duration=3, random_state=5).X):
        write_record(folder / "records" / f"r{k}.hea", signal)
    code, out, _ = run(
        "fit", "--config", folder / "tiny.yaml", "--out", folder / "model.safetensors", "--quiet"
    )
    assert code == 0
    (folder / "fit.txt").write_text(out)
    return folder


@pytest.fixture
def model(workshop):
    return workshop / "model.safetensors"
