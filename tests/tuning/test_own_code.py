"""Own methods, estimators and label functions: an edited one is another request and another key, any other is not."""

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import altune
from altune.core.errors import RequestError
from altune.core.registry import methods, unregister
from altune.data.blocks import explicit_block
from altune.knobs.labeling.functions import register_label_function, unregister_label_function
from altune.models import as_model
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.environment import make_environment
from altune.simulation.execution.player import Player
from altune.simulation.scenario import Scenario
from altune.simulation.store import trajectory_key
from altune.tuning.header import header_changes, header_digest, make_header
from altune.tuning.observer import Silent
from altune.tuning.settings import Settings
from altune.tuning.shared import open_shared
from altune.tuning.shared_worker import rebuild
from altune.tuning.study_setup import StudySetup

STRATEGY = '''
from typing import ClassVar, Literal
from altune.knobs import ScoreStrategy, register
SIGN = 1.0
def weighted(rows):
    return SIGN * rows
@register
class Mine(ScoreStrategy):
    """Score rows by their number."""
    needs: ClassVar = frozenset()
    source: ClassVar[str] = "me"
    method: Literal["{name}"] = "{name}"
    power: float = 1.0
    def scores(self, pool, rng):
        # as it is
        return weighted(pool.candidates.astype(float)) ** self.power
'''
TINY = {"n_trials": 2, "n_blocks": 1, "confirm": False, "budget": 12, "loops": 2, "ablation": False}


@pytest.fixture(autouse=True)
def forgotten():
    """Forget what a test registers."""
    before = {knob: set(methods(knob)) for knob in ("model", "query_strategy")}
    yield
    for knob, names in before.items():
        for name in set(methods(knob)) - names:
            unregister(knob, name)


def strategy(old="", new="", name="mine_own"):
    exec(STRATEGY.replace("{name}", name).replace(old, new), {"__name__": "strategies_of_a_notebook"})


def space_of(query_strategy, **more):
    return SearchSpace.from_dict({"version": 1, "query_strategy": query_strategy, **more})


def header_of(space):
    return make_header([make_environment("iris", budget=30)], space, Settings())


def key_of(recipe):
    iris = altune.load_dataset("iris")
    block = explicit_block(iris, np.arange(100), np.arange(100, 150))
    with Player():  # a run begins
        return trajectory_key(recipe, block, Scenario(budget=30), "f", "iris", 0)


def test_keys_and_headers_of_built_in_methods_stay_what_they_were():
    rule = {"method": "label_functions", "functions": [{"column": 0, "condition": "<", "value": 0.5, "label": 1}]}
    recipe = Recipe(query_strategy={"method": "switch", "first": "typiclust", "then": "margin"}, labeling=rule)
    assert key_of(recipe) == "89cc4f7bfedee508f944f50168cf082d"
    header = header_of(space_of([{"method": "margin"}, {"method": "random"}]))
    assert header_digest(header) == "5f4d81682afce8bfb1010e71a6030e8f"
    assert "own" not in header


NESTED = {"method": "switch", "first": "typiclust", "then": {"method": "mine_own"}}


@pytest.mark.parametrize(
    "query_strategy",
    [
        {"method": "mine_own"},
        [{"method": "margin"}, {"method": "mine_own", "power": {"low": 0.5, "high": 2.0}}],
        NESTED,
        [{"method": "random"}, {**NESTED, "then": [{"method": "margin"}, {"method": "mine_own"}]}],
        {"method": "bandit", "arms": [{"method": "margin"}, {"method": "mine_own"}]},
    ],
)
def test_an_edited_strategy_is_another_request_wherever_it_is(query_strategy):
    strategy()
    before = header_of(space_of(query_strategy))
    for old, new in (("# as it is", "\n        # otherwise"), ("by their number", "by the number")):
        strategy(old, new)
        assert header_changes(before, header_of(space_of(query_strategy))) == []
    for old, new in (("SIGN = 1.0", "SIGN = -1.0"), ("SIGN * rows", "rows / SIGN"), ("float = 1.0", "float = 2.0")):
        strategy(old, new)
        now = header_of(space_of(query_strategy))
        assert header_digest(now) != header_digest(before), "folders and cells of sweeps have another name"
        changes = header_changes(before, now)
        assert changes[-1] == "your query_strategy 'mine_own' has changed: its code, or a value that it reads"


def test_baselines_and_label_functions_count_too():
    strategy()
    register_label_function("tall", lambda X: np.where(X[:, 0] > 1.0, 1, -1))
    try:
        named = [{"method": "label_functions", "functions": [{"function": "tall"}]}, {"method": "single"}]
        space = space_of("margin", labeling=named, baselines={"own": {"query_strategy": {"method": "mine_own"}}})
        before = header_of(space)
        assert before["own"].keys() == {"query_strategy 'mine_own'", "label function 'tall'"}
        register_label_function("tall", lambda X: np.where(X[:, 0] > 1.5, 1, -1))
        assert header_changes(before, header_of(space)) == [
            "your label function 'tall' has changed: its code, or a value that it reads"
        ]
    finally:
        unregister_label_function("tall")


def test_another_python_is_named_as_the_reason():
    strategy()
    before = header_of(space_of("mine_own"))
    assert "python" in before["libraries"]
    strategy("SIGN = 1.0", "SIGN = 2.0")
    before["libraries"]["python"] = "3.10"
    changes = header_changes(before, header_of(space_of("mine_own")))
    assert "the run was started with python 3.10 (now 3." in changes[1]


def test_a_study_of_an_earlier_version_has_no_hashes_and_is_resumed():
    strategy()
    space = space_of("mine_own", model=as_model(make_pipeline(FunctionTransformer(np.arctan), SVC())).to_dict())
    header = header_of(space)
    [name] = header["estimators"]
    parameters = sorted(methods("model")[name].spec.estimator.get_params().items())
    text = f"sklearn.pipeline.Pipeline {parameters}"
    earlier = {key: value for key, value in header.items() if key != "own"} | {"estimators": {name: text}}
    assert header_changes(earlier, header) == []
    other = earlier | {"estimators": {name: text.replace("SVC", "NuSVC")}}
    assert header_changes(other, header) == [f"your own estimators differ: {name}"]
    stem = name.rpartition("_")[0]
    named = {**earlier, "estimators": {stem: text}, "space": {**header["space"], "model": {"method": stem}}}
    [change] = header_changes(named, header)
    assert change.startswith(f"the estimator {stem} has another name since; register it with")


def test_a_run_with_an_edited_strategy_is_refused_and_the_cache_plays_it_anew(tmp_path):
    space = [{"method": "mine_own"}, {"method": "random"}]
    strategy()
    options = {"space": space_of(space), "cache": tmp_path / "cache", "sampler": "grid", **TINY}
    first = altune.tune("iris", out=tmp_path / "run", **options)

    def files():
        return {path.stem: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.json")}

    before = files()
    strategy("SIGN * rows", "SIGN * (rows % 7)")
    options["space"] = space_of(space)
    with pytest.raises(RequestError) as refused:
        altune.tune("iris", out=tmp_path / "run", **options)
    assert "your query_strategy 'mine_own' has changed" in str(refused.value)
    assert "another --out to start a new one" in str(refused.value)
    assert "\n" not in str(refused.value)
    again = altune.tune("iris", out=tmp_path / "other", **options)
    after = files()
    assert before.keys() <= after.keys(), "the other entries are kept"
    assert len(after) == len(before) + 1, "one recipe was played anew, on one block"
    values = [{trial.recipe.query_strategy.method: trial.value for trial in run.trials} for run in (first, again)]
    assert values[0]["random"] == values[1]["random"]
    assert values[0]["mine_own"] != values[1]["mine_own"]


def test_a_global_that_was_assigned_anew_is_noticed_without_registering_again():
    names = {"__name__": "strategies_of_a_notebook"}
    exec(STRATEGY.replace("{name}", "mine_own"), names)
    recipe = Recipe(query_strategy="mine_own")
    before = key_of(recipe)
    names["SIGN"] = -1.0
    changed = key_of(recipe)
    names["SIGN"] = 1.0
    assert key_of(recipe) == before != changed


def test_two_estimators_under_one_name_are_played_as_two():
    trees = []
    for depth in (1, 8):
        trees.append(altune.register_estimator("tree_of_test", DecisionTreeClassifier(max_depth=depth))())
    one, two = (Recipe(model=tree) for tree in trees)
    assert key_of(one) != key_of(two)
    compared = altune.compare({"one": one, "two": two}, "iris", budget=40, n_blocks=2).to_dict()["recipes"]
    assert compared["one"]["mean"] < compared["two"]["mean"]


def test_names_depend_on_the_estimator_alone():
    def scale(X):
        return X * 2

    made = [
        LinearDiscriminantAnalysis(),
        LinearDiscriminantAnalysis(solver="lsqr"),
        LogisticRegression(C=3),
        make_pipeline(FunctionTransformer(lambda X: X + 1), LogisticRegression()),
        make_pipeline(FunctionTransformer(lambda X: X + 2), LogisticRegression()),
        make_pipeline(FunctionTransformer(scale), LogisticRegression()),
    ]
    names = [as_model(estimator).method for estimator in made]
    assert len(set(names)) == len(names)
    assert names[0] == "linear_discriminant_analysis"
    for name in names:
        unregister("model", name)
    assert [as_model(estimator).method for estimator in reversed(made)] == names[::-1]
    states = [np.random.RandomState(), np.random.RandomState(3), 7, None]
    assert len({as_model(RandomForestClassifier(5, random_state=state)).method for state in states}) == 1


def test_the_code_of_an_installed_plugin_counts_with_all_of_its_package(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "plugin_package"
    package.mkdir(parents=True)
    monkeypatch.syspath_prepend(package.parent)
    package.joinpath("__init__.py").write_text(
        STRATEGY.replace("{name}", "of_plugin")
        .replace("def weighted", "from plugin_package.parts import part\ndef weighted")
        .replace("SIGN * rows", "part(rows)")
        .replace("@register\n", "")
    )
    seen = []
    for factor in (1, 20, 1):
        package.joinpath("parts.py").write_text(f"FACTOR = {factor}\ndef part(x):\n    return FACTOR * x\n")
        for name in ("plugin_package", "plugin_package.parts"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        seen.append(importlib.import_module("plugin_package").Mine.code_identity().digest)
    assert seen[0] == seen[2] != seen[1]


def test_what_cannot_be_compared_is_said_once():
    strategy("SIGN = 1.0", "SIGN = (x for x in (1, 2))")
    setup = StudySetup([make_environment("iris", budget=30)], space_of("mine_own"), Settings())
    [line] = [line for line in setup.lines() if "mine_own" in line]
    assert line == (
        "query_strategy 'mine_own' reads weighted: SIGN (builtins.generator), which has no content to "
        "compare: a change of it is not noticed"
    )


class Cells(Silent):
    """Remembers what a sweep reports."""

    def __init__(self):
        self.said = []

    def cell(self, number, cells, name):
        return self

    def say(self, line):
        self.said.append(line)


def test_a_sweep_says_it_also_of_cells_that_are_read_back(tmp_path):
    strategy("SIGN = 1.0", "SIGN = (x for x in (1, 2))")
    sizes = {"n_trials": 1, "n_blocks": 1, "select_blocks": 1, "report_blocks": 2, "portfolio": 0}
    space = {"name": "own", "file": SearchSpace.from_dict({"query_strategy": "mine_own", "initial_sample": "random"})}
    request = {"data": ["iris"], "spaces": [space], "scenario": {"budget": 12, "loops": 2}, "settings": sizes}
    for _ in range(2):
        watch = Cells()
        altune.sweep(request, out=tmp_path, observer=watch)
        assert sum("SIGN (builtins.generator), which has no content to compare" in line for line in watch.said) == 1


def test_a_worker_with_other_code_is_refused(server):
    strategy()
    url = server.create_database("own")
    sizes = {**TINY, "n_trials": 1}
    altune.tune("iris", space_of([{"method": "mine_own"}, {"method": "random"}]), storage=url, **sizes)
    assert rebuild(open_shared(url, "altune", Silent()), Silent())
    strategy("SIGN * rows", "rows / SIGN")
    with pytest.raises(RequestError, match=r"'mine_own' has changed.*; all workers need the code of the study's owner"):
        rebuild(open_shared(url, "altune", Silent()), Silent())


@pytest.mark.slow
def test_a_run_is_resumed_by_another_process_with_another_hash_seed(tmp_path):
    script = """
import sys, numpy as np, altune
from altune.models import as_model
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
names = {"alpha", "beta", "gamma"}
def made(power):
    return lambda X: np.abs(X) ** power * len(names)
if sys.argv[1] == "2":
    as_model(make_pipeline(FunctionTransformer(made(3)), LogisticRegression()))
model = make_pipeline(FunctionTransformer(made(0.5), kw_args=None), LogisticRegression())
run = altune.tune("iris", "quick", model=model, n_trials=int(sys.argv[1]), n_blocks=1, budget=20, loops=2,
                  confirm=False, out=sys.argv[2])
print(len(run.trials))
"""
    for trials in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script, trials, str(tmp_path / "run")],
            env={**os.environ, "PYTHONHASHSEED": trials},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split()[-1:] == [trials], done.stderr
