PYTHON ?= .venv/bin/python
SITE ?= site

QUICK = not slow and not browser and not postgres and not notebooks

.PHONY: check format lint types quick test docs

check: lint types quick

format:
	$(PYTHON) -m ruff format .

lint:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

quick:
	$(PYTHON) -m pytest -n auto -m "$(QUICK)"

test:
	$(PYTHON) -m pytest -n auto

docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet -d $(SITE)
	ALTUNE_SITE=$(SITE) $(PYTHON) -m pytest tests/docs/test_site.py
