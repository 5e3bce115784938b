"""Run the command line as ``python -m ecg_anomaly.cli``."""

from . import main

main()
