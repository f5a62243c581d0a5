"""The words of a command that name the data of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altune.data import list_datasets
from altune.data.reading import reading_words

if TYPE_CHECKING:
    from altune.tuning.record import StudyRecord


def data_words(record: StudyRecord, name: str) -> list[str] | None:
    """Return data set and options of a command line, such as ``["mine.csv", "--target", "kind"]``.

    Parameters
    ----------
    record : the stored study.
    name : name of the data set.

    Returns
    -------
    list of str or None
        None if a command cannot name the data: it was made in Python, or an earlier version of altune has not stored
        the file.
    """
    if record.sources is None:
        return [name] if name in {dataset.name for dataset in list_datasets()} else None
    source = record.sources.get(name)
    if source is None:
        return None
    splits = ["--splits", str(source["splits"])] if source.get("splits") else []
    return [str(source["data"]), *reading_words(source), *splits]
