"""How was it measured? The facts on a run's page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from altune.analysis.costs import price_words
from altune.analysis.run import Run
from altune.core.errors import FormatError
from altune.core.text import counted
from altune.core.yaml import read_yaml
from altune.report.encodings import encoding_facts
from altune.report.pages.run.intros import select_blocks_words
from altune.report.words import is_area, named
from altune.simulation.objectives import Objective
from altune.simulation.pricing import has_prices
from altune.simulation.scenario import Scenario
from altune.tuning.merit import blocks_words
from altune.tuning.racing import LEADERS
from altune.tuning.trials import TrialRecord

Fact = tuple[str, str]
MOST_HOSTS = 5
WORKER = "worker"


def facts_of(run: Run) -> list[Fact]:
    """Return how a run was measured, each fact as (name, value), the scenario first."""
    return [
        *_data(run),
        *encoding_facts(run.record.encodings),
        *_scenario(run.scenario),
        *_positive(run),
        *_objectives(run),
        *_search(run),
        *_trials(run),
        *_shared(run),
        *_confirmation(run),
        *_elsewhere(run),
        ("Seed", str(run.record.settings["seed"])),
        ("Made by", f"altune {run.record.header['altune']}"),
    ]


def _data(run: Run) -> list[Fact]:
    data_sets = run.record.data_sets
    if len(data_sets) == 1:
        (data,) = data_sets.values()
        return [
            ("Data", f"{data['name']}: {_size(data)}"),
            ("Rarest class", _rarest(data)),
            ("Budget", f"{run.scenario.labels} labels"),
        ]
    scenarios = run.record.scenarios
    return [
        (f"Data set {number}", f"{name}: {_size(data)}, the rarest {_rarest(data)}; {scenarios[name].labels} labels")
        for number, (name, data) in enumerate(data_sets.items(), start=1)
    ]


def _size(data: dict[str, Any]) -> str:
    groups = f"; {data['groups']} groups by {data['group']}, which no split separates" if "group" in data else ""
    time = f"; tests are later than pools, by {data['time']}" if "time" in data else ""
    features, classes = counted(data["features"], "feature"), len(data["class_counts"])
    return f"{data['rows']} rows, {features}, {classes} classes{groups}{time}"


def _rarest(data: dict[str, Any]) -> str:
    counts = data["class_counts"]
    return f"{min(counts)} rows, {min(counts) / sum(counts):.1%}"


def _scenario(scenario: Scenario) -> list[Fact]:
    loops = "without limit" if scenario.most_loops is None else f"at most {scenario.most_loops} after the first sample"
    facts = [
        ("Loops", loops),
        ("Metric", ", ".join(scenario.metric_names)),
        ("Annotators", ", ".join(annotator.describe() for annotator in scenario.annotators)),
    ]
    return [*facts, ("Prices", price_words(scenario))] if has_prices(scenario) else facts


def _positive(run: Run) -> list[Fact]:
    """Return the positive class of each data set, if a metric has one."""
    named = {
        name: f"{scenario.positive_class!r} (the other is {_other_class(scenario)!r})"
        for name, scenario in run.record.scenarios.items()
        if scenario.positive_class is not None
    }
    if len(run.record.data_sets) == 1:
        return [("Positive class", text) for text in named.values()]
    listed = "; ".join(f"{name}: {text}" for name, text in named.items())
    return [("Positive classes", listed)] if named else []


def _other_class(scenario: Scenario) -> str:
    return next(name for name in scenario.classes if name != scenario.positive_class)


def _objectives(run: Run) -> list[Fact]:
    scenario = run.scenario
    objectives = scenario.make_objectives()
    name = "Objective" if len(objectives) == 1 else "Objectives"
    facts = [(name, "; ".join(_objective_text(objective) for objective in objectives))]
    if len(objectives) > 1:
        facts.append(("Picked from the front", str(run.record.preference)))
    if objectives[0].risk.kind != "mean":
        facts.append(("Over blocks", f"{objectives[0].risk.words} ({scenario.risk})"))
    if len(run.record.data_sets) > 1:
        facts.append(("Over data sets", _across(run)))
    if scenario.constraints:
        trials = [trial for trial in run.trials if trial.violations]
        infeasible = sum(not trial.feasible for trial in trials)
        constraints = "; ".join(scenario.constraints)
        facts.append(("Constraints", f"{constraints} (violated by {infeasible} of {len(trials)} trials)"))
    return facts


def _objective_text(objective: Objective) -> str:
    domain = f" over [0, {objective.end:g}] {objective.over}" if is_area(objective) else ""
    target = ""
    if objective.name in ("labels_to_target", "data_utilization"):
        reached = "random sampling's at the end" if objective.target is None else f"{objective.target:g}"
        target = f", a score of {reached}" if objective.target is not None else f", {reached}"
    less = " (less is better)" if objective.direction == "minimize" else ""
    return f"{named(objective)}{domain}{target}{less}"


def _across(run: Run) -> str:
    if run.record.settings["across"] == "ranks":
        return "trials are ranked on each data set, and the mean rank decides"
    return "the mean, on a scale where 0 is random sampling and 1 a perfect model"


def _search(run: Run) -> list[Fact]:
    settings = run.record.settings
    complete = sum(trial.state == "complete" for trial in run.trials)
    each = " of each data set" if len(run.record.data_sets) > 1 else ""
    blocks = blocks_words(settings["n_blocks"])
    facts = [("Search", f"{complete} trials on {blocks}{each}, sampler {settings['sampler']}")]
    if run.record.search_blocks.by_merit:
        facts.append(("Plays", _plays(run)))
    if rows := settings.get("search_rows"):
        most = "at most " if len(run.record.data_sets) > 1 else ""
        facts.append(("Search rows", f"{most}{rows} rows of each block, pool and test; the confirmation has all"))
    measures = _racing(settings)
    return [*facts, ("Spent with care", "; ".join(measures))] if measures else facts


def _plays(run: Run) -> str:
    """Return how many plays the search has, of how many recipes, and on how many blocks these were played."""
    counts = {trial.recipe.digest(): len(trial.values) for trial in run.trials if trial.recipe is not None}
    once = sum(count == 1 for count in counts.values())
    most = max(counts.values(), default=0)
    return (
        f"{run.record.n_played} of {counted(len(counts), 'recipe')}: {once} on one block, the most played one on {most}"
    )


def _racing(settings: dict[str, Any]) -> list[str]:
    """Return the measures in use that drop a trial early or play it on more blocks."""
    parts = []
    if settings.get("racing"):
        parts.append(
            f"racing: a trial as good as the best is dropped with a probability of {settings['racing']:g} at most"
        )
    if settings.get("rungs"):
        shares = ", ".join(f"{share:.0%}" for share in settings["rungs"])
        parts.append(f"rungs at {shares} of the budget: a trial that could not win any more is dropped")
    if settings.get("leader_blocks"):
        parts.append(f"{settings['leader_blocks']} further blocks for trials among the best {LEADERS}")
    return parts


def _trials(run: Run) -> list[Fact]:
    by_state: dict[str, list[TrialRecord]] = {}
    for trial in run.trials:
        by_state.setdefault(trial.state, []).append(trial)
    facts = []
    if "dropped" in by_state:
        facts.append(("Dropped early", _reasons(by_state["dropped"])))
    if "failed" in by_state:
        facts.append(("Failed", _reasons(by_state["failed"])))
    if "forbidden" in by_state:
        facts.append(("Forbidden", f"{counted(len(by_state['forbidden']), 'draw')}, drawn again"))
    at_work = [f"{len(by_state[state])} {state}" for state in ("running", "waiting") if state in by_state]
    return [*facts, ("Not finished", f"{', '.join(at_work)}: this page shows the rest")] if at_work else facts


def _reasons(trials: Sequence[TrialRecord]) -> str:
    counts = Counter(trial.reason or "for no reason that was noted" for trial in trials)
    return f"{counted(len(trials), 'trial')}: " + "; ".join(
        f"{count} {reason}" for reason, count in counts.most_common(4)
    )


def _shared(run: Run) -> list[Fact]:
    """Return the database, without a password, and the workers of a shared study."""
    facts = []
    if database := _database(run.folder):
        facts.append(("Database", database))
    workers: dict[str, str] = {}
    played: Counter[str] = Counter()
    for trial in run.study.get_trials(deepcopy=False):
        worker = trial.user_attrs.get(WORKER)
        if isinstance(worker, dict):
            workers[str(worker.get("id"))] = str(worker.get("host"))
            played[str(worker.get("host"))] += 1
    if not workers:
        return facts
    hosts = Counter(workers.values())
    parts = [f"{host} ({count}, {played[host]} trials)" for host, count in hosts.most_common(MOST_HOSTS)]
    parts += [f"{len(hosts) - MOST_HOSTS} more"] if len(hosts) > MOST_HOSTS else []
    machines = "one machine" if len(hosts) == 1 else f"{len(hosts)} machines"
    return [*facts, ("Workers", f"{len(workers)} on {machines}: {', '.join(parts)}")]


def _database(folder: Path | None) -> str:
    from altune.tuning.run_folder import SHARED_FILE

    if folder is None or not (folder / SHARED_FILE).is_file():
        return ""
    from altune.tuning.database import without_password

    try:
        study = read_yaml(folder / SHARED_FILE)
    except FormatError:
        return ""
    return f"{without_password(str(study.get('storage', '')))}, study {study.get('study', '')}"


def _confirmation(run: Run) -> list[Fact]:
    confirmations = run.confirmations
    if not confirmations:
        return []
    first = next(iter(confirmations.values()))
    sizes = "; ".join(
        f"{f'{name}: ' if len(confirmations) > 1 else ''}pools of {confirmation.n_train} rows, scored on "
        f"{confirmation.n_test} held-back rows"
        for name, confirmation in confirmations.items()
    )
    each = " of each data set" if len(confirmations) > 1 else ""
    why = f", since {first.why_blocks}" if first.why_blocks else ""
    behind = ", fewer for those clearly behind" if len(set(first.played_to_select)) > 1 else ""
    return [
        (
            "Confirmation",
            f"{len(first.candidates)} recipes on {select_blocks_words(first)}{each} to select{behind}, one on "
            f"{len(first.recipe.curves)} to report{why} ({sizes})",
        )
    ]


def _elsewhere(run: Run) -> list[Fact]:
    """Return each data set that no trial saw, with its scenario and the blocks to report on."""
    scenarios, data_sets = run.record.away.scenarios, run.record.away.data_sets
    return [
        (
            f"No trial saw {name}",
            f"{_size(data_sets[name])}, the rarest {_rarest(data_sets[name])}; {scenarios[name].labels} labels; "
            f"{len(report.recipe.curves)} blocks to report (pools of {report.n_train} rows, scored on {report.n_test} "
            "held-back rows)",
        )
        for name, report in run.away.items()
    ]
