"""Train a model from its YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ._arguments import check_out
from ._options import DataOption, QuietOption


def fit(
    config: Annotated[str, typer.Option(help="Name of a shipped experiment, or a YAML file.")],
    out: Annotated[Path, typer.Option(help="Model file to write.")],
    data: DataOption = None,
    quiet: QuietOption = False,
) -> None:
    """Train a detector on normals, set its threshold on held-out normals, save both."""
    from ..experiment import fit_experiment, load_config, load_datasets
    from ..persistence import save
    from ..scoring import detector_of

    check_out(out)
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
