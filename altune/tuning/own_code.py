"""The user's own methods, estimators and label functions of a search space: what they are made of, by their names."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from altune.core.errors import FormatError
from altune.core.formats import changed_libraries
from altune.core.identity import Identity, forget
from altune.core.registry import Method, find_method, methods
from altune.knobs.labeling.functions import identify_label_function, label_functions_in
from altune.models import Model
from altune.models.custom import CustomModel
from altune.recipes.space import SearchSpace
from altune.recipes.space.tree import Decision

ESTIMATORS = "estimators"
OWN = "own"
LIBRARIES = "libraries"
_HASH = re.compile(r"_[0-9a-f]{6,32}$")
_DIGEST = re.compile(r"[0-9a-f]{32}")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def own_code(space: SearchSpace) -> dict[tuple[str, str], Identity]:
    """Return what each own method, estimator and label function of a space is made of, by its kind and name."""
    forget()
    classes = [cls for decision in space.decisions.values() for cls in _classes(decision)]
    classes += [
        cls
        for recipe in space.baseline_recipes().values()
        for method in recipe.methods().values()
        for cls in _classes_within(method)
    ]
    found = {}
    for cls in dict.fromkeys(classes):
        identity = cls.code_identity()
        if identity is not None:
            found[cls.knob, str(cls.model_fields["method"].default)] = identity
    for name in dict.fromkeys(label_functions_in(space.to_dict())):
        found["label function", name] = identify_label_function(name)
    return found


def own_fields(own: Mapping[tuple[str, str], Identity], scoring: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a study's header that say what own code is made of.

    Parameters
    ----------
    own : what :func:`own_code` returns.
    scoring : hashes of the user's metrics and objectives, by what they are and their names.
    """
    estimators = {name: identity.digest for (kind, name), identity in own.items() if kind == "model"}
    others = {f"{kind} {name!r}": identity.digest for (kind, name), identity in own.items() if kind != "model"}
    others |= scoring
    return {ESTIMATORS: estimators, **({OWN: others} if others else {})}


def takes_raw(own: Mapping[tuple[str, str], Identity]) -> bool:
    """Return whether a model of own code takes raw rows, which the types of columns belong to."""
    classes = [find_method(kind, name) for kind, name in own if kind == "model"]
    return any(issubclass(cls, Model) and cls.takes.raw for cls in classes)


def own_libraries(own: Mapping[tuple[str, str], Identity]) -> dict[str, str]:
    """Return the version of each library that own code uses."""
    return dict(item for identity in own.values() for item in identity.libraries.items())


def own_changes(stored: Mapping[str, Any], header: Mapping[str, Any]) -> list[str]:
    """Return the own code that differs between two headers of studies, one text for each kind of it.

    A header of an earlier version has no hashes: of an estimator it has the parameters, and of other code nothing.
    """
    before, now = stored.get(ESTIMATORS, {}), header.get(ESTIMATORS, {})
    differing = [name for name in before.keys() & now.keys() if not _same_estimator(name, before[name], now[name])]
    new_names = renamed(stored, header)
    same = [name for name, earlier in new_names.items() if _same_estimator(name, before[earlier], now[name])]
    differing += [name for name in new_names if name not in same]
    changes = [f"your own estimators differ: {', '.join(sorted(differing))}"] if differing else []
    changes += [
        f"the estimator {new_names[name]} has another name since; register it with "
        f"altune.register_estimator({new_names[name]!r}, ...) and give that name as the model to resume the run"
        for name in same
    ]
    code_before, code = stored.get(OWN, {}), header.get(OWN, {})
    changed = sorted(name for name in code_before.keys() & code.keys() if code_before[name] != code[name])
    changes += [f"your {name} has changed: its code, or a value that it reads" for name in changed]
    libraries = {name: version for name, version in stored[LIBRARIES].items() if name == "python"}
    if changes and (python := changed_libraries(libraries, header[LIBRARIES])):
        changes.append(f"the run was started with {python}, and each version compiles code in its own way")
    return changes


def renamed(stored: Mapping[str, Any], header: Mapping[str, Any]) -> dict[str, str]:
    """Return the estimators that have another hash in their name than in the run, with their names in the run."""
    before, now = stored.get(ESTIMATORS, {}), header.get(ESTIMATORS, {})
    earlier = {_HASH.sub("", name): name for name in before if name not in now}
    return {name: earlier[stem] for name in now if name not in before and (stem := _HASH.sub("", name)) in earlier}


def own_models(models: Iterable[Model]) -> dict[tuple[str, str], Identity]:
    """Return what each own estimator among models is made of, by its kind and name."""
    identities = {(model.knob, model.method): type(model).code_identity() for model in models}
    return {name: identity for name, identity in identities.items() if identity is not None}


def unknown_lines(own: Mapping[tuple[str, str], Identity]) -> list[str]:
    """Return what own code holds that has no content which could be compared, one line each."""
    return [
        f"{kind} {name!r} reads {part}, which has no content to compare: a change of it is not noticed"
        for (kind, name), identity in own.items()
        for part in identity.unknown
    ]


def _classes(decision: Decision) -> Iterator[type[Method]]:
    for alternative in decision.alternatives:
        yield alternative.cls
        with contextlib.suppress(FormatError):  # what is open may have no usual value that fits what is fixed
            yield from _classes_within(alternative.typical())
        for slot in alternative.slots.values():
            if isinstance(slot, Decision):
                yield from _classes(slot)


def _classes_within(method: Method) -> Iterator[type[Method]]:
    yield type(method)
    for nested in method.nested().values():
        yield from _classes_within(nested)


def _same_estimator(name: str, before: str, now: str) -> bool:
    if _DIGEST.fullmatch(before) or name not in methods("model"):
        return before == now
    return _ADDRESS.sub("", before) == _ADDRESS.sub("", _text_of_earlier_versions(name))


def _text_of_earlier_versions(name: str) -> str:
    cls = find_method("model", name)
    if not issubclass(cls, CustomModel) or cls.takes.raw or cls.spec.transforms:
        return ""
    estimator = cls.spec.estimator
    return f"{type(estimator).__module__}.{type(estimator).__qualname__} {sorted(estimator.get_params().items())}"
