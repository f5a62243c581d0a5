"""The progress of a run as text for a terminal."""

from __future__ import annotations

import shlex
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from altune.analysis.importance.knob_importance import KnobImportance
from altune.core.text import counted, duration, plays_words, rough_duration
from altune.report.texts.aligned import table
from altune.report.texts.importance import share_text
from altune.report.words import across_note, search_amounts, search_value_name, violation_words

if TYPE_CHECKING:
    from altune.analysis.progress import RunProgress
    from altune.tuning.trials import TrialRecord

BAR = 24
SHOWN = 5
"""Number of trials and of workers to show, the last ones."""
STAGES = {"baselines": "playing the baselines", "searching": "searching", "confirming": "confirming on fresh blocks"}
STAGES |= {"transfer": "confirming on data that no trial saw"}
STAGES |= {"examining": "examining the loops of the recipe", "ablation": "playing the ablation"}
UNFINISHED = {"baselines": "while it played the baselines", "searching": "in the search"}
UNFINISHED |= {"confirming": "before the confirmation was complete", "examining": "before its page was written"}
UNFINISHED |= {"transfer": "before it was confirmed on other data"}
STATES = {"complete": "complete", "failed": "failed", "dropped": "dropped early", "running": "running"}
STATES |= {"waiting": "waiting", "forbidden": "forbidden draws"}
BIASED = (
    "The value of the best trial is biased upwards and is not the result. The confirmation on fresh blocks gives an "
    "unbiased one."
)


def watch_text(progress: RunProgress, importance: KnobImportance | str) -> str:
    """Return the progress of a run: the stage, the best trial, the baselines, the knobs, and the last trials."""
    run = progress.run
    parts = [
        [", ".join(run.record.data_sets) + f": {run.folder}", *_progress(progress)],
        _workers(progress),
        _best(progress),
        _knobs(importance),
        _last(progress),
        _end(progress),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _progress(progress: RunProgress) -> list[str]:
    wanted = progress.wanted
    count = f"{counted(progress.finished, 'trial')}" if wanted is None else f"{progress.finished} of {wanted} trials"
    bar = ""
    if wanted:
        filled = min(BAR, round(BAR * progress.finished / wanted))
        bar = f" [{'#' * filled}{'-' * (BAR - filled)}]"
    line = f"{STAGES.get(progress.stage, progress.stage)}{bar} {count}"
    left = progress.seconds_left
    if progress.stage == "searching" and progress.seconds_each is not None:
        line += f", {duration(progress.seconds_each)} each"
        line += f", about {rough_duration(left)} left" if left and not progress.idle else ""
    states = [f"{progress.states[state]} {words}" for state, words in STATES.items() if progress.states[state]]
    lines = [line, *([f"  {', '.join(states)}"] if states else []), *_plays(progress)]
    if progress.trajectories is not None:
        done, total = progress.trajectories
        lines.append(f"  {done} of {total} trajectories of the whole run" + _time_left(progress, total - done))
    if progress.at_work is False and not progress.ended and not progress.idle:
        lines.append("  The process of the run has ended, its workers continue; the same command confirms it later.")
    return lines


def _plays(progress: RunProgress) -> list[str]:
    """Return how many plays the search has, of how many recipes, where recipes get blocks by merit."""
    if not progress.recipes:
        return []
    return [f"  {plays_words(progress.run.record.n_played, progress.recipes, progress.candidates)}"]


def _time_left(progress: RunProgress, trajectories: int) -> str:
    """Return the time that a number of trajectories takes at the pace of the search, in words."""
    seconds = progress.seconds_each_play
    if seconds is None or not trajectories or progress.idle:
        return ""
    return f", about {rough_duration(seconds * trajectories)} left"


def _workers(progress: RunProgress) -> list[str]:
    if not progress.workers or progress.ended or progress.idle:
        return []
    rows = [
        {
            "worker": f"{worker.host}, process {worker.process}",
            "plays": ", ".join(f"trial {number}" for number in worker.running) or "-",
            "finished": worker.finished,
            "last seen": f"{duration(max(0.0, worker.silent))} ago",
        }
        for worker in progress.workers[:SHOWN]
    ]
    return [table(rows)]


def _best(progress: RunProgress) -> list[str]:
    run, best = progress.run, progress.best
    amounts = search_amounts(run).exact
    baselines = [
        f"{name.replace('_', ' ')} {amounts.text(value)}" for name, value in run.record.baseline_values().items()
    ]
    on = "adjusted for their blocks" if run.record.search_blocks.by_merit else "on the same blocks"
    last = [f"baselines {on}: {', '.join(baselines)}"] if baselines else []
    if best is None or best.value is None:
        return last
    less = ", less is better" if amounts.less_is_better else ""
    others = [
        f"{objective.kind.plain} {value:.4g}"
        for objective, value in zip(run.scenario.make_objectives()[1:], best.objectives[1:], strict=False)
    ]
    lines = [
        f"best so far: trial {best.number} with {', '.join([amounts.text(best.value), *others])} "
        f"({search_value_name(run)}{less})"
    ]
    lines += [] if best.feasible else [f"  It {violation_words(best.violations)}; no trial satisfies all constraints."]
    lines += _wrapped(best.recipe.describe()) if best.recipe is not None else []
    return [*lines, *_wrapped(BIASED + across_note(run)), *last]


def _knobs(importance: KnobImportance | str) -> list[str]:
    if isinstance(importance, str):
        return _wrapped(importance, "")
    matter = [knob for knob in importance.knobs if knob.matters]
    if importance.warning and not matter:
        return _wrapped(f"which knobs matter is not known: {importance.warning}", "")
    rest = [knob.knob for knob in importance.knobs if not knob.matters]
    lines = [f"which knobs matter, so far ({importance.n_trials} recipes, R² {importance.r2:.2f} on unseen ones):"]
    lines += _wrapped(importance.warning) if importance.warning else []
    rows = [
        {
            "knob": knob.knob,
            "share": share_text(knob.share),
            "interval": f"{100 * knob.low:.0f} to {100 * knob.high:.0f}",
        }
        for knob in matter
    ]
    lines += [textwrap.indent(table(rows), "  ")] if rows else []
    floor = f"noise floor {share_text(importance.floor.share)}, up to {share_text(importance.floor.high)}"
    return lines + _wrapped(f"no clear effect: {', '.join(rest) or 'none'} ({floor})")


def _last(progress: RunProgress) -> list[str]:
    trials = [trial for trial in progress.trials if trial.state not in ("waiting", "forbidden")]
    if not trials:
        return []
    rows = [_row(progress, trial) for trial in trials[-SHOWN:]]
    return ["last trials:", textwrap.indent(table(rows, wide="how"), "  ")]


def _row(progress: RunProgress, trial: TrialRecord) -> dict[str, object]:
    value = "-" if trial.value is None else search_amounts(progress.run).exact.text(trial.value)
    how = (
        [] if trial.recipe is None else [f"{trial.recipe.initial_sample.method}, {trial.recipe.query_strategy.method}"]
    )
    how += [trial.reason] if trial.reason else []
    row = {"trial": trial.number, "value": value, "blocks": len(trial.values) or "-", "state": STATES[trial.state]}
    return row | {"how": "; ".join(how)}


def _end(progress: RunProgress) -> list[str]:
    if progress.idle:
        return [*_wrapped(idle_sentence(progress), ""), *_command(progress)]
    if not progress.ended:
        return []
    confirmed = progress.run.findings is not None
    lines = _wrapped(progress.run.sentences[0], "") if confirmed else [f"{progress.ended}."]
    return [*lines, *(_command(progress) if progress.trials_left else [])]


def idle_sentence(progress: RunProgress) -> str:
    """Return that no process works on a run, and how far it came."""
    wanted = "" if progress.wanted is None else f" of {progress.wanted}"
    many = f"{progress.finished}{wanted} trials"
    if progress.trajectories is not None:
        many += f" and {progress.trajectories[0]} of {progress.trajectories[1]} trajectories"
    where = UNFINISHED.get(progress.stage, "")
    return f"No process is working on this run. It stopped {where} after {many}."


def _command(progress: RunProgress) -> list[str]:
    """Return how an unfinished run is resumed."""
    plan = progress.run.record.plan
    command, folder = plan.get("command"), plan.get("folder", "")
    if not command:
        return [
            "To resume it, repeat the call of altune.tune or the command with this folder:",
            f"  {progress.run.folder}",
        ]
    where = "" if folder == str(Path.cwd()) else f" in {folder}"
    return [f"To resume it, run the same command{where}:", f"  {shlex.join(command)}"]


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    width = shutil.get_terminal_size((110, 24)).columns - len(indent)
    return [indent + line for line in textwrap.wrap(text, max(24, width))]
