"""Samplers that cannot work are refused."""

import pytest

from altune.core.errors import MissingExtraError, RequestError
from altune.tuning.samplers import SAMPLERS, check_suitable, choosing
from tests.helpers.samplers import CONDITIONAL, NUMBERS, SMALL, space_of

REFUSED = {
    "unknown": ("tpee", SMALL, {}, "no sampler 'tpee'; did you mean 'tpe'? Accepted: " + ", ".join(sorted(SAMPLERS))),
    "choices": (
        "cmaes",
        CONDITIONAL,
        {},
        "the sampler cmaes needs a space of numbers only; this one leaves initial_sample, query_strategy open; "
        "fix it, or use tpe",
    ),
    "one number": (
        "cmaes",
        {"initial_sample": NUMBERS["initial_sample"]},
        {},
        "the sampler cmaes needs two open numbers or more; this space has 1; use tpe",
    ),
    "objectives": (
        "cmaes",
        NUMBERS,
        {"n_objectives": 2},
        "the sampler cmaes needs one objective, not 2; use nsga2, nsga3 or tpe",
    ),
    "constraints": (
        "cmaes",
        NUMBERS,
        {"constraints": True},
        "the sampler cmaes does not support constraints; use tpe, gp, nsga2 or nsga3",
    ),
    "endless": (
        "grid",
        NUMBERS,
        {},
        "the sampler grid needs a finite space; this one has ranges without a step: "
        "query_strategy.density_weighted.beta; give them a step or choices, or use qmc",
    ),
    "large": (
        "grid",
        {"initial_sample": {"method": "random", "size": {"low": 1, "high": 20000}}},
        {},
        "the sampler grid needs a space of at most 10,000 combinations; this one has 20,000; leave less open, or use "
        "qmc",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_in_one_line(case):
    name, plain, options, line = REFUSED[case]
    with pytest.raises(RequestError) as refused:
        check_suitable(name, space_of(plain), **options)
    assert str(refused.value) == line


def test_a_gaussian_process_names_the_extra_it_needs(monkeypatch):
    monkeypatch.setattr(choosing, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"the sampler gp needs the extra 'gp': pip install 'altune\[gp\]'"):
        check_suitable("gp", space_of(CONDITIONAL))
