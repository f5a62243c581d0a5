"""The plan of a search as text for a terminal, with all defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from altune.analysis.costs import price_words
from altune.core.registry import FIELDS
from altune.core.text import counted, memory_words, time_words
from altune.data.description import Encoding
from altune.report.encodings import column_rows, has_other_columns
from altune.report.texts.aligned import table
from altune.simulation.annotators import Annotator
from altune.simulation.objectives import KINDS, Risk
from altune.simulation.scenario import Scenario
from altune.tuning.merit import blocks_words
from altune.tuning.preference import Preference
from altune.tuning.racing import LEADERS
from altune.tuning.report_blocks import report_blocks_words

Row = tuple[str, str]


def plan_text(plan: Mapping[str, Any]) -> str:
    """Return what a search would do; ``plan`` is the result of :func:`altune.workflows.plan.plan`.

    Options that few searches use (several objectives, a risk, constraints, racing, …) are shown only if they are used.
    """
    rows = [
        *_data(plan),
        *_confirm_on(plan),
        *_scenario(plan["scenario"]),
        *_objectives(plan),
        *_search(plan, " of each data set" if plan.get("data_sets") else ""),
        *_confirmation(plan),
        *_precision(plan["precision"], plan["trajectories"]["confirmation"] > 0),
        *_resources(plan["estimate"]),
        ("run", str(plan["run"])),
    ]
    defaults = ", ".join(f"{field}: {_words(value)}" for field, value in plan["defaults"].items() if field in FIELDS)
    parts = [
        table([{"what": name, "value": value} for name, value in rows], wide="value"),
        *_columns(plan),
        f"search space {plan['space']['name']}\n" + table(plan["space"]["knobs"], wide=("alternatives", "parameters")),
        f"what is not open: {defaults}",
        *(f"left out: {line}" for line in plan["space"]["left_out"]),
        *(f"note: {line}" for line in plan["notes"]),
    ]
    return "\n\n".join(parts)


def _data(plan: Mapping[str, Any]) -> list[Row]:
    listed: Sequence[Mapping[str, Any]] = plan.get("data_sets", ())
    if not listed:
        data = plan["data"]
        return [
            ("data", f"{data['name']}: {_size(data)}"),
            ("features", _features(plan)),
            ("pool and test", f"{data['pool']} and {data['test']} rows{_where(data) or ' of each block'}"),
            *([("split", data["split"])] if "split" in data else []),
            ("budget", f"{plan['scenario']['budget']} labels"),
            ("first sample", f"{counted(plan['first_sample'], 'row')} unless the recipe sets it"),
            *_positive(plan),
        ]
    return [row for number, of_data in enumerate(listed, start=1) for row in _data_set(f"data set {number}", of_data)]


def _confirm_on(plan: Mapping[str, Any]) -> list[Row]:
    """Return the rows of the data sets away, which no trial sees."""
    return [row for of_data in plan.get("confirm_on", ()) for row in _data_set("confirmed on", of_data)]


def _data_set(title: str, of_data: Mapping[str, Any]) -> list[Row]:
    data = of_data["data"]
    return [
        (title, f"{data['name']}: {_size(data)}"),
        ("", _features(of_data)),
        (
            "",
            f"pool {data['pool']}, test {data['test']} rows{_where(data)}; budget {of_data['scenario']['budget']} "
            f"labels, first sample {counted(of_data['first_sample'], 'row')} unless the recipe sets it",
        ),
        *([("", data["split"])] if "split" in data else []),
        *_positive(of_data),
    ]


def _where(data: Mapping[str, Any]) -> str:
    return "" if data["search_rows"] is None else " of each search block"


def _positive(of_data: Mapping[str, Any]) -> list[Row]:
    """Return the row of the positive class, if a metric has one."""
    if of_data["positive"] is None:
        return []
    default = "" if "positive" in of_data["scenario"] else ", the last one; --positive CLASS chooses the other"
    return [("positive class", f"{of_data['positive']!r}{default}")]


def _features(of_data: Mapping[str, Any]) -> str:
    return Encoding.from_dict(of_data["encoding"]).summary


def _columns(plan: Mapping[str, Any]) -> list[str]:
    """Return the columns of each table and what is odd about them."""
    parts = []
    for of_data in plan.get("data_sets", [plan]):
        encoding, name = Encoding.from_dict(of_data["encoding"]), of_data["data"]["name"]
        if has_other_columns(encoding):
            parts.append(f"columns of {name}\n" + table(column_rows(encoding), wide=("column", "becomes")))
        if encoding.remarks:
            parts.append("\n".join(f"{name}: {line}" for line in encoding.remarks))
    return parts


def _size(data: Mapping[str, Any]) -> str:
    return f"{data['rows']} rows, {counted(data['features'], 'feature')}, {data['classes']} classes"


def _scenario(scenario: Mapping[str, Any]) -> list[Row]:
    loops = scenario["loops"]
    return [
        ("loops", "without limit" if isinstance(loops, str) else f"at most {loops} after the first sample"),
        ("metric", ", ".join([scenario["metric"], *scenario["also"]])),
        ("annotators", ", ".join(Annotator.model_validate(plain).describe() for plain in scenario["annotators"])),
        ("prices", price_words(Scenario.from_dict(scenario))),
    ]


def _objectives(plan: Mapping[str, Any]) -> list[Row]:
    scenario, settings = plan["scenario"], plan["settings"]
    given = scenario["objective"]
    names = [given] if isinstance(given, str) else list(given)
    wanted = "; ".join(_wanted(name, scenario["over"]) for name in names)
    rows = [("objective" if len(names) == 1 else "objectives", wanted)]
    if scenario["target_score"] is not None:
        rows.append(("target", f"a score of {scenario['target_score']:g}"))
    if len(names) > 1:
        rule = Preference.parse(settings["prefer"], names) if settings["prefer"] else Preference.usual(names)
        rows.append(("picked from the front", str(rule)))
    if scenario["risk"] != "mean":
        rows.append(("over blocks", Risk.parse(scenario["risk"]).words))
    if plan.get("data_sets"):
        means = "mean of values where random sampling is 0 and a perfect model 1"
        ranks = "mean of the ranks among all trials, on each data set"
        rows.append(("over data sets", ranks if settings["across"] == "ranks" else means))
    return [*rows, *([("constraints", "; ".join(scenario["constraints"]))] if scenario["constraints"] else [])]


def _wanted(name: str, over: str) -> str:
    domain = f" over {over}" if KINDS[name].area else ""
    return f"{name}{domain}{' (less is better)' if KINDS[name].direction == 'minimize' else ''}"


def _search(plan: Mapping[str, Any], each: str) -> list[Row]:
    settings = plan["settings"]
    rows = [
        (
            "search",
            f"{counted(settings['n_trials'], 'trial')} on {blocks_words(settings['n_blocks'])}{each}, batches of "
            f"{settings['batch']}" + _limit(settings),
        ),
        ("first trials", plan["first_trials"]["summary"]),
        ("sampler", f"{settings['sampler']}, seed {settings['seed']}"),
    ]
    if settings["racing"]:
        rows.append(
            (
                "racing",
                "a trial clearly worse than the best is dropped; one as good as the best with a probability of at most "
                f"{settings['racing']:g}",
            )
        )
    if settings["rungs"]:
        shares = ", ".join(f"{share:.0%}" for share in settings["rungs"])
        rows.append(("rungs", f"at {shares} of the budget, a trial that can no longer win is dropped"))
    if settings["leader_blocks"]:
        rows.append(("leaders", f"{settings['leader_blocks']} further blocks for trials among the best {LEADERS}"))
    if settings["trial_timeout"] is not None:
        rows.append(("time limit", f"{settings['trial_timeout']:g} s for each trial"))
    return rows


def _limit(settings: Mapping[str, Any]) -> str:
    limit = settings["n_simulations"]
    return "" if limit is None else f", {limit} simulations at most"


def _confirmation(plan: Mapping[str, Any]) -> list[Row]:
    settings, many = plan["settings"], plan["trajectories"]
    report = report_blocks_words(settings["report_blocks"], settings["precision"])
    select = f"{'up to ' if settings['n_blocks'] is None else ''}{settings['select_blocks']}"
    sizes = f"best {settings['select_among']} on {select} blocks, one on {report}"
    # The path has fewer steps if the recipe agrees with vanilla in some knobs.
    upper = {"ablation": "at most "} if many["ablation"] else {}
    upper |= {"confirmation": "at most "} if many["confirmation"] and "up to" in select + report else {}
    upper |= {"transfer": "at most "} if "up to" in report else {}
    listed = ", ".join(f"{upper.get(name, '')}{count} {name}" for name, count in many.items())
    each = " of each data set" if plan.get("data_sets") else ""
    return [
        ("confirmation", f"{sizes}{each}" if many["confirmation"] else "none"),
        ("trajectories", f"{sum(many.values())}: {listed}" + _at_most(settings)),
    ]


def _precision(found: Sequence[Mapping[str, Any]], confirmed: bool) -> list[Row]:
    """Return how narrow the intervals will be on each data set, and how many rows would make them narrow."""
    if confirmed and not found:
        usual = "about a thousand rows with labels for two classes, a few thousand for more, show the usual gain"
        return [("precision", f"cannot be foretold here; {usual}")]
    rows = []
    for of_data in found:
        half, wanted = of_data["half_width"], of_data["wanted"]
        more = f"; ±{wanted:g} takes about {rounded(of_data['rows_wanted'])} rows" if half > wanted else ""
        data = f"{of_data['data']}: " if len(found) > 1 else ""
        words = f"{data}about ±{half:.2g} for a difference, from {of_data['rows']} rows with labels{more}"
        rows.append(("precision", words))
    return rows


def rounded(number: int) -> int:
    """Return a number to two digits.

    >>> rounded(7342), rounded(99)
    (7300, 99)
    """
    return int(float(f"{number:.1e}"))


def _resources(estimate: Mapping[str, Any]) -> list[Row]:
    if estimate["seconds"] is None:
        return [("time", f"not known: {estimate['reason']}")]
    jobs, memory = estimate["processes"], estimate["memory_per_process"]
    rows = [("time", f"{time_words(estimate['seconds'], jobs)}, estimated from a few trajectories")]
    return rows if memory is None else [*rows, ("memory", memory_words(memory, jobs))]


def _at_most(settings: Mapping[str, Any]) -> str:
    if settings["leader_blocks"]:
        return ", and more for leaders"
    return ", at most" if settings["racing"] or settings["rungs"] else ""


def _words(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    rest = ", ".join(f"{name}={_words(part)}" for name, part in value.items() if name != "method")
    return f"{value['method']}({rest})" if rest else str(value["method"])
