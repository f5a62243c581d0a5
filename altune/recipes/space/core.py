"""The search space: a recipe with its choices left open, from YAML to Optuna's trial to a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from altune.core.errors import FormatError, did_you_mean
from altune.core.files import canonical_digest, check_keys
from altune.core.needs import Capabilities
from altune.core.registry import FIELDS, Method, parse_method
from altune.core.yaml import read_yaml, write_yaml
from altune.models import Model
from altune.recipes.recipe import Recipe
from altune.recipes.space.assignments import Assignments
from altune.recipes.space.baselines import complete_baselines, read_baselines
from altune.recipes.space.domains import stored_choice
from altune.recipes.space.editing import default_decision, in_order, read_settings, with_setting
from altune.recipes.space.forbidding import Rule, describe_rule, matching_rule, narrowed_rules, plain_rule, read_rules
from altune.recipes.space.given import GivenTrial
from altune.recipes.space.including import INCLUDE, Source, read_included
from altune.recipes.space.narrowing import narrow_decisions
from altune.recipes.space.reading import read_decision
from altune.recipes.space.shipped import find_space
from altune.recipes.space.tree import Decision, merged
from altune.recipes.space.trial import SuggestingTrial

_HEAD = ("version", "name", INCLUDE)


@dataclass(frozen=True, eq=False)
class SearchSpace(Assignments):
    """What a search may decide, and what it holds fixed.

    Attributes
    ----------
    decisions : one for each knob that the space names (and ``model``); the others keep their defaults.
    name : the space's name, None where it has none.
    baselines : recipes played beside the search, as the knobs that define each.
    forbid : combinations that are never played.

    Examples
    --------
    >>> space = SearchSpace.from_dict({"query_strategy": ["random", "margin"]})
    >>> space.recipe_at({"query_strategy": "margin"}).query_strategy.method
    'margin'
    """

    name: str | None = None
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    forbid: tuple[Rule, ...] = ()

    @classmethod
    def load(cls, name_or_path: str | Path) -> SearchSpace:
        """Read a space that altune ships, by name, or any YAML file, by path."""
        path = find_space(name_or_path)
        space = cls.from_dict(read_yaml(path), str(path))
        return space if space.name is not None else replace(space, name=path.stem)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any], file: str = "") -> SearchSpace:
        """Read a space from plain values, or one written in Python.

        Parameters
        ----------
        mapping : what a file would say. Beside plain values it may hold methods,
            :class:`altune.recipes.space.Range` and :class:`altune.recipes.space.Choices`, recipes as baselines, and
            tuples for lists.
        file : named in errors; what the space includes is looked for beside it, else in the working directory.

        Raises
        ------
        FormatError
            At the exact place, such as ``query_strategy[1].beta``.
        """
        return _read_space(mapping, file, Source.of(file))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that read back to an equal space."""
        plain: dict[str, Any] = {"version": 1}
        if self.name is not None:
            plain["name"] = self.name
        plain |= {knob: decision.to_plain() for knob, decision in self.decisions.items()}
        if self.baselines:
            plain["baselines"] = {name: dict(part) for name, part in self.baselines.items()}
        if self.forbid:
            plain["forbid"] = [plain_rule(rule) for rule in self.forbid]
        return plain

    def to_yaml(self) -> str:
        """Return the space as YAML."""
        return write_yaml(self.to_dict())

    def digest(self) -> str:
        """Return a stable hash, 32 hexadecimal digits; the space's name is no part of it."""
        return canonical_digest({key: value for key, value in self.to_dict().items() if key != "name"})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.digest())

    def fixed(self) -> dict[str, Method]:
        """Return the methods of the knobs that the space names and leaves wholly closed."""
        return {
            knob: decision.alternatives[0].typical()
            for knob, decision in self.decisions.items()
            if not self.is_open(knob)
        }

    def base_recipe(self) -> Recipe:
        """Return what baselines start from: all that the space fixes, else the defaults.

        A knob with one alternative takes its method and what is fixed in it; what is open takes its default.
        """
        single = {
            knob: decision.alternatives[0].typical()
            for knob, decision in self.decisions.items()
            if len(decision.alternatives) == 1
        }
        return Recipe.from_dict(single)

    def baseline_recipes(self) -> dict[str, Recipe]:
        """Return the recipes to compare with: random sampling, vanilla, and the file's own."""
        return complete_baselines(self.base_recipe(), self.baselines)

    def suggest(self, trial: SuggestingTrial) -> Recipe:
        """Ask an Optuna trial for all that is open and return the recipe."""
        return Recipe.from_dict({knob: decision.suggest(trial, knob) for knob, decision in self.decisions.items()})

    def recipe_at(self, params: Mapping[str, Any]) -> Recipe:
        """Return the recipe that Optuna parameters stand for.

        Raises
        ------
        FormatError
            If a parameter is missing, unknown or out of range.
        """
        trial = GivenTrial(params)
        recipe = self.suggest(trial)
        trial.refuse_unasked()
        return recipe

    def params_of(self, recipe: Recipe) -> dict[str, Any] | None:
        """Return the Optuna parameters that give a recipe, None where it lies outside of the space."""
        found = next(self._assignments(recipe), None)
        return None if found is None else self._stored(found)

    def check_draw(
        self, recipe: Recipe, capabilities: Capabilities, params: Mapping[str, Any] | None = None
    ) -> str | None:
        """Return why a drawn recipe must not be played, None where it may.

        Either a knob needs what the drawn model or the environment does not offer, or a rule of ``forbid`` matches.
        Give the trial's ``params`` where named alternatives overlap, so that it is known which one was drawn.
        """
        problems = recipe.problems(capabilities)
        if problems:
            return problems[0]
        for found in self._assignments(recipe) if self.forbid else ():
            rule = matching_rule(self.forbid, found)
            if rule is not None and (params is None or self._stored(found) == dict(params)):
                return f"the space forbids {describe_rule(rule)}"
        return None

    def narrow(self, capabilities: Capabilities) -> tuple[SearchSpace, list[str]]:
        """Leave out the alternatives that can never work with any model of the space in an environment.

        Returns
        -------
        The space that is left, and one line with its reason for each alternative left out.

        Raises
        ------
        FormatError
            If a knob has no alternative left.
        """
        every = {knob: self.decisions.get(knob, default_decision(knob)) for knob in FIELDS}
        left, reasons = narrow_decisions(every, capabilities)
        return self._with({knob: left[knob] for knob in self.decisions}), reasons

    def with_fixed(self, **methods: Any) -> SearchSpace:
        """Return the space with some knobs, or the model, fixed.

        Raises
        ------
        FormatError
            If the space leaves one of them open itself.
        """
        decisions = dict(self.decisions)
        for knob, value in methods.items():
            if self.is_open(knob):
                raise FormatError(f"the space leaves {knob} open, so it cannot be fixed as well", path=knob)
            decisions[knob] = read_decision(knob, parse_method(knob, value, knob), knob)
        return self._with(in_order(decisions))

    def close(self, knob: str) -> SearchSpace:
        """Return the space with a knob held at what :meth:`base_recipe` has for it.

        Raises
        ------
        FormatError
            If there is no such knob.

        Examples
        --------
        >>> SearchSpace.load("standard").close("query_strategy").fixed()["query_strategy"].method
        'margin'
        """
        if knob not in FIELDS:
            raise FormatError(f"no knob {knob!r}; {did_you_mean(knob, FIELDS)}", value=knob)
        method = getattr(self.base_recipe(), knob)
        return self._with(in_order({**self.decisions, knob: read_decision(knob, method, knob)}))

    def set_values(self, settings: Iterable[str] | Mapping[str, Any]) -> SearchSpace:
        """Return the space with some of it closed, opened or replaced, one setting after the other.

        Parameters
        ----------
        settings : texts ``PATH=VALUE`` with VALUE in YAML, or a mapping of paths to values. A path is an Optuna
            name, ``knob[.alternative[.parameter...]]``; the alternative may be left out where there is but one.

        Raises
        ------
        FormatError
            Placed at the path, with the nearest spelling.

        Examples
        --------
        >>> space = SearchSpace.load("standard").set_values(["query_strategy=margin", "initial_sample.random.size=20"])
        >>> space.is_open("query_strategy"), space.to_dict()["initial_sample"][0]
        (False, {'method': 'random', 'size': 20})
        """
        decisions = dict(self.decisions)
        for path, value in read_settings(settings):
            decisions = with_setting(decisions, path, value)
        return self._with(decisions)

    def with_model(self, model: Model) -> SearchSpace:
        """Return the space with its model fixed; refused where the space leaves ``model`` open itself."""
        return self.with_fixed(model=model)

    def describe(self) -> list[dict[str, str]]:
        """Return the rows of a table: ``knob``, ``alternatives`` and the ``parameters`` left open."""
        return [
            {
                "knob": knob,
                "alternatives": ", ".join(decision.labels),
                "parameters": ", ".join(
                    path.removeprefix(f"{knob}.") for path in decision.open_paths(knob) if path != knob
                ),
            }
            for knob, decision in self.decisions.items()
        ]

    def _with(self, decisions: Mapping[str, Decision]) -> SearchSpace:
        return replace(self, decisions=decisions, forbid=narrowed_rules(self.forbid, decisions))

    def _assignments(self, recipe: Recipe) -> Iterator[dict[str, Any]]:
        decisions = {knob: self.decisions.get(knob, default_decision(knob)) for knob in FIELDS}
        return merged(decision.locate(getattr(recipe, knob), knob) for knob, decision in decisions.items())

    def _stored(self, assignment: Mapping[str, Any]) -> dict[str, Any]:
        open_paths = set(self.open_paths)
        return {path: stored_choice(value) for path, value in assignment.items() if path in open_paths}


def _read_space(mapping: Mapping[str, Any], file: str, source: Source) -> SearchSpace:
    try:
        check_keys(mapping, (*_HEAD, *FIELDS, "baselines", "forbid"))
        base = _included(mapping.get(INCLUDE), source)
        own = {knob: read_decision(knob, mapping[knob], knob) for knob in FIELDS if knob in mapping}
        decisions = in_order({**base.decisions, **own})
        rules = (*narrowed_rules(base.forbid, decisions), *read_rules(mapping.get("forbid"), decisions))
        baselines = {**base.baselines, **read_baselines(mapping.get("baselines"))}
        return SearchSpace(decisions, mapping.get("name"), baselines, _without_copies(rules))
    except FormatError as error:
        raise error if error.file else error.within(file=file) from None


def _included(value: Any, source: Source) -> SearchSpace:
    merged_space = SearchSpace({})
    for place, path in source.included(value):
        part = _read_space(read_included(place, path), str(path), source.step(path))
        merged_space = SearchSpace(
            {**merged_space.decisions, **part.decisions},
            baselines={**merged_space.baselines, **part.baselines},
            forbid=(*merged_space.forbid, *part.forbid),
        )
    return merged_space


def _without_copies(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple(rule for place, rule in enumerate(rules) if rule not in rules[:place])
