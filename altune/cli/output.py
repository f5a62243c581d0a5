"""Output that all commands share."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(plain: Any) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False))


def print_error(line: str) -> None:
    """Print an error as one line on standard error."""
    print(f"altune: {' '.join(line.split())}", file=sys.stderr)
