"""Simple detectors: what must stand beside every network in every table."""

from ._age import AgeDetector
from ._axes import PrincipalAxes
from ._distances import DistanceDetector, NearestNormals, ResidualDetector
from ._features import SignalFeatures
from ._heart_rate import HeartRate
from ._make import BASELINES, make_baseline
from ._median_beat import MedianBeat
from ._random_kernels import RandomKernels
from ._simple import Flattened, OutOfBandEnergy

#: Extractors of features from signals.
FEATURES = (Flattened, HeartRate, MedianBeat, OutOfBandEnergy, RandomKernels)
#: Detectors on tables of features.
TABLE_DETECTORS = (DistanceDetector, NearestNormals, ResidualDetector)

__all__ = [
    "BASELINES",
    "FEATURES",
    "TABLE_DETECTORS",
    "AgeDetector",
    "DistanceDetector",
    "Flattened",
    "HeartRate",
    "MedianBeat",
    "NearestNormals",
    "OutOfBandEnergy",
    "PrincipalAxes",
    "RandomKernels",
    "ResidualDetector",
    "SignalFeatures",
    "make_baseline",
]
