"""What every command prints."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(plain: Any) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False))


def print_error(line: str) -> None:
    """Print one line about what went wrong, on standard error."""
    print(f"altune: {' '.join(line.split())}", file=sys.stderr)
