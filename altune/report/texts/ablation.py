"""An ablation as text for a terminal."""

from __future__ import annotations

from typing import Any

from altune.analysis.ablation import Ablation
from altune.numerics.statistics import PairedDifference
from altune.report.amounts import Amounts
from altune.report.texts.aligned import table


def ablation_text(ablation: Ablation) -> str:
    """Return the path step by step, what each knob is worth to the recipe at its end, and a sentence."""
    amounts = Amounts.of(ablation.objective).exact
    path: list[dict[str, Any]] = [
        {
            "step": step.words,
            "value": amounts.text(step.mean),
            **_difference(step.difference, step.p_holm, amounts, "gain"),
        }
        for step in ablation.steps
    ]
    first = dict.fromkeys(path[0], "") | {
        "step": ablation.start_name.replace("_", " "),
        "value": amounts.text(ablation.start.mean),
    }
    worth: list[dict[str, Any]] = [
        {"knob put back": one.change.words, **_difference(one.difference, one.p_holm, amounts, "lost without it")}
        for one in ablation.without
        if one.difference is not None and one.p_holm is not None
    ]
    blocks = (
        f"{ablation.objective.name}, mean over {ablation.whole.blocks} report blocks; "
        f"the order was chosen on {ablation.order_blocks} others"
    )
    impossible = [
        f"cannot be put back alone: {one.change.words}: {one.reason}"
        for one in ablation.without
        if one.difference is None
    ]
    parts = [table([first, *path], wide="step"), blocks, table(worth, wide="knob put back") if worth else ""]
    return "\n\n".join([*(part for part in parts if part), *impossible, ablation.sentence])


def _difference(difference: PairedDifference, p_holm: float | None, amounts: Amounts, name: str) -> dict[str, str]:
    return {
        name: amounts.signed_interval(difference.mean, difference.low, difference.high),
        "p (Holm)": "" if p_holm is None else f"{p_holm:.4f}",
    }
