"""A JSON file that is given as an option is plain values, or one line that says what is wrong."""

import os

import pytest

from altune.cli.parsing import read_json
from altune.core.errors import RequestError


def test_values_are_read_with_and_without_a_mark_of_the_encoding(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": [1, 2.5, null]}')
    assert read_json(path) == {"a": [1, 2.5, None]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[" * 100_000, "not JSON"),
        (b"", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"9" * 5000, "not JSON"),
    ],
)
def test_damaged_json_is_refused(tmp_path, content, said):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(RequestError, match=said) as caught:
        read_json(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_pipe_and_a_file_without_end_are_refused(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    for name, said in (("pipe.json", "is a pipe; give a JSON file"), ("zero.json", "is a device; give a JSON file")):
        with pytest.raises(RequestError, match=said):
            read_json(tmp_path / name)
    (tmp_path / "large.json").write_text("[1]", "utf-8")
    monkeypatch.setattr("altune.data.memory.available_memory", lambda: 10)
    with pytest.raises(RequestError, match="needs about"):
        read_json(tmp_path / "large.json")
