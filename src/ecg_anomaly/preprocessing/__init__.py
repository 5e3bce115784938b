"""Transformers of ECG signals: filters, resampling, scaling, imputation, one length."""

from ._crop_or_pad import CropOrPad
from ._filters import BandpassFilter, NotchFilter
from ._imputer import LeadImputer
from ._normalizer import LeadNormalizer
from ._resampler import Resampler

#: Every transformer, for whatever is generated from the list: contract tests, docs, the loader.
TRANSFORMERS = (
    BandpassFilter,
    NotchFilter,
    Resampler,
    LeadNormalizer,
    LeadImputer,
    CropOrPad,
)

__all__ = ["TRANSFORMERS", *sorted(transformer.__name__ for transformer in TRANSFORMERS)]
