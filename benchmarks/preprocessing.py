"""Measure the rates of the transformers, and the band-pass and what resamples beside scipy's.

Run as ``python benchmarks/preprocessing.py``. The competitors take turns within one run, so that
a busy machine slows all of them; the ratios compare the fastest turn of each.
"""

from __future__ import annotations

import argparse
import json
import platform
from functools import partial
from pathlib import Path

import numpy as np
import scipy
from scipy import signal as sps
from sklearn.pipeline import make_pipeline
from timing import in_turns

from ecg_anomaly.preprocessing import (
    BandpassFilter,
    CropOrPad,
    LeadImputer,
    LeadNormalizer,
    NotchFilter,
    Resampler,
)

FS, N_LEADS, N_SAMPLES = 500.0, 12, 5000
FUSED = "BandpassFilter to 100 Hz, LeadNormalizer"


def make_signals(n_records):
    rng = np.random.default_rng(0)
    t = np.arange(N_SAMPLES) / FS
    shape = (n_records, N_LEADS, 1)
    beat = (rng.uniform(0.9, 1.3, shape) * t + rng.uniform(0, 1, shape)) % 1
    spikes = np.exp(-(((beat - 0.4) / 0.015) ** 2))
    return (spikes + rng.normal(0, 0.02, spikes.shape) + 0.3).astype(np.float32)


def bandpass_rates(X, repeats):
    sos = sps.butter(3, [0.5, 40.0], "bandpass", fs=FS, output="sos")
    ours = BandpassFilter(fs=FS).fit(X)

    def per_lead():
        out = np.empty_like(X)
        for record, result in zip(X, out, strict=True):
            for lead in range(N_LEADS):
                result[lead] = sps.sosfiltfilt(sos, record[lead])
        return out

    times = in_turns(
        {
            "BandpassFilter": lambda: ours.transform(X),
            "sosfiltfilt on the batch": lambda: sps.sosfiltfilt(sos, X, axis=-1),
            "sosfiltfilt lead by lead": per_lead,
        },
        repeats,
    )
    return {name: len(X) / value for name, value in times.items()}


def chain_rates(X, repeats):
    """Return rates of band-pass, resampling to 100 Hz and scaling, and of neurokit2's filter."""
    sos = sps.butter(3, [0.5, 40.0], "bandpass", fs=FS, output="sos")
    fused = make_pipeline(BandpassFilter(fs=FS, fs_out=100.0), LeadNormalizer()).fit(X)
    apart = make_pipeline(BandpassFilter(fs=FS), Resampler(), LeadNormalizer()).fit(X)
    center, scale = (value[:, None] for value in (fused[-1].center_, fused[-1].scale_))

    def scipy_chain():
        resampled = sps.resample_poly(sps.sosfiltfilt(sos, X, axis=-1), 1, 5, axis=-1)
        return ((resampled - center) / scale).astype(np.float32)

    ways = {
        FUSED: lambda: fused.transform(X),
        "BandpassFilter, Resampler, LeadNormalizer": lambda: apart.transform(X),
        "sosfiltfilt, resample_poly, scaling": scipy_chain,
    }
    times = {name: value / len(X) for name, value in in_turns(ways, repeats).items()}
    try:
        from neurokit2 import ecg_clean
    except ImportError:
        print("neurokit2: not installed")
    else:
        part = X[:4]

        def clean():
            return [ecg_clean(lead, sampling_rate=int(FS)) for record in part for lead in record]

        times |= {"neurokit2 ecg_clean": in_turns({"": clean}, repeats)[""] / len(part)}
    return {name: 1 / value for name, value in times.items()}


def other_rates(X, repeats):
    broken = X.copy()
    broken[:, 2] = np.nan
    broken[:, 8] = np.nan
    broken[:, :, 1000:1010] = np.nan
    transformers = {
        "NotchFilter": NotchFilter(fs=FS),
        "Resampler 500 to 100 Hz": Resampler(),
        **{
            f"LeadNormalizer {method}": LeadNormalizer(method=method)
            for method in ("population", "zscore", "robust", "minmax")
        },
        "LeadImputer, nothing missing": LeadImputer(fs=FS),
        "CropOrPad to 8 s": CropOrPad(duration=8.0, fs=FS),
    }
    functions = {
        name: partial(transformer.fit(X).transform, X) for name, transformer in transformers.items()
    }
    imputer = LeadImputer(fs=FS).fit(X)
    functions["LeadImputer, 2 leads and a gap missing"] = partial(imputer.transform, broken)
    times = in_turns(functions, repeats)
    return {name: len(X) / value for name, value in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/preprocessing.json"))
    arguments = parser.parse_args()

    X = make_signals(arguments.records)
    bandpass = bandpass_rates(X, arguments.repeats)
    ours = bandpass["BandpassFilter"]
    ratios = {name: ours / rate for name, rate in bandpass.items() if name != "BandpassFilter"}
    chain = chain_rates(X, arguments.repeats)
    fused_ratios = {name: chain[FUSED] / rate for name, rate in chain.items() if name != FUSED}
    others = other_rates(X, arguments.repeats)

    print(f"{len(X)} records of {N_LEADS} x {N_SAMPLES}, float32; records per second")
    for name, rate in {**bandpass, **chain, **others}.items():
        print(f"  {name:42s} {rate:10,.0f}")
    for name, ratio in ratios.items():
        print(f"BandpassFilter is {ratio:.2f} times as fast as {name}")
    for name, ratio in fused_ratios.items():
        print(f"{FUSED} is {ratio:.2f} times as fast as {name}")

    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(
        json.dumps(
            {
                "shape": list(X.shape),
                "dtype": "float32",
                "repeats": arguments.repeats,
                "records_per_second": {**bandpass, **chain, **others},
                "bandpass_ratio": ratios,
                "fused_ratio": fused_ratios,
                "versions": {
                    "python": platform.python_version(),
                    "numpy": np.__version__,
                    "scipy": scipy.__version__,
                },
            },
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
