"""What each loop of a recipe did, in sentences."""

from __future__ import annotations

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.series import Series
from altune.core.text import counted

STRAYS = 1.5
"""The classes bought differ from the pool if their imbalance exceeds that of random draws by this factor."""
KEEPS = 0.98
"""Share of the final score from which on a stopping rule keeps it."""


def loop_sentences(facts: LoopFacts) -> list[str]:
    """Return the result in sentences, one or two for each question."""
    sentences = [size_sentence(facts), balance_sentence(facts)]
    sentences += [audit_sentence(facts), uncertainty_sentence(facts), stopping_sentence(facts)]
    return [sentence for sentence in sentences if sentence]


def size_sentence(facts: LoopFacts) -> str:
    """Return how many rows each loop bought."""
    first, sizes = facts.rows.mean[0], [size for size in facts.rows.mean[1:] if size is not None]
    start = f"{first:.0f} rows first"
    if not sizes:
        return f"{start}, and no loop after them."
    loops = facts.loops[-1]
    count = counted(loops, "loop")
    # The last of equal loops may be smaller, since the budget cuts it.
    shown = sizes[:-1] if facts.steady and len(sizes) > 1 else sizes
    low, high = f"{min(shown):.0f}", f"{max(shown):.0f}"
    return f"{start}, then {low if low == high else f'{low} to {high}'} in each of {count}."


def balance_sentence(facts: LoopFacts) -> str:
    """Return the class bought most and the class bought least for its share of the pool, if that is not chance."""
    balance, last = facts.balance, last_common(facts)
    gaps = [
        (100 * (float(series.mean[last] or 0.0) - pool), 100 * pool, name)
        for name, pool, series in zip(balance.classes, balance.pool, balance.bought, strict=True)
    ]
    (more, pool_more, most), (less, pool_less, least) = max(gaps), min(gaps)
    imbalance, by_chance = float(balance.imbalance.mean[last] or 0.0), balance.by_chance[last]
    if imbalance <= STRAYS * by_chance:
        return "The classes bought are as close to the pool's shares as rows drawn at random."
    return (
        f"Bought most for its share is class {most}: {pool_more + more:.1f} % of the rows bought, {pool_more:.1f} % of "
        f"the pool; bought least is class {least}: {pool_less + less:.1f} %, {pool_less:.1f} % of the pool. "
        f"The classes bought are {imbalance / by_chance:.1f} times as far from the pool's shares as rows drawn at "
        "random."
    )


def audit_sentence(facts: LoopFacts) -> str:
    """Return what the audit found; without an audit, how many labels are wrong, if any."""
    audit, last = facts.audit, last_common(facts)
    if audit is None:
        if facts.wrong_used is None:
            return ""
        return f"{_percent(facts.wrong_used, last)} of the labels trained on at the end are wrong; there is no audit."
    suspects, right = _total(audit.suspects), _total(audit.right)
    if not suspects:
        return "The audit suspected no label."
    sentence = f"{100 * right / suspects:.0f} % of the audit's suspects have a wrong label. "
    if audit.action == "relabel":
        sentence += (
            f"It bought {_total(audit.bought_again):.0f} labels again and corrected {_total(audit.corrected):.0f}. "
        )
        return f"{sentence}At the end {_percent(audit.wrong_used, last)} of the labels trained on are wrong."
    return (
        f"{sentence}At the end {_percent(audit.wrong_bought, last)} of the labels bought and "
        f"{_percent(audit.wrong_used, last)} of the labels trained on are wrong."
    )


def uncertainty_sentence(facts: LoopFacts) -> str:
    """Return how certain the model was about the rows it picked, and about all rows, in the first and the last loop."""
    if facts.uncertainty is None:
        return ""
    measure = facts.uncertainty["least_confidence"]
    known = [index for index in range(last_common(facts) + 1) if measure.picked.mean[index] is not None]
    if not known:
        return ""
    first, last = known[0], known[-1]
    picked, pool = (
        [1 - float(series.mean[index] or 0.0) for index in (first, last)] for series in (measure.picked, measure.pool)
    )
    return (
        f"The mean probability of the most likely class of the rows picked was {picked[0]:.2f} in loop "
        f"{facts.loops[first]} and {picked[1]:.2f} in loop {facts.loops[last]}; of all unlabelled rows "
        f"{pool[0]:.2f} and {pool[1]:.2f}."
    )


def stopping_sentence(facts: LoopFacts) -> str:
    """Return the stopping rule that saves most labels and keeps nearly all of the final score."""
    stopping = facts.stopping
    if stopping is None:
        return ""
    fired = [rule for rule in stopping.rules if rule.fired]
    if not fired:
        return f"None of {len(stopping.rules)} stopping rules stops before the budget does."
    count = f"{len(fired)} of {len(stopping.rules)} stopping rules stop before the budget does; "
    keeping = [rule for rule in fired if rule.kept >= KEEPS]
    if not keeping:
        return f"{count}none of them keeps {100 * KEEPS:.0f} % of the final {facts.metric}."
    best = max(keeping, key=lambda rule: rule.saved)
    kept = f"keeps {100 * best.kept:.1f} % of the final {facts.metric}"
    return f"{count}{best.name} saves {best.saved:.0f} labels and {kept}."


def last_common(facts: LoopFacts) -> int:
    """Return the index of the last loop that at least half the blocks had; means over fewer say too little."""
    return sum(2 * count >= facts.blocks for count in facts.reached) - 1


def _total(series: Series) -> float:
    return sum(value for value in series.mean if value is not None)


def _percent(series: Series, index: int) -> str:
    return f"{100 * float(series.mean[index] or 0.0):.1f} %"
