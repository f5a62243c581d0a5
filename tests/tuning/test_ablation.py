"""Which decision made the difference: the path adds up, its order comes from other blocks, and it survives a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import altune
from altune.analysis.ablation import Ablation
from altune.analysis.run import Run
from altune.cli import main
from altune.core.errors import RequestError
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.report.figures.ablation import plot_ablation
from altune.report.figures.leave_one_out import plot_leave_one_out
from altune.report.pages.run.ablation import ablation_section
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import make_environment, make_environments
from altune.simulation.execution.player import Player
from altune.tuning.ablation import Ablated, trajectories_to_ablate
from altune.tuning.ablation import ablate as play_path
from altune.tuning.ablation_path import FIRST_LOOK, ORDER_BLOCKS, differing
from altune.tuning.played import ConfirmationBlocks
from altune.tuning.proposals import refusal_anywhere
from altune.tuning.settings import Settings
from altune.workflows.open_run import open_run
from altune.workflows.plan import plan as plan_of
from altune.workflows.sweep.planning import plan_sweep
from tests.helpers.paths import ROOT
from tests.helpers.stored_curves import Shelf, curve, made_environment
from tests.tuning.test_search import SMALL

OWN = {
    "initial_sample": [{"method": "kmeans", "size": 6}, {"method": "typiclust", "size": 6}],
    "query_strategy": ["margin", "entropy"],
    "loop_size": [{"method": "geometric", "growth": 1.3}],
}
SIZES = {**SMALL, "n_trials": 4, "select_blocks": 2, "report_blocks": 4}


def tuned(out: Path | None = None, data: str | list[str] = "iris", **changes: object) -> Run:
    return altune.tune(data, SearchSpace.from_dict(OWN), out=out, **{**SIZES, **changes})  # type: ignore[arg-type]


def same(run: Run) -> str:
    return json.dumps({name: one.to_dict() for name, one in run.ablations.items()}, sort_keys=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return tuned(tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def unconfirmed() -> Run:
    return tuned(confirm=False)


def ablation_of(run: Run) -> Ablation:
    assert run.ablation is not None
    return run.ablation


def test_steps_add_up_on_every_block(run: Run) -> None:
    found = ablation_of(run)
    confirmation = run.confirmation
    assert confirmation is not None
    whole = run.objective.each(confirmation.recipe.curves) - run.objective.each(
        confirmation.baselines["vanilla"].curves
    )
    assert np.sum([step.gains for step in found.steps], axis=0) == pytest.approx(whole, abs=1e-12)
    assert sum(step.difference.mean for step in found.steps) == pytest.approx(found.whole.mean, abs=1e-12)
    assert found.whole.mean == pytest.approx(whole.mean())
    assert found.steps[-1].mean == found.end.mean
    assert sorted(knob for step in found.steps for knob in step.knobs) == sorted(
        differing(confirmation.baselines["vanilla"].recipe, run.best_recipe)
    )
    assert len(found.to_frame()) == len(found.steps) == 3


def test_each_step_is_the_best_on_the_select_blocks(run: Run) -> None:
    """Follow the path by playing every change anew, on the blocks that no report has."""
    found = ablation_of(run)
    environment = make_environments("iris", budget=40, loops=4)[0]
    confirmation = run.confirmation
    assert confirmation is not None
    recipe, end = confirmation.baselines["vanilla"].recipe, run.best_recipe
    blocks = environment.blocks("select", 2)
    with Player() as player:
        for step in found.steps[:-1]:
            means = {
                knob: run.objective.each(
                    player.curves(recipe.replace(**{knob: getattr(end, knob)}), blocks, environment)
                ).mean()
                for knob in differing(recipe, end)
            }
            assert step.tried == pytest.approx(means)
            assert step.knobs == (max(means, key=lambda knob: means[knob]),)
            recipe = recipe.replace(**{step.knobs[0]: getattr(end, step.knobs[0])})
    assert found.order_blocks == 2
    assert found.steps[-1].tried == {}


def test_changes_that_are_clearly_behind_are_played_on_no_further_blocks() -> None:
    """Three changes: a large gain, and two that are alike until the last blocks."""
    start, size = altune.Recipe(), {"method": "random", "size": 9}
    end = altune.Recipe(query_strategy="entropy", initial_sample=size, loop_size="geometric")
    worth = {"initial_sample": 0.3, "query_strategy": 0.01, "loop_size": 0.01}
    environment = made_environment(objective="final_score")

    def played(recipe: Recipe, block: int) -> LearningCurve:
        changes = {knob: getattr(recipe, knob) != getattr(start, knob) for knob in worth}
        late = 0.02 * changes["loop_size"] * (block >= 4)
        gain = sum(worth[knob] * is_changed for knob, is_changed in changes.items())
        return curve(0.5 + 0.01 * (block % 3) + gain + late)

    shelf = Shelf(played)
    blocks = ConfirmationBlocks(environment, environment.blocks("select", 10), environment.blocks("report", 5))
    found = play_path(
        shelf,  # type: ignore[arg-type]
        start,
        end,
        [blocks],
        reference=altune.Recipe(query_strategy="random"),
        refusal=lambda recipe: None,
    )
    assert [step.knobs for step in found.steps] == [("initial_sample",), ("loop_size",), ("query_strategy",)]
    first, second = (start.replace(**{knob: getattr(end, knob)}) for knob in ("initial_sample", "loop_size"))
    assert shelf.blocks(first)[:FIRST_LOOK] == list(range(FIRST_LOOK))
    assert shelf.blocks(second) == list(range(FIRST_LOOK)), "far behind"
    then = first.replace(loop_size=end.loop_size)
    assert shelf.blocks(then)[:ORDER_BLOCKS] == list(range(ORDER_BLOCKS)), "alike at first, so played on"
    assert found.order_blocks == ORDER_BLOCKS
    assert len(shelf.played) < trajectories_to_ablate(3, [blocks]) + 2 * 5


def part_of(environment, report: int = 2) -> ConfirmationBlocks:
    return ConfirmationBlocks(environment, environment.blocks("select", 2), environment.blocks("report", report))


def path_of(start: Recipe, end: Recipe, refusal=lambda recipe: None, **scenario: object) -> Ablated:
    environment = make_environment("iris", budget=30, loops=3, **scenario)
    with Player() as player:
        return play_path(
            player,
            start,
            end,
            [part_of(environment)],
            reference=altune.Recipe(query_strategy="random"),
            refusal=refusal,
        )


def test_a_knob_that_cannot_be_changed_yet_is_put_off() -> None:
    end = altune.Recipe(retrain={"method": "warm_start"}, query_strategy="entropy")
    environment = make_environment("iris", budget=30)
    start = altune.Recipe(model="k_nearest_neighbours")

    def refusal(recipe: Recipe) -> str | None:
        return next(iter(recipe.problems(environment.capabilities)), None)

    found = path_of(start, end, refusal)
    order = [knob for step in found.steps for knob in step.knobs]
    assert all(len(step.knobs) == 1 for step in found.steps)
    assert order.index("model") < order.index("retrain")
    assert not any("retrain" in step.tried for step in found.steps[: order.index("model") + 1])
    assert "model" in found.impossible
    assert "resume" in found.impossible["model"]


def test_where_no_single_change_is_possible_the_smallest_group_is_one_step() -> None:
    start, end = altune.Recipe(), altune.Recipe(query_strategy="random", retrain="warm_start", initial_sample="kmeans")
    together = ("retrain", "query_strategy")

    def refusal(recipe: Recipe) -> str | None:
        changed = set(differing(start, recipe))
        ready = not changed or set(together) <= changed
        return None if ready else "the two go together"

    found = path_of(start, end, refusal)
    assert [step.knobs for step in found.steps] == [together, ("initial_sample",)]
    assert found.impossible == dict.fromkeys(together, "the two go together")
    assert set(found.played[0].without) == {"initial_sample"}


def test_rules_of_a_space_hold_on_the_way() -> None:
    space = SearchSpace.from_dict(
        {
            "initial_sample": ["kmeans", "typiclust"],
            "query_strategy": ["margin", "random"],
            "retrain": ["reset", "warm_start"],
            "forbid": [{"query_strategy": "margin", "retrain": "reset"}],
        }
    )
    environment = make_environment("iris", budget=30)
    # Outside of the space in its first sample, and still the rule is about the other two knobs.
    outside = altune.Recipe(query_strategy="margin")
    assert "forbids" in str(refusal_anywhere(space, [environment.capabilities], outside))
    assert refusal_anywhere(space, [environment.capabilities], outside.replace(retrain="warm_start")) is None
    assert (
        refusal_anywhere(space, [environment.capabilities], outside.replace(query_strategy="least_confidence")) is None
    )
    assert "annotators" in str(
        refusal_anywhere(space, [environment.capabilities], outside.replace(labeling="majority"))
    )


@pytest.mark.parametrize("scenario", [{"objective": "labels_to_target"}, {"objective": "deficiency"}])
def test_less_is_better_and_references(scenario: dict[str, str]) -> None:
    end = {"initial_sample": {"method": "kmeans", "size": 9}, "query_strategy": {"method": "margin"}}
    found = altune.ablate(end, "iris", budget=30, loops=3, n_blocks=3, **scenario)
    assert found.objective.direction == "minimize"
    tried = found.steps[0].tried
    assert found.steps[0].knobs == (min(tried, key=lambda knob: tried[knob]),)
    assert sum(step.difference.mean for step in found.steps) == pytest.approx(found.whole.mean)
    assert "less is better" in found.sentence


def test_what_a_path_plays_stays_below_the_bound() -> None:
    environment = make_environment("iris", budget=30, loops=3, objective="deficiency")
    start, end = altune.Recipe(), altune.Recipe(query_strategy="random", retrain="warm_start", initial_sample="kmeans")
    told: list[int] = []
    with Player() as player:
        play_path(
            player,
            start,
            end,
            [part_of(environment)],
            reference=altune.Recipe(query_strategy="random"),
            refusal=lambda recipe: None,
            on_done=lambda index, outcome: told.append(index),
        )
    # 3 + 2 changes and random sampling on 2 select blocks; 2 between, 2 of 3 put back and both ends on 2 others.
    assert len(told) == 6 * 2 + 6 * 2 == trajectories_to_ablate(3, [part_of(environment)]) + 2 * 2
    assert trajectories_to_ablate(1, [part_of(environment)]) == trajectories_to_ablate(0, [part_of(environment)]) == 0


def test_a_run_says_why(run: Run, unconfirmed: Run) -> None:
    path, worth = ablation_section(run)
    assert path.heading == worth.heading == "Why?"
    assert ablation_of(run).sentence in path.explanation
    assert plot_ablation(run).to_json() != plot_leave_one_out(run).to_json()
    with pytest.raises(RequestError, match="it has iris"):
        plot_ablation(run, data="wine")
    assert ablation_section(unconfirmed) == []
    with pytest.raises(RequestError, match="has no ablation"):
        plot_leave_one_out(unconfirmed)


def test_jobs_change_nothing_and_memory_and_disk_agree(run: Run) -> None:
    assert same(tuned(n_jobs=2)) == same(run)


def test_a_run_reads_its_ablation_back_and_plays_nothing_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from altune.simulation.execution import worker as workers

    assert run.folder is not None
    assert same(open_run(run.folder)) == same(run)
    assert ablation_of(run).sentence in run.answer
    assert run.to_dict()["ablation"]["steps"][0]["words"] == ablation_of(run).steps[0].words
    assert "ablation" in set(run.curves()["part"])
    monkeypatch.setattr(workers, "Trajectory", None)
    assert same(tuned(run.folder)) == same(run)


def test_without_an_ablation_the_rest_is_the_same_and_it_can_be_done_later(run: Run, tmp_path: Path) -> None:
    without = tuned(tmp_path / "run", ablation=False)
    assert without.ablation is None
    assert without.to_dict()["ablation"] is None
    assert without.findings == run.findings
    assert same(without.ablate()) == same(run)
    assert same(open_run(tmp_path / "run")) == same(run)


def test_another_confirmation_has_no_ablation_yet(run: Run) -> None:
    fresh = tuned()
    assert same(fresh) == same(run)
    assert fresh.confirm(report_blocks=3).ablation is None
    assert ablation_of(fresh.ablate()).whole.blocks == 3


def test_refusals_say_what_to_do(run: Run, unconfirmed: Run) -> None:
    with pytest.raises(RequestError, match="repeat the tune command"):
        open_run(run.folder or "").ablate()
    with pytest.raises(RequestError, match="confirm"):
        unconfirmed.ablate()
    with pytest.raises(RequestError, match="the same"):
        altune.ablate("vanilla", "iris", budget=30)
    with pytest.raises(RequestError, match="`report` blocks"):
        altune.ablate("random_sampling", "iris", budget=30, splits=blocks_of("search"))
    given = altune.ablate("random_sampling", "iris", budget=30, splits=blocks_of("search", "report"))
    assert given.whole.blocks == 1


def blocks_of(*parts: str) -> dict[str, list[dict[str, list[int]]]]:
    rows = np.random.default_rng(0).permutation(150)
    return {part: [{"pool": rows[:100].tolist(), "test": rows[100:].tolist()}] for part in parts}


def test_a_recipe_that_is_vanilla_needs_no_path() -> None:
    # A baseline of the space takes the place of the recommended recipe, which is better than vanilla here.
    fixed = {"query_strategy": "least_confidence", "baselines": {"recommended": {"query_strategy": "random"}}}
    found = altune.tune("iris", SearchSpace.from_dict({**fixed, "retrain": ["reset"]}), **SIZES)  # type: ignore[arg-type]
    assert found.confirmation is not None
    assert found.ablation is None


def test_the_recommended_recipe_is_explained_if_it_is_handed_out() -> None:
    found = altune.tune("iris", SearchSpace.from_dict({"query_strategy": "least_confidence"}), **SIZES)  # type: ignore[arg-type]
    assert found.findings is not None
    assert found.findings.chosen == "recommended"
    ablation = ablation_of(found)
    assert {knob for step in ablation.steps for knob in step.knobs} == {"initial_sample", "loop_size", "query_strategy"}
    assert len(ablation.steps) <= 3


KILLED = """
import sys, os, signal
sys.path.insert(0, sys.argv[2])
from pathlib import Path
import altune.workflows.tune as workflow
import tests.tuning.test_ablation as t
from altune.tuning.observer import Silent
workflow.LONG_SECONDS = float(sys.argv[3])
class Watch(Silent):
    name, count = "", 0
    def stage(self, name, trajectories, done=0):
        self.name = name
    def played(self, simulated=True):
        self.count += self.name == "ablation"
        if self.count == 7:
            os.kill(os.getpid(), signal.SIGKILL)
t.tuned(Path(sys.argv[1]), observer=Watch())
"""


@pytest.mark.slow
@pytest.mark.parametrize("is_long", [True, False])
def test_killed_in_the_middle_of_the_ablation_a_long_run_is_complete_and_each_goes_on(
    run: Run, tmp_path: Path, is_long: bool
) -> None:
    folder = tmp_path / "killed"
    seconds = "0" if is_long else "1000"
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(ROOT), seconds], check=False)
    assert done.returncode == -signal.SIGKILL
    cut_off = open_run(folder)
    assert cut_off.findings == run.findings
    assert cut_off.ablation is None
    written = {"recipe.yaml", "report.html", "curves.csv"}
    assert (written <= {path.name for path in folder.iterdir()}) == is_long
    assert same(tuned(folder)) == same(run)
    assert written <= {path.name for path in folder.iterdir()}


def test_several_data_sets_share_the_order() -> None:
    found = tuned(data=["iris", "wine"], n_trials=3)
    iris, wine = found.ablations.values()
    assert [step.knobs for step in iris.steps] == [step.knobs for step in wine.steps]
    assert [step.tried for step in iris.steps] == [step.tried for step in wine.steps]
    for name, one in found.ablations.items():
        assert sum(step.difference.mean for step in one.steps) == pytest.approx(one.whole.mean)
        assert f"{name}: From vanilla to the recipe" in found.answer
    assert found.to_dict()["data_sets"]["wine"]["ablation"]["steps"]


def test_a_plan_counts_an_ablation_as_an_upper_bound() -> None:
    environments, space = make_environments("iris", budget=40, loops=4), SearchSpace.from_dict(OWN)
    settings = Settings(n_trials=4, n_blocks=2, select_among=2, select_blocks=3, report_blocks=4)
    planned = plan_of(environments, space, settings, Path("run"), True)
    assert planned["trajectories"]["ablation"] == 5 * 3 + 4 * 4
    assert plan_of(environments, space, settings, Path("run"), True, False)["trajectories"]["ablation"] == 0
    assert plan_of(environments, space, settings, Path("run"), False)["trajectories"]["ablation"] == 0
    sweep = {"data": ["iris"], "spaces": [space], "settings": {"n_trials": 4, "select_blocks": 3, "report_blocks": 4}}
    asked, usual = plan_sweep({**sweep, "ablation": True}), plan_sweep(sweep)
    assert asked.trajectories - usual.trajectories == 5 * 3 + 4 * 4


def test_a_sweep_ablates_where_it_is_asked_to(tmp_path: Path) -> None:
    sizes = {key: SIZES[key] for key in ("n_trials", "n_blocks", "select_among", "select_blocks", "report_blocks")}
    request = {"data": ["iris"], "spaces": [SearchSpace.from_dict(OWN)], "budgets": [40], "scenario": {"loops": 4}}
    plain = altune.sweep({**request, "settings": sizes}, out=tmp_path)
    assert plain.runs[0].run is not None
    assert plain.runs[0].run.ablation is None
    asked = altune.sweep({**request, "settings": sizes, "ablation": True}, out=tmp_path)
    assert asked.runs[0].run is not None
    assert asked.runs[0].run.ablation is not None


def test_ablate_at_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["altune", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    recipe = tmp_path / "mine.yaml"
    altune.Recipe(initial_sample={"method": "kmeans", "size": 6}).save(recipe)
    given = ("iris", str(recipe), "--budget", "30", "--blocks", "3", "--jobs", "1")
    code, out, _ = command("ablate", *given, "--json")
    plain = json.loads(out)
    assert code == 0
    assert {step["knobs"][0] for step in plain["steps"]} == {"initial_sample", "query_strategy"}
    assert plain["from"]["name"] == "vanilla"
    code, out, _ = command("ablate", *given, "--from", "random_sampling")
    assert code == 0
    assert "random sampling" in out
    assert "query strategy: random → margin" in out
    code, out, err = command("ablate", "iris", "vanilla")
    assert (code, out) == (2, "")
    assert "the same" in err
