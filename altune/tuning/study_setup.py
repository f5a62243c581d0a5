"""The setup of a study: what is searched, on which blocks and by which sampler, checked before anything is played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from altune.core.errors import RequestError
from altune.core.needs import Capabilities
from altune.core.registry import find_method
from altune.core.text import join_words
from altune.recipes.recipe import RECOMMENDED, Recipe
from altune.recipes.space import SearchSpace
from altune.recipes.space.placing import Task
from altune.simulation.environment import Environment
from altune.simulation.scenario import Scenario
from altune.tuning.ablation import trajectories_to_ablate
from altune.tuning.away import STAGE, away_blocks, trajectories_away
from altune.tuning.confirmation import trajectories_to_confirm
from altune.tuning.first_trials import FirstTrials, first_trials
from altune.tuning.header import make_header, resumed_words, settings_to_resume, space_to_resume, stored_first
from altune.tuning.judging import REFERENCE, Across, check_several, needs_references, parse_across
from altune.tuning.learned import remarks_of
from altune.tuning.merit import BASELINE_BLOCKS, MOST_BLOCKS, blocks_words
from altune.tuning.narrowed_space import AlsoFor, also_for, narrow_space, stored_also_for
from altune.tuning.own_code import own_code, unknown_lines
from altune.tuning.played import ConfirmationBlocks
from altune.tuning.preference import Preference
from altune.tuning.proposals import Proposer, is_playable
from altune.tuning.racing import Racing
from altune.tuning.record import VANILLA
from altune.tuning.samplers import SamplerPlan
from altune.tuning.samplers.choosing import REPLAYED
from altune.tuning.search_blocks import SearchBlocks
from altune.tuning.search_rows import search_rows_notes, with_search_rows
from altune.tuning.settings import USUAL_BLOCKS, Settings

if TYPE_CHECKING:
    from altune.knobs.stopping import Stopping

THRIFTY = ("net_value", "labels", "cost", "loops")
"""Objectives that improve by fewer labels or loops."""
PLAYED_AGAIN = 3
"""Report blocks on which the confirmed recipe is played again, to record more of its loops than its curves hold."""
SHARED = "workers share the study"
"""Why recipes cannot get blocks by merit in a shared study: workers come and go, so there are no batches."""
STATELESS = ("tpe", "random", "qmc", "grid")
"""Samplers that keep no state of their own. Mean ranks change with each trial, which would spoil such a state."""


class StudySetup:
    """What a study is made of.

    Parameters
    ----------
    environments : environment of each data set.
    space : search space.
    settings : sizes and seed.
    why_fixed : why recipes cannot get blocks by merit, if that is not due to the setup itself.
    first : the first trials of a stored study; None to take them from the portfolio that altune ships.
    away : environment of each data set on which the recipe is confirmed without being searched there.
    also : what other data sets offer on which all recipes must work; by default what those away offer.

    Attributes
    ----------
    environments : environment of each data set, with the rows of its search blocks.
    given_space : the space as it was given.
    space : the space without the alternatives that cannot work in every environment, those away included.
    left_out : one line for each alternative that was left out.
    baselines : recipes of the baselines, by name.
    why_fixed : why recipes cannot get blocks by merit, empty if they do or that was not asked for.
    search_blocks : order of the search blocks.
    across : how several data sets are averaged.
    preference : how to choose among several objectives, None if nothing was given.
    first : the first trials, which come from the portfolio.

    Raises
    ------
    RequestError
        If the parts of the setup do not fit each other.
    """

    def __init__(
        self,
        environments: Sequence[Environment],
        space: SearchSpace,
        settings: Settings,
        *,
        why_fixed: str = "",
        first: FirstTrials | None = None,
        away: Sequence[Environment] = (),
        also: Sequence[AlsoFor] | None = None,
    ) -> None:
        self.environments = with_search_rows(environments, settings.search_rows)
        self.settings = settings
        self.across: Across = parse_across(settings.across)
        check_several(self.data_sets, self.scenario, self.across)
        self.given_space = space
        self.away = tuple(away)
        self.also = also_for(environments, away) if also is None else tuple(also)
        self.space, self.left_out = narrow_space(space, self.capabilities, self.also)
        self.baselines, self._gave_way = self.space.baselines_for(*self.capabilities)
        self.first = self._first_trials() if first is None else first
        self._given_why_fixed = why_fixed
        self.why_fixed = (why_fixed or self._why_fixed()) if settings.n_blocks is None else ""
        if self.why_fixed:
            self.settings = replace(settings, n_blocks=USUAL_BLOCKS)
        self.search_blocks = self._search_blocks()
        names = self.scenario.objective_names
        self.preference = None if settings.prefer is None else Preference.parse(settings.prefer, names)
        limit, n_usual = settings.n_simulations, self.search_blocks.n_usual
        if limit is not None and limit < n_usual and not self.search_blocks.by_merit:
            raise RequestError(
                f"n_simulations is {limit}, too few for one trial, which is played on {n_usual} blocks; give more, or "
                "fewer blocks (--simulations, --blocks)"
            )
        rules = settings.racing_rules
        rules.check(self.search_blocks.n_usual, names, self.scenario.over, self.scenario.risk)

    @property
    def data_sets(self) -> list[str]:
        """Name of each data set."""
        return [environment.dataset.name for environment in self.environments]

    @property
    def scenario(self) -> Scenario:
        """Scenario of the first data set; the others have the same objectives and constraints."""
        return self.environments[0].scenario

    @property
    def capabilities(self) -> list[Capabilities]:
        """What the environment of each data set offers."""
        return [environment.capabilities for environment in self.environments]

    @property
    def all_capabilities(self) -> list[Capabilities]:
        """What a recipe must be able to work with: the environments of the search, and those away."""
        return [*self.capabilities, *(other.capabilities for other in self.also)]

    @property
    def n_trials(self) -> int:
        """Number of trials that the search will have: those asked for, or fewer if the grid or the plays end before."""
        limits = [self.settings.n_trials, self.sampler_plan().most_trials]
        if self.settings.n_simulations is not None:
            limits.append(self.search_blocks.trials_within(self.settings.n_simulations, self.settings.batch))
        return min(limit for limit in limits if limit is not None)

    @property
    def n_simulations(self) -> int:
        """Largest number of plays of the search."""
        most = self.search_blocks.plays_left(self.n_trials, 0, self.settings.batch)
        limit = self.settings.n_simulations
        return most if limit is None else min(most, limit)

    def baseline_blocks(self, name: str) -> range:
        """Return the positions of the search blocks on which a baseline is played.

        Those are all of them, but a few where recipes get blocks by merit and no value is measured against it.
        """
        blocks = self.search_blocks
        if not blocks.by_merit or (name == REFERENCE and needs_references(self.scenario, 1)):
            return range(len(blocks))
        return range(BASELINE_BLOCKS)

    def baselines_on(self, environment: Environment) -> dict[str, Recipe]:
        """Return the baselines as a search on a data set away would have them."""
        return self.space.baseline_recipes(environment.capabilities)

    def check(self, confirm: bool) -> None:
        """Refuse what cannot work, before anything is written.

        Raises
        ------
        RequestError
            If a baseline cannot work, the sampler cannot search the space, or blocks to confirm on are missing.
        """
        if self.away and not confirm:
            raise RequestError(
                "a recipe is confirmed on other data only after it was confirmed at home; leave out confirm_on "
                "(--confirm-on) or confirm=False (--no-confirm)"
            )
        for environment in self.environments:
            for name, recipe in self.baselines.items():
                environment.require(recipe, f"the baseline {name}")
        for environment in self.away:
            for name, recipe in self.baselines_on(environment).items():
                if problems := recipe.problems(environment.capabilities):
                    raise RequestError(
                        f"the recipe cannot be confirmed on {environment.dataset.name}, as the baseline {name} does "
                        f"not work there: {problems[0]}"
                    )
        self.sampler_plan()
        explicit = [environment.explicit for environment in self.environments if environment.explicit]
        if confirm and any(not blocks.get("select") or len(blocks.get("report", [])) < 2 for blocks in explicit):
            raise RequestError(
                "the explicit blocks need `select` blocks and two or more `report` blocks; give them, or confirm=False "
                "(--no-confirm)"
            )

    def lines(self) -> list[str]:
        """Return what there is to know before the search, one line each: notes and what was left out."""
        return [*self.notes(), *self.left_out]

    def _first_trials(self) -> FirstTrials:
        task = Task(self.scenario.labels, max(offered.n_classes for offered in self.capabilities))
        settings = self.settings
        return first_trials(
            self.space, self.all_capabilities, self.data_sets, task, settings.sampler, settings.portfolio
        )

    def _why_fixed(self) -> str:
        """Return why recipes cannot get blocks by merit, empty if they can."""
        scenario, settings = self.scenario, self.settings
        reasons = {
            "several data sets share the search": len(self.environments) > 1,
            "there are several objectives": len(scenario.objective_names) > 1,
            "there are constraints": bool(scenario.constraints),
            f"the objective is {scenario.risk} over blocks": scenario.risk != "mean",
            "the blocks are given": any(environment.explicit for environment in self.environments),
            "trials race, pause at rungs or get leader blocks": settings.racing_rules != Racing(),
            f"the sampler {settings.sampler} keeps a state of its own": settings.sampler in REPLAYED,
        }
        return next((reason for reason, applies in reasons.items() if applies), "")

    def notes(self) -> list[str]:
        """Return advice about the environments, the search space and the blocks, one line each."""
        advice = [line for environment in self.environments for line in environment.advice()]
        rows = search_rows_notes(self.environments, self.settings.search_rows)
        fixed = f"each trial is played on {USUAL_BLOCKS} blocks, not on more the better it does: {self.why_fixed}"
        blocks = [fixed] if self.why_fixed else []
        none = [f"no trial comes from the portfolio: {self.first.why_none}"] if self.first.why_none else []
        learned = remarks_of(self.space, self.environments)
        unknown = unknown_lines(own_code(self.space))
        parts = (rows, self._gave_way, none, self._upper_bounds(), learned, unknown, self._idle_objectives(), blocks)
        return [*dict.fromkeys(advice), *(line for part in parts for line in part)]

    def _upper_bounds(self) -> list[str]:
        decision = self.space.decisions.get("initial_sample")
        return [
            f"initial_sample {alternative.method!r} uses labels that were not paid for: its results are an upper bound"
            for alternative in (decision.alternatives if decision is not None else ())
            if getattr(find_method("initial_sample", alternative.method), "uses_oracle", False)
        ]

    def _idle_objectives(self) -> list[str]:
        """Return a line if an objective rewards spending less, and every recipe of the space spends the same."""
        names = [name for name in self.scenario.objective_names if name in THRIFTY]
        if not names or not self.space.spends_all():
            return []
        return [
            f"every recipe of the space {self.space.name or 'given'} spreads the whole budget over all loops, so "
            f"{join_words(names)} can hardly gain by fewer labels or loops"
            f"{', and net_value ranks much as final_score does' if 'net_value' in names else ''}; --space costs opens "
            "the number of loops and the stopping rule"
        ]

    def sampler_plan(self) -> SamplerPlan:
        """Return the plan that gives the sampler of each trial.

        Raises
        ------
        RequestError
            If the sampler cannot search this space.
        """
        sampler = self.settings.sampler
        if self.across == "ranks" and len(self.environments) > 1 and sampler not in STATELESS:
            raise RequestError(f"--across ranks needs one of the samplers {', '.join(STATELESS)}, not {sampler}")
        return SamplerPlan(
            sampler,
            self.space,
            self.settings.seed,
            partial(is_playable, self.space, self.all_capabilities),
            n_objectives=len(self.scenario.objective_names),
            constraints=bool(self.scenario.constraints),
            first=self.first.params,
        )

    def proposer(self) -> Proposer:
        """Return what draws recipes from the space."""
        return Proposer(self.space, self.all_capabilities, self.sampler_plan())

    def resumed(self, header: Mapping[str, Any]) -> StudySetup:
        """Return the setup with what a stored study was begun with, if it was asked for in the same way.

        That are the space and the blocks of a trial, and on which data sets away its recipes must work; what was asked
        for in another way stays as it is here.
        """
        stored = space_to_resume(header, self.given_space)
        space = self.given_space if stored is None else stored
        settings = settings_to_resume(header, self.settings)
        first, also = stored_first(header), stored_also_for(header)
        same_space = space == self.given_space and space.merges == self.given_space.merges and also == self.also
        if same_space and settings == self.settings and first == self.first:
            return self
        return StudySetup(
            self.environments,
            space,
            settings,
            why_fixed=self._given_why_fixed,
            first=first,
            away=self.away,
            also=also,
        )

    def resumed_lines(self, asked: StudySetup) -> list[str]:
        """Return in what a resumed setup continues with what its study stored, other than what would be new now."""
        lines = []
        if self.given_space != asked.given_space:
            lines.append(resumed_words(self.given_space, asked.given_space))
        if missing := [other.data for other in asked.also if other.capabilities not in self.all_capabilities]:
            lines.append(
                f"this run was started without {join_words(missing)}, so its recipe need not work there; it is "
                "confirmed there if it does"
            )
        blocks, now = (blocks_words(setup.settings.n_blocks) for setup in (self, asked))
        if blocks != now:
            lines.append(
                f"each trial is played on {blocks}, as when this run was started; a new run would play it on {now} "
                "(--blocks)"
            )
        return lines

    def header(self) -> dict[str, Any]:
        """Return everything that must stay the same if the study is resumed."""
        return make_header(self.environments, self.given_space, self.settings, first=self.first, also=self.also)

    def trajectories(self, confirm: bool, ablation: bool = False) -> dict[str, int]:
        """Return the largest number of trajectories of each stage."""
        blocks = self.confirmation_blocks() if confirm else []
        n_candidates = min(self.settings.select_among, self.settings.n_trials)
        away = away_blocks(self.away, self.settings) if confirm else []
        return {
            "baselines": sum(len(self.baseline_blocks(name)) for name in self.baselines),
            "search": self.n_simulations,
            "confirmation": trajectories_to_confirm(n_candidates, len(self.baselines), blocks),
            **({STAGE: trajectories_away(len(self.baselines), away)} if away else {}),
            "examination": sum(min(PLAYED_AGAIN, len(data_set.report)) for data_set in blocks),
            "ablation": trajectories_to_ablate(self._most_changes() if ablation else 0, blocks),
        }

    def confirmation_blocks(self, settings: Settings | None = None) -> list[ConfirmationBlocks]:
        """Return the fresh blocks of each data set, in the numbers that settings say; by default the study's own."""
        sizes = self.settings if settings is None else settings
        return [
            ConfirmationBlocks(
                environment,
                environment.blocks("select", sizes.select_blocks),
                environment.blocks("report", sizes.most_report_blocks),
            )
            for environment in self.environments
        ]

    def shared_rules(self) -> list[Stopping]:
        """Return the stopping rules that are worth recording together in one trajectory.

        That pays off where the space has so few other combinations that trials share them.
        """
        decision = self.space.decisions.get("stopping")
        if decision is None or not self.space.is_open("stopping"):
            return []
        n_others = self.space.close("stopping").count()
        if n_others is None or n_others > self.settings.n_trials / 2:
            return []
        rules: list[Stopping] = [alternative.typical() for alternative in decision.alternatives]  # type: ignore[misc]
        return [rule for rule in rules if rule.method != "budget" and not rule.held_out_rows]

    def _search_blocks(self) -> SearchBlocks:
        settings = self.settings
        if settings.leader_blocks and any(environment.explicit for environment in self.environments):
            raise RequestError("leader blocks need drawn blocks; leave out leader_blocks (--leader-blocks) or --splits")
        if settings.leader_blocks and self.across == "ranks" and len(self.environments) > 1:
            raise RequestError("ranks need all trials on the same blocks; leave out leader_blocks or --across ranks")
        if settings.n_blocks is None:
            if settings.batch > MOST_BLOCKS:
                raise RequestError(
                    f"batch must be {MOST_BLOCKS} or less where recipes get blocks by merit, not {settings.batch}; "
                    "give n_blocks (--blocks) for larger batches"
                )
            return SearchBlocks((MOST_BLOCKS,), by_merit=True)
        n_blocks = [
            len(environment.explicit["search"]) if environment.explicit else settings.n_blocks
            for environment in self.environments
        ]
        return SearchBlocks(tuple(n_blocks), settings.leader_blocks)

    def _most_changes(self) -> int:
        """Return in how many knobs a recipe of the space, or the recommended one, can differ from vanilla."""
        base, vanilla = self.space.base_recipe(), self.baselines[VANILLA]
        others = [base, self.baselines.get(RECOMMENDED, base)]
        return sum(
            self.space.is_open(knob) or any(getattr(other, knob) != getattr(vanilla, knob) for other in others)
            for knob in base.methods()
        )
