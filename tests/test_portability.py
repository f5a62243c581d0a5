"""What only some systems have is asked for before it is used, so that altune can be imported everywhere."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import altune

PACKAGE = Path(altune.__file__).parent
MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "crypt", "msvcrt", "winreg"}
"""Modules that Windows or POSIX systems lack."""
OF_OS = {"fork", "forkpty", "getuid", "geteuid", "getgid", "getpgid", "killpg", "setsid", "uname", "sysconf", "chown"}
OF_OS |= {"fchmod", "mkfifo", "nice", "getloadavg", "statvfs", "sched_getaffinity", "O_DIRECTORY", "O_NOFOLLOW"}
OF_OS |= {"register_at_fork", "WNOHANG", "waitid"}
OF_SIGNAL = {"SIGKILL", "SIGALRM", "SIGHUP", "SIGSTOP", "SIGCONT", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGQUIT"}
OF_SIGNAL |= {"setitimer", "getitimer", "alarm", "ITIMER_REAL", "pthread_sigmask", "pause", "sigwait"}
NAMES = {"os": OF_OS, "signal": OF_SIGNAL}


def guarded(tree: ast.AST, error: str) -> set[ast.AST]:
    """Return what is inside a ``try`` that catches an error, or in its handlers."""
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(
            error in ast.dump(handler.type) for handler in node.handlers if handler.type
        ):
            inside |= set(ast.walk(node))
    return inside


def unguarded(source: str) -> Iterator[str]:
    """Yield what a module uses of one kind of system without asking whether it is there."""
    tree = ast.parse(source)
    in_import, in_attribute = guarded(tree, "'ImportError'"), guarded(tree, "'AttributeError'")
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        yield from (f"{node.lineno}: {name}" for name in names if name in MODULES and node not in in_import)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            home = node.value.id
            asked = f"hasattr({home}, " in source
            if node.attr in NAMES.get(home, ()) and node not in in_attribute and not asked:
                yield f"{node.lineno}: {home}.{node.attr}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/dev/shm"):
            yield f"{node.lineno}: {node.value}"


def test_the_check_finds_what_it_looks_for() -> None:
    assert list(unguarded("import fcntl, os")) == ["1: fcntl"]
    assert list(unguarded("import os\nos.getuid()")) == ["2: os.getuid"]
    assert list(unguarded("import signal\nsignal.SIGKILL")) == ["2: signal.SIGKILL"]
    assert not list(unguarded("try:\n    import fcntl\nexcept ImportError:\n    import msvcrt"))
    assert not list(unguarded("import os\ntry:\n    os.sysconf('SC')\nexcept (OSError, AttributeError):\n    pass"))


def test_nothing_is_used_that_some_systems_lack() -> None:
    found = [f"{path}:{use}" for path in PACKAGE.rglob("*.py") for use in unguarded(path.read_text("utf-8"))]
    assert not found


def test_an_assertion_only_tells_the_type_checker_what_is_not_none() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not isinstance(node, ast.Assert) or ast.unparse(node.test).endswith(" is not None"), path


# The names are taken away after the libraries are imported, which have their own ways on each system.
WITHOUT = f"""
import importlib, json, os, pkgutil, signal, sys
import joblib, numpy, optuna, pandas, plotly, scipy.stats, sklearn.ensemble, skrub, threadpoolctl, typer, rich.live
for name in {sorted(MODULES - {"posix"})}:
    sys.modules[name] = None
for home, names in {{os: {sorted(OF_OS)}, signal: {sorted(OF_SIGNAL)}}}.items():
    for name in names:
        vars(home).pop(name, None)
import altune
for module in pkgutil.walk_packages(altune.__path__, "altune."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from altune.simulation.execution.time_limit import TimeLimitReached, time_limit
try:
    with time_limit(0.05):
        while True:
            pass
except TimeLimitReached:
    print(altune.simulate("vanilla", "iris", budget=30, n_blocks=1).aulc)
"""


@pytest.mark.slow
def test_every_module_is_imported_and_plays_where_names_of_posix_are_missing() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == altune.simulate("vanilla", "iris", budget=30, n_blocks=1).aulc


@pytest.mark.slow
@pytest.mark.parametrize("option", ["-O", "-OO"])
def test_python_without_assertions_and_docstrings_plays_the_same(option: str) -> None:
    code = "import altune; print(altune.simulate('vanilla', 'iris', budget=30, n_blocks=1).aulc)"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, option, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert float(done.stdout) == altune.simulate("vanilla", "iris", budget=30, n_blocks=1).aulc, done.stderr
