"""The extension of griffe, which reads the docstrings for mkdocstrings."""

from __future__ import annotations

from typing import Any

import griffe
from docstrings import numpydoc


class Numpydoc(griffe.Extension):
    """Rewrites every docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is not None:
            returns = str(obj.returns or "") if isinstance(obj, griffe.Function) else ""
            obj.docstring.value = numpydoc(obj.docstring.value, returns)
