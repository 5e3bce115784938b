"""Read every file of a collection of real ECGs, and count what came out.

    python benchmarks/files.py DIR

DIR holds databases as folders, or folders of test files. Writes benchmarks/results/files.json.
"""

import argparse
import json
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from ecg_anomaly.datasets import load_ecg200, load_ecg5000
from ecg_anomaly.errors import ECGError
from ecg_anomaly.findings import FindingKind
from ecg_anomaly.io import find_records, read_record
from ecg_anomaly.leads import STANDARD_LEADS

RESULTS = Path(__file__).parent / "results" / "files.json"
# Why a file is refused, by what its error says.
REASONS = {
    "a file it names is missing": r"cannot be read \(No such file",
    "no ECG lead": r"holds no ECG lead",
    "only names the channels of a longer record": r"has no samples",
    "next to nothing of it was recorded": r"samples were recorded",
    "no rate, and no side-car that tells it": r"tells no sampling rate",
}
# The folder of test files, each of which gets a row of its own.
EACH = "formats"
UCR = {"ecg5000": load_ecg5000, "ecg200": load_ecg200}


def reason_of(error):
    for reason, pattern in REASONS.items():
        if re.search(pattern, str(error)):
            return reason
    return re.sub(r"\S*/", "", str(error))[:100]


def census(paths):
    """Return how many records were read clean, read with findings, and refused, and why."""
    clean, findings, refused = 0, Counter(), Counter()
    n_noted = 0
    started = time.perf_counter()
    for path in paths:
        try:
            record = read_record(path)
        except ECGError as error:
            refused[reason_of(error)] += 1
            continue
        kinds = {FindingKind(finding.kind).value for finding in record.quality}
        clean += not kinds
        n_noted += bool(kinds)
        findings.update(kinds)
    return {
        "records": len(paths),
        "clean": clean,
        "with findings": n_noted,
        "findings": dict(findings.most_common()),
        "refused": dict(refused.most_common()),
        "records_per_second": round(len(paths) / (time.perf_counter() - started)),
    }


def what_came_out(path, folder):
    """Return the row of one file."""
    row = {"file": str(path.relative_to(folder))}
    try:
        record = read_record(path)
    except ECGError as error:
        return row | {"refused": reason_of(error)}
    kinds = dict.fromkeys(FindingKind(finding.kind).value for finding in record.quality)
    return row | {
        "leads": "the 12" if set(record.leads) == set(STANDARD_LEADS) else ", ".join(record.leads),
        "others": len(record.extra),
        "fs": round(float(record.fs), 3),
        "seconds": round(float(record.duration), 3),
        "mv": [float(f"{extreme(record.signal):.3g}") for extreme in (np.nanmin, np.nanmax)],
        "findings": list(kinds),
    }


def ucr(name, folder):
    """Return what came out of a database of the UCR archive, for each of its formats."""
    rows = {}
    for suffix in sorted({path.suffix for path in folder.glob(f"{name.upper()}_T*")} - {".npy"}):
        with tempfile.TemporaryDirectory() as alone:
            for path in folder.glob(f"{name.upper()}_*{suffix}"):
                Path(alone, path.name).symlink_to(path.absolute())
            try:
                dataset = UCR[name](alone)
            except ECGError as error:
                rows[suffix] = f"refused: {re.sub(r'[^ ]*/', '', str(error))[:120]}"
                continue
            normals = int((dataset.y == 1).sum())
            rows[suffix] = f"{len(dataset)} beats, {normals} normal"
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    document = {"records": {}, "ucr": {}}
    for folder in sorted(path for path in arguments.data.iterdir() if path.is_dir()):
        if folder.name in UCR:
            document["ucr"][folder.name] = ucr(folder.name, folder)
        # one by one: segments too, which find_records leaves to the record they are part of
        paths = sorted(folder.rglob("*.hea")) + sorted(folder.rglob("*.npy"))
        if folder.name == EACH:
            exports = set(find_records([folder])) - set(paths)
            paths += sorted(exports)
            document["each"] = [what_came_out(path, folder) for path in paths]
        if paths:
            document["records"][folder.name] = census(paths)
            document["records"][folder.name]["records found"] = len(find_records([folder]))
            print(folder.name, document["records"][folder.name], flush=True)
    print(document["ucr"])
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
