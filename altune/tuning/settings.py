"""The settings of a study: how it is searched and confirmed. They never change what a recipe means."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from altune.core.deprecations import renamed_fields
from altune.core.errors import RequestError
from altune.tuning.racing import Racing
from altune.tuning.samplers import check_sampler


@renamed_fields
@dataclass(frozen=True, kw_only=True)
class Settings:
    """Sizes and seed of a study.

    Parameters
    ----------
    n_trials : number of trials to finish, 1 or more; forbidden draws do not count.
    n_blocks : number of search blocks of each data set on which each trial is played, 1 or more.
    batch : number of trials asked of the sampler at a time, 1 or more. It changes the trials, so it is never derived
        from the number of processes.
    seed : seed of the study, 0 or more.
    sampler : name of the sampler.
    select_among : number of the best recipes that are played on the select blocks.
    select_blocks, report_blocks : number of fresh blocks of each data set to select on, and to report on.
    racing, rungs, leader_blocks : see :class:`altune.tuning.racing.Racing`.
    across : how several data sets are averaged, ``normalized`` or ``ranks``.
    prefer : how to choose among several objectives, see :class:`altune.tuning.preference.Preference`.
    trial_timeout : time limit for one trial in seconds, split evenly over its blocks; None for no limit.
    search_rows : number of rows of a search block, pool and test together, 1 or more; None for all rows. See
        :mod:`altune.tuning.search_rows`. The confirmation always plays on all rows.
    """

    n_trials: int = 60
    n_blocks: int = 5
    batch: int = 4
    seed: int = 0
    sampler: str = "tpe"
    select_among: int = 5
    select_blocks: int = 10
    report_blocks: int = 20
    racing: float = 0.0
    rungs: tuple[float, ...] = ()
    leader_blocks: int = 0
    across: str = "normalized"
    prefer: str | None = None
    trial_timeout: float | None = None
    search_rows: int | None = None

    def __post_init__(self) -> None:
        for name in ("n_trials", "n_blocks", "batch", "select_among", "select_blocks"):
            if getattr(self, name) < 1:
                raise RequestError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if self.report_blocks < 2:
            raise RequestError(f"report_blocks must be 2 or more, not {self.report_blocks}: one block has no interval")
        if self.seed < 0:
            raise RequestError(f"seed must be 0 or more, not {self.seed}")
        if self.trial_timeout is not None and not self.trial_timeout > 0:
            raise RequestError(f"trial_timeout must be above 0 s, not {self.trial_timeout}")
        if self.search_rows is not None and self.search_rows < 1:
            raise RequestError(f"search_rows must be 1 or more, not {self.search_rows}")
        check_sampler(self.sampler)
        _ = self.racing_rules

    @property
    def racing_rules(self) -> Racing:
        """When to drop a trial early, and which trials to play on leader blocks."""
        return Racing(self.racing, self.rungs, self.leader_blocks)

    def identity(self) -> dict[str, Any]:
        """Return the settings that must stay the same if the study is resumed; the number of trials may grow."""
        names = ("n_blocks", "batch", "seed", "sampler", "racing", "leader_blocks", "across")
        return {name: getattr(self, name) for name in names} | {"rungs": list(self.rungs)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {"rungs": list(self.rungs)}
