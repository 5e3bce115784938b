"""What is printed: tables, files, progress, names."""

import io
import json
import os
import sys

import pytest
from commands import run
from rich.progress import Progress

from ecg_anomaly import cli, load, score_records, scoring


def test_names_that_are_no_text(workshop, model, tmp_path):
    odd = os.fsdecode(b"rec\xff")
    for suffix in (".hea", ".dat"):
        source = workshop / "records" / f"r0{suffix}"
        (tmp_path / (odd + suffix)).write_bytes(source.read_bytes())
    header = tmp_path / f"{odd}.hea"
    (tmp_path / "r0.dat").write_bytes((workshop / "records" / "r0.dat").read_bytes())
    out = tmp_path / "scores.json"
    code, _, _ = run("score", "--model", model, header, "--json", "--out", out)
    assert code == 0
    (row,) = json.loads(out.read_text("utf-8"))
    assert row["record_id"] == "rec\\udcff"


def test_scores_as_a_table(workshop, model):
    code, out, _ = run("score", "--model", model, workshop / "records")
    assert code == 0
    head, *rows = out.rstrip("\n").splitlines()
    assert head.split() == ["record_id", "source", "score", "verdict", "n_windows", "n_refused"]
    assert len(rows) == 3
    expected = score_records(load(model), [workshop / "records/r1.hea"])["score"][0]
    assert float(rows[1].split()[2]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_a_file_holds_what_would_be_printed(workshop, model, format, tmp_path):
    command = ["score", "--model", model, workshop / "records", "--format", format]
    _, printed, _ = run(*command)
    code, out, _ = run(*command, "--out", tmp_path / "scores")
    assert (code, out) == (0, "")
    assert (tmp_path / "scores").read_text() == printed


def test_the_place_of_the_file_is_looked_at_first(workshop, model, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError

    monkeypatch.setattr(scoring, "score_records", refuse)
    code, _, err = run(
        "score", "--model", model, workshop / "records", "--out", tmp_path / "no" / "scores"
    )
    assert code == 2
    assert "no such folder" in err


def test_a_file_is_written_whole(workshop, model, tmp_path, monkeypatch):
    out = tmp_path / "scores"
    out.write_text("before")

    def refuse(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        code, _, err = run("score", "--model", model, workshop / "records", "--out", out)
    assert code == 2
    assert "No space left on device" in err
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_what_is_missing_is_left_blank(workshop, model, tmp_path):
    (tmp_path / "broken.hea").touch()
    _, out, _ = run("score", "--model", model, workshop / "records", tmp_path)
    assert "nan" not in out.lower()
    assert "broken" in out
    _, out, _ = run("evaluate", model)
    assert "nan" not in out.lower()


@pytest.mark.parametrize(("tty", "quiet"), [(True, False), (True, True), (False, False)])
@pytest.mark.parametrize("command", ["score", "evaluate"])
def test_a_progress_bar_for_those_who_watch(workshop, model, monkeypatch, command, tty, quiet):
    shown = []

    class Noted(Progress):
        def __init__(self, *columns, console, disable):
            shown.append(not disable)
            assert console.stderr
            super().__init__(*columns, console=console, disable=disable)

    monkeypatch.setattr(cli._output, "Progress", Noted)
    monkeypatch.setattr(sys, "stderr", Watched(tty))
    if command == "score":
        cli.score([workshop / "records"], str(model), quiet=quiet)
    else:
        cli.evaluate(model, quiet=quiet)
    assert shown == [tty and not quiet]


class Watched(io.StringIO):
    """A standard error that says whether it is a terminal."""

    def __init__(self, tty):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


def test_names_with_markup_are_printed_as_they_are(model, tmp_path):
    (tmp_path / "[red]a[-].hea").write_text("")
    _, _, err = run("score", "--model", model, tmp_path)
    assert "[red]a[-].hea" in err
