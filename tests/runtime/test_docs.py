"""What the page on ONNX Runtime shows runs as it stands, and its metadata are those of a file."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "onnx.md"


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not part of an sdist")
def test_the_page(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    names = {}
    for number, code in enumerate(blocks):
        exec(compile(code, f"onnx.md, block {number}", "exec"), names)
    assert set(names["table"]["verdict"]) <= {"flagged", "not flagged"}
    assert names["detector"].properties_.outside[-1] == "BandpassFilter"
    assert names["scores"].dtype == np.float64
    assert names["flagged"].shape == (5,)
    told = set(names["properties"])
    explained = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", text, re.M))))
    assert told <= explained
