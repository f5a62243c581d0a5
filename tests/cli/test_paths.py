"""Every path that a command takes: one that cannot be used is one line that names it, before anything is played."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.privileges import like_any_user, needs_permissions

Altune = Callable[..., tuple[object, str, str]]
READ = [
    "tune @ --dry-run",
    "tune iris --space @ --dry-run",
    "tune iris --scenario @ --dry-run",
    "tune iris --splits @ --dry-run",
    "simulate @",
    "simulate iris --recipe @",
    "compare iris @ vanilla",
    "compare-runs @ other",
    "ablate iris @",
    "ablate iris vanilla --from @",
    "examine iris @",
    "stopping iris --recipe @ --rule delta_f",
    "recommend @ --n-classes 2",
    "report @",
    "rescore @ --objective aulc",
    "importance @",
    "watch @ --once",
    "repair @",
    "spaces @",
    "spaces check @ --data iris",
    "sweep @",
    "learn ranker iris --out t.yaml --from @",
]
WRITTEN = [
    "tune iris --out @",
    "tune iris --out @ --dry-run",
    "tune iris --cache @ --out run",
    "simulate iris --csv @",
    "compare iris vanilla random_sampling --out @",
    "examine iris vanilla --out @",
    "recommend iris --out @",
    "learn ranker iris --out @",
    "learn lal iris --out @",
    "learn portfolio iris --out @",
    "learn evidence iris --out @",
    "sweep sweep.yaml --out @",
]
UNREADABLE = [
    "secret.yaml",
    "locked/a.yaml",
    "locked/run",
    "a" * 300,
    "file/x.yaml",
    "~no-such-user/x.yaml",
    "loop/x.csv",
]
UNWRITABLE = ["locked/a", "kept/new", "a" * 300, "file/x", "~no-such-user/x", "loop/x", ""]


@pytest.fixture
def places(altune: Altune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Altune:
    """Run commands among awkward files and folders, as a user without special rights; nothing is played."""
    monkeypatch.setattr("altune.simulation.execution.player.Player.play", None)
    (tmp_path / "file").write_text("x")
    (tmp_path / "sweep.yaml").write_text("version: 1\ndata: [iris]\nspaces: [quick]\n")
    (tmp_path / "secret.yaml").write_text("version: 1\n")
    (tmp_path / "secret.yaml").chmod(0)
    (tmp_path / "locked").mkdir(mode=0)
    (tmp_path / "kept").mkdir(mode=0o500)
    (tmp_path / "loop").symlink_to("loop")

    def run(*words: object) -> tuple[object, str, str]:
        with like_any_user():
            return altune(*words)

    return run


@needs_permissions
@pytest.mark.parametrize(
    ("command", "paths"), [(words, UNREADABLE) for words in READ] + [(words, UNWRITABLE) for words in WRITTEN]
)
def test_a_path_that_cannot_be_used_is_one_line_and_nothing_is_written(
    places: Altune, tmp_path: Path, command: str, paths: list[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    for path in paths:
        code, out, err = places(*[path if word == "@" else word for word in command.split()])
        assert (code, out, len(err.splitlines())) == (2, "", 1), (path, err)
        assert (path.partition("/")[0] or "is empty; give a path") in err
        left = set(tmp_path.iterdir()) - {tmp_path / "run"}
        assert sorted(left) == before, path


def test_a_name_with_a_nul_character_is_no_path() -> None:
    import altune
    from altune.core.errors import RequestError

    for call in (altune.load_dataset, altune.open_run, altune.Recipe.load):
        with pytest.raises(RequestError, match=r"'a\\x00b': no name of a file has a NUL character"):
            call("a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe with a name")
def test_a_device_or_a_pipe_is_not_replaced(altune: Altune, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    code, _, err = altune("recommend", "iris", "--out", "pipe")
    assert (code, err) == (2, "altune: pipe: a device or a pipe, which is not replaced; give the name of a file\n")
    assert (tmp_path / "pipe").is_fifo()
