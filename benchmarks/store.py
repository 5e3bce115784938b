"""Rates, memory and growth of the packed store, on synthetic records of 12 x 5,000 at 500 Hz.

    python benchmarks/store.py [--records 20000] [--n-jobs 2] [--folder DIR]

Files are written, packed behind the quality gate as they are, a quarter of them and all, and to
100 Hz; then read, fitted on, and scored by the pretrained model. Each step is a process of its
own, whose peak memory is told with that of its largest helper. Another store of very short records
has as many as a hospital: it tells what opening costs. Reading is compared with wfdb.rdrecord in
turns. FOLDER needs 8 GB. Writes benchmarks/results/store.json.
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
from joblib.externals.loky import get_reusable_executor
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
    from ecg_anomaly import RecordSet, VAEBiLSTMDetector

    records = RecordSet.from_store(store)
    VAEBiLSTMDetector("latent_beat", max_epochs=1, random_state=0).fit(records)
    return len(records)


def score(store, out, n_jobs):
    """Score a store by the pretrained model into a file."""
    from ecg_anomaly import RecordSet, load_pretrained
    from ecg_anomaly.scoring import score_to_file

    records = RecordSet.from_store(store)
    return sum(score_to_file(load_pretrained(), records, out, n_jobs=n_jobs).values())


def write_index(store, n_records):
    """Write a store of records of ten samples, with the annotations that a hospital has."""
    from ecg_anomaly.records import Record
    from ecg_anomaly.records._store import StoreWriter

    signals = make_ecg(50, duration=1, random_state=0).X[:, :, :10]
    with StoreWriter(store, {"made by": "benchmarks/store.py"}) as writer:
        for number in range(n_records):
            name, patient = f"s{number:08d}", f"p{number // 5:08d}"
            known = {"age": 20.0 + number % 70, "sex": ("female", "male")[number % 2]}
            record = Record(
                signals[number % 50], record_id=name, patient_id=patient, annotations=known
            )
            writer.add(f"/files/{patient}/{name}/{name}.hea", record)
    return n_records


def open_store(store):
    """Open a store."""
    from ecg_anomaly import RecordSet

    return len(RecordSet.from_store(store, scorable=False))


def _step(connection, function, args):
    start = time.perf_counter()
    n_records = function(*args)
    seconds = time.perf_counter() - start
    get_reusable_executor().shutdown(wait=True)  # else its memory is not known yet
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
        "score a quarter": (score, folder / "quarter", folder / "quarter.csv", n_jobs),
        "score": (score, folder / "store", folder / "scores.csv", n_jobs),
        "write an index": (write_index, folder / "index", HOSPITAL),
        "open": (open_store, folder / "index"),
    }
    found = {name: measured(name, *call) for name, call in steps.items()}
    rates = beside_wfdb(files, folder / "store")
    minutes = {
        name: HOSPITAL / found[name]["records per second"] / 60
        for name in ("pack, as it is", "pack to 100 Hz", "score")
    }
    minutes["pack and score"] = minutes["pack, as it is"] + minutes["score"]
    # of all processes together; what more records add is what their index takes
    grown = found["open"]["peak GB"] - found["read"]["peak GB"]
    memory = {
        name: found[name]["peak GB"] + n_jobs * found[name]["peak GB of a helper"] + grown
        for name in ("pack, as it is", "score")
    } | {"fit one epoch": found["fit one epoch"]["peak GB"] + grown}
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
        f"minutes for {HOSPITAL:,}": minutes,
        f"GB for {HOSPITAL:,}": memory,
        "platform": platform.platform(),
    }
    print(json.dumps({k: document[k] for k in list(document)[3:7]}, indent=1))
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    if arguments.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
