# `make demo` and `make test` are all that a fresh machine with Python 3.11 needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
# setuptools warns about every editable installation; nothing is wrong then.
PIP := PYTHONWARNINGS=ignore $(BIN)/pip
SOURCES := fcn_core pipelines tests benchmarks setup.py

.PHONY: help demo test test-slow test-faults test-flink models bench-gpu lint format clean

help:
	@echo "make demo         score sample photos, write demo-out/ with a page to open"
	@echo "make test         the fast test suite"
	@echo "make test-slow    the tests that take minutes"
	@echo "make test-faults  kills, errors, races, damage and power losses, by the thousand"
	@echo "make test-flink   jobs on a Flink cluster that is started here, and its kills"
	@echo "make models       the built-in models again, from public files (WEIGHTS, VOC)"
	@echo "make bench-gpu    images a second on this machine's GPU (PHOTOS, a folder)"
	@echo "make lint         formatting, lint, types, architecture"
	@echo "make format       put the code into its format"

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip

$(VENV)/.demo: $(BIN)/pip constraints.txt setup.py
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo]'
	$(BIN)/pip check
	@touch $@

$(VENV)/.dev: $(BIN)/pip constraints.txt setup.py
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo,dev,gcp,int8,stats]'
	$(BIN)/pip check
	@touch $@

demo: $(VENV)/.demo
	$(BIN)/fcn demo --output demo-out

# A file's tests share what they set up, so files are what processes divide.
test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
	  --no-loadscope-reorder

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

# As root it also loses the power of a real disk; two commands run side by side.
test-faults: $(VENV)/.dev
	$(BIN)/python -m pytest -m faults tests/faults

# Needs Java and Maven, which fetches Flink's jars once into ~/.cache/fcn-flink.
test-flink: $(VENV)/.dev
	$(BIN)/python -m pytest -m flink --capture=no --verbose tests/flink

# Hours. WEIGHTS: a folder of the public files; VOC: a VOCdevkit/VOC2012 of the pairs.
models: $(VENV)/.dev
	$(BIN)/python -m benchmarks.rebuild_models --weights '$(WEIGHTS)' --voc '$(VOC)' \
	  --output models-out

# No environment is made: the Python that sees the GPU has JAX or TensorFlow, and Keras.
bench-gpu:
	$(PYTHON) -m benchmarks.gpu --json gpu.json $(if $(PHOTOS),--photos '$(PHOTOS)') \
	  $(GPU_FLAGS)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_architecture.py tests/test_sizes.py

format: $(VENV)/.dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

clean:
	rm -rf build dist *.egg-info demo-out models-out .pytest_cache .mypy_cache .ruff_cache
