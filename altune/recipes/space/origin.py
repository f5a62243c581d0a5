"""How a search space was asked for, so that a run can be resumed after a space that altune ships has changed.

A study stores its space whole. The same command later asks for the same space by name, and what altune ships under that
name may have changed since. Then the origin is the same although the contents differ, and the stored space is the one
to continue with.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from altune.core.errors import FormatError
from altune.core.files import canonical_digest
from altune.recipes.space.domains import canonical
from altune.recipes.space.including import INCLUDE
from altune.recipes.space.shipped import shipped_spaces

Origin = tuple[str, ...]

FIRST_REVISIONS = {
    "cold_start": "2c3b5f2132399c791fcc8752c577ad3e",
    "full": "7cc7935c15915856d8135ab2c4f9cbeb",
    "large_pool": "a278d4e3e49ad3ea40f59ed2c6bea600",
    "many_classes": "8fdf04fc5ec4f0c3f8b0757d82de4fce",
    "neural": "7e188384470954e4de5215105dbf8494",
    "noisy_labels": "0d1db5421203eb8f8615fa024e59ce0a",
    "quick": "b49a20bca09b112ef0496bfb87948edf",
    "standard": "565012f1f301978201f2b424f7c2cc6d",
    "stopping": "950569a36005dcee0a9e233921bf81c9",
}
"""Hashes of the shipped spaces before studies stored an origin, by which an earlier study is recognised."""


def origin_of(file: str, mapping: Mapping[str, Any], included: Origin) -> Origin:
    """Return the origin of a space file: its name if altune ships it, else a hash that no shipped space affects.

    Parameters
    ----------
    file : path of the file.
    mapping : its content.
    included : origins of the spaces that it includes, which replace their names in the hash.
    """
    path = Path(file).resolve()
    if any(path == shipped.resolve() for shipped in shipped_spaces().values()):
        return (path.stem,)
    return (f"file {canonical_digest({**mapping, INCLUDE: list(included)})}",)


def stored_origin(plain: Mapping[str, Any]) -> Origin:
    """Return the origin of a space from a study without one: that of a shipped space with or without a model.

    It is empty for any other space.
    """
    name = str(plain.get("name"))
    if FIRST_REVISIONS.get(name) == content_digest(plain):
        return (name,)
    if "model" in plain and FIRST_REVISIONS.get(name) == content_digest({**plain, "model": None}):
        return name, fixed_step("model", plain["model"])
    return ()


def fixed_step(knob: str, plain: Any) -> str:
    """Return the step of an origin in which a knob, or the model, was fixed."""
    return f"{knob} is fixed at {canonical(plain)}"


def content_digest(plain: Mapping[str, Any]) -> str:
    """Return a stable hash of what a search may decide; names, revisions and fields without a value do not count."""
    skipped = ("name", "revision")
    return canonical_digest({key: value for key, value in plain.items() if key not in skipped and value is not None})


def read_revision(value: Any) -> int:
    """Return the revision of a space.

    Raises
    ------
    FormatError
        If it is not an integer of 1 or more.
    """
    if type(value) is not int or value < 1:
        raise FormatError(f"{value!r} is not a revision; write 1, 2, 3, …", path="revision", value=value)
    return value
