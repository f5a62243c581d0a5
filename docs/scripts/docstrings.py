"""Read altune's docstrings, which are numpydoc with Sphinx roles, as the Markdown that the site is written in."""

from __future__ import annotations

import re
from collections.abc import Iterator

SECTIONS = ("Parameters", "Attributes", "Returns", "Raises", "Examples", "Notes")
_CODE = re.compile(r"(``.+?``|`[^`]+`)", re.DOTALL)
_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`~?([^`]+)`")
_PARAMETER = re.compile(r"(?P<names>\*{0,2}\w+(?:, \*{0,2}\w+)*) : (?P<meaning>.+)", re.DOTALL)
_TYPE = re.compile(r"[\w.]+(\[.*\])?( or [\w.]+)*")


def to_markdown(text: str) -> str:
    """Return the plain part of a docstring as Markdown: roles become links, doctests become code blocks."""
    paragraphs = re.split(r"\n{2,}", text.strip("\n"))
    return "\n\n".join(_paragraph(paragraph) for paragraph in paragraphs)


def numpydoc(text: str, returns: str = "") -> str:
    """Return a docstring as griffe's parser for numpydoc expects it, its texts in Markdown.

    altune writes ``name : meaning`` on one line and leaves types to the annotations, where numpydoc has
    ``name : type``.

    Parameters
    ----------
    text : the docstring.
    returns : the annotation of what is returned, for a section Returns that names no type.
    """
    parts = re.split(rf"^({'|'.join(SECTIONS)})\n-+\n", text, flags=re.MULTILINE)
    found = [to_markdown(parts[0])]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        found.append(f"{title}\n{'-' * len(title)}\n{_section(title, body.rstrip(), returns)}")
    return "\n\n".join(found)


def _section(title: str, body: str, returns: str) -> str:
    if title == "Examples":
        return body
    if title == "Notes":
        return to_markdown(body)
    if title in ("Parameters", "Attributes"):
        return "\n".join(_parameters(body))
    lines: list[str] = []
    for line in body.split("\n"):
        if title == "Returns" and returns and line and not line.startswith(" ") and not _TYPE.fullmatch(line):
            lines += [*([returns] if returns not in lines else []), f"    {_inline(line)}"]
        else:
            lines.append(_inline(line) if line.startswith(" ") else line)
    return "\n".join(lines)


def _parameters(body: str) -> Iterator[str]:
    """Yield an entry for each parameter: several that share a long text refer to the first of them."""
    for entry in re.split(r"\n(?=\S)", body):
        parameter = _PARAMETER.match(entry)
        if parameter is None:
            yield _inline(entry)
            continue
        first, *others = parameter["names"].replace("*", "").split(", ")
        meaning = _inline(parameter["meaning"])
        yield from (first, f"    {meaning}")
        for name in others:
            yield from (name, f"    {meaning}" if "\n" not in meaning and len(others) == 1 else f"    See `{first}`.")


def _paragraph(paragraph: str) -> str:
    if paragraph.startswith(">>>"):
        return f"```pycon\n{paragraph}\n```"
    if paragraph.startswith("    "):
        return paragraph
    return re.sub(r"::$", ":", _inline(paragraph))


def _inline(text: str) -> str:
    """Return a text with links for roles, and with what is no code escaped."""
    text = _ROLE.sub(r"\0\1\0", text)
    parts = _CODE.split(text)
    parts[::2] = [re.sub(r"([*\\])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return re.sub(r"\0([^\0]+)\0", _link, "".join(parts))


def _link(found: re.Match[str]) -> str:
    name = found[1].removeprefix(":").removesuffix("()")
    shown = name.removeprefix("altune.") if name.count(".") < 2 else name.rpartition(".")[2]
    return f'<autoref optional identifier="{name}"><code>{shown}</code></autoref>'
