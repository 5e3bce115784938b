"""Set threshold and p-values anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ._arguments import check_aggregate, check_out, model_file, rate, reader
from ._options import (
    DEFAULT_MODEL,
    AggregateOption,
    LeadsOption,
    ModelOption,
    QuietOption,
    RateOption,
    UnitOption,
)
from ._output import tracked


def calibrate(
    records: Annotated[
        list[Path],
        typer.Argument(help="Normal records of your own, folders and zip archives of them."),
    ],
    out: Annotated[Path, typer.Option(help="Model file to write.")],
    model: ModelOption = DEFAULT_MODEL,
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
    from ..io import unzipped
    from ..model_selection.groups import parse_groups
    from ..persistence import load, read_metadata, save
    from ..scoring import calibrate as calibrate_model

    check_out(out)
    check_aggregate(aggregate)
    file = model_file(model)
    columns, bands = parse_groups(group_by or [])
    with unzipped(records, reader(fs, leads, unit)) as (files, read):
        calibrated = calibrate_model(
            load(file),
            tracked(files, quiet),
            alpha=rate(false_alarm_rate, "--false-alarm-rate"),
            group_by=columns or None,
            bands=bands or None,
            confidence=None if confidence is None else rate(confidence, "--confidence"),
            aggregate=aggregate,
            read=read,
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
    metadata = (read_metadata(file)["metadata"] or {}) | {"calibration": about}
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
