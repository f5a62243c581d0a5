"""Names of other libraries that are not public may go: what needs none of them works, and results stay the same."""

import json
import subprocess
import sys

import pytest

SHIM = """
import importlib, sys, types, warnings

def without(module, *names):
    found = importlib.import_module(module)
    left = types.ModuleType(module)
    vars(left).update({name: value for name, value in vars(found).items() if name not in names})
    sys.modules[module] = left

def hidden(cls, *names):
    # what the library itself reads under its old name, this package no longer finds
    usual = cls.__getattribute__
    def read(self, name):
        if name in names and sys._getframe(1).f_globals["__name__"].startswith("altune"):
            raise AttributeError(name)
        return usual(self, name)
    cls.__getattribute__ = read
"""

GONE = {
    "optuna: parts of tpe": "without('optuna.samplers._tpe.sampler', '_split_trials', 'default_gamma')",
    "optuna: another parzen estimator": """
import optuna.samplers._tpe.parzen_estimator as module
class Other(module._ParzenEstimator):
    def __init__(self, *arguments):
        raise TypeError("takes other arguments")
without(module.__name__, '_ParzenEstimator')
sys.modules[module.__name__]._ParzenEstimator = Other
""",
    "optuna: methods of the sampler": """
import optuna
hidden(optuna.samplers.TPESampler, '_compare', '_parzen_estimator_parameters')
""",
    "optuna: attributes of a study": "import optuna; hidden(optuna.Study, '_storage', '_study_id')",
    "optuna: tables": "sys.modules['optuna.storages._rdb.models'] = None",
    "scipy: the compiled step": "import scipy.optimize; without('scipy.optimize', '_lbfgsb')",
    "scikit-learn: losses": """
import sklearn.linear_model, sklearn.ensemble
without('sklearn._loss.loss', 'HalfBinomialLoss', 'HalfMultinomialLoss')
""",
    "scikit-learn 1.10: no penalty": """
import inspect, sklearn.linear_model as home
Old = home.LogisticRegression
class LogisticRegression(Old):
    def __init__(self, **settings):
        super().__init__(**settings)
        del self.penalty
    def fit(self, X, y, sample_weight=None):
        self.penalty = "deprecated"
        try:
            return super().fit(X, y, sample_weight)
        finally:
            del self.penalty
parameters = inspect.signature(Old.__init__).parameters.values()
LogisticRegression.__init__.__signature__ = inspect.Signature([p for p in parameters if p.name != "penalty"])
home.LogisticRegression = LogisticRegression
""",
}
"""What a later version may do, by what is gone."""

SEARCH = """
import json, logging
logging.basicConfig(level=logging.DEBUG, format="%(name)s %(message)s")
logging.getLogger("matplotlib").setLevel(logging.INFO)
from altune.workflows.tune import tune
space = {"query_strategy": ["margin", "random"], "initial_sample": {"method": "random", "size": {"low": 3, "high": 9}}}
run = tune("iris", space, budget=12, n_trials=14, n_blocks=1, confirm=False, portfolio=0, progress=False)
print(json.dumps([[trial.params, trial.value] for trial in run.trials]))
"""


def python(code, *words):
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


@pytest.fixture(scope="module")
def as_today():
    return json.loads(python(SEARCH).stdout)


@pytest.mark.slow
@pytest.mark.parametrize("gone", GONE)
def test_a_search_has_the_same_result_without_a_private_name(gone, as_today):
    done = python(SHIM + GONE[gone] + "\n" + SEARCH)
    assert json.loads(done.stdout) == as_today


@pytest.mark.slow
@pytest.mark.parametrize("words", [["knobs"], ["simulate", "iris", "--budget", "12"]])
def test_commands_that_need_no_optuna_work_without_its_private_names(words):
    everything = "\n".join(code for name, code in GONE.items() if name.startswith("optuna: "))
    run = "\nimport runpy; runpy.run_module('altune', run_name='__main__')"
    assert python(SHIM + everything + run, *words).stdout


@pytest.mark.slow
def test_a_shared_study_names_the_version_that_has_its_tables():
    code = SHIM + GONE["optuna: tables"] + "\nimport runpy; runpy.run_module('altune', run_name='__main__')"
    words = ["tune", "iris", "--storage", "postgresql://nowhere.invalid/x", "--quiet"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert "optuna>=5,<6" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
