"""Names that become parts of paths, tables for people, and what a failing disk is called."""

import csv
import errno
import math
import os

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altune.core.checksums import ChecksumError, sealed, unsealed
from altune.core.errors import RequestError, StorageError
from altune.core.files import file_name_of, write_table, write_text


@given(st.text())
def test_a_name_is_one_part_of_a_path_whatever_the_text(text):
    name = file_name_of(text)
    assert name == os.path.basename(name)
    assert name not in ("", ".", "..")
    assert not name.startswith(".")
    assert len(name) <= 60
    name.encode()
    assert "\0" not in name


def test_usual_names_stay_as_they_are():
    for name in ("iris", "my data", "großes Modell", "a-b_c.v2", "x" * 60):
        assert file_name_of(name) == name


def test_cells_that_a_spreadsheet_would_run_are_texts_and_numbers_stay_numbers(tmp_path):
    formulas = ["=HYPERLINK(1)", "+cmd", "-2+3", "@SUM(A1)", "\t=1"]
    harmless = ["-0.5", "+1e3", "-inf", "a=b", ""]
    table = pd.DataFrame({"name": [*formulas, *harmless], "=value": [-1.5] * 10})
    table["kind"] = pd.Categorical(["=x"] * 10)
    write_table(tmp_path / "t.csv", table)
    with (tmp_path / "t.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["name", "'=value", "kind"]
    assert [row[0] for row in rows] == [*(f"'{text}" for text in formulas), *harmless]
    assert {row[1] for row in rows} == {"-1.5"}
    assert {row[2] for row in rows} == {"'=x"}
    assert list(table.columns) == ["name", "=value", "kind"]


def test_a_full_disk_is_no_wrong_request(tmp_path, monkeypatch):
    with pytest.raises(RequestError, match="cannot be written"):
        write_text(tmp_path / "no folder" / "a", "text")
    if os.path.exists("/dev/full"):
        monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
        with pytest.raises(StorageError, match="No space left"):
            write_text(tmp_path / "a", "text")
    assert not list(tmp_path.iterdir())


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text().filter(lambda key: key != "checksum"), PLAIN, min_size=1), st.data())
def test_what_was_sealed_is_read_back_and_a_changed_byte_is_found(plain, data):
    line = sealed(plain)
    assert unsealed(line) == plain
    at = data.draw(st.integers(0, line.rindex(',"checksum"') - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda letter: letter != line[at]))
    with pytest.raises(ValueError):
        unsealed(line[:at] + other + line[at + 1 :])


def test_values_without_a_checksum_are_not_checked():
    assert unsealed('{"a": 1}') == {"a": 1}
    with pytest.raises(ChecksumError):
        unsealed('{"a": 1, "checksum": "0123456789abcdef"}')
    assert math.isnan(unsealed(sealed({"a": math.nan}))["a"])
