"""The pages of the command line, of figures, and of what the public functions return."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable
from typing import Any

import typer
from docstrings import to_markdown
from tables import page, table

import altune
import altune.cli
from altune.cli import COMMANDS


def commands_page() -> str:
    """Return every command with its arguments and options, from the command line itself."""
    group: Any = typer.main.get_command(altune.cli.app)
    sections = []
    for name in COMMANDS:
        command = group.commands[name]
        sections += [f"## altune {name}", *_command(command, f"altune {name}")]
    return page(
        "Command line",
        "Results go to standard output, progress to standard error. `--json` prints one object and nothing else. Exit "
        "codes: 0 done, 1 the work failed, 2 the request is wrong (one line says what and where), 130 interrupted.",
        *sections,
    )


def report_page() -> str:
    """Return the public names of :mod:`altune.report`, figures first."""
    names = sorted(altune.report.__all__)
    figures = [name for name in names if name.startswith("plot_")]
    files = [name for name in names if name.startswith("write_")]
    pages = [name for name in names if name == "render_page" or name.endswith(("Block", "Content"))]
    others = [name for name in names if name not in {*figures, *files, *pages}]
    return page(
        "Figures and pages",
        "Each `plot_*` returns a plotly `Figure`; each `write_*` writes files. [Figures](../../guides/figures.md) "
        "lists the figures by question.",
        *("## Figures", _blocks(figures)),
        *(("## Files", _blocks(files)) if files else ()),
        *("## A page of your own", _blocks(pages)),
        *("## Numbers that figures take", _blocks(others)),
    )


def results_page() -> str:
    """Return the classes of what public functions return, where they are not public by name."""
    short = "    options:\n      show_root_full_path: false"
    blocks = [f"::: {cls.__module__}.{cls.__qualname__}\n{short}" for cls in returned_classes()]
    return page(
        "Results",
        "What the functions return. Their attributes and methods are public; the module that holds a class is not, so "
        "do not import it by its name.",
        *blocks,
    )


def returned_classes() -> list[type]:
    """Return the classes that public functions, and the methods and properties of a run, return."""
    public = [getattr(altune, name) for name in altune.__all__]
    members = [member for name, member in vars(altune.Run).items() if not name.startswith("_")]
    functions = [getattr(member, "fget", None) or getattr(member, "func", member) for member in [*public, *members]]
    annotations = [
        str(getattr(inspect.unwrap(function), "__annotations__", {}).get("return")) for function in functions
    ]
    # A class that is returned as such, as by register_estimator, is no result.
    names = set(re.findall(r"\w+", re.sub(r"type\[\w+\]", "", " ".join(annotations))))
    return [cls for name, cls in sorted(_classes().items()) if name in names and cls not in public]


def _classes() -> dict[str, type]:
    """Return every class of altune by its name."""
    found: dict[str, type] = {}
    for info in pkgutil.walk_packages(altune.__path__, "altune."):
        if info.name != "altune.__main__":
            module = importlib.import_module(info.name)
            own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", "") == info.name}
            found |= {name: value for name, value in own.items() if isinstance(value, type)}
    return found


def _blocks(names: Iterable[str]) -> str:
    return "\n\n".join(f"::: altune.report.{name}" for name in names)


def _command(command: Any, path: str) -> list[str]:
    context = command.make_context(path, [], resilient_parsing=True)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    parts = [inspect.cleandoc(command.help or ""), f"```\n{usage}\n```"]
    sections: dict[str, list[tuple[str, str, str]]] = {"Arguments": []}
    for param in command.params:
        if param.param_type_name == "argument":
            shown = param.metavar or param.name.upper()
            sections["Arguments"].append((f"`{shown}`", _text(param.help), ""))
        elif not param.hidden:
            names = ", ".join([*param.opts, *param.secondary_opts])
            value = "" if param.is_flag else f" {param.metavar}"
            shown = param.default is not None and param.default is not False and not callable(param.default)
            default = f"`{param.opts[0] if param.is_flag else param.default}`" if shown else ""
            title = getattr(param, "rich_help_panel", None) or "Options"
            repeat = " (repeatable)" if param.multiple and "repeatable" not in (param.help or "") else ""
            sections.setdefault(title, []).append((f"`{names}{value}`", _text(param.help) + repeat, default))
    if "Options" in sections:
        sections["Options"] = sections.pop("Options")
    for title, rows in sections.items():
        parts += [f"**{title}**", table(("name", "what it is", "default"), rows)] if rows else []
    return parts


def _text(help_text: str | None) -> str:
    return to_markdown(help_text or "")
