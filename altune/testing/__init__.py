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

from collections.abc import Callable
from typing import Any

from altune.core.errors import RequestError
from altune.core.registry import FIELDS, Method
from altune.testing.core import Check, ContractError, instance
from altune.testing.decisions import (
    check_labeling,
    check_loop_size,
    check_stopping,
    labeling_checks,
    loop_size_checks,
    stopping_checks,
)
from altune.testing.form import variants
from altune.testing.model import check_model, model_checks
from altune.testing.selection import (
    check_initial_sample,
    check_query_strategy,
    initial_sample_checks,
    query_strategy_checks,
)
from altune.testing.training import (
    check_model_init,
    check_retrain,
    check_training,
    model_init_checks,
    retrain_checks,
    training_checks,
)

__all__ = [
    "Check",
    "ContractError",
    "check_initial_sample",
    "check_labeling",
    "check_loop_size",
    "check_method",
    "check_model",
    "check_model_init",
    "check_query_strategy",
    "check_retrain",
    "check_stopping",
    "check_training",
    "checks_for",
    "variants",
]

_CHECKS: dict[str, Callable[[Any], list[Check]]] = {
    "initial_sample": initial_sample_checks,
    "model_init": model_init_checks,
    "retrain": retrain_checks,
    "loop_size": loop_size_checks,
    "stopping": stopping_checks,
    "labeling": labeling_checks,
    "query_strategy": query_strategy_checks,
    "training": training_checks,
    "model": model_checks,
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
    return _CHECKS[made.knob](made)


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
