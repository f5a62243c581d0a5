"""How the commands are declared, listed and explained, and that asking for help costs nothing."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import pytest
import typer

import altune as package
from altune.cli import COMMANDS
from altune.cli.commands import build_command, spread
from altune.cli.parsing import read_seconds
from altune.core.errors import RequestError

HEAVY = {"sklearn", "pandas", "optuna", "scipy", "numpy", "plotly", "rich"}


def loaded_after(statement):
    """Return the modules that a fresh Python holds after a statement, whatever it printed."""
    script = f"import sys\ntry:\n    {statement}\nexcept SystemExit: pass\nprint('\\n' + ' '.join(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(shown.stdout.splitlines()[-1].split())


# the list and each command's help ------------------------------------------------------------------------------


def test_help_lists_every_command_with_a_summary_that_fits_its_line(altune):
    code, out, err = altune("--help")
    assert (code, err) == (0, "")
    listed = [line.strip() for line in out[out.index("Commands:") :].splitlines()[1:]]
    assert [" ".join(line.split()) for line in listed] == [f"{name} {one.summary}" for name, one in COMMANDS.items()]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_each_of_its_options(altune, name):
    code, out, err = altune(*name.split(), "--help")
    assert (code, err) == (0, "")
    assert inspect.getdoc(COMMANDS[name].function()).splitlines()[0].split()[:5] == out.split("\n\n")[1].split()[:5]
    command = build_command(name, COMMANDS[name].function())
    assert [param.name for param in command.params if not param.help] == []


def test_options_that_commands_share_have_one_text():
    told = defaultdict(set)
    for name, command in COMMANDS.items():
        for param in build_command(name, command.function()).params:
            told[param.opts[0]].add(param.help)
    differing = {option for option, texts in told.items() if len(texts) > 1}
    assert {"--budget", "--annotators", "--model", "--jobs", "--seed", "--json", "data"} <= set(told)
    own = {"--blocks", "--out", "--dry-run", "--storage", "--data", "data", "pool", "--from"}
    assert differing <= own, "these say what differs from command to command"


def test_help_groups_the_options_of_the_environment(altune):
    for name in ("tune", "simulate", "compare", "stopping"):
        sections = altune(name, "--help")[1].split("Scenario:")[1].split("\n\n")
        for option in (
            "--target",
            "--sep",
            "--drop",
            "--budget",
            "--loops",
            "--metric",
            "--annotators",
            "--scenario",
            "--splits",
        ):
            assert f"  {option} " in sections[0]


def test_no_words_at_all_bring_the_help_and_exit_2(altune):
    code, out, err = altune()
    assert (code, err) == (2, "")
    assert "Commands:" in out


@pytest.mark.parametrize(("word", "nearest"), [("tun", "tune"), ("simulat", "simulate"), ("dataset", "datasets")])
def test_an_unknown_command_gives_the_nearest_spelling(altune, word, nearest):
    code, out, err = altune(word, "digits")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert repr(word) in err
    assert repr(nearest) in err


def test_an_unknown_option_gives_the_nearest_spelling(altune):
    code, _, err = altune("tune", "digits", "--budgets", "3")
    assert code == 2
    assert "--budget" in err.replace("--budgets", "")


# starting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "import altune",
        "sys.argv = ['altune', '--help']; from altune.cli import main; main()",
        "sys.argv = ['altune', 'tunes']; from altune.cli import main; main()",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement):
    loaded = loaded_after(statement)
    assert "altune" in loaded
    assert HEAVY & loaded == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_imports_what_it_needs_when_it_runs_and_not_before(name):
    words = ["altune", *name.split(), "--help"]
    loaded = loaded_after(f"sys.argv = {words!r}; from altune.cli import main; main()")
    assert COMMANDS[name].where.partition(":")[0] in loaded
    assert HEAVY & loaded == set()


def test_public_names_are_told_to_type_checkers_just_as_they_are_found():
    tree = ast.parse(Path(package.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    told = {name.asname: node.module for node in block.body for name in node.names}
    assert told.pop("report") == "altune"
    for name, home in told.items():
        assert getattr(package, name) is getattr(importlib.import_module(home), name)
    assert set(package.__all__) == {*told, "report", "__version__"} == set(dir(package))


@pytest.mark.slow
def test_modules_are_attributes_and_unknown_names_are_not():
    script = "import altune; print(altune.data.load_dataset is altune.load_dataset, altune.report.__name__)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["True", "altune.report"]
    assert not hasattr(package, "nothing")
    assert not hasattr(package, "_nothing")


# shared options ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Near:
    section: ClassVar[str] = "Where"
    depth: Annotated[int, typer.Option(help="How deep.")] = 3


@dataclass(frozen=True, kw_only=True)
class Far(Near):
    place: Annotated[str, typer.Argument(help="What place.")]
    also: Annotated[list[str] | None, typer.Option(help="And where else.")] = None


def test_a_group_of_options_reaches_a_command_as_one_object():
    got = []

    def dig(place: Far, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
        got.append((place, as_json))

    command = build_command("dig", dig)
    command.main(["garden", "--depth", "5", "--also", "field", "--also", "bank"], standalone_mode=False)
    command.main(["garden", "--json"], standalone_mode=False)
    assert got == [(Far(place="garden", depth=5, also=["field", "bank"]), False), (Far(place="garden"), True)]


def test_a_groups_own_options_come_before_those_that_it_extends():
    def dig(place: Far, deep: bool = False) -> None:
        """Dig."""

    assert list(inspect.signature(spread(dig)).parameters) == ["place", "also", "depth", "deep"]


def test_two_options_of_one_name_are_refused_where_they_are_declared():
    def dig(place: Far, depth: int = 1) -> None:
        """Dig."""

    with pytest.raises(ValueError, match="depth"):
        spread(dig)


@pytest.mark.parametrize("text", ["soon", "-1s", "nan", "infh", "", "10d"])
def test_a_wrong_time_is_refused_by_the_name_of_its_option(text):
    with pytest.raises(RequestError, match=r"--trial-timeout takes a time such as 90s"):
        read_seconds(text, "--trial-timeout")


# spaces --------------------------------------------------------------------------------------------------------


def test_spaces_alone_lists_and_with_a_name_prints_one(altune):
    assert "standard" in altune("spaces")[1]
    assert "initial_sample" in altune("spaces", "quick")[1]
    code, _, err = altune("spaces", "standart")
    assert code == 2
    assert "standard" in err


def test_the_schemas_are_json_schema_and_only_a_space_has_baselines(altune):
    space, recipe = (json.loads(altune("spaces", "schema", *more)[1]) for more in ([], ["--recipes"]))
    assert space["$schema"] == recipe["$schema"]
    assert "baselines" in set(space["properties"]) - set(recipe["properties"])


def test_check_says_what_is_left_out_of_a_space_and_why(altune, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "version: 1\nretrain: [{method: reset}, {method: warm_start}]\nquery_strategy: [{method: margin}]\n"
    )
    words = ["spaces", "check", str(tmp_path / "mine.yaml"), "--data", "iris", "--model", "random_forest"]
    code, out, _ = altune(*words)
    assert code == 0
    assert "retrain         1 of 2" in out
    assert "left out: retrain.warm_start" in out
    plain = json.loads(altune(*words, "--json")[1])
    assert {one["knob"]: one["left"] for one in plain["knobs"]}["retrain"] == ["reset"]
