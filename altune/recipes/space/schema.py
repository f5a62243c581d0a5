"""JSON Schemas (draft 2020-12) of recipes and search spaces, for editors that complete and check YAML.

They are made from the methods that are registered, including a user's own estimators. A schema cannot express every
rule, such as a combination of parameters that is refused; these are checked when a file is read.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from altune.core.registry import FIELDS, Method, describe_parameters, methods
from altune.recipes.recipe import DEFAULTS, Recipe, leaf_types, nested_knob

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_QUESTIONS = {
    "initial_sample": "Which rows, and how many, are labelled before any model exists?",
    "model_init": "How do the model's parameters start?",
    "retrain": "Does each loop train from scratch, or continue from the last model?",
    "loop_size": "How many rows does the next loop label?",
    "stopping": "When does labelling stop before the budget is used up?",
    "labeling": "Who or what labels, and how are labels audited?",
    "query_strategy": "Which rows are labelled next?",
    "training": "How do the model's hyperparameters change with the number of labels?",
    "model": "Which estimator is trained, with which hyperparameters?",
}

_NAME: Schema = {"type": "string", "pattern": r"\S", "description": "a name, which has no effect on the search"}
_LABEL: Schema = {
    "type": "string",
    "pattern": r"^\w[\w-]*$",
    "description": "replaces the method in Optuna's names, where a method occurs more than once",
}
_WORD: Schema = {"type": "string", "minLength": 1}
_REVISION: Schema = {
    "type": "integer",
    "minimum": 1,
    "default": 1,
    "description": "number of the revision of this space, which has no effect on the search",
}
_INCLUDE: Schema = {
    "description": "spaces to include, by name or path; later ones replace earlier ones, and knobs of this file both",
    "anyOf": [_WORD, {"type": "array", "minItems": 1, "uniqueItems": True, "items": _WORD}],
}
_FORBID: Schema = {
    "description": "combinations that are never played: Optuna paths with a value or a list of values",
    "type": "array",
    "items": {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": rf"^({'|'.join(FIELDS)})(\..+)?$"},
        "additionalProperties": {
            "anyOf": [{"type": ["string", "number", "boolean", "null"]}, {"type": "array", "minItems": 1}]
        },
    },
}


def space_schema() -> dict[str, Any]:
    """Return the JSON Schema of a search space file.

    Examples
    --------
    >>> sorted(set(space_schema()["properties"]) - set(recipe_schema()["properties"]))
    ['baselines', 'forbid', 'include', 'revision']
    """
    baselines = {
        "description": "recipes to compare with, by name, each as the knobs that define it",
        "type": "object",
        "additionalProperties": _mapping(_fields("recipe")),
    }
    properties = {
        "include": _INCLUDE,
        "revision": _REVISION,
        **_fields("space"),
        "baselines": baselines,
        "forbid": _FORBID,
    }
    return _document("altune search space", properties, ("space", "recipe"))


def recipe_schema() -> dict[str, Any]:
    """Return the JSON Schema of a recipe file.

    Examples
    --------
    >>> recipe_schema()["properties"]["query_strategy"]
    {'$ref': '#/$defs/recipe.query_strategy'}
    """
    return _document("altune recipe", _fields("recipe"), ("recipe",))


def _document(title: str, properties: Schema, forms: tuple[str, ...]) -> Schema:
    definitions: Schema = {}
    for form in forms:
        for knob in FIELDS:
            definitions |= _knob(knob, form)
    schema = {"$schema": DIALECT, "title": title, **_mapping(properties), "$defs": definitions}
    plain: Schema = json.loads(json.dumps(schema))
    return plain


def _mapping(properties: Schema, required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _fields(form: str) -> Schema:
    return {"version": {"const": 1}, "name": _NAME} | {knob: _reference(f"{form}.{knob}") for knob in FIELDS}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _knob(knob: str, form: str) -> Schema:
    """Return the definitions of a knob and its methods; ``form`` is ``space`` or ``recipe``."""
    known = methods(knob)
    name_of_knob = f"{form}.{knob}"
    definitions: Schema = {}
    for name, cls in known.items():
        written = cls.model_json_schema()
        definitions[f"{name_of_knob}.{name}"] = _method(cls, form, written["properties"])
        definitions |= _inner_definitions(written)
    bare = [name for name, cls in known.items() if not _required(cls)]
    method = {"anyOf": [{"enum": bare}, *(_reference(f"{name_of_knob}.{name}") for name in known)]}
    about = {"description": f"{_QUESTIONS[knob]} The default is {DEFAULTS[knob]}."}
    if form == "recipe":
        return definitions | {name_of_knob: about | method}
    alternative = f"{name_of_knob}:alternative"
    several = {"type": "array", "minItems": 1, "items": _reference(alternative)}
    either = {"anyOf": [_reference(alternative), several]}
    return definitions | {alternative: method, name_of_knob: about | either}


def _method(cls: type[Method], form: str, written: Schema) -> Schema:
    capabilities = describe_parameters(cls)
    properties: Schema = {"method": {"const": cls.model_fields["method"].default}}
    if form == "space":
        properties["name"] = _LABEL
    properties |= {name: _parameter(cls, name, form, capabilities[name], written[name]) for name in capabilities}
    source = f" Source: {cls.source}." if cls.source else ""
    return {"description": _first_paragraph(cls) + source, **_mapping(properties, ["method", *_required(cls)])}


def _parameter(cls: type[Method], name: str, form: str, capabilities: dict[str, Any], written: Schema) -> Schema:
    head: Schema = {"description": capabilities["description"]} if capabilities["description"] else {}
    if not cls.model_fields[name].is_required():
        head["default"] = capabilities["default"]
    plain = [_rewritten(option) for option in written.get("anyOf", [_without_head(written)])]
    nested = nested_knob(cls, name)
    if nested is not None:
        options = [_reference(f"{form}.{nested}"), *(option for option in plain if option == {"type": "null"})]
    elif form == "recipe":
        options = plain
    else:
        options = [*plain, *_ranges(plain), _choices(plain)]
    return head | (options[0] if len(options) == 1 else {"anyOf": options})


def _ranges(plain: list[Schema]) -> list[Schema]:
    numbers = [option for option in plain if option.get("type") in ("integer", "number") and "enum" not in option]
    numbers.sort(key=lambda option: option["type"] == "integer")  # as the reader, which tries floats before integers
    if not numbers:
        return []
    ends = {
        "low": numbers[0],
        "high": numbers[0],
        "log": {"type": "boolean", "default": False},
        "step": {"type": numbers[0]["type"], "exclusiveMinimum": 0},
    }
    logarithmic = {"properties": {"log": {"const": True}}, "required": ["log"]}
    refused = {"properties": {"low": {"exclusiveMinimum": 0}, "step": False}}
    return [_mapping(ends, ["low", "high"]) | {"if": logarithmic, "then": refused}]


def _choices(plain: list[Schema]) -> Schema:
    items = plain[0] if len(plain) == 1 else {"anyOf": plain}
    listed = {"type": "array", "minItems": 1, "uniqueItems": True, "items": items}
    return _mapping({"choices": listed}, ["choices"])


def _required(cls: type[Method]) -> list[str]:
    return [name for name, field in cls.model_fields.items() if field.is_required() and name != "method"]


def _without_head(written: Schema) -> Schema:
    return {key: value for key, value in written.items() if key not in ("default", "description", "title")}


def _inner_definitions(written: Schema) -> Schema:
    """Return the definitions in a method's schema that are not methods, such as a label function."""
    return {name: _rewritten(part) for name, part in written.get("$defs", {}).items() if name not in _bases()}


def _rewritten(part: Any) -> Any:
    """Return a part of a method's schema in which abstract methods refer to the registered ones."""
    if isinstance(part, dict):
        if "$ref" in part:
            name = part["$ref"].removeprefix("#/$defs/")
            return part | _reference(f"recipe.{_bases()[name]}" if name in _bases() else name)
        return {key: _rewritten(value) for key, value in part.items()}
    return [_rewritten(item) for item in part] if isinstance(part, list) else part


def _base(knob: str) -> type[Method]:
    base: type[Method] = leaf_types(Recipe.model_fields[knob].annotation)[0]
    return base


def _bases() -> dict[str, str]:
    return {_base(knob).__name__: knob for knob in FIELDS}


def _first_paragraph(cls: type[Method]) -> str:
    return " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())
