"""The files of what was learned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from altune.core.files import write_text
from altune.core.system_errors import system_errors


def left_out_name(family: str) -> str:
    """Return the name of the table that was trained without a family.

    >>> left_out_name("page blocks")
    'without_page_blocks'
    """
    return f"without_{re.sub(r'[^A-Za-z0-9_.-]', '_', family)}"


def write_left_out(folder: Path, texts: Mapping[str, str], suffix: str) -> None:
    """Write the tables without one family each.

    Parameters
    ----------
    folder : the folder, which is made.
    texts : the text of each file, by family.
    suffix : suffix of the files.
    """
    with system_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for family, text in texts.items():
        write_text(folder / f"{left_out_name(family)}{suffix}", text)
