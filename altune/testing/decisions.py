"""Checks of the knobs ``loop_size``, ``stopping`` and ``labeling``."""

from __future__ import annotations

import copy
import itertools
import json
import math
import numbers
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from altune.core.types import Array, RowNumbers
from altune.knobs.labeling import Answers, Labeling
from altune.knobs.loop_size import Judged, LoopSize, LoopState
from altune.knobs.loop_size.base import UtilityOf
from altune.knobs.stopping import GivenEvidence, Note, Stopping, StopView
from altune.testing.core import Checks, alike, blaming, check_randomness, require

N_CLASSES = 3
ANNOTATORS = 25
NO_ROWS: RowNumbers = np.empty(0, dtype=np.intp)


# loop_size ----------------------------------------------------------------------------------------


def loop_states() -> Iterator[LoopState]:
    """Yield states of all kinds: first and last loops, no limit, tiny and huge pools, with and without evidence."""
    grid = itertools.product((1, 2, 20, 5000), (None, 1, 20), (1, 7, 1000), (1, 60), (100, 10**6))
    for loop, left, rows_left, labelled, pool_rows in grid:
        plain = LoopState(
            loop=loop,
            loops_left=left,
            rows_left=rows_left,
            rows_labelled=labelled,
            pool_rows=pool_rows,
            budget_rows=rows_left + labelled,
        )
        yield plain
        for utility, kappa, wrong in ((0.0, None, (0, 0, 0)), (-1.0, -0.2, (9, 5, 1)), (0.9, 1.0, (0, 3, 9))):
            yield replace(
                plain,
                last_rows=None if loop == 1 else rows_left,
                price_per_row=1.0,
                price_per_loop=5.0,
                utilities=partial(_graded, utility),
                agreement=partial(_same, kappa),
                errors=tuple(Judged(10 * n, 10, bad) for n, bad in enumerate(wrong, start=1)),
            )


def _graded(scale: float, of: UtilityOf) -> Array:
    return scale * np.linspace(-1.0, 1.0, 50)


def _same(kappa: float | None) -> float | None:
    return kappa


def check_sizes(method: LoopSize) -> None:
    """Check that the size is a whole number of 1 or more in every state of a loop."""
    for state in loop_states():
        with blaming(method, f"next_size({state})"):
            size = method.next_size(state)
        whole = isinstance(size, numbers.Integral) and not isinstance(size, bool)
        require(method, whole, f"next_size gave {size!r} for {state}; a size is a whole number")
        require(method, size >= 1, f"next_size gave {size} for {state}; a loop labels 1 row or more")


def check_sizes_pure(method: LoopSize) -> None:
    """Check that the size depends on the state alone."""
    states = list(loop_states())
    check_randomness(method, "next_size", lambda: [method.next_size(state) for state in states])


# stopping -----------------------------------------------------------------------------------------


def stop_views(method: Stopping) -> Iterator[StopView]:
    """Yield the views of eight loops: predictions of one class at first, then others that change less and less."""
    rng = np.random.default_rng(0)
    truth = rng.integers(N_CLASSES, size=60)
    predictions: list[RowNumbers] = []
    held_out = truth[: method.held_out_rows]
    for loop in range(8):
        wrong = rng.random(60) < 0.5 * 0.5**loop
        now = np.where(wrong, (truth + 1) % N_CLASSES, truth) if loop else np.zeros(60, dtype=np.intp)
        predictions.append(now)
        yield StopView(
            predictions=tuple(predictions[-5:]) if method.watching() else (),
            held_out_labels=held_out,
            held_out_predictions=now[: len(held_out)],
            labels_bought=10 * (loop + 1),
            n_classes=N_CLASSES,
            rng=np.random.default_rng(loop),
            evidence=_evidence(truth, now, predictions[-2] if loop else None, loop),
        )


def _evidence(truth: RowNumbers, now: RowNumbers, before: RowNumbers | None, loop: int) -> GivenEvidence:
    """Return the evidence of a loop: scores of growing confidence, distances and divergences that shrink."""
    confidence = 1.0 - 0.6 * 0.5**loop

    def scores(named: RowNumbers) -> Array:
        spread = np.full((len(named), N_CLASSES), (1.0 - confidence) / (N_CLASSES - 1))
        spread[np.arange(len(named)), named] = confidence
        return spread

    new = slice(5 * loop, 5 * loop + 5)
    return GivenEvidence(
        scores=scores(now),
        unlabelled=np.arange(len(now)) >= 5 * loop,
        new_scores=scores(before[new]) if before is not None else np.empty((0, N_CLASSES)),
        new_predictions=before[new] if before is not None else NO_ROWS,
        new_labels=truth[new] if before is not None else NO_ROWS,
        nearest=np.linspace(0.0, 4.0 * 0.5**loop, len(now)),
        diverged=(0.5**loop, 0.4**loop) if loop else None,
    )


def _notes(method: Stopping) -> list[dict[str, float]]:
    return [method.note(view) for view in stop_views(method)]


def check_held_out(method: Stopping) -> None:
    """Check the number of rows that a rule holds out, and that it works without any."""
    rows = method.held_out_rows
    require(method, isinstance(rows, int) and rows >= 0, f"held_out_rows is {rows!r}, not a whole number of 0 or more")
    seen = np.zeros(20, dtype=np.intp)
    predictions = (seen,) if method.watching() else ()
    view = StopView(predictions, NO_ROWS, NO_ROWS, 1, N_CLASSES, np.random.default_rng(0))
    with blaming(method, "noting the first loop without a held-out row"):
        method.note(view)


def check_notes(method: Stopping) -> None:
    """Check that notes are finite plain floats by name, which a curve stores exactly."""
    with blaming(method, "noting"):
        notes = _notes(method)
    for note in notes:
        for name, value in note.items():
            plain = type(name) is str and type(value) is float and math.isfinite(value)
            require(method, plain, f"it noted {name!r}: {value!r}; notes are finite plain floats by name")


def check_replay(method: Stopping) -> None:
    """Check that the decision depends on the notes alone, so that a stored curve can be replayed."""
    notes = _notes(method)
    kept = copy.deepcopy(notes)
    read: list[Note] = json.loads(json.dumps(notes))
    with blaming(method, "deciding"):
        first = [method.fires(notes[:end]) for end in range(1, len(notes) + 1)]
        again = [method.fires(read[:end]) for end in range(len(read), 0, -1)][::-1]
    require(method, notes == kept, "fires changed the notes; it may only read them")
    require(method, all(isinstance(answer, bool) for answer in first), f"fires gave {first}, not booleans")
    require(method, first == again, "fires gave another decision for the same notes; it must depend on them alone")


def check_never_at_once(method: Stopping) -> None:
    """Check that a rule does not fire without notes."""
    nothing: tuple[list[Note], ...] = ([], [{}], [{}, {}, {}])
    for notes in nothing:
        with blaming(method, "deciding without notes"):
            fired = method.fires(notes)
        require(method, not fired, f"it fires on {notes}, which hold no note")


# labeling -----------------------------------------------------------------------------------------


def _asked(method: Labeling, seed: int) -> tuple[RowNumbers, RowNumbers]:
    return method.ask(np.array([7, 2, 30, 11], dtype=np.intp), ANNOTATORS, np.random.default_rng(seed))


def _answered(method: Labeling, repeats: int) -> tuple[Answers, RowNumbers]:
    answers = Answers()
    rng = np.random.default_rng(5)
    for seed in range(repeats):
        rows, annotators = _asked(method, seed)
        answers.add(rows, annotators, rng.integers(N_CLASSES, size=len(rows)))
    return answers, np.array([2, 7, 11, 30], dtype=np.intp)


def check_asks(method: Labeling) -> None:
    """Check that ``labels_per_row`` annotators are asked about each row, and that they exist."""
    price = method.labels_per_row
    whole = isinstance(price, int) and price >= 1
    require(method, whole, f"labels_per_row is {price!r}, not a whole number of 1 or more")
    with blaming(method, "asking"):
        rows, annotators = _asked(method, 1)
    require(method, len(rows) == len(annotators), "ask must name one annotator for each label")
    unique, counts = np.unique(rows, return_counts=True)
    same_rows = unique.tolist() == [2, 7, 11, 30]
    require(method, same_rows, f"for the rows 2, 7, 11 and 30 it asks about the rows {unique.tolist()}")
    bought = f"labels_per_row is {price}, but it buys {counts.tolist()} labels for its rows"
    require(method, (counts == price).all(), bought)
    exist = np.issubdtype(annotators.dtype, np.integer) and ((annotators >= 0) & (annotators < ANNOTATORS)).all()
    require(method, exist, f"annotators must be numbers from 0 to {ANNOTATORS - 1}")


def check_labels(method: Labeling) -> None:
    """Check that each row gets one of its answers as its label, however often it was bought."""
    for repeats in (1, 2, 3):
        answers, rows = _answered(method, repeats)
        with blaming(method, f"combining the answers of {repeats} purchases"):
            labels = np.asarray(method.combine(answers, rows, N_CLASSES))
        shaped = labels.shape == rows.shape and np.issubdtype(labels.dtype, np.integer)
        require(method, shaped, "combine must give one class code for each row")
        for row, label in zip(rows.tolist(), labels.tolist(), strict=True):
            row_answers = answers.labels[answers.rows == row].tolist()
            require(method, label in row_answers, f"it labels a row {label} whose answers were {row_answers}")
    with blaming(method, "combining for no rows"):
        none = method.combine(answers, NO_ROWS, N_CLASSES)
    require(method, len(none) == 0, "for no rows it must give no labels")


def check_unanimous(method: Labeling) -> None:
    """Check that a row whose answers all agree gets that label, whatever the order of the rows."""
    answers = Answers()
    for seed in range(2):
        rows, annotators = _asked(method, seed)
        answers.add(rows, annotators, rows % N_CLASSES)
    for rows in (np.array([2, 7, 11, 30]), np.array([30, 2, 11, 7])):
        with blaming(method, "combining"):
            labels = np.asarray(method.combine(answers, rows, N_CLASSES))
        require(method, alike(labels, rows % N_CLASSES), "where all answers agree, it gives another label")


def check_answers_untouched(method: Labeling) -> None:
    """Check that combining changes no answer and gives the same result a second time."""
    answers, rows = _answered(method, 2)
    before = (answers.rows.copy(), answers.annotators.copy(), answers.labels.copy())
    with blaming(method, "combining"):
        first = method.combine(answers, rows, N_CLASSES)
        second = method.combine(answers, rows, N_CLASSES)
    after = (answers.rows, answers.annotators, answers.labels)
    require(method, alike(before, after), "combine changed the answers; it may only read them")
    require(method, alike(first, second), "combine gave two results for the same answers")


LOOP_SIZE: Checks = {"sizes": check_sizes, "pure": check_sizes_pure}
STOPPING: Checks = {
    "hold-out": check_held_out,
    "notes": check_notes,
    "replay": check_replay,
    "nothing known yet": check_never_at_once,
    "randomness": lambda method: check_randomness(method, "noting", lambda: _notes(method)),
}
LABELING: Checks = {
    "asks": check_asks,
    "labels": check_labels,
    "unanimous": check_unanimous,
    "leaves the answers alone": check_answers_untouched,
    "randomness": lambda method: check_randomness(method, "asking", lambda: _asked(method, 1)),
}
