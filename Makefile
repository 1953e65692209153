# The one list of commands. `make` alone prints it.
.DEFAULT_GOAL := help
.PHONY: help setup run test test-postgres lint bundle screenshots forms web-screenshots bench bench-sync bench-server clean soak kills full-disks flips

# Compiled modules are kept, or every process of the suite compiles the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
PY := .venv/bin/python
DEMO_DIR ?= demo-station
HEADLESS ?=
TESTS ?=
BENCHMARKS := search icd startup screens documents save claims registers

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## Prepare .venv and, as root, the system libraries
	@$(PYTHON) packaging/prepare.py

run: setup ## Open the demo station; without a display or with HEADLESS=1, run the scripted day
	@case "$(HEADLESS)" in ""|0|no) headless=;; *) headless=1;; esac; \
	if [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ] && [ "$$(uname)" != Darwin ]; then headless=1; fi; \
	if [ -z "$$headless" ]; then exec $(PY) -m station_emr demo --data-dir "$(DEMO_DIR)"; fi; \
	day="build/demo-days/$$(date +%Y%m%d-%H%M%S)"; \
	echo "No display: running the scripted day in $$day"; \
	QT_QPA_PLATFORM=offscreen exec $(PY) -m station_emr demo --script --json --data-dir "$$day"

test: setup ## Run the whole suite (TESTS=tests/domain for a part); two work while one waits
	@QT_QPA_PLATFORM=offscreen $(PY) -m pytest -n 3 --dist loadscope $(TESTS)

test-postgres: setup ## Run everything that meets the provincial server, on PostgreSQL
	@STATION_EMR_TEST_DATABASE=postgresql QT_QPA_PLATFORM=offscreen \
		$(PY) -m pytest -n 2 --dist loadscope tests/server tests/sync/test_exchange*.py \
		tests/sync/test_identity.py tests/sync/test_courier*.py

lint: setup ## Style, types and architecture contracts
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy station_emr provincial_server packaging
	.venv/bin/lint-imports --no-logo

soak: setup ## Play ten thousand seeded stories of several PCs and the province (SEEDS=, FIRST=)
	@SIMULATOR_SEEDS=$(or $(SEEDS),10000) SIMULATOR_FIRST=$(or $(FIRST),1) SIMULATOR_STEPS=60 \
		$(PY) -m pytest -n 2 -q --timeout 900 tests/sync/test_simulator.py

kills: setup ## End a busy session 500 times at random (KILLS=, SEED=); prints the counts
	@QT_QPA_PLATFORM=offscreen $(PY) -m tests.safety.killing --kills $(or $(KILLS),500) \
		--seed $(or $(SEED),1) --workers 2

full-disks: setup ## Fill the disk 100 times at random (POINTS=); prints the counts (Linux)
	@QT_QPA_PLATFORM=offscreen $(PY) -m tests.safety.full_disks --points $(or $(POINTS),100)

flips: setup ## Turn 200 bits of a station's files over, one at a time (SAMPLES=); prints the counts
	@$(PY) -m tests.safety.flipping --samples $(or $(SAMPLES),200)

bundle: setup ## Freeze the program for this kind of machine and run its self-test
	@$(PY) packaging/freeze.py

screenshots: setup ## Write one picture of every screen to docs/screenshots
	@QT_QPA_PLATFORM=offscreen $(PY) -m station_emr --screenshots docs/screenshots

forms: setup ## Print every form from made-up data to docs/forms (needs poppler)
	@$(PY) -m station_emr forms print --png --out docs/forms

web-screenshots: setup ## Write pictures of the province's pages to docs/screenshots (needs Chromium)
	@PYTHONPATH=. $(PY) packaging/web_screenshots.py docs/screenshots

bench: setup ## Run every benchmark; each prints one JSON line
	@for name in $(BENCHMARKS); do QT_QPA_PLATFORM=offscreen $(PY) -m benchmarks.$$name || exit 1; done

bench-sync: setup ## Measure the link beside PouchDB; ends with a table (QUICK=1: small)
	@QT_QPA_PLATFORM=offscreen $(PY) -m benchmarks.sync_all

bench-server: setup ## Measure the provincial server on both databases beside sekmet-fhir (QUICK=1: small)
	@$(PY) -m benchmarks.server_ingest $(if $(QUICK),--visits 64)
	@$(PY) -m benchmarks.server_ingest --grow $(if $(QUICK),30000,1000000)
	@$(PY) -m benchmarks.server_morning $(if $(QUICK),--stations 20 --visits 20 --within 10)

clean: ## Remove what the commands above made, except .venv and the demo station
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
