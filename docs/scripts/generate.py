"""The pages of the site that follow from the code: methods, objectives, spaces, data sets, commands, results.

Each function returns one page in Markdown. :data:`PAGES` says where each page goes.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from docstrings import to_markdown
from pydantic import BaseModel

import altune
import altune.knobs
from altune.cli import COMMANDS
from altune.core.registry import FIELDS, Method, describe_parameters, methods
from altune.models import Model
from altune.recipes.recipe import DEFAULTS
from altune.recipes.space.shipped import head_comment, shipped_spaces
from altune.simulation.objectives import KINDS, SPENT
from altune.simulation.scenario import Annotator, Scenario

ROOT = Path(__file__).parents[2]

QUESTIONS = {
    "initial_sample": "Which rows, and how many, are labelled before any model exists?",
    "model_init": "How do the model's parameters start?",
    "retrain": "Is each loop's model trained from scratch, or does it continue from the last one?",
    "loop_size": "How many rows does the next loop label?",
    "stopping": "When does labelling end before the budget does?",
    "labeling": "Who labels a row, and which labels are audited?",
    "query_strategy": "Which rows are labelled next?",
    "training": "How do the model's hyperparameters follow the number of labels?",
    "model": "Which estimator is trained?",
}
"""What each knob decides."""

TYPES = {"string": "text", "object": "mapping", "array": "list", "boolean": "true or false", "method": "a method"}
"""Words for the types of a JSON Schema."""

NEEDS = {
    "class_scores": "probabilities, or a decision function, whose softmax is taken",
    "probabilities": "`predict_proba`",
    "decision_function": "`decision_function`",
    "resume": "an estimator that can continue from its last parameters on all labels",
    "partial_fit": "an estimator that can continue from its last parameters on some labels",
    "random_start": "an estimator whose first parameters depend on a seed",
    "sample_weight": "an estimator that takes sample weights",
    "sparse": "an estimator that takes sparse features",
    "dense_features": "dense features",
    "three_classes": "three classes or more",
    "several_annotators": "a scenario with two annotators or more",
}
"""What a method may need of the model, the data or the scenario."""


def methods_index() -> str:
    """Return the list of knobs, and what a method may need."""
    rows = [
        (f"[`{field}`]({field}.md)", QUESTIONS[field], f"`{DEFAULTS[field]}`", len(methods(field))) for field in FIELDS
    ]
    needs = [(f"`{name}`", meaning) for name, meaning in NEEDS.items()]
    return _page(
        "Methods",
        "A method is one way to set a knob. These pages are made from the classes themselves, as `altune knobs` is.",
        _table(("knob", "the question it answers", "default", "methods"), rows),
        "## What a method may need",
        "A recipe whose method needs what the model, the data or the scenario does not offer is refused before "
        "anything is simulated. In a search space such an alternative is left out, and the line on it says why.",
        _table(("need", "what it is"), needs),
    )


def knob_page(knob: str) -> str:
    """Return every method of a knob: formula, parameters, needs and source."""
    known = methods(knob)
    rows = [(f"[`{name}`](#{name})", _summary(cls)) for name, cls in known.items()]
    return _page(
        f"`{knob}`",
        f"**{QUESTIONS[knob]}** The default is `{DEFAULTS[knob]}`.",
        _table(("method", "what it does"), rows),
        *(_method(name, cls) for name, cls in known.items()),
    )


def objectives_page() -> str:
    """Return every objective with its direction."""
    scores = [_objective_row(name) for name in KINDS if name not in SPENT]
    spent = [_objective_row(name) for name in SPENT]
    head = ("objective", "what it is", "better", "needs a reference", "rewards an early stop")
    return _page(
        "Objectives",
        "An objective is one number from one learning curve. A trial's value sums up its blocks: the mean by default, "
        "a quantile or the mean of the worst share with `--risk`. *Needs a reference*: it is measured against random "
        "sampling on the same block. *Rewards an early stop*: only under such an objective can a search space open the "
        "knob `stopping`.",
        "## Of the score",
        _table(head, scores),
        "## Of what is spent",
        "These say nothing of the score, so they serve beside another objective or as constraints.",
        _table(head, spent),
        "[Several objectives](../guides/objectives.md) shows how to combine them.",
    )


def spaces_page() -> str:
    """Return the shipped search spaces with their files."""
    listed = {row["name"]: row for row in altune.list_spaces()}
    sections = []
    for name, path in shipped_spaces().items():
        body = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
        opens = _code_list(listed[name]["opens"])
        facts = f"Opens {opens}; {listed[name]['parameters']} parameters."
        sections += [f"## {name}", head_comment(path), facts, f"```yaml\n{body.strip()}\n```"]
    return _page(
        "Search spaces",
        "A search space is a recipe with its choices left open. These are shipped; `altune spaces NAME` prints one, "
        "and `--space NAME` searches it. [Change a search space](../guides/spaces.md) shows how to adapt one.",
        *sections,
    )


def datasets_page() -> str:
    """Return the built-in data sets."""
    head = ("name", "rows", "features", "classes", "rarest class", "kind", "extra", "task", "source", "licence")
    rows = [
        (
            f"`{facts.name}`",
            facts.n_rows,
            facts.n_features,
            facts.n_classes,
            f"{facts.rarest_share:.1%}",
            facts.kind,
            f"`{facts.extra}`" if facts.extra else "",
            facts.task,
            facts.source,
            facts.licence,
        )
        for facts in altune.list_datasets()
    ]
    return _page(
        "Data sets",
        "These names work wherever a command or function takes data. Those with an extra need it installed: "
        '`pip install "altune[datasets]"`. No data set is downloaded. [Your own data](../guides/data.md) are read from '
        "files and arrays.",
        _table(head, rows),
    )


def scenario_page() -> str:
    """Return the fields of a scenario and of an annotator."""
    return _page(
        "Scenario",
        "What is given and no search may change. The same fields are keywords of `altune.Scenario`, keys of the file "
        "that `--scenario` takes, and keywords of `altune.tune`, `altune.simulate` and `altune.compare`.",
        "```yaml\n# scenario.yaml\nversion: 1\nbudget: 300\nmetric: balanced_accuracy\nannotators:\n"
        "  - {error: 0.1}\n  - {pair: 0.2, price: 0.5}\n```",
        "## Fields",
        _fields(Scenario),
        "## Annotators",
        "An annotator errs in one way: give one of `error`, `pair`, `instance` and `confusion`.",
        _fields(Annotator),
    )


def commands_page() -> str:
    """Return every command with its arguments and options, from the command line itself."""
    import altune.cli

    group: Any = typer.main.get_command(altune.cli.app)
    sections = []
    for name in COMMANDS:
        command = group.commands[name]
        sections += [f"## altune {name}", *_command(command, f"altune {name}")]
    return _page(
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
    return _page(
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
    return _page(
        "Results",
        "What the functions return. Their attributes and methods are public; the module that holds a class is not, so "
        "do not import it by its name.",
        *blocks,
    )


def returned_classes() -> list[type]:
    """Return the classes that public functions, and the methods and properties of a run, return."""
    public = {name: getattr(altune, name) for name in altune.__all__ if not name.startswith("_") and name != "report"}
    functions = [value for value in public.values() if inspect.isfunction(value)]
    functions += [
        member.fget if isinstance(member, property) else getattr(member, "func", member)
        for name, member in vars(altune.Run).items()
        if not name.startswith("_")
    ]
    found: dict[type, None] = {}
    for function in filter(inspect.isfunction, functions):
        for cls in _classes_in(_returns(function)):
            if cls.__module__.startswith("altune.") and cls not in public.values():
                found[cls] = None
    return sorted(found, key=lambda cls: cls.__name__)


def root_page(name: str) -> Callable[[], str]:
    """Return a function that reads a page of the repository's root, with links that work on the site."""

    def page() -> str:
        text = (ROOT / name).read_text("utf-8")
        text = re.sub(r"\]\((?:\.\./)*docs/([^)]+)\)", r"](\1)", text)
        for target, moved in MOVED.items():
            text = re.sub(rf"\]\((?:\.\./)*{re.escape(target)}(#[^)]*)?\)", rf"]({moved}\1)", text)
        return text

    return page


MOVED = {
    "benchmarks/README.md": "benchmark_scripts.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "README.md": "index.md",
}
"""Where the site has pages of the repository's root."""

PAGES: dict[str, Callable[[], str]] = {
    "methods/index.md": methods_index,
    **{f"methods/{field}.md": (lambda field=field: knob_page(field)) for field in FIELDS},
    "methods/objectives.md": objectives_page,
    "methods/spaces.md": spaces_page,
    "methods/datasets.md": datasets_page,
    "reference/scenario.md": scenario_page,
    "reference/commands.md": commands_page,
    "reference/api/report.md": report_page,
    "reference/api/results.md": results_page,
    **{moved: root_page(name) for name, moved in MOVED.items() if name != "README.md"},
}
"""The generated pages by where they go in the site."""


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", *(part for part in parts if part)]) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )


def _blocks(names: Iterable[str]) -> str:
    return "\n\n".join(f"::: altune.report.{name}" for name in names)


def _code_list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _docstring(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "")


def _summary(cls: type) -> str:
    return to_markdown(_docstring(cls).split("\n\n")[0].replace("\n", " "))


def _method(name: str, cls: type[Method]) -> str:
    parts = [f"## {name} {{ #{name} }}", to_markdown(_docstring(cls))]
    described = describe_parameters(cls)
    if described:
        schemas = cls.model_json_schema(mode="validation").get("properties", {})
        rows = [
            (
                f"`{parameter}`",
                _range(schemas.get(parameter, {}), entry["type"]),
                _default(entry["default"]),
                to_markdown(entry["description"]),
            )
            for parameter, entry in described.items()
        ]
        parts.append(_table(("parameter", "range", "default", "what it is"), rows))
    facts = []
    if cls.needs:
        facts.append(f"**Needs** {_code_list(sorted(cls.needs))}.")
    if issubclass(cls, Model):
        facts.append(f"**Can** {_code_list(sorted(cls.abilities))}." if cls.abilities else "")
        facts.append(f"**Can be scheduled** {_code_list(cls.schedulable)}." if cls.schedulable else "")
    if cls.source:
        facts.append(f"**Source** {to_markdown(cls.source)}.")
    parts.append("  \n".join(fact for fact in facts if fact))
    return "\n\n".join(part for part in parts if part)


def _range(schema: dict[str, Any], kind: str = "") -> str:
    """Return what a parameter accepts, from its JSON Schema: ``integer, 10 to 5000``."""
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    first = options[0] if options else {}
    if "enum" in first:
        return " or ".join(f"`{choice}`" for choice in first["enum"])
    low, high = _end(first, "minimum", "exclusiveMinimum", "above"), _end(first, "maximum", "exclusiveMaximum", "below")
    ends = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else ""
    return ", ".join(filter(None, (TYPES.get(kind, kind), ends)))


def _end(schema: dict[str, Any], inclusive: str, exclusive: str, word: str) -> str:
    if inclusive in schema:
        return f"{schema[inclusive]:g}"
    return f"{word} {schema[exclusive]:g}" if exclusive in schema else ""


def _default(value: object) -> str:
    return "" if value is None else f"`{value}`"


def _objective_row(name: str) -> tuple[object, ...]:
    kind = KINDS[name]
    better = "more" if kind.direction == "maximize" else "less"
    return f"`{name}`", to_markdown(kind.text), better, _tick(kind.reference), _tick(kind.saves)


def _tick(holds: bool) -> str:
    return "yes" if holds else ""


def _fields(cls: type[BaseModel]) -> str:
    schemas = cls.model_json_schema(mode="validation")["properties"]
    rows = []
    for name, field in cls.model_fields.items():
        if name == "version":
            continue
        default = field.get_default(call_default_factory=True, validated_data={})
        shown = default if default is None or isinstance(default, (bool, int, float, str)) else None
        rows.append((f"`{name}`", _range(schemas[name]), _default(shown), to_markdown(field.description or "")))
    return _table(("field", "range", "default", "what it is"), rows)


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
        parts += [f"**{title}**", _table(("name", "what it is", "default"), rows)] if rows else []
    return parts


def _text(help_text: str | None) -> str:
    return to_markdown(help_text or "")


def _returns(function: Callable[..., Any]) -> Any:
    """Return the annotation of what a function returns, with imports that only type checkers make resolved."""
    annotation = inspect.get_annotations(inspect.unwrap(function)).get("return")
    if not isinstance(annotation, str):
        return annotation
    module = inspect.getmodule(inspect.unwrap(function))
    names = {**vars(module), **_checked_imports(Path(str(inspect.getsourcefile(inspect.unwrap(function)))))}
    return eval(annotation, names)


def _checked_imports(path: Path) -> dict[str, Any]:
    """Return what a module imports for type checkers only."""
    import ast
    import importlib

    found = {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for line in node.body:
                if isinstance(line, ast.ImportFrom):
                    module = importlib.import_module(str(line.module))
                    found |= {alias.asname or alias.name: getattr(module, alias.name) for alias in line.names}
                elif isinstance(line, ast.Import):
                    for alias in line.names:
                        importlib.import_module(alias.name)
                        found[alias.asname or alias.name.split(".")[0]] = importlib.import_module(
                            alias.name if alias.asname else alias.name.split(".")[0]
                        )
    return found


def _classes_in(annotation: Any) -> Iterable[type]:
    """Yield the classes that an annotation names, those inside of ``dict[str, X]`` and ``X | None`` too."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        yield annotation
    # A class that is returned as such, as by register_estimator, is no result.
    for part in () if typing.get_origin(annotation) is type else typing.get_args(annotation):
        yield from _classes_in(part)
