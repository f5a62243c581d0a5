"""The pages of knobs, objectives, search spaces, data sets and the scenario, from the registry and the classes."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Any

from docstrings import to_markdown
from pydantic import BaseModel
from tables import code_list, page, table

import altune
import altune.knobs
from altune.core.registry import FIELDS, Method, describe_parameters, methods
from altune.models import Model
from altune.recipes.recipe import DEFAULTS
from altune.recipes.space.shipped import head_comment, shipped_spaces
from altune.report.texts.knobs import default_words
from altune.simulation.annotators import Annotator
from altune.simulation.objectives import KINDS, SPENT
from altune.simulation.scenario import Scenario

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
    "probabilities": "an estimator with `predict_proba`",
    "decision_function": "an estimator with `decision_function`",
    "resume": "an estimator that can continue from its last parameters on all labels",
    "partial_fit": "an estimator that can continue from its last parameters on some labels",
    "random_start": "an estimator whose first parameters depend on a seed",
    "sample_weight": "an estimator that takes sample weights",
    "sparse": "an estimator that takes sparse features",
    "dense_features": "dense features",
    "encoded_features": "a model of encoded features, not of [raw rows](../guides/pipelines.md)",
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
    return page(
        "Methods",
        "A method is one way to set a knob. These pages are made from the classes themselves, as `altune knobs` is.",
        table(("knob", "the question it answers", "default", "methods"), rows),
        "## What a method may need",
        "A recipe whose method needs what the model, the data or the scenario does not offer is refused before "
        "anything is simulated. In a search space such an alternative is left out, and the line on it says why.",
        table(("need", "what it is"), needs),
    )


def knob_page(knob: str) -> str:
    """Return every method of a knob: formula, parameters, needs and source."""
    known = methods(knob)
    rows = [(f"[`{name}`](#{name})", _summary(cls)) for name, cls in known.items()]
    return page(
        f"`{knob}`",
        f"**{QUESTIONS[knob]}** The default is `{DEFAULTS[knob]}`.",
        table(("method", "what it does"), rows),
        *(_method(name, cls) for name, cls in known.items()),
    )


def objectives_page() -> str:
    """Return every objective with its direction."""
    scores = [_objective_row(name) for name in KINDS if name not in SPENT]
    spent = [_objective_row(name) for name in SPENT]
    head = ("objective", "what it is", "better", "needs a reference", "rewards an early stop", "prices")
    return page(
        "Objectives",
        "An objective is one number from one learning curve. A trial's value sums up its blocks: the mean by default, "
        "a quantile or the mean of the worst share with `--risk`. *Needs a reference*: it is measured against random "
        "sampling on the same block. *Rewards an early stop*: only under such an objective can a search space open the "
        "knob `stopping`. *Prices*: they change its value, or what an area is over; where neither is said, prices are "
        "refused unless something else asks for money.",
        "## Of the score",
        table(head, scores),
        "## Of what is spent",
        "These say nothing of the score, so they serve together with another objective or as constraints.",
        table(head, spent),
        "[Several objectives](../guides/objectives.md) shows how to combine them.",
    )


def spaces_page() -> str:
    """Return the shipped search spaces with their files."""
    listed = {row["name"]: row for row in altune.list_spaces()}
    sections = []
    for name, path in shipped_spaces().items():
        body = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
        opens = code_list(listed[name]["opens"])
        facts = f"Opens {opens}; {listed[name]['parameters']} parameters."
        sections += [f"## {name}", head_comment(path), facts, f"```yaml\n{body.strip()}\n```"]
    return page(
        "Search spaces",
        "A search space is a recipe with its choices left open. These are shipped; `altune spaces NAME` prints one, "
        "and `--space NAME` searches it. [Change a search space](../guides/spaces.md) shows how to adapt one.",
        *sections,
    )


def datasets_page() -> str:
    """Return the built-in data sets, those of the core first."""
    listed = altune.list_datasets()
    members = Counter(facts.family for facts in listed)
    sections = []
    for extra in dict.fromkeys(facts.extra for facts in listed):
        title = f"With the extra `{extra}`" if extra else "Without an extra"
        own = [facts for facts in listed if facts.extra == extra]
        rows = [
            (
                f"`{facts.name}`",
                f"{facts.task}; {facts.source}. Licence: {facts.licence}"
                + (f". Family: `{facts.family}`" if members[facts.family] > 1 else ""),
                f"{facts.n_rows:,} × {facts.n_features}, {facts.kind}",
                f"{facts.n_classes}, the rarest {facts.rarest_share:.1%}",
            )
            for facts in own
        ]
        install = f'```sh\npip install "altune[{extra}]"\n```' if extra else ""
        sections += [f"## {title}", install, table(("name", "what it is", "rows × features", "classes"), rows)]
    return page(
        "Data sets",
        "These names work wherever a command or function takes data. No data set is downloaded. "
        "[Your own data](../guides/data.md) are read from files and arrays.",
        "Data sets of one family have the same origin or subject. They are left out together when something that was "
        "learned from data sets is tested on others; a data set without a family here has one of its own.",
        *sections,
    )


def scenario_page() -> str:
    """Return the fields of a scenario and of an annotator."""
    return page(
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
        parts.append(table(("parameter", "range", "default", "what it is"), rows))
    facts = []
    if cls.needs:
        facts.append(f"**Needs** {code_list(sorted(cls.needs))}.")
    if issubclass(cls, Model):
        facts.append(f"**Can** {code_list(sorted(cls.abilities))}." if cls.abilities else "")
        facts.append(f"**Can be scheduled** {code_list(cls.schedulable)}." if cls.schedulable else "")
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
        return _number(schema[inclusive])
    return f"{word} {_number(schema[exclusive])}" if exclusive in schema else ""


def _number(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"


def _default(value: object) -> str:
    return "" if value is None else f"`{default_words(value)}`"


def _objective_row(name: str) -> tuple[object, ...]:
    kind = KINDS[name]
    better = "more" if kind.direction == "maximize" else "less"
    prices = "change its value" if kind.money else "are what it is over" if kind.area else ""
    return f"`{name}`", to_markdown(kind.text), better, _tick(kind.reference), _tick(kind.saves), prices


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
    return table(("field", "range", "default", "what it is"), rows)
