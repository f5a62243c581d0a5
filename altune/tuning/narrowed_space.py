"""The space of a search: what works on every data set of the search, and on every one of the confirmation away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from altune.core.errors import FormatError, RequestError
from altune.core.needs import Capabilities
from altune.recipes.space import SearchSpace
from altune.simulation.environment import Environment

ALSO_FOR = "also_for"
"""Field of the header. It is missing where the data sets away offer what one of the search offers."""


@dataclass(frozen=True)
class AlsoFor:
    """What a data set offers on which no trial is played, and on which the recipe of the run must work.

    Attributes
    ----------
    data : its name.
    capabilities : what its environment offers.
    """

    data: str
    capabilities: Capabilities

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = asdict(replace(self.capabilities, raw=None))
        del plain["raw"]
        names = plain["feature_names"]
        return {"data": self.data, **plain, "feature_names": None if names is None else list(names)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> AlsoFor:
        """Read back what :meth:`to_dict` wrote."""
        given = {name: value for name, value in plain.items() if name != "data"}
        names = given["feature_names"]
        return cls(plain["data"], Capabilities(**given | {"feature_names": None if names is None else tuple(names)}))


def also_for(home: Sequence[Environment], away: Iterable[Environment]) -> tuple[AlsoFor, ...]:
    """Return what the data sets away offer that none of the search offers, each once.

    Parameters
    ----------
    home : environments of the search.
    away : environments on which the recipe is confirmed without being searched there.
    """
    known = [environment.capabilities for environment in home]
    others: dict[Capabilities, str] = {}
    for environment in away:
        if environment.capabilities not in known:
            others.setdefault(environment.capabilities, environment.dataset.name)
    return tuple(AlsoFor(name, capabilities) for capabilities, name in others.items())


def stored_also_for(header: Mapping[str, Any]) -> tuple[AlsoFor, ...]:
    """Return what a stored study was begun with; nothing for a study of an earlier version."""
    return tuple(AlsoFor.from_dict(plain) for plain in header.get(ALSO_FOR, ()))


def narrow_space(
    space: SearchSpace, home: Sequence[Capabilities], also: Sequence[AlsoFor]
) -> tuple[SearchSpace, list[str]]:
    """Return the space without what does not work on some data set, and one line for each alternative left out.

    Strategies that are equal for two classes are left out but one if all data sets of the search have two, whatever
    those away have: the search cannot tell them apart.

    Parameters
    ----------
    space : the space as it was given.
    home : what each data set of the search offers.
    also : what other data sets offer.

    Raises
    ------
    RequestError
        If no alternative of a knob remains; the message names the data set.
    """
    narrowed, lines = space.narrow(*home)
    for other in also:
        try:
            left, reasons = replace(narrowed, merges=False).narrow(other.capabilities)
        except FormatError as error:
            raise RequestError(f"the recipe could not be confirmed on {other.data}: {error}") from None
        narrowed = replace(left, merges=narrowed.merges)
        lines += [f"{reason} (on {other.data}, where the recipe is confirmed)" for reason in reasons]
    return narrowed, lines
