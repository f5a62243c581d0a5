"""The search space: a recipe with open choices, from which an Optuna trial draws recipes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from altune.core.errors import FormatError, did_you_mean
from altune.core.files import check_keys
from altune.core.formats import RECIPE_FORMAT
from altune.core.needs import Capabilities
from altune.core.plain import home_path
from altune.core.plain_model import as_fields
from altune.core.registry import FIELDS, Method, parse_method
from altune.core.yaml import read_yaml, write_yaml
from altune.knobs.loop_size import LoopSize
from altune.models import Model
from altune.recipes.recipe import Recipe
from altune.recipes.space.assignments import Assignments
from altune.recipes.space.baselines import complete_baselines, read_baselines
from altune.recipes.space.changes import shown
from altune.recipes.space.domains import SuggestingTrial, stored_choice
from altune.recipes.space.editing import default_decision, in_order, read_settings, with_setting
from altune.recipes.space.equals import without_equals
from altune.recipes.space.forbidding import Rule, describe_rule, matching_rule, narrowed_rules, plain_rule, read_rules
from altune.recipes.space.given import GivenTrial
from altune.recipes.space.including import INCLUDE, Source, read_included
from altune.recipes.space.narrowing import narrow_decisions
from altune.recipes.space.origin import content_digest, fixed_step, origin_of, read_revision
from altune.recipes.space.reading import read_decision
from altune.recipes.space.shipped import find_space
from altune.recipes.space.tree import Decision, merged

_HEAD = ("version", "name", "revision", INCLUDE)


@dataclass(frozen=True, eq=False)
class SearchSpace(Assignments):
    """What a search may decide, and what it holds fixed.

    Attributes
    ----------
    decisions : one for each knob that the space names, and for ``model`` if it names it; others have their defaults.
    name : name of the space, None if it has none.
    baselines : recipes to compare with, each as the knobs that define it.
    forbid : combinations that are never played.
    revision : number of the revision of a space that changes over time, 1 or more.
    origin : how the space was asked for: the name of a shipped one or a hash of its file, then each change of it. It
        stays the same if a shipped space changes. Empty for a space made in Python.
    merges : whether alternatives that are equal for two classes are left out, as runs do since spaces have revisions.

    Examples
    --------
    >>> space = SearchSpace.from_dict({"query_strategy": ["random", "margin"]})
    >>> space.recipe_at({"query_strategy": "margin"}).query_strategy.method
    'margin'
    """

    name: str | None = None
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    forbid: tuple[Rule, ...] = ()
    revision: int = 1
    origin: tuple[str, ...] = ()
    merges: bool = True

    @classmethod
    def load(cls, name_or_path: str | Path) -> SearchSpace:
        """Read a search space that altune ships by its name, or any other one from a YAML file."""
        path = find_space(home_path(name_or_path, "space"))
        space = cls.from_dict(read_yaml(path), str(path))
        return space if space.name is not None else replace(space, name=path.stem)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any], file: str = "") -> SearchSpace:
        """Read a search space from a mapping.

        Parameters
        ----------
        mapping : plain values as in a file. It may also have methods, :class:`altune.recipes.space.Range` and
            :class:`altune.recipes.space.Choices`, recipes as baselines, and tuples in place of lists.
        file : the file of the mapping, for errors. Included files are relative to its folder, or to the working
            directory if it is empty.

        Raises
        ------
        FormatError
            With the path of what is wrong, such as ``query_strategy[1].beta``.
        """
        return _read_space(mapping, file, Source.of(file))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that read back to an equal space."""
        plain: dict[str, Any] = {"version": RECIPE_FORMAT}
        if self.name is not None:
            plain["name"] = self.name
        if self.revision > 1:
            plain["revision"] = self.revision
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
        """Return a stable hash of the space without its name and revision, as 32 hexadecimal digits."""
        return content_digest(self.to_dict())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.digest())

    def fixed(self) -> dict[str, Method]:
        """Return the methods of the knobs that the space names and fixes completely."""
        return {knob: method for knob, method in self._single().items() if not self.is_open(knob)}

    def base_recipe(self) -> Recipe:
        """Return the recipe on which baselines are based: what the space fixes, and defaults for the rest.

        A knob with a single alternative has its method and fixed parameters; open parameters have their defaults.
        """
        return Recipe.from_dict(self._single())

    def baseline_recipes(self, *capabilities: Capabilities) -> dict[str, Recipe]:
        """Return the recipes to compare with: the built-in ones and those of the space.

        Parameters
        ----------
        capabilities : what the environment of each data set offers; without it the recommended recipe is left out.
        """
        return self.baselines_for(*capabilities)[0]

    def baselines_for(self, *capabilities: Capabilities) -> tuple[dict[str, Recipe], list[str]]:
        """Return :meth:`baseline_recipes`, and one line for each part of the recommended one that cannot work."""
        return complete_baselines(self.base_recipe(), self.baselines, capabilities)

    def suggest(self, trial: SuggestingTrial) -> Recipe:
        """Ask an Optuna trial for all open choices and return the recipe."""
        return Recipe.from_dict({knob: decision.suggest(trial, knob) for knob, decision in self.decisions.items()})

    def recipe_at(self, params: Mapping[str, Any]) -> Recipe:
        """Return the recipe of Optuna parameters."""
        trial = GivenTrial(params)
        recipe = self.suggest(trial)
        trial.refuse_unasked()
        return recipe

    def params_of(self, recipe: Recipe) -> dict[str, Any] | None:
        """Return the Optuna parameters of a recipe, None if it is not in the space."""
        assignment = next(self._assignments(recipe), None)
        return None if assignment is None else self._stored(assignment)

    def check_draw(
        self, recipe: Recipe, capabilities: Capabilities, params: Mapping[str, Any] | None = None
    ) -> str | None:
        """Return why a drawn recipe may not be played, None if it may.

        Either a knob needs what the model or the environment does not offer, or a rule of ``forbid`` matches. The
        trial's ``params`` tell which alternative was drawn where several give the same recipe.
        """
        problems = recipe.problems(capabilities)
        if problems:
            return problems[0]
        for assignment in self._assignments(recipe) if self.forbid else ():
            rule = matching_rule(self.forbid, assignment)
            if rule is not None and (params is None or self._stored(assignment) == dict(params)):
                return f"the space forbids {describe_rule(rule)}"
        return None

    def narrow(self, *capabilities: Capabilities) -> tuple[SearchSpace, list[str]]:
        """Leave out alternatives that do not work in an environment with any model of the space, and equal ones.

        Parameters
        ----------
        capabilities : what the environment of each data set offers. If all have two classes, strategies that then
            select the same rows are left out but one.

        Returns
        -------
        The remaining space, and one line with the reason for each alternative that was left out.

        Raises
        ------
        FormatError
            If no alternative of a knob remains.
        """
        every = {knob: self.decisions.get(knob, default_decision(knob)) for knob in FIELDS}
        reasons: list[str] = []
        for offered in capabilities:
            every, lines = narrow_decisions(every, offered)
            reasons += lines
        left = self._with({knob: every[knob] for knob in self.decisions})
        if self.merges and {offered.n_classes for offered in capabilities} == {2}:
            merged_decisions, lines = without_equals(left.decisions, left.forbid)
            left, reasons = left._with(merged_decisions), reasons + lines
        return left, list(dict.fromkeys(reasons))

    def spends_all(self) -> bool:
        """Return whether every recipe buys the whole budget in all loops: no other size of loops, no stopping rule."""
        loops, stopping = (self.decisions.get(knob, default_decision(knob)) for knob in ("loop_size", "stopping"))
        return all(method.method == "budget" for method, _ in stopping.variants("stopping")) and all(
            isinstance(method, LoopSize) and method.uses_all_loops for method, _ in loops.variants("loop_size")
        )

    def with_fixed(self, **methods: Any) -> SearchSpace:
        """Return the space with some knobs, or the model, fixed.

        Raises
        ------
        FormatError
            If the space opens one of them.
        """
        decisions = dict(self.decisions)
        for knob, value in methods.items():
            if self.is_open(knob):
                raise FormatError(f"the space opens {knob}, so it cannot be fixed as well", path=knob)
            decisions[knob] = read_decision(knob, parse_method(knob, value, knob), knob)
        steps = [fixed_step(knob, decisions[knob].to_plain()) for knob in methods]
        return self._with(in_order(decisions))._after(*steps)

    def close(self, knob: str) -> SearchSpace:
        """Return the space with a knob fixed to its method in :meth:`base_recipe`.

        Examples
        --------
        >>> SearchSpace.load("standard").close("query_strategy").fixed()["query_strategy"].method
        'margin'
        """
        if knob not in FIELDS:
            raise FormatError(f"no knob {knob!r}; {did_you_mean(knob, FIELDS)}", value=knob)
        method = getattr(self.base_recipe(), knob)
        closed = in_order({**self.decisions, knob: read_decision(knob, method, knob)})
        return self._with(closed)._after(f"{knob} is closed")

    def set_values(self, settings: Iterable[str] | Mapping[str, Any]) -> SearchSpace:
        """Return the space with some choices fixed, opened or replaced.

        Parameters
        ----------
        settings : texts ``PATH=VALUE`` with VALUE in YAML, or a mapping of paths to values; they are applied in order.
            A path is an Optuna name, ``knob[.alternative[.parameter...]]``. A single alternative may be left out.

        Examples
        --------
        >>> space = SearchSpace.load("standard").set_values(["query_strategy=margin", "initial_sample.random.size=20"])
        >>> space.is_open("query_strategy"), space.to_dict()["initial_sample"][0]
        (False, {'method': 'random', 'size': 20})
        """
        decisions, steps = dict(self.decisions), []
        for path, value in read_settings(settings):
            decisions = with_setting(decisions, path, value)
            steps.append(f"{path} = {shown(value)}")
        return self._with(decisions)._after(*steps)

    def with_model(self, model: Model) -> SearchSpace:
        """Return the space with its model fixed, which is refused if the space opens ``model``."""
        return self.with_fixed(model=model)

    def describe(self) -> list[dict[str, str]]:
        """Return a table row for each decision: ``knob``, ``alternatives`` and the open ``parameters``."""
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

    def _single(self) -> dict[str, Method]:
        decisions = {knob: decision.alternatives for knob, decision in self.decisions.items()}
        return {knob: listed[0].typical() for knob, listed in decisions.items() if len(listed) == 1}

    def _with(self, decisions: Mapping[str, Decision]) -> SearchSpace:
        return replace(self, decisions=decisions, forbid=narrowed_rules(self.forbid, decisions))

    def _after(self, *steps: str) -> SearchSpace:
        """Return the space with changes added to its origin, if that is known."""
        return replace(self, origin=(*self.origin, *steps) if self.origin else ())

    def _assignments(self, recipe: Recipe) -> Iterator[dict[str, Any]]:
        decisions = {knob: self.decisions.get(knob, default_decision(knob)) for knob in FIELDS}
        return merged(decision.locate(getattr(recipe, knob), knob) for knob, decision in decisions.items())

    def _stored(self, assignment: Mapping[str, Any]) -> dict[str, Any]:
        open_paths = set(self.open_paths)
        return {path: stored_choice(value) for path, value in assignment.items() if path in open_paths}


def _read_space(mapping: Mapping[str, Any], file: str, source: Source) -> SearchSpace:
    try:
        mapping = as_fields(mapping, "a search space")
        check_keys(mapping, (*_HEAD, *FIELDS, "baselines", "forbid"))
        base = _included(mapping.get(INCLUDE), source)
        given = {knob: read_decision(knob, mapping[knob], knob) for knob in FIELDS if knob in mapping}
        decisions = in_order({**base.decisions, **given})
        rules = (*narrowed_rules(base.forbid, decisions), *read_rules(mapping.get("forbid"), decisions))
        baselines = {**base.baselines, **read_baselines(mapping.get("baselines"))}
        return SearchSpace(
            decisions,
            mapping.get("name"),
            baselines,
            _without_copies(rules),
            read_revision(mapping.get("revision", 1)),
            origin_of(file, mapping, base.origin) if file else (),
        )
    except FormatError as error:
        raise error if error.file else error.within(file=file) from None


def _included(value: Any, source: Source) -> SearchSpace:
    joined = SearchSpace({})
    for including_path, file in source.included(value):
        space = _read_space(read_included(including_path, file), str(file), source.step(file))
        joined = SearchSpace(
            {**joined.decisions, **space.decisions},
            baselines={**joined.baselines, **space.baselines},
            forbid=(*joined.forbid, *space.forbid),
            origin=(*joined.origin, *space.origin),
        )
    return joined


def _without_copies(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple(rule for index, rule in enumerate(rules) if rule not in rules[:index])
