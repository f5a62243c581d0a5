"""How a plain function becomes a command, and how a group imports its commands only when they are asked for.

A command's function takes options as typer has them (``Annotated[int, typer.Option(...)]``) and, for options that
several commands share, a frozen dataclass whose fields are such options::

    def simulate(environment: DataOptions, recipe: RecipeOption = "random_sampling", as_json: AsJson = False) -> None:

The user sees one option for each field, the function gets one ``DataOptions``.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from altune.core.errors import RequestError
from altune.core.plain import home_path


class Command(NamedTuple):
    """A command that is not imported yet.

    Attributes
    ----------
    where : ``module:function``.
    summary : its line in the list of commands.
    """

    where: str
    summary: str

    def function(self) -> Callable[..., None]:
        """Import the command's function."""
        module, _, name = self.where.partition(":")
        found: Callable[..., None] = getattr(importlib.import_module(module), name)
        return found


class CommandGroup(TyperGroup):
    """A group that knows its commands by a table, and imports a command when it is asked for.

    A name of two words is a command of its own below the first: ``spaces NAME`` and ``spaces schema`` are both
    possible, and both stand in the list.
    """

    table: ClassVar[Mapping[str, Command]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        commands: Any = LazyCommands(self.table)
        self.commands = commands

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table."""
        return list(self.table)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first word names, or the first two."""
        both = " ".join(args[:2])
        return super().resolve_command(ctx, [both, *args[2:]] if both in self.table else args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in self.table.items()])


class LazyCommands(Mapping[str, Any]):
    """Commands by name, each built when it is first asked for."""

    def __init__(self, table: Mapping[str, Command]) -> None:
        self._table = table

    def __getitem__(self, name: str) -> Any:
        return build_command(name, self._table[name].function())

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


class SectionedCommand(TyperCommand):
    """A command whose help shows its options by section, in plain text; options without a section come last.

    An option whose metavar ends with ``...`` takes one word or more, up to the next option.

    Attributes
    ----------
    paths : names of the parameters that are paths. An empty one would mean the current folder.
    """

    paths: Collection[str] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of the command line, with the name of an option before each of the words it takes."""
        options: list[Any] = [param for param in self.get_params(ctx) if not _is_argument(param)]
        several = {name for param in options if _takes_words(param) for name in param.opts}
        valued = {
            name: "path" if param.name in self.paths else "value"
            for param in options
            if not param.is_flag and not _takes_empty(param)
            for name in param.opts
        }
        words = with_names(args, several)
        for word, following in zip(words, [*words[1:], "-"], strict=False):
            name, equals, value = word.partition("=")
            if name in valued and not (value if equals else following).strip():
                raise RequestError(f"{name} is empty; give a {valued[name]}, or leave the option out")
        return list(super().parse_args(ctx, words))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return ``[OPTIONS]`` and the arguments: ``DATA``, ``[NAME]``, ``RECIPES...``."""
        return ["[OPTIONS]", *(_shown(param) for param in self.get_params(ctx) if _is_argument(param))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options of each section in the order in which they are declared."""
        params: list[Any] = list(self.get_params(ctx))
        sections = {"Arguments": [(_shown(param), param.help or "") for param in params if _is_argument(param)]}
        for param in params:
            record = None if _is_argument(param) else param.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(param, "rich_help_panel", None) or "Options", []).append(record)
        sections["Options"] = sections.pop("Options")
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def with_names(words: list[str], options: set[str]) -> list[str]:
    """Return the words of a command line with the name of an option before each of several words that it takes.

    Parameters
    ----------
    words : words of the command line.
    options : names of options that take one word or more.

    Examples
    --------
    >>> with_names(["A", "--on", "D", "E", "--jobs", "2"], {"--on"})
    ['A', '--on', 'D', '--on', 'E', '--jobs', '2']
    >>> with_names(["A", "--on=D", "E"], {"--on"})
    ['A', '--on=D', '--on', 'E']

    Raises
    ------
    RequestError
        If another option follows at once.
    """
    named: list[str] = []
    option, first = "", False
    for word in words:
        if word.startswith("-"):
            if option and first:
                raise RequestError(f"{option} needs one word or more, not the option {word}")
            name = word.partition("=")[0]
            option, first = (name if name in options else ""), name == word
        elif option and not first:
            named.append(option)
        else:
            first = False
        named.append(word)
    return named


def _takes_words(option: Any) -> bool:
    return str(option.metavar or "").endswith("...")


def _takes_empty(option: Any) -> bool:
    """Return whether an empty text is a value: of a cell in a table, or the name of a class."""
    return option.metavar in ("TEXT...", "CLASS", "CHAR")


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _shown(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def build_command(name: str, function: Callable[..., None]) -> Any:
    """Return the command that typer makes of a function, with the help of its docstring."""
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    flat = spread(function)
    alone.command(name, cls=SectionedCommand)(flat)
    command: Any = typer.main.get_command(alone)
    hints = {name: parameter.annotation for name, parameter in inspect.signature(flat).parameters.items()}
    command.paths = {name for name, hint in hints.items() if Path in get_args(get_args(hint)[0]) + get_args(hint)[:1]}
    return command


def spread(function: Callable[..., None]) -> Callable[..., None]:
    """Return ``function`` with each parameter that is a dataclass replaced by the dataclass's fields.

    Parameters
    ----------
    function : its dataclass parameters are option groups; a group's class attribute ``section`` titles its options.

    Raises
    ------
    ValueError
        If two options have one name.
    """
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if dataclasses.is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in groups:
            parameters += _options_of(groups[name])
        else:
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(function)
    def command(**given: Any) -> None:
        given = {name: home_path(value) if isinstance(value, Path) else value for name, value in given.items()}
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in dataclasses.fields(group)})
        function(**given)

    command.__dict__["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {}
    return command


def _options_of(group: Any) -> list[inspect.Parameter]:
    """Return the fields of an option group as parameters, its own before those of the groups that it extends."""
    hints = get_type_hints(group, include_extras=True)
    section = getattr(group, "section", None)
    homes = [vars(home).get("__annotations__", {}) for home in group.__mro__]
    own_first = sorted(dataclasses.fields(group), key=lambda field: [field.name in home for home in homes].index(True))
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default,
            annotation=_in_section(hints[field.name], section),
        )
        for field in own_first
    ]


def _in_section(hint: Any, section: str | None) -> Any:
    """Return an annotated option type with its section in the help."""
    if section is None or get_origin(hint) is not Annotated:
        return hint
    kind, option, *others = get_args(hint)
    if option.rich_help_panel is None:
        option = copy.copy(option)
        option.rich_help_panel = section
    return Annotated[(kind, option, *others)]
