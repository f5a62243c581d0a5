"""Checks that any method of any knob must pass: altune's own, and those of a plugin.

``check_method`` runs all checks of a method and raises :class:`ContractError` at the first that fails;
``checks_for`` returns them by name, so that a test runner can show each as a test of its own::

    import pytest
    from altune.testing import checks_for

    @pytest.mark.parametrize("name, check", checks_for(MyStrategy))
    def test_contract(name, check):
        check()

Nothing here needs a test runner, and nothing here is random.
"""

from __future__ import annotations

from functools import partial

from altune.core.errors import RequestError
from altune.core.registry import FIELDS, Method
from altune.knobs.initial_sample import InitialSample
from altune.knobs.query_strategy import QueryStrategy
from altune.testing.core import Check, Checks, ContractError, instance
from altune.testing.decisions import LABELING, LOOP_SIZE, STOPPING
from altune.testing.form import FORM, variants
from altune.testing.model import MODEL
from altune.testing.selection import selection_checks
from altune.testing.training import LEARNING, TRAINING

__all__ = ["Check", "ContractError", "check_method", "checks_for", "variants"]

_CHECKS: dict[str, Checks] = {
    "initial_sample": {},
    "model_init": LEARNING,
    "retrain": LEARNING,
    "loop_size": LOOP_SIZE,
    "stopping": STOPPING,
    "labeling": LABELING,
    "query_strategy": {},
    "training": TRAINING,
    "model": MODEL,
}


def checks_for(method: Method | type[Method]) -> list[Check]:
    """Return every check of a method by name.

    Parameters
    ----------
    method : a method, or its class for the method with every parameter at its default.

    Returns
    -------
    ``(name, check)`` pairs; a check takes nothing, and raises :class:`ContractError` where the contract is broken.

    Raises
    ------
    RequestError
        If it is a method of no knob, or a class with parameters that have no default.

    Examples
    --------
    >>> from altune.core.registry import find_method
    >>> [name for name, check in checks_for(find_method("loop_size", "constant"))][-2:]
    ['sizes', 'pure']
    """
    made = instance(method)
    if made.knob not in _CHECKS:
        raise RequestError(f"{type(made).__name__} has the knob {made.knob!r}, which is none of {', '.join(FIELDS)}")
    checks: list[Check] = [(name, partial(check, made)) for name, check in {**FORM, **_CHECKS[made.knob]}.items()]
    return checks + selection_checks(made) if isinstance(made, (InitialSample, QueryStrategy)) else checks


def check_method(method: Method | type[Method]) -> None:
    """Run every check of a method, whatever its knob.

    Parameters
    ----------
    method : a method, or its class for the method with every parameter at its default.

    Raises
    ------
    ContractError
        At the first check that fails, saying what is wrong and what would be right.

    Examples
    --------
    >>> from altune.core.registry import find_method
    >>> check_method(find_method("loop_size", "geometric"))
    """
    for _, check in checks_for(method):
        check()


# The same check by knob, for callers that name the knob.
check_initial_sample = check_model_init = check_retrain = check_loop_size = check_stopping = check_method
check_labeling = check_query_strategy = check_training = check_model = check_method
