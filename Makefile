# Two commands on a fresh machine: `make train` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TASK ?= FetchReach
# More options for the command, such as ARGS="--new --seed 3".
ARGS ?=

BENCHES := sim topics overlap bags replay learner family inference arms train robot realtime view faults

# FetchReach moves no block.
DEPLOYED := $(if $(filter file,$(origin TASK)),FetchPush,$(TASK))

.PHONY: help train deploy test check format docs clean bench $(BENCHES:%=bench-%)

help:
	@echo 'make train [TASK=FetchReach] [ARGS="--new --seed 3"]   set up and train a task'
	@echo 'make deploy [TASK=FetchPush] [ARGS=…]   set up and run a shipped policy on a simulated robot'
	@echo 'make test    set up and run the tests'
	@echo 'make check   format, lint and types, without changing anything'
	@echo 'make format  format and mend what can be mended'
	@echo 'make docs    build the documentation into build/docs, and check its links'
	@echo 'make bench   measure all but the slowest, in minutes; one: make bench-NAME [ARGS=…], NAME of'
	@echo '             $(BENCHES); see bench/README.md'
	@echo 'make clean   remove the virtual environment; runs stay'

train: $(VENV)/ready
	@$(BIN)/her-ros train --task $(TASK) $(ARGS)

deploy: $(VENV)/ready
	@$(BIN)/her-ros deploy --task $(DEPLOYED) $(ARGS)

test: $(VENV)/ready-dev
# What starts no nodes runs on all cores. Nodes mostly wait, so two files run at a time; those that
# keep time have the machine to themselves.
	$(if $(ARGS),$(BIN)/python -m pytest $(ARGS),\
	  $(BIN)/python -m pytest -n auto -m 'not nodes and not slow' && \
	  $(BIN)/python -m pytest -n 2 --dist loadfile -m 'nodes and not real_time' && \
	  $(BIN)/python -m pytest -m 'nodes and real_time')

check: $(VENV)/ready-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/ready-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	$(BIN)/python docs/_extensions/links.py build/docs

bench: $(VENV)/ready-bench
	@for name in $(filter-out family train robot realtime view faults,$(BENCHES)); do $(BIN)/python bench/$$name.py || exit; done

$(BENCHES:%=bench-%): bench-%: $(VENV)/ready-bench
	@$(BIN)/python bench/$*.py $(ARGS)

clean:
	rm -rf $(VENV)

# The rclpy wheels exist for these two versions of Python.
$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	  || { echo 'her_ros needs Python 3.11 or 3.12; name one: make PYTHON=python3.12 …'; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/ready: requirements.txt setup.py | $(VENV)/python
	@echo 'Setting up $(VENV) once: the real rclpy, torch, mujoco, onnxruntime and what they need,'
	@echo 'from PyPI, pinned in requirements.txt. With a CPU build of torch that is about 0.5 GB to'
	@echo 'download and 1.7 GB on disk; PyPI gives the CUDA build on Linux, 3 GB more to download.'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check setuptools==84.2.1
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --no-build-isolation --editable .
	@touch $@

$(VENV)/ready-dev: requirements-dev.txt requirements-minari.txt requirements-video.txt requirements-view.txt requirements-bench.txt $(VENV)/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/ready-docs: requirements-docs.txt $(VENV)/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

$(VENV)/ready-bench: requirements-bench.txt $(VENV)/ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@
