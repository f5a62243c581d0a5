"""YAML: what is written reads back, and what is unsafe or malformed is refused with its place."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altune.core.errors import FormatError
from altune.core.yaml import MAX_BYTES, MAX_DEPTH, MAX_INTEGER, MAX_VALUES, read_yaml, read_yaml_text, write_yaml

SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_written_values_read_back_exactly(plain: dict[str, Any]) -> None:
    again = read_yaml_text(write_yaml(plain))
    assert repr(again) == repr(plain)  # repr tells 1 from 1.0 from True, and -0.0 from 0.0


@pytest.mark.parametrize(
    "word", ["1e3", ".5e3", "0x1f", "0o7", "null", "~", "", "true", "-", "12", ".inf", "a: b", "# c"]
)
def test_words_that_look_like_something_else_stay_words(word: str) -> None:
    assert read_yaml_text(write_yaml({"key": word, word: [word]})) == {"key": word, word: [word]}


def test_yaml_is_version_1_2() -> None:
    text = "a: 1e3\nb: no\non: off\nd: 010\ne: 0o10\nf: 2020-01-01\ng: 1_000\nh: .5\ni: 1:30\nj: '7'\nk: \n"
    assert read_yaml_text(text) == {
        "a": 1000.0,
        "b": "no",
        "on": "off",
        "d": 10,
        "e": 8,
        "f": "2020-01-01",
        "g": "1_000",
        "h": 0.5,
        "i": "1:30",
        "j": "7",
        "k": None,
    }


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml: line 3: ", "'a' occurs twice"),
        ("a: {b: 1, b: 2}", "f.yaml: line 1: ", "'b' occurs twice"),
        (
            "x: 1\na: !!python/object/apply:os.system [ls]",
            "f.yaml: line 2: ",
            "tag !!python/object/apply:os.system",
        ),
        ("a: !mine 1", "f.yaml: line 1: ", "tag !mine"),
        ("a: &here 1", "f.yaml: line 1: ", "anchor &here"),
        ("a: 1\nb: *here", "f.yaml: line 2: ", "alias *here"),
        ("a: 1\n---\nb: 2", "f.yaml: line 2: ", "second document"),
        ("%YAML 1.1\n---\na: no", "f.yaml: line 2: ", "%YAML"),
        ("- 1\n- 2", "f.yaml: ", "top level is a list"),
        ("", "f.yaml: ", "top level is empty"),
        ("just words", "f.yaml: ", "top level is a single value"),
        ("a: 1\nb: [1, 2", "f.yaml: line 2: ", "not well-formed YAML"),
        ("a: 1\nb: 'open", "f.yaml: line 2: ", "not well-formed YAML"),
        ("a: 1\nb: \x07", "f.yaml: line 2: ", "#x0007"),
        ("? [1]\n: 2", "f.yaml: line 1: ", "a key must be"),
        ("a: 1\nb: 1e999", "f.yaml: line 2: ", "too large"),
        ("a: " + "[" * (MAX_DEPTH + 1), "f.yaml: line 1: ", "nested deeper"),
        ("a: '" + "x" * MAX_BYTES + "'", "f.yaml: ", "larger than"),
    ],
)
def test_unsafe_or_malformed_yaml_is_refused_with_its_place(text: str, place: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_yaml_text(text, "f.yaml")
    message = str(caught.value)
    assert message.startswith(place)
    assert says in message
    assert "\n" not in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("a: 1\n")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nname: caf\xe9\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(tmp_path / "bom.yaml") == {"a": 1}
    with pytest.raises(FormatError, match=r"did you mean 'recipe\.yaml'"):
        read_yaml(tmp_path / "recipes.yaml")
    with pytest.raises(FormatError, match=r"folder .*nowhere does not exist"):
        read_yaml(tmp_path / "nowhere" / "recipe.yaml")
    with pytest.raises(FormatError, match="a folder, not a file"):
        read_yaml(tmp_path)
    with pytest.raises(FormatError, match=r"latin.yaml: line 2: not UTF-8"):
        read_yaml(tmp_path / "latin.yaml")
    with pytest.raises(FormatError, match="larger than"):
        read_yaml(tmp_path / "large.yaml")


def test_what_is_not_plain_is_not_written() -> None:
    with pytest.raises(FormatError, match=r"a\.b\[1\]: a set cannot be written"):
        write_yaml({"a": {"b": [1, {2}]}})
    loop: dict[str, Any] = {}
    loop["again"] = loop
    with pytest.raises(FormatError, match="nested deeper"):
        write_yaml(loop)
    assert math.isnan(read_yaml_text(write_yaml({"a": math.nan}))["a"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"a: {'9' * 400}", "line 1: the number 9+... is too large"),
        (f"a: 0x{'f' * 17}", "line 1: the number 0xf+... is too large"),
        ('b: 1\na: "\\U00110000"', "not well-formed YAML"),
        ('b: 1\na: "\\ud800"', "line 2: .* holds half of a character"),
        ('"\\udfff": 1', "line 1: .* holds half of a character"),
    ],
)
def test_numbers_and_characters_that_nothing_can_hold_are_refused(text: str, problem: str) -> None:
    with pytest.raises(FormatError, match=problem):
        read_yaml_text(text)


def test_a_file_that_may_not_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="too long"):
        read_yaml(tmp_path / ("a" * 300))


@pytest.mark.slow
def test_a_file_with_too_many_values_is_refused_at_once() -> None:
    with pytest.raises(FormatError, match="more than 50000 values, which is the limit"):
        read_yaml_text("a: [" + "1," * MAX_VALUES + "1]")


def test_what_is_no_file_is_refused_without_being_opened(tmp_path: Path) -> None:
    makes: list[tuple[Any, str]] = [
        (os.mkfifo, "a pipe, not a file"),
        (lambda path: path.symlink_to(path), "a symbolic link that leads to itself, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "a device, not a file"),
        (lambda path: path.mkdir(), "a folder, not a file"),
    ]
    for make, said in makes:
        path = tmp_path / f"{said[2:6]}.yaml"
        make(path)
        with pytest.raises(FormatError, match=said):
            read_yaml(path)
