"""How a run stands while it goes on, in lines for a terminal."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from altune.analysis.importance.knob_importance import KnobImportance
from altune.report.texts.aligned import table
from altune.report.texts.importance import share_text
from altune.report.words import across_note, broken_words, search_amounts, search_value_name

if TYPE_CHECKING:
    from altune.analysis.progress import RunProgress
    from altune.tuning.trials import TrialRecord

BAR = 24
SHOWN = 5
"""Trials that are shown, the last ones."""
STAGES = {"baselines": "playing the baselines", "searching": "searching", "confirming": "confirming on fresh splits"}
STATES = {"complete": "complete", "failed": "failed", "dropped": "dropped early", "running": "running"}
STATES |= {"waiting": "waiting", "forbidden": "forbidden draws"}
FLATTERED = (
    "The best of many is flattered by chance: its value here is no result. The confirmation on fresh splits gives a "
    "fair one."
)


def watch_text(standing: RunProgress, importance: KnobImportance | str) -> str:
    """Return how a run stands: progress, the best so far, the baselines, the knobs, the last trials."""
    run = standing.run
    parts = [
        [", ".join(run.record.data_sets) + f": {run.folder}", *_progress(standing)],
        _workers(standing),
        _best(standing),
        _knobs(importance),
        _last(standing),
        _end(standing),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def duration(seconds: float) -> str:
    """Return a time as a person says it.

    >>> duration(3.21), duration(75), duration(7260)
    ('3.2 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _progress(standing: RunProgress) -> list[str]:
    wanted = standing.wanted
    count = f"{standing.finished} trials" if wanted is None else f"{standing.finished} of {wanted} trials"
    bar = ""
    if wanted:
        filled = min(BAR, round(BAR * standing.finished / wanted))
        bar = f" [{'#' * filled}{'-' * (BAR - filled)}]"
    line = f"{STAGES.get(standing.stage, standing.stage)}{bar} {count}"
    left = standing.seconds_left
    if standing.stage == "searching" and standing.seconds_each is not None:
        line += f", {duration(standing.seconds_each)} each"
        line += f", about {duration(left)} left" if left and standing.at_work is not False else ""
    states = [f"{standing.states[state]} {words}" for state, words in STATES.items() if standing.states[state]]
    lines = [line, *([f"  {', '.join(states)}"] if states else [])]
    if standing.at_work is False and not standing.ended:
        lines.append("  The process that worked on it is gone; the same `altune tune` command goes on where it was.")
    return lines


def _workers(standing: RunProgress) -> list[str]:
    if not standing.workers or standing.ended:
        return []
    rows = [
        {
            "worker": f"{one.host}, process {one.process}",
            "plays": ", ".join(f"trial {number}" for number in one.running) or "-",
            "finished": one.finished,
            "last seen": f"{duration(max(0.0, one.silent))} ago",
        }
        for one in standing.workers[:SHOWN]
    ]
    return [table(rows)]


def _best(standing: RunProgress) -> list[str]:
    run, best = standing.run, standing.best
    amounts = search_amounts(run).exact
    baselines = [
        f"{name.replace('_', ' ')} {amounts.text(value)}" for name, value in run.record.baseline_values().items()
    ]
    beside = [f"baselines on the same splits: {', '.join(baselines)}"] if baselines else []
    if best is None or best.value is None:
        return beside
    less = ", less is better" if amounts.less_is_better else ""
    others = [
        f"{objective.kind.plain} {value:.4g}"
        for objective, value in zip(run.scenario.make_objectives()[1:], best.objectives[1:], strict=False)
    ]
    lines = [
        f"best so far: trial {best.number} with {', '.join([amounts.text(best.value), *others])} "
        f"({search_value_name(run)}{less})"
    ]
    lines += [] if best.feasible else [f"  It {broken_words(dict(best.violations))}; no trial keeps every bound."]
    lines += _wrapped(best.recipe.describe()) if best.recipe is not None else []
    return [*lines, *_wrapped(FLATTERED + across_note(run)), *beside]


def _knobs(importance: KnobImportance | str) -> list[str]:
    if isinstance(importance, str):
        return _wrapped(importance, "")
    known = [one for one in importance.knobs if one.matters]
    if importance.warning and not known:
        return _wrapped(f"which knobs matter is not known: {importance.warning}", "")
    rest = [one.knob for one in importance.knobs if not one.matters]
    lines = [f"which knobs matter, so far ({importance.n_trials} recipes, R² {importance.r2:.2f} on unseen ones):"]
    lines += _wrapped(importance.warning) if importance.warning else []
    rows = [
        {"knob": one.knob, "share": share_text(one.share), "interval": f"{100 * one.low:.0f} to {100 * one.high:.0f}"}
        for one in known
    ]
    lines += [textwrap.indent(table(rows), "  ")] if rows else []
    floor = f"noise floor {share_text(importance.floor.share)}, up to {share_text(importance.floor.high)}"
    return lines + _wrapped(f"not told apart from noise: {', '.join(rest) or 'none'} ({floor})")


def _last(standing: RunProgress) -> list[str]:
    ended = [one for one in standing.trials if one.state not in ("waiting", "forbidden")]
    if not ended:
        return []
    return ["last trials:", textwrap.indent(table([_row(standing, one) for one in ended[-SHOWN:]], wide="how"), "  ")]


def _row(standing: RunProgress, trial: TrialRecord) -> dict[str, object]:
    value = "-" if trial.value is None else search_amounts(standing.run).exact.text(trial.value)
    told = (
        [] if trial.recipe is None else [f"{trial.recipe.initial_sample.method}, {trial.recipe.query_strategy.method}"]
    )
    told += [trial.reason] if trial.reason else []
    return {"trial": trial.number, "value": value, "state": STATES[trial.state], "how": "; ".join(told)}


def _end(standing: RunProgress) -> list[str]:
    if not standing.ended:
        return []
    if standing.run.findings is not None:
        return _wrapped(standing.run.sentences[0], "")
    return [f"{standing.ended}."]


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    width = shutil.get_terminal_size((110, 24)).columns - len(indent)
    return [indent + line for line in textwrap.wrap(text, max(24, width))]
