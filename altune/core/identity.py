"""What a function, class or object is made of, as a hash that is the same in every process.

Two things have the same hash if they have the same code and hold the same values. It does not depend on memory
addresses, on the order of sets and dictionaries, or on what else exists in a process. Code of the user counts as it is
compiled, with its defaults, closures and the functions, classes and values of the user's own modules that it reads.
Code of a library counts by its name, and the version of the library is reported beside the hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from altune.core.content import MOST_VALUES, Content
from altune.core.errors import RequestError
from altune.core.origin import library_version


@dataclass(frozen=True)
class Identity:
    """What something is made of.

    Attributes
    ----------
    digest : hash of code and values, 32 hexadecimal digits.
    libraries : major and minor version of each library whose code it uses, Python if its own code was compiled.
    unknown : where it holds what has no content that could be hashed, one text for each.
    own : whether it contains code of the user.
    """

    digest: str
    libraries: Mapping[str, str]
    unknown: tuple[str, ...]
    own: bool

    @property
    def text(self) -> str:
        """Hash and versions in one text."""
        return " ".join([self.digest, *(f"{name}-{version}" for name, version in self.libraries.items())])


def identify(value: Any, what: str, package: str = "") -> Identity:
    """Return the identity of a function, class, estimator or any other object.

    Parameters
    ----------
    value : the object.
    what : what it is, for messages.
    package : an installed package whose code counts as the user's own, such as that of a plugin.

    Raises
    ------
    RequestError
        If it holds too much, or is nested too deeply.
    """
    walk = Content(package)
    try:
        walk.value(value)
        if walk.changed:
            walk = Content(package, state=walk.changed)
            walk.value(value)
    except RecursionError:
        raise RequestError(f"{what} is nested too deeply to be compared with what was stored") from None
    except OverflowError:
        raise RequestError(
            f"{what} holds more than {MOST_VALUES:,} values beside its arrays; hold them in a numpy array"
        ) from None
    libraries = {name: library_version(name) for name in sorted(walk.libraries)}
    return Identity(walk.hexdigest(), libraries, tuple(dict.fromkeys(walk.unknown)), walk.own)


IdentityT = TypeVar("IdentityT", Identity, Identity | None)
_remembered: dict[int, tuple[Any, Any]] = {}


def remembered(value: Any, make: Callable[[], IdentityT]) -> IdentityT:
    """Return the identity that was worked out for an object since :func:`forget`, or work it out."""
    known = _remembered.get(id(value))
    if known is None:
        if len(_remembered) > 1000:
            _remembered.clear()
        known = _remembered[id(value)] = (value, make())
    identity: IdentityT = known[1]
    return identity


def forget() -> None:
    """Forget all identities. Called where a run begins: the code of the user may have changed since the last one."""
    _remembered.clear()
