"""Results in a line and in a small table: what a Python prompt and a notebook show of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altune.core.text import amount_within

if TYPE_CHECKING:
    from altune.analysis.comparison.result import RecipeComparison
    from altune.analysis.findings import Findings
    from altune.analysis.run import Run
    from altune.simulation.objectives import Objective

Row = tuple[str, str]


def run_line(run: Run) -> str:
    """Return a run in one line: data, number of trials, the value of its recipe, and the recipe's query strategy."""
    parts = [", ".join(map(repr, run.record.data_sets)), f"{_counted(run)} trials"]
    findings = run.findings
    if findings is not None:
        parts.append(f"{objective_words(run.objective)} {_value(findings)} on {findings.recipe.blocks} blocks")
        recipe = run.best_recipe
        parts.append(f"{recipe.initial_sample.method} start, {recipe.query_strategy.method}")
    else:
        parts.append("not confirmed")
    parts += [f"folder {str(run.folder)!r}"] if run.folder is not None else []
    return f"Run({', '.join(parts)})"


def run_rows(run: Run) -> list[Row]:
    """Return a run as rows of a table: data, trials, the recipe with its values, and each baseline against it."""
    rows = [("data", ", ".join(run.record.data_sets)), ("trials", str(_counted(run)))]
    rows += [("folder", str(run.folder))] if run.folder is not None else []
    all_findings = run.all_findings
    if not all_findings:
        return [*rows, ("confirmed", "not yet; run.confirm() does it")]
    rows.append(("recipe", run.best_recipe.describe()))
    for name, findings in all_findings.items():
        where = f" on {name}" if len(all_findings) > 1 else ""
        value = f"{_value(findings)} on {findings.recipe.blocks} blocks"
        rows.append((f"{objective_words(findings.objective)}{where}", value))
        for baseline, against in findings.others.items():
            of = against.difference
            gain = amount_within(of.mean, of.low, of.high, signed=True)
            rows.append((f"over {baseline.replace('_', ' ')}{where}", gain))
    return rows


def comparison_line(comparison: RecipeComparison) -> str:
    """Return a comparison in one line: data, number of blocks, and the recipe with the best mean."""
    data = ", ".join(repr(contest.data) for contest in comparison.contests)
    blocks = sum(contest.blocks for contest in comparison.contests)
    best = _leader(comparison)
    of = comparison.result.recipes[best]
    value = f"{objective_words(comparison.objective)} {amount_within(of.mean, of.low, of.high)}"
    return f"RecipeComparison({data}, {len(comparison.recipes)} recipes on {blocks} blocks, best {best!r}: {value})"


def comparison_rows(comparison: RecipeComparison) -> list[tuple[str, ...]]:
    """Return a row for each recipe, the best first: its name, its mean with the interval, and its difference."""
    best, result = _leader(comparison), comparison.result
    sign = comparison.objective.sign
    rows: list[tuple[str, ...]] = []
    for name, of in sorted(result.recipes.items(), key=lambda item: -sign * item[1].mean):
        pair = next((pair for pair in result.differences if {pair.a, pair.b} == {name, best} and name != best), None)
        turned = None if pair is None else pair.difference if pair.a == name else pair.turned().difference
        difference = "" if turned is None else amount_within(turned.mean, turned.low, turned.high, signed=True)
        rows.append((name, amount_within(of.mean, of.low, of.high), difference))
    return rows


def comparison_head(comparison: RecipeComparison) -> tuple[str, ...]:
    """Return the titles of the columns of :func:`comparison_rows`."""
    return "recipe", objective_words(comparison.objective), f"difference from {_leader(comparison)}"


def objective_words(objective: Objective) -> str:
    """Return the names of an objective and its metric."""
    return f"{objective.name} of {objective.metric}"


def _leader(comparison: RecipeComparison) -> str:
    means, sign = comparison.result.recipes, comparison.objective.sign
    return max(means, key=lambda name: sign * means[name].mean)


def _counted(run: Run) -> int:
    return sum(trial.state != "forbidden" for trial in run.trials)


def _value(findings: Findings) -> str:
    of = findings.recipe
    return amount_within(of.mean, of.low, of.high)
