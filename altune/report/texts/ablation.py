"""An ablation as text for a terminal."""

from __future__ import annotations

from typing import Any

from altune.analysis.ablation import Ablation
from altune.core.text import counted
from altune.numerics.statistics import PairedDifference
from altune.report.amounts import Amounts
from altune.report.texts.aligned import table


def ablation_text(ablation: Ablation) -> str:
    """Return the steps of the path, the loss without each knob, and the answer in a sentence."""
    amounts = Amounts.of(ablation.objective).exact
    path: list[dict[str, Any]] = [
        {
            "step": step.words,
            "value": amounts.text(step.mean),
            **_difference(step.difference, amounts, "gain"),
        }
        for step in ablation.steps
    ]
    first = dict.fromkeys(path[0], "") | {
        "step": ablation.start_name.replace("_", " "),
        "value": amounts.text(ablation.start.mean),
    }
    losses: list[dict[str, Any]] = [
        {"knob put back": knob.change.words, **_difference(knob.difference, amounts, "loss without it")}
        for knob in ablation.without
        if knob.difference is not None
    ]
    blocks = f"{ablation.objective.name}, mean over {counted(ablation.whole.blocks, 'report block')}"
    if len(ablation.steps) > 1:
        blocks += f"; the order was chosen on up to {ablation.order_blocks} other blocks"
    impossible = [
        f"cannot be put back alone: {knob.change.words}: {knob.reason}"
        for knob in ablation.without
        if knob.difference is None
    ]
    parts = [table([first, *path], wide="step"), blocks, table(losses, wide="knob put back") if losses else ""]
    return "\n\n".join([*(part for part in parts if part), *impossible, ablation.sentence])


def _difference(difference: PairedDifference, amounts: Amounts, name: str) -> dict[str, str]:
    return {
        name: amounts.signed_interval(difference.mean, *difference.together),
        "p (Holm)": f"{difference.p_holm:.4f}",
    }
