"""L-BFGS without SciPy's overhead in each step: the same steps, bit for bit.

``scipy.optimize.minimize`` wraps the loss in three objects, copies each point and builds a report at every iteration.
With a few hundred rows that takes as long as the loss itself. Here SciPy's compiled step is called directly.

The compiled step is not public, and its arguments and task codes change with versions of SciPy. It is therefore
compared once with ``minimize`` on a small problem. If it is missing, raises or gives another result, ``minimize`` is
used instead: slower, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from altune.core.types import Array

try:
    from scipy.optimize import _lbfgsb as scipy_steps
except ImportError:  # pragma: no cover
    scipy_steps = None  # type: ignore[assignment]

Loss = Callable[[Array], tuple[float, Array]]

CORRECTIONS, MOST_CALLS, MOST_TRIES_A_STEP = 10, 15_000, 50
_EVALUATE, _NEW_STEP, _STOP = 3, 1, 5
_REASON_STEPS, _REASON_CALLS = 504, 502


def minimize_loss(loss: Loss, start: Array, *, max_iter: int, gtol: float, ftol: float) -> tuple[Array, int]:
    """Minimise a smooth function.

    Parameters
    ----------
    loss : returns value and gradient, ``(n,)``, at a point, ``(n,)``. It must neither keep nor change the point,
        which the compiled step overwrites, and must return a new gradient each time, which the step keeps.
    start : first point, ``(n,)``; it is not changed.
    max_iter : maximum number of steps, 1 or more.
    gtol : the search ends when no entry of the gradient is larger.
    ftol : the search ends when a step lowers the value by a smaller share.

    Returns
    -------
    The last point, ``(n,)``, and the number of steps.

    Notes
    -----
    Source: R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, A limited memory algorithm for bound constrained optimization, SIAM
    Journal on Scientific Computing 16, 1995, as compiled in SciPy.

    Examples
    --------
    >>> end, steps = minimize_loss(lambda x: ((x - 2) @ (x - 2), 2 * (x - 2)), np.zeros(2), max_iter=9, gtol=0, ftol=0)
    >>> end.tolist(), steps
    ([2.0, 2.0], 2)
    """
    method = _step_by_step if steps_are_known() else _by_scipy
    return method(loss, start, max_iter, gtol, ftol)


def _step_by_step(loss: Loss, start: Array, max_iter: int, gtol: float, ftol: float) -> tuple[Array, int]:
    n, m = len(start), CORRECTIONS
    point, value, gradient = np.array(start, dtype=np.float64), np.array(0.0), np.zeros(n)
    bounds, kinds = np.zeros(n), np.zeros(n, dtype=np.int32)  # kind 0: no bound
    work = np.zeros(2 * m * n + 5 * n + 11 * m * m + 8 * m)
    indices = np.zeros(3 * n, dtype=np.int32)
    task, line_task, logical = (np.zeros(size, dtype=np.int32) for size in (2, 2, 4))
    counts, numbers = np.zeros(44, dtype=np.int32), np.zeros(29)
    factor = ftol / np.finfo(np.float64).eps
    step: Any = scipy_steps.setulb
    steps = calls = 0
    state: Any = (factor, gtol, work, indices, task, logical, counts, numbers, MOST_TRIES_A_STEP, line_task)
    # The step does not call the loss. It returns a task: evaluate the loss at ``point`` and call the step again, or
    # a line search has ended and one L-BFGS step is complete. ``minimize`` runs the same protocol in Python.
    while True:
        step(m, point, bounds, bounds, kinds, value, gradient, *state)
        if task[0] == _EVALUATE:
            value, gradient = loss(point)  # type: ignore[assignment]
            calls += 1
        elif task[0] == _NEW_STEP:
            steps += 1
            if steps >= max_iter:
                task[:] = _STOP, _REASON_STEPS
            elif calls > MOST_CALLS:
                task[:] = _STOP, _REASON_CALLS
        else:
            return point, steps


def _by_scipy(loss: Loss, start: Array, max_iter: int, gtol: float, ftol: float) -> tuple[Array, int]:
    from scipy.optimize import minimize

    options: Any = {"maxiter": max_iter, "maxls": MOST_TRIES_A_STEP, "maxfun": MOST_CALLS, "gtol": gtol, "ftol": ftol}
    result: Any = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return result.x, result.nit


@cache
def steps_are_known() -> bool:
    """Return whether the compiled step of this SciPy gives the results of its ``minimize``."""

    def valley(point: Array) -> tuple[float, Array]:
        slope = np.array([100.0, 1.0, 0.1]) * (point - 1.0)
        return float(0.5 * slope @ (point - 1.0)) + float(np.cos(point).sum()), slope - np.sin(point)

    start = np.array([3.0, -2.0, 0.5])
    try:
        ours, steps = _step_by_step(valley, start, 40, 1e-9, 0.0)
    except Exception:
        return False
    theirs, same_steps = _by_scipy(valley, start, 40, 1e-9, 0.0)
    return steps == same_steps and np.array_equal(ours, theirs)
