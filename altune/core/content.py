"""Go through an object and all that it holds, and hash its content: what :mod:`altune.core.identity` is made of."""

from __future__ import annotations

import copyreg
import dataclasses
import functools
import hashlib
import inspect
import threading
import types
import typing
import weakref
from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator

from altune.core.bytecode import read_code
from altune.core.origin import PYTHON, find, library_of, own_imports

MOST_VALUES = 1_000_000
"""An object that holds more values than this, arrays aside, has no identity."""
_ELSEWHERE = frozenset({"", "altune", "numpy", "pydantic", "pydantic_core", "sklearn", PYTHON})
"""Libraries whose versions do not matter, or are recorded with every result."""
_PLAIN = frozenset({type(None), bool, float, complex, str, bytes, type(...), type(NotImplemented)})
_DECIDE_NOTHING = frozenset({"memory", "n_jobs", "verbose"})
"""Parameters of scikit-learn that do not change what an estimator computes."""
_LOCKS = (type(threading.Lock()), type(threading.RLock()))
_EMPTY = (weakref.ref, weakref.WeakKeyDictionary, weakref.WeakValueDictionary, *_LOCKS)
"""Types of objects that hold nothing, or nothing of their own."""
_BY_NAME = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
)
_CODE = (types.FunctionType, classmethod, staticmethod, property)
_NO_MEMBERS = ("__pydantic_", "__annotate_", "_abc_impl")
_FIELD_PARTS = ("annotation", "default", "default_factory", "metadata")


class Content:
    """The content of objects as a hash. Each is written once, in an order that depends on content alone.

    Parameters
    ----------
    package : installed package whose code counts as the user's own.
    seen : number of each object that was written before, by its id.
    state : what is left out: names of globals, with the id of their module's dictionary, and of members of classes.

    Attributes
    ----------
    libraries : libraries whose code is part of it.
    unknown : where there is what has no content, one text for each.
    own : whether code of the user is part of it.
    changed : what the code itself changes, such as a cache or a counter, as in ``state``.
    """

    def __init__(
        self, package: str, seen: dict[int, tuple[int, Any]] | None = None, state: Set[tuple[int, str]] = frozenset()
    ) -> None:
        self.package = package
        self.state = state
        self.changed: set[tuple[int, str]] = set()
        self.libraries: set[str] = set()
        self.unknown: list[str] = []
        self.own = False
        self.seen = {} if seen is None else seen  # keeps the objects, so that no id is used twice
        self._arrays: dict[int, tuple[bytes, Any]] = {}
        self._hash = hashlib.blake2b(digest_size=16)
        self._modules: set[str] = set()
        self._where: list[str] = []
        self._fitted = False
        self._count = 0

    def hexdigest(self) -> str:
        """Return the hash as 32 hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, *parts: str | bytes) -> None:
        """Write texts as they are."""
        for part in parts:
            encoded = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            self._hash.update(len(encoded).to_bytes(8, "little") + encoded)

    def value(self, value: Any) -> None:
        """Write any object."""
        kind = type(value)
        self._count += 1
        if self._count > MOST_VALUES:
            raise OverflowError
        if kind in _PLAIN:
            self.write(kind.__name__, repr(value))
        elif kind is int:
            self.write("int", f"{value:x}")
        elif kind is tuple:
            self._items("tuple", value)
        elif isinstance(value, (np.ndarray, np.generic)) and not isinstance(value, np.ma.MaskedArray):
            self._array(np.asarray(value))
        elif id(value) in self.seen:
            self.write("again", str(self.seen[id(value)][0]))
        else:
            self.seen[id(value)] = (len(self.seen), value)
            self._object(value, kind)

    def _object(self, value: Any, kind: type) -> None:
        if kind is list:
            self._items("list", value)
        elif kind in (set, frozenset):
            self._items(kind.__name__, sorted(self._apart(item) for item in value))
        elif kind is dict or isinstance(value, types.MappingProxyType):
            self._mapping(value)
        elif isinstance(value, type) and typing.get_origin(value) is None:
            self._class(value)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self._items("method", (value.__func__, value.__self__))
        elif isinstance(value, (types.BuiltinFunctionType, types.MethodWrapperType)):
            self._builtin(value)
        elif isinstance(value, types.ModuleType):
            self._named("module", value.__name__, "")
        elif isinstance(value, (property, classmethod, staticmethod, functools.cached_property)):
            parts = (getattr(value, name, None) for name in ("fget", "fset", "fdel", "__func__", "func"))
            self._items(kind.__name__, parts)
        elif isinstance(value, _BY_NAME):
            self.write("descriptor", f"{value.__objclass__.__qualname__}.{value.__name__}")
        elif isinstance(value, _EMPTY):
            self.write("empty", kind.__name__)
        elif isinstance(value, np.dtype):
            self.write("dtype", str(value))
        elif isinstance(value, np.ufunc):
            self._ufunc(value)
        elif (origin := typing.get_origin(value)) is not None:
            self._items("type", (origin, typing.get_args(value)))
        elif kind.__module__ == "typing":
            self.write("typing", repr(value))
        else:
            self._instance(value, kind)

    def _instance(self, value: Any, kind: type) -> None:
        if bool(sparse.issparse(value)):
            entries = value.tocoo(copy=True)
            entries.sum_duplicates()
            self._items("sparse", (value.format, entries.shape, entries.data, *entries.coords))
        elif hasattr(kind, "__array__") and self._library(kind.__module__):
            self._table(value, kind)
        elif hasattr(kind, "get_params") and self._estimator(value, kind):
            return
        elif "__wrapped__" in getattr(value, "__dict__", ()) and self._library(kind.__module__):
            self._items(kind.__qualname__, (value.__wrapped__,))
        else:
            self._reduced(value, kind)

    def _items(self, tag: str, items: Iterable[Any]) -> None:
        items = tuple(items)
        self.write(tag, str(len(items)))
        for item in items:
            self.value(item)

    def _mapping(self, mapping: Mapping[Any, Any]) -> None:
        entries = sorted(((self._apart(key), key, value) for key, value in mapping.items()), key=lambda entry: entry[0])
        self.write("dict", str(len(entries)))
        for digest, key, value in entries:
            self.write(digest)
            self._under(f"[{key!r}]" if type(key) in (str, int) else "", value)

    def _apart(self, value: Any) -> str:
        """Return the hash of something that is to be sorted, whatever was written before."""
        inner = Content(self.package, dict(self.seen) if type(value) not in _PLAIN else None, self.state)
        inner._count = self._count
        inner.value(value)
        self._count = inner._count
        self.libraries |= inner.libraries
        self.unknown += inner.unknown
        self.own |= inner.own
        self.changed |= inner.changed
        return inner.hexdigest()

    def _under(self, name: str, value: Any) -> None:
        self._where.append(name)
        self.value(value)
        self._where.pop()

    def _library(self, module: str | None) -> str:
        """Return the library of a module, unless it is that of the plugin whose code counts as the user's own."""
        library = library_of(module)
        return "" if library == self.package else library

    def _named(self, tag: str, module: str | None, name: str) -> None:
        self.write(tag, str(module), name)
        self.libraries |= {self._library(module)} - _ELSEWHERE

    def _nothing(self, value: Any) -> None:
        kind = type(value)
        self.write("unknown", kind.__module__, kind.__qualname__)
        # from the function that reads it, not by which way that function was come to
        first = max((place for place, name in enumerate(self._where) if ": " in name), default=0)
        where = "".join(self._where[first:]).lstrip(".") or "it"
        self.unknown.append(f"{where} ({kind.__module__}.{kind.__qualname__})")

    def _array(self, array: NDArray[Any]) -> None:
        if id(array) in self._arrays:
            self.write(self._arrays[id(array)][0])
            return
        self.write("array", str(array.dtype), str(array.shape))
        if array.dtype.names:
            for name in array.dtype.names:  # by field, because the bytes between fields are left as they were
                self._array(array[name])
        elif array.dtype.hasobject or array.dtype.kind == "T":
            self._items("objects", array.ravel().tolist())
        else:
            # sha256, because processors have instructions for it, and arrays may be large
            digest = hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).digest()
            self._arrays[id(array)] = (b"array" + str((array.dtype, array.shape)).encode() + digest, array)
            self.write(digest)

    def _table(self, value: Any, kind: type) -> None:
        """Write a table, a column or an array of another library."""
        self._named("values", kind.__module__, kind.__qualname__)
        try:
            if hasattr(value, "iloc"):  # pandas
                self._array(np.asarray(value.index))
                columns = [value] if value.ndim == 1 else [value.iloc[:, place] for place in range(value.shape[1])]
                for column in columns:
                    self.write(str(column.name), str(column.dtype))
                    self._array(np.asarray(column))
            else:
                self.write(str(getattr(value, "column_names", getattr(value, "columns", ""))))
                self._array(np.asarray(value.detach().cpu() if hasattr(value, "detach") else value))
        except Exception:  # whatever a library raises for what has no values in memory
            self._nothing(value)

    def _builtin(self, value: Any) -> None:
        holder = value.__self__
        if holder is None or isinstance(holder, types.ModuleType):
            self._named("builtin", getattr(holder, "__name__", value.__module__), value.__qualname__)
        else:
            self._items(f"method {value.__name__}", (holder,))

    def _ufunc(self, value: np.ufunc) -> None:
        if any(find(home, value.__name__) is value for home in ("numpy", "scipy.special")):
            self.write("ufunc", value.__name__)
        else:
            self._nothing(value)

    def _function(self, function: types.FunctionType) -> None:
        home = function.__globals__.get("__name__")  # not __module__, which functools.wraps changes
        library = self._library(home)
        for module in (home, function.__module__) if library else ():
            if find(module, function.__qualname__) is function and self._library(module):
                self._named("function", module, function.__qualname__)
                return
        facts = read_code(function.__code__)
        self.write("function", function.__qualname__, facts.digest)
        self._under(f".{function.__name__}", (function.__defaults__, function.__kwdefaults__))
        self._under(f".{function.__name__}", vars(function))
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                content = cell.cell_contents
            except ValueError:
                self.write("empty cell")
                continue
            if name not in facts.changes:
                self._under(f".{function.__name__}: {name}", content)
        self.libraries.add(PYTHON)
        if library:
            self._named("code", home, "")
            return
        self.own = True
        self.changed |= {(home, name) for name in facts.changes for home in (id(function.__globals__), 0)}
        for chain in facts.reads:
            self._read(function, chain)
        self._imports(facts.imports, function.__globals__.get("__package__"))

    def _read(self, function: types.FunctionType, chain: tuple[str, ...]) -> None:
        """Write what code reads by a name, and by attributes of it as long as these are in the user's own modules."""
        name, *attributes = chain
        if name not in function.__globals__ or name.startswith("__"):
            return
        home, found = id(function.__globals__), function.__globals__[name]
        while attributes and isinstance(found, types.ModuleType) and not self._library(found.__name__):
            home, name = id(vars(found)), attributes.pop(0)
            found = vars(found).get(name)
        if (home, name) in self.state and not isinstance(found, (type, types.FunctionType)):
            return
        self.write(*chain)
        self._under(f".{function.__name__}: {'.'.join(chain)}", found)

    def _imports(self, imports: tuple[tuple[int, str, tuple[str, ...]], ...], package: str | None) -> None:
        for module, code in own_imports(imports, package):
            if module not in self._modules:
                self._modules.add(module)
                facts = read_code(code)
                self.write("import", module, facts.digest)
                self._imports(facts.imports, module.rpartition(".")[0])

    def _class(self, cls: type) -> None:
        library = self._library(cls.__module__)
        is_compiled = not cls.__flags__ & 1 << 9  # CPython's flag of classes that are made when code runs
        if library and (is_compiled or find(cls.__module__, cls.__qualname__) is cls):
            self._named("class", cls.__module__, cls.__qualname__)
            return
        self.own = True
        self.write("class", cls.__qualname__)
        self.value(type(cls))
        self._items("bases", cls.__bases__)
        for name, member in sorted(vars(cls).items(), key=lambda item: item[0]):
            kept = (0, name) not in self.state or not isinstance(member, (dict, list, set))
            if kept and _counts(name, member):
                self.write(name)
                self._under(f".{name}" if self._where else f"{cls.__name__}.{name}", member)
        self._fields(cls)

    def _fields(self, cls: type) -> None:
        """Write the fields of a class of pydantic, and how they are validated."""
        fields = vars(cls).get("__pydantic_fields__", {})
        try:
            names = inspect.get_annotations(cls).keys() & fields.keys()
        except NameError:
            names = fields.keys()
        for name in sorted(names):
            self._under(f".{name}", [name, *(getattr(fields[name], part, None) for part in _FIELD_PARTS)])
        decorators = vars(cls).get("__pydantic_decorators__")
        for kind in dataclasses.fields(decorators) if dataclasses.is_dataclass(decorators) else ():
            by_name = getattr(decorators, kind.name)
            if isinstance(by_name, dict):
                self.value({name: getattr(decorator, "info", None) for name, decorator in by_name.items()})

    def _estimator(self, value: Any, kind: type) -> bool:
        """Write an estimator by its class and what differs from the defaults; return whether that was possible."""
        clones_itself = getattr(kind, "__sklearn_clone__", BaseEstimator.__sklearn_clone__)
        if clones_itself is not BaseEstimator.__sklearn_clone__ and not self._fitted:
            self._fitted = True  # it stays as it is, and so does what it holds
            self._reduced(value, kind)
            self._fitted = False
            return True
        if self._fitted:
            return False
        try:
            parameters = value.get_params(deep=False)
            usual = inspect.signature(kind).parameters
        except Exception:  # no estimator of scikit-learn, or one that breaks its rules
            return False
        self.value(kind)
        library = self._library(kind.__module__)
        for name in sorted(parameters):
            default = usual[name].default if name in usual else None
            if not self._is(parameters[name], default) and not (library and name in _DECIDE_NOTHING):
                self.write(name)
                self._under(f".{name}" if self._where else name, parameters[name])
        return True

    def _is(self, value: Any, default: Any) -> bool:
        return value is default or (type(value) is type(default) and self._apart(value) == self._apart(default))

    def _reduced(self, value: Any, kind: type) -> None:
        """Write an object as pickle would take it apart."""
        try:
            registered = copyreg.dispatch_table.get(kind)
            reduced = value.__reduce_ex__(4) if registered is None else registered(value)
        except Exception:  # whatever an object raises that cannot be pickled
            if self._library(kind.__module__) or not hasattr(value, "__dict__"):
                self._nothing(value)
            else:
                self._items("object", (kind, vars(value)))
            return
        if isinstance(reduced, str):
            if find(getattr(value, "__module__", None), reduced) is value:
                self._named("name", value.__module__, reduced)
            else:
                self._nothing(value)
            return
        make, arguments, state, items, entries = (*reduced, None, None, None)[:5]
        if isinstance(state, dict):
            state = {name: part for name, part in state.items() if not _is_cache(kind, name, part)}
        self.write("object")
        for part in (make, arguments, state, items and list(items), entries and dict(entries)):
            self.value(part)


def _counts(name: str, member: Any) -> bool:
    """Return whether a member of a class decides what the class does."""
    if name.startswith(_NO_MEMBERS):
        return False
    return name == "__private_attributes__" or not name.startswith("__") or isinstance(member, _CODE)


def _is_cache(kind: type, name: str, part: Any) -> bool:
    if name in ("__doc__", "_sklearn_version"):
        return True
    if isinstance(part, np.random.RandomState) and kind.__module__.startswith("scipy.stats"):
        return True  # that of the process; whoever draws from a distribution gives another one
    return isinstance(inspect.getattr_static(kind, name, None), functools.cached_property)
