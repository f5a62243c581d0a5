PYTHON ?= .venv/bin/python
SITE ?= site

.PHONY: check format lint types test docs

check: format lint types test

format:
	$(PYTHON) -m ruff format .

lint:
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n auto

docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet -d $(SITE)
	ALTUNE_SITE=$(SITE) $(PYTHON) -m pytest tests/docs/test_site.py
