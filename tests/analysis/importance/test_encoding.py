"""Knobs as numbers: atoms, their chances, and covariances."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.importance.encoding import encode_knobs, weighted_atoms
from altune.recipes.space import SearchSpace
from altune.recipes.space.given import GivenTrial
from tests.helpers.importance import FINITE, MIXED, objective, search


def test_atoms_have_the_chances_of_the_spaces_own_draws() -> None:
    found = weighted_atoms(FINITE.decisions["query_strategy"], "query_strategy", np.random.default_rng(0))
    assert {str(sorted(atom.items(), key=str)): round(chance, 6) for atom, chance in found} == {
        "[('query_strategy', 'random')]": 0.333333,
        "[('query_strategy', 'margin')]": 0.333333,
        **{
            f"[('query_strategy', 'density_weighted'), ('query_strategy.density_weighted.beta', {beta})]": 0.111111
            for beta in (0.5, 1.0, 2.0)
        },
    }


@pytest.mark.parametrize("name", ["standard", "full"])
def test_every_atom_of_a_shipped_space_is_a_setting_of_its_knob(name: str) -> None:
    space = SearchSpace.load(name)
    for knob, decision in space.decisions.items():
        found = weighted_atoms(decision, knob, np.random.default_rng(0))
        assert sum(chance for _, chance in found) == pytest.approx(1.0)
        for atom, _ in found:
            trial = GivenTrial(atom)
            decision.suggest(trial, knob)
            trial.refuse_unasked()


def test_atoms_of_a_range_lie_as_random_draws_do() -> None:
    space = SearchSpace.load("standard")
    rng = np.random.default_rng(0)
    path = "initial_sample.kmeans.share"
    drawn = [params[path] for params in (space.random_params(rng) for _ in range(4000)) if path in params]
    found = weighted_atoms(space.decisions["initial_sample"], "initial_sample", rng)
    ours = np.repeat([atom[path] for atom, _ in found if path in atom], [1000 * c for a, c in found if path in a])
    ends = [np.log(np.quantile(some, [0.1, 0.5, 0.9])) for some in (ours, drawn)]
    assert ends[0] == pytest.approx(ends[1], abs=0.15)


def test_a_covariance_has_mean_0_and_trace_1_under_the_draws() -> None:
    _, played = search(MIXED, objective, 30, 0)
    for knob in encode_knobs(MIXED, [one.params for one in played]):
        for part in knob.parts:
            assert np.abs(knob.weights @ part.features).max() < 1e-6
            assert knob.weights @ (part.features**2).sum(axis=1) == pytest.approx(1.0, abs=1e-3)


def test_an_inactive_parameter_tells_nothing() -> None:
    knob = next(one for one in encode_knobs(MIXED, []) if one.knob == "query_strategy")
    own = next(part for part in knob.parts if part.kind == "own")
    inactive = [len(atom) == 1 for atom in knob.atoms]
    assert np.abs(own.features[inactive]).max() < 1e-6
