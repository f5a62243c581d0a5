"""The options of reading are those of every command that takes data, and a run remembers them."""

import json
from pathlib import Path

import numpy as np
import pytest

import altune as package
from altune.core.errors import AltuneWarning
from altune.simulation.environment import make_environment
from altune.workflows.learn.sources import read_source

READING = [
    *("--sep", ";", "--encoding", "latin-1", "--decimal", ",", "--drop", "id", "note", "--skip-unlabelled"),
    *("--min-class", "5"),
]
GIVEN = {
    "sep": ";",
    "encoding": "latin-1",
    "decimal": ",",
    "drop": ["id", "note"],
    "skip_unlabelled": True,
    "min_class": 5,
}
QUICK = ["--space", "quick", "--trials", 1, "--blocks", 1, "--budget", 20, "--loops", 2, "--no-confirm", "--jobs", 1]


@pytest.fixture
def parcels(tmp_path: Path) -> Path:
    """Write a file as a spreadsheet with a German locale does: two rows without a label, two rare classes."""
    rng = np.random.default_rng(0)
    lines = ["id;größe;preis;note;label"]
    for row in range(120):
        kind = row % 2
        label = {3: "", 7: "", 5: "selten", 9: "kaum"}.get(row, ("007", "7")[kind])
        size, price = (f"{value:.2f}".replace(".", ",") for value in rng.normal(3 * kind, 1, size=2))
        lines.append(f"{row};{size};{price} EUR;gehört {row};{label}")
    file = tmp_path / "parcels.csv"
    file.write_text("\n".join(lines) + "\n", encoding="latin-1")
    return file


def joined(text):
    return " ".join(text.split())


@pytest.mark.slow
def test_each_trouble_of_a_file_names_the_option_that_reads_it(altune, parcels):
    given = []
    for option, said in (
        (["--encoding", "latin-1"], "line 1: byte 0xf6 is not UTF-8; give --encoding"),
        (["--sep", ";"], "give --sep ';'"),
        (["--skip-unlabelled"], "2 of 120 rows have none"),
        (["--min-class", 5], "such as with --min-class 5"),
    ):
        code, _, err = altune("tune", parcels, *given, "--dry-run")
        assert code == 2
        assert said in joined(err)
        given += option
    code, out, err = altune("tune", parcels, *given, "--dry-run")
    assert code == 0
    assert "2 of 120 rows have no label and are left out" in joined(err)
    assert "2 classes have fewer than 5 rows: 'kaum' (1), 'selten' (1); the 2 rows are left out" in joined(err)
    assert "column 'preis' holds numbers but came as text" in joined(out)
    assert "--decimal , reads it as numbers" in joined(out)
    assert "column 'id' looks like an identifier" in joined(out)
    code, out, _ = altune("tune", parcels, *given, "--decimal", ",", "--drop", "id", "note", "--dry-run")
    assert code == 0
    assert "116 rows, 2 features, 2 classes" in joined(out)
    assert "came as text" not in out


@pytest.mark.parametrize("command", ["simulate", "compare", "stopping", "recommend", "spaces check"])
def test_every_command_that_takes_data_has_the_options(altune, parcels, command):
    sizes = ["--budget", 20, "--loops", 2, "--jobs", 1, "--blocks", 2, "--json"]
    words = {
        "simulate": ["simulate", parcels, *READING, *sizes],
        "compare": ["compare", parcels, "random_sampling", "margin", *READING, *sizes],
        "stopping": ["stopping", parcels, *READING, *sizes],
        "recommend": ["recommend", parcels, "--n-classes", 2, *READING[:9], "--json"],
        "spaces check": ["spaces", "check", "quick", "--data", parcels, *READING, "--json"],
    }[command]
    code, out, err = altune(*words)
    assert (code, json.loads(out) is not None) == (0, True), err
    assert ("2 rows are left out" in joined(err)) == (command != "recommend")


@pytest.mark.slow
def test_a_run_remembers_how_its_file_was_read(altune, parcels):
    code, _, err = altune("tune", parcels, *READING, *QUICK, "--out", "run")
    assert code == 0, err
    assert altune("tune", parcels, *READING, *QUICK, "--out", "run")[0] == 0
    for other in (["--drop", "id"], ["--decimal", "."], ["--min-class", 1]):
        code, _, err = altune("tune", parcels, *_replaced(READING, other), *QUICK, "--out", "run")
        assert code == 2
        assert "another request" in joined(err) or "stratified split" in joined(err)
    run = package.open_run("run")
    source = run.record.sources["parcels"]
    assert source == {"data": str(parcels), "target": None, **GIVEN}
    page = Path("run/report.html").read_text("utf-8")
    assert "--sep &#39;;&#39; --encoding latin-1 --decimal , --drop id --drop note" in page
    assert "drop=(&#39;id&#39;, &#39;note&#39;), skip_unlabelled=True, min_class=5" in page
    (learned,) = read_source("run").data
    assert learned.reading.stored == {"target": None, **GIVEN}
    with pytest.warns(AltuneWarning, match="2 rows are left out"):
        environment = make_environment(learned.source, **learned.reading.given)
    assert environment.dataset.fingerprint == run.record.data_sets["parcels"]["fingerprint"]


def _replaced(words, option):
    start = words.index(option[0])
    end = next((place for place in range(start + 1, len(words)) if str(words[place]).startswith("--")), len(words))
    return [*words[:start], *option, *words[end:]]


def test_functions_take_the_same_options(parcels):
    with pytest.warns(AltuneWarning, match="rows"):
        simulated = package.simulate("random_sampling", parcels, budget=20, n_blocks=2, **GIVEN)
    assert simulated.aulc > 0.5
    with pytest.warns(AltuneWarning, match="rows"):
        assert package.load_dataset(parcels, **GIVEN).feature_names == ("größe", "preis")
    with pytest.warns(AltuneWarning, match="rows"):
        assert package.Dataset.from_csv(parcels, **GIVEN).classes == ("007", "7")
    data = package.Dataset([[1.0], [2.0]] * 20, ["a", "b"] * 20)
    with pytest.raises(package.AltuneError, match="is read already; leave out sep"):
        package.simulate("random_sampling", data, budget=10, sep=";")


def test_a_sweep_reads_each_file_in_its_own_way(tmp_path):
    listed = "{file: parcels.csv, sep: ';', encoding: latin-1, drop: [id], min_class: 5}"
    (tmp_path / "sweep.yaml").write_text(f"version: 1\ndata: [{listed}]\n", encoding="utf-8")
    (entry,) = read_source(tmp_path / "sweep.yaml").data
    assert entry.reading.given == {"sep": ";", "encoding": "latin-1", "drop": ("id",), "min_class": 5}
    (tmp_path / "wrong.yaml").write_text("version: 1\ndata: [{file: parcels.csv, sep: ab}]\n", encoding="utf-8")
    with pytest.raises(package.AltuneError, match="the separator must be one character"):
        read_source(tmp_path / "wrong.yaml")
