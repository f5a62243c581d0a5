"""How many report blocks are played: while they pay, as a precision needs, or exactly as many as were asked for."""

from __future__ import annotations

import math

import pytest

import altune
from altune.core.errors import RequestError
from altune.numerics.block_counts import Width
from altune.numerics.crossed import VarianceParts
from altune.recipes.space import SearchSpace
from altune.tuning.observer import Silent
from altune.tuning.report_blocks import FIRST_REPORT, MOST_REPORT, PAYS, USUAL_REPORT, ReportPlan, Widths, widths_of
from altune.tuning.settings import Settings

SIZES = {"budget": 20, "loops": 3, "n_trials": 2, "n_blocks": 1, "select_among": 1, "select_blocks": 1}


def tuned(data="iris", **changes):
    space = SearchSpace.from_dict({"query_strategy": ["margin", "entropy"]})
    return altune.tune(data, space, **{**SIZES, "ablation": False, **changes})


def widths(of_blocks, of_units, n_test=100):
    width = Width(VarianceParts(of_blocks, of_units, 0.0, 0.0, 0.0, FIRST_REPORT, n_test, degrees=9.0))
    return Widths(width, (width, width), n_test)


def test_blocks_are_played_while_they_pay():
    plan = ReportPlan()
    assert plan.blocks([widths(0.001, 100.0)], FIRST_REPORT) == FIRST_REPORT
    assert FIRST_REPORT < plan.blocks([widths(1.0, 0.0)], FIRST_REPORT) < USUAL_REPORT
    assert plan.blocks([widths(0.001, 100.0), widths(1.0, 0.0)], FIRST_REPORT) > FIRST_REPORT, "on each data set"
    assert plan.blocks(None, FIRST_REPORT) == USUAL_REPORT, "without variance parts the number is fixed"
    assert plan.note(None, USUAL_REPORT) == ""
    assert plan.note([widths(0.001, 100.0)], 12) == f"20 would narrow no interval by {100 * PAYS:.0f} %"


def test_a_precision_is_reached_or_it_is_said_what_it_would_need():
    reached = ReportPlan(0.75)
    few, many = [widths(1.0, 9.0)], [widths(40.0, 9.0)]
    needed = reached.blocks(few, FIRST_REPORT)
    assert FIRST_REPORT < needed < MOST_REPORT
    assert reached.note(few, needed) == "a precision of 0.75 is reached"
    assert USUAL_REPORT < ReportPlan(1.9).blocks(many, FIRST_REPORT) < MOST_REPORT
    too_many = ReportPlan(1.0)
    assert too_many.blocks(many, FIRST_REPORT) == MOST_REPORT
    assert "would need about" in too_many.note(many, MOST_REPORT)


def test_where_the_rows_say_no_it_does_not_play_on_and_says_how_many_it_would_need():
    plan, by_rows = ReportPlan(0.2), [widths(0.001, 9.0)]
    assert plan.blocks(by_rows, FIRST_REPORT) == FIRST_REPORT
    note = plan.note(by_rows, FIRST_REPORT)
    half = by_rows[0].differences[0].half(math.inf)
    assert "no number of blocks reaches a precision of 0.2: with 100 test rows" in note
    assert note.endswith(f"it would need about {math.ceil(100 * (half / 0.2) ** 2)} test rows")
    assert "cannot be planned" in plan.note(None, USUAL_REPORT)


class Heard(Silent):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def widest_half(run):
    """Return half of the widest interval that is shown of a difference to a baseline."""
    shown = [against.difference.together for against in run.findings.others.values()]
    return max(high - low for low, high in shown) / 2


def test_a_run_plays_what_its_own_variance_asks_for():
    usual = tuned()
    blocks = len(usual.confirmation.recipe.curves)
    assert FIRST_REPORT <= blocks <= USUAL_REPORT
    others = (*usual.confirmation.baselines.values(), *usual.confirmation.matched.values())
    assert {len(played.curves) for played in others} == {blocks}
    if blocks < USUAL_REPORT:
        assert usual.to_dict()["confirmed"]["why_blocks"] == usual.confirmation.why_blocks != ""
    fixed = tuned(report_blocks=USUAL_REPORT)
    assert len(fixed.confirmation.recipe.curves) == USUAL_REPORT
    assert fixed.confirmation.why_blocks == ""
    heard = Heard()
    wide = tuned(precision=0.5, observer=heard)
    assert heard.lines[-1] == f"{FIRST_REPORT} report blocks: a precision of 0.5 is reached"
    assert len(wide.confirmation.recipe.curves) == FIRST_REPORT
    assert wide.confirmation.why_blocks == "a precision of 0.5 is reached"
    findings, confirmation = wide.findings, wide.confirmation
    foretold = widths_of(
        findings.objective,
        confirmation.recipe.curves,
        [confirmation.baselines[name].curves for name in findings.others],
        confirmation.baselines["random_sampling"].curves,
        confirmation.n_test,
        confirmation.n_test / confirmation.n_train,
    )
    level = 0.05 / len(findings.others)
    for width, against in zip(foretold.differences, findings.others.values(), strict=True):
        low, high = against.difference.ends(1 - level)
        assert width.half(FIRST_REPORT) == pytest.approx((high - low) / 2, rel=1e-2)
    wanted = 0.97 * widest_half(wide)
    closer = wide.confirm(precision=wanted)
    assert closer.confirmation.why_blocks == f"a precision of {wanted:g} is reached"
    assert len(closer.confirmation.recipe.curves) > FIRST_REPORT
    assert widest_half(closer) <= wanted
    narrow = wide.confirm(precision=1e-6)
    assert len(narrow.confirmation.recipe.curves) <= USUAL_REPORT
    assert "no number of blocks reaches a precision of 1e-06" in narrow.confirmation.why_blocks


def test_a_run_with_a_risk_or_several_data_sets():
    assert len(tuned(risk="cvar:0.5").confirmation.recipe.curves) == USUAL_REPORT
    several = tuned(["iris", "wine"])
    assert len({len(each.recipe.curves) for each in several.confirmations.values()}) == 1


def test_the_same_command_again_confirms_nothing_again(tmp_path):
    first = tuned(out=tmp_path / "run")
    key = first.record.confirmation_key()
    again = tuned(out=tmp_path / "run", observer=Counting())
    assert again.record.confirmation_key() == key
    fixed = tuned(out=tmp_path / "run", report_blocks=USUAL_REPORT)
    assert len(fixed.confirmation.recipe.curves) == USUAL_REPORT
    usual = tuned(out=tmp_path / "run")
    assert len(usual.confirmation.recipe.curves) == USUAL_REPORT, "a stored report on more blocks stays"


class Counting(Silent):
    def played(self, simulated=True):
        assert not simulated


def test_refusals():
    with pytest.raises(RequestError, match="precision must be above 0"):
        Settings(precision=0.0)
    with pytest.raises(RequestError, match="give one"):
        Settings(precision=0.1, report_blocks=20)
