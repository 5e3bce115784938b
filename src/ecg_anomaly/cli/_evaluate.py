"""Measure a model, or compare detectors."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ..errors import ECGError
from ._options import DataOption, Format, QuietOption
from ._output import ERRORS, as_text, print_table, tracked

# Draws of patients for the interval of the AUROC.
_RESAMPLES = 1000


def evaluate(
    model: Annotated[
        Path | None, typer.Argument(help="Model file, to be measured on its test data.")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(help="Instead: a comparison of detectors, by name (ptbxl) or YAML file."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for a comparison: tables, page, and what is done already.")
    ] = Path("evaluation"),
    data: DataOption = None,
    folds: Annotated[
        str | None, typer.Option(help="PTB-XL folds such as 9 or 9,10; else the experiment's.")
    ] = None,
    n_jobs: Annotated[int, typer.Option(help="Detectors fitted at a time.")] = 1,
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Measure a model on the test data of its experiment, or compare detectors.

    A comparison goes on where it was broken off, if --out is the same.
    """
    if (model is None) == (config is None):
        raise ECGError("give either a model file or --config.")
    if config is not None:
        if folds is not None:
            raise ECGError("--folds is for a model file; the YAML of a comparison names its folds.")
        _compare(config, out, data, n_jobs, format, quiet)
    elif model is not None:
        _measure(model, data, folds, format, quiet)


def _measure(
    model: Path, data: Path | None, folds: str | None, format: Format, quiet: bool
) -> None:
    from ..evaluation import describe
    from ..experiment import check_config, evaluate_model, load_datasets
    from ..persistence import load, read_metadata
    from ..scoring import detector_of

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
        progress=lambda parts: tracked(parts, quiet),
    )
    seconds = time.perf_counter() - started
    if format is not Format.TABLE:
        print(as_text(table.rename_axis("detector").reset_index(), format))
        return
    print(describe(test))
    print_table(table)
    print(f"{len(test)} records scored in {seconds:.1f} s.")


def _compare(
    config: str, out: Path, data: Path | None, n_jobs: int, format: Format, quiet: bool
) -> None:
    from ..comparison import load_comparison, run_comparison

    if n_jobs < 1:
        raise ECGError(f"--n-jobs must be 1 or more, got {n_jobs}.")
    comparison = load_comparison(config)
    started, of_this_run = time.perf_counter(), 0

    def tell(cell, n_done: int, n_all: int) -> None:
        nonlocal of_this_run
        of_this_run += 1
        if quiet:
            return
        left = (time.perf_counter() - started) / of_this_run * (n_all - n_done)
        seed = "" if cell.seed is None else f", seed {cell.seed}"
        seconds = cell.fit_seconds + cell.score_seconds
        ERRORS.print(
            f"{n_done} of {n_all}: {cell.detector}{seed}, {seconds:.0f} s; about "
            f"{left / 60:.0f} min left"
        )

    result = run_comparison(comparison, data, out, n_jobs=n_jobs, progress=tell)
    table = result.to_frame()
    if format is not Format.TABLE:
        print(as_text(table.rename_axis("detector").reset_index(), format))
        return
    print(result.test_description)
    print_table(table)
    print(f"Written: {out / 'report.html'}, results.csv, seeds.csv, results.json.")
