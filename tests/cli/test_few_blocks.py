"""Fewer than five blocks have no interval, and every command says so in words."""

from __future__ import annotations

import sys

import pytest

from altune.cli import main

WORDS = ("--budget", "20", "--blocks", "2", "--loops", "4", "--jobs", "1")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("simulate", "iris"), "(no interval below 5 blocks) over 2 blocks"),
        (("compare", "iris", "margin", "random_sampling"), "Below 5 blocks there is no interval"),
    ],
)
def test_few_blocks_have_no_interval(
    command: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["altune", *command, *WORDS])
    with pytest.raises(SystemExit) as ended:
        main()
    out = capsys.readouterr().out
    assert not ended.value.code
    assert expected in out
    assert "inf" not in out
