"""The fuzzer, and what it found."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_five_hundred_inputs_a_format():
    script = Path(__file__).with_name("fuzz.py")
    result = subprocess.run(
        [sys.executable, str(script), "--inputs", "500"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    formats = ["wfdb", "npy", "csv", "edf", "dicom", "xml"]
    assert [line.split(":")[0] for line in lines[:6]] == formats
    assert lines[-1] == "0 breaches"


def test_the_fuzzer_finds_a_breach():
    """A fuzzer that cannot fail would prove nothing."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import fuzz\n"
        "def broken(path, **_):\n"
        "    raise KeyError('x')\n"
        "from pathlib import Path\n"
        "fuzz.FORMATS = {'npy': fuzz.FORMATS['npy']}\n"
        "read = fuzz.read_record\n"
        "calls = []\n"
        "def some(path):\n"
        "    calls.append(path)\n"
        "    return read(path) if len(calls) < 11 else broken(path)\n"
        "fuzz.read_record = some\n"
        "print(len(fuzz.run('npy', 10, 0)[1]))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.stdout.strip() == "7", result.stderr
