"""The search space: a recipe with its choices left open, from YAML to Optuna's trial to a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.errors import FormatError
from altune.models import Model
from altune.plain import canonical_digest, check_keys
from altune.recipe import BASELINES, DEFAULTS, Recipe
from altune.registry import FIELDS, Method, parse_method
from altune.requirements import Facts
from altune.space.domains import stored_choice
from altune.space.forbidding import Rule, describe_rule, matching_rule, narrowed_rules, plain_rule, read_rules
from altune.space.given import GivenTrial
from altune.space.narrowing import narrow_decisions
from altune.space.reading import read_decision
from altune.space.shipped import find_space
from altune.space.tree import Decision, merged
from altune.yaml import read_yaml, write_yaml

if TYPE_CHECKING:
    from optuna.trial import BaseTrial


@dataclass(frozen=True, eq=False)
class SearchSpace:
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

    decisions: Mapping[str, Decision]
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
        """Read a space from plain values; ``file`` is named in errors.

        Raises
        ------
        FormatError
            At the exact place, such as ``query_strategy[1].beta``.
        """
        try:
            check_keys(mapping, ("version", "name", *FIELDS, "baselines", "forbid"))
            decisions = {knob: read_decision(knob, mapping[knob], knob) for knob in FIELDS if knob in mapping}
            baselines = _read_baselines(mapping.get("baselines"))
            return cls(decisions, mapping.get("name"), baselines, read_rules(mapping.get("forbid"), decisions))
        except FormatError as error:
            raise error.within(file=file) from None

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

    @property
    def open_paths(self) -> list[str]:
        """The Optuna names of all that a search may decide."""
        return [path for knob, decision in self.decisions.items() for path in decision.open_paths(knob)]

    @property
    def n_open(self) -> int:
        """Number of Optuna parameters, those inside alternatives included."""
        return len(self.open_paths)

    def is_open(self, knob: str) -> bool:
        """Return whether anything of a knob, or of ``model``, is left open."""
        return knob in self.decisions and bool(self.decisions[knob].open_paths(knob))

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
        base = self.base_recipe()
        recipes = {}
        for name, part in {**BASELINES, **self.baselines}.items():
            own = {
                knob: value
                for knob, value in part.items()
                if name in self.baselines or getattr(base, knob).method != value["method"]
            }
            recipes[name] = base.replace(name=name, **own)
        return recipes

    def suggest(self, trial: BaseTrial | GivenTrial) -> Recipe:
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

    def check_draw(self, recipe: Recipe, facts: Facts, params: Mapping[str, Any] | None = None) -> str | None:
        """Return why a drawn recipe must not be played, None where it may.

        Either a knob needs what the drawn model or the world does not offer, or a rule of ``forbid`` matches.
        Give the trial's ``params`` where named alternatives overlap, so that it is known which one was drawn.
        """
        problems = recipe.problems(facts)
        if problems:
            return problems[0]
        for found in self._assignments(recipe) if self.forbid else ():
            rule = matching_rule(self.forbid, found)
            if rule is not None and (params is None or self._stored(found) == dict(params)):
                return f"the space forbids {describe_rule(rule)}"
        return None

    def narrow(self, facts: Facts) -> tuple[SearchSpace, list[str]]:
        """Leave out the alternatives that can never work with any model of the space in a world.

        Returns
        -------
        The space that is left, and one line with its reason for each alternative left out.

        Raises
        ------
        FormatError
            If a knob has no alternative left.
        """
        every = {knob: self.decisions.get(knob, _default(knob)) for knob in FIELDS}
        left, reasons = narrow_decisions(every, facts)
        decisions = {knob: left[knob] for knob in self.decisions}
        return replace(self, decisions=decisions, forbid=narrowed_rules(self.forbid, decisions)), reasons

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
            decisions[knob] = _closed(parse_method(knob, value, knob))
        ordered = {knob: decisions[knob] for knob in FIELDS if knob in decisions}
        return replace(self, decisions=ordered, forbid=narrowed_rules(self.forbid, ordered))

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

    def _assignments(self, recipe: Recipe) -> Iterator[dict[str, Any]]:
        decisions = {knob: self.decisions.get(knob, _default(knob)) for knob in FIELDS}
        return merged(decision.locate(getattr(recipe, knob), knob) for knob, decision in decisions.items())

    def _stored(self, assignment: Mapping[str, Any]) -> dict[str, Any]:
        open_paths = set(self.open_paths)
        return {path: stored_choice(value) for path, value in assignment.items() if path in open_paths}


def _default(knob: str) -> Decision:
    return _closed(parse_method(knob, DEFAULTS[knob]))


def _closed(method: Method) -> Decision:
    return read_decision(method.knob, method, method.knob)


def _read_baselines(value: Any) -> dict[str, dict[str, Any]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise FormatError("must be a mapping of names to recipes", path="baselines", value=value)
    read: dict[str, dict[str, Any]] = {}
    for name, part in value.items():
        path = f"baselines.{name}"
        if not isinstance(part, Mapping):
            raise FormatError("must be a mapping of knobs to methods", path=path, value=part)
        try:
            recipe = Recipe.from_dict(part)
        except FormatError as error:
            raise error.within(path=path) from None
        read[str(name)] = {knob: getattr(recipe, knob).to_dict() for knob in FIELDS if knob in part}
    return read
