"""CONTRIBUTING's *add a method in three steps*, followed for real from outside of the package, by an entry point."""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[1] / "CONTRIBUTING.md"
IMPORTS = """
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.knobs import Need, Pool, ScoreStrategy
"""


def guide_block(language, containing):
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^\1```", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    (found,) = [textwrap.dedent(text) for _, text in blocks if containing in text]
    return found


@pytest.fixture
def environment(tmp_path):
    """A package as a stranger would install it: a module, and metadata with the guide's own entry point."""
    # The entry point registers the class, so that outside of altune the decorator is not needed.
    source = guide_block("python", "class ShakyStrategy").replace("@register\n", "")
    (tmp_path / "my_package.py").write_text(IMPORTS + "\n\n" + source, "utf-8")
    metadata = tmp_path / "my_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    entry = guide_block("toml", "altune.methods")
    name, target = re.search(r'^(\w+) = "([^"]+)"$', entry, re.MULTILINE).groups()
    (metadata / "entry_points.txt").write_text(f"[altune.methods]\n{name} = {target}\n")
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def run(environment, *command):
    ended = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_a_method_from_outside_is_listed_checked_and_played_by_worker_processes(environment, tmp_path):
    listed = json.loads(run(environment, "-m", "altune", "knobs", "query_strategy", "shaky", "--json"))
    assert listed["query_strategy"]["shaky"]["parameters"]["gamma"]["default"] == 1.0
    run(environment, "-c", "from my_package import *; import altune.testing as t; t.check_method(ShakyStrategy)")
    (tmp_path / "shaky.yaml").write_text("query_strategy: {method: shaky, gamma: 2.0}\n")
    (tmp_path / "sure.yaml").write_text("query_strategy: {method: least_confidence}\n")
    played = {}
    for name in ("shaky", "sure"):
        words = ["simulate", "iris", "--recipe", str(tmp_path / f"{name}.yaml"), "--budget", "30", "--blocks", "2"]
        played[name] = json.loads(run(environment, "-m", "altune", *words, "--jobs", "2", "--json"))
    # 1 − p^γ orders the rows as 1 − p does, so the two must buy the same rows.
    assert [block["rows"] for block in played["shaky"]["blocks"]] == [
        block["rows"] for block in played["sure"]["blocks"]
    ]


@pytest.mark.slow
def test_without_the_package_the_name_is_unknown():
    command = [sys.executable, "-m", "altune", "knobs", "query_strategy", "shaky"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "no method 'shaky'" in ended.stderr
