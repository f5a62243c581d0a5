"""Describe recipes and changes of recipes in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from altune.core.registry import FIELDS, Method
from altune.core.text import counted

KNOB_WORDS = {
    "initial_sample": "the initial sample",
    "model_init": "the model's start",
    "retrain": "retraining",
    "loop_size": "the loop size",
    "stopping": "stopping",
    "labeling": "labelling",
    "query_strategy": "the query strategy",
    "training": "the training schedule",
    "model": "the model",
}
"""Knobs as they are called in a sentence."""

_ALWAYS_NAMED = ("initial_sample", "loop_size", "query_strategy", "model")
_MOST_SIZES = 6


def short_method(method: Method) -> str:
    """Return the name of a method with the parameters that differ from their defaults.

    >>> from altune.core.registry import parse_method
    >>> short_method(parse_method("initial_sample", {"method": "random", "size": 10}))
    'random(size=10)'
    """
    given = [
        f"{name}={short_method(value) if isinstance(value, Method) else value}"
        for name in type(method).model_fields
        if name != "method" and (value := getattr(method, name)) != type(method).model_fields[name].get_default()
    ]
    return f"{method.method}({', '.join(given)})" if given else str(method.method)


def describe_methods(methods: Mapping[str, Method], usual: Mapping[str, Method]) -> str:
    """Return one sentence: model, start, loops and query strategy, then each other knob that differs from its usual."""
    start, loops = _initial_sample(methods["initial_sample"]), _worded(methods["loop_size"])
    strategy = _worded(methods["query_strategy"])
    clauses = [f"With {phrase(methods['model'])}, first label {start}, then {loops}, chosen {strategy}"]
    others = (knob for knob in FIELDS if knob not in _ALWAYS_NAMED)
    clauses += [_worded(methods[knob]) for knob in others if methods[knob] != usual[knob]]
    return f"{'; '.join(clauses)}."


def _worded(method: Method) -> str:
    wording = _WORDINGS.get((method.knob, method.method)) or _WORDINGS.get((method.knob, ""))
    return wording(method) if wording else f"{KNOB_WORDS[method.knob]}: {phrase(method)}"


def phrase(method: Method, without: tuple[str, ...] = ()) -> str:
    """Return a method's name with the methods nested in it and the parameters that differ from their defaults.

    >>> from altune.core.registry import parse_method
    >>> phrase(parse_method("query_strategy", {"method": "switch", "at": 0.3}))
    'switch (first typiclust, then margin, at 0.3)'
    """
    parameters = []
    for name, field in type(method).model_fields.items():
        value = getattr(method, name)
        if name in ("method", *without) or (value == field.get_default() and not _holds_methods(value)):
            continue
        parameters.append(f"{name.replace('_', ' ')} {_value(value)}")
    return f"{method.method} ({', '.join(parameters)})" if parameters else method.method


def change_words(before: Method, after: Method) -> str:
    """Return how a knob changes, from the method before to the method after.

    >>> from altune.core.registry import parse_method
    >>> usual = parse_method("initial_sample", {"method": "random"})
    >>> change_words(usual, parse_method("initial_sample", {"method": "typiclust", "size": 20}))
    'start: random → typiclust (size 20)'
    >>> change_words(usual, parse_method("initial_sample", {"method": "random", "size": 20}))
    'start: size usual → 20'
    """
    knob = _SHORT_KNOBS.get(after.knob, after.knob)
    if before.method != after.method:
        return f"{knob}: {_with_nested(before)} → {_with_nested(after)}".replace("_", " ")
    return f"{knob}: {', '.join(_differing(before, after))}".replace("_", " ")


def changed_words(before: Method, after: Method) -> str:
    """Return the method to which a knob changes, in as few words as possible.

    >>> from altune.core.registry import parse_method
    >>> start = parse_method("initial_sample", {"method": "typiclust", "size": 20})
    >>> changed_words(parse_method("initial_sample", {"method": "random"}), start)
    'typiclust start (size 20)'
    """
    if before.method == after.method:
        return change_words(before, after).replace(":", "", 1)
    growth = getattr(after, "growth", 1.0)
    name = after.method if after.method != "geometric" else "growing" if growth >= 1 else "shrinking"
    sizes = [(name, getattr(after, name, None)) for name in ("size", "share")] if after.knob == "initial_sample" else []
    details = [nested.method for nested in after.nested().values()]
    details += [f"{name} {_value(size)}" for name, size in sizes if size is not None]
    suffix = f" ({', '.join(details)})" if details else ""
    return (_SHORT.get(after.knob, "{}").format(name) + suffix).replace("_", " ")


def _with_nested(method: Method) -> str:
    """Return a method with the methods nested in it, and with its other parameters that differ from their defaults."""
    nested = method.nested()
    names = ", ".join(inner.method for inner in nested.values())
    rest = phrase(method, tuple(name.partition("[")[0] for name in nested))
    if not names:
        return rest
    return rest.replace("(", f"({names}, ", 1) if "(" in rest else f"{rest} ({names})"


def _differing(before: Method, after: Method) -> list[str]:
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in type(after).model_fields}
    return [f"{name} {_usual(old)} → {_usual(new)}" for name, (old, new) in pairs.items() if old != new]


def _usual(value: Any) -> str:
    return "usual" if value is None else _value(value)


def _holds_methods(value: Any) -> bool:
    return isinstance(value, Method) or (isinstance(value, tuple) and any(isinstance(part, Method) for part in value))


def _value(value: Any) -> str:
    if isinstance(value, Method):
        return phrase(value)
    if _holds_methods(value):
        return ", ".join(_value(part) for part in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _initial_sample(method: Any) -> str:
    rows = _sized(method.size, method.share) or "a twentieth of the budget"
    return f"{rows} chosen {_by(phrase(method, ('size', 'share')))}"


def _query_strategy(method: Any) -> str:
    return _by(phrase(method))


def _by(how: str) -> str:
    return "at random" if how == "random" else f"by {how}"


def _switch(method: Any) -> str:
    first, then = _by(phrase(method.first)), _by(phrase(method.then))
    return f"{first} until {100 * method.at:.3g} % of the budget is spent, then {then}"


def _mixture(method: Any) -> str:
    weight = f"weight {method.weight_start:.3g} early, {method.weight_end:.3g} late"
    return f"by a mixture of {phrase(method.first)} ({weight}) and {phrase(method.second)}"


def _loop_size(method: Any) -> str:
    return f"rows in loops sized by {phrase(method)}"


def _constant_loops(method: Any) -> str:
    return f"{_sized(method.size, method.share) or 'equally many rows'} in each loop"


def _linear_loops(method: Any) -> str:
    trend = "grow" if method.step >= 0 else "shrink"
    return f"rows in loops that {trend} by {_rows(abs(method.step))} each{_first_loop(method.start)}"


def _geometric_loops(method: Any) -> str:
    trend = "grow" if method.growth >= 1 else "shrink"
    return f"rows in loops that {trend} by a factor of {method.growth:.3g}{_first_loop(method.start, method.share)}"


def _first_loop(start: int | None, share: float | None = None) -> str:
    return f" ({rows} in the first)" if (rows := _sized(start, share)) else ""


def _fraction_loops(method: Any) -> str:
    whole = "of the pool" if method.of == "pool" else "as many rows as are labelled already"
    return f"{100 * method.rho:.3g} % {whole} in each loop"


def _listed_loops(method: Any) -> str:
    shown = [str(size) for size in method.sizes[:_MOST_SIZES]]
    more = ", …" if len(method.sizes) > _MOST_SIZES else f", {shown[-1]} …"
    return f"{', '.join(shown)}{more} rows loop by loop"


def _warm_start(method: Any) -> str:
    if method.on == "all":
        return "train on from the last model in each loop, on all labels"
    labels = f"the new labels and {100 * method.replay:.3g} % of the old ones" if method.replay else "the new labels"
    return f"train on from the last model in each loop, on {labels}"


def _best_of(method: Any) -> str:
    return f"start each training {method.starts} times and keep the best start"


def _labeling(method: Any) -> str:
    asked = f"{counted(method.annotators, 'annotator')}" if method.method == "majority" else "one annotator"
    text = f"ask {asked} for each row"
    if method.method not in ("single", "majority"):
        text = f"label by {phrase(method, ('audit', 'action', 'share', 'every'))}"
    if method.audit == "none":
        return text
    action = {"drop": "drop", "weight": "weigh down", "relabel": "buy again"}.get(method.action, method.action)
    loops = "each loop" if method.every == 1 else f"every {method.every} loops"
    share = f"{100 * method.share:.3g} %"
    return f"{text}, audit the labels by {method.audit} {loops} and {action} up to {share} of them"


def _stopping(method: Any) -> str:
    return f"stop before the budget ends by {phrase(method)}"


def _schedule(method: Any) -> str:
    changed = phrase(method, ("hyperparameter",))
    return f"change the model's {method.hyperparameter} as labels come in, by {changed}"


def _sized(count: int | None, share: float | None) -> str:
    """Return a size in rows or as a share of the budget; an empty text for the default."""
    if share is not None:
        return f"{100 * share:.3g} % of the budget"
    return "" if count is None else _rows(count)


def _rows(count: float) -> str:
    return "1 row" if count == 1 else f"{count:g} rows"


_WORDINGS: dict[tuple[str, str], Callable[[Any], str]] = {
    ("query_strategy", ""): _query_strategy,
    ("query_strategy", "switch"): _switch,
    ("query_strategy", "mixture"): _mixture,
    ("loop_size", ""): _loop_size,
    ("loop_size", "constant"): _constant_loops,
    ("loop_size", "linear"): _linear_loops,
    ("loop_size", "geometric"): _geometric_loops,
    ("loop_size", "fraction"): _fraction_loops,
    ("loop_size", "list"): _listed_loops,
    ("retrain", "warm_start"): _warm_start,
    ("model_init", "best_of"): _best_of,
    ("labeling", ""): _labeling,
    ("stopping", ""): _stopping,
    ("training", "power"): _schedule,
    ("training", "steps"): _schedule,
}

_SHORT_KNOBS = {
    "initial_sample": "start",
    "model_init": "start of the model",
    "retrain": "retraining",
    "loop_size": "loops",
    "labeling": "labelling",
    "query_strategy": "query strategy",
    "training": "training schedule",
}
"""Knobs as they are called in a label; the others are called by their names."""

_SHORT = {
    "initial_sample": "{} start",
    "model_init": "{} start of the model",
    "retrain": "{} retraining",
    "loop_size": "{} loops",
    "stopping": "stopping by {}",
    "labeling": "labelling by {}",
    "training": "{} training schedule",
    "model": "the model {}",
}
"""A method as it is called in a label, by knob; methods of other knobs are called by their names."""
