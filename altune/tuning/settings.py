"""How a study is searched and confirmed; none of it changes what a recipe means."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from altune.errors import RequestError
from altune.tuning.samplers import check_sampler


@dataclass(frozen=True)
class Settings:
    """Sizes and seeds of a study.

    Parameters
    ----------
    n_trials : trials to finish, forbidden draws aside, 1 or more.
    seeds : search blocks on which each trial is played, 1 or more.
    batch : trials asked of the sampler at a time, 1 or more; never derived from the number of processes.
    seed : the study's seed, 0 or more.
    sampler : name of the sampler.
    select_among : best recipes of the search that are played on the select blocks.
    select_seeds, report_seeds : fresh blocks to select on and to report on.
    """

    n_trials: int = 60
    seeds: int = 5
    batch: int = 4
    seed: int = 0
    sampler: str = "tpe"
    select_among: int = 5
    select_seeds: int = 10
    report_seeds: int = 20

    def __post_init__(self) -> None:
        for name in ("n_trials", "seeds", "batch", "select_among", "select_seeds"):
            if getattr(self, name) < 1:
                raise RequestError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if self.report_seeds < 2:
            raise RequestError(f"report_seeds must be 2 or more, not {self.report_seeds}: one block has no interval")
        if self.seed < 0:
            raise RequestError(f"seed must be 0 or more, not {self.seed}")
        check_sampler(self.sampler)

    def identity(self) -> dict[str, Any]:
        """Return what must stay the same for a study to be gone on with; more trials may be asked for."""
        return {name: getattr(self, name) for name in ("seeds", "batch", "seed", "sampler")}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)
