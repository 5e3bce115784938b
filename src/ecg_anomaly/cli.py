"""The command ``ecg-anomaly``: each of its commands calls one public function."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from .errors import ECGError

app = typer.Typer(
    help="Anomaly detection in ECGs, trained on normals. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
# Draws of patients for the interval of the AUROC.
_RESAMPLES = 1000
_TOLD = ["record_id", "source", "verdict", "problem"]
_errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of PTB-XL, or one that holds it as ptbxl/."),
]
AggregateOption = Annotated[str, typer.Option(help="Over windows: min, mean or median.")]
RateOption = Annotated[
    float | None,
    typer.Option("--fs", help="Sampling rate in Hz of .npy and .csv that do not tell it."),
]
LeadsOption = Annotated[
    str | None,
    typer.Option("--leads", help="Their leads, as in I,II,V1; else a side-car .json tells."),
]
UnitOption = Annotated[str | None, typer.Option("--unit", help="Their unit: mV, uV, nV or V.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress bars.")]


class Format(StrEnum):
    """How scores are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command()
def fit(
    config: Annotated[str, typer.Option(help="Name of a shipped experiment, or a YAML file.")],
    out: Annotated[Path, typer.Option(help="Model file to write.")],
    data: DataOption = None,
    quiet: QuietOption = False,
) -> None:
    """Train a detector on normals, set its threshold on held-out normals, save both."""
    from .experiment import fit_experiment, load_config, load_datasets
    from .persistence import save
    from .scoring import detector_of

    _check_out(out)
    experiment = load_config(config)
    training, _ = load_datasets(experiment, data)
    fitted = fit_experiment(experiment, training, verbose=0 if quiet else 1)
    save(fitted.model, out, metadata=fitted.metadata(experiment))
    rate = experiment.threshold.false_alarm_rate
    print(
        f"{out}: {type(detector_of(fitted.model)).__name__} fitted on {fitted.n_train} normals in "
        f"{fitted.seconds:.0f} s; threshold {fitted.threshold:.4g} for a false-alarm rate of "
        f"{rate:.1%}, set on {fitted.n_holdout} other normals."
    )
    if fitted.n_refused:
        print(f"The gate refused {fitted.n_refused} more normals.")
    _, low, high = fitted.expected_false_alarm_rate
    print(f"Of as many new normals like these, {low:.1%} to {high:.1%} will be flagged (95 %).")


@app.command()
def score(
    model: Annotated[Path, typer.Argument(help="Model file.")],
    records: Annotated[
        list[Path], typer.Argument(help="WFDB, .npy or .csv records, or folders of them.")
    ],
    format: Annotated[Format, typer.Option(help="How to write the scores.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; else standard output.")] = None,
    aggregate: AggregateOption = "min",
    fs: RateOption = None,
    leads: LeadsOption = None,
    unit: UnitOption = None,
    quiet: QuietOption = False,
) -> None:
    """Score records; what cannot be scored is reported, and the rest goes on."""
    from .io import find_records
    from .persistence import load, write_whole
    from .scoring import score_records

    _check_aggregate(aggregate)
    if out is not None:
        _check_out(out)
    detector = load(model)
    found = find_records(records)
    table = score_records(
        detector,
        _tracked(found, quiet),
        aggregate=aggregate,
        errors="report",
        read=_reader(fs, leads, unit),
    )
    format = Format.JSON if as_json else format
    for column in ("record_id", "source", "problem"):  # names need not be text
        table[column] = [text.encode(errors="surrogateescape").decode(errors="replace")
                         for text in table[column]]  # fmt: skip
    shown = table.drop(columns=["findings", "problem"]) if format is Format.TABLE else table
    text = _as_text(shown, format)
    if out is None:
        print(text)
    else:
        write_whole(out, f"{text}\n".encode())
    for name, source, verdict, problem in table[_TOLD].itertuples(index=False):
        if problem:
            where = "" if source and source in problem else f"{source or name}: "
            _errors.print(f"{verdict}: {where}{problem}")
    if (table["verdict"] == "not scorable").all():
        raise typer.Exit(2)


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(help="Model file.")],
    data: DataOption = None,
    folds: Annotated[
        str | None, typer.Option(help="PTB-XL folds such as 9 or 9,10; else the experiment's.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Measure a model on the test data of its experiment."""
    from .evaluation import describe
    from .experiment import check_config, evaluate_model, load_datasets
    from .persistence import load, read_metadata
    from .scoring import detector_of

    detector = load(model)
    description = read_metadata(model)["metadata"].get("experiment")
    if description is None:
        raise ECGError(f"{model}: says nothing of an experiment; it was not made by 'fit'.")
    experiment = check_config(description, model)
    if folds is not None:
        if experiment.data.dataset != "ptbxl":
            raise ECGError(f"{model}: was not trained on PTB-XL, which alone has --folds.")
        if not all(fold.strip().isdecimal() for fold in folds.split(",")):
            raise ECGError(f"--folds takes numbers such as 9 or 9,10, got {folds!r}.")
        description["data"]["test_folds"] = [int(fold) for fold in folds.split(",")]
        experiment = check_config(description, model)
    _, test = load_datasets(experiment, data)
    started = time.perf_counter()
    table, _ = evaluate_model(
        type(detector_of(detector)).__name__,
        detector,
        test,
        n_resamples=_RESAMPLES,
        progress=lambda parts: _tracked(parts, quiet),
    )
    seconds = time.perf_counter() - started
    if format is not Format.TABLE:
        print(_as_text(table.rename_axis("detector").reset_index(), format))
        return
    print(describe(test))
    _print_table(table)
    print(f"{len(test)} records scored in {seconds:.1f} s.")


@app.command()
def calibrate(
    model: Annotated[Path, typer.Argument(help="Model file.")],
    records: Annotated[
        list[Path], typer.Argument(help="Normal records of your own, or folders of them.")
    ],
    out: Annotated[Path, typer.Option(help="Model file to write.")],
    false_alarm_rate: Annotated[float, typer.Option(help="Share of new normals to flag.")] = 0.05,
    group_by: Annotated[
        list[str] | None,
        typer.Option(help="Keep the rate within groups: sex, or age:40,60,75; may be repeated."),
    ] = None,
    confidence: Annotated[
        float | None, typer.Option(help="Keep it with this probability, not just on average.")
    ] = None,
    aggregate: AggregateOption = "min",
    fs: RateOption = None,
    leads: LeadsOption = None,
    unit: UnitOption = None,
    quiet: QuietOption = False,
) -> None:
    """Set threshold and p-values anew on normals of one's own: no rate holds elsewhere."""
    from .io import find_records
    from .model_selection.groups import parse_groups
    from .persistence import load, read_metadata, save
    from .scoring import calibrate as calibrate_model

    _check_out(out)
    _check_aggregate(aggregate)
    columns, bands = parse_groups(group_by or [])
    calibrated = calibrate_model(
        load(model),
        _tracked(find_records(records), quiet),
        alpha=_rate(false_alarm_rate, "--false-alarm-rate"),
        group_by=columns or None,
        bands=bands or None,
        confidence=None if confidence is None else _rate(confidence, "--confidence"),
        aggregate=aggregate,
        read=_reader(fs, leads, unit),
        random_state=0,
    )
    n_normals = len(calibrated.calibration_[""])
    about = {
        "false_alarm_rate": false_alarm_rate,
        "confidence": confidence,
        "aggregate": aggregate,
        "n_normals": n_normals,
        "n_left_out": calibrated.n_refused_,
    }
    metadata = (read_metadata(model)["metadata"] or {}) | {"calibration": about}
    save(calibrated, out, metadata=metadata)
    print(
        f"{out}: threshold {calibrated.offset_:.4g} for a false-alarm rate of "
        f"{false_alarm_rate:.1%}, set on {n_normals} records, one a patient."
    )
    for name, threshold in calibrated.group_offsets_.items():
        print(f"{name}: {threshold:.4g}, set on {len(calibrated.calibration_[name])}.")
    for name in calibrated.merged_:
        print(f"{name}: too few for a threshold of its own.")
    if calibrated.n_refused_:
        print(f"{calibrated.n_refused_} records could not be read or scored, and are left out.")


@app.command()
def info(model: Annotated[Path, typer.Argument(help="Model file.")]) -> None:
    """Print what a model file says of itself."""
    import yaml

    from .persistence import load, read_metadata
    from .scoring import conformal_of, detector_of, gated_of, model_input, threshold_of

    loaded = load(model)
    takes, detector = model_input(loaded), detector_of(loaded)
    document = read_metadata(model)
    seconds = takes.n_samples / takes.fs
    print(f"version: {document['version']}")
    print(f"takes: {', '.join(takes.leads)}; {takes.fs:g} Hz; {seconds:g} s")
    print(f"threshold: {threshold_of(loaded):.6g}")
    about: dict[str, Any] = {"detector": {type(detector).__name__: _plain(detector.get_params())}}
    conformal = conformal_of(loaded)
    if conformal is not None and conformal.group_offsets_:
        about["thresholds of groups"] = dict(conformal.group_offsets_)
    gated = gated_of(loaded)
    if gated is not None:
        about["gate"] = gated.gate_.as_dict()
    about |= document["metadata"] or {}
    print(yaml.safe_dump(about, sort_keys=False, allow_unicode=True).rstrip())


@app.command()
def demo(
    data: Annotated[
        Path | None,
        typer.Option(envvar="ECG_ANOMALY_DATA", help="Folder with ptbxl/; else synthetic ECGs."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("demo_output"),
    quiet: QuietOption = False,
) -> None:
    """Train two detectors on normals, score ECGs they never saw, print a table, draw pictures."""
    from .demo import run_demo

    result = run_demo(data, out, verbose=0 if quiet or not sys.stderr.isatty() else 1)
    print(result.description)
    _print_table(result.table)
    print("false alarms: normals flagged that neither training nor threshold saw; 5 % was asked.")
    print("Written: " + ", ".join(str(file) for file in result.files))


def _check_out(out: Path) -> None:
    """Refuse a file that cannot be written, before anything is computed."""
    if not out.parent.is_dir():
        raise ECGError(f"{out.parent}: no such folder; make it first.")
    if out.exists() and not out.is_file():
        raise ECGError(f"{out}: is a folder, pipe or device; name a file to write.")


def _check_aggregate(aggregate: str) -> None:
    if aggregate not in ("min", "mean", "median"):
        raise ECGError(f"--aggregate must be min, mean or median, got {aggregate!r}.")


def _rate(value: float, option: str) -> float:
    if not 0 < value < 1:
        raise ECGError(f"{option} must lie between 0 and 1, got {value:g}.")
    return value


def _reader(fs: float | None, leads: str | None, unit: str | None):
    """Return how files are read that do not tell everything themselves."""
    from .io import read_record

    names = None if leads is None else leads.split(",")
    return partial(read_record, fs=fs, leads=names, unit=unit)


def _tracked(items: list, quiet: bool) -> Iterable:
    """Show a progress bar to whoever watches."""
    return track(items, "scoring", console=_errors, disable=quiet or not sys.stderr.isatty())


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as YAML has them."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in params.items()
    }


def _print_table(table) -> None:
    def number(digits):
        return lambda value: f"{value:.{digits}f}"

    formatters = {column: number(1 if column.endswith(" s") else 3) for column in table.columns}
    print(table.to_string(formatters=formatters, na_rep=""))


def _as_text(table, format: Format) -> str:
    if format is Format.CSV:
        if "findings" in table:
            table = table.assign(findings=table["findings"].map("; ".join))
        return table.to_csv(index=False).rstrip("\n")
    if format is Format.JSON:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        return json.dumps(rows, indent=1, ensure_ascii=False)
    return table.to_string(index=False, na_rep="")


def main() -> None:
    """Run the command line: wrong input is one line on standard error and exit code 2."""
    try:
        app()
    except ECGError as error:
        _errors.print("ecg-anomaly: " + " ".join(str(error).split()))
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
