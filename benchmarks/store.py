"""Pack, read, fit and score many records: rates, memory, growth, and what 800,000 would take.

    python benchmarks/store.py [--records 20000] [--n-jobs 2] [--folder FOLDER]

Synthetic records of 12 leads and 5,000 samples are written as WFDB files (FOLDER needs 6 GB for
20,000), packed behind the quality gate to 100 Hz and, a quarter as many and all, as they are, and
scored by the pretrained model. Each step is a process of its own, whose peak memory is told; with
``--n-jobs`` packing has others beside it, whose largest is told too. Reading is compared with
wfdb.rdrecord in turns. Writes benchmarks/results/store.json.
"""

import argparse
import json
import multiprocessing
import platform
import resource
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from timing import in_turns

from ecg_anomaly import make_ecg

RESULTS = Path(__file__).parent / "results" / "store.json"
FS, N_LEADS, N_SAMPLES = 500, 12, 5000
DISTINCT = 200
HOSPITAL = 800_000


def write_files(folder, n_records):
    """Write records in format 16, a thousand in each folder, of 200 distinct ECGs."""
    ecgs = make_ecg(DISTINCT, fs=FS, random_state=0)
    digital = np.rint(1000 * ecgs.X).clip(-32767, 32767).astype("<i2")
    contents = [signal.T.tobytes() for signal in digital]
    leads = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    for number in range(n_records):
        part = folder / f"{number // 1000:04d}"
        part.mkdir(parents=True, exist_ok=True)
        signal, name = digital[number % DISTINCT], f"r{number:06d}"
        lines = [f"{name} {N_LEADS} {FS} {N_SAMPLES}"] + [
            f"{name}.dat 16 1000(0)/mV 16 0 {row[0]} {int(row.sum(dtype=int)) % 65536} 0 {lead}"
            for row, lead in zip(signal, leads, strict=True)
        ]
        (part / f"{name}.dat").write_bytes(contents[number % DISTINCT])
        (part / f"{name}.hea").write_text("\n".join(lines) + "\n")


def pack(files, store, n_jobs, fs=None):
    """Pack folders of files; return the number of records."""
    from ecg_anomaly import pack

    band = None if fs is None else (0.5, 40)
    return pack(files, store, fs=fs, band=band, n_jobs=n_jobs).n_records


def read(store):
    """Read a store from one end to the other."""
    from ecg_anomaly import RecordSet

    records = RecordSet.from_store(store, scorable=False)
    for batch in records.batches(64):
        assert np.isfinite(batch[0, 0, 0])
    return len(records)


def fit(store):
    """Fit one epoch on a store."""
    from ecg_anomaly import CAEDetector, RecordSet

    records = RecordSet.from_store(store)
    CAEDetector(max_epochs=1, random_state=0).fit(records)
    return len(records)


def score(store, out):
    """Score a store by the pretrained model into a file."""
    from ecg_anomaly import RecordSet, load_pretrained
    from ecg_anomaly.scoring import score_to_file

    return sum(score_to_file(load_pretrained(), RecordSet.from_store(store), out).values())


def _step(connection, function, args):
    start = time.perf_counter()
    n_records = function(*args)
    seconds = time.perf_counter() - start
    own, children = (
        resource.getrusage(who).ru_maxrss / 1e6
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    told = {"records": n_records, "seconds": seconds, "records per second": n_records / seconds}
    connection.send(told | {"peak GB": own, "peak GB of a helper": children})


def measured(name, function, *args):
    """Return what a step takes, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_step, args=(there, function, args))
    process.start()
    there.close()
    found = here.recv()
    process.join()
    print(f"{name}: {found['records per second']:,.0f} records/s, {found['peak GB']:.2f} GB, "
          f"helpers {found['peak GB of a helper']:.2f} GB", flush=True)  # fmt: skip
    return found


def beside_wfdb(files, store, n_records=200, repeats=3):
    """Return records read in a second from the store and by wfdb, in turns."""
    from ecg_anomaly import RecordSet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    records = RecordSet.from_store(store, scorable=False)[:n_records]
    paths = [str(path.with_suffix("")) for path in sorted(files.glob("0000/*.hea"))[:n_records]]
    times = in_turns(
        {
            "store": lambda: [None for _ in records.batches(64)],
            "wfdb.rdrecord": lambda: [wfdb.rdrecord(path) for path in paths],
        },
        repeats,
    )
    return {name: len(paths) / seconds for name, seconds in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp())
    files, n_jobs = folder / "files", arguments.n_jobs
    write_files(files, arguments.records)
    quarter = [files / f"{k:04d}" for k in range(max(1, arguments.records // 4000))]
    steps = {
        "pack a quarter, as it is": (pack, quarter, folder / "quarter", n_jobs),
        "pack, as it is": (pack, files, folder / "store", n_jobs),
        "pack to 100 Hz": (pack, files, folder / "store100", n_jobs, 100),
        "read": (read, folder / "store"),
        "read at 100 Hz": (read, folder / "store100"),
        "fit one epoch": (fit, folder / "store100"),
        "score a quarter": (score, folder / "quarter", folder / "quarter.csv"),
        "score": (score, folder / "store", folder / "scores.csv"),
    }
    found = {name: measured(name, *call) for name, call in steps.items()}
    rates = beside_wfdb(files, folder / "store")
    hours = {
        name: HOSPITAL / found[name]["records per second"] / 3600
        for name in ("pack, as it is", "pack to 100 Hz", "score")
    }
    growth = {
        name: found[name]["seconds"] / found[part]["seconds"]
        / (found[name]["records"] / found[part]["records"])
        for name, part in (
            ("pack, as it is", "pack a quarter, as it is"),
            ("score", "score a quarter"),
        )
    }  # fmt: skip
    document = {
        "shape": [N_LEADS, N_SAMPLES],
        "n_jobs": n_jobs,
        "steps": found,
        "read beside wfdb": rates | {"ratio": rates["store"] / rates["wfdb.rdrecord"]},
        "seconds a record, all over a quarter": growth,
        f"hours for {HOSPITAL:,}": hours,
        "platform": platform.platform(),
    }
    print(json.dumps({k: document[k] for k in list(document)[3:6]}, indent=1))
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    if arguments.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
