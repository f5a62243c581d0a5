"""Leave out the alternatives that never work in an environment, before a search starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from altune.core.errors import FormatError
from altune.core.needs import Capabilities
from altune.core.registry import KNOBS, Method
from altune.models import Model
from altune.recipes.requirements import method_problems
from altune.recipes.space.domains import Choices
from altune.recipes.space.tree import MOST_VARIANTS, Alternative, Decision, Pick

Variant = tuple[Method, frozenset[Pick]]


def narrow_decisions(
    decisions: Mapping[str, Decision], capabilities: Capabilities
) -> tuple[dict[str, Decision], list[str]]:
    """Leave out alternatives that work with no model of the space, and models with which a knob has no alternative.

    Returns
    -------
    The remaining decisions, and one line with the reason for each alternative or choice that was left out.
    """
    left = dict(decisions)
    reasons: list[str] = []
    before = -1
    # A model that was left out may have been the only one that an alternative works with, and the other way round.
    while len(reasons) != before:
        before = len(reasons)
        left["model"] = _narrow_models(left, (), capabilities, reasons)
        models = _representatives(left["model"])
        for knob in KNOBS:
            left[knob] = _narrow_knob(left[knob], models, capabilities, reasons)
        left["model"] = _narrow_models(left, KNOBS, capabilities, reasons)
    return left, reasons


def _narrow_knob(decision: Decision, models: list[Model], capabilities: Capabilities, reasons: list[str]) -> Decision:
    knob = decision.knob
    kept: list[Alternative] = []
    refused: list[str] = []
    for alternative in decision.alternatives:
        path = f"{knob}.{alternative.label}"
        if alternative.count_variants() > MOST_VARIANTS:
            kept.append(alternative)
            continue
        variants = list(alternative.variants(path))
        working = [variant for variant in variants if _works(variant[0], models, capabilities)]
        if working:
            lost = _lost_picks(decision, variants, working)
            reasons.extend(
                f"{inner} is left out: {_reason(method, models, capabilities)}" for inner, method in lost.items()
            )
            picks: frozenset[Pick] = frozenset().union(*(used for _, used in working))
            kept.append(alternative.keep(picks, path) if lost else alternative)
        else:
            refused.append(f"{path} is left out: {_reason(variants[0][0], models, capabilities)}")
    reasons.extend(refused)
    return _left(decision, kept, refused)


def _narrow_models(
    decisions: Mapping[str, Decision], knobs: tuple[str, ...], capabilities: Capabilities, reasons: list[str]
) -> Decision:
    kept: list[Alternative] = []
    refused: list[str] = []
    for alternative in decisions["model"].alternatives:
        problem = _model_problem(alternative, decisions, knobs, capabilities)
        if problem is None:
            kept.append(alternative)
        else:
            refused.append(f"model.{alternative.label} is left out: {problem}")
    reasons.extend(refused)
    return _left(decisions["model"], kept, refused)


def _left(decision: Decision, kept: list[Alternative], refused: list[str]) -> Decision:
    if not kept:
        why = "; ".join(line.replace(" is left out: ", ": ") for line in refused)
        raise FormatError(f"no alternative works: {why}", path=decision.knob)
    return replace(decision, alternatives=tuple(kept))


def _model_problem(
    alternative: Alternative, decisions: Mapping[str, Decision], knobs: tuple[str, ...], capabilities: Capabilities
) -> str | None:
    models = _representatives(Decision("model", (alternative,)))
    able = [model for model in models if not method_problems(model, model, capabilities)]
    if not able:
        return _reason(models[0], models[:1], capabilities)
    for knob in knobs:
        if not any(_works(method, able, capabilities) for method, _ in _some_variants(decisions[knob])):
            first = next(_some_variants(decisions[knob]))[0]
            return _reason(first, able, capabilities)
    return None


def _some_variants(decision: Decision) -> Iterator[Variant]:
    for alternative in decision.alternatives:
        path = f"{decision.knob}.{alternative.label}"
        if alternative.count_variants() > MOST_VARIANTS:
            yield alternative.typical(), frozenset()
        else:
            yield from alternative.variants(path)


def _representatives(decision: Decision) -> list[Model]:
    return [method for method, _ in _some_variants(decision) if isinstance(method, Model)]


def _works(method: Method, models: list[Model], capabilities: Capabilities) -> bool:
    return any(not method_problems(method, model, capabilities) for model in models)


def _reason(method: Method, models: list[Model], capabilities: Capabilities) -> str:
    problems = list(dict.fromkeys(method_problems(method, model, capabilities)[0] for model in models))
    more = f", and so on for the {len(problems) - 1} other models" if len(problems) > 1 else ""
    return problems[0].removeprefix(f"{method.knob}: ") + more


def _lost_picks(decision: Decision, variants: list[Variant], working: list[Variant]) -> dict[str, Method]:
    """Return the paths that no working variant uses, each with a method that shows why."""
    alive = frozenset[Pick]().union(*(picks for _, picks in working))
    lost: dict[str, Method] = {}
    for method, picks in variants:
        for path, choice in sorted(picks - alive, key=str):
            lost.setdefault(_shown(decision, path, choice), method)
    below = tuple(f"{path}." for path in lost)
    return {path: method for path, method in lost.items() if not path.startswith(below)}


def _shown(decision: Decision, path: str, choice: str | int) -> str:
    node = decision.find(path, decision.knob)
    if isinstance(node, Choices) and isinstance(choice, int):
        return f"{path}: {node.values[choice]}"
    return f"{path}.{choice}"
