"""Every registered method keeps the contract, and each check of the contract catches who breaks it."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from pydantic import ConfigDict, Field
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

import altune.knobs  # noqa: F401
from altune.core.errors import AltuneError, MissingExtraError, RequestError
from altune.core.registry import KNOBS, Method, every_method, methods, parse_method, register, unregister
from altune.core.types import TrainingSet
from altune.knobs.initial_sample import InitialSample
from altune.knobs.labeling import SingleAnnotator
from altune.knobs.loop_size import LoopSize
from altune.knobs.model_init import ModelInit
from altune.knobs.query_strategy import QueryStrategy, ScoreStrategy, chosen_by
from altune.knobs.retrain import Retrain
from altune.knobs.stopping import Stopping
from altune.knobs.training import Training
from altune.models import FittedModel, Model, NaiveBayes, SoftmaxRegression, register_estimator
from altune.models.custom import CustomModel
from altune.testing import ContractError, check_method, check_query_strategy, checks_for, variants

QUICK: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 5},
    "extra_trees": {"n_estimators": 5},
    "hist_gradient_boosting": {"max_iter": 5},
    "sgd": {"max_epochs": 20},
    "mlp": {"max_epochs": 20, "hidden_units": 10, "learning_rate": 0.05},
}


def every_check():
    for cls in every_method():
        if issubclass(cls, CustomModel):
            continue
        name = cls.model_fields["method"].default
        method = parse_method(cls.knob, {"method": name, **QUICK.get(name, {})})
        for number, variant in enumerate(variants(method)):
            for what, check in checks_for(variant):
                yield pytest.param(check, id=f"{cls.knob}-{name}-{number}-{what}")


@pytest.mark.parametrize("check", list(every_check()))
def test_contract(check):
    try:
        check()
    except ContractError as error:
        if isinstance(error.__cause__, MissingExtraError):
            pytest.skip(str(error.__cause__))
        raise


# methods that break it ------------------------------------------------------------------------------


class Strategy(QueryStrategy):
    """Random rows; the ones below break it."""

    method: Literal["broken"] = "broken"

    def select(self, pool, size, rng):
        return rng.permutation(pool.candidates)[:size]


class WithoutWords(Strategy):
    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)


class Undescribed(Strategy):
    """A parameter without a description."""

    beta: float = Field(default=1.0, ge=0, le=2)


class Boundless(Strategy):
    """A number without a range."""

    beta: float = Field(default=1.0, description="an exponent")


class Nameless(Strategy):
    """Any name will do."""

    method: str = "broken"


class Forgetful(Strategy):
    """Writes less than it is."""

    beta: float = Field(default=1.0, ge=0, le=2, description="an exponent")

    def to_dict(self):
        return {"method": self.method}


class Melting(Strategy):
    """Can be changed."""

    model_config = ConfigDict(frozen=False)


class Demanding(Strategy):
    """Needs what no model has."""

    needs: ClassVar[Any] = frozenset({"telepathy"})


class HomeBound(Strategy):
    """Stays where it is."""

    def __reduce__(self):
        raise TypeError("cannot pickle a socket")


class Twice(Strategy):
    """The same row again and again."""

    def select(self, pool, size, rng):
        return rng.choice(pool.candidates, size=min(size, len(pool.candidates)))


class Positions(Strategy):
    """Positions among the candidates instead of rows."""

    def select(self, pool, size, rng):
        return rng.permutation(len(pool.candidates))[:size]


class Anonymous(Strategy):
    """Leaves open who chose its rows."""

    def choose(self, pool, size, rng):
        return chosen_by("", self.select(pool, size, rng))


class Inconsistent(Strategy):
    """Chooses other rows than it selects."""

    def choose(self, pool, size, rng):
        return chosen_by("broken", self.select(pool, size, rng)[::-1])


class Wordless(Strategy):
    """Returns rows in place of a choice."""

    def choose(self, pool, size, rng):
        return self.select(pool, size, rng)


class Greedy(Strategy):
    """One row too many, where there is one."""

    def select(self, pool, size, rng):
        return rng.permutation(pool.candidates)[: size + 1]


class Floating(Strategy):
    """Row numbers as floats."""

    def select(self, pool, size, rng):
        return rng.permutation(pool.candidates)[:size].astype(float)


class Standardised(Strategy, ScoreStrategy):
    """The largest first feature, standardised: 0/0 where it is constant."""

    select = ScoreStrategy.select

    def scores(self, pool, rng):
        x = np.asarray(pool.X[:, :1].toarray() if hasattr(pool.X, "toarray") else pool.X[:, :1])[pool.candidates, 0]
        with np.errstate(all="ignore"):
            return (x - x.mean()) / x.std()


class Global(Strategy):
    """Draws from numpy's global state."""

    def select(self, pool, size, rng):
        return np.random.permutation(pool.candidates)[:size]  # noqa: NPY002


class PythonGlobal(Strategy):
    """Draws from Python's global state."""

    def select(self, pool, size, rng):
        return np.array(random.sample(pool.candidates.tolist(), min(size, len(pool.candidates))))


class Entropic(Strategy):
    """Makes a generator of its own from the operating system's entropy."""

    def select(self, pool, size, rng):
        return np.random.default_rng().permutation(pool.candidates)[:size]


CALLS: list[int] = []


class Remembering(Strategy):
    """Counts how often it was asked about a pool, and acts on it."""

    def select(self, pool, size, rng):
        pool.loop_asked = getattr(pool, "loop_asked", 0) + 1
        return np.roll(pool.candidates, pool.loop_asked)[:size]


class Closing(Strategy):
    """Takes its picks out of the pool itself."""

    def select(self, pool, size, rng):
        rows = super().select(pool, size, rng)
        pool.close(rows)
        return rows


class Scaling(Strategy):
    """Centres the features in place."""

    def select(self, pool, size, rng):
        data = pool.X.data if hasattr(pool.X, "indptr") else pool.X
        data -= data.mean()
        return super().select(pool, size, rng)


class Sorting(Strategy):
    """Sorts the model's class scores in place."""

    needs: ClassVar[Any] = frozenset({"class_scores"})

    def select(self, pool, size, rng):
        pool.known().probabilities.sort(axis=1)
        return super().select(pool, size, rng)


class Secretive(Strategy):
    """Uses class scores without saying so."""

    def select(self, pool, size, rng):
        return pool.candidates[np.argsort(pool.known().margin + 1e-9 * rng.random(len(pool.candidates)))[:size]]


class FirstComes(Strategy):
    """Ties fall by row order."""

    def select(self, pool, size, rng):
        return pool.candidates[:size]


class First(InitialSample):
    """Two rows, whatever was asked."""

    method: Literal["broken"] = "broken"

    def select(self, pool, size, rng):
        return rng.permutation(pool.candidates)[:2]


class Sizes(LoopSize):
    """Loops of a size."""

    method: Literal["broken"] = "broken"
    b: float = Field(default=0, ge=0, le=9, description="a size")

    def next_size(self, state):
        return int(self.b) if self.b == int(self.b) else self.b


class DrawnSizes(Sizes):
    """Loops of a random size."""

    def next_size(self, state):
        return 1 + random.randrange(50)


class Rule(Stopping):
    """Stops after three loops; the ones below break it."""

    method: Literal["broken"] = "broken"

    def note(self, view):
        return {"stop_labels": float(view.labels_bought)}

    def fires(self, notes):
        return len(notes) > 3 and "stop_labels" in notes[-1]


class NumpyNotes(Rule):
    """Notes numpy's numbers."""

    def note(self, view):
        return {"stop_labels": np.float64(view.labels_bought)}


class UndefinedNotes(Rule):
    """Notes 0/0."""

    def note(self, view):
        return {"stop_labels": float("nan")}


class Negative(Rule):
    """Buys less than nothing."""

    @property
    def held_out_rows(self):
        return -1


class NeedsHoldout(Rule):
    """Divides by the held-out rows."""

    def note(self, view):
        return {"stop_score": sum(view.held_out_labels == view.held_out_predictions) / len(view.held_out_labels)}


class Counting(Rule):
    """Counts how often it was asked instead of reading the notes."""

    def fires(self, notes):
        if notes and "stop_labels" in notes[-1]:
            CALLS.append(1)
        return len(CALLS) > 4


class Rewriting(Rule):
    """Writes into the notes."""

    def fires(self, notes):
        for note in notes:
            note["seen"] = 1.0
        return False


class AtOnce(Rule):
    """Fires where nothing speaks against it."""

    def fires(self, notes):
        return all(note.get("stop_labels", 99.0) > 90 for note in notes)


class Jittering(Rule):
    """Notes noise."""

    def note(self, view):
        return {"stop_labels": float(np.random.default_rng().random())}


class Cheap(SingleAnnotator):
    """Says three labels a row and buys one."""

    @property
    def labels_per_row(self):
        return 3


class Strangers(SingleAnnotator):
    """Asks annotators that are not there."""

    def ask(self, rows, n_annotators, rng):
        return rows, np.full(len(rows), n_annotators)


class Inventing(SingleAnnotator):
    """Labels by its own lights."""

    def combine(self, answers, rows, n_classes):
        return np.zeros(len(rows), dtype=int)


class InAnswersOrder(SingleAnnotator):
    """One label for each row answered, in the order of row numbers."""

    def combine(self, answers, rows, n_classes):
        return super().combine(answers, np.sort(rows), n_classes)


class Erasing(SingleAnnotator):
    """Forgets all but the newest answers."""

    def combine(self, answers, rows, n_classes):
        labels = super().combine(answers, rows, n_classes)
        answers.labels[: len(answers.labels) // 2] = labels[0]
        return labels


class WhoeverComes(SingleAnnotator):
    """Asks whom numpy's global state names."""

    def ask(self, rows, n_annotators, rng):
        return rows, np.random.randint(n_annotators, size=len(rows))  # noqa: NPY002


class Bare(Retrain):
    """Gives scikit-learn's estimator itself."""

    method: Literal["broken"] = "broken"

    def train(self, turn):
        return turn.start().estimator


class PlainWarmStart(Retrain):
    """scikit-learn's own warm start, which refuses classes that appear."""

    method: Literal["broken"] = "broken"

    def train(self, turn):
        if turn.previous is None or turn.previous.estimator is None:
            return turn.start()
        if not isinstance(turn.previous.estimator, LogisticRegression):
            return turn.start()
        fitted = turn.start()
        fitted.estimator = turn.previous.estimator.set_params(warm_start=True).fit(turn.training.X, turn.training.y)
        return fitted


class Overwriting(Retrain):
    """Learns into the model of the loop before."""

    method: Literal["broken"] = "broken"

    def train(self, turn):
        fitted = turn.start()
        if turn.previous is not None:
            vars(turn.previous).update(vars(fitted))
        return fitted


class Stubborn(Retrain):
    """Keeps its first model for ever."""

    method: Literal["broken"] = "broken"

    def train(self, turn):
        return turn.start() if turn.previous is None else turn.previous


class Unweighted(Retrain):
    """Has no place for weights."""

    method: Literal["broken"] = "broken"

    def train(self, turn):
        if turn.training.weights is not None:
            raise ValueError("weights?")
        return turn.start()


class Starts(ModelInit):
    """Starts from a seed of its own."""

    method: Literal["broken"] = "broken"
    needs: ClassVar[Any] = frozenset({"random_start"})

    def start(self, model, training, *, streams, loop, pool=None):
        return model.fit(training, int(np.random.default_rng().integers(2**31)))


class OneClass(ModelInit):
    """Fits a constant."""

    method: Literal["broken"] = "broken"

    def start(self, model, training, *, streams, loop, pool=None):
        return model.fit(replace(training, y=np.full(len(training), 2)), 0)


class FirstFour(ModelInit):
    """Forgets that rows have weights."""

    method: Literal["broken"] = "broken"

    def start(self, model, training, *, streams, loop, pool=None):
        return model.fit(TrainingSet(training.X[:4], training.y[:4], training.n_classes, training.weights), 0)


class Ever(Training):
    """Multiplies beyond every range."""

    method: Literal["broken"] = "broken"

    def adapt(self, model, n_labels, first_labels):
        return model.model_copy(update=dict.fromkeys(model.schedulable, 1e9))


class Swapping(Training):
    """Another model in place of a hyperparameter."""

    method: Literal["broken"] = "broken"

    def adapt(self, model, n_labels, first_labels):
        return NaiveBayes()


class Trembling(Training):
    """A random regularisation."""

    method: Literal["broken"] = "broken"

    def adapt(self, model, n_labels, first_labels):
        update = {"C": random.uniform(0.1, 1.0)} if "C" in model.schedulable else {}
        return model.model_copy(update=update)


class Naive(NaiveBayes):
    """Naive Bayes; the ones below break it."""


class Direct(Naive):
    """Gives the estimator as scikit-learn does, classes as they come."""

    def fit(self, training, seed):
        return GaussianNB().fit(training.X, training.y)


class Unnormalised(Naive):
    """Class scores that do not sum to 1."""

    def fit(self, training, seed):
        fitted = super().fit(training, seed)
        return Doubled(**fitted.get_params(deep=False))


class Doubled(FittedModel):
    def class_scores(self, X):
        return 2 * super().class_scores(X)


class Boasting(Naive):
    """Says it has a decision function."""

    abilities: ClassVar[Any] = frozenset({*NaiveBayes.abilities, "decision_function"})


class Idle(Naive):
    """Says it resumes and does not."""

    abilities: ClassVar[Any] = frozenset({*NaiveBayes.abilities, "resume"})


class Modest(Naive):
    """Continues with new rows and does not name it."""

    abilities: ClassVar[Any] = frozenset(NaiveBayes.abilities - {"partial_fit"})

    def update(self, previous, training, seed):
        return self.fit(training, seed)


class InPlace(Naive):
    """Continues in the given model itself."""

    def update(self, previous, training, seed):
        fitted = super().update(copy.deepcopy(previous), training, seed)
        vars(previous).update(vars(fitted))
        return fitted


class Deaf(Naive):
    """Takes weights and does not heed them."""

    def fit(self, training, seed):
        return super().fit(replace(training, weights=None), seed)


class Dense(Naive):
    """Says it takes sparse features."""

    abilities: ClassVar[Any] = frozenset({*NaiveBayes.abilities, "sparse"})


class Steady(SoftmaxRegression):
    """Says that its start is not random."""

    abilities: ClassVar[Any] = frozenset(SoftmaxRegression.abilities - {"random_start"})


class Scheduled(Naive):
    """Offers a hyperparameter that it has not."""

    schedulable: ClassVar[tuple[str, ...]] = ("learning_rate",)


class Lucky(Naive):
    """Jitters its features by chance."""

    def fit(self, training, seed):
        noisy = training.X + np.random.normal(size=training.X.shape)  # noqa: NPY002
        return super().fit(replace(training, X=noisy), seed)


BROKEN: list[tuple[Method, str, str]] = [
    (WithoutWords(), "docstring", "needs a docstring"),
    (Strategy(), "registered", "not registered"),
    (Undescribed(), "parameters", "'beta' needs a description"),
    (Boundless(), "parameters", "'beta' needs a range"),
    (Nameless(), "schema", "fix `method`"),
    (Forgetful(beta=0.5), "round trip", "reads back as"),
    (Melting(), "frozen", "can be set"),
    (Demanding(), "needs", "telepathy"),
    (HomeBound(), "travels", "cannot pickle a socket"),
    (Twice(), "picks", "a row twice"),
    (Positions(), "picks", "not candidates"),
    (Greedy(), "picks", "gave 2 rows, not 1"),
    (Anonymous(), "says who chose", "the name of who chose"),
    (Inconsistent(), "says who chose", "the same rows"),
    (Wordless(), "says who chose", "must return a Choice"),
    (Floating(), "picks", "array of integers"),
    (First(), "picks", "gave 2 rows"),
    (Standardised(), "scores", "not all finite"),
    (Global(), "randomness", "global random state"),
    (PythonGlobal(), "randomness", "global random state"),
    (Entropic(), "randomness", "two results for one generator"),
    (Remembering(), "randomness", "depends on earlier ones"),
    (Closing(), "leaves the pool alone", "changed the candidates"),
    (Scaling(), "leaves the pool alone", "read-only"),
    (Sorting(), "leaves the pool alone", "read-only"),
    (Secretive(), "needs are true", "class_scores"),
    (FirstComes(), "ties", "break ties"),
    (Sizes(b=0), "sizes", "1 row or more"),
    (Sizes(b=2.5), "sizes", "whole number"),
    (DrawnSizes(), "pure", "global random state"),
    (NumpyNotes(), "notes", "plain floats"),
    (UndefinedNotes(), "notes", "finite"),
    (Negative(), "hold-out", "0 or more"),
    (NeedsHoldout(), "hold-out", "ZeroDivisionError"),
    (Counting(), "replay", "depend on them alone"),
    (Rewriting(), "replay", "changed the notes"),
    (AtOnce(), "nothing known yet", "fires on"),
    (Jittering(), "randomness", "two results"),
    (Cheap(), "asks", "labels_per_row is 3, but it buys"),
    (Strangers(), "asks", "annotators must be"),
    (Inventing(), "labels", "whose answers were"),
    (InAnswersOrder(), "unanimous", "another label"),
    (Erasing(), "leaves the answers alone", "read-only"),
    (WhoeverComes(), "randomness", "global random state"),
    (Bare(), "classes that appear", "not a FittedModel"),
    (PlainWarmStart(), "classes that appear", "raised ValueError"),
    (Overwriting(), "classes that appear", "changed the model of the loop before"),
    (Stubborn(), "classes that appear", "predicts"),
    (OneClass(), "classes that appear", "predicts"),
    (Unweighted(), "weights", "weights?"),
    (FirstFour(), "weights", "with weights"),
    (Starts(), "randomness", "two results"),
    (Ever(), "in range", "declared ranges"),
    (Swapping(), "in range", "another method"),
    (Trembling(), "randomness", "global random state"),
    (Direct(), "classes", "not a FittedModel"),
    (Unnormalised(), "classes", "do not sum to 1"),
    (Boasting(), "outputs", "its ability 'decision_function' raised"),
    (Idle(), "continues", "resume"),
    (Modest(), "continues", "do not name"),
    (InPlace(), "continues", "changed the model that it started from"),
    (Deaf(), "weights", "weight 0"),
    (Dense(), "sparse", "CSR"),
    (Steady(max_epochs=3), "seeds", "random_start"),
    (Scheduled(), "schedulable", "learning_rate"),
    (Lucky(), "randomness", "global random state"),
]


def run(checks):
    for check in checks:
        check()


def stem(name: str) -> str:
    return name.split(",")[0]


@pytest.mark.parametrize(
    ("method", "name", "words"), BROKEN, ids=[f"{type(one[0]).__name__}-{one[1]}" for one in BROKEN]
)
def test_each_check_catches_who_breaks_it(method, name, words):
    checks = [check for what, check in checks_for(method) if stem(what) == name]
    with pytest.raises(ContractError) as caught:
        run(checks)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{method.knob} {method.method!r}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.method is method


def test_every_check_has_someone_who_breaks_it():
    caught = {(method.knob if name == "randomness" else "", name) for method, name, _ in BROKEN}
    names = {
        (cls.knob if stem(what) == "randomness" else "", stem(what))
        for cls in every_method()
        for what, _ in checks_for(cls)
    }
    assert names - caught <= {("initial_sample", "randomness"), ("retrain", "randomness")}


# the front door -------------------------------------------------------------------------------------


def test_a_plugin_author_runs_one_line():
    @register
    class Nearest(QueryStrategy):
        """The largest norm first, ties by chance."""

        method: Literal["nearest_of_test"] = "nearest_of_test"
        power: float = Field(default=1.0, ge=0.0, le=2.0, description="exponent of the norm")
        needs: ClassVar[Any] = frozenset({"dense_features"})

        def select(self, pool, size, rng):
            scale = np.abs(pool.X).max() or 1.0
            norms = np.linalg.norm(pool.X[pool.candidates] / scale, axis=1) ** self.power
            order = rng.permutation(len(norms))
            return pool.candidates[order[np.argsort(-norms[order], kind="stable")[:size]]]

    try:
        check_method(Nearest)
        check_query_strategy(Nearest(power=0.5))
        assert not any("sparse" in name for name, _ in checks_for(Nearest))
    finally:
        unregister("query_strategy", "nearest_of_test")
    with pytest.raises(ContractError, match="not registered"):
        check_method(Nearest)


def test_a_users_own_estimator_keeps_the_contract():
    try:
        check_method(register_estimator("bayes_of_test", GaussianNB(), {"var_smoothing": (float, 1e-12, 1.0)}))
    finally:
        unregister("model", "bayes_of_test")


def test_what_cannot_be_checked_is_refused_in_words():
    class Obliged(Strategy):
        """A parameter without a default."""

        beta: float = Field(ge=0, le=1, description="an exponent")

    class Homeless(Method):
        """A method of no knob."""

        method: Literal["homeless"] = "homeless"

    with pytest.raises(RequestError, match=r"Obliged needs a value for 'beta'.*instance"):
        checks_for(Obliged)
    with pytest.raises(RequestError, match="not one of initial_sample"):
        checks_for(Homeless)
    assert issubclass(ContractError, AltuneError)


def test_variants_are_the_listed_values_one_at_a_time():
    found = [method.to_dict() for method in variants(parse_method("loop_size", "fraction"))]
    assert [entry["of"] for entry in found] == ["labelled", "pool"]


def test_every_knob_has_a_method_that_is_checked():
    assert all(methods(knob) for knob in KNOBS)
    assert issubclass(methods("model")["logistic_regression"], Model)
