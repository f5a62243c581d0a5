"""Files that people fill in: the rows of a batch with an empty column for the label, and what comes back."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from altune.core.errors import DataError, RequestError, did_you_mean
from altune.core.files import write_table, write_text
from altune.core.plain import home_path

if TYPE_CHECKING:
    from altune.campaign.campaign import Campaign
    from altune.campaign.state import Batch

COLUMNS = ("row", "label", "annotator", "seconds")
"""Columns that a file of answers has: the first two always, the others if it likes."""
CANNOT_TELL = "?"
"""What the column of labels has for a row about which the annotator cannot tell."""
FORMS = (".csv", ".jsonl")


class Line(NamedTuple):
    """An answer in a file, and the number of its line."""

    number: int
    row: Any
    label: Any
    annotator: Any
    seconds: float | None


def write_batch(campaign: Campaign, batch: Batch, path: str | Path) -> None:
    """Write what is to be labelled to a CSV or JSON Lines file, with the columns of the rows and an empty ``label``.

    Parameters
    ----------
    campaign, batch : the campaign and what it asks.
    path : the file; its suffix says which form it has.

    Raises
    ------
    RequestError
        If the suffix is another one, or the file cannot be written.
    """
    path = Path(home_path(path, "file"))
    _require_form(path)
    table = campaign.shown(batch.rows)
    table.columns = pd.Index([f"{name} (column)" if name in COLUMNS else str(name) for name in table.columns])
    asked = pd.DataFrame({"row": batch.rows, "label": "", "annotator": batch.annotators})
    written = pd.concat([asked, table.reset_index(drop=True)], axis=1)
    if path.suffix == ".csv":
        write_table(path, written)
    else:
        write_text(path, written.to_json(orient="records", lines=True, date_format="iso", force_ascii=False))


def read_answers(path: str | Path) -> list[Line]:
    """Read the answers of a CSV or JSON Lines file; lines without a label are left out.

    Raises
    ------
    DataError
        If the file cannot be read, or its columns ``row`` and ``label`` are missing.
    """
    path = Path(home_path(path, "file"))
    _require_form(path)
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    lines = _csv_lines(text, path) if path.suffix == ".csv" else _json_lines(text, path)
    return [line for number, entry in lines if (line := _line(number, entry, path)) is not None]


def submit(campaign: Campaign, path: str | Path, annotator: str | None = None) -> tuple[int, list[str]]:
    """Take the answers of a file, all or none.

    Parameters
    ----------
    campaign : the campaign.
    path : the file, see :func:`read_answers`.
    annotator : name of who answered, where the file does not say it.

    Returns
    -------
    The number of answers, and a line for each one that does not fit; if there are any, none was taken.
    """
    lines = read_answers(path)
    problems = campaign.tell_all(
        [line.row for line in lines],
        [line.label for line in lines],
        [line.annotator or annotator for line in lines],
        [line.seconds for line in lines],
    )
    return len(lines), [f"{path}: line {lines[place].number}: {problem}" for place, problem in problems]


def _require_form(path: Path) -> None:
    if path.suffix not in FORMS:
        raise RequestError(f"{path}: the file of a batch ends in .csv or .jsonl")


def _csv_lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _require_columns(header, path)
        for fields in reader:
            if fields and len(fields) != len(header):
                raise DataError(f"{path}: line {reader.line_num} has {len(fields)} fields, not {len(header)}")
            if fields:
                yield reader.line_num, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}") from None


def _json_lines(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            raise DataError(f"{path}: line {number} is not JSON") from None
        if not isinstance(entry, dict):
            raise DataError(f"{path}: line {number} is not an object with the fields row and label")
        _require_columns(list(entry), path, f"line {number}: ")
        yield number, entry


def _require_columns(names: list[str], path: Path, where: str = "") -> None:
    for wanted in COLUMNS[:2]:
        if wanted not in names:
            raise DataError(f"{path}: {where}the column {wanted!r} is missing; {did_you_mean(wanted, names)}")
    doubled = sorted({name for name in names if names.count(name) > 1 and name in COLUMNS})
    if doubled:
        raise DataError(f"{path}: {where}the column {doubled[0]!r} is there twice")


def _line(number: int, entry: Mapping[str, Any], path: Path) -> Line | None:
    label = entry["label"]
    if label is None or (isinstance(label, str) and not label.strip()):
        return None
    seconds = entry.get("seconds")
    if isinstance(seconds, str):
        try:
            seconds = float(seconds) if seconds.strip() else None
        except ValueError:
            raise DataError(f"{path}: line {number}: seconds {seconds!r} is not a number") from None
    if seconds is not None and (isinstance(seconds, bool) or not math.isfinite(seconds) or seconds < 0):
        raise DataError(f"{path}: line {number}: seconds must be a number of 0 or more, not {seconds!r}")
    label = label.strip() if isinstance(label, str) else label
    annotator = entry.get("annotator")
    return Line(number, entry["row"], None if label == CANNOT_TELL else label, annotator or None, seconds)
