"""What the README shows must run as it stands."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.slow
def test_the_example_runs(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    aurocs = [float(number) for number in re.findall(r"0\.\d+", capsys.readouterr().out)]
    assert len(aurocs) == 3
    assert min(aurocs) > 0.7
    assert (tmp_path / "model.safetensors").exists()
    assert names["lead_weights"].shape == (5, 12)
