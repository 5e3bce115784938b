# Two commands do everything on a machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint fuzz benchmark pretrain docs clean

demo: .venv/.core
	$(BIN)/ecg-anomaly demo

test: .venv/.test
	$(BIN)/python -m pytest -n logical --dist loadfile --max-worker-restart 0

lint: .venv/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# 100,000 damaged files of each format that is read
fuzz: .venv/.test
	$(BIN)/python tests/io/fuzz.py --inputs 100000 --keep fuzz_output

# with ECG_ANOMALY_DATA=DIR also on PTB-XL
benchmark: .venv/.benchmarks
	$(BIN)/python benchmarks/preprocessing.py
	$(BIN)/python benchmarks/io.py
	$(BIN)/python benchmarks/databases.py
	$(BIN)/python benchmarks/precision.py
	$(BIN)/python benchmarks/scoring.py
	$(BIN)/python benchmarks/store.py
	if [ -n "$$ECG_ANOMALY_DATA" ]; then \
		$(BIN)/python benchmarks/files.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/quality.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/r_peaks.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/detection/score_methods.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/leaks.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/thresholds.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/localisation.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/localisation_beats.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/robustness.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/detection/ptbxl.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/detection/shift.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python benchmarks/detection/challenges.py "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python -m benchmarks.detection.ecg5000 "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python -m benchmarks.detection.mitbih "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python -m benchmarks.detection.mitbih_intra "$$ECG_ANOMALY_DATA" && \
		$(BIN)/python -m benchmarks.detection.peers "$$ECG_ANOMALY_DATA" --minutes 20; \
	fi
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/cost_figure.py

# the models that come with the package, made anew from ECG_ANOMALY_DATA=DIR
pretrain: .venv/.core
	$(BIN)/python -m benchmarks.pretrain "$$ECG_ANOMALY_DATA"

docs: .venv/.docs
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ecg-anomaly needs Python 3.11 or newer; give it as PYTHON=...")'
	$(PYTHON) -m venv .venv

.venv/.core: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) -e .
	touch $@

.venv/.test .venv/.lint .venv/.docs: .venv/.%: .venv/.core
	$(INSTALL) -e '.[$*]'
	touch $@

# the bounds of aeon clash with constraints.txt, but what is compared runs: benchmarks/peers/libraries.py
.venv/.benchmarks: .venv/.core
	$(INSTALL) -e '.[benchmarks,onnx]'
	$(INSTALL) --no-deps aeon==1.6.0
	$(INSTALL) deprecated numba
	touch $@

clean:
	rm -rf .venv demo_output fuzz_output docs/_build docs/auto_examples
