"""Arguments of public functions: what is plain is taken, and what is not is refused in one line of altune's own."""

import inspect
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

import altune
from altune.core.arguments import checked
from altune.core.plain import plain
from altune.learning.episodes import EpisodePlan
from altune.learning.lal import LalSettings
from altune.learning.ranker import RankerSettings
from altune.workflows.learn.lal import learn_lal

WRONG = [
    *(True, "x", "", -1, -0.0, 2.5, math.inf, math.nan, 10**30, 10**5000, 1 + 2j, Decimal("2.5")),
    *([], ["a"], (1, 2), {}, {"a": 1}, {1}, b"x", object(), len, int, pd.NA, Path("nowhere"), None),
    *(np.zeros((2, 2)), np.array(2), np.int64(-3)),
]
"""Values of every kind; few of them are right for a parameter."""

HOOKS = {"on_done", "callbacks"}
"""Functions of the user, whose own errors are the user's."""

CALLS = {
    "tune": (altune.tune, {"data": "nowhere.csv"}),
    "simulate": (altune.simulate, {"recipe": "margin", "data": "nowhere.csv"}),
    "compare": (altune.compare, {"recipes": {"a": "margin", "b": "vanilla"}, "data": "nowhere.csv"}),
    "ablate": (altune.ablate, {"recipe": "margin", "data": "nowhere.csv"}),
    "examine": (altune.examine, {"recipe": "margin", "data": "nowhere.csv"}),
    "replay": (altune.replay, {"recipe": "margin", "data": "nowhere.csv"}),
    "recommend": (altune.recommend, {"n_classes": 3}),
    "sweep": (altune.sweep, {"source": {"data": ["nowhere.csv"]}}),
    "rescore": (altune.rescore, {"run": "nowhere"}),
    "compare_runs": (altune.compare_runs, {"runs": ["nowhere", "elsewhere"]}),
    "open_run": (altune.open_run, {"folder": "nowhere"}),
    "make_environments": (altune.make_environments, {"data": "nowhere.csv"}),
    "load_dataset": (altune.load_dataset, {"name_or_path": "nowhere.csv"}),
    "prepare_space": (altune.prepare_space, {"space": "nowhere", "environments": []}),
    "register_estimator": (altune.register_estimator, {"name": "argued", "estimator": SVC()}),
    "Dataset": (altune.Dataset, {"X": [[1.0], [2.0]], "y": [0, 1]}),
    "Settings": (altune.Settings, {}),
    "EpisodePlan": (EpisodePlan, {"data": "iris"}),
    "LalSettings": (LalSettings, {}),
    "RankerSettings": (RankerSettings, {}),
    "learn_lal": (learn_lal, {"plan": None, "out": "nowhere/lal.json"}),
    "Scenario": (altune.Scenario, {}),
    "Annotator": (altune.Annotator, {}),
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    from altune.core.registry import unregister

    unregister("model", "argued")


def cases():
    found = []
    for name, (function, _) in CALLS.items():
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD and parameter.name not in HOOKS:
                found.append(pytest.param(name, parameter.name, id=f"{name}-{parameter.name}"))
    return found


@pytest.mark.parametrize(("name", "parameter"), cases())
def test_each_wrong_kind_is_taken_or_refused_in_one_line(name, parameter):
    function, right = CALLS[name]
    refusals = []
    for value in WRONG:
        try:
            function(**{**right, parameter: value})
        except altune.AltuneError as error:
            refusals.append(str(error))
    assert all(line.strip() and "\n" not in line and len(line) < 1500 for line in refusals)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "learn_lal"])
def test_unknown_missing_and_further_arguments_are_named(name):
    function, right = CALLS[name]
    with pytest.raises(altune.RequestError, match="zzz"):
        function(**right, zzz=1)
    with pytest.raises(altune.RequestError, match=r"by position|by name"):
        function(*range(9))


@pytest.mark.parametrize(
    ("keyword", "meant"),
    [
        ("trials", "n_trials"),
        ("jobs", "n_jobs"),
        ("random_state", "seed"),
        ("scoring", "metric"),
        ("label_price", "price_per_label"),
        ("budgt", "budget"),
        ("annotator", "annotators"),
    ],
)
def test_a_near_name_is_proposed(keyword, meant):
    with pytest.raises(altune.RequestError, match=rf"tune\(\) has no argument '{keyword}'; did you mean '{meant}'\?"):
        altune.tune("iris", **{keyword: 3})


@pytest.mark.parametrize(
    "number",
    [np.int64(3), np.uint8(3), np.float32(3), np.array(3), Fraction(3), Decimal(3), 3.0, "3", pd.Series([3])[0]],
)
def test_a_whole_number_of_any_type_is_an_integer(number):
    settings = altune.Settings(n_trials=number, seed=number, leader_blocks=number)
    assert settings == altune.Settings(n_trials=3, seed=3, leader_blocks=3)
    assert {type(settings.n_trials), type(settings.seed)} == {int}
    scenario = altune.Scenario(budget=number, loops=number if not isinstance(number, str) else 3, dense=number)
    assert scenario.digest() == altune.Scenario(budget=3, loops=3, dense=3).digest()


@pytest.mark.parametrize("rungs", [0.5, [0.5], (0.5,), {0.5}, np.array([0.5]), pd.Series([0.5]), iter([0.5])])
def test_a_list_is_taken_in_any_form(rungs):
    assert altune.Settings(rungs=rungs).rungs == (0.5,)


def test_one_item_means_a_list_in_a_scenario():
    given = altune.Scenario(annotators=0.1, also="f1_macro", constraints="labels <= 30", price_of_class=np.ones(2))
    right = {"annotators": [{"error": 0.1}], "also": ["f1_macro"], "constraints": ["labels <= 30"]}
    assert given == altune.Scenario(**right, price_of_class=[1.0, 1.0])
    assert altune.Scenario(annotators=[0.1, np.float64(0.2)]).annotators[1] == altune.Annotator(error=0.2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seed": True}, "seed must be an integer, not True"),
        ({"n_trials": 2.5}, "n_trials must be an integer, not 2.5"),
        ({"n_trials": 10**12}, "n_trials must be at most 1000000000"),
        ({"precision": math.nan}, "precision must be a number or None, not nan"),
        ({"sampler": 3}, "sampler must be text, not 3"),
        ({"rungs": "x"}, "rungs must be a list of numbers, not 'x'"),
    ],
)
def test_a_refusal_says_what_would_be_right(given, words):
    with pytest.raises(altune.RequestError) as caught:
        altune.Settings(**given)
    assert words in str(caught.value)


def test_truth_values_are_no_numbers_in_descriptions():
    with pytest.raises(altune.RequestError, match="budget: True is not accepted: give a number"):
        altune.Scenario(budget=np.bool_(True))
    with pytest.raises(altune.RequestError, match=r"initial_sample\.size: True is not accepted"):
        altune.Recipe(initial_sample={"method": "random", "size": True})


def test_none_means_the_default():
    assert altune.Settings(batch=None, seed=None, rungs=None) == altune.Settings()
    assert altune.Settings(trial_timeout=math.inf) == altune.Settings()


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (np.str_("a"), "a"),
        (np.bool_(True), True),
        (-0.0, 0.0),
        (np.float64(-0.0), 0.0),
        (np.longdouble(0.5), 0.5),
        ({np.str_("a"): {2, 1}}, {"a": [1, 2]}),
        (pd.NA, None),
        (np.array([[1, 2]]), [[1, 2]]),
        (range(2), [0, 1]),
    ],
)
def test_plain_values_are_pythons_own(value, right):
    made = plain(value)
    assert made == right
    assert type(made) is type(right)
    if right == 0.0 and isinstance(right, float):
        assert math.copysign(1.0, made) == 1.0


def test_objects_stay_what_they_are():
    model = SVC()
    assert plain([model])[0] is model


def test_the_home_directory_is_known_in_every_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    altune.Recipe().save("~/recipe.yaml")
    (tmp_path / "space.yaml").write_text("query_strategy: [margin, random]\n", "utf-8")
    (tmp_path / "scenario.yaml").write_text("budget: 12\n", "utf-8")
    (tmp_path / "mine.csv").write_text("a,target\n" + "".join(f"{row},{row % 2}\n" for row in range(40)), "utf-8")
    run = altune.tune(
        "~/mine.csv",
        "~/space.yaml",
        scenario="~/scenario.yaml",
        n_trials=1,
        n_blocks=1,
        confirm=False,
        out="~/run",
        cache=Path("~/cache"),
    )
    assert run.folder == tmp_path / "run"
    assert (tmp_path / "cache").is_dir()
    assert altune.open_run("~/run").scenario.budget == 12
    assert len(altune.simulate("~/recipe.yaml", "~/mine.csv", scenario="~/scenario.yaml", n_blocks=1).values) == 1
    assert len(altune.simulate("~/run", "~/mine.csv", budget=12, n_blocks=1).values) == 1
    with pytest.raises(altune.RequestError, match="no home directory of ~nobody-here"):
        altune.open_run("~nobody-here/run")


def test_an_observer_may_answer_to_every_name():
    class Listener:
        def __getattr__(self, name):
            return lambda *values, **named: "said"

    listener = Listener()
    assert checked("observer", listener, "Observer | None") is listener
