"""Exceptions and warnings of the package.

Every error about data is an :class:`ECGError`, which is a ``ValueError`` too; its message names
the record or file, the field or lead, and the remedy.
"""


class ECGError(ValueError):
    """Base class of every error about ECG data, files and configurations."""


class SignalError(ECGError):
    """An array or record holds samples, leads or a rate that cannot be used."""


class RecordFileError(ECGError):
    """A record's files are missing, damaged or contradict themselves."""


class DatasetError(ECGError):
    """A database folder lacks files or columns, or a selection from it is empty."""


class LabelError(ECGError):
    """Labels are not +1 (normal) and -1 (anomaly)."""


class ModelFileError(ECGError):
    """A model file is damaged, of another kind, or refers to something not allowed."""


class StoreError(ECGError):
    """A packed store is missing, damaged, of another kind, or cannot be written."""


class ConfigError(ECGError):
    """An experiment's YAML has a wrong key or value."""


class ECGWarning(UserWarning):
    """Something about the data deserves attention, but a result was given."""
