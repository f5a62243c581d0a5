"""Labels stay the text of the file, options say how a file is read, and odd text files are read or refused by line."""

import gzip
import warnings

import numpy as np
import pytest

from altune.core.errors import AltuneError, AltuneWarning, DataError
from altune.data import Dataset, Reading, load_dataset
from altune.data.reading import reading_words
from tests.helpers.data_files import refused

HEAD = "a,label\n"


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def labelled(path, labels):
    return write(path, HEAD + "".join(f"{row},{label}\n" for row, label in enumerate(labels)))


@pytest.mark.parametrize(
    "labels",
    [
        ["007", "7"],
        ["01", "1", "1.0", "1e0", "+1", " 1"],
        ["1e3", "1000"],
        ["1.0", "0.0"],
        ["True", "true", "TRUE"],
        ["true", "false"],
        ["NA", "DE"],
        ["None", "null", "nan", "NaN", "N/A", "n/a"],
        ["inf", "Infinity"],
        ["-0", "0"],
        ["9007199254740993", "9007199254740992"],
        ["123456789012345678901234567890", "123456789012345678901234567891"],
        ["١", "1"],
        ["yes", "yes "],
        [" ", "x"],
    ],
)
def test_every_label_of_a_file_is_a_class_of_its_own(tmp_path, labels):
    data = Dataset.from_file(labelled(tmp_path / "a.csv", labels * 2))
    assert sorted(map(str, data.classes)) == sorted(labels)
    assert data.class_counts.tolist() == [2] * len(labels)
    assert [str(data.classes[code]) for code in data.y] == labels * 2


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["10", "9", "-1"], (-1, 9, 10)),
        (["1.5", "0.5", "1"], (0.5, 1, 1.5)),
        (["True", "False"], (False, True)),
        (["10.0", "9.0", "01"], ("01", "9.0", "10.0")),
        (["b10", "b9"], ("b10", "b9")),
    ],
)
def test_labels_that_are_numbers_are_ordered_by_value(tmp_path, labels, classes):
    data = Dataset.from_file(labelled(tmp_path / "a.csv", labels))
    assert data.classes == classes
    assert list(map(type, data.classes)) == list(map(type, classes))


def test_labels_that_python_would_merge_are_refused():
    for labels, said in (
        ([1, True, 2, 2], "the labels 1 and True are equal in Python"),
        ([0.0, np.False_, 2, 2], "the labels 0 and False are equal in Python"),
        ([b"a", "a", "b", "b"], "would both be the class 'a'"),
        ([b"\xff", b"\xfe", b"a", b"a"], "would both be the class"),
    ):
        with pytest.raises(DataError, match=said):
            Dataset(np.eye(4), labels)
    assert Dataset(np.eye(4), [1, "1", 1, "1"]).classes == (1, "1")


def test_only_an_empty_label_is_missing_and_such_rows_can_be_left_out(tmp_path):
    file = write(tmp_path / "gap.csv", 'a,label\n1,x\n2,\n3,""\n4,y\n5,NA\n')
    assert "row 1 (counted from 0) has no label (2 of 5 rows have none" in refused(file)
    assert "--skip-unlabelled" in refused(file)
    with pytest.warns(AltuneWarning, match="gap: 2 of 5 rows have no label and are left out"):
        data = Dataset.from_file(file, skip_unlabelled=True)
    assert data.classes == ("NA", "x", "y")
    assert data.X[:, 0].tolist() == [1.0, 4.0, 5.0]


def test_rare_classes_are_merged_or_left_out_and_named(tmp_path):
    file = labelled(tmp_path / "rare.csv", ["a"] * 5 + ["b"] * 4 + ["c"] * 2 + ["d"])
    with pytest.warns(AltuneWarning, match=r"'c' \(2\), 'd' \(1\); they are the class 'other' with 3 rows"):
        data = load_dataset(file, min_class=3)
    assert (data.classes, data.class_counts.tolist()) == (("a", "b", "other"), [5, 4, 3])
    with pytest.warns(AltuneWarning, match=r"1 class has fewer than 2 rows: 'd' \(1\); the row is left out"):
        data = load_dataset(file, min_class=2)
    assert (data.classes, data.class_counts.tolist(), data.n_rows) == (("a", "b", "c"), [5, 4, 2], 11)
    assert data.X[:, 0].tolist() == list(range(11))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_dataset(file, min_class=1).n_classes == 4
    assert "no row is left" in refused(file, min_class=99)
    with pytest.warns(AltuneWarning, match="they are the class 'other classes' with 2 rows"):
        data = Dataset(np.eye(8), [*["other"] * 3, *["a"] * 3, "b", "c"], min_class=2)
    assert data.classes == ("a", "other", "other classes")


@pytest.mark.parametrize("value", [0, -1, 1.5, True, float("nan")])
def test_a_smallest_class_is_a_whole_number_of_rows(value):
    with pytest.raises(AltuneError, match=r"min_class must be (a whole number of rows|an integer)"):
        Dataset([[1.0], [2.0]], ["a", "b"], min_class=value)
    assert Dataset([[1.0], [2.0]], ["a", "b"], min_class=np.int64(1)).n_rows == 2


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("a;label\n1,5;x\n2,5;y\n", {"sep": ";", "decimal": ","}),
        ("a\tlabel\n1.5\tx\n2.5\ty\n", {"sep": "tab"}),
        ("a|label\n1.5|x\n2.5|y\n", {"sep": "|"}),
        ("id,label,a\n1,x,1.5\n2,y,2.5\n", {"drop": "id"}),
        ("id,label,id,a\n1,x,1,1.5\n2,y,2,2.5\n", {"drop": ["id"]}),
        ("\ufeffa,label\n1.5,x\n2.5,y\n", {}),
        ("\ufeffa,label\n1.5,x\n2.5,y\n", {"encoding": "utf-8"}),
        ("a,label\n1.5,x\n2.5,y\n".encode("utf-16"), {}),
        ("a,label\n1.5,x\n2.5,y\n".encode("utf-32"), {}),
        ("a,label\n1.5,x\n2.5,y\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
        ("a,label\r\n1.5,x\r\n2.5,y\r\n", {}),
        ("a,label\r1.5,x\r2.5,y\r", {}),
        ("a,label\n1.5,x\n2.5,y", {}),
        ("\n\na,label\n1.5,x\n\n2.5,y\n   \n", {}),
        ("# by me\n# twice\na,label\n1.5,x\n2.5,y\n", {}),
        ("a,label\n  1.5,x\n 2.5 ,y\n", {}),
        ('"a","label"\n"1.5","x"\n"2.5","y"\n', {}),
        ('a,label\n"1.500,0",x\n"2.500,0",y\n', {"decimal": ","}),
        ("a,label\n$1.50,x\n$2.50,y\n", {"decimal": "."}),
        ("a,label\n1.5 %,x\n2.5 %,y\n", {"decimal": "."}),
    ],
)
def test_a_text_file_is_read_as_its_options_say(tmp_path, content, options):
    data = Dataset.from_file(write(tmp_path / "a.csv", content), **options)
    assert data.feature_names == ("a",)
    assert (data.X[:, 0] % 1000).tolist() in ([1.5, 2.5], [500.0, 500.0])
    assert data.classes == ("x", "y")


def test_what_is_missing_in_features_and_in_labels(tmp_path):
    file = write(tmp_path / "a.csv", "a,b,label\n-,NA,-\n1,u,x\n2,v,x\n3,w,-\n")
    data = Dataset.from_file(file, missing="-")
    assert data.classes == ("-", "x")
    assert np.isnan(data.X["a"][0])
    assert data.X["b"].isna().tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,size,label\n1,2,x,keep\n2,3,y,drop\n", "line 2 has 4 fields, but line 1 names 3 columns"),
        ("a,b,label\n1,2,x\n" + "1,2,y\n" * 9 + "1,2,3,4,5\n", "line 12 has 5 fields"),
        ('a,b,label\n"1\n1",2,x\n1,2,3,y\n', "line 4 has 4 fields"),
        ("a,b,label\n1,y\n1,2,x\n", "line 2 has 2 fields"),
        ("a,b,label\n1,2,x\n1,2\n1,2,y\n", "line 3 has 2 fields"),
        ("a,label\n1,x,\n2,y,\n", "line 2 has 3 fields, the last one empty"),
        ("\n# by me\na,label\n1,x,2\n", "line 4 has 3 fields, but line 3 names 2"),
        ("a,label\n# later\n1,x\n", "line 2 has 1 field"),
        ("a,label,\n1,x,\n2,y,\n", "or the ',' at the end of the line"),
        ("a, ,label\n1,2,x\n", "column 2 has no name in line 1"),
        ("5.1,3.5,x\n4.9,3.0,y\n", "'5.1' looks like a value: the first line must name the columns"),
        ("a;b;label\n1,5;2,5;x\n", "give --sep ';'"),
        ("a\tlabel\n1\tx\n", "give --sep tab"),
        ("a,label\n1,x\n2,\0\n", "line 3 has a NUL character"),
        ("a,label\n1,x\n2,y\n\0\0\0", "line 4 has a NUL character"),
        ("a,label\n1,\u00e9\n".encode("utf-16-le"), "--encoding utf-16-le"),
        ("a,label\n1,x\n2,\u00e9\n".encode("latin-1"), "line 3: byte 0xe9 is not UTF-8; give --encoding"),
        ('a,label\n1,x\n"2,y\n3,x\n', "line 3 opens a quotation mark that is not closed"),
        ('a,label\n"1,x\n2,y\n3,x\n', "line 2 opens a quotation mark that is not closed"),
        ("x" * 200_000, "field larger than field limit"),
        ("a,label", "has column names but no rows"),
        ("a,label\ninf,x\n1,y\n", "column 'a' has inf in row 0"),
        ("a,label\n1,x\n1e308,y\n", "column 'a' has 1e+308 in row 1; rescale it"),
        ("a,b,label\n1,,x\n2,,y\n", "column 'b' has no value in any row; leave it out (--drop)"),
    ],
)
def test_an_odd_text_file_is_refused_with_the_line(tmp_path, content, said):
    assert said in refused(write(tmp_path / "a.csv", content))


def test_a_gzipped_file_is_refused_with_the_line_too(tmp_path):
    assert "line 3 has 1 field" in refused(write(tmp_path / "a.csv.gz", gzip.compress(b"a,label\n1,x\n2\n")))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sep": "ab"}, "the separator must be one character"),
        ({"sep": ""}, "the separator must be one character"),
        ({"sep": '"'}, "the separator must be one character"),
        ({"sep": 5}, "sep must be a text, not 5"),
        ({"encoding": "klingon"}, "unknown encoding 'klingon'"),
        ({"encoding": "base64"}, "unknown encoding 'base64'"),
        ({"decimal": ";"}, "the decimal mark must be '.' or ','"),
        ({"decimal": ",", "sep": ","}, "cannot be both the separator and the decimal mark"),
        ({"drop": [1]}, "drop must be texts, not 1"),
        ({"drop": "y", "target": "y"}, "the target column 'y' cannot be dropped"),
        ({"skip_unlabelled": "no"}, "skip_unlabelled must be True or False"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, said):
    with pytest.raises(DataError, match=r"^[^\n]*$") as caught:
        Reading(**options)
    assert said in str(caught.value)


def test_a_column_to_drop_must_be_there(tmp_path):
    file = write(tmp_path / "a.csv", "size,weight,label\n1,2,x\n3,4,y\n")
    assert "no column 'sise' to drop; did you mean 'size'?" in refused(file, drop="sise")
    assert "only the target column" in refused(file, drop=["size", "weight"])
    assert "drop fewer" in refused(file, drop=["size", "weight", "label"])


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("a.svmlight", {"sep": ";"}, "leave out sep (--sep)"),
        ("a.svmlight", {"drop": "b"}, "leave out drop (--drop)"),
        ("a.npz", {"encoding": "utf-8"}, "leave out encoding"),
        ("a.parquet", {"encoding": "latin-1"}, "only text files have an encoding"),
        ("a.jsonl", {"sep": ";"}, "only .csv and .tsv files have a separator"),
        ("a.csv", {"sheet": "one"}, "only Excel files have sheets"),
    ],
)
def test_an_option_of_another_kind_of_file_is_refused(tmp_path, name, options, said):
    assert said in refused(write(tmp_path / name, "1 1:0.5\n0 1:1\n"), **options)


def test_options_of_reading_mean_nothing_for_a_built_in_data_set():
    for options in ({"sep": ";"}, {"min_class": 3}, {"skip_unlabelled": True}):
        with pytest.raises(DataError, match="iris is built in"):
            load_dataset("iris", **options)


def test_labels_of_svmlight_are_exact_or_refused(tmp_path):
    file = write(tmp_path / "a.svmlight", "9007199254740993 1:0.5\n9007199254740992 2:1\n1 1:1\n")
    assert "is not exact in this kind of file" in refused(file)


def test_options_are_stored_and_read_back():
    reading = Reading("kind", sep=";", drop=("id", "note"), decimal=",", skip_unlabelled=True, min_class=3)
    assert Reading.of_stored(reading.stored) == reading
    assert Reading.of_stored({"data": "a.csv", "target": None}) == Reading()
    assert reading_words(reading.stored) == [
        *("--target", "kind", "--sep", ";", "--decimal", ",", "--drop", "id", "--drop", "note"),
        *("--skip-unlabelled", "--min-class", "3"),
    ]
