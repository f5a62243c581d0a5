"""Read and write YAML 1.2 safely, as plain values.

Scalars are those of the YAML 1.2 core schema: ``1e3`` is a number; ``no``, ``on`` and dates are text. Tags, anchors,
aliases, second documents, duplicate keys, more than 1 MiB, ``MAX_VALUES`` values or ``MAX_DEPTH`` levels are refused.
ruamel.yaml parses a file into events, and the values are built here, so that no constructor can run.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as ev
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.tag import Tag

from altune.core.errors import FormatError, did_you_mean
from altune.core.files import kind_of_file
from altune.core.system_errors import system_errors

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 50_000
MAX_INTEGER = 2**63 - 1
FLOW_WIDTH = 100
"""Mappings and lists of at most this many characters are written on one line."""

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_OTHER_BASE = re.compile(r"0(?:o[0-7]{1,400}|x[0-9a-fA-F]{1,400})")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NOT_A_NUMBER = ("." + "nan", ".NaN", ".NAN")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRING = Tag(suffix="tag:yaml.org,2002:str")  # never written; the emitter needs it for empty strings
_PLAIN = re.compile(r"[A-Za-z_][\w./+-]*(?: [\w./+-]+)*", re.ASCII)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises
    ------
    FormatError
        If the file is missing, too large, not UTF-8 or not well formed, with file and line.
    """
    path = Path(path)
    with system_errors(path, FormatError):
        if not path.is_file():
            raise FormatError(_missing(path), file=str(path), value=str(path))
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise FormatError(f"larger than {MAX_BYTES} bytes, which is the limit", file=str(path))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise FormatError("not UTF-8; save the file as UTF-8", path=f"line {line}", file=str(path)) from None
    return read_yaml_text(text, str(path))


def read_yaml_text(text: str, file: str = "") -> dict[str, Any]:
    r"""Read YAML 1.2 text whose top level is a mapping.

    Examples
    --------
    >>> read_yaml_text("a: 1e3\nb: no")
    {'a': 1000.0, 'b': 'no'}
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise FormatError(f"larger than {MAX_BYTES} bytes, which is the limit", file=file)
    try:
        document = _Reader(text, file).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}" if mark is not None else ""
        problem = " ".join(str(error.problem or error.context).split())
        raise FormatError(f"not well-formed YAML: {problem}", path=line, file=file) from None
    except ReaderError as error:
        line = f"line {text.count(chr(10), 0, error.position) + 1}"
        problem = f"the character #x{ord(text[error.position]):04x} is not allowed; write it as an escape in quotes"
        raise FormatError(problem, path=line, file=file) from None
    except FormatError:
        raise
    except (ValueError, OverflowError, RecursionError) as error:  # such as an escape of no character
        raise FormatError(f"not well-formed YAML: {error}", file=file) from None
    if not isinstance(document, dict):
        kind = "empty" if document is None else "a list" if isinstance(document, list) else "a single value"
        raise FormatError(f"the top level is {kind}; it must be a mapping of `name: value` lines", file=file)
    return document


def write_yaml(plain: Mapping[str, Any]) -> str:
    """Return a mapping of plain values as YAML, from which :func:`read_yaml_text` reads exactly the same values.

    Raises
    ------
    FormatError
        If a value is not a str, int, float, bool, None, list or mapping, or is nested too deeply.

    Examples
    --------
    >>> print(write_yaml({"version": 1, "query_strategy": {"method": "margin"}, "word": "1e3"}), end="")
    version: 1
    query_strategy: {method: margin}
    word: "1e3"
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.width = 1 << 20
    yaml.map_indent, yaml.sequence_indent, yaml.sequence_dash_offset = 2, 4, 2
    stream = io.StringIO()
    yaml.emit(_document_events(plain), stream)
    return stream.getvalue()


def resolve_plain(text: str) -> Any:
    """Return the value of an unquoted scalar in the YAML 1.2 core schema.

    >>> [resolve_plain(text) for text in ("0x10", "1.", "yes", "~", "1_000")]
    [16, 1.0, 'yes', None, '1_000']
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return -math.inf if text[0] == "-" else math.inf
    return math.nan if text in _NOT_A_NUMBER else text


class _Reader:
    """Builds plain values from the events of a document."""

    def __init__(self, text: str, file: str) -> None:
        self._events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))
        self._file = file
        self._n_values = 0

    def document(self) -> Any:
        next(self._events)  # the start of the stream
        event = next(self._events)
        if isinstance(event, ev.StreamEndEvent):
            return None
        if event.version not in (None, (1, 2)) or event.tags:
            raise self._refuse(event, "a %YAML or %TAG line is not accepted; files are read as YAML 1.2")
        value = self._value(next(self._events), 0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if not isinstance(event, ev.StreamEndEvent):
            raise self._refuse(event, "a second document is not accepted; a file holds one document")
        return value

    def _value(self, event: Any, depth: int) -> Any:
        self._n_values += 1
        if self._n_values > MAX_VALUES:
            raise self._refuse(event, f"more than {MAX_VALUES} values, which is the limit")
        if isinstance(event, ev.AliasEvent):
            raise self._refuse(event, f"the alias *{event.anchor} is not accepted; write the value out")
        if event.anchor is not None:
            raise self._refuse(event, f"the anchor &{event.anchor} is not accepted; write the value out")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self._refuse(event, f"the tag {tag} is not accepted; values are plain data")
        if isinstance(event, ev.ScalarEvent):
            return self._scalar(event)
        if depth >= MAX_DEPTH:
            raise self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, ev.SequenceStartEvent):
            return self._sequence(depth)
        return self._mapping(depth)

    def _scalar(self, event: Any) -> Any:
        value = event.value if event.style else resolve_plain(event.value)
        if value in (math.inf, -math.inf) and not _INFINITE.fullmatch(event.value):
            raise self._refuse(event, f"the number {event.value[:20]} is too large")
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise self._refuse(event, f"the number {event.value[:20]}... is too large")
        if isinstance(value, str) and _SURROGATE.search(value):
            raise self._refuse(event, f"{value!r} holds half of a character; write the whole character")
        return value

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), ev.SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[Any, Any]:
        items: dict[Any, Any] = {}
        while not isinstance(event := next(self._events), ev.MappingEndEvent):
            key = self._value(event, depth + 1)
            if key is None or isinstance(key, (list, dict)):
                raise self._refuse(event, "a key must be text or a number")
            if key in items:
                raise self._refuse(event, f"the key {key!r} occurs twice")
            items[key] = self._value(next(self._events), depth + 1)
        return items

    def _refuse(self, event: Any, problem: str) -> FormatError:
        return FormatError(problem, path=f"line {event.start_mark.line + 1}", file=self._file)


def _document_events(plain: Mapping[str, Any]) -> Iterator[Any]:
    yield ev.StreamStartEvent()
    yield ev.DocumentStartEvent(explicit=False)
    yield from _value_events(plain, "", flow=False, depth=0)
    yield ev.DocumentEndEvent(explicit=False)
    yield ev.StreamEndEvent()


def _value_events(value: Any, path: str, flow: bool, depth: int) -> Iterator[Any]:
    if depth > MAX_DEPTH:
        raise FormatError(f"nested deeper than {MAX_DEPTH} levels", path=path)
    if not isinstance(value, (Mapping, list, tuple)):
        yield _scalar_event(value, path)
        return
    flow = flow or not value or (depth > 0 and _short(value))
    if isinstance(value, Mapping):
        yield ev.MappingStartEvent(None, None, True, flow_style=flow)
        for key, item in value.items():
            yield _scalar_event(key, path)
            yield from _value_events(item, f"{path}.{key}" if path else str(key), flow, depth + 1)
        yield ev.MappingEndEvent()
        return
    yield ev.SequenceStartEvent(None, None, True, flow_style=flow)
    for position, item in enumerate(value):
        yield from _value_events(item, f"{path}[{position}]", flow, depth + 1)
    yield ev.SequenceEndEvent()


def _short(value: Any) -> bool:
    try:
        return len(json.dumps(value, default=str)) <= FLOW_WIDTH
    except (TypeError, ValueError, RecursionError):
        return False


def _scalar_event(value: Any, path: str) -> Any:
    if isinstance(value, str):
        plain = bool(_PLAIN.fullmatch(value)) and isinstance(resolve_plain(value), str)
        return ev.ScalarEvent(None, _STRING, (plain, not plain), value, style=None if plain else '"')
    if value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    elif type(value) is int:
        text = str(value)
    elif type(value) is float:
        text = repr(value) if math.isfinite(value) else {"inf": ".inf", "-inf": "-.inf"}.get(repr(value), ".nan")
    else:
        raise FormatError(f"a {type(value).__name__} cannot be written to YAML", path=path, value=value)
    return ev.ScalarEvent(None, None, (True, False), text)


def _missing(path: Path) -> str:
    if path.is_dir():
        return "a folder, not a file"
    if kind := kind_of_file(path):
        return f"{kind}, not a file"
    if not path.parent.is_dir():
        return f"no such file; the folder {path.parent} does not exist"
    names = [entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml")]
    return f"no such file; {did_you_mean(path.name, names)}" if names else "no such file"
