"""Nothing that is read runs code: in each kind of file, what would make a marker leaves none."""

import contextlib
import io
import json
import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from altune.analysis.sweep.request import read_sweep
from altune.core.errors import AltuneError, FormatError
from altune.data import Dataset
from altune.knobs.query_strategy.lal_table import LAL_TABLES
from altune.recipes.recipe import load_recipe
from altune.recipes.space import SearchSpace
from altune.simulation.scenario import Scenario
from altune.tuning.storage import JOURNAL
from altune.workflows.open_run import open_run
from altune.workflows.repair import repair
from altune.workflows.tune import tune

SIZES = {"budget": 20, "loops": 2, "n_blocks": 1, "confirm": False, "batch": 1, "portfolio": 0}
SIZE = {"method": "random", "size": {"low": 4, "high": 8}}
CODE = "__import__('pathlib').Path({!r}).touch()"


class Hostile:
    """An object whose pickle makes a file when it is read."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return exec, (CODE.format(self.marker),)


@pytest.fixture
def marker(tmp_path):
    """Return the file that hostile code makes, which is not there when the test ends."""
    path = tmp_path / "marker"
    pickle.loads(pickle.dumps(Hostile(path)))
    assert path.exists()
    path.unlink()
    yield path
    assert not path.exists()


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "name: !!python/object/apply:exec ['{code}']\n",
        "name: !!python/object/new:exec ['{code}']\n",
        "name: !!python/name:exec\n",
        "!!python/object/apply:exec ['{code}']\n",
        "query_strategy: !exec '{code}'\n",
        "%TAG ! tag:yaml.org,2002:python/\n---\nname: !object/apply:exec ['{code}']\n",
    ],
)
def test_yaml_of_every_kind_builds_no_objects(tmp_path, marker, text):
    path = written(tmp_path / "a.yaml", text.replace("{code}", CODE.format(str(marker)).replace("'", "''")))
    for read in (load_recipe, SearchSpace.load, Scenario.load, read_sweep):
        with pytest.raises(FormatError, match=r"a\.yaml"):
            read(path)


def test_names_in_recipes_and_spaces_import_nothing(tmp_path, marker):
    written(tmp_path / "hostile_module.py", CODE.format(str(marker)))
    for text in (
        f"model: {{method: {json.dumps(CODE.format(str(marker)))}}}\n",
        "query_strategy: hostile_module.Method\n",
        "model: {method: 'hostile_module:Model'}\n",
    ):
        with pytest.raises(FormatError):
            load_recipe(written(tmp_path / "a.yaml", text))


def test_arrays_of_objects_are_not_unpickled(tmp_path, marker):
    X, y, path = np.eye(4), np.array([0, 1, 0, 1]), tmp_path / "a.npz"
    hostile = np.array([Hostile(marker)] * 4, dtype=object)
    for arrays in ({"X": X, "y": hostile}, {"X": hostile.reshape(4, 1), "y": y}, {"X": X, "y": y, "other": hostile}):
        np.savez(path, **arrays)
        with contextlib.suppress(AltuneError):
            Dataset.from_file(path)
    header = f"{{'descr': {CODE.format(str(marker))}, 'fortran_order': False, 'shape': (4,)}}\n".encode()
    for content in (
        pickle.dumps(Hostile(marker)),
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header,
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("X.npy", content)
            archive.writestr("y.npy", content)
        with pytest.raises(AltuneError):
            Dataset.from_file(path)


@pytest.mark.parametrize(
    "suffix", ["csv", "npz", "parquet", "feather", "jsonl", "svmlight", "xlsx", "pkl", "joblib", "npy"]
)
def test_a_pickle_by_any_name_is_refused(tmp_path, marker, suffix):
    with pytest.raises(AltuneError):
        Dataset.from_file(written(tmp_path / f"a.{suffix}", pickle.dumps(Hostile(marker))))


def test_types_and_metadata_of_arrow_are_not_unpickled(tmp_path, marker):
    """The metadata of a field can name an extension type that pyarrow once unpickled."""
    hostile = pickle.dumps(Hostile(marker))
    field = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": hostile}
    schema = pa.schema(
        [pa.field("a", pa.int64(), metadata=field), pa.field("label", pa.string())],
        metadata={b"pandas": hostile, b"PANDAS_ATTRS": hostile},
    )
    table = pa.table([pa.array([1, 2, 3, 4]), pa.array(["x", "y"] * 2)], schema=schema)
    pq.write_table(table, tmp_path / "a.parquet")
    feather.write_feather(table, tmp_path / "a.feather")
    for name in ("a.parquet", "a.feather"):
        assert Dataset.from_file(tmp_path / name).X.tolist() == [[1], [2], [3], [4]]


def test_formulas_of_a_sheet_are_not_computed_and_no_file_is_included(tmp_path, marker):
    secret = written(tmp_path / "secret", "the secret")
    book, stream, path = openpyxl.Workbook(), io.BytesIO(), tmp_path / "a.xlsx"
    for row in (["a", "b", "label"], [1, f'=EXEC("touch {marker}")', "x"], [2, "plain", "y"]):
        book.active.append(row)
    book.save(stream)
    entity = b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY e SYSTEM "' + secret.as_uri().encode() + b'">]><worksheet'
    with zipfile.ZipFile(stream) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            xml = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                xml = entity + xml.partition(b"<worksheet")[2].replace(b"plain", b"&e;")
            after.writestr(name, xml)
    shown = ""
    with contextlib.suppress(AltuneError):
        shown = Dataset.from_file(path).raw.to_csv()
    assert "the secret" not in shown


def test_a_table_that_a_strategy_learned_is_read_as_numbers(tmp_path, marker):
    for content in (pickle.dumps(Hostile(marker)), json.dumps({"method": CODE.format(str(marker))})):
        with pytest.raises(AltuneError):
            LAL_TABLES.register("mine", written(tmp_path / "a.json", content))


def test_the_folder_of_a_run_and_its_cache_run_nothing(tmp_path, marker):
    space = SearchSpace.from_dict(
        {"initial_sample": SIZE, "loop_size": {"method": "constant", "size": {"low": 2, "high": 6}}}
    )
    run = tune("iris", space, out=tmp_path / "run", sampler="cmaes", n_trials=2, **SIZES)
    folder, hostile = Path(run.folder), pickle.dumps(Hostile(marker))
    journal = folder / JOURNAL
    worker = json.loads(journal.read_text("utf-8").splitlines()[-1])["worker_id"]
    attributes = {"cma:optimizer": hostile.hex(), "cma:optimizer:0": hostile.hex(), "cma:generation": 0}
    lines = [
        {"op_code": 9, "worker_id": worker, "trial_id": trial, "system_attr": {name: value}}
        for trial in (0, 1)
        for name, value in attributes.items()
    ]
    lines.append({"op_code": 3, "worker_id": worker, "study_id": 0, "system_attr": attributes})
    with journal.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    for path in folder.rglob("*.json"):
        path.write_bytes(hostile)
    for name in ("scratch", "blocks", "trajectories"):
        (folder / name).mkdir(exist_ok=True)
        for file in ("0.raw", "X_pool.npy", "raw.pkl", "snapshot"):
            (folder / name / file).write_bytes(hostile)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for use in (
            lambda: open_run(folder),
            lambda: repair(folder),
            lambda: tune("iris", space, out=folder, sampler="cmaes", n_trials=4, **SIZES),
        ):
            with contextlib.suppress(AltuneError):
                use()
