# Everything a person does with Tiro. `make` alone says what there is.
PYTHON ?= python3
BIN    := .venv/bin
UV     := $(BIN)/uv
CORPUS ?= $(or $(TIRO_CORPUS),../shared/corpus)
SEED   ?= 1
RUN    := admin worker weights infra
TORCH  ?= torch==2.13.0
COMPILE = $(UV) pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
FOR_IMAGE = $(UV) pip compile -q --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes \
  --no-header --no-emit-index-url pyproject.toml -c requirements/run.txt

# A recording's name may hold anything: it goes to the shell by the environment, where nothing is expanded again.
override FILE := $(value FILE)
export FILE

.DEFAULT_GOAL := help
.PHONY: help demo sandbox reset test test-fast test-openai check full format lint types imports synth openapi cli-docs formats costs quality bench simulate faults soak load rollover lock clean

help:  ## Say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/.run .venv-emulator/.done  ## Transcribe the sample, or FILE=any/recording.mp3, on this machine
	@$(BIN)/python -m sandbox demo $${FILE:+-- "$$FILE"}

sandbox: .venv/.run .venv-emulator/.done  ## Run the whole of Tiro on this machine until Ctrl-C
	@$(BIN)/python -m sandbox up

reset: .venv/.run  ## Forget what the sandbox keeps
	@$(BIN)/python -m sandbox reset

test: .venv/.dev .venv-emulator/.done  ## Run the tests, of exhaustive lists a sample
	$(BIN)/python -m pytest -m "not full"

full: check  ## The gate, and what it only samples: every channel count, container and long file
	$(BIN)/python -m pytest -m full

test-fast: .venv/.dev  ## Run the tests that need neither model nor sandbox
	$(BIN)/python -m pytest -m "not model and not corpus and not sandbox and not full"

# One thread: two that wait for each other spin, and on a machine that others use too, most of the time goes there.
test-openai: .venv-openai/.done  ## Run the tests of the engines where PyTorch is
	@OMP_NUM_THREADS=1 .venv-openai/bin/python -m pytest tests/bench tests/container/engines \
	  --ignore tests/container/engines/test_faster_whisper.py

check: format lint types imports test test-openai synth  ## The one gate

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

cli-docs: .venv/.dev  ## Write docs/cli.md anew from the command line's parser
	$(BIN)/python -m tiro.manual docs/cli.md

formats: .venv/.dev  ## Write docs/formats.md and the client's list of file extensions from the worker's formats
	$(BIN)/python -m container.accepted_formats

costs: .venv/.dev  ## What Tiro costs besides its GPU, and what each route uses; writes docs/cost.md
	@rm -f build/costs.md && mkdir -p build
	COSTS_CALLS=20 COSTS_TABLE=build/costs.md $(BIN)/python -m pytest -q tests/costs
	@cat build/costs.md
	$(BIN)/python -m tests.costs

quality: .venv/.dev  ## Hear a corpus, and hold it against the results accepted last: make quality CORPUS=dir
	$(BIN)/python -m container tests.quality "$(CORPUS)" $(if $(ACCEPT),--accept)

faults: .venv/.dev .venv-emulator/.done  ## Break everything on purpose, 220 times: make faults SEED=1
	$(BIN)/python -m tests.faults --seed $(SEED) --corpus "$(CORPUS)" --write docs

soak: .venv/.dev .venv-emulator/.done  ## An hour of mixed work through two workers, and what stays behind: make soak MINUTES=60
	$(BIN)/python -m tests.soak --seed $(SEED) --minutes $(or $(MINUTES),60) --corpus "$(CORPUS)" --write docs

load: .venv/.dev .venv-emulator/.done  ## Many callers at once in a sandbox of its own, its worker killed once: make load CALLERS=50 CLIPS=100
	$(BIN)/python -m tests.load --seed $(SEED) --callers $(or $(CALLERS),50) --clips $(or $(CLIPS),100) --corpus "$(CORPUS)"

rollover: .venv/.dev .venv-emulator/.done  ## Update from an older version with jobs under way, and back: make rollover BASE=commit
	@$(BIN)/python -m tests.rollover $(if $(BASE),--base "$(BASE)")

simulate: .venv/.dev  ## Days of load in a minute: waits and cost by scaling rule; writes docs/scaling.md
	$(BIN)/python -m tests.simulation --million --write docs

bench: .venv-openai/.done  ## Race Tiro with its peers: make bench CORPUS=dir FILES='long/*' PEERS='tiro;whisper' LAPS=3
	@.venv-openai/bin/python -m tests.bench "$(CORPUS)" --files "$(or $(FILES),*)" --peers "$(PEERS)" --laps $(or $(LAPS),1)

lock: .venv/.uv  ## Resolve every dependency anew
	$(COMPILE) requirements/uv.in -o requirements/uv.txt
	$(COMPILE) requirements/functions.in -o requirements/functions.txt
	$(COMPILE) requirements/emulator.in -o requirements/emulator.txt
	$(COMPILE) pyproject.toml requirements/uv.in -c requirements/functions.txt $(RUN:%=--extra %) -o requirements/run.txt
	$(COMPILE) pyproject.toml requirements/uv.in -c requirements/functions.txt -c requirements/run.txt \
	  $(RUN:%=--extra %) --extra functions --extra dev -o requirements/dev.txt
	$(FOR_IMAGE) --extra worker -o requirements/worker-cpu.txt
	$(FOR_IMAGE) --extra worker --extra openai -o requirements/worker-gpu.txt
	$(COMPILE) requirements/openai.in --overrides requirements/openai-without.txt -c requirements/dev.txt \
	  -o requirements/openai.txt

clean:  ## Remove everything that make made
	rm -rf .venv .venv-emulator .venv-openai .sandbox build cdk.out

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

# PyTorch stands beside .venv, not in it: a gigabyte that only a GPU and the tests of one engine need. What .venv has is seen
# from there. pip, not uv, brings it: it knows the wheels that a machine was given. For a smaller one that knows no GPU, name
# its index with PIP_INDEX_URL.
PIP_OPENAI = $(BIN)/python -m pip --python .venv-openai/bin/python install --quiet --disable-pip-version-check --no-deps
.venv-openai/.done: requirements/openai.txt .venv/.dev
	@echo "Setting up .venv-openai …"
	@$(BIN)/python -m venv --clear --without-pip .venv-openai
	@$(BIN)/python -c 'import site; print("import site; site.addsitedir(%r)" % site.getsitepackages()[0])' \
	  > $$(echo .venv-openai/lib/python*/site-packages)/beside.pth
	@$(PIP_OPENAI) "$(TORCH)"
	@$(PIP_OPENAI) --require-hashes -r requirements/openai.txt
	@touch $@
