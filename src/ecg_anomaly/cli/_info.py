"""Tell of a model file."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ._arguments import model_file
from ._options import DEFAULT_MODEL


def info(
    model: Annotated[
        str, typer.Argument(help="Model file, or the name of one that comes with us.")
    ] = DEFAULT_MODEL,
) -> None:
    """Print what a model file says of itself."""
    import yaml

    from ..persistence import load, read_metadata
    from ..scoring import conformal_of, detector_of, gated_of, model_input, threshold_of

    file = model_file(model)
    loaded = load(file)
    takes, detector = model_input(loaded), detector_of(loaded)
    document = read_metadata(file)
    seconds = takes.n_samples / takes.fs
    print(f"version: {document['version']}")
    leads = ", ".join(takes.leads) or f"{takes.n_leads} lead(s) without a name"
    around = " around a heartbeat" if takes.beat_centred else ""
    print(f"takes: {leads}; {takes.fs:g} Hz; {seconds:g} s{around}")
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


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as YAML has them."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in params.items()
    }
