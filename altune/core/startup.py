"""A faster start of the processes of altune: its command line and its workers."""

from __future__ import annotations

import importlib
import sys


def import_sklearn() -> None:
    """Import scikit-learn without pandas, which takes a quarter of the time of the import and is not needed.

    This has no effect if either of them was imported already. Code that imports pandas later gets it as usual.
    """
    if "sklearn" in sys.modules or "pandas" in sys.modules:
        return
    # With None in sys.modules an import fails as if the package were not installed, and scikit-learn does without.
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("sklearn.utils.fixes")
    finally:
        del sys.modules["pandas"]
