"""Checks that every method of a knob must pass, whether altune ships it or a plugin.

``check_method`` runs all checks of a method and raises :class:`ContractError` at the first that fails.
``checks_for`` returns them by name, so that a test runner can show each as a separate test::

    import pytest
    from altune.testing import checks_for

    @pytest.mark.parametrize("name, check", checks_for(MyStrategy))
    def test_contract(name, check):
        check()

The checks need no test runner and are not random.
"""

from __future__ import annotations

from functools import partial

from altune.core.errors import RequestError
from altune.core.registry import FIELDS, Method
from altune.knobs.initial_sample import InitialSample
from altune.knobs.query_strategy import QueryStrategy
from altune.models import Model
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
    """Return the checks of a method by name.

    Parameters
    ----------
    method : a method, or a class, whose parameters then have their defaults.

    Returns
    -------
    ``(name, check)`` pairs; a check takes no arguments and raises :class:`ContractError` if it fails.

    Raises
    ------
    RequestError
        If its knob does not exist, or if it is a class with a parameter that has no default.

    Examples
    --------
    >>> from altune.core.registry import find_method
    >>> [name for name, check in checks_for(find_method("loop_size", "constant"))][-2:]
    ['sizes', 'pure']
    """
    made = instance(method)
    if made.knob not in _CHECKS:
        raise RequestError(f"{type(made).__name__} has the knob {made.knob!r}, which is not one of {', '.join(FIELDS)}")
    # the rows of the checks are numbers, so a model of raw rows is checked in its form alone
    knob_checks: Checks = {} if isinstance(made, Model) and made.takes.raw else _CHECKS[made.knob]
    checks: list[Check] = [(name, partial(check, made)) for name, check in {**FORM, **knob_checks}.items()]
    return checks + selection_checks(made) if isinstance(made, (InitialSample, QueryStrategy)) else checks


def check_method(method: Method | type[Method]) -> None:
    """Run all checks of a method of any knob, as :func:`checks_for` returns them.

    Raises
    ------
    ContractError
        At the first check that fails; the message says what is wrong and what would be right.

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
