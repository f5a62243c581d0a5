"""The file of a sweep, and its cells."""

import re

import pytest

from altune.analysis.sweep.cells import safe_name
from altune.analysis.sweep.request import read_sweep
from altune.core.errors import FormatError

EVIL = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("lines", "place", "said"),
    [
        ("data: [iris]\nsede: [1]", "sede", "did you mean 'seeds'"),
        ("spaces: [quick]", "data", "missing"),
        ("data: iris", "data", "not a list"),
        ("data: []", "data", "at least 1 item"),
        ("data: [{fil: iris}]", "data[0].fil", "did you mean 'file'"),
        ("data: [iris, iris]", "data", "occurs twice"),
        ("data: [iris]\nmodels: [mpl]", "models[0].method", "did you mean 'mlp'"),
        ("data: [iris]\nmodels: [{method: mlp, hiden_units: 3}]", "models[0].hiden_units", "did you mean"),
        ("data: [iris]\nmodels: [mlp, {method: mlp, alpha: 0.1}]", "models", "give each its own `name`"),
        ("data: [iris]\nspaces: [quik]", "spaces[0]", "did you mean 'quick'"),
        ("data: [iris]\nbudgets: [1]", "budgets[0]", "greater than or equal to 2"),
        ("data: [iris]\nbudgets: [30]\nscenario: {budget: 30}", "scenario.budget", "keep one"),
        ("data: [iris]\nscenario: {metrik: accuracy}", "scenario.metrik", "did you mean 'metric'"),
        ("data: [iris]\nsettings: {n_trial: 3}", "settings.n_trial", "did you mean 'n_trials'"),
        ("data: [iris]\nsettings: {n_trials: many}", "settings.n_trials", "'many'"),
        ("data: [iris]\nsettings: {n_trials: 0}", "settings", "1 or more"),
        ("data: [iris]\nsettings: {seed: 1}", "settings.seed", "`seeds`"),
        ("data: [iris]\nskip: [{dta: iris}]", "skip[0].dta", "did you mean 'data'"),
        ("data: [iris]\nskip: [{data: irs}]", "skip[0].data", "did you mean 'iris'"),
        ("data: [iris]\nskip: [{}]", "skip[0]", "all cells"),
        ("data: [iris]\nskip: [{budget: 30}]", "skip[0].budget", "the file lists none"),
    ],
)
def test_a_wrong_file_is_told_in_one_line_with_its_place(tmp_path, lines, place, said):
    file = tmp_path / "sweep.yaml"
    file.write_text(f"version: 1\n{lines}\n")
    with pytest.raises(FormatError) as caught:
        read_sweep(file)
    assert str(caught.value).startswith(f"{file}: {place}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cells_are_the_product_in_the_order_of_the_file_without_those_left_out():
    request = read_sweep(
        {
            "data": ["iris", "wine"],
            "models": ["mlp", {"method": "mlp", "name": "strong", "alpha": 1.0}],
            "budgets": [30, 40],
            "skip": [{"data": "wine", "model": "mlp"}, {"budget": 40, "model": "strong"}],
        }
    )
    assert [cell.folder for cell in request.cells()] == [
        "iris-mlp-standard-30-seed0",
        "iris-mlp-standard-40-seed0",
        "iris-strong-standard-30-seed0",
        "wine-strong-standard-30-seed0",
    ]
    assert str(request.cells()[0]) == "iris, mlp, 30 labels"
    with pytest.raises(FormatError, match="leaves out all cells"):
        read_sweep({"data": ["iris"], "skip": [{"data": "iris"}]}).cells()


def test_files_are_found_beside_the_sweeps_own_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("query_strategy: [random, margin]\n")
    (tmp_path / "sweep.yaml").write_text("data: [iris]\nspaces: [mine.yaml, quick]\n")
    spaces = read_sweep(tmp_path / "sweep.yaml").spaces
    assert [space.name for space in spaces] == ["mine", "quick"]
    assert spaces[0].file == tmp_path / "mine.yaml"


@pytest.mark.parametrize("name", ["../../etc", "a/b", "CON:", ".", "ä" * 300, EVIL, "x" * 90])
def test_folder_names_are_safe_and_no_two_names_share_one(name):
    assert re.fullmatch(r"\w[\w.]*", safe_name(name), re.ASCII)
    assert len(safe_name(name)) < 80
    assert safe_name(name) != safe_name(name + "!")
