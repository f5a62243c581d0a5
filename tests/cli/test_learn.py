"""altune learn: lists what can be learned, trains a table, and a recipe that names it is played."""

import json

import pytest

from altune.core.yaml import read_yaml

SMALL = ["--budgets", "0.2", "--blocks", "1", "--pairs", "4", "--pairs-per-block", "2", "--test-blocks", "1"]


def test_learn_lists_its_commands_and_refuses_others(altune):
    code, out, err = altune("learn")
    assert (code, err) == (0, "")
    assert "altune learn ranker" in out
    code, out, err = altune("learn", "rankr")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "'ranker'" in err


def test_a_table_is_trained_and_a_recipe_names_it_on_the_command_line(altune, monkeypatch, tmp_path):
    words = ["learn", "ranker", "iris", "wine", *SMALL, "--jobs", 1, "--out", "trained.yaml", "--keep-left-out", "left"]
    code, out, _ = altune(*words)
    assert code == 0
    assert "over margin_cover" in out
    assert "--jobs" not in read_yaml("trained.yaml")["training"]["command"]
    assert (tmp_path / "left" / "without_iris.yaml").is_file()
    code, again, _ = altune(*words, "--json")
    assert code == 0
    assert json.loads(again)["table"]["columns"] == read_yaml("trained.yaml")["columns"]
    (tmp_path / "recipe.yaml").write_text("query_strategy: {method: learned_ranker, table: trained}\n")
    code, _, err = altune("simulate", "iris", "--recipe", "recipe.yaml", "--blocks", 1, "--budget", 12, "--jobs", 1)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "ALTUNE_RANKERS" in err
    monkeypatch.setenv("ALTUNE_RANKERS", str(tmp_path))
    code, out, _ = altune("simulate", "iris", "--recipe", "recipe.yaml", "--blocks", 1, "--budget", 12, "--jobs", 1)
    assert code == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "nothing to learn from"),
        (["iris", "--budgets", "much"], "--budgets takes"),
        (["iris", "--family", "iris"], "--family takes DATA=FAMILY"),
        (["iris", "--family", "wine=drinks"], "no data set here"),
        (["iris", "--from", "nowhere"], "nowhere"),
        (["iris", "--out", "no/such/mine.yaml"], "no/such/mine.yaml: cannot be written"),
        (["iris", "--pairs-per-block", "500"], "each block plays 1 to 200 pairs"),
    ],
)
def test_a_wrong_request_is_one_line(altune, words, complaint):
    code, out, err = altune("learn", "ranker", *words, "--jobs", 1)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert complaint in err
