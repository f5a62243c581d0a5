"""The settings of a study: how it is searched and confirmed. They never change what a recipe means."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from altune.core.arguments import plain_fields
from altune.core.errors import RequestError
from altune.tuning.racing import Racing
from altune.tuning.report_blocks import ReportPlan
from altune.tuning.samplers import check_sampler

USUAL_BLOCKS = 5
"""Number of search blocks of each trial, where recipes cannot get blocks by merit."""
USUAL_TRIALS = 60
USUAL_PORTFOLIO = 8
"""Number of first trials that come from the portfolio."""


def n_trials_for(n_trials: int | None, n_simulations: int | None) -> int:
    """Return the number of trials of a search: 60 by default, or as many as a number of simulations allows."""
    if n_trials is not None:
        return n_trials
    return USUAL_TRIALS if n_simulations is None else max(1, n_simulations)


@plain_fields
@dataclass(frozen=True, kw_only=True)
class Settings:
    """Sizes and seed of a study.

    Parameters
    ----------
    n_trials : number of trials to finish, 1 or more; forbidden draws and plays again do not count.
    n_simulations : largest number of plays of the search, 1 or more; None for no limit.
    n_blocks : number of search blocks of each data set on which each trial is played, 1 or more. None plays a recipe on
        more blocks the better it does, see :mod:`altune.tuning.merit`; a search that cannot do so plays each trial on
        :data:`USUAL_BLOCKS`.
    batch : number of trials asked of the sampler at a time, 1 or more. It changes the trials, so it is never derived
        from the number of processes.
    seed : seed of the study, 0 or more.
    sampler : name of the sampler.
    select_among : number of the best recipes that are played on the select blocks.
    select_blocks : largest number of fresh blocks of each data set to select on.
    report_blocks : number of fresh blocks of each data set to report on, 2 or more. None plays as many as pay, or as a
        precision needs; see :mod:`altune.tuning.report_blocks`.
    precision : half of the largest width of the interval of the difference to a baseline, above 0; None for no limit.
    racing, rungs, leader_blocks : see :class:`altune.tuning.racing.Racing`.
    across : how several data sets are averaged, ``normalized`` or ``ranks``.
    prefer : how to choose among several objectives, see :class:`altune.tuning.preference.Preference`.
    trial_timeout : time limit for one trial in seconds, split evenly over its blocks; by merit, of each play. None for
        no limit.
    search_rows : number of rows of a search block, pool and test together, 1 or more; None for all rows. See
        :mod:`altune.tuning.search_rows`. The confirmation always plays on all rows.
    portfolio : number of first trials that come from the portfolio (:mod:`altune.recipes.portfolio`), as far as the
        space admits its entries; 0 for none.
    """

    n_trials: int = 60
    n_simulations: int | None = None
    n_blocks: int | None = None
    batch: int = 4
    seed: int = 0
    sampler: str = "tpe"
    select_among: int = 5
    select_blocks: int = 10
    report_blocks: int | None = None
    precision: float | None = None
    racing: float = 0.0
    rungs: tuple[float, ...] = ()
    leader_blocks: int = 0
    across: str = "normalized"
    prefer: str | None = None
    trial_timeout: float | None = None
    search_rows: int | None = None
    portfolio: int = USUAL_PORTFOLIO

    def __post_init__(self) -> None:
        for name in ("n_trials", "n_simulations", "n_blocks", "batch", "select_among", "select_blocks"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise RequestError(f"{name} must be 1 or more, not {value}")
        if self.report_blocks is not None and self.report_blocks < 2:
            raise RequestError(f"report_blocks must be 2 or more, not {self.report_blocks}: one block has no interval")
        if self.precision is not None and not self.precision > 0:
            raise RequestError(f"precision must be above 0, not {self.precision:g}")
        if self.precision is not None and self.report_blocks is not None:
            raise RequestError("report_blocks is a fixed number of blocks and precision plays what it needs; give one")
        if self.seed < 0:
            raise RequestError(f"seed must be 0 or more, not {self.seed}")
        if self.trial_timeout is not None and not self.trial_timeout > 0:
            raise RequestError(f"trial_timeout must be above 0 s, not {self.trial_timeout}")
        if self.search_rows is not None and self.search_rows < 1:
            raise RequestError(f"search_rows must be 1 or more, not {self.search_rows}")
        if self.portfolio < 0:
            raise RequestError(f"portfolio must be 0 or more, not {self.portfolio}")
        check_sampler(self.sampler)
        _ = self.racing_rules

    @property
    def racing_rules(self) -> Racing:
        """When to drop a trial early, and which trials to play on leader blocks."""
        return Racing(self.racing, self.rungs, self.leader_blocks)

    @property
    def report_plan(self) -> ReportPlan | None:
        """What decides how many report blocks are played; None for a fixed number."""
        return ReportPlan(self.precision) if self.report_blocks is None else None

    @property
    def most_report_blocks(self) -> int:
        """Largest number of report blocks of each data set."""
        return ReportPlan(self.precision).most if self.report_blocks is None else self.report_blocks

    def identity(self) -> dict[str, Any]:
        """Return the settings that must stay the same if the study is resumed; the number of trials may grow."""
        names = ("n_blocks", "batch", "seed", "sampler", "racing", "leader_blocks", "across", "portfolio")
        return {name: getattr(self, name) for name in names} | {"rungs": list(self.rungs)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {"rungs": list(self.rungs)}
