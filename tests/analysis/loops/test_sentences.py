"""Sentences and tables about loops."""

from __future__ import annotations

import altune
from altune.analysis.loops.sentences import loop_sentences


def test_sentences_tell_the_numbers(facts):
    said = " ".join(loop_sentences(facts))
    assert f"{facts.rows.mean[0]:.0f} rows first, then " in said
    precision = 100 * sum(facts.audit.right.mean) / sum(facts.audit.suspects.mean)
    assert f"{precision:.0f} % of the audit's suspects have a wrong label" in said
    plain = altune.examine("random_sampling", "iris", budget=40, loops=5, n_blocks=2)
    said = loop_sentences(plain)
    assert (plain.steady, said[0]) == (True, "3 rows first, then 7 to 8 in each of 5 loops.")
    assert not any("audit" in sentence for sentence in said)


def test_frame_has_a_row_for_each_loop_and_number(facts):
    frame = facts.to_frame()
    own = frame[frame["quantity"] == "share"]
    assert set(own["class"]) == {"setosa", "versicolor", "virginica"}
    assert len(own) == 3 * len(facts.loops)
    assert frame["mean"].notna().all()
