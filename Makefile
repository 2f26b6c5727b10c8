# Everything a person does with Tiro. `make` alone says what there is.
PYTHON ?= python3
BIN    := .venv/bin
UV     := $(BIN)/uv
CORPUS ?= ../shared/corpus
SEED   ?= 1
RUN    := admin worker weights infra
COMPILE = $(UV) pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

# A recording's name may hold anything: it goes to the shell by the environment, where nothing is expanded again.
override FILE := $(value FILE)
export FILE

.DEFAULT_GOAL := help
.PHONY: faults help demo sandbox reset test test-fast check format lint types imports synth openapi quality lock clean

help:  ## Say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/.run .venv-emulator/.done  ## Transcribe the sample, or FILE=any/recording.mp3, on this machine
	@$(BIN)/python -m sandbox demo $${FILE:+-- "$$FILE"}

sandbox: .venv/.run .venv-emulator/.done  ## Run the whole of Tiro on this machine until Ctrl-C
	@$(BIN)/python -m sandbox up

reset: .venv/.run  ## Forget what the sandbox keeps
	@$(BIN)/python -m sandbox reset

test: .venv/.dev .venv-emulator/.done  ## Run every test
	$(BIN)/python -m pytest

test-fast: .venv/.dev  ## Run the tests that need neither model nor sandbox
	$(BIN)/python -m pytest -m "not model and not corpus and not sandbox"

check: format lint types imports test synth  ## The one gate

format: .venv/.dev
	$(BIN)/ruff format --check .

lint: .venv/.dev
	$(BIN)/ruff check .

types: .venv/.dev
	$(BIN)/mypy

imports: .venv/.dev
	$(BIN)/lint-imports

synth: .venv/.run  ## Write the prod stage's cloud assembly to cdk.out
	$(BIN)/python -m infra --stage prod --output cdk.out

openapi: .venv/.dev  ## Write docs/openapi.json anew from the routes
	$(BIN)/python -m functions.api.openapi docs/openapi.json

quality: .venv/.dev  ## Hear a corpus, and hold it against the last release: make quality CORPUS=dir
	$(BIN)/python -m tests.quality "$(CORPUS)" $(if $(ACCEPT),--accept)

faults: .venv/.dev .venv-emulator/.done  ## Break everything on purpose, 220 times: make faults SEED=1
	$(BIN)/python -m tests.faults --seed $(SEED) --corpus "$(CORPUS)" --write docs

lock: .venv/.uv  ## Resolve every dependency anew
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) requirements/functions.in -o requirements/functions.txt
	$(COMPILE) requirements/emulator.in -o requirements/emulator.txt
	$(COMPILE) pyproject.toml requirements/uv.in -c requirements/functions.txt $(RUN:%=--extra %) -o requirements/run.txt
	$(COMPILE) pyproject.toml requirements/uv.in -c requirements/functions.txt -c requirements/run.txt \
	  $(RUN:%=--extra %) --extra functions --extra dev -o requirements/dev.txt

clean:  ## Remove everything that make made
	rm -rf .venv .venv-emulator .sandbox build cdk.out

# The set-up. Each stamp is remade when its lock file is newer; uv makes that seconds.
.venv/.uv: requirements/uv.txt
	@echo "Setting up .venv …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tiro needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

.venv/.run: requirements/run.txt .venv/.uv
	@$(UV) pip install --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@$(UV) pip install --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

.venv-emulator/.done: requirements/emulator.txt .venv/.uv
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv-emulator
	@$(UV) pip install --python .venv-emulator/bin/python --require-hashes -r requirements/emulator.txt
	@touch $@
