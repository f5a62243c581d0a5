PYTHON ?= .venv/bin/python

.PHONY: check format lint types test

check: format lint types test

format:
	$(PYTHON) -m ruff format .

lint:
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n auto
