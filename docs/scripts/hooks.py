"""Hooks of the site's build: add the generated pages."""

from __future__ import annotations

from typing import Any

from generate import PAGES
from mkdocs.structure.files import File, Files


def on_files(files: Files, *, config: Any) -> Files:
    """Add the generated pages to the site."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    return files
