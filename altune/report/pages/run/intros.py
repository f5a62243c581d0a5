"""One sentence below each heading of a run's page: what the section shows, in numbers of this run."""

from __future__ import annotations

from collections.abc import Mapping

from altune.analysis.importance.observations import different_recipes
from altune.analysis.loops.facts import LoopFacts
from altune.analysis.run import Run
from altune.core.text import counted, join_words
from altune.report.pages.run.commands import commands_of
from altune.report.words import BETTER, COST, DID, ELSEWHERE, KNOBS, MEASURED, SURE, USE, WHY
from altune.tuning.confirmation import Confirmation
from altune.tuning.merit import blocks_words
from altune.tuning.reported import Reported


def intros_of(run: Run) -> dict[str, str]:
    """Return one sentence for each heading that the page of a run may have."""
    return {
        **(_of_confirmation(run) if run.confirmation is not None else {}),
        **({ELSEWHERE: _elsewhere(run.away)} if run.away else {}),
        **({WHY: _why(run)} if run.ablations else {}),
        KNOBS: _knobs(run),
        **({DID: did_sentence(run.loops)} if run.loops is not None else {}),
        COST: (
            f"{counted(len(run.front), 'trial')} of {len(run.trials)} on the Pareto front of "
            f"{join_words(run.scenario.objective_names)}."
        ),
        MEASURED: _measured(run),
        USE: _use(run),
    }


def select_blocks_words(confirmation: Confirmation) -> str:
    """Return on how many fresh blocks the candidates were played."""
    fewest, most = confirmation.played_to_select
    if fewest == confirmation.select_blocks:
        return counted(most, "fresh block")
    counts = f"{fewest} to {most}" if fewest < most else str(most)
    of_all = f" of {confirmation.select_blocks}" if most < confirmation.select_blocks else ""
    return f"{counts}{of_all} fresh blocks"


def did_sentence(facts: LoopFacts) -> str:
    """Return one sentence on what is shown of the loops of a recipe."""
    loops = counted(max(facts.loops), "loop")
    return f"What the recipe bought in each of {loops} on {facts.data}, on {counted(facts.blocks, 'block')}."


def _of_confirmation(run: Run) -> dict[str, str]:
    confirmations = run.confirmations
    first = next(iter(confirmations.values()))
    blocks = counted(len(first.recipe.curves), "fresh block")
    if len(confirmations) > 1:
        where, rows = f"{blocks} of each of {len(confirmations)} data sets", "the rows held back there"
    else:
        where, rows = blocks, f"the {first.n_test} rows held back"
    return {
        BETTER: f"The recipe and the baselines on {where}, scored on {rows}.",
        SURE: f"The recipe minus each baseline on the same {where}, then block by block.",
    }


def _elsewhere(away: Mapping[str, Reported]) -> str:
    blocks = counted(len(next(iter(away.values())).recipe.curves), "fresh block")
    each = "each of " if len(away) > 1 else ""
    return f"The recipe and the baselines on {blocks} of {each}{join_words(list(away))}, which no trial saw."


def _why(run: Run) -> str:
    ablation = next(iter(run.ablations.values()))
    steps = "the one decision" if len(ablation.steps) == 1 else f"the {len(ablation.steps)} decisions"
    blocks = counted(ablation.whole.blocks, "block")
    return f"From {ablation.start_name} to the recipe by {steps} in which they differ, played on {blocks}."


def _knobs(run: Run) -> str:
    knobs = counted(len(run.record.space.decisions), "open knob")
    recipes = counted(different_recipes(run.trials), "different recipe")
    return f"How much of the difference between recipes each of {knobs} explains, from {recipes}."


def _measured(run: Run) -> str:
    each = " of each data set" if len(run.record.data_sets) > 1 else ""
    trials = counted(len(run.trials), "trial")
    searched = f"{trials} on {blocks_words(run.record.settings['n_blocks'], 'search block')}{each}"
    confirmation = run.confirmation
    if confirmation is None:
        return f"{searched}, none of them confirmed yet."
    candidates = confirmation.candidates
    again = select_blocks_words(confirmation)
    count = sum(not candidate.baseline for candidate in candidates)
    best = "the best one" if count == 1 else f"the best {count}"
    baselines = "" if count == len(candidates) else f" and {counted(len(candidates) - count, 'baseline')}"
    return f"{searched}, then {best}{baselines} on {again}{each}."


def _use(run: Run) -> str:
    recipe = "The recipe of this run" if run.confirmation is not None else "The best recipe of the search"
    return f"{recipe} as YAML, and {counted(len(commands_of(run)), 'way')} to play it again."
