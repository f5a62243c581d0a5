"""Fewer than five blocks have no interval, and every command says so in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

WORDS = ("--budget", "20", "--blocks", "2", "--loops", "4", "--jobs", "1")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("simulate", "iris"), "(no interval below 5 blocks) over 2 blocks"),
        (("compare", "iris", "margin", "random_sampling"), "Below 5 blocks there is no interval"),
    ],
)
def test_few_blocks_have_no_interval(
    command: tuple[str, ...], expected: str, altune: Callable[..., tuple[object, str, str]]
) -> None:
    code, out, _ = altune(*command, *WORDS)
    assert not code
    assert expected in out
    assert "inf" not in out
