"""Studies with learned strategies: an edited table is another request, and what its evidence says is a note."""

import pytest

import altune
from altune.core.errors import RequestError
from altune.knobs.query_strategy.ranker_table import RankerTable
from altune.recipes.space import SearchSpace
from altune.simulation.environment import make_environment
from altune.tuning.header import header_changes, make_header
from altune.tuning.learned import learned_tables
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup

LEARNED = {"method": "learned_ranker", "table": "mine"}
NESTED = {"method": "switch", "first": "typiclust", "then": [LEARNED, {"method": "margin"}]}
TINY = {"n_trials": 2, "n_blocks": 1, "confirm": False, "budget": 12, "loops": 2}


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setenv("ALTUNE_RANKERS", str(tmp_path))

    def table(entropy):
        made = RankerTable.rule(["entropy"])
        weights = made.weights.copy()
        weights[3, 0] = entropy
        (tmp_path / "mine.yaml").write_text(RankerTable(made.columns, weights).to_yaml())

    table(0.1)
    return table


def space_of(strategy):
    return SearchSpace.from_dict({"version": 1, "query_strategy": strategy})


@pytest.mark.parametrize(
    ("strategy", "names"),
    [
        ([LEARNED, {"method": "margin"}], ["learned_ranker mine"]),
        ([NESTED, {"method": "random"}], ["learned_ranker mine"]),
        (
            [{"method": "learned_ranker", "table": {"choices": ["default", "mine"]}}],
            ["learned_ranker default", "learned_ranker mine"],
        ),
        (
            [{"method": "bandit", "arms": [{"method": "margin"}, LEARNED]}, {"method": "random"}],
            ["learned_ranker mine"],
        ),
        ([{"method": "margin"}, {"method": "random"}], []),
        ([{"method": "lal"}, {"method": "random"}], ["lal default"]),
    ],
)
def test_the_tables_of_a_space_are_found_wherever_they_are_named(write, strategy, names):
    assert list(learned_tables(space_of(strategy))) == names


def test_tables_of_baselines_count_and_other_headers_stay_what_they_were(write):
    plain = {"version": 1, "query_strategy": [{"method": "margin"}, {"method": "random"}]}
    with_baseline = SearchSpace.from_dict({**plain, "baselines": {"learned": {"query_strategy": LEARNED}}})
    assert list(learned_tables(with_baseline)) == ["learned_ranker mine"]
    environment = make_environment("iris", budget=12)
    assert "tables" not in make_header([environment], SearchSpace.from_dict(plain), Settings())


def test_an_edited_table_is_another_request(write):
    environment, space = make_environment("iris", budget=12), space_of([LEARNED, {"method": "margin"}])
    before = make_header([environment], space, Settings())
    assert header_changes(before, make_header([environment], space, Settings())) == []
    write(0.2)
    changed = header_changes(before, make_header([environment], space, Settings()))
    assert changed == ["the table 'learned_ranker mine' has changed"]


@pytest.mark.slow
def test_a_run_with_an_edited_table_is_not_resumed(write, tmp_path):
    space = space_of([LEARNED, {"method": "margin"}])
    altune.tune("iris", space=space, out=tmp_path / "run", **TINY)
    write(0.2)
    with pytest.raises(RequestError, match="the table 'learned_ranker mine' has changed"):
        altune.tune("iris", space=space, out=tmp_path / "run", **TINY)


def test_what_the_evidence_says_is_a_note_of_the_study_and_of_a_comparison(write):
    setup = StudySetup([make_environment("iris", budget=12)], space_of([NESTED, {"method": "margin"}]), Settings())
    assert [line for line in setup.notes() if "learned_ranker plays margin_cover here" in line]
    compared = altune.compare({"a": {"query_strategy": LEARNED}, "b": "margin"}, "iris", budget=12, loops=2, n_blocks=2)
    assert [line for line in compared.notes if line.startswith("a: learned_ranker plays margin_cover here")]
