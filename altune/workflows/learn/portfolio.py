"""Build the portfolio of first trials from simulations on many data sets."""

from __future__ import annotations

from pathlib import Path

from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError
from altune.core.files import require_writable
from altune.learning.episodes import EpisodePlan, Episodes, episode_player
from altune.learning.portfolio import build_portfolio, candidates
from altune.recipes.portfolio import Portfolio
from altune.recipes.space import SearchSpace
from altune.simulation.execution.processes import processes
from altune.tuning.observer import Observer, Silent

USUAL_DRAWN = 10


@plain_arguments()
def learn_portfolio(
    plan: EpisodePlan,
    *,
    space: SearchSpace | str = "standard",
    n_drawn: int = USUAL_DRAWN,
    noisy_every: int = 3,
    cache: Path | None = None,
    n_jobs: int = 1,
    out: Path | None = None,
    command: str = "",
    observer: Observer | None = None,
) -> Portfolio:
    """Play candidates on many data sets and return the portfolio.

    Parameters
    ----------
    plan : data sets, models, budgets, rates of label errors and blocks.
    space : search space that most candidates are drawn from, or the name of a shipped one.
    n_drawn : number of recipes drawn from the space, beside those that are known to be good; 0 or more.
    noisy_every : label errors are played on the first of each group of this many data sets, 1 for all.
    cache : folder of finished trajectories, from which an interrupted command resumes; None keeps them in memory.
    n_jobs : number of processes; it has no effect on the result.
    out : file to write the portfolio to; None writes nothing.
    command : the command that makes it, which the file names.
    observer : receives messages and progress.

    Raises
    ------
    RequestError
        If the request is wrong.
    """
    if noisy_every < 1:
        raise RequestError(f"noisy_every must be 1 or more, not {noisy_every}")
    if out is not None:
        require_writable(out, folder=False)
    watching = observer if observer is not None else Silent()
    searched = space if isinstance(space, SearchSpace) else SearchSpace.load(space)
    entries = candidates(searched, n_drawn, plan.seed)
    episodes = Episodes(plan)
    made = {"command": command} if command else {}
    made |= {"space": f"{searched.name}, revision {searched.revision}"}
    with episode_player(cache, processes(n_jobs)) as player:
        portfolio = build_portfolio(
            episodes, entries, player, watching, noisy_every=noisy_every, made=made, say=watching.say
        )
    if out is not None:
        portfolio.save(out, comment_of(command))
    return portfolio


def comment_of(command: str) -> str:
    """Return the comment at the head of the file."""
    lines = [
        "Recipes that served well on many data sets, and what each of them lost in each situation, in thousandths.",
        "The list of first trials is made from this table when a search begins; altune/recipes/portfolio.py says how.",
    ]
    if command:
        lines.append("Rebuilt by the command below, which reads back what was played before from its cache.")
    return "\n".join(lines)
