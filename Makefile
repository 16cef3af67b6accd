# make results   sets up and runs the main job into results/
# make test      sets up and passes the tests
.DEFAULT_GOAL := help
# A Python of your own choice: make PYTHON=/path/to/python3. Without, setup.sh takes the best that it finds.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CORES ?= 2
# Packages elsewhere would win over the locked ones.
unexport PYTHONPATH PYTHONHOME

.PHONY: help setup remake results test slow check docs slips pythons nightly bench coverage slurm debian fuzz faults mutation verify audit schemas validation readme lock clean

help:
	@echo 'Targets:'
	@sed -n 's/^# \(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)

# Everything comes from requirements.lock, by hash; uv is fetched into the environment where the machine has none.
# Made again, too, where the checkout was moved or copied, its Python has gone, or PYTHON names another.
$(STAMP): requirements.lock pyproject.toml setup.sh $(shell PYTHON='$(PYTHON)' VENV='$(VENV)' sh setup.sh check || echo remake)
	PYTHON='$(PYTHON)' VENV='$(VENV)' sh setup.sh

remake:

results: $(STAMP)
	$(BIN)/snakemake --cores $(CORES)

test: $(STAMP)
	$(BIN)/pytest -q -n auto -m 'not slow'

# make slow      the other tests: whole workflows, the tutorial, the report in a browser, every number of the validation
slow: $(STAMP)
	$(BIN)/pytest -q -n auto -m slow

# make check     linters, formatters and the type checker
check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

# make docs      the site of docs/ and the report, into site/; strict about links; its packages come from docs/requirements.lock
SITE := .site/$(notdir $(VENV))
$(SITE)/.installed: docs/requirements.lock $(STAMP)
	rm -rf $(SITE)
	$(BIN)/uv venv --quiet --python $(BIN)/python $(SITE)
	$(BIN)/uv pip install --quiet --python $(SITE)/bin/python --require-hashes -r docs/requirements.lock || \
	  UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 $(BIN)/uv pip install --quiet --python $(SITE)/bin/python --require-hashes -r docs/requirements.lock
	touch $@

docs: results $(SITE)/.installed
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --strict --quiet
	@echo 'Open site/index.html'

# make bench     wall time and memory of the main job, fits beside PyMARE, multiverses, written to docs/benchmarks.md
bench: $(STAMP)
	$(BIN)/python benchmarks/main_job.py
	$(BIN)/python benchmarks/fits.py
	$(BIN)/python benchmarks/multiverse.py

# make fuzz      100,000 generated inputs and more; docs/robustness.md; fails when one gets no named error and no sound result
fuzz: $(STAMP)
	$(BIN)/python benchmarks/fuzz.py

# make faults    kills runs, fills disks, cuts files short, and runs again; docs/robustness.md; fails when anything is lost
faults: $(STAMP)
	$(BIN)/python benchmarks/faults.py

# make slips     does everyday slips and writes down what was said; docs/robustness.md; fails when one is taken without a word
slips: $(STAMP)
	$(BIN)/python benchmarks/slips.py

# make verify    compares every result with the hash that the run wrote down
verify: $(STAMP)
	$(BIN)/synthesis verify results

# make audit     looks the locked packages up in a database of vulnerabilities; needs the network
audit: $(STAMP)
	sh tests/audit.sh $(BIN)/uv

# make coverage  simulates the coverage of the intervals into docs/defaults.md; fails when a default is not defended
coverage: $(STAMP)
	$(BIN)/python benchmarks/coverage.py

# make mutation  changes the code and looks whether a test notices the numbers that move (--stored: many more, faster); docs/validation.md
mutation: $(STAMP)
	$(BIN)/python benchmarks/mutation.py

# make slurm     runs the example on a real Slurm of two nodes, kills one, and compares the bytes; root, slurm-wlm, munge
slurm: $(STAMP)
	tests/slurm/run.sh

# make pythons   the suite and the bytes of the main job on every other Python that is found
pythons: $(STAMP)
	tests/pythons.sh suite

# make nightly   what .ci/run leaves out for time: the suite on every Python and on both empty Debians, faults, fuzz, vulnerabilities
nightly: $(STAMP)
	tests/pythons.sh suite
	tests/debian.sh bookworm
	tests/debian.sh trixie
	$(MAKE) slurm faults fuzz slips audit

# make debian    the README's two commands on empty Debians; root, debootstrap
debian: $(STAMP)
	tests/debian.sh bookworm
	tests/debian.sh trixie

# make schemas   writes workflow/schemas/, data/raw/README.md and docs/config.md from the models
schemas: $(STAMP)
	$(BIN)/synthesis schemas .
	$(BIN)/synthesis fill-in --config config.yaml --out docs/fill-in.md

# make validation  recomputes every stored number of metafor and writes docs/validation.md
validation: $(STAMP)
	$(BIN)/python tests/validation.py

# make readme    puts the comparison figure of the last run into the README
readme: results
	cp results/figures/forest_comparison.png docs/forest_comparison.png

# make lock      resolves pyproject.toml again into requirements.lock
lock: $(STAMP)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header \
	  --extra dev pyproject.toml -o requirements.lock
	sed -n 's/^\([a-z0-9._-]*==[^ ;]*\).*/\1/p' requirements.lock > docs/.constraints
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate -c docs/.constraints docs/requirements.in -o docs/requirements.lock
	rm docs/.constraints
	$(BIN)/python docs/dependencies.py > docs/dependencies.md

clean:
	rm -rf results/[!R]* .snakemake .site/pages site
