"""A broken plugin is left out, reported once in one line, and listed with its reason; everything else continues."""

import json
import sys
import warnings

import pytest

from altune.core.errors import AltuneWarning, FormatError, RequestError
from altune.core.plugins import broken_plugins, forget_plugins
from altune.core.registry import GROUP, find_method, methods, parse_method, unregister
from altune.knobs.query_strategy.ranker_table import RANKERS
from altune.simulation.metrics import check_metric_names
from altune.simulation.scenario import Scenario
from tests.helpers.plugins import METHOD, write_package

GOOD = METHOD.format(cls="Evil", name="evil")
SOURCES = {
    "an import fails": ("import a_module_that_is_missing", "ModuleNotFoundError: No module named 'a_module_that"),
    "a syntax error": ("def", "SyntaxError: "),
    "no such attribute": ("Other = 1", "AttributeError: module 'evil' has no attribute 'Evil'"),
    "it exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "any exception": ("class Own(BaseException): pass\nraise Own", "Own: no message"),
    "an error of many lines": ("raise ValueError('first\\nsecond')", "ValueError: first"),
    "registered, then failed": (f"{GOOD}\nfrom altune.knobs import register\nregister(Evil)\n1/0", "ZeroDivisionError"),
    "no class": ("Evil = 3", "evil:Evil is 3, not a class of a method"),
    "another class": ("class Evil: pass", "not a class of a method"),
    "a class of no knob": (
        "from altune.core.registry import Method\nclass Evil(Method):\n  'E.'\n  knob = 'query_strategy'\n",
        "Evil is derived from no knob; derive a class from QueryStrategy",
    ),
    "a method of the class is missing": (GOOD.replace("def select", "def other"), "Evil lacks select, which each"),
    "an unknown need": (GOOD.replace("source:", "needs = frozenset({'telepathy'})\n    source:"), "'telepathy'"),
    "no docstring": (GOOD.replace('"Pick any rows."', "pass"), "needs a docstring"),
    "the name of a shipped one": (GOOD.replace('"evil"', '"margin"'), "already has a method 'margin'"),
    "a parameter without a schema": (
        GOOD.replace(
            "def select", "rows: slice = slice(3)\n    model_config = {'arbitrary_types_allowed': True}\n    def select"
        ),
        "PydanticInvalidForJsonSchema",
    ),
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install packages for one test."""
    groups = (GROUP, "altune.metrics", "altune.objectives")
    before = set(sys.modules)

    def write(name, source, entries):
        write_package(tmp_path, name, source, entries)

    def forget():
        for group in groups:
            forget_plugins(group)
        for name in ("evil", "good", "slow"):
            unregister("query_strategy", name)
        for name in set(sys.modules) - before:
            if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
                del sys.modules[name]

    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield write
    monkeypatch.undo()
    forget()


def loaded():
    """Return the names of query strategies and the warnings of loading them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        names = set(methods("query_strategy"))
        methods("query_strategy")
    return names, [str(each.message) for each in caught if issubclass(each.category, AltuneWarning)]


@pytest.mark.parametrize("case", SOURCES)
def test_a_broken_plugin_is_left_out_with_one_line_and_the_others_are_loaded(install, capfd, case):
    source, reason = SOURCES[case]
    before, _ = loaded()
    install("evil", source, {"evil": "evil:Evil"})
    install("good", METHOD.format(cls="Good", name="good"), {"good": "good:Good"})
    forget_plugins(GROUP)
    names, lines = loaded()
    assert names == before | {"good"}
    (line,) = lines
    assert line.startswith("the plugin 'evil' of evil 1.0 (altune.methods) is broken: ")
    assert reason in line
    assert line.endswith("; altune continues without it")
    assert "\n" not in line
    if case != "the name of a shipped one":
        with pytest.raises(
            FormatError, match=r"no method 'evil'; the plugin 'evil' of evil 1\.0 .* is broken"
        ) as error:
            parse_method("query_strategy", "evil")
        assert reason in str(error.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("target", ["", "no target!", "evil:", "evil:A..b"])
def test_a_target_that_is_none_is_a_broken_plugin(install, target):
    install("evil", GOOD, {"evil": target})
    _, lines = loaded()
    assert len(lines) == 1
    assert "the plugin 'evil' of evil 1.0" in lines[0]


@pytest.mark.parametrize("text", ["[altune.methods]\nevil\n", "[altune.methods]\nevil = \udcff:x\n"])
def test_a_list_of_plugins_that_cannot_be_read_hides_no_other(install, text):
    install("evil", GOOD, text)
    install("good", METHOD.format(cls="Good", name="good"), {"good": "good:Good"})
    names, lines = loaded()
    assert "good" in names
    assert len(lines) == 1
    assert lines[0].startswith("the list of plugins of evil 1.0 (altune.methods) is broken: ")


def test_of_two_plugins_of_one_name_the_second_is_broken(install):
    install("evil", GOOD, {"evil": "evil:Evil", "again": "evil:Again"})
    (module := sys.path[0])
    with open(f"{module}/evil.py", "a") as file:
        file.write(METHOD.format(cls="Again", name="evil"))
    names, lines = loaded()
    assert "evil" in names
    assert ["the plugin 'again'" in line and "already has a method 'evil' (evil.Evil)" in line for line in lines] == [
        True
    ]


def test_what_a_plugin_prints_is_not_output(install, capsys):
    install("evil", f"print('hello')\n{GOOD}", {"evil": "evil:Evil"})
    names, lines = loaded()
    assert "evil" in names
    assert not lines
    assert capsys.readouterr() == ("", "plugin 'evil': hello\n")


def test_ctrl_c_ends_the_loading_which_is_done_again(install, monkeypatch):
    install(
        "slow", f"import builtins\nif getattr(builtins, 'c', 0): raise KeyboardInterrupt\n{GOOD}", {"evil": "slow:Evil"}
    )
    monkeypatch.setattr("builtins.c", 1, raising=False)
    with pytest.raises(KeyboardInterrupt):
        methods("query_strategy")
    monkeypatch.setattr("builtins.c", 0)
    assert "evil" in loaded()[0]


def test_a_plugin_may_ask_for_the_methods_while_it_is_loaded(install):
    install("evil", f"from altune.core.registry import methods\nassert methods('model')\n{GOOD}", {"evil": "evil:Evil"})
    names, lines = loaded()
    assert "evil" in names
    assert not lines


def test_a_validator_that_fails_is_one_line(install):
    validator = "from pydantic import field_validator\n"
    body = GOOD.replace(
        "def select",
        "size: int = 1\n    @field_validator('size')\n    def _c(cls, size): return 1 // (size - 2)\n    def select",
    )
    install("evil", validator + body, {"evil": "evil:Evil"})
    assert loaded()[1] == []
    assert parse_method("query_strategy", {"method": "evil", "size": 4}).size == 0
    with pytest.raises(FormatError, match=r"^evil cannot be made: ZeroDivisionError: "):
        parse_method("query_strategy", {"method": "evil", "size": 2})


@pytest.mark.parametrize(
    ("group", "use"),
    [
        ("altune.metrics", lambda: check_metric_names(["evil"])),
        ("altune.objectives", lambda: Scenario(budget=20, objective="evil")),
    ],
)
@pytest.mark.parametrize(("source", "reason"), [("1/0", "ZeroDivisionError"), ("Evil = 3", "evil:Evil is 3, not what")])
def test_metrics_and_objectives_of_broken_plugins_are_left_out(install, group, use, source, reason):
    install("evil", source, f"[{group}]\nevil = evil:Evil\n")
    Scenario(budget=20)
    with pytest.raises(ValueError, match=r"unknown .* 'evil'; the plugin 'evil' of evil 1\.0") as error:
        use()
    assert reason in str(error.value)
    assert [plugin.name for plugin in broken_plugins(group)] == ["evil"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1/0", "ZeroDivisionError"),
        ("raise SystemExit", "SystemExit"),
        ("Evil = 3", "3 is no table"),
        ("Evil = '/no'", "no such file"),
    ],
)
def test_a_table_of_a_broken_plugin_is_one_line_where_it_is_named(install, source, reason):
    install("evil", source, "[altune.rankers]\nevil = evil:Evil\n")
    with pytest.raises(RequestError, match="the plugin 'evil' of evil") as error:
        RANKERS.find("evil")
    assert reason in str(error.value)


def test_knobs_lists_broken_plugins(install, altune):
    install("evil", "raise SystemExit(3)", {"evil": "evil:Evil"})
    code, out, err = altune("knobs")
    assert code == 0
    assert out.endswith("broken plugins, which are left out\n  evil of evil 1.0: SystemExit: 3\n")
    assert err.count("\n") == 1
    assert err.startswith("altune: the plugin 'evil' of evil 1.0")
    code, out, err = altune("knobs", "query_strategy", "--json")
    assert (code, err) == (0, "")  # reported once in each process
    assert json.loads(out)["broken"][0]["reason"] == "SystemExit: 3"
    code, _, err = altune("simulate", "iris", "--recipe", "evil.yaml")
    assert code == 2
    with open("evil.yaml", "w") as file:
        file.write("query_strategy: {method: evil}\n")
    code, _, err = altune("simulate", "iris", "--recipe", "evil.yaml")
    assert (code, err.count("\n")) == (2, 1)
    assert "the plugin 'evil' of evil 1.0 (altune.methods) is broken: SystemExit: 3" in err
    find_method("query_strategy", "margin")
