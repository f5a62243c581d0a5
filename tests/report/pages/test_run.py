"""Pages of real runs: one objective or several, one data set or several, bounds, racing, a study that workers share."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

import altune
from altune import Run
from altune.analysis.findings import Findings
from altune.numerics.statistics import PairedDifference
from altune.recipes.space import SearchSpace
from altune.report import CodeBlock, FactsBlock, FigureBlock, PageContent, TableBlock
from altune.report.pages.run.page import overall_verdict, run_content, run_page
from tests.helpers.browser import accessibility_problems, requests_of, show

EVIL = "<img src=x onerror=alert(1)>"
SIZES: dict[str, Any] = {"select_among": 2, "select_blocks": 2, "report_blocks": 5, "budget": 30, "loops": 8}
STRATEGIES = {"query_strategy": ["margin", "entropy", "random"]}
STOPS = {
    "stopping": [
        {"method": "budget"},
        {"method": "stabilizing_predictions", "threshold": {"low": 0.5, "high": 0.99}},
    ],
    "loop_size": [{"method": "constant"}, {"method": "geometric", "growth": {"low": 0.8, "high": 1.5}}],
}


def tune(data: Any = "iris", space: dict[str, Any] = STRATEGIES, **given: Any) -> Run:
    settings = {**SIZES, "n_trials": 3, "n_blocks": 2, **given}
    return altune.tune(data, SearchSpace.from_dict(space), **settings)


def facts(content: PageContent) -> dict[str, str]:
    return dict(next(part.facts for part in content.parts if isinstance(part, FactsBlock)))


def figures(content: PageContent) -> list[FigureBlock]:
    return [part for part in content.parts if isinstance(part, FigureBlock)]


def named(content: PageContent, heading: str) -> FigureBlock:
    return next(part for part in figures(content) if part.heading == heading)


def commands(content: PageContent) -> list[str]:
    return [part.text for part in content.parts if isinstance(part, CodeBlock)]


def tables(content: PageContent) -> list[TableBlock]:
    return [part for part in content.parts if isinstance(part, TableBlock)]


@pytest.fixture(scope="module")
def front_run() -> Run:
    return tune(
        space=STOPS,
        n_trials=8,
        portfolio=0,
        objective=("aulc", "labels"),
        prefer="score within 0.02, then fewest labels",
        constraints=("labels <= 29",),
    )


@pytest.fixture(scope="module")
def evil_run() -> Run:
    """A run on two data sets whose names and classes are markup."""
    X, y = load_iris(return_X_y=True)
    names = np.array(["<script>document.title='evil'</script>", "<b>bold</b>", "plain"])
    return tune([altune.Dataset(X, names[y], name=EVIL), altune.Dataset(X[::-1], names[y][::-1], name="a/b'c.csv")])


@pytest.fixture(scope="module")
def merit_run() -> Run:
    """A search that plays recipes on more blocks the better they do."""
    return tune(n_trials=12, n_blocks=None)


# several objectives


def test_a_front_has_its_figure_and_its_table(front_run: Run) -> None:
    content = run_content(front_run)
    figure = next(part.figure for part in figures(content) if part.heading == "What does it cost?")
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    broken = [trial for trial in front_run.trials if not trial.feasible]
    assert broken, "the bound must part the trials, or this tests nothing"
    assert len(marks["infeasible"].x) == len(broken)
    assert {"random sampling", "vanilla"} <= set(marks)
    table = next(part for part in tables(content) if part.title == "The Pareto front")
    assert table.columns == ("", "aulc", "labels", "in words")
    assert len(table.rows) == len(front_run.front)
    best = max(front_run.front, key=lambda trial: trial.objectives[0])
    assert table.rows[0][1:3] == (f"{best.objectives[0]:.4f}", f"{best.objectives[1]:.1f}")
    assert table.rows[0][3] == best.recipe.describe()


def test_the_picked_trial_is_marked_wherever_it_stands(front_run: Run) -> None:
    picked = front_run.confirmation.candidates[front_run.confirmation.selected].trial
    assert picked is not None, "a trial must be selected, or this tests nothing"
    content = run_content(front_run)
    table = next(part for part in tables(content) if part.title == "The Pareto front")
    marked = [row[0] for row in table.rows if "(picked)" in row[0]]
    assert marked == [f"trial {picked}"] * len(marked) or marked == [f"trial {picked} (picked)"]
    assert bool(marked) != (f"Trial {picked}, which was picked, is not on it." in table.caption)
    figure = next(part.figure for part in figures(content) if part.heading == "What does it cost?")
    star = next(trace for trace in figure.data if trace.name == "picked")
    assert (star.y[0], star.x[0]) == front_run.trials[picked].objectives


def test_facts_name_the_positive_class_of_a_metric() -> None:
    data, settings = "breast_cancer", {"n_trials": 1, "n_blocks": 1, "confirm": False}
    chosen = facts(run_content(tune(data, metric="recall", positive="malignant", **settings)))
    assert chosen["Positive class"] == "'malignant' (the other is 'benign')"
    usual = facts(run_content(tune([data, "iris"], metric="accuracy", **settings)))
    assert not {"Positive class", "Positive classes"} & set(usual)


def test_facts_tell_objectives_rule_and_bounds(front_run: Run) -> None:
    told = facts(run_content(front_run))
    assert told["Objectives"] == (
        "area under the learning curve (accuracy) over [0, 30] labels; labels bought (less is better)"
    )
    assert told["Picked from the front"] == "aulc within 0.02 of the best, then the fewest labels"
    broken = sum(not trial.feasible for trial in front_run.trials)
    assert told["Constraints"] == f"labels <= 29 (violated by {broken} of 8 trials)"


def test_the_second_objective_is_a_highlight_and_a_column(front_run: Run) -> None:
    content = run_content(front_run)
    means = [np.mean([curve.labels[-1] for curve in played.curves]) for played in _reported(front_run)]
    number, what = content.highlights[2]
    assert float(number) == pytest.approx(means[0], abs=0.5)
    assert what == "labels bought; random sampling has 30"
    assert content.highlights[0][1] == "accuracy with 30 labels"
    table = next(part for part in tables(content) if part.title == "The result in numbers")
    column = list(table.columns).index("labels")
    assert [row[column] for row in table.rows] == [f"{mean:.1f}" for mean in means]


def _reported(run: Run) -> list[Any]:
    baselines = run.confirmation.baselines
    return [run.confirmation.recipe, *(baselines[name] for name in run.findings.others)]


# less is better


def test_where_less_is_better_every_part_says_so() -> None:
    run = tune(objective="labels_to_target")
    content = run_content(run)
    mean = next(iter(run.findings.others.values())).difference.mean
    number, what = content.highlights[1]
    assert number.endswith(" labels")
    assert number.startswith("−" if round(mean, 1) < 0 else "+")
    assert "below zero is better" in what
    headings = {part.heading: part for part in reversed(figures(content))}
    assert "below zero is better" in headings["How sure is that?"].explanation
    best = next(trace for trace in headings["How was it measured?"].figure.data if trace.name == "best so far")
    assert (np.diff(best.y) <= 0).all()
    assert not re.search(r"\d\.\d{2}", " ".join(tables(content)[0].rows[0][2:])), "labels have one decimal"
    assert facts(content)["Objective"] == (
        "labels to the target (accuracy), random sampling's at the end (less is better)"
    )


def test_a_risk_is_told_with_what_it_changes() -> None:
    content = run_content(tune(risk="cvar:0.5", n_blocks=3))
    assert facts(content)["Over blocks"] == "the mean over the worst 50 % of the blocks (cvar:0.5)"
    differences = next(part for part in figures(content) if "Recipe minus baseline" in part.explanation)
    assert "Results are the mean over the worst 50 % of the blocks." in differences.explanation
    assert "worst 50 %" in named(content, "How was it measured?").figure.layout.yaxis.title.text
    candidates = next(part for part in tables(content) if part.title.startswith("The best recipes"))
    own = float(candidates.rows[0][candidates.columns.index("cvar:0.5")])
    assert own <= float(candidates.rows[0][2].split()[0])


def test_a_selection_from_the_search_is_told_with_who_was_left_behind() -> None:
    run = tune(
        space={"initial_sample": ["kmeans", "typiclust"]}, select_blocks=9, n_trials=8, n_blocks=None, ablation=False
    )
    content, confirmation = run_content(run), run.confirmation
    assert confirmation is not None
    fewest, most = confirmation.played_to_select
    assert fewest < most
    table = next(part for part in tables(content) if part.title.startswith("The best recipes"))
    played = [row[table.columns.index("blocks")] for row in table.rows]
    for position, candidate in enumerate(confirmation.candidates):
        selected = position == confirmation.selected
        behind = "" if selected or len(candidate.values) == 9 else ", clearly behind"
        assert played[position] == f"{len(candidate.values)}{' of 9' if len(candidate.values) < 9 else ''}{behind}"
    assert ", clearly behind" in " ".join(played)
    assert f"{confirmation.candidates[0].posterior.mean:.4f} ±" in table.rows[0][table.columns.index("expected")]
    of_all = " of 9" if most < 9 else ""
    assert f"{fewest} to {most}{of_all} fresh blocks" in table.caption
    assert "fewer for those clearly behind" in facts(content)["Confirmation"]
    curves = run.curves()
    on_select = curves[curves["part"] == "select"].groupby("recipe")["block"].nunique()
    assert on_select.to_dict() == {
        each.baseline or f"trial_{each.trial}": len(each.values) for each in confirmation.candidates
    }
    plain = run.to_dict()["selection"]
    assert [each["selected"] for each in plain].index(True) == confirmation.selected
    assert plain[0]["posterior"]["sd"] > 0


def test_a_search_by_merit_shows_its_plays_and_says_what_its_values_are(merit_run: Run) -> None:
    run, content = merit_run, run_content(merit_run)
    history, plays = figures(content)[-2:]
    assert history.figure.layout.yaxis.title.text.replace("<br>", " ").endswith("expected mean over blocks")
    assert "plays again" in history.explanation
    rings = next(trace for trace in history.figure.data if trace.name == "trial")
    error = f"{run.trials[0].error:.4f}"
    assert f"± {error}; {len(run.trials[0].values)} block" in rings.text[0]
    assert rings.y[0] == run.trials[0].value
    assert plays.figure.to_json() == altune.report.plot_search_blocks(run).to_json()
    assert f"the most played one has {max(len(trial.values) for trial in run.trials)}." in plays.explanation
    n_recipes = len({trial.recipe.digest() for trial in run.trials})
    assert facts(content)["Plays"].startswith(f"{run.record.n_played} of {n_recipes} recipe")
    n_baselines = sum(len(values) for values in run.record.baseline_blocks().values())
    assert sum(len(trace.x) for trace in plays.figure.data[1:]) == run.record.n_played + n_baselines
    fixed = run_content(tune(confirm=False))
    assert [part.figure.layout.title.text for part in figures(fixed) if "on search blocks" in str(part.figure)] == []
    assert "Plays" not in facts(fixed)


# trials that do not count


def test_dropped_trials_are_counted_with_why_and_drawn() -> None:
    space = {"initial_sample": [{"method": "random", "size": {"choices": [3, 25]}}], **STRATEGIES}
    run = tune(space=space, racing=0.5, rungs=(0.5,), leader_blocks=1, n_blocks=5, n_trials=12)
    dropped = [trial for trial in run.trials if trial.state == "dropped"]
    assert dropped, "some trial must be dropped, or this tests nothing"
    content = run_content(run)
    told = facts(content)
    assert told["Dropped early"].startswith(f"{len(dropped)} trial")
    assert dropped[0].reason in told["Dropped early"]
    assert "with a probability of 0.5 at most; rungs at 50% of the budget" in told["Spent with care"]
    assert "1 further blocks for trials among the best 5" in told["Spent with care"]
    assert told["Search"] == f"{12 - len(dropped)} trials on 5 blocks, sampler tpe"
    figure = named(content, "How was it measured?").figure
    mark = next(trace for trace in figure.data if trace.name == "trial, dropped early")
    assert list(mark.x) == [trial.number for trial in dropped]


def test_a_trial_that_lost_a_race_stands_where_it_would_have_ended() -> None:
    space = {"initial_sample": [{"method": "random", "size": {"choices": [3, 4, 5, 25]}}], **STRATEGIES}
    run = tune(space=space, racing=0.5, n_blocks=5, n_trials=24, sampler="random")
    raced = [trial for trial in run.trials if trial.state == "dropped"]
    plain = [np.mean(trial.values) for trial in raced]
    estimates = [next(iter(run.study.trials[trial.number].intermediate_values.values())) for trial in raced]
    assert not np.allclose(plain, estimates), "its blocks must differ from the rest, or this tests nothing"
    figure = named(run_content(run), "How was it measured?").figure
    mark = next(trace for trace in figure.data if trace.name == "trial, dropped early")
    assert list(mark.y) == pytest.approx(estimates)


def test_trials_at_work_are_shown_as_such() -> None:
    run = tune()
    run.study.enqueue_trial({"query_strategy": "margin"})
    run.study.ask()
    run.study.enqueue_trial({"query_strategy": "margin"})
    content = run_content(run)
    assert facts(content)["Not finished"] == "1 running, 1 waiting: this page shows the rest"
    marks = {
        trace.name: list(trace.x)
        for trace in named(content, "How was it measured?").figure.data
        if trace.mode == "markers"
    }
    assert (marks["trial, running"], marks["trial, waiting"]) == ([3], [4])


def test_a_run_that_is_not_confirmed_shows_its_search_and_no_result() -> None:
    content = run_content(tune(space=STOPS, objective=("aulc", "labels"), confirm=False))
    assert content.verdict_text == "Not confirmed yet"
    assert [part.heading for part in figures(content)] == ["What does it cost?", "How was it measured?"]
    assert [part.title for part in tables(content)] == ["The Pareto front"]
    assert not content.highlights
    assert commands(content)[0].startswith("version: 1")
    assert commands(content)[1:] == ["import altune\naltune.simulate(run, 'iris', scenario=run.scenario, seed=0)"]


# several data sets


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return tune(["iris", "wine"], out=tmp_path_factory.mktemp("several") / "run")


def test_several_data_sets_are_answered_first_together_then_each(several: Run) -> None:
    content = run_content(several)
    assert content.title == "How to label iris and wine"
    headings = [part.heading for part in content.parts]
    assert headings[:4] == ["Is it better?", "Is it better?", "How sure is that?", "How sure is that?"]
    asked = ["Is it better?", "How sure is that?", "Why?", "Which knobs matter?", "What did it do?"]
    assert set(headings[4:]) <= {*asked, "How was it measured?", "How to use it"}
    assert list(dict.fromkeys(headings)) == [
        name for name in (*asked, "How was it measured?", "How to use it") if name in headings
    ]
    assert [what.split(":")[0] for _, what in content.highlights] == ["iris", "wine"]
    differences = named(content, "How sure is that?").figure
    hovers = [trace.text for trace in differences.data]
    for name, findings in several.all_findings.items():
        for baseline, one in findings.others.items():
            label = f"<b>{name}: {baseline.replace('_', ' ')}</b>"
            number = f"{one.difference.mean:+.3f}".replace("-", "−")
            assert any(label in hover and number in hover for hover in hovers)
    assert "The result on wine in numbers" in [part.title for part in tables(content)]


def test_values_of_several_data_sets_lie_between_random_sampling_and_perfect(several: Run) -> None:
    history = named(run_content(several), "How was it measured?")
    baseline = next(trace for trace in history.figure.data if trace.name == "random sampling")
    assert baseline.y[0] == pytest.approx(0.0)
    assert "from random sampling (0) to perfect (1)" in history.figure.layout.yaxis.title.text
    told = facts(run_content(several))
    assert told["Data set 2"].startswith("wine: 178 rows, 13 features, 3 classes, the rarest 48 rows, 27.0%; 30 labels")
    assert told["Search"] == "3 trials on 2 blocks of each data set, sampler tpe"


def test_commands_name_each_data_set_with_the_scenario_that_was_written(several: Run) -> None:
    told = commands(run_content(several))
    for name in ("iris", "wine"):
        command = next(one for one in told if one.startswith(f"altune simulate {name} "))
        path = Path(command.split("--scenario ")[1].split(" ")[0])
        assert altune.Scenario.load(path).to_dict() == several.record.scenarios[name].to_dict()


def test_ranks_say_that_the_value_shown_did_not_decide() -> None:
    run = tune(["iris", "wine"], across="ranks", objective="deficiency")
    history = named(run_content(run), "How was it measured?")
    assert "The search ranks trials by their mean rank" in history.explanation
    assert "0 is random sampling" not in history.explanation


def test_a_verdict_over_data_sets_is_better_only_where_all_are(several: Run) -> None:
    def with_gain(gain: float) -> Findings:
        found, p = several.findings, 0.001 if abs(gain) > 0.01 else 0.9
        moved = {
            name: replace(one, difference=PairedDifference(gain, gain - 0.01, gain + 0.01, p, 5, 0.5))
            for name, one in found.against.items()
        }
        return replace(found, against=moved, chosen="")

    assert overall_verdict({"a": with_gain(0.1), "b": with_gain(0.2)}) == "better"
    assert overall_verdict({"a": with_gain(0.1), "b": with_gain(-0.1)}) == "unclear"
    assert overall_verdict({"a": with_gain(0.0), "b": with_gain(0.0)}) == "unclear"
    assert overall_verdict({"a": with_gain(-0.2), "b": with_gain(-0.1)}) == "not better"
    assert "of 2 data sets" in run_content(several).verdict_text


# hostile names


def test_hostile_names_of_data_stay_text(evil_run: Run) -> None:
    page = run_page(evil_run)
    assert EVIL not in page
    assert "<script>document.title" not in page
    assert html.escape(EVIL) in page
    assert commands(run_content(evil_run))[1:] == [
        f"import altune\naltune.simulate(run, data, scenario=run.record.scenarios[{EVIL!r}], seed=0)"
    ]


# figures of a run without its page


def test_a_run_is_all_that_a_figure_needs(front_run: Run) -> None:
    content = run_content(front_run)
    own = {
        "Is it better?": altune.report.plot_learning_curves(front_run),
        "How sure is that?": altune.report.plot_differences(front_run),
        "What does it cost?": altune.report.plot_pareto_front(front_run),
        "How was it measured?": altune.report.plot_search_history(front_run),
    }
    for heading, figure in own.items():
        assert figure.to_json() == named(content, heading).figure.to_json()
    other = altune.report.plot_learning_curves(front_run, "accuracy", 20)
    assert other.layout.xaxis.range == (0, 20)
    assert len(other.data) == len(own["Is it better?"].data)


def test_a_figure_says_what_a_run_lacks() -> None:
    run = tune(confirm=False)
    for plot in (altune.report.plot_learning_curves, altune.report.plot_differences):
        with pytest.raises(altune.RequestError, match="not confirmed"):
            plot(run)
    with pytest.raises(altune.RequestError, match="one objective"):
        altune.report.plot_pareto_front(run)
    with pytest.raises(altune.RequestError, match="every trial of the run was played on the same blocks"):
        altune.report.plot_search_blocks(run)
    with pytest.raises(altune.RequestError, match="give `metric` and `budget`"):
        altune.report.plot_learning_curves({"a": run.baselines["vanilla"].curves})


# a study that workers share


def test_a_shared_study_names_its_database_and_workers_and_no_password(server: Any, tmp_path: Path) -> None:
    url = server.create_database("page").replace("postgres@", "postgres:s3cret@")
    run = tune(storage=url, study_name="</script>", out=tmp_path / "run")
    told = facts(run_content(run))
    assert "s3cret" not in run_page(run)
    assert told["Database"].startswith("postgresql://postgres@")
    assert told["Database"].endswith("study </script>")
    assert re.fullmatch(r"1 on one machine: \S+ \(1, 3 trials\)", told["Workers"])


# in a browser


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("name", ["front_run", "evil_run", "merit_run"])
def test_the_page_of_a_real_run_opens_from_disk(
    browser: Any, request: pytest.FixtureRequest, tmp_path: Path, name: str, width: int
) -> None:
    page = run_page(request.getfixturevalue(name))
    show(browser, page, tmp_path / "run.html", width)
    assert browser.get_log("browser") == []
    assert [url for url in requests_of(browser) if not url.startswith("file:")] == []
    assert browser.title.startswith("How to label ")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    text = browser.find_element("tag name", "main").text
    for words in ("fresh blocks", "Is it better?", "How was it measured?", "The recipe", "query_strategy"):
        assert words in text
    marks = ".trace, .heatmaplayer image"
    drawn = browser.execute_script(
        f"return [...document.querySelectorAll('.plot')].map(p => p.querySelectorAll('{marks}').length)"
    )
    assert len(drawn) >= 6
    assert min(drawn) > 0
    assert accessibility_problems(browser) == []
    texts = browser.execute_script("return [...document.querySelectorAll('.plot text')].map(t => t.textContent)")
    if name == "evil_run":
        assert any(text.startswith("<script>") for text in texts), "names of classes stand as text in the figures"
    assert browser.execute_script("return document.querySelectorAll('main img').length") == 0
