"""Packages with plugins, as an installation leaves them: modules, and metadata with entry points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

METHOD = """
from typing import ClassVar, Literal
from altune.knobs import QueryStrategy

class {cls}(QueryStrategy):
    "Pick any rows."
    source: ClassVar[str] = "no one"
    method: Literal["{name}"] = "{name}"
    def select(self, pool, size, rng):
        return rng.choice(pool.candidates, min(size, len(pool.candidates)), replace=False)
"""


def write_package(folder: Path, name: str, source: str, entries: Mapping[str, str] | str) -> None:
    """Write a package with one module to a folder of ``sys.path``.

    Parameters
    ----------
    folder : the folder.
    name : name of the package and of its module.
    source : the module.
    entries : targets of ``altune.methods`` by the name of the entry, or the text of ``entry_points.txt``.
    """
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / f"{name}.py").write_text(source, "utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    if not isinstance(entries, str):
        lines = [f"{entry} = {target}" for entry, target in entries.items()]
        entries = "\n".join(["[altune.methods]", *lines, ""])
    (metadata / "entry_points.txt").write_bytes(entries.encode("utf-8", "surrogateescape"))
