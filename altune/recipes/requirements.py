"""Check whether a method works, given what it needs, what the model can do and what the environment offers."""

from __future__ import annotations

from altune.core.needs import Capabilities, Need
from altune.core.registry import Method
from altune.models import Model

_NEED_WORDS: dict[Need, str] = {
    "class_scores": "class scores (probabilities or a decision function)",
    "probabilities": "probabilities",
    "decision_function": "a decision function",
    "resume": "an estimator that resumes from its last parameters",
    "partial_fit": "an estimator with partial_fit",
    "random_start": "an estimator whose start is random",
    "sample_weight": "sample weights",
    "sparse": "an estimator for sparse data",
    "dense_features": "dense features",
    "encoded_features": "a model of encoded features",
    "three_classes": "three classes or more",
    "several_annotators": "several annotators",
}


def method_problems(method: Method, model: Model, capabilities: Capabilities) -> list[str]:
    """Return the reasons why a method does not work with a model and an environment, one line each."""
    problems = [
        f"{method.knob}: {_blamed(method, need)} needs {_NEED_WORDS[need]}; {_lacking(need, model, capabilities)}"
        for need in sorted(method.required())
        if not _met(need, model, capabilities)
    ]
    if method.knob == "model" and capabilities.sparse and "sparse" not in model.able() and not model.takes.raw:
        problems.append(f"model: {model.method!r} cannot be trained on {capabilities.sparse_words}")
    metric = capabilities.metric_of_probabilities
    if method.knob == "model" and metric is not None and "probabilities" not in model.able():
        problems.append(f"model: the metric {metric!r} needs probabilities; the model {model.method!r} has none")
    return problems + _objections(method, model, capabilities)


def _objections(method: Method, model: Model, capabilities: Capabilities) -> list[str]:
    objections = list(method.objections(model, capabilities))
    return objections + [
        line for nested in method.nested().values() for line in _objections(nested, model, capabilities)
    ]


def _met(need: Need, model: Model, capabilities: Capabilities) -> bool:
    if need == "dense_features":
        return not capabilities.sparse
    if need == "encoded_features":
        return not model.takes.raw
    if need == "three_classes":
        return capabilities.n_classes >= 3
    if need == "several_annotators":
        return capabilities.annotators >= 2
    return need in model.able()


def _lacking(need: Need, model: Model, capabilities: Capabilities) -> str:
    if need == "dense_features":
        return f"the model is given {capabilities.sparse_words}"
    if need == "encoded_features":
        return f"the model {model.method!r} has takes={model.takes.rows!r}"
    if need == "three_classes":
        return f"the data have {capabilities.n_classes}"
    if need == "several_annotators":
        return f"the scenario has {capabilities.annotators}"
    return f"the model {model.method!r} has none"


def _blamed(method: Method, need: Need) -> str:
    for field, nested in method.nested().items():
        if need in nested.required():
            return f"{method.method!r}, in its {field}: {_blamed(nested, need)},"
    return repr(method.method)
