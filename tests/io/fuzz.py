"""Mutate valid records and read them: a record or an ECGError, and nothing else, may come out.

Run as ``python tests/io/fuzz.py --inputs 100000``. The process may take 2 GB of address space, 2 s
an input, opens no file outside the record's folder, and has no torch. A breach is printed with the
number that makes it again (``--only``), and its files are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each thread takes address space

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import exports

from ecg_anomaly import Record
from ecg_anomaly.errors import ECGError
from ecg_anomaly.io import read_record

LIMIT_BYTES = 2 * 2**30
LIMIT_SECONDS = 2
NASTY = [
    "0", "-1", "1", "-0", "nan", "inf", "-inf", "1e308", "1e-308", "-500", "0.1", "1e9", "65536",
    "2147483647", "2147483648", "-2147483649", "9223372036854775807", "1000000000000", "1e6",
    "9" * 5000, "", " ", "\t", "\0", "../rec", "/etc/passwd", "/dev/zero", "C:\\x", "\\\\a\\b",
    "http://a/b", "rec.hea", "rec", ".", "..", "~", "~user", "$HOME", "%s%n", "=1+1",
    "<script>", "\u202e", "\u00b5V", "\ud7ff", "mV", "uV", "bananas", "0x10", "1_000", "\uff11",
    "16x0", "212", "16", "508", "8", "61", "310", "24+24", "16:1", "16x1000000", "(0)", "200(",
    "/", "#", "null", "true", "[]", "{}", "[[[[", '"', "'", ",", ";", "II", "i", "aVR", "O", "|O",
    "<f8", "\r", "time", "n", "[uV]", "_mV", "3L", "True", "6 months", "\u0662", "<age>:",
]  # fmt: skip
LEADS = ["I", "II", "V1"]


def _samples(rng, n_leads, n_samples, largest=100):
    steps = rng.integers(-9, 10, (n_leads, n_samples)).cumsum(axis=1)
    return steps.clip(-largest, largest)


def _wfdb_seeds(rng):
    """Write one record for each way of storing them; return the files of each."""
    import wfdb

    seeds = []
    layouts = [([fmt] * 3, [1, 1, 1]) for fmt in ("16", "24", "32", "80", "212", "516", "508")]
    layouts += [(["16"] * 3, [2, 1, 1]), (["16"] * 3, [40, 1, 1]), (["16", "212", "80"], [1, 1, 1])]
    for formats, spf in layouts:
        with tempfile.TemporaryDirectory() as folder:
            wfdb.wrsamp(
                "rec", fs=250, units=["mV", "uV", "mV"], sig_name=LEADS, fmt=formats,
                e_d_signal=[_samples(rng, 1, 60 * per_frame)[0] for per_frame in spf],
                adc_gain=[200.0, 1000.0, 7247.0], baseline=[0, -100, 512], samps_per_frame=spf,
                comments=["Age: 47, Sex: F", "<age>: 6 months <sex>: M", "Patient ID: MRN 1"],
                write_dir=folder,
            )  # fmt: skip
            seeds.append({path.name: path.read_bytes() for path in Path(folder).iterdir()})
    # without checksums, damaged samples come through
    seeds += [_without_checksums(seed) for seed in seeds]
    plain = seeds[0]
    matlab = np.array([30, 3, 60, 0, 4], "<i4").tobytes() + b"val\0" + plain["rec.dat"]
    header = plain["rec.hea"].replace(b"rec.dat 16x1 ", b"rec.mat 16x1+24 ")
    seeds.append({"rec.hea": header, "rec.mat": matlab})
    part = plain["rec.hea"].replace(b"rec ", b"part ", 1).replace(b"rec.dat", b"part.dat")
    layout = b"layout 3 250 0\n" + b"".join(
        b"~ 0 200/mV 16 0 0 0 0 %s\n" % name.encode() for name in LEADS
    )
    whole = b"rec/4 3 250 150\nlayout 0\npart 60\n~ 30\npart 60\n"
    seeds.append(
        {"rec.hea": whole, "layout.hea": layout, "part.hea": part, "part.dat": plain["rec.dat"]}
    )
    return seeds


def _without_checksums(files):
    lines = files["rec.hea"].decode().split("\n")
    lines[1:4] = [" ".join(line.split()[:3]) for line in lines[1:4]]
    return files | {"rec.hea": "\n".join(lines).encode()}


def _npy_seeds(rng):
    signal = (_samples(rng, 3, 60) / 200).astype(np.float32)
    about = {"fs": 250, "leads": LEADS, "unit": "mV", "age": 47, "sex": "F"}
    side = json.dumps(about).encode()
    seeds = []
    for array in (signal, signal.T, np.asfortranarray(signal), signal.astype(">f8"), signal[0]):
        with tempfile.TemporaryFile() as file:
            np.save(file, array)
            file.seek(0)
            own = about | {"leads": LEADS[: 1 if array.ndim == 1 else 3]}
            seeds.append({"rec.npy": file.read(), "rec.json": json.dumps(own).encode()})
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 60L), }\n"  # by Python 2
    start = b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header
    seeds.append({"rec.npy": start + signal.tobytes(), "rec.json": side})
    start = b"\x93NUMPY\x03\0" + len(header).to_bytes(4, "little") + header.replace(b"L", b" ")
    seeds.append({"rec.npy": start + signal.tobytes(), "rec.json": side})
    return seeds


def _csv_seeds(rng):
    signal = _samples(rng, 3, 60) / 200
    side = b'{"fs": 250}'
    seeds = []
    for mark in ",;\t":
        rows = [mark.join(map(str, row)) for row in signal.T]
        seeds.append({"rec.csv": "\n".join([mark.join(LEADS), *rows]).encode(), "rec.json": side})
    for title in (",".join(f"{lead} [uV]" for lead in LEADS), "sample,I_mV,II_mV", "n,ch1,ch2"):
        columns = signal.T if title[0] == "I" else np.column_stack([np.arange(60), *signal[1:]])
        rows = [",".join(f"{value:g}" for value in row) for row in columns]
        seeds.append({"rec.csv": "\n".join([title, *rows]).encode(), "rec.json": side})
    timed = [f"{k / 250:.3f},{row}" for k, row in enumerate(signal[0])]
    seeds.append({"rec.csv": "\r\n".join(["time,II", *timed]).encode()})
    return seeds


def _edf_seeds(rng):
    signal = _samples(rng, 3, 500) / 200
    others = [("EEG Fpz-Cz", signal[0]), ("Resp", signal[1])]
    return [
        {"rec.edf": exports.edf(signal, 250, LEADS)},
        {"rec.edf": exports.edf(signal, 250, LEADS, unit="mV", others=others)},
        {"rec.edf": exports.edf(signal, 250, LEADS).replace(b"EDF+C", b"     ")},
    ]


def _dicom_seeds(rng):
    signal = _samples(rng, 3, 100) / 200
    gap = np.where(np.arange(100) < 20, np.nan, signal)
    parts = [exports.group(signal[k : k + 1], 250, [lead], offset=400.0 * k)
             for k, lead in enumerate(LEADS)]  # fmt: skip
    return [
        {"rec.dcm": exports.dicom(exports.group(signal, 250, LEADS, unit="mV"))},
        {"rec.dcm": exports.dicom(exports.group(gap, 250, LEADS, padding=-32768))},
        {"rec.dcm": exports.dicom(*parts)},
    ]


def _xml_seeds(rng):
    signal = _samples(rng, 3, 100) / 200
    return [
        {"rec.xml": exports.aecg(signal, 250, LEADS)},
        {"rec.xml": exports.aecg(signal, 250, LEADS, unit="mV")},
        {"rec.xml": exports.sierra(signal, 250, LEADS)},
        {"rec.xml": exports.sierra(signal, 250, LEADS, utf16=True)},
    ]


FORMATS = {"wfdb": (_wfdb_seeds, "rec.hea"), "npy": (_npy_seeds, "rec.npy"),
           "csv": (_csv_seeds, "rec.csv"), "edf": (_edf_seeds, "rec.edf"),
           "dicom": (_dicom_seeds, "rec.dcm"), "xml": (_xml_seeds, "rec.xml")}  # fmt: skip


def _mutate_bytes(content, rng):
    data = bytearray(content)
    place = int(rng.integers(0, len(data) + 1))
    length = int(rng.integers(1, 17))
    match rng.integers(0, 6):
        case 0 if data:
            data[min(place, len(data) - 1)] ^= 1 << int(rng.integers(0, 8))
        case 1:
            data[place : place + length] = rng.bytes(length)
        case 2:
            del data[place:]
        case 3:
            del data[place : place + length]
        case 4:
            data[place:place] = rng.bytes(length)
        case _:
            data[place:place] = data[: int(rng.integers(0, 400))]
    return bytes(data)


def _mutate_text(content, rng):
    """Change one word or line, leaving the rest as it is."""
    text = content.decode("latin-1")
    lines = text.split("\n")
    number = int(rng.integers(0, min(len(lines), 12)))
    match rng.integers(0, 8):
        case 0:
            lines.insert(number, lines[int(rng.integers(0, len(lines)))])
        case 1:
            del lines[number]
        case 2:
            other = int(rng.integers(0, len(lines)))
            lines[number], lines[other] = lines[other], lines[number]
        case _:
            words = _split(lines[number])
            place = int(rng.integers(0, len(words)))
            words[place] = str(rng.choice(NASTY))
            lines[number] = "".join(words)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _split(line):
    """Split into words and what lies between them, so that joining gives the line again."""
    words, word, kind = [], "", None
    for letter in line:
        is_word = letter.isalnum() or letter in ".-"
        if is_word != kind and word:
            words.append(word)
            word = ""
        word, kind = word + letter, is_word
    return [*words, word]


def make_input(seeds, number):
    """Return the files of one input; those of number n are always the same."""
    rng = np.random.default_rng(number)
    files = dict(seeds[int(rng.integers(0, len(seeds)))])
    for _ in range(int(rng.integers(1, 4))):
        name = str(rng.choice(sorted(files)))
        is_text = name.endswith((".hea", ".json", ".csv", ".xml"))
        if rng.random() < 0.02:
            del files[name]
            break
        mutate = _mutate_text if is_text and rng.random() < 0.7 else _mutate_bytes
        files[name] = mutate(files[name], rng)
    return files


def check(path):
    """Read a record; return what came out, after checking that it keeps the contract."""
    try:
        record = read_record(path)
    except ECGError as error:
        assert str(path.parent) in str(error), f"names no file: {error}"
        assert 20 < len(str(error)) < 2000, f"message of {len(str(error))} characters"
        return "refused"
    assert isinstance(record, Record)
    assert record.signal.dtype == np.float32
    assert record.signal.shape[0] == len(record.leads) == len(set(record.leads))
    assert record.signal.size
    assert not np.isinf(record.signal).any(), "infinite sample"
    assert 10 <= record.fs <= 1e6, f"fs={record.fs}"
    assert 0 <= record.annotations.get("age", 0) <= 120
    assert record.annotations.get("sex", 0) in (0, 1)
    return "noted" if record.quality else "clean"


class _Watch:
    """Notes files that are opened outside the record's folder."""

    def __init__(self):
        self.folder = None
        self.opened = []
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if event != "open" or self.folder is None or not isinstance(arguments[0], str | bytes):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if not path.startswith((self.folder, sys.prefix, sys.base_prefix, "/usr")):
            self.opened.append(path)


def run(name, n_inputs, seed, only=None, keep=None):
    """Return how many inputs ended how, and the breaches."""
    make_seeds, entry = FORMATS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # wfdb uses what pandas is about to drop
        seeds = make_seeds(np.random.default_rng(seed))
    counts = {"clean": 0, "noted": 0, "refused": 0}
    breaches, watch = [], _Watch()
    with tempfile.TemporaryDirectory() as folder:
        for files in seeds:  # libraries look around when first used
            for file, content in files.items():
                Path(folder, file).write_bytes(content)
            assert check(Path(folder, entry)) != "refused", files
        for number in range(n_inputs) if only is None else [only]:
            target = Path(folder, "in")
            target.mkdir()
            for file, content in make_input(seeds, seed + number).items():
                (target / file).write_bytes(content)
            watch.folder, watch.opened = os.path.realpath(folder), []
            signal.alarm(LIMIT_SECONDS)
            started = time.perf_counter()
            try:
                counts[check(target / entry)] += 1
                assert not watch.opened, f"opened {watch.opened}"
            except BaseException as error:  # a breach of any kind
                if isinstance(error, KeyboardInterrupt):
                    raise
                spent = time.perf_counter() - started
                breaches.append((number, f"{type(error).__name__}: {error} ({spent:.2f} s)"))
                if keep is not None:
                    shutil.copytree(target, Path(keep, f"{name}{number}"), dirs_exist_ok=True)
            finally:
                signal.alarm(0)
                watch.folder = None
            shutil.rmtree(target)
    return counts, breaches


def main():
    """Fuzz all formats; the exit code tells whether the contract held."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=500, help="for each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--only", type=int, help="the number of one input")
    parser.add_argument("--keep", type=Path, help="folder for inputs that breach the contract")
    arguments = parser.parse_args()

    def too_slow(*_):
        raise TimeoutError("took too long")

    signal.signal(signal.SIGALRM, too_slow)
    warnings.simplefilter("error")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas
        import wfdb
    assert pandas
    assert wfdb
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    n_breaches = 0
    for name in arguments.formats:
        started = time.perf_counter()
        counts, breaches = run(
            name, arguments.inputs, arguments.seed, arguments.only, arguments.keep
        )
        n_breaches += len(breaches)
        seconds = time.perf_counter() - started
        print(f"{name}: {sum(counts.values())} inputs in {seconds:.0f} s, {counts}", flush=True)
        for number, problem in breaches[:20]:
            print(f"  breach by input {number}: {problem[:500]}")
    assert "torch" not in sys.modules
    print(f"{n_breaches} breaches")
    sys.exit(n_breaches > 0)


if __name__ == "__main__":
    main()
