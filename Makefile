# `make` alone lists what there is. Each target sees to .venv first (setup.sh); when nothing
# changed, that takes a moment and no network.

PYTHON ?= python3
export PYTHON
bin := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup azurite demo test check lint format lock bench fuzz kills coverage accuracy docs approve samples clean

help: ## List the targets
	@echo 'Usage: make <target>, or make PYTHON=python3.13 <target> for another Python'
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Not in the list: nobody has to type them.
setup:
	@sh setup.sh

azurite: setup
	@sh setup.sh tests

demo: setup ## From the sample logs to out/demo/rca.pdf (also rca.html and rca.json)
	$(bin)/gateway-rca demo --output out/demo/rca.pdf

test: check ## What CI runs: every check, the tests last

# pytest stands last, so that its closing line is the last one printed.
# Each of the two begins at an end of its own and takes from the other when it is done, so that most
# of what a module's tests share is made once.
check: lint azurite ## Format, lint, types, floors and SQL, then the tests
	$(bin)/python -m pytest -n 3 --dist worksteal

lint: setup ## All checks that need no run
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/sqlfluff lint queries

format: setup ## Rewrite Python and SQL the way the checks want it
	$(bin)/ruff check --fix .
	$(bin)/ruff format .
	$(bin)/sqlfluff fix queries

lock: ## Write requirements.lock from pyproject.toml
	@sh setup.sh lock

bench: azurite ## Measure how fast logs land and ports are told, small
	$(bin)/python -m benchmarks.landing --rivals
	$(bin)/python -m benchmarks.blobs --numbers 100 500 --megabytes 20 --azure-blobs 200 --rounds 1
	$(bin)/python -m benchmarks.formats --megabytes 10 --rounds 1
	$(bin)/python -m benchmarks.ports --rows 2e6 --rounds 1
	$(bin)/python -m benchmarks.capacity --weeks 2 --calls 1e5

fuzz: setup ## Feed parsers and landing whatever breaks them, for some minutes
	$(bin)/python -m tests.fuzz.formats --seconds 60
	EXAMPLES=100 $(bin)/python -m pytest -W ignore::hypothesis.errors.HypothesisWarning \
		tests/test_land.py tests/test_land_growth.py tests/test_flow_ports.py tests/test_port_history.py \
		-k "any_bytes or as_they_grow_equal_the_blobs or peaks_of_every_minute or in_two_parts or sweep"

kills: azurite ## Kill landings and jobs, run two at once, for some minutes: nothing lost, nothing doubled
	$(bin)/python -m tests.kill_loop --rounds 20 --where local
	$(bin)/python -m tests.kill_loop --rounds 20 --where azurite
	$(bin)/python -m tests.job_kills --rounds 12
	$(bin)/python -m tests.job_hours

coverage: setup ## Hold port bounds against the simulation's truth
	$(bin)/python -m tests.port_coverage --seeds 1 2 3

accuracy: setup ## Diagnose simulated incidents, and write how often it was right
	$(bin)/python -m tests.accuracy --jobs 2

docs: setup ## Write the pages and the schema that are made from code
	$(bin)/python docs/generate.py

approve: setup ## Take the report's sections as they read now for approved
	APPROVE=1 $(bin)/python -m pytest tests/test_report.py tests/test_capacity_report.py -k approved

samples: setup ## Write the synthetic sample again
	$(bin)/python -m tests.simulation snat_burst --seed 1 --gzip \
		--output data/samples/synthetic/snat_burst

# Of out/ only the demo goes: the rest may be somebody's report.
clean: ## Remove .venv, .uv, caches and the demo's output
	rm -rf .venv .uv .azurite .functions out/demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
