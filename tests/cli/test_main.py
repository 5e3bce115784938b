"""Usage, exit codes, one line for an error."""

import os
import subprocess
import sys

import pytest
import yaml
from commands import CONFIG, run

from ecg_anomaly import cli, make_ecg, save
from ecg_anomaly.errors import ECGError
from ecg_anomaly.preprocessing import LeadNormalizer


@pytest.fixture
def damaged(model, tmp_path):
    path = tmp_path / "damaged.safetensors"
    content = bytearray(model.read_bytes())
    content[-20] ^= 0xFF
    path.write_bytes(content)
    return path


def test_wrong_commands(workshop, model, damaged, tmp_path):
    tiny, records = workshop / "tiny.yaml", workshop / "records"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(yaml.safe_dump(CONFIG | {"colour": "red"}))
    bare = tmp_path / "bare.safetensors"
    save(LeadNormalizer().fit(make_ecg(5, random_state=0).X), bare)
    out = tmp_path / "new.safetensors"
    (tmp_path / "nothing").mkdir()
    for command, problem in [
        (["fit", "--config", "vae", "--out", out], "neither a readable YAML file nor one of"),
        (["fit", "--config", wrong, "--out", out], "unknown key 'colour'"),
        (["fit", "--config", tiny, "--out", tmp_path / "no/m"], "no such folder"),
        (["fit", "--config", tiny, "--out", tmp_path], "is a folder"),
        (["fit", "--config", "cae", "--out", out], "give --data"),
        (["fit", "--config", "cae", "--out", out, "--data", tmp_path], "ptbxl_database.csv is mis"),
        (["score", "--model", tmp_path / "none", records], "none"),
        (["score", "--model", damaged, records], "damaged"),
        (["score", "--model", tiny, records], "tiny.yaml"),
        (["score", "--model", model, tmp_path / "nothing"], "holds no record"),
        (
            ["score", "--model", model, records, "--aggregate", "max"],
            "--aggregate must be min, mean or med",
        ),
        (["score", "--model", model, records, "--out", tmp_path / "no/s"], "no such folder"),
        (["score", "--model", model, records, "--out", os.devnull], "pipe or device"),
        (["score", "--model", bare, records], "has no detector: it ends in LeadNormalizer"),
        (["evaluate", damaged], "damaged"),
        (["evaluate", model, "--folds", "9"], "was not trained on PTB-XL"),
        (["evaluate", bare], "says nothing of an experiment"),
        (["info", damaged], "damaged"),
        (["info", bare], "has no detector: it ends in LeadNormalizer"),
        (["info", tmp_path], str(tmp_path)),
        (["demo", "--data", tmp_path, "--out", tmp_path / "d"], "ptbxl_database.csv is missing"),
        (["demo", "--out", tiny / "below"], "cannot be made"),
    ]:
        code, printed, err = run(*command)
        assert code == 2, command
        assert problem in err, command
        assert printed == "", command
    assert not out.exists()


@pytest.mark.parametrize(
    "command", [["fit"], ["score"], ["nonsense"], ["score", "r", "--format", "xml"]]
)
def test_wrong_usage_is_explained(command):
    code, out, err = run(*command)
    assert code == 2
    assert out == ""
    assert "Usage:" in err


def test_help_names_the_commands():
    code, out, _ = run("--help")
    assert code == 0
    for command in ("fit", "score", "beats", "evaluate", "calibrate", "pack", "info", "demo"):
        assert command in out


def test_main_reports_one_line(monkeypatch, capsys):
    def refuse():
        raise ECGError("a.hea: a [bold]message[/bold]\n  over two lines.")

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.err == "ecg-anomaly: a.hea: a [bold]message[/bold] over two lines.\n"
    assert captured.out == ""


@pytest.mark.parametrize(
    "case", ["config", *(pytest.param(case, marks=pytest.mark.slow) for case in ("model", "score"))]
)
def test_exit_codes_of_the_command(workshop, tmp_path, case):
    arguments = {
        "config": ["fit", "--config", "none", "--out", tmp_path / "m"],
        "model": ["info", workshop / "tiny.yaml"],
        "score": [
            "score",
            "--model",
            workshop / "model.safetensors",
            workshop / "records",
            "--quiet",
        ],
    }[case]
    done = subprocess.run(
        [sys.executable, "-m", "ecg_anomaly.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    if case == "score":
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 4
    else:
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("ecg-anomaly: ")
