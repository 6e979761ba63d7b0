# One command per verb, the same on a desk and in CI. `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes
STAMP := $(VENV)/.camsla

.PHONY: setup demo test check bench walks screenshots properties mutations soak clean

# Quiet: pip's notes about unused local indexes help nobody here; errors still show.
$(STAMP)-run: requirements/run.txt requirements/build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "camsla needs Python 3.11 or newer: PYTHON=python3.11 make ...")'
	@echo "安装运行依赖 installing what camsla runs on (about half a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements/build.txt 
	@$(PIP) -r requirements/run.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP)-dev: $(STAMP)-run requirements/dev.txt
	@echo "安装测试依赖 installing what the tests need ..."
	@$(PIP) -r requirements/dev.txt
	@touch $@

setup: $(STAMP)-dev

demo: $(STAMP)-run
	@$(BIN)/python -m simulators.demo

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

# Tests start Python some thousand times: what is compiled is kept, whatever the surroundings say.
test: export PYTHONDONTWRITEBYTECODE :=
test: check
	@$(BIN)/python -m pytest tests/unit tests/properties tests/golden tests/architecture tests/bad_config -n 2
	@$(BIN)/python -m pytest tests/stores tests/acceptance -n 3 --dist loadfile --no-loadscope-reorder -rs

bench: setup
	@$(BIN)/python -m tests.bench

# Days at the console in Chromium over a whole city, from the first prepayment to the evaluator's verified pack.
walks: setup
	@CAMSLA_WALK_POINTS=11045 $(BIN)/python -m pytest tests/acceptance/test_console_walks.py --durations=0 -rs

# Every page, on a desk in light and dark and on a phone, into build/screenshots/index.html.
screenshots: setup
	@$(BIN)/python -m tests.screenshots

# A hundred thousand quarters against the oracle, in ten lots of their own seeds (one long run slows down with all it remembers), and
# thousands for each other property.
SETTLEMENT := tests/properties/test_settlement_full_properties.py tests/properties/test_settlement_properties.py
properties: setup
	@seq 1 10 | CAMSLA_EXAMPLES=10000 xargs -P 2 -I SEED $(BIN)/python -m pytest $(SETTLEMENT) -k "agrees_with_the_oracle" \
		-p no:xdist --hypothesis-seed SEED --timeout 28800
	@CAMSLA_EXAMPLES=2000 $(BIN)/python -m pytest $(SETTLEMENT) tests/properties/test_left_over_properties.py \
		tests/properties/test_money_properties.py tests/unit/settlement/families/test_family_properties.py \
		-k "not agrees_with_the_oracle" -n 2 --timeout 28800
	@CAMSLA_EXAMPLES=2000 $(BIN)/python -m pytest tests/properties/test_timeline_properties.py tests/properties/test_archive_properties.py \
		tests/properties/test_evidence_properties.py tests/properties/test_notice_properties.py -n 2 --timeout 28800

# A hundred thousand mutations of packs, by an outsider and by an operator who signs again: none may be believed.
mutations: setup
	@CAMSLA_MUTATIONS=100000 $(BIN)/python -m pytest tests/unit/evidence/test_verifier_mutations.py -n 2 --timeout 28800
	@CAMSLA_OPINIONS=100 $(BIN)/python -m pytest tests/unit/console/test_evidence_opinions.py -n 2 --timeout 28800

soak: setup
	@CAMSLA_FUZZ=1000000 $(BIN)/python -m pytest tests/unit/probes/test_probe_fuzz.py tests/unit/probes/test_onvif_fuzz.py tests/unit/probes/test_rtsp_wire.py -k "fuzz or mutated" -n 2
	@CAMSLA_KILLS=500 $(BIN)/python -m pytest tests/acceptance/test_watch_kill.py
	@CAMSLA_CUTS=1000 $(BIN)/python -m pytest tests/acceptance/test_power_cut.py
	@CAMSLA_STOPS=100 CAMSLA_STOP_S=120 $(BIN)/python -m pytest tests/acceptance/test_watcher_is_honest.py
	@CAMSLA_CITY=5000,650,10 $(BIN)/python -m pytest tests/acceptance/test_city_against_truth.py -s
	@CAMSLA_FILLS=100 $(BIN)/python -m pytest tests/acceptance/test_full_disk.py -n 2 -rs

clean:
	rm -rf $(VENV) camsla-data demo-data
