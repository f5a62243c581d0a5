"""Each line of a journal has a checksum; what changed on disk is named, and a journal that is gone stops its run."""

import json
import re

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import create_trial

from altune.core.checksums import KEY
from altune.core.errors import RequestError, StorageError
from altune.tuning.journal import DamagedLine, JournalFile, n_replayed
from altune.tuning.storage import JOURNAL, append_trial, open_study, read_study, set_attribute

REAL = optuna.distributions.FloatDistribution(0, 1)


def trial(value):
    return create_trial(params={"x": value}, distributions={"x": REAL}, value=value)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a study of three trials and an attribute."""
    study = open_study(tmp_path, ["maximize"])
    set_attribute(study, "curves", {"scores": [0.25, 0.5]})
    for value in (0.125, 0.375, 0.625):
        append_trial(study, trial(value))
    return tmp_path


def flip(path, text, number=-1):
    """Change the last digit of the n-th occurrence of a text in a file."""
    content = bytearray(path.read_bytes())
    at = [found.end() - 1 for found in re.finditer(re.escape(text), bytes(content))][number]
    content[at] ^= 1
    path.write_bytes(bytes(content))
    return content[:at].count(b"\n") + 1


def test_every_line_has_a_checksum_and_optuna_reads_the_file_as_any_other(folder):
    lines = [json.loads(line) for line in (folder / JOURNAL).read_text().splitlines()]
    assert all(len(line[KEY]) == 16 for line in lines)
    study = optuna.load_study(study_name="altune", storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))))
    assert [one.value for one in study.trials] == [0.125, 0.375, 0.625]


def test_lines_of_another_program_have_no_checksum_and_are_read(folder):
    study = optuna.load_study(study_name="altune", storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))))
    study.add_trial(trial(0.875))
    assert read_study(folder).best_value == 0.875


@pytest.mark.parametrize("text", [b"0.125", b"0.25", b'"op_code":4', b'"maximize'[:1] + b"directions"])
def test_a_changed_byte_is_named_by_its_line(folder, text):
    number = flip(folder / JOURNAL, text)
    for opened in (lambda: read_study(folder), lambda: open_study(folder, ["maximize"])):
        with pytest.raises(RequestError, match=rf"{JOURNAL}: line {number} (has changed since|cannot be read).*repair"):
            opened()


def test_every_byte_but_those_of_the_word_checksum_is_covered(folder):
    line = (folder / JOURNAL).read_bytes().splitlines(keepends=True)[-1]
    (folder / JOURNAL).write_bytes(line)
    unprotected = []
    for at in range(len(line) - 1):
        damaged = bytearray(line)
        damaged[at] ^= 1
        (folder / JOURNAL).write_bytes(bytes(damaged))
        try:
            (found,) = JournalFile(folder / JOURNAL).read_logs(0)
        except DamagedLine:
            continue
        unprotected.append(at)
        assert {key: found[key] for key in json.loads(line) if key != KEY} == {
            key: value for key, value in json.loads(line).items() if key != KEY
        }
    assert len(unprotected) <= len(KEY)


def test_a_wrong_field_of_a_line_without_checksum_is_found_by_a_replay(folder):
    operations = [json.loads(line) for line in (folder / JOURNAL).read_text().splitlines()]
    assert n_replayed(operations) == len(operations)
    for operation in operations:
        del operation[KEY]
    place = next(at for at, operation in enumerate(operations) if operation["op_code"] == 2)
    operations[place]["user_atr"] = operations[place].pop("user_attr")
    (folder / JOURNAL).write_text("".join(json.dumps(operation) + "\n" for operation in operations))
    assert n_replayed(operations) == place
    with pytest.raises(RequestError, match="repair"):
        read_study(folder)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_journal_that_is_deleted_or_replaced_stops_its_run(folder, replaced):
    study = open_study(folder, ["maximize"])
    content = (folder / JOURNAL).read_bytes()
    (folder / JOURNAL).rename(folder / "elsewhere")
    if replaced:
        (folder / JOURNAL).write_bytes(content)
    with pytest.raises(StorageError, match="deleted or replaced the journal"):
        set_attribute(study, "more", 1)
    with pytest.raises(StorageError, match="deleted or replaced the journal"):
        _ = study.trials
