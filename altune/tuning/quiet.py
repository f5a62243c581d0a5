"""Optuna without its remarks on each study that is created."""

from __future__ import annotations

import contextlib
from typing import Any

import optuna

from altune.core.settings import Shared

_found = contextlib.ExitStack()


def _quieten() -> None:
    level = optuna.logging.get_verbosity()
    _found.callback(optuna.logging.set_verbosity, level)
    optuna.logging.set_verbosity(max(level, optuna.logging.WARNING))


_quiet = Shared(_quieten, _found.close)


def create_study(**options: Any) -> optuna.Study:
    """Return what ``optuna.create_study`` does, without a remark in the log.

    The level of Optuna's log is the caller's, and is restored.
    """
    with _quiet.changed():
        return optuna.create_study(**options)
