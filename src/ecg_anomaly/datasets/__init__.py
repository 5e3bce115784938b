"""Databases, one file each, and synthetic ECGs; all return an `ECGDataset`."""

from ._dataset import ECGDataset

__all__ = ["ECGDataset"]
