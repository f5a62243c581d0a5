"""Arrays and blocks that processes share through files."""

import time

import numpy as np
import pytest
from scipy import sparse

from altune.data import Dataset
from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environment
from altune.simulation.execution.shared_arrays import FeatureFiles, load_block, save_block
from altune.simulation.prepared import prepare_block
from altune.simulation.trajectory import play


def arrays():
    return np.random.default_rng(0).normal(size=(50, 3))


def slow(build):
    def built():
        time.sleep(0.01)
        return build()

    return built


def test_an_array_is_built_once_for_all_processes(tmp_path):
    built = []

    def build():
        built.append(1)
        return arrays()

    one, other = FeatureFiles(tmp_path / "shared"), FeatureFiles(tmp_path / "shared")
    for shared in (one, other, one, other):
        found = shared.get(("geometry", 0.5, None), slow(build))
        assert np.array_equal(found, arrays())
        assert not found.flags.writeable
    assert len(built) == 1
    assert np.array_equal(FeatureFiles(tmp_path / "shared").get(("geometry", 0.5, None), build), arrays())


@pytest.mark.parametrize("key", [("a", np.float64(0.5)), "text", ("b", ("c", 1))])
def test_what_is_no_array_is_built_in_each_process(tmp_path, key):
    one, other = FeatureFiles(tmp_path / "shared"), FeatureFiles(tmp_path / "shared")
    assert one.get(key, slow(lambda: [1, 2])) == other.get(key, slow(lambda: [1, 2])) == [1, 2]
    assert not (tmp_path / "shared").exists()


def test_a_torn_file_counts_as_absent(tmp_path):
    shared = tmp_path / "shared"
    FeatureFiles(shared).get("key", slow(arrays))
    (path,) = shared.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert np.array_equal(FeatureFiles(shared).get("key", slow(arrays)), arrays())


def test_keys_that_a_process_writes_its_own_way_are_not_shared(tmp_path):
    shared = FeatureFiles(tmp_path / "shared")
    assert np.array_equal(shared.get(frozenset({"a", "b"}), slow(arrays)), arrays())
    assert not (tmp_path / "shared").exists()


def test_no_room_on_the_disk_is_no_error(tmp_path):
    (tmp_path / "shared").write_text("a file where the folder should be")
    assert np.array_equal(FeatureFiles(tmp_path / "shared").get("key", slow(arrays)), arrays())


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("strategy", ["typiclust", "probcover", "kcenter"])
def test_a_block_on_disk_plays_as_the_one_in_memory(tmp_path, kind, strategy):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(150, 6)) * (rng.random((150, 6)) < 0.6)
    data = Dataset(sparse.csr_array(X) if kind == "sparse" else X, rng.integers(0, 3, 150), name=kind)
    environment = make_environment(data, budget=30, loops=4)
    prepared = prepare_block(data, environment.blocks("search", 1)[0], 0)
    save_block(prepared, tmp_path / "0")
    recipe = Recipe.from_dict({"query_strategy": strategy})
    wanted = play(recipe, prepared, environment.scenario)
    for _ in range(2):
        found = play(recipe, load_block(tmp_path / "0"), environment.scenario)
        assert np.array_equal(found.rows, wanted.rows)
        assert np.array_equal(found.scores["accuracy"], wanted.scores["accuracy"])
