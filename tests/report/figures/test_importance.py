"""Figures, words and commands for the importance of knobs and for effects."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

import altune
from altune.analysis.importance.effects import Effects
from altune.analysis.importance.explained import prepare
from altune.analysis.importance.knob_importance import KnobImportance, knob_importance
from altune.analysis.importance.observations import Observation
from altune.analysis.importance.optuna import ANSWERS, EVALUATORS, optuna_importance
from altune.analysis.importance.shares import HeldNumber
from altune.cli import main
from altune.core.errors import RequestError
from altune.recipes.space import SearchSpace
from altune.report import (
    Amounts,
    FigureBlock,
    TextBlock,
    plot_effect_surface,
    plot_interactions,
    plot_knob_importance,
    plot_method_effects,
    plot_parameter_effect,
    plot_parameter_importance,
)
from altune.report.figures.effect_surface import effect_surface_numbers
from altune.report.figures.interactions import interaction_numbers
from altune.report.figures.knob_importance import knob_importance_numbers, parameter_importance_numbers
from altune.report.figures.method_effects import method_effect_numbers
from altune.report.pages.run.importance import importance_section
from altune.report.texts.importance import importance_text
from altune.report.words import KNOBS

EVIL = "<img src=x onerror=alert(1)>"
SPACE = SearchSpace.from_dict(
    {
        "query_strategy": ["random", "margin", {"method": "density_weighted", "beta": {"low": 0.1, "high": 2.0}}],
        "loop_size": ["constant", {"method": "geometric", "growth": {"low": 0.5, "high": 1.5}}],
        "initial_sample": {"method": "random", "size": {"low": 5, "high": 60, "log": True}},
        "retrain": ["reset", "warm_start"],
    }
)
SIZE = "initial_sample.random.size"
GROWTH = "loop_size.geometric.growth"


def drawn(function: Any, n: int, noise: float = 0.02) -> list[Observation]:
    """Return recipes drawn at random and what a known function says of them, on five blocks."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    rng = np.random.default_rng(0)
    played = []
    for _ in range(n):
        trial = study.ask()
        SPACE.suggest(trial)
        values = function(trial.params) + noise * rng.normal(size=5)
        played.append(Observation(dict(trial.params), float(values.mean()), tuple(values)))
    return played


def worth(params: dict[str, Any]) -> float:
    """Margin is worth 1 with equal loops alone, large first samples cost, retraining is worth nothing."""
    together = (params["query_strategy"] == "margin") * (params["loop_size"] == "constant")
    return float(together - 0.3 * np.log(params[SIZE] / 5))


@pytest.fixture(scope="module")
def played() -> list[Observation]:
    return drawn(worth, 90)


@pytest.fixture(scope="module")
def found(played: list[Observation]) -> KnobImportance:
    return knob_importance(played, SPACE)


@pytest.fixture(scope="module")
def noise() -> KnobImportance:
    return knob_importance(drawn(lambda params: 0.0, 30, 1.0), SPACE)


@pytest.fixture(scope="module")
def effects(played: list[Observation]) -> Effects:
    return Effects(prepare(played, SPACE))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> altune.Run:
    folder = tmp_path_factory.mktemp("runs") / "run"
    space = {"initial_sample": SPACE.to_dict()["initial_sample"], "query_strategy": ["random", "margin"]}
    settings: dict[str, Any] = {"budget": 60, "loops": 6, "n_trials": 24, "n_blocks": 2, "sampler": "random"}
    made = altune.tune("iris", SearchSpace.from_dict(space), **settings, confirm=False, out=folder)
    assert made.folder is not None
    return altune.open_run(made.folder)


def texts(figure: Any) -> str:
    return " ".join([figure.layout.title.text, *(note.text for note in figure.layout.annotations)])


# shares


def test_a_knob_that_is_noise_is_drawn_open_and_those_that_matter_filled(found: KnobImportance) -> None:
    numbers = knob_importance_numbers(found)
    assert [row.share for row in numbers.rows] == [one.share for one in found.knobs]
    assert {row.name: row.is_clear for row in numbers.rows}["retrain"] is False
    assert {row.name: row.is_clear for row in numbers.rows}["query strategy"] is True
    figure = plot_knob_importance(found)
    fills = {bar.text.split("<b>")[1].split("</b>")[0]: bar.marker.color for bar in figure.data}
    assert fills["retrain"] == "#ffffff"
    assert fills["query strategy"] != "#ffffff"
    assert "open: not above the noise floor" in texts(figure)
    assert f"{found.n_trials} recipes on 5 blocks" in texts(figure)
    assert f"R² {found.r2:.2f}" in texts(figure)


def test_the_shares_with_a_number_held_stand_beside_those_of_the_whole_space(found: KnobImportance) -> None:
    beside = tuple(replace(knob, share=knob.share / 2, low=0.0, matters=False) for knob in found.knobs)
    held = HeldNumber("initial_sample", "size", 20, 0.4, beside)
    numbers = knob_importance_numbers(replace(found, held=held))
    assert [row.name for row in numbers.rows[:2]] == ["query strategy", "with size 20"]
    assert [row.share for row in numbers.rows if row.is_held] == [knob.share for knob in beside]
    assert [row.share for row in numbers.rows if not row.is_held] == [knob.share for knob in found.knobs]
    figure = plot_knob_importance(replace(found, held=held))
    assert "light: between recipes with size 20, 40 % of the variance" in texts(figure)
    assert texts(figure).count("with size 20") == 1 + len(beside)
    text = importance_text(replace(found, held=held))
    assert "Between recipes with size 20, 40.0 % of the variance:" in text
    first = next(line for line in text.split("40.0 % of the variance:")[1].splitlines() if "query_strategy" in line)
    assert f"{100 * beside[0].share:.1f} %" in first


def test_the_noise_floor_is_shaded_up_to_its_upper_end_and_named(found: KnobImportance) -> None:
    figure = plot_knob_importance(found)
    shaded = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (shaded.x0, shaded.x1) == (0, found.floor.high)
    assert "noise floor" in texts(figure)
    assert figure.layout.xaxis.range[1] > max(one.high for one in found.knobs)


def test_the_warning_stands_in_every_figure_of_shares(noise: KnobImportance) -> None:
    assert noise.warning
    for figure in (plot_knob_importance(noise), plot_parameter_importance(noise), plot_interactions(noise)):
        plain = " ".join(figure.layout.title.text.replace("</b></span><br>", " ").split())
        assert "Careful: The surrogate" in plain
    assert not any(row.is_clear for row in knob_importance_numbers(noise).rows)


def test_only_the_largest_decisions_are_shown_and_the_rest_counted(found: KnobImportance) -> None:
    numbers = parameter_importance_numbers(found, most=3)
    assert [row.hover for row in numbers.rows] == [one.path for one in found.parameters[:3]]
    assert numbers.left_out == len(found.parameters) - 3
    assert f"the 3 largest of {len(found.parameters)}" in texts(plot_parameter_importance(found, most=3))
    assert {row.hover: row.is_clear for row in numbers.rows}[SIZE] is True


def test_the_matrix_of_pairs_has_each_pair_once_and_quiets_what_is_noise(found: KnobImportance) -> None:
    numbers = interaction_numbers(found)
    assert len(numbers.cells) == 4 + 6
    assert {(numbers.knobs[cell.a], numbers.knobs[cell.b]) for cell in numbers.clear_pairs} in (
        {("loop size", "query strategy")},
        {("query strategy", "loop size")},
    )
    figure = plot_interactions(found)
    shown = {(note.x, note.y): note for note in figure.layout.annotations}
    for cell in numbers.cells:
        note = shown[(cell.b, cell.a)]
        assert note.text.startswith("<b>") == cell.is_clear
    (strong,) = numbers.clear_pairs
    table = np.asarray(figure.data[0].z, dtype=float)
    assert table[strong.a, strong.b] == strong.share
    assert np.nansum(table) == pytest.approx(strong.share)


# effects


def test_methods_are_sorted_by_what_is_better(effects: Effects) -> None:
    more = method_effect_numbers(effects, "query_strategy")
    assert more.rows[0].effect.method == "margin"
    assert sum(len(row.effect.values) for row in more.rows) == effects.n_trials
    less = method_effect_numbers(effects, "query_strategy", Amounts(1, "labels", less_is_better=True))
    assert less.rows[-1].effect.method == "margin"
    figure = plot_method_effects(effects, "query_strategy", value="labels bought", amounts=Amounts(1, "labels", True))
    assert "less is better" in figure.layout.xaxis.title.text
    assert "less is better" in texts(figure)


def test_the_best_methods_are_shown_where_there_are_many(effects: Effects) -> None:
    numbers = method_effect_numbers(effects, "query_strategy", most=2)
    assert (len(numbers.rows), numbers.left_out) == (2, 1)
    figure = plot_method_effects(effects, "query_strategy", most=2)
    assert "the best 2 of 3 methods" in texts(figure)
    middles = [trace.x[0] for trace in figure.data if trace.marker.symbol == "line-ns-open"]
    assert middles == [row.effect.quantiles[2] for row in reversed(numbers.rows) if row.effect.quantiles]


def test_a_method_without_a_trial_is_drawn_open(played: list[Observation]) -> None:
    without = [one for one in played if one.params["query_strategy"] != "random"]
    figure = plot_method_effects(Effects(prepare(without, SPACE)), "query_strategy")
    open_marks = [trace.text for trace in figure.data if trace.marker.color == "#ffffff"]
    assert len(open_marks) == 1
    assert "random" in open_marks[0]
    assert "no trial" in texts(figure)


def test_the_curve_of_a_number_has_a_log_axis_where_its_range_has(effects: Effects) -> None:
    curve = effects.curve(SIZE)
    assert curve.at[np.argmax(curve.mean)] == curve.at[0] < 6, "small first samples are best in this function"
    assert curve.at[np.argmin(curve.mean)] > 50
    figure = plot_parameter_effect(effects, SIZE, value=EVIL)
    assert figure.layout.xaxis.type == "log"
    assert list(figure.layout.xaxis.ticktext) == ["5", "10", "20", "50"]
    assert "log scale" in figure.layout.xaxis.title.text
    assert "<img" not in figure.layout.yaxis.title.text
    dots = next(trace for trace in figure.data if trace.name == "recipes")
    assert len(dots.x) == effects.n_trials
    assert plot_parameter_effect(effects, GROWTH).layout.xaxis.type is None


def test_a_surface_of_two_numbers_marks_where_little_is_known(played: list[Observation]) -> None:
    noisy = drawn(lambda params: 0.0, 14, 1.0)
    few = Effects(prepare(noisy, SPACE))
    numbers = effect_surface_numbers(few, SIZE, GROWTH)
    assert numbers.numeric
    assert (numbers.uncertain == (numbers.surface.spread > 0.5 * np.ptp(numbers.surface.mean))).all()
    assert numbers.uncertain.any()
    assert not effect_surface_numbers(Effects(prepare(played, SPACE)), SIZE, GROWTH).uncertain.all()
    figure = plot_effect_surface(few, SIZE, GROWTH)
    marks = next(trace for trace in figure.data if trace.name == "uncertain")
    assert len(marks.x) == numbers.uncertain.sum()
    both = [trial for trial in noisy if GROWTH in trial.params]
    assert len(next(trace for trace in figure.data if trace.name == "recipes").x) == len(both)
    assert numbers.trials.sum() == len(both)


def test_a_surface_with_names_has_a_number_in_each_cell_and_the_longer_side_down(effects: Effects) -> None:
    numbers = effect_surface_numbers(effects, "retrain", SIZE)
    assert (numbers.surface.a, numbers.surface.b) == (SIZE, "retrain")
    assert numbers.surface.mean.shape == (5, 2)
    assert numbers.trials.sum() == effects.n_trials
    figure = plot_effect_surface(effects, "retrain", SIZE, amounts=Amounts(1, "labels", less_is_better=True))
    assert len(figure.layout.annotations) == 10
    assert figure.data[0].reversescale is True
    assert "darker is better (less)" in figure.layout.title.text
    np.testing.assert_allclose(
        numbers.surface.mean, effect_surface_numbers(effects, SIZE, "retrain").surface.mean, atol=1e-9
    )


def test_a_wrong_decision_is_refused(effects: Effects) -> None:
    with pytest.raises(RequestError, match="no open knob 'stopping'"):
        plot_method_effects(effects, "stopping")
    with pytest.raises(RequestError, match="is not a number"):
        plot_parameter_effect(effects, "query_strategy")


# a run


def test_every_figure_takes_a_run(run: altune.Run) -> None:
    named = "area under the learning curve (accuracy)"
    assert plot_knob_importance(run).to_json() == plot_knob_importance(run.importance()).to_json()
    assert plot_method_effects(run, "query_strategy").layout.xaxis.title.text == named
    assert plot_parameter_effect(run, SIZE).layout.yaxis.title.text == named
    assert named in plot_effect_surface(run, "query_strategy", SIZE).layout.title.text
    assert plot_interactions(run).data
    assert run.effects(confidence=0.8).confidence == 0.8


def test_the_parts_of_a_page_show_the_knob_that_matters_and_its_number(run: altune.Run) -> None:
    parts = importance_section(run)
    assert {part.heading for part in parts} == {KNOBS}
    figures = [part for part in parts if isinstance(part, FigureBlock)]
    assert figures[0].explanation.startswith(run.importance().sentences()[0])
    assert "Effect of initial sample" in figures[1].figure.layout.title.text


def test_too_few_trials_get_a_sentence_and_no_figure() -> None:
    run = altune.tune("iris", SPACE, budget=30, loops=3, n_trials=6, n_blocks=2, sampler="random", confirm=False)
    (part,) = importance_section(run)
    assert isinstance(part, TextBlock)
    assert "6 different recipes were played, and at least 15 are needed" in part.sentences[0]


def test_noise_gets_a_sentence_and_no_figure(run: altune.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    shuffled = [one.values for one in run.trials]
    rng.shuffle(shuffled)
    trials = [Observation(one.params, None, values) for one, values in zip(run.trials, shuffled, strict=True)]
    monkeypatch.setattr(altune.Run, "trials", property(lambda self: trials))
    monkeypatch.setattr(altune.Run, "best_recipe", None)
    (part,) = importance_section(run)
    assert isinstance(part, TextBlock)
    assert "too few to say which knobs matter" in part.sentences[0]


@pytest.mark.parametrize("several", ["objectives", "data sets"])
def test_several_objectives_or_data_sets_are_said(several: str) -> None:
    opened = {"initial_sample": SPACE.to_dict()["initial_sample"], "query_strategy": ["random", "margin"]}
    settings: dict[str, Any] = {"budget": 40, "loops": 4, "n_trials": 18, "n_blocks": 1, "sampler": "random"}
    settings |= {"objective": ("aulc", "seconds")} if several == "objectives" else {"across": "ranks"}
    data = "iris" if several == "objectives" else ["iris", "wine"]
    run = altune.tune(data, SearchSpace.from_dict(opened), **settings, confirm=False)
    first = importance_section(run)[0]
    assert isinstance(first, FigureBlock)
    if several == "data sets":
        assert "means over the 2 data sets" in first.explanation
        assert "The search ranks trials by their mean rank" in first.explanation
        return
    assert "Of several objectives the first is explained, area under the learning curve" in first.explanation
    single = optuna.create_study(direction="maximize")
    for trial in run.study.trials:
        single.add_trial(
            optuna.create_trial(params=trial.params, distributions=trial.distributions, value=trial.values[0])
        )
    for evaluator in EVALUATORS:
        assert optuna_importance(run.study, evaluator) == pytest.approx(optuna_importance(single, evaluator))


# the command


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[Any, str, str]:
    monkeypatch.setattr(sys, "argv", ["altune", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return (ended.value.code, *capsys.readouterr())


def test_the_command_prints_shares_floor_and_sentences(
    run: altune.Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = command(monkeypatch, capsys, "importance", str(run.folder), "--stock", "--confidence", "0.9")
    assert (code, err) == (0, "")
    found = run.importance(confidence=0.9)
    assert all(sentence in out for sentence in found.sentences())
    assert "90 % interval" in out
    assert "(noise floor)" in out
    assert all(f"{name}: {said}" in out for name, said in ANSWERS.items())


def test_the_command_prints_one_object(
    run: altune.Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = command(monkeypatch, capsys, "importance", str(run.folder), "--stock", "--json")
    assert code == 0
    plain = json.loads(out)
    assert plain["knobs"] == run.importance().to_dict()["knobs"]
    assert plain["sentences"] == run.importance().sentences()
    assert plain["stock"]["ped_anova"]["knobs"] == optuna_importance(run.study, "ped_anova")


def test_the_command_refuses_in_one_line(
    tmp_path: Path, run: altune.Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = command(monkeypatch, capsys, "importance", str(tmp_path))
    assert (code, out, err.count("\n")) == (2, "", 1)
    code, _, err = command(monkeypatch, capsys, "importance", str(run.folder), "--confidence", "95")
    assert code == 2
    assert "between 0 and 1" in err
