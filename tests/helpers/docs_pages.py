"""The written pages of the documentation, and the code blocks in them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE_PAGES = sorted(DOCS.rglob("*.md"))
PAGES = [*SITE_PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"]


def name_of(page: Path) -> str:
    """Return a page's path in the repository, which names its tests."""
    return page.relative_to(ROOT).as_posix()


def code_blocks(page: Path, *languages: str) -> list[str]:
    """Return the fenced blocks of some languages; a block without one has the language ''."""
    found = re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [
        re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, language, text in found if language in languages
    ]
