"""L-BFGS without scipy's bookkeeping around each step: the same steps, bit for bit.

``scipy.optimize.minimize`` wraps the loss in three objects, copies each point and builds a report at every iteration,
which takes as long as the loss itself where there are a few hundred rows. Here scipy's compiled step is called
directly. It is not public, so it is tried once against ``minimize``; a scipy that answers otherwise is used through
``minimize``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from scipy.optimize import _lbfgsb as scipy_steps
except ImportError:  # pragma: no cover
    scipy_steps = None  # type: ignore[assignment]

Array = NDArray[np.float64]
Loss = Callable[[Array], tuple[float, Array]]

CORRECTIONS, MOST_CALLS, MOST_TRIES_A_STEP = 10, 15_000, 50
_EVALUATE, _NEW_STEP, _STOP = 3, 1, 5
_REASON_STEPS, _REASON_CALLS = 504, 502


def minimize_loss(loss: Loss, start: Array, *, max_iter: int, gtol: float, ftol: float) -> tuple[Array, int]:
    """Minimise a smooth function.

    Parameters
    ----------
    loss : returns value and gradient, ``(n,)``, at a point, ``(n,)``, which it must neither keep nor change; the
        gradient must be a new array each time.
    start : where to start, ``(n,)``; it is not changed.
    max_iter : most steps, 1 or more.
    gtol : it ends when no entry of the gradient is larger.
    ftol : it ends when a step lowers the value by a smaller share.

    Returns
    -------
    Where it ended, ``(n,)``, and the number of steps.

    Notes
    -----
    Source: R. H. Byrd, P. Lu, J. Nocedal, C. Zhu, A limited memory algorithm for bound constrained optimization, SIAM
    Journal on Scientific Computing 16, 1995, as scipy compiles it.

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
    places = np.zeros(3 * n, dtype=np.int32)
    task, line_task, logical = (np.zeros(size, dtype=np.int32) for size in (2, 2, 4))
    counts, numbers = np.zeros(44, dtype=np.int32), np.zeros(29)
    factor = ftol / np.finfo(np.float64).eps
    step: Any = scipy_steps.setulb
    steps = calls = 0
    state: Any = (factor, gtol, work, places, task, logical, counts, numbers, MOST_TRIES_A_STEP, line_task)
    while True:
        step(m, point, bounds, bounds, kinds, value, gradient, *state)
        wanted = task[0]
        if wanted == _EVALUATE:
            value, gradient = loss(point)  # type: ignore[assignment]
            calls += 1
        elif wanted == _NEW_STEP:
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
    found: Any = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return found.x, found.nit


@cache
def steps_are_known() -> bool:
    """Return whether this scipy's compiled step does what its ``minimize`` does."""

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
