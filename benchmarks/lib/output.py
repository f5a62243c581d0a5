"""What a benchmark measured, as a file and on standard output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def give(result: dict[str, Any], out: Path, as_json: bool, show: Callable[[], None]) -> None:
    """Write a result as JSON, and print it as JSON or as tables."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2), "utf-8")
    print(json.dumps(result, indent=2)) if as_json else show()
