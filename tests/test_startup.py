"""Nothing is imported before it is needed: not by the command line, not before the first trial, not by a worker."""

import json
import subprocess
import sys

import pytest

SLOW = {"alembic", "cleanlab", "matplotlib", "pandas", "plotly", "pyarrow", "skrub", "sqlalchemy", "torch"}
LATER = {
    "altune.analysis",
    "altune.workflows.examine",
    "altune.report",
    "altune.analysis.run",
    "altune.testing",
    "sklearn.impute",
}
OF_OWNERS = {"optuna", "altune.recipes.space", "altune.tuning.search", "altune.cli", "sklearn.datasets"}

FIRST_TRIAL = """
import json, sys, time
from altune.simulation.execution import processes
from tests.helpers.processes import call

def here():
    return sorted(sys.modules)

def told(study, trial):
    owner = here()
    with processes.LocalPool(2) as pool:
        while not pool.begin(here, call()):
            time.sleep(0.01)
        (worker,) = pool.run(here, [])
        print(json.dumps({"owner": owner, "worker": worker}))
        sys.exit(0)

with processes.early_workers(2):
    from altune.workflows.tune import tune
    tune("iris", "quick", budget=20, n_trials=1, n_blocks=1, n_jobs=2, callbacks=[told], out=sys.argv[1])
"""


def run(*arguments, **given):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, **given).stdout


@pytest.fixture(scope="module")
def at_the_first_trial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    found = json.loads(run("-c", FIRST_TRIAL, str(folder)))
    return {who: set(modules) for who, modules in found.items()}


def test_help_imports_no_numbers():
    code = (
        "import sys, altune.cli; sys.argv = ['altune', '--help']\ntry:\n    altune.cli.main()\nexcept SystemExit: pass"
    )
    printed = run("-c", f"{code}\nprint('\\n' + ' '.join(sys.modules))")
    imported = set(printed.splitlines()[-1].split())
    assert not imported & (SLOW | LATER | {"numpy", "scipy", "sklearn", "optuna", "joblib", "rich", "pydantic"})


@pytest.mark.slow
def test_the_first_trial_waits_for_nothing_that_only_the_end_needs(at_the_first_trial):
    owner = at_the_first_trial["owner"]
    assert "sklearn" in owner
    assert not owner & (SLOW | LATER)


@pytest.mark.slow
def test_a_worker_imports_what_it_plays_with(at_the_first_trial):
    worker = at_the_first_trial["worker"]
    assert {"sklearn", "altune.simulation.trajectory"} <= worker
    assert not worker & (SLOW | LATER | OF_OWNERS)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["", "import pandas; "])
def test_pandas_is_there_for_whoever_wants_it(first):
    code = f"{first}import sys; from altune.core.startup import import_sklearn; import_sklearn()"
    code += "; before = 'pandas' in sys.modules"
    code += "; import pandas, sklearn; print(before, pandas.DataFrame({'a': [1]}).shape)"
    assert run("-c", code).split() == [str(bool(first)), "(1,", "1)"]
