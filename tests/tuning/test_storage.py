"""The journal of a study: torn lines, one owner, foreign files."""

import pytest

from altune.core.errors import RequestError
from altune.tuning.storage import cut_torn_line, ownership


def test_a_torn_line_is_cut_and_a_whole_journal_left_alone(tmp_path):
    journal = tmp_path / "study.journal"
    journal.write_bytes(b"one\ntwo\nthr")
    assert cut_torn_line(journal)
    assert journal.read_bytes() == b"one\ntwo\n"
    assert not cut_torn_line(journal)
    journal.write_bytes(b"no newline at all")
    assert cut_torn_line(journal)
    assert journal.read_bytes() == b""


def test_one_owner_at_a_time(tmp_path):
    with ownership(tmp_path), pytest.raises(RequestError, match="another process"), ownership(tmp_path):
        pass
    with ownership(tmp_path):
        pass
