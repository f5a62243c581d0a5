"""The search spaces that altune ships, as YAML files beside or inside the package."""

from __future__ import annotations

from pathlib import Path

import altune
from altune.core.errors import RequestError, did_you_mean
from altune.core.files import is_file_name


def spaces_folder() -> Path:
    """Return the folder of the shipped spaces, which is inside an installed package and beside an editable one."""
    package = Path(altune.__file__).resolve().parent
    inside = package / "search_spaces"
    return inside if inside.is_dir() else package.parent / "search_spaces"


def shipped_spaces() -> dict[str, Path]:
    """Return the files of the shipped spaces by name."""
    return {path.stem: path for path in sorted(spaces_folder().glob("*.yaml"))}


def find_space(name_or_path: str | Path) -> Path:
    """Return the file of a search space by the name of a shipped one or by path."""
    shipped = shipped_spaces()
    if isinstance(name_or_path, str) and name_or_path in shipped:
        return shipped[name_or_path]
    if is_file_name(name_or_path):
        return Path(name_or_path)
    raise RequestError(
        f"no search space {name_or_path!r}; {did_you_mean(name_or_path, shipped)}, or the path of a YAML file"
    )


def head_comment(path: Path) -> str:
    """Return the comment at the head of a file, as one line."""
    words: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        words.append(line.lstrip("#").strip())
    return " ".join(words).strip()


def summary(path: Path) -> str:
    """Return the first sentence of the comment at the head of a file."""
    return head_comment(path).split(". ")[0].rstrip(".")
