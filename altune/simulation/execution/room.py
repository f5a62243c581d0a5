"""Refuse simulations that cannot fit into memory before the first one starts."""

from __future__ import annotations

from collections.abc import Sequence

from altune.data.memory import BYTES_PER_NUMBER, available_memory, require_bytes
from altune.simulation.execution.items import WorkItem

_OF_POOL = 2  # arrays of class probabilities of the pool that exist at once, at least
_OF_WEIGHTS = 4  # arrays as large as the weights of a linear model that training holds at once, at least


def require_room(items: Sequence[WorkItem], jobs: int) -> None:
    """Refuse items of one environment whose simulations need more memory than there is, at least.

    Parameters
    ----------
    items : what is played, of one environment.
    jobs : number of processes of this machine that play at once.

    Raises
    ------
    DataError
        In one line that states how many processes would fit.
    """
    dataset = items[0].environment.dataset
    n_pool, n_test = max((len(item.block.pool), len(item.block.test)) for item in items)
    n_classes, jobs = dataset.n_classes, min(jobs, len(items))
    each = n_classes * (_OF_POOL * n_pool + n_test)
    if dataset.kind == "sparse":
        each += _OF_WEIGHTS * dataset.n_features * (1 if n_classes == 2 else n_classes)
    each *= BYTES_PER_NUMBER
    limit = available_memory() if dataset.memory is None else dataset.memory
    fits = 0 if limit is None else limit // each
    processes = "a process" if jobs == 1 else f"{jobs} processes"
    require_bytes(
        jobs * each,
        f"{dataset.name}: playing in {processes}, with probabilities of {n_classes} classes for {n_pool} pool rows,",
        f"give --jobs {fits} (n_jobs={fits})" if fits else "give fewer rows or classes (--min-class)",
        dataset.memory,
    )
