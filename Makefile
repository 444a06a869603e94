# Two commands do all the set-up: `make book` builds the site, `make test` passes the tests.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help book serve downloads lint check test notebooks portable bench catalogues format requirements clean

help:             ## list these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $(READY)

book: $(READY)    ## build the site of all four languages
	$(BIN)/jupyter-book build -W --keep-going .
	@echo "The site lies in _build/html. To read it: make serve, then open http://localhost:8000"

serve: book       ## build the site and serve it on localhost:8000
	$(BIN)/python -m http.server --bind localhost --directory _build/html 8000

downloads: book   ## build the site, and each language's notebooks as an archive, EPUB and PDF
	$(BIN)/python -m tools.make.downloads

lint: $(READY)    ## check the Python code's style, which make format mends, and its types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint       ## run the package's tests alone: no site, no Chromium, no Java
	$(BIN)/python -m pytest lossbook tests/package

test: lint downloads ## run every test: package, notebooks, prose, site, downloads
	$(BIN)/python -m pytest

notebooks: $(READY) ## bring translated code in line with English, run all notebooks, store outputs
	$(BIN)/python -m tools.make.notebooks

portable: $(READY) ## run all notebooks as other processors would, and name what differs
	$(BIN)/python -m tools.measure.portable

bench: $(READY)   ## time the losses beside torch's and others', keep the table that the page on cost shows; time the notebooks' tests
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	$(BIN)/python -m tools.measure.bench
	$(BIN)/python -m tools.measure.bench --others --sizes medium
	$(BIN)/python -m tools.measure.times
	GLIBC_TUNABLES=glibc.malloc.mmap_threshold=8589934592:glibc.malloc.trim_threshold=17179869184 $(BIN)/python -m tools.measure.bench
	$(BIN)/python -m tools.measure.bench_notebooks

catalogues: $(READY) ## collect the package's texts and compile its gettext catalogues
	$(BIN)/python -m tools.make.catalogues

format: $(READY)  ## lint and format the Python code, notebooks too
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements:     ## pin every package anew from the ranges in pyproject.toml
	uv pip compile --universal --python-version 3.11 --extra test --upgrade --upgrade-package torch==2.13.0 \
	    --custom-compile-command "make requirements" --output-file requirements.txt pyproject.toml

clean:            ## remove the built site
	rm -rf _build
