"""What code and values are made of: the same in each process, another after each edit, and never an address."""

import functools
import os
import re
import subprocess
import sys
import textwrap
import threading
import types

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from altune.core.errors import RequestError
from altune.core.identity import identify
from altune.core.origin import library_of

SAMPLES = '''
import collections, dataclasses, enum, functools, re, weakref
import numpy as np, pandas as pd
from pathlib import Path
from scipy import sparse, stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import VotingClassifier
from sklearn.feature_selection import SelectKBest, mutual_info_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

FACTOR = 3
WORDS = {"alpha", "beta", "gamma", "delta"}
TABLE = {"b": {1, "x", "yy"}, "a": [1.0, 2]}
CACHE = {}
PATTERN = re.compile("a+")

def helper(x):
    return x * FACTOR if x in WORDS else back(x)

def back(x):
    CACHE[x] = TABLE
    return helper(x) + TABLE["a"][0] + len(CACHE)

def squash(X):
    """Explain nothing."""
    return np.arctan(X) * helper(1)  # a comment

def power(k, mode="plain"):
    def inner(X):
        return X ** k
    return inner

pair = [lambda X: X + 1, lambda X: X + 2]

class Base:
    def tail(self): return 1

class Tool(Base):
    size = 3
    def __init__(self): self.words, self.function, self.me = {"z", "yy", "x"}, squash, self
    def __call__(self, X): return X + len(self.words)
    @property
    def doubled(self): return 2 * self.size
    @staticmethod
    def factor(): return FACTOR

@dataclasses.dataclass
class Record:
    x: int = 3
    y: list = dataclasses.field(default_factory=list)

class Colour(enum.Enum):
    RED = 1
    BLUE = "b"

class Own(ClassifierMixin, BaseEstimator):
    def __init__(self, f=None, k=3): self.f, self.k = f, k
    def fit(self, X, y): return self

@functools.lru_cache
def kept(x): return x + 1

@functools.singledispatch
def single(x): return 1

@single.register
def _(x: int): return 2

@functools.wraps(squash)
def wrapped(X): return squash(X) + 1

loop = [1]
loop.append(loop)
SAMPLES = dict(
    squash=squash, inner=power(3), other_inner=power(4), first=pair[0], second=pair[1], Tool=Tool, tool=Tool(),
    bound=Tool().tail, Record=Record, record=Record(), Colour=Colour, red=Colour.RED, Own=Own, kept=kept,
    single=single, wrapped=wrapped, partial=functools.partial(squash, a=1), pattern=PATTERN, loop=loop, words=WORDS,
    state=np.random.RandomState(3), generator=np.random.default_rng(4), draw=np.random.RandomState(1).rand,
    objects=np.array(["a", None, 3], dtype=object), fields=np.zeros(3, dtype=[("a", "i1"), ("b", "f8")]),
    empty=np.empty(0), sparse=sparse.csr_array(np.eye(4)), column=pd.Series([1.0, 2.0]),
    frame=pd.DataFrame({"a": [1, 2], "b": ["x", None]}), path=Path("a/b"), ordered=collections.OrderedDict(a=1),
    weak=weakref.WeakKeyDictionary(), deep={"x": {frozenset("abc"): 1}},
    pipeline=make_pipeline(FunctionTransformer(squash), LogisticRegression()), kernel=SVC(kernel=power(2)),
    gaussian=GaussianProcessClassifier(1.0 * RBF(1.0) + WhiteKernel()), best=SelectKBest(mutual_info_classif),
    random_search=RandomizedSearchCV(LogisticRegression(), {"C": stats.loguniform(1e-3, 1)}),
    grid=GridSearchCV(SVC(), {"C": [1, 2]}, cv=ShuffleSplit(3, random_state=np.random.RandomState(0)),
                      scoring=make_scorer(f1_score, average="macro")),
    voting=VotingClassifier([("a", Own(k=4)), ("b", Own(squash))]), sentinel=object(), vectorized=np.vectorize(squash),
)
'''
PRINTED = """
if __name__ == "__main__":
    from altune.core.identity import identify
    for name, value in SAMPLES.items():
        identity = identify(value, name)
        print(name, identity.text, identity.unknown)
"""


def digests(source: str) -> dict[str, str]:
    """Return the hash of each sample of a source, which is run as a notebook would."""
    module = types.ModuleType("samples_of_test")
    exec(source, vars(module))
    return {name: identify(value, name).digest for name, value in vars(module)["SAMPLES"].items()}


def test_identities_are_the_same_in_every_process(tmp_path):
    (tmp_path / "samples.py").write_text(SAMPLES + PRINTED)
    running = [
        subprocess.Popen(
            [sys.executable, "samples.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True, env={**os.environ, **more}
        )
        for more in ({"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "77"})
    ]
    one, two = (process.communicate()[0] for process in running)
    assert len(one.splitlines()) > 40
    assert one == two
    assert "0x" not in one
    assert "(builtins" not in one, "each sample has content"
    assert len({line.split()[1] for line in one.splitlines()}) == len(one.splitlines())


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("FACTOR = 3", "FACTOR = 4", "Tool bound partial pipeline squash tool vectorized voting wrapped"),
        ('"beta", ', '"bet", ', "Tool bound partial pipeline squash tool vectorized voting words wrapped"),
        ("X ** k", "X * k", "inner kernel other_inner"),
        ('mode="plain"', 'mode="other"', ""),
        ("return 1\n\nclass Tool", "return 2\n\nclass Tool", "Tool bound tool"),
        ("X + 2]", "X + 3]", "second"),
        ('{"z", "yy"', '{"q", "yy"', "Tool bound tool"),
        ("x: int = 3", "x: int = 4", "Record record"),
        ("RED = 1", "RED = 7", "Colour red"),
        ("self.f, self.k = f, k", "self.k, self.f = k, f", "Own voting"),
        ("k=3)", "k=5)", "Own voting"),
        ("def kept(x): return x + 1", "def kept(x): return x + 2", "kept"),
        ("(x: int): return 2", "(x: int): return 3", "single"),
        ("squash(X) + 1", "squash(X) + 2", "wrapped"),
        ("random_state=np.random.RandomState(0)", "random_state=np.random.RandomState(1)", "grid"),
        ('average="macro"', 'average="micro"', "grid"),
        ("loguniform(1e-3, 1)", "loguniform(1e-3, 2)", "random_search"),
        ("np.eye(4)", "np.eye(5)", "sparse"),
        ('"b": ["x", None]', '"b": ["y", None]', "frame"),
        ('re.compile("a+")', 're.compile("b+")', "pattern"),
        ("# a comment", "\n\n    # another", ""),
        ("Explain nothing", "Explain all", ""),
        ("CACHE = {}", "CACHE = {1: 2}", ""),
        ("\nFACTOR", "\nUNRELATED = 5\nFACTOR", ""),
    ],
)
def test_what_an_edit_changes_and_nothing_else(old, new, changed):
    assert old in SAMPLES
    before, after = digests(SAMPLES), digests(SAMPLES.replace(old, new))
    assert {name for name in before if before[name] != after[name]} == set(changed.split())


def test_what_a_run_leaves_in_caches_and_counters_does_not_count():
    source = """
    COUNT, SEEN, KNOWN, TOTALS = 0, [], {}, {"a": [0]}
    class Score:
        memory = {}
        def __call__(self, x):
            global COUNT
            COUNT += 1
            SEEN.append(x)
            TOTALS["a"][0] += 1
            self.memory[x] = KNOWN.setdefault(x, x)
            return read(x)
    def read(x):
        return KNOWN.get(x), COUNT, len(SEEN)
    def counting():
        calls = {}
        def inner(x):
            calls[x] = 1
            return calls
        return inner
    score, counted = Score(), counting()
    """
    names: dict = {"__name__": "own"}
    exec(textwrap.dedent(source), names)
    before = [identify(names[name], name).digest for name in ("score", "counted", "read")]
    names["score"](3), names["counted"](4)
    assert names["COUNT"] == 1
    assert [identify(names[name], name).digest for name in ("score", "counted")] == before[:2]


def test_helper_modules_count_however_they_are_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "helper_of_test.py").write_text("import deeper_of_test\ndef f(x): return deeper_of_test.g(x)\n")
    (tmp_path / "deeper_of_test.py").write_text("def g(x): return x + 1\ndef unused(): return 1\n")
    (tmp_path / "late_of_test.py").write_text("from deeper_of_test import g\ndef h(x): return g(x)\n")
    source = "import helper_of_test\ndef at_top(x): return helper_of_test.f(x)\n"
    source += "def late(x):\n    from late_of_test import h\n    return h(x)\n"

    def both():
        for name in ("helper_of_test", "deeper_of_test", "late_of_test"):
            sys.modules.pop(name, None)
        names: dict = {"__name__": "own"}
        exec(source, names)
        return [identify(names[name], name).digest for name in ("at_top", "late")]

    first = both()
    assert both() == first
    (tmp_path / "deeper_of_test.py").write_text("def g(x): return x + 2 - 0 * 5\ndef unused(): return 1\n")
    now = both()
    assert now[0] != first[0], (now, first)
    assert now[1] != first[1]


def test_arguments_of_estimators_count_and_what_decides_nothing_does_not():
    def same(one, other):
        return identify(one, "").digest == identify(other, "").digest

    tree = DecisionTreeClassifier(max_depth=2)
    assert same(tree, DecisionTreeClassifier(max_depth=2, criterion="gini"))
    assert not same(tree, DecisionTreeClassifier(max_depth=3))
    assert same(RandomForestClassifier(n_jobs=1), RandomForestClassifier(n_jobs=2, verbose=1))
    assert same(make_pipeline(tree), make_pipeline(tree, memory="some folder"))
    values = np.arange(10.0)
    one, other = (
        FunctionTransformer(kw_args={"w": values, "b": 1}),
        FunctionTransformer(kw_args={"b": 1, "w": values + 0}),
    )
    assert same(one, other)
    assert not same(one, FunctionTransformer(kw_args={"w": values + 1, "b": 1}))
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    assert not same(FrozenEstimator(tree.fit(X, y)), FrozenEstimator(DecisionTreeClassifier(max_depth=2).fit(X, 1 - y)))
    search = RandomizedSearchCV(LogisticRegression(), {"C": stats.loguniform(1e-3, 1)})
    before = identify(search, "").digest
    np.random.RandomState(0).rand()
    stats.loguniform(1e-3, 1).rvs()
    assert identify(search, "").digest == before


def test_what_has_no_content_is_named_without_an_address():
    lines = iter([1])

    def reads():
        return next(gives), lines, lock

    gives, lock = (x for x in range(3)), threading.Lock()
    identity = identify(reads, "reads")
    assert identity.unknown == ("reads: gives (builtins.generator)",)
    assert not re.search("0x", str(identity))


def test_what_holds_too_much_or_is_nested_too_deeply_is_refused():
    nested: list = []
    for _ in range(2_000):
        nested = [nested]
    with pytest.raises(RequestError, match=r"^the list is nested too deeply"):
        identify(nested, "the list")
    with pytest.raises(RequestError, match=r"^the list holds more than 1,000,000 values .* numpy array$"):
        identify(list(range(1_000_001)), "the list")
    assert identify(np.arange(1_000_001), "").digest


def test_libraries_count_by_name_and_version():
    assert [
        library_of(name) for name in ("sklearn.tree", "altune.knobs", "json", "builtins", "__main__", "nothing")
    ] == [
        "sklearn",
        "altune",
        "python",
        "python",
        "",
        "",
    ]
    identity = identify(DecisionTreeClassifier(), "")
    assert (identity.own, identity.libraries) == (False, {})
    mine = identify(functools.partial(lambda x: stats.norm.pdf(x), 1), "")
    assert mine.own
    assert mine.libraries.keys() == {"python", "scipy"}
    assert all(re.fullmatch(r"\d+\.\d+", version) for version in mine.libraries.values())
    assert "scipy-" in mine.text
