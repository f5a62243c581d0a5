"""What each loop of a recipe did, in sentences."""

from __future__ import annotations

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.series import Series

MUCH = 1.5
"""Times the imbalance of chance from which on the classes bought are said to stray."""
ALL = 0.98
"""Share of the final score from which on a stop is said to keep it."""


def loop_sentences(facts: LoopFacts) -> list[str]:
    """Return everything that there is to say, a sentence or two for each question."""
    found = [size_sentence(facts), balance_sentence(facts)]
    found += [audit_sentence(facts), uncertainty_sentence(facts), stopping_sentence(facts)]
    return [sentence for sentence in found if sentence]


def size_sentence(facts: LoopFacts) -> str:
    """Return how many rows each loop bought."""
    first, sizes = facts.rows.mean[0], [size for size in facts.rows.mean[1:] if size is not None]
    start = f"{first:.0f} rows first"
    if not sizes:
        return f"{start}, and no loop after them."
    loops = facts.loops[-1]
    count = f"{loops} loop{'' if loops == 1 else 's'}"
    # Of equal loops the last one is smaller where the budget is no multiple.
    told = sizes[:-1] if facts.steady and len(sizes) > 1 else sizes
    low, high = f"{min(told):.0f}", f"{max(told):.0f}"
    return f"{start}, then {low if low == high else f'{low} to {high}'} in each of {count}."


def balance_sentence(facts: LoopFacts) -> str:
    """Return which class was bought more than the pool has of it, which less, and whether that is more than chance."""
    balance, place = facts.balance, last_place(facts)
    gaps = [
        (100 * (float(series.mean[place] or 0.0) - pool), 100 * pool, name)
        for name, pool, series in zip(balance.classes, balance.pool, balance.bought, strict=True)
    ]
    (more, pool_more, most), (less, pool_less, least) = max(gaps), min(gaps)
    own, usual = float(balance.imbalance.mean[place] or 0.0), balance.by_chance[place]
    if own <= MUCH * usual:
        return "The classes bought are as near to the pool's shares as those of rows drawn at random."
    times = f"{own / usual:.1f} times as far from the pool's shares as those of rows drawn at random"
    return (
        f"Most over-bought is class {most}: {pool_more + more:.1f} % of the rows bought, {pool_more:.1f} % of the "
        f"pool; most under-bought is class {least}: {pool_less + less:.1f} %, {pool_less:.1f} % of the pool. "
        f"The classes bought lie {times}."
    )


def audit_sentence(facts: LoopFacts) -> str:
    """Return what the audit found; where nothing was audited, how many labels are wrong, if any."""
    audit, place = facts.audit, last_place(facts)
    if audit is None:
        if facts.wrong_used is None:
            return ""
        return (
            f"{_percent(facts.wrong_used, place)} of the labels trained on at the end are wrong; nothing audits them."
        )
    suspects, right = _total(audit.suspects), _total(audit.right)
    if not suspects:
        return "The audit doubted no label."
    sentence = f"{100 * right / suspects:.0f} % of the audit's suspects are truly wrong. "
    if audit.action == "relabel":
        sentence += (
            f"It bought {_total(audit.bought_again):.0f} labels again and corrected {_total(audit.corrected):.0f}. "
        )
        return f"{sentence}At the end {_percent(audit.wrong_used, place)} of the labels trained on are wrong."
    return (
        f"{sentence}At the end {_percent(audit.wrong_bought, place)} of the labels bought are wrong, and "
        f"{_percent(audit.wrong_used, place)} of those trained on."
    )


def uncertainty_sentence(facts: LoopFacts) -> str:
    """Return how unsure the model was of the rows that it picked, and of all, at the start and at the end."""
    if facts.uncertainty is None:
        return ""
    found = facts.uncertainty["least_confidence"]
    known = [place for place in range(last_place(facts) + 1) if found.picked.mean[place] is not None]
    if not known:
        return ""
    first, last = known[0], known[-1]
    pairs = [(float(found.picked.mean[p] or 0.0), float(found.pool.mean[p] or 0.0)) for p in (first, last)]
    return (
        f"The model gave the likeliest class of the rows picked {1 - pairs[0][0]:.2f} on average in loop "
        f"{facts.loops[first]} and {1 - pairs[1][0]:.2f} in loop {facts.loops[last]}; of all unlabelled rows "
        f"{1 - pairs[0][1]:.2f} and {1 - pairs[1][1]:.2f}."
    )


def stopping_sentence(facts: LoopFacts) -> str:
    """Return which stopping rule would have saved most labels and kept nearly all of the final score."""
    found = facts.stopping
    if found is None:
        return ""
    fired = [rule for rule in found.rules if rule.fired]
    if not fired:
        return f"None of {len(found.rules)} stopping rules ends it before the budget does."
    said = f"{len(fired)} of {len(found.rules)} stopping rules end it before the budget does; "
    keeping = [rule for rule in fired if rule.kept >= ALL]
    if not keeping:
        return f"{said}none of them keeps {100 * ALL:.0f} % of the final {facts.metric}."
    best = max(keeping, key=lambda rule: rule.saved)
    kept = f"keeps {100 * best.kept:.1f} % of the final {facts.metric}"
    return f"{said}{best.name} saves {best.saved:.0f} labels and {kept}."


def last_place(facts: LoopFacts) -> int:
    """Return the place of the last loop that at least half the blocks had; beyond, means are of too few."""
    return sum(2 * count >= facts.blocks for count in facts.reached) - 1


def _total(series: Series) -> float:
    return sum(value for value in series.mean if value is not None)


def _percent(series: Series, place: int) -> str:
    return f"{100 * float(series.mean[place] or 0.0):.1f} %"
