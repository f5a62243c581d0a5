"""How a study is searched and confirmed; none of it changes what a recipe means."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from altune.core.deprecations import renamed_fields
from altune.core.errors import RequestError
from altune.tuning.racing import Racing
from altune.tuning.samplers import check_sampler


@renamed_fields
@dataclass(frozen=True)
class Settings:
    """Sizes and seed of a study.

    Parameters
    ----------
    n_trials : trials to finish, forbidden draws aside, 1 or more.
    n_blocks : search blocks of each data set on which each trial is played, 1 or more.
    batch : trials asked of the sampler at a time, 1 or more; never derived from the number of processes.
    seed : the study's seed, 0 or more.
    sampler : name of the sampler.
    select_among : best recipes of the search that are played on the select blocks.
    select_blocks, report_blocks : fresh blocks to select on and to report on.
    racing, rungs, leader_blocks : see :class:`altune.tuning.racing.Racing`.
    across : how several data sets are averaged, ``normalized`` or ``ranks``.
    prefer : how one trial is picked of several objectives, see :class:`altune.tuning.preference.Preference`.
    trial_timeout : most seconds that a trial may take, None without a limit.
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
        check_sampler(self.sampler)
        _ = self.racing_rules

    @property
    def racing_rules(self) -> Racing:
        """What is spent on a trial."""
        return Racing(self.racing, self.rungs, self.leader_blocks)

    def identity(self) -> dict[str, Any]:
        """Return what must stay the same for a study to be gone on with; more trials may be asked for."""
        names = ("n_blocks", "batch", "seed", "sampler", "racing", "leader_blocks", "across")
        return {name: getattr(self, name) for name in names} | {"rungs": list(self.rungs)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {"rungs": list(self.rungs)}
