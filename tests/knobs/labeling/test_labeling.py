"""Labels of unequal annotators, of the model itself, and of rules of thumb; and further audits."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from joblib.externals.loky.backend.reduction import dumps
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.preprocessing import scale

import altune
from altune.core.errors import FormatError, RequestError, WorkError
from altune.core.pool import Pool
from altune.core.registry import methods, parse_method
from altune.core.streams import Streams
from altune.data import Dataset
from altune.knobs.labeling import AUDITS, FEATURE_AUDITS, Answers, Automatic, audit_ranking, dawid_skene
from altune.knobs.labeling.functions import unregister_label_function
from altune.knobs.labeling.label_models import given_beliefs, latent_classes, most_named
from altune.loop.loop import ActiveLearningLoop
from altune.models import LogisticRegressionModel
from altune.recipes.recipe import Capabilities, Recipe
from altune.recipes.space import SearchSpace
from altune.simulation.scenario import Annotator, Scenario
from altune.workflows.simulate import simulate

STREAMS = Streams(0, "cancer", "search", 0)


def labeling(name, **parameters):
    return parse_method("labeling", {"method": name, **parameters})


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris", feature_names=["sepal length", "sepal width", "petal length", "petal width"])


def test_every_way_of_the_list_is_there():
    assert set(methods("labeling")) == {"single", "majority", "dawid_skene", "auto", "label_functions"}


# Dawid and Skene ------------------------------------------------------------------------------------


def crowd(n_items=300, seed=0):
    """Return truth and the answers of three good annotators, one that sees classes 1 and 2 swapped, one at random."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=n_items)
    swapped = np.array([0, 2, 1])[truth]
    sheets = []
    for kind in range(5):
        sure = {3: swapped, 4: rng.integers(3, size=n_items)}.get(kind, truth)
        error = {3: 0.05, 4: 0.0}.get(kind, 0.3)
        sheets.append(np.where(rng.random(n_items) < error, rng.integers(3, size=n_items), sure))
    return truth, np.stack(sheets)


def test_confusions_and_classes_are_found_together():
    truth, sheets = crowd()
    items = np.tile(np.arange(300), 5)
    found = dawid_skene(items, np.repeat(np.arange(5), 300), sheets.ravel(), 3, smoothing=0.1)
    votes = np.stack([(sheets == code).sum(axis=0) for code in range(3)], axis=1)
    assert np.mean(found.posterior.argmax(axis=1) == truth) > np.mean(votes.argmax(axis=1) == truth) + 0.03
    assert found.confusion[3, 1, 2] > 0.9  # who swaps two classes is found out, and so made use of
    assert found.confusion[:, 0, 0][:3] == pytest.approx(0.8, abs=0.1)
    assert found.confusion[4] == pytest.approx(1 / 3, abs=0.12)
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1.0)
    np.testing.assert_allclose(found.confusion.sum(axis=2), 1.0)
    assert found.prior == pytest.approx(np.bincount(truth) / 300, abs=0.05)


def test_the_estimate_is_a_fixed_point_of_both_steps():
    _, sheets = crowd(120)
    items, who = np.tile(np.arange(120), 5), np.repeat(np.arange(5), 120)
    found = dawid_skene(items, who, sheets.ravel(), 3, smoothing=0.5)
    confusion = np.full((5, 3, 3), 0.5)
    for annotator in range(5):
        for item in range(120):
            confusion[annotator, :, sheets[annotator, item]] += found.posterior[item]
    confusion /= confusion.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(found.confusion, confusion, atol=1e-4)
    prior = (found.posterior.sum(axis=0) + 0.5) / (120 + 1.5)
    q = np.log(prior) + sum(np.log(confusion[j][:, sheets[j]]).T for j in range(5))
    q = np.exp(q - q.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found.posterior, q / q.sum(axis=1, keepdims=True), atol=1e-4)


def test_the_method_beats_the_vote_and_answers_in_the_order_asked():
    truth, sheets = crowd()
    method, vote = labeling("dawid_skene", annotators=5), labeling("majority", annotators=5)
    rows, who = method.ask(np.arange(300), 5, np.random.default_rng(1))
    assert method.labels_per_row == 5
    answers = Answers()
    answers.add(rows, who, sheets[who, rows])
    order = np.random.default_rng(2).permutation(300)
    labels = method.combine(answers, order, 3)
    assert np.mean(labels == truth[order]) > np.mean(vote.combine(answers, order, 3) == truth[order]) + 0.03
    np.testing.assert_array_equal(method.combine(answers, order[:9], 3), labels[:9])


def test_trust_keeps_it_from_being_worse_than_the_vote_while_answers_are_few():
    rng = np.random.default_rng(0)
    errors = {"trust": [], "none": [], "vote": []}
    for _ in range(60):
        truth = rng.integers(3, size=20)
        who = np.argsort(rng.random((20, 5)), axis=1)[:, :3].ravel()
        items = np.repeat(np.arange(20), 3)
        said = np.where(rng.random(60) < 0.25, (truth[items] + rng.integers(1, 3, size=60)) % 3, truth[items])
        answers = Answers()
        answers.add(items, who, said)
        for name, method in (
            ("trust", labeling("dawid_skene")),
            ("none", labeling("dawid_skene", trust=0.0)),
            ("vote", labeling("majority")),
        ):
            errors[name].append(np.mean(method.combine(answers, np.arange(20), 3) != truth))
    assert np.mean(errors["trust"]) < np.mean(errors["vote"]) + 0.02
    assert np.mean(errors["none"]) > np.mean(errors["trust"]) + 0.05


def test_more_annotators_than_the_scenario_has_are_refused():
    recipe = Recipe(labeling={"method": "dawid_skene", "annotators": 5})
    assert "asks 5 annotators, and the scenario has 3" in recipe.problems(Capabilities(annotators=3))[0]
    assert "several annotators" in recipe.problems(Capabilities())[0]


# auto-labels ----------------------------------------------------------------------------------------


class Sure:
    """A model that says p₁ for class 1 of each row as its only feature has it."""

    def class_scores(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])


def sure_pool(values, closed=()):
    pool = Pool(np.array(values)[:, None], 2, budget=10)
    pool.close(np.array(closed, dtype=int))
    pool.model = Sure()
    return pool


def test_the_surest_candidates_get_the_models_own_label():
    pool = sure_pool([0.99, 0.5, 0.02, 0.97, 1.0, 0.94], closed=[4])
    found = labeling("auto", threshold=0.95, weight=0.3).automatic(pool, None)
    assert found.rows.tolist() == [0, 2, 3]
    assert found.labels.tolist() == [1, 0, 1]
    assert found.weight == 0.3
    assert labeling("auto", threshold=0.95, quota=2).automatic(pool, None).rows.tolist() == [0, 2]
    assert labeling("auto", threshold=1.0).automatic(pool, None) is None
    pool.model = None
    assert labeling("auto").automatic(pool, None) is None


def test_auto_labels_are_taken_back_or_kept():
    earlier = Automatic(np.array([0, 1, 3, 4]), np.array([1, 1, 1, 1]), 0.5)
    pool = sure_pool([0.99, 0.5, 0.98, 0.01, 0.99, 0.96], closed=[4])  # row 4 was bought, 1 is doubtful, 3 turned
    again = labeling("auto", quota=1).automatic(pool, earlier)
    assert again.rows.tolist() == [0, 2, 3]
    assert again.labels.tolist() == [1, 1, 0]
    kept = labeling("auto", quota=1, revocable=False).automatic(pool, earlier)
    assert kept.rows.tolist() == [0, 1, 2, 3]
    assert kept.labels.tolist() == [1, 1, 1, 1]


def played(data, **fields):
    scenario = Scenario(price_per_auto_label=0.01, price_per_label=1.0)
    return simulate(Recipe(**fields), data, budget=30, loops=4, n_blocks=1, scenario=scenario).curves[0]


def test_auto_labels_cost_no_labels_and_their_price():
    curve = played("breast_cancer", labeling={"method": "auto", "threshold": 0.8, "quota": 30})
    given = [fact.get("auto_labels", 0) for fact in curve.notes]
    assert given[0] == 0
    assert 0 < given[1] <= 30
    assert curve.labels[-1] == 30 == len(curve.rows)
    assert curve.used.tolist() == curve.labels.tolist()
    first = (curve.cost - curve.labels) / 0.01
    assert first[1] == pytest.approx(given[1])
    assert given[-1] <= round(first[-1]) <= 30 * (len(curve) - 1)  # each row is paid for once
    assert all("wrong_auto_labels" in fact for fact in curve.notes[1:])


def test_the_model_is_trained_on_both_kinds_by_their_weights():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    recipe = Recipe(
        labeling={"method": "auto", "threshold": 0.9, "weight": 0.25}, initial_sample={"method": "random", "size": 20}
    )
    loop = ActiveLearningLoop(recipe, X, 2, budget=30, loops=1, streams=STREAMS)
    loop.tell(y[loop.ask().rows])
    assert loop.automatic is None
    first = loop.model
    loop.tell(y[loop.ask().rows])
    auto = loop.automatic
    rest = np.setdiff1d(np.arange(569), loop.bought)
    scores = first.class_scores(X[rest])
    sure = rest[scores.max(axis=1) >= 0.9]
    assert set(auto.rows.tolist()) <= set(sure.tolist())
    assert len(auto.rows) == min(50, len(sure))
    rows = np.concatenate([loop.pool.labelled, auto.rows])
    labels, weights = np.concatenate([y[loop.pool.labelled], auto.labels]), np.repeat([1.0, 0.25], [30, len(auto.rows)])
    expected = LogisticRegressionModel().fit(X[rows], labels, 2, 0, weights)
    np.testing.assert_allclose(loop.model.class_scores(X), expected.class_scores(X), atol=1e-4)
    assert len(loop.pool.labelled) == 30  # strategies see what was bought alone
    assert np.isin(auto.rows, loop.pool.candidates).all()


def test_people_label_alone_or_by_vote():
    recipe = Recipe(labeling={"method": "auto", "by": "majority", "annotators": 5})
    assert "asks 5 annotators" in recipe.problems(Capabilities(annotators=3))[0]
    assert recipe.problems(Capabilities(annotators=5)) == []
    assert recipe.labeling.labels_per_row == 5
    assert Recipe(labeling="auto").labeling.labels_per_row == 1
    knn = Recipe(labeling="auto", model="k_nearest_neighbours")
    assert "takes no sample weights; use weight 1.0" in knn.problems(Capabilities())[0]
    assert knn.replace(labeling={"method": "auto", "weight": 1.0}).problems(Capabilities()) == []


# label functions ------------------------------------------------------------------------------------


def conditions(*written):
    names = ("column", "condition", "value", "label")
    return [dict(zip(names, one, strict=True)) for one in written]


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    ("condition", "value", "rows"),
    [
        ("<", 2.0, [0, 1]),
        ("<=", 2.0, [0, 1, 2]),
        (">", 2.0, [3, 4]),
        (">=", 2.0, [2, 3, 4]),
        ("==", 3.0, [3]),
        ("in", [0, 4], [0, 4]),
        ("between", [1, 3], [1, 2, 3]),
    ],
)
def test_a_condition_speaks_of_the_rows_that_meet_it(make, condition, value, rows):
    X = make(np.column_stack([np.zeros(5), np.arange(5.0)]))
    one = labeling("label_functions", functions=conditions((1, condition, value, 1))).functions[0]
    assert np.flatnonzero(one.votes(X, None, 2) == 1).tolist() == rows
    named = labeling("label_functions", functions=conditions(("b", condition, value, 1))).functions[0]
    assert np.flatnonzero(named.votes(X, ("a", "b"), 2) == 1).tolist() == rows


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ({"column": 0, "condition": "<", "value": 1.0}, "write {column"),
        ({"column": 0, "condition": "in", "value": 1.0, "label": 0}, "list of numbers"),
        ({"column": 0, "condition": "<", "value": [1.0], "label": 0}, "one number"),
        ({"column": 0, "condition": "between", "value": [1.0, 2.0, 3.0], "label": 0}, "two numbers"),
        ({"column": 0, "condition": "!=", "value": 1.0, "label": 0}, "functions[0].condition"),
        ({"function": "nobody_knows"}, "no label function 'nobody_knows'"),
    ],
)
def test_what_is_no_label_function_is_refused_with_its_place(function, words):
    with pytest.raises(FormatError) as caught:
        Recipe(labeling={"method": "label_functions", "functions": [function]})
    assert words in str(caught.value)
    assert str(caught.value).startswith("labeling.functions[0]")


def test_given_needs_accuracies():
    with pytest.raises(FormatError, match="needs the `accuracy`"):
        labeling("label_functions", functions=conditions((0, "<", 1.0, 0)), label_model="given")


def test_a_class_or_column_that_is_not_there_is_refused_before_playing():
    def first_problem(*written):
        recipe = Recipe(labeling={"method": "label_functions", "functions": conditions(*written)})
        return recipe.problems(
            Capabilities(n_classes=3, n_features=4, feature_names=("petal", "sepal", "stem", "root"))
        )[0]

    assert "classes 0 to 2, no 3" in first_problem((0, "<", 1.0, 3))
    assert "column 4; the features have 0 to 3" in first_problem((4, "<", 1.0, 0))
    assert "did you mean 'petal'" in first_problem(("petl", "<", 1.0, 0))
    with pytest.raises(RequestError, match="did you mean 'petal length'"):
        simulate(
            Recipe(labeling={"method": "label_functions", "functions": conditions(("petal lenth", "<", 1.0, 0))}),
            iris(),
            budget=20,
            n_blocks=1,
        )


def test_votes_that_are_even_give_no_label():
    votes = np.array([[0, 0, 1], [0, -1, 1], [-1, -1, -1], [-1, 2, -1]])
    assert most_named(votes, 3).tolist() == [0, -1, -1, 2]


def test_given_is_bayes_rule_by_hand():
    votes = np.array([[0], [0], [-1], [-1]])
    prior = np.array([0.25, 0.75])
    # names class 0 for half the rows, rightly for 40 %: P(0 | 0) = .2/.25 and P(0 | 1) = .3/.75
    found = given_beliefs(votes, prior, np.array([0.4]), [None])
    assert found[0] == pytest.approx([0.4, 0.6])
    silence = np.array([0.25 * 0.2, 0.75 * 0.6])
    assert found[2] == pytest.approx(silence / silence.sum(), rel=1e-4)
    stated = given_beliefs(votes, prior, np.array([0.4]), [0.25])
    silent = np.array([0.25 * (1 - 0.1 / 0.25), 0.75 * (1 - 0.15 / 0.75)])
    assert stated[2] == pytest.approx(silent / silent.sum(), rel=1e-4)


def rough_functions(n_rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(2, size=n_rows)
    votes = np.full((n_rows, 5), -1)
    for place, (accuracy, coverage) in enumerate([(0.9, 0.6), (0.85, 0.5), (0.8, 0.6), (0.55, 0.9), (0.55, 0.9)]):
        said = np.where(rng.random(n_rows) < accuracy, truth, 1 - truth)
        votes[:, place] = np.where(rng.random(n_rows) < coverage, said, -1)
    return truth, votes


def test_accuracies_given_or_found_beat_the_plain_vote():
    truth, votes = rough_functions()
    spoken = (votes >= 0).any(axis=1)
    vote = np.mean(most_named(votes, 2)[spoken] == truth[spoken])
    accuracy = np.array([0.9, 0.85, 0.8, 0.55, 0.55])
    given = given_beliefs(votes, np.array([0.5, 0.5]), accuracy, [None] * 5).argmax(axis=1)
    found = latent_classes(votes, 2).argmax(axis=1)
    assert np.mean(given[spoken] == truth[spoken]) > vote + 0.03
    assert np.mean(found[spoken] == truth[spoken]) > vote + 0.03
    assert latent_classes(np.full((3, 2), -1), 2).tolist() == [[0.5, 0.5]] * 3


FLOWERS = conditions(
    ("petal length", "<", -0.8, 0), ("petal length", "between", [-0.4, 0.6], 1), ("petal length", ">", 0.9, 2)
)


def test_label_functions_help_where_labels_are_few():
    options = {"budget": 6, "loops": 1, "n_blocks": 3}
    start = {"initial_sample": {"method": "random", "size": 3}}
    plain = simulate(Recipe(**start), iris(), **options)
    helped = simulate(Recipe(labeling={"method": "label_functions", "functions": FLOWERS}, **start), iris(), **options)
    assert helped.mean > plain.mean + 0.1
    curve = helped.curves[0]
    assert curve.labels.tolist() == [3, 6]
    assert curve.notes[0]["auto_labels"] > 50
    assert curve.cost.tolist() == [3, 6]
    for model in ("given", "em"):
        functions = [{**one, "accuracy": 0.9} for one in FLOWERS]
        method = {"method": "label_functions", "functions": functions, "label_model": model}
        assert simulate(Recipe(labeling=method, **start), iris(), **options).mean > plain.mean + 0.1


def test_a_rule_in_a_file_reads_back_and_stands_in_a_space():
    recipe = Recipe(labeling={"method": "label_functions", "functions": FLOWERS, "label_model": "em"})
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert Recipe.from_dict(recipe.to_dict()).digest() == recipe.digest()
    space = SearchSpace.from_dict({"labeling": recipe.labeling.to_dict(), "query_strategy": ["random", "margin"]})
    assert space.recipe_at({"query_strategy": "margin"}) == recipe


def test_a_registered_function_labels_here_and_travels_to_worker_processes():
    def short(X):
        return np.where(X[:, 2] < -0.8, 0, -1)

    altune.register_label_function("short_of_test", short)
    try:
        recipe = Recipe(labeling={"method": "label_functions", "functions": [{"function": "short_of_test"}]})
        sent = dumps(recipe)  # as joblib sends it
        unregister_label_function("short_of_test")
        written = Recipe(labeling={"method": "label_functions", "functions": conditions((2, "<", -0.8, 0))})
        curves = [
            simulate(one, iris(), budget=12, loops=2, n_blocks=2).curves
            for one in (recipe, written, pickle.loads(sent))
        ]
        for others in zip(*curves, strict=True):
            assert others[0].notes[0]["auto_labels"] > 10
            assert len({json.dumps([one.scores["accuracy"].tolist(), one.notes]) for one in others}) == 1
        was = recipe.labeling.fingerprint()
        altune.register_label_function("short_of_test", lambda X: np.where(X[:, 2] < 0, 0, -1))
        assert Recipe.from_dict(recipe.to_dict()).labeling.fingerprint() != was
    finally:
        unregister_label_function("short_of_test")
    with pytest.raises(FormatError, match=r"see altune\.register_label_function"):
        Recipe.from_dict(recipe.to_dict())


@pytest.mark.parametrize("answer", [np.zeros(3), np.array([0.5] * 113), np.full(113, 7)])
def test_a_function_that_gives_no_class_codes_is_named(answer):
    altune.register_label_function("bad_of_test", lambda X: answer)
    try:
        recipe = Recipe(labeling={"method": "label_functions", "functions": [{"function": "bad_of_test"}]})
        with pytest.raises(WorkError, match="label function 'bad_of_test' must give"):
            simulate(recipe, iris(), budget=12, loops=2, n_blocks=1)
    finally:
        unregister_label_function("bad_of_test")


# audits ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def planted():
    """Return features, labels with 8 % planted errors, and which they are."""
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X)[:250], y[:250]
    wrong = np.zeros(250, dtype=bool)
    wrong[np.random.default_rng(3).choice(250, 20, replace=False)] = True
    return X, np.where(wrong, 1 - y, y), wrong


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("name", [*AUDITS, *FEATURE_AUDITS])
def test_each_audit_finds_planted_errors(name, make, planted):
    X, y, wrong = planted
    found = audit_ranking(name, LogisticRegressionModel(), make(X), y, 2, share=0.08, streams=STREAMS, loop=0)
    assert found.ran
    assert 0 < len(found.suspects) <= 20
    # An isolation forest knows what is odd among its class, not what is wrong, so it does less well.
    assert wrong[found.suspects].mean() > (0.2 if name == "isolation_forest" else 0.6)


def test_scores_of_labels_by_hand():
    p = np.array([[0.4, 0.35, 0.25], [0.1, 0.2, 0.7], [0.9, 0.05, 0.05], [0.3, 0.36, 0.34]])
    labels = np.array([1, 0, 0, 0])
    assert AUDITS["self_confidence"](labels, p).tolist() == [1, 3, 0]  # .1, .3, .35; the third is right
    assert AUDITS["normalized_margin"](labels, p).tolist() == [1, 3, 0]  # −.6, −.06, −.05
    entropy = -(p * np.log(p)).sum(axis=1)
    surprise = -np.log(p[np.arange(4), labels]) - entropy
    expected = [place for place in np.argsort(-surprise) if surprise[place] > 0]
    assert AUDITS["cross_entropy_entropy"](labels, p).tolist() == expected


def test_neighbours_that_disagree():
    X = np.concatenate([np.linspace(0, 1, 20), np.linspace(9, 10, 20)])[:, None]
    labels = np.repeat([0, 1], 20)
    labels[[3, 30]] = 1, 0
    assert set(FEATURE_AUDITS["knn_disagreement"](labels, X, 0).tolist()) == {3, 30}


def test_an_audit_without_a_model_needs_no_scores_of_it():
    class Mute(LogisticRegressionModel):
        """Has no class scores."""

        def able(self):
            return frozenset(super().able() - {"class_scores", "probabilities", "decision_function"})

    facts = Capabilities()
    for name in FEATURE_AUDITS:
        assert labeling("single", audit=name).objections(Mute(), facts) == []
    for name in AUDITS:
        assert "needs class scores" in labeling("single", audit=name).objections(Mute(), facts)[0]


def test_relabelling_tells_how_many_labels_it_corrected():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    told = y.copy()
    flipped = np.random.default_rng(0).choice(569, 60, replace=False)
    told[flipped] = 1 - told[flipped]
    recipe = Recipe(
        labeling={"method": "single", "audit": "normalized_margin", "action": "relabel", "share": 0.1},
        initial_sample={"method": "random", "size": 300},
    )
    loop = ActiveLearningLoop(recipe, X, 2, budget=400, loops=3, streams=STREAMS)
    loop.tell(told[loop.ask().rows])
    request = loop.ask()
    assert 0 < len(request.again) <= 30
    assert set(request.again.tolist()) <= set(loop.bought.tolist())
    loop.tell(y[request.rows])
    notes = loop.records[1].notes
    assert notes["labels_bought_again"] == len(request.again)
    assert notes["labels_corrected"] == np.count_nonzero(told[request.again] != y[request.again]) > 5


def test_several_annotators_are_worth_their_price_only_where_they_err():
    recipes = {name: Recipe(labeling=one) for name, one in (("one", "single"), ("many", {"method": "dawid_skene"}))}
    wrong = {}
    for name, recipe in recipes.items():
        scenario = Scenario(annotators=(Annotator(error=0.25),) * 5)
        curves = simulate(recipe, iris(), budget=60, loops=3, n_blocks=2, scenario=scenario).curves
        wrong[name] = np.mean([curve.notes[-1].get("wrong_labels_used", 0.0) for curve in curves])
        assert {curve.labels[-1] for curve in curves} == {60}
    assert wrong["many"] < wrong["one"] - 0.05
