"""What the pages on thresholds and evaluation show must run as it stands, here on less data."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from ecg_anomaly import datasets
from ecg_anomaly.datasets import load_ptbxl
from ecg_anomaly.model_selection import split_holdout

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = Path(os.environ.get("ECG_ANOMALY_DATA") or "unset") / "ptbxl"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (FOLDER / "ptbxl_database.csv").is_file(),
        reason="needs PTB-XL: set ECG_ANOMALY_DATA to a folder that holds it as ptbxl/",
    ),
]


@pytest.fixture(scope="module")
def sides():
    """Give 300 records each for training and test, apart by patient."""
    dataset = load_ptbxl(FOLDER, folds=[1, 2])
    there = np.array([(FOLDER / f"{name}.hea").is_file() for name in dataset.table["filename_lr"]])
    dataset = dataset[there]
    rows, others = split_holdout(dataset.groups, 0.5, random_state=0)
    return dataset[rows[:300]], dataset[others[:300]]


# groups of sex and age have fewer normals here than the page's
@pytest.mark.filterwarnings("ignore:groups with fewer than")
@pytest.mark.parametrize("page", ["thresholds", "evaluation"])
def test_the_examples_run(page, sides, monkeypatch, tmp_path, capsys):
    training, test = sides
    monkeypatch.setattr(
        datasets, "load_ptbxl", lambda _, folds: test if list(folds) == [8] else training
    )
    monkeypatch.chdir(tmp_path)
    text = (DOCS / f"{page}.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == {"thresholds": 3, "evaluation": 1}[page]
    names = {}
    for number, code in enumerate(blocks):
        exec(compile(code, f"{page}.md, block {number}", "exec"), names)
    said = capsys.readouterr().out
    if page == "thresholds":
        assert "'sensitivity': Interval(" in said
        assert names["conformal"].p_values(test.X[:5]).shape == (5,)
    else:
        assert "matched AUROC" in said
        assert (tmp_path / "report.html").exists()
