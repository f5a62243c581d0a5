"""Output that all commands share."""

from __future__ import annotations

import json
import sys
from typing import Any

from altune.core.standard_streams import print_remark
from altune.core.text import printable


def print_json(plain: Any) -> None:
    """Print one JSON object on standard output."""
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(plain, indent=2, allow_nan=False)
    print(text)


def print_error(line: str) -> None:
    """Print an error as one line on standard error."""
    print_remark(f"altune: {printable(' '.join(line.split()))}")
