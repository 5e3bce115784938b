import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from ecg_anomaly import demo
from ecg_anomaly.errors import ECGError
from ecg_anomaly.evaluation import AGE_ONLY
from ecg_anomaly.experiment import check_config, load_config

PICTURES = ("score_histogram", "roc", "precision_recall", "anomalous_ecg")


@pytest.fixture
def shrunk(monkeypatch):
    """Let the demo take small data and small networks; returns the names it asks for."""
    asked = []

    def load_small(name):
        asked.append(name)
        content = load_config(name).model_dump(mode="json")
        content["data"] = {
            "dataset": "synthetic",
            "duration": 5,
            "n_train": 60,
            "n_test": 24,
            "random_state": 0,
        }
        content["threshold"] |= {"false_alarm_rate": 0.2, "holdout": 0.4}
        for params in content["detector"].values():
            params |= {"channels": 8, "latent_dim": 4, "max_epochs": 1}
        return check_config(content, name)

    monkeypatch.setattr(demo, "load_config", load_small)
    yield asked
    plt.close("all")


def test_demo_writes_the_table_and_the_pictures(shrunk, tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    result = demo.run_demo(None, out)
    assert shrunk == ["synthetic_vae_mha", "synthetic_cae"]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["table.csv", *(f"{name}.png" for name in PICTURES)]
    )
    assert sorted(result.files) == sorted(out.iterdir())
    for name in PICTURES:
        image = plt.imread(out / f"{name}.png")
        assert min(image.shape[:2]) > 300
        assert np.ptp(image[..., :3]) > 0.5
    table = pd.read_csv(out / "table.csv", index_col=0)
    assert table.index.tolist() == ["VAEMHADetector", "CAEDetector", AGE_ONLY]
    pd.testing.assert_frame_equal(table, result.table)
    detectors = table.iloc[:2]
    assert detectors.drop(columns="matched AUROC").notna().all(axis=None)
    assert table.loc[AGE_ONLY, ["false alarms", "sensitivity", "fit s", "score s"]].isna().all()
    assert detectors["AUROC"].between(0, 1).all()
    assert (detectors[["fit s", "score s"]] > 0).all(axis=None)
    assert "12 normals and 12 anomalies of 24 patients" in result.description
    assert capsys.readouterr() == ("", "")


def test_a_folder_that_cannot_be_made_is_told_before_training(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "fit_experiment", lambda *a, **k: pytest.fail("trained"))
    (tmp_path / "file").touch()
    with pytest.raises(ECGError, match=r"cannot be made .*choose another --out"):
        demo.run_demo(None, tmp_path / "file" / "below")


def test_missing_data_are_told_before_training(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "fit_experiment", lambda *a, **k: pytest.fail("trained"))
    with pytest.raises(ECGError, match=r"ptbxl_database\.csv is missing"):
        demo.run_demo(tmp_path, tmp_path / "out")
