"""A strategy that ranks the candidates by a linear score, whose weights were learned on other data sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PrivateAttr, field_validator
from scipy.special import expit, logit

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, RowNumbers
from altune.knobs.column_formulas import NEIGHBOURS, View
from altune.knobs.columns import carried
from altune.knobs.learned_tables import TableKind
from altune.knobs.pool_coverage import PoolCoverage
from altune.knobs.query_strategy.base import Choice, QueryStrategy, chosen_by
from altune.knobs.query_strategy.margin_coverage import with_others
from altune.knobs.query_strategy.ranker_table import (
    GROUP_WORDS,
    RANKERS,
    RULE,
    RankerTable,
    group_of,
    state_of,
)
from altune.numerics.geometry.coverage import CoverageTerm, greedy_batch, z_scores

LEAD = "learned_ranker.lead"
"""Entry of the memo of a loop: for each row 1 if the table ranked it higher than the rule, −1 if lower, else 0."""

_UNREAD = 2  # a lead that was not read from the memo yet


@register
class LearnedRanker(QueryStrategy):
    """Learned ranker: margin_cover, corrected by weights over metadata that were learned on other data sets.

    The score of a row is Σ_c Σ_s W[c, s]·z_c·state_s over columns c of metadata, as z-scores within the candidates, and
    the state of the run (1, progress, confidence of the model, ln of the number of classes). The first columns are
    those of ``margin_cover``: u, cov and bcov, of which cov and bcov change with each row that is picked.
    ``altune knobs --metadata`` lists the others. Training begins with the weights of ``margin_cover`` and moves them to
    where the area under the learning curve was larger on many data sets. ``altune learn ranker`` trains a table on
    your own data sets.

    A table is used where it earned that: if its evidence on data sets that were left out of its training does not show
    a gain over the rule, with an interval above zero, for the number of classes (2, 3 to 5, 6 and more), the rule
    ``margin_cover`` is played instead. ``trust: always`` plays the table anyway.

    Within a run the share ω of the table adapts: the score is rule + ω·(table − rule). After each loop, the rows that
    were bought in it are split into those that the table ranked higher than the rule did, and those that it ranked
    lower. The advantage of the table in this loop is the mean surprise of the former minus that of the latter, in
    [−1, 1]; 0 if there are none of one kind. The surprise of a row is 1 − p, where p is the probability that the model
    gave to its label just before the label came. The log-odds of ω are those of ``weight`` plus ``adapt`` times the sum
    of the advantages so far (Hedge with two experts). This is a weak signal: a surprising label is not always a useful
    one, and only rows that table and rule chose together are known, a biased sample.
    """

    needs = frozenset({"class_scores"})
    source = "altune; exponential weights: Freund and Schapire, A Decision-Theoretic Generalization, JCSS 1997"
    reads_history: ClassVar[bool] = True

    tables: ClassVar[TableKind[Any] | None] = RANKERS

    method: Literal["learned_ranker"] = "learned_ranker"
    table: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        default="default", description="name of the table of weights: the shipped one, or one that was registered"
    )
    trust: Literal["evidence", "always"] = Field(
        default="evidence",
        description="whether the table is used only where its evidence shows a gain over margin_cover, or always",
    )
    weight: float = Field(default=0.8, ge=0.0, le=1.0, description="share of the table at the start")
    adapt: float = Field(default=0.5, ge=0.0, le=1.0, description="how fast the share adapts; 0 keeps it fixed")
    _content: RankerTable = PrivateAttr()

    @field_validator("table")
    @classmethod
    def _exists(cls, name: str) -> str:
        RANKERS.find(name)
        return name

    def model_post_init(self, context: Any, /) -> None:
        """Take the content of the table, which travels with the method to other processes."""
        self._content = RANKERS.find(self.table)

    @property
    def content(self) -> RankerTable:
        """The table."""
        return self._content

    def fingerprint(self) -> str:
        """Return a hash of the table, of which a recipe has the name alone."""
        return f"learned_ranker {self._content.digest()}"

    def remarks(self, n_classes: int) -> list[str]:
        """Return that the rule is played in place of the table for a number of classes, if so."""
        if self._uses_table(n_classes):
            return []
        found = self._content.evidence_for(n_classes)
        why = (
            f"has no evidence for {GROUP_WORDS[group_of(n_classes)]}"
            if found is None
            else f"gained {found} that it had not seen"
        )
        return [f"learned_ranker plays margin_cover here: its table {self.table!r} {why}"]

    @classmethod
    def table_lines(cls) -> list[str]:
        """Return the evidence of each table that has a name here, one line for each group by classes."""
        lines = []
        for name in RANKERS.names():
            table = RANKERS.find(name)
            lines += [
                f"table {name}: gained {found} that it had not seen; "
                f"{'it is played there' if found.gains else 'margin_cover is played there'}"
                for found in table.evidence
            ] or [f"table {name}: no evidence, so margin_cover is played"]
        return lines

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the rows of :meth:`choose`."""
        return self.choose(pool, size, rng).rows

    def choose(self, pool: Pool, size: int, rng: np.random.Generator) -> Choice:
        """Return rows picked one by one, each the best by the score so far; the memo keeps who ranked them higher."""
        share = self.share(pool)
        table = self._content.in_state(state_of(pool)) if share else RULE
        weights = {
            name: RULE.get(name, 0.0) + share * (table.get(name, 0.0) - RULE.get(name, 0.0))
            for name in {**RULE, **table}
        }
        coverage = coverage_of(pool, self._content.neighbours)
        competing, at = coverage.positions, coverage.candidates
        uncertainty = 1.0 - pool.known().margin
        gains = {"cov": coverage.of_labelled(), "bcov": coverage.of_batch(uncertainty)}
        columns = {"u": z_scores(uncertainty[competing])}
        columns |= {name: carried(pool, name)[competing] for name in weights if name not in RULE}
        fixed = weighted_sum(columns, weights)
        starts = columns | {name: z_scores(gain.values[at]) for name, gain in gains.items()}
        terms = [CoverageTerm(weights[name], gain) for name, gain in gains.items()]
        picked = greedy_batch(coverage.graph, fixed, terms, at, min(size, len(competing)), rng)
        rows = with_others(pool, competing[picked], uncertainty, size, rng)
        if not (self.adapt and 0 < share < 1):
            return chosen_by(self.method, rows)
        higher = ranks_of(weighted_sum(starts, table), picked) - ranks_of(weighted_sum(starts, RULE), picked)
        memo = {"rows": rows[: len(picked)].tolist(), LEAD: np.sign(higher).tolist()}
        return chosen_by(self.method, rows)._replace(memo=memo)

    def share(self, pool: Pool) -> float:
        """Return the share ω of the table in [0, 1]; 0 where the rule is played.

        It depends on the history of the pool alone, so a campaign that is resumed has the same.
        """
        if not self._uses_table(pool.n_classes):
            return 0.0
        if not self.adapt or not 0 < self.weight < 1:
            return self.weight
        return float(expit(logit(self.weight) + self.adapt * advantages(pool).sum()))

    def _uses_table(self, n_classes: int) -> bool:
        return self.trust == "always" or self._content.trusted(n_classes)


def advantages(pool: Pool) -> Array:
    """Return the advantage of the table over the rule in each loop so far, in [−1, 1]; 0 where it is not known.

    The first entry, 0, is that of the first sample: ``(n_loops + 1,)``.

    Parameters
    ----------
    pool : the pool, in whose history the strategy noted who ranked each row higher.
    """
    history = pool.history
    rows, loops, labels = history.rows, history.loops, history.labels(pool.labelled, pool.labels)
    n_loops = int(loops.max(initial=0)) + 1
    surprise = 1.0 - history.probabilities[np.arange(len(rows)), labels]
    lead = pool.memory.get("learned_ranker.lead", lambda: np.full(pool.n_rows, _UNREAD))
    for loop in np.unique(loops[lead[rows] == _UNREAD]).tolist():
        lead[rows[loops == loop]] = 0
        memo = history.memo(loop)
        if isinstance(memo, dict) and LEAD in memo:
            lead[memo["rows"]] = memo[LEAD]
    known = (labels >= 0) & np.isfinite(surprise)
    means = []
    for chosen in (known & (lead[rows] > 0), known & (lead[rows] < 0)):
        counts = np.bincount(loops[chosen], minlength=n_loops)
        sums = np.bincount(loops[chosen], surprise[chosen], n_loops)
        means.append(np.divide(sums, counts, out=np.full(n_loops, np.nan), where=counts > 0))
    found: Array = np.nan_to_num(means[0] - means[1])
    return found


def coverage_of(pool: Pool, neighbours: int) -> PoolCoverage:
    """Return the coverage of the pool in this loop, the one that the columns of metadata use where it is the same."""
    return View.of(pool).coverage if neighbours == NEIGHBOURS else PoolCoverage(pool, neighbours)


def weighted_sum(columns: Mapping[str, Array], weights: Mapping[str, float]) -> Array:
    """Return the sum of the columns by their weights, ``(n_rows,)``; columns without a weight count as 0.

    >>> weighted_sum({"u": np.array([1.0, 2.0]), "cov": np.array([5.0, 5.0])}, {"u": 2.0}).tolist()
    [2.0, 4.0]
    """
    total: Array = np.zeros(len(next(iter(columns.values()))))
    for name, values in columns.items():
        if weight := weights.get(name, 0.0):
            total += weight * values
    return total


def ranks_of(scores: Array, positions: RowNumbers) -> RowNumbers:
    """Return how many scores are below that at each of some positions, ``(n_positions,)``.

    >>> ranks_of(np.array([0.3, 0.1, 0.2]), np.array([2, 0])).tolist()
    [1, 2]
    """
    ordered = np.sort(scores)
    return np.searchsorted(ordered, scores[positions])


def register_ranker(name: str, table: str | Path | Mapping[str, Any] | RankerTable) -> None:
    """Register a table of the query strategy ``learned_ranker`` under a name, for this process and its workers.

    A recipe names it: ``{method: learned_ranker, table: NAME}``. On the command line, the environment variable
    ``ALTUNE_RANKERS`` names a folder whose files ``NAME.yaml`` are found in the same way, and packages offer tables
    through the entry point group ``altune.rankers``.

    Parameters
    ----------
    name : letters, digits, ``_``, ``-`` and ``.``. A table that was registered under the name before is replaced.
    table : the file that ``altune learn ranker`` has written, its plain values, or a table.

    Raises
    ------
    RequestError
        If the name is that of a shipped table, or the file is not a table or of another version.
    """
    RANKERS.register(name, table)
