"""What to learn from: sweeps, runs, and data sets by name."""

import numpy as np
import pytest

import altune
from altune.core.errors import RequestError
from altune.data import load_dataset
from altune.learning.episodes import EpisodeData
from altune.workflows.learn.sources import read_source, with_families

TINY = {"n_trials": 1, "n_blocks": 1, "select_among": 1, "select_blocks": 2, "report_blocks": 2}
SPACE = {"version": 1, "query_strategy": [{"method": "margin"}, {"method": "random"}], "model": {"method": "svm_rbf"}}


def described(sources):
    return [(entry.source, entry.budgets) for entry in sources.data], [model.method for model in sources.models]


def test_the_file_of_a_sweep_gives_data_models_and_budgets(tmp_path):
    table = load_dataset("iris")
    rows = np.column_stack([table.X, table.y])
    np.savetxt(tmp_path / "mine.csv", rows, delimiter=",", header="a,b,c,d,label", comments="")
    file = tmp_path / "sweep.yaml"
    file.write_text("data: [wine, mine.csv]\nmodels: [naive_bayes]\nbudgets: [20, 40]\n")
    data, models = described(read_source(file))
    assert data == [("wine", (20, 40)), (tmp_path / "mine.csv", (20, 40))]
    assert models == ["naive_bayes"]


@pytest.mark.slow
def test_a_run_and_the_folder_of_a_sweep_give_what_they_were_played_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = altune.SearchSpace.from_dict(SPACE)
    altune.tune("iris", space=space, budget=12, loops=2, confirm=False, out=tmp_path / "run", **TINY)
    assert described(read_source(tmp_path / "run")) == ([("iris", (12,))], ["svm_rbf"])
    sweep = {"data": ["iris", "wine"], "spaces": [space], "budgets": [12], "scenario": {"loops": 2}, "settings": TINY}
    altune.sweep(sweep, out=tmp_path / "sweep")
    assert described(read_source(tmp_path / "sweep")) == ([("iris", (12,)), ("wine", (12,))], ["svm_rbf"])


@pytest.mark.slow
def test_data_that_were_passed_from_python_cannot_be_read_again(tmp_path):
    iris, space = load_dataset("iris"), altune.SearchSpace.from_dict(SPACE)
    data = altune.Dataset(iris.X[:100], iris.y[:100], name="iris")
    altune.tune(data, space=space, budget=12, loops=2, confirm=False, out=tmp_path / "run", **TINY)
    with pytest.raises(RequestError, match="'iris' was passed from Python"):
        read_source(tmp_path / "run")


def test_anything_else_is_refused(tmp_path):
    with pytest.raises(RequestError, match="neither the file of a sweep nor"):
        read_source(tmp_path)


def test_families_are_given_by_the_names_of_data_sets():
    data = with_families([EpisodeData("iris"), EpisodeData("there/mine.csv.gz")], {"mine": "shop"})
    assert [entry.family for entry in data] == ["", "shop"]
    with pytest.raises(RequestError, match="did you mean 'iris'"):
        with_families(data, {"irs": "flowers"})
