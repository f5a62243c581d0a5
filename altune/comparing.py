"""compare() and compare_runs(): any set of recipes on the same blocks of one data set or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.analysis.compared import sentences_of_one, sentences_of_several
from altune.analysis.comparison import Comparison
from altune.analysis.contest import Contest
from altune.analysis.many_data import OverData, over_data
from altune.analysis.mean_ranks import PostHoc
from altune.data import Dataset
from altune.errors import RequestError, StorageError
from altune.objectives import Objective
from altune.plain import write_text
from altune.playing import AnyRecipe, Simulation, play_recipes
from altune.recipe import Recipe, load_recipe
from altune.scenario import Scenario
from altune.world import World

if TYPE_CHECKING:
    import pandas as pd

    from altune.run import Run

AnyData = Dataset | str | Path
PAGE_FILE = "compare.html"
TABLE_FILE = "results.csv"


@dataclass(frozen=True, eq=False)
class RecipeComparison:
    """Recipes on the same blocks of one data set or many.

    Attributes
    ----------
    recipes : what was compared, by name.
    contests : every number of each data set.
    played : each recipe's own simulation, by data set and name; empty for runs compared from what they stored.
    notes : what a reader must know of where recipes came from.
    post_hoc : what tells recipes apart by rank over data sets: ``wilcoxon`` or ``nemenyi``.
    """

    recipes: Mapping[str, Recipe]
    contests: tuple[Contest, ...]
    played: Mapping[str, Mapping[str, Simulation]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    post_hoc: PostHoc = "wilcoxon"

    @property
    def simulations(self) -> Mapping[str, Simulation]:
        """Each recipe's own simulation on the first data set, by name."""
        return next(iter(self.played.values()), {})

    @property
    def objective(self) -> Objective:
        """What is measured, as on the first data set."""
        return self.contests[0].objective

    @property
    def result(self) -> Comparison:
        """Means with intervals, and every pair's difference with its corrected test; of several, over data sets."""
        return self.contests[0].comparison if self.over_data is None else self.over_data.comparison

    @cached_property
    def over_data(self) -> OverData | None:
        """Wins, mean ranks and means over data sets, None for one data set."""
        return over_data(self.contests, post_hoc=self.post_hoc) if len(self.contests) > 1 else None

    @property
    def sentences(self) -> list[str]:
        """The answer sentence by sentence, the most important first."""
        if self.over_data is None:
            return sentences_of_one(self.contests[0])
        return sentences_of_several(self.contests, self.over_data)

    @property
    def answer(self) -> str:
        """What a person should know, in sentences."""
        return "\n".join(self.sentences)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each data set, recipe and block."""
        import pandas as pd

        return pd.concat([one.to_frame() for one in self.contests], ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``.

        ``recipes`` and ``differences`` are those of the data set; of several they are over data sets, and each data
        set has its own under ``data_sets``.
        """
        plain: dict[str, Any] = {
            "answer": self.answer,
            "objective": self.objective.name,
            "metric": self.objective.metric,
            "data": [one.data for one in self.contests],
            "notes": list(self.notes),
        }
        if self.over_data is None:
            return plain | self.contests[0].to_dict()
        return plain | self.over_data.to_dict() | {"data_sets": {one.data: one.to_dict() for one in self.contests}}

    def write(self, folder: str | Path) -> None:
        """Write ``compare.html`` and ``results.csv`` into a folder, which is made where there is none.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        from altune.report.comparison.page import compare_page

        where = Path(folder)
        try:
            where.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{where}: cannot be made: {error.strerror}") from None
        write_text(where / TABLE_FILE, self.to_frame().to_csv(index=False))
        write_text(where / PAGE_FILE, compare_page(self))


def compare(
    recipes: Mapping[str, AnyRecipe | Run],
    data: AnyData | Sequence[AnyData],
    *,
    seeds: int = 20,
    seed: int = 0,
    target: str | None = None,
    model: Any = None,
    scenario: Scenario | None = None,
    blocks: Any = None,
    n_jobs: int = 1,
    on_done: Any = None,
    post_hoc: PostHoc = "wilcoxon",
    **overrides: Any,
) -> RecipeComparison:
    """Play recipes on the same fresh blocks, of one data set or several, and compare them pairwise.

    Parameters
    ----------
    recipes : two or more, by name: whatever :func:`altune.simulate` takes, a run or its folder, of which the confirmed
        recipe is taken, whatever data and scenario it was confirmed in.
    data : a data set, the name of a built-in one, or a file; or several of them.
    seeds : number of blocks of each data set.
    seed : the study's seed, from which the blocks are drawn.
    target : the label column of tables.
    model : takes the place of every recipe's model.
    scenario : the world; ``overrides`` (``budget``, ``loops``, ``metric``, ``target_score``, …) replace its fields.
    blocks : explicit blocks of one data set, see :func:`altune.data.blocks.read_blocks`.
    n_jobs : processes; −1 for one on each core. It changes no result but seconds.
    on_done : called once for each trajectory.
    post_hoc : what tells recipes apart by rank over several data sets: ``wilcoxon``, signed-rank tests with Holm's
        correction, or ``nemenyi``, a critical difference of mean ranks.

    Raises
    ------
    RequestError
        If there are fewer than two recipes, or something does not fit.
    """
    from altune.searching import make_worlds

    if len(recipes) < 2:
        raise RequestError(f"a comparison needs two recipes or more, not {len(recipes)}")
    if post_hoc not in ("wilcoxon", "nemenyi"):
        raise RequestError(f"post_hoc is wilcoxon or nemenyi, not {post_hoc!r}")
    worlds = make_worlds(data, target=target, scenario=scenario, seed=seed, blocks=blocks, **overrides)
    names = [world.dataset.name for world in worlds]
    if len(set(names)) < len(names):
        raise RequestError(f"two data sets have one name among {', '.join(names)}; give each of them once")
    loaded, notes = _load_all(recipes, worlds)
    played = play_recipes(loaded, worlds, seeds, model=model, n_jobs=n_jobs, on_done=on_done)
    contests = tuple(_contest(world, own) for world, own in zip(worlds, played, strict=True))
    own_recipes = {name: one.recipe for name, one in played[0].items()}
    return RecipeComparison(own_recipes, contests, dict(zip(names, played, strict=True)), notes, post_hoc)


def compare_runs(
    runs: Sequence[str | Path | Run], *, target_score: float | None = None, post_hoc: PostHoc = "wilcoxon"
) -> RecipeComparison:
    """Compare finished runs by their stored confirmations, simulating nothing.

    The confirmed recipe of each run is compared with those of the others and with their baselines. That is possible
    where all share data, scenario and seed, and so their report blocks; of different numbers of these, the first ones
    that all runs have.

    Parameters
    ----------
    runs : runs or their folders, two or more.
    target_score : score to reach, by default random sampling's at the whole budget.
    post_hoc : as in :func:`compare`.

    Raises
    ------
    RequestError
        If a run is not confirmed, or runs do not share what they must, saying what differs.
    """
    from altune.stored_runs import stored_contests

    recipes, contests, notes = stored_contests(runs, target_score)
    return RecipeComparison(recipes, contests, notes=notes, post_hoc=post_hoc)


def yardstick_of(recipes: Mapping[str, Recipe]) -> str:
    """Return the recipe whose final score the others are to reach: random sampling where there is one, else the first.

    >>> yardstick_of({"a": load_recipe("vanilla"), "b": load_recipe("random_sampling")})
    'b'
    """
    if "random_sampling" in recipes:
        return "random_sampling"
    return next((name for name, one in recipes.items() if one.query_strategy.method == "random"), next(iter(recipes)))


def _contest(world: World, played: Mapping[str, Simulation]) -> Contest:
    first = next(iter(played.values()))
    block = first.blocks[0]
    return Contest(
        data=world.dataset.name,
        curves={name: one.curves for name, one in played.items()},
        objective=first.objective,
        budget=world.scenario.labels,
        n_train=len(block.pool),
        n_test=len(block.test),
        yardstick=yardstick_of({name: one.recipe for name, one in played.items()}),
        references=first.references,
    )


def _load_all(
    recipes: Mapping[str, AnyRecipe | Run], worlds: Sequence[World]
) -> tuple[dict[str, Recipe], tuple[str, ...]]:
    from altune.run import Run
    from altune.stored_runs import is_run, recipe_of_run

    loaded: dict[str, Recipe] = {}
    notes = []
    for name, source in recipes.items():
        if isinstance(source, Run) or (isinstance(source, (str, Path)) and is_run(source)):
            loaded[name], note = recipe_of_run(name, source, worlds)
            notes.append(note)
        else:
            loaded[name] = load_recipe(source)
    return loaded, tuple(notes)
