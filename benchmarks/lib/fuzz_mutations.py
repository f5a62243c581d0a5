"""What fuzz.py does to a valid input: trees of values, text, bytes, archives and words of a command line."""

from __future__ import annotations

import copy
import gzip
import io
import json
import math
import random
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

from altune.core.checksums import sealed
from altune.core.errors import FormatError
from altune.core.yaml import write_yaml

ODD_TEXTS = (
    *(
        "",
        " ",
        "x" * 5_000,
        "\x1b[31mred",
        "a\nb",
        "a\r",
        "\x00",
        "\ud800",
        "\u202eabc",
        "ß",
        "١٢",
        "1e3",
        "no",
        "null",
    ),
    *("../x", "~nouser/x", "a/b", "=1+1", "%s", "{0}", "$HOME", "`id`", "inf", "nan", "-0", "0x10", "1_000", "1,5"),
    *("2024-02-30", "!!python/object/apply:os.system ['true']", "&a", "*a", "<<", "margin", "random", "constant"),
)
ODD_NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 7, 100, 10**6, 10**9, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**400),
    *(0.0, -0.0, 0.5, 1.5, -0.1, 1e-320, 1e-9, 1e9, 1e300, 1e308, math.inf, -math.inf, math.nan),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [[]], [{}], {"": 0}, [None], [0, 0], ["a", 1, None], {"method": None}),
    *({"low": 0, "high": 1}, {"low": 1, "high": 0}, {"low": 0, "high": 5, "log": True}, {"choices": []}),
    *({"choices": [1, 2]}, {"choices": [[1], {"a": 2}]}, {"method": "margin"}, {"low": 1, "high": 9, "step": 0}),
)
_BYTES = (b"\x00", b"\xff", b"\xef\xbb\xbf", b"\x1b[2J", b'"', b"'", b",", b"\t", b"\n", b"\r", b"{", b"[", b":", b"- ")


def odd_value(chance: random.Random) -> Any:
    """Return a value that hardly any field takes."""
    kind = chance.random()
    if kind < 0.35:
        return chance.choice(ODD_TEXTS)
    if kind < 0.7:
        return chance.choice(ODD_NUMBERS)
    if kind < 0.95:
        return copy.deepcopy(chance.choice(ODD_VALUES))
    if kind < 0.97:
        return [chance.choice(ODD_NUMBERS) for _ in range(chance.choice((3, 50, 2_000)))]
    nested: Any = 1
    for _ in range(chance.choice((5, 31, 33, 90))):
        nested = [nested] if chance.random() < 0.5 else {"a": nested}
    return nested


def mutated_tree(tree: Any, chance: random.Random) -> Any:
    """Return a copy of lists and mappings with one to three changes."""
    tree = copy.deepcopy(tree)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            return odd_value(chance)
        holder, key = chance.choice(places)
        chance.choice(_TREE_CHANGES)(holder, key, places, chance)
    return tree


def _places(tree: Any) -> Any:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(items):
        yield tree, key
        yield from _places(value)


def _replace(holder: Any, key: Any, places: Any, chance: random.Random) -> None:
    holder[key] = odd_value(chance)


def _swap(holder: Any, key: Any, places: Any, chance: random.Random) -> None:
    other, name = chance.choice(places)
    holder[key] = copy.deepcopy(other[name])


def _remove(holder: Any, key: Any, places: Any, chance: random.Random) -> None:
    del holder[key]


def _rename(holder: Any, key: Any, places: Any, chance: random.Random) -> None:
    if isinstance(holder, dict):
        text = str(key)
        names = [text[:-1], text + "s", text.upper(), *(str(name) for _, name in places[:20]), 1, 0.5, True]
        holder[chance.choice([*names, chance.choice(ODD_TEXTS)])] = holder.pop(key)
    else:
        holder.insert(key, copy.deepcopy(holder[key]))


def _add(holder: Any, key: Any, places: Any, chance: random.Random) -> None:
    name = str(chance.choice(places)[1])
    if isinstance(holder, dict):
        holder[name] = odd_value(chance)
    else:
        holder.append(odd_value(chance))


def _wrap(holder: Any, key: Any, places: Any, chance: random.Random) -> None:
    value = holder[key]
    holder[key] = chance.choice(([value], {"method": value}, {"choices": [value, value]}, str(value), [value, value]))


def _nudge(holder: Any, key: Any, places: Any, chance: random.Random) -> None:
    value = holder[key]
    if isinstance(value, (int, float)):
        holder[key] = chance.choice((-value, value + 1, value * 10, value // 3, [value], str(value), bool(value)))
    else:
        _replace(holder, key, places, chance)


_TREE_CHANGES: tuple[Callable[..., None], ...] = (_replace, _replace, _swap, _remove, _rename, _add, _wrap, _nudge)


def as_yaml(tree: Any, chance: random.Random) -> bytes:
    """Return a tree as YAML, in blocks or as JSON; values that YAML writes otherwise are those of JSON."""
    if isinstance(tree, dict) and chance.random() < 0.5:
        try:
            return write_yaml(tree).encode("utf-8", "surrogatepass")
        except (FormatError, ValueError, TypeError):
            pass
    return as_json(tree)


def as_json(tree: Any) -> bytes:
    """Return a tree as JSON, with NaN and half characters."""
    return json.dumps(tree, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


def mutated_bytes(content: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Return bytes with one to four changes."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        start = chance.randrange(len(content) + 1)
        end = min(len(content), start + chance.choice((1, 1, 2, 8, 64, 1_000)))
        kind = chance.randrange(9)
        if kind == 0 and start < len(content):  # a bit
            content = content[:start] + bytes([content[start] ^ 1 << chance.randrange(8)]) + content[start + 1 :]
        elif kind == 1:
            content = content[:start] + bytes(chance.randrange(256) for _ in range(end - start)) + content[end:]
        elif kind == 2:
            content = content[:start]
        elif kind == 3:
            content = content[:start] + content[end:]
        elif kind == 4:
            content = content[:end] + content[start:end] * chance.choice((1, 3, 200)) + content[end:]
        elif kind == 5:
            content = content[:start] + chance.choice(_BYTES) * chance.choice((1, 1, 50)) + content[start:]
        elif kind == 6 and others:
            other = chance.choice(others)
            content = content[:start] + other[chance.randrange(len(other) + 1) :]
        elif kind == 7:
            content = mutated_lines(content, chance)
        else:
            content = content[:start] + chance.choice(ODD_TEXTS).encode("utf-8", "surrogatepass") + content[end:]
    return content


def mutated_lines(content: bytes, chance: random.Random) -> bytes:
    """Return text with a line doubled, left out, moved, or one of its fields changed."""
    lines = content.splitlines(keepends=True) or [b""]
    place = chance.randrange(len(lines))
    kind = chance.randrange(5)
    if kind == 0:
        lines.insert(place, lines[place] * chance.choice((1, 100)))
    elif kind == 1:
        del lines[place]
    elif kind == 2:
        other = chance.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    else:
        between = chance.choice((b",", b"\t", b" ", b":"))
        fields = lines[place].split(between)
        number = chance.randrange(len(fields))
        odd = chance.choice((*ODD_TEXTS, *map(str, ODD_NUMBERS))).encode("utf-8", "surrogatepass")
        fields[number : number + 1] = [odd] if kind == 3 else chance.choice(([], [fields[number]] * 2))
        lines[place] = between.join(fields)
    return b"".join(lines)


def mutated_gzip(content: bytes, chance: random.Random) -> bytes:
    """Return a gzip file of changed content, or a changed gzip file."""
    if chance.random() < 0.6:
        return gzip.compress(mutated_bytes(gzip.decompress(content), chance), 1)
    return mutated_bytes(content, chance)


def mutated_zip(content: bytes, chance: random.Random) -> bytes:
    """Return a zip file with a member changed, doubled or left out, or changed bytes."""
    if chance.random() < 0.3:
        return mutated_bytes(content, chance)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice(list(members))
    kind = chance.random()
    if kind < 0.7:
        members[name] = mutated_bytes(members[name], chance)
    elif kind < 0.85:
        members[chance.choice(("x", "../x.npy", name + "x", "y.npy", "X.npy"))] = members[name]
    else:
        del members[name]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return stream.getvalue()


def mutated_journal(content: bytes, chance: random.Random) -> bytes:
    """Return lines of JSON with the values of one changed, with a checksum that fits or not, or changed bytes."""
    lines = content.splitlines(keepends=True)
    kind = chance.random()
    if kind < 0.2 or not lines:
        return mutated_bytes(content, chance)
    if kind < 0.3:
        return mutated_lines(content, chance)
    place = chance.randrange(len(lines))
    try:
        tree = mutated_tree(json.loads(lines[place]), chance)
    except ValueError:  # changed before
        return mutated_bytes(content, chance)
    lines[place] = resealed(tree).encode("utf-8", "surrogatepass") + b"\n" if kind < 0.9 else as_json(tree) + b"\n"
    return b"".join(lines)


def resealed(tree: Any) -> str:
    """Return changed values with a checksum that fits them, as a line of JSON."""
    if not isinstance(tree, dict):
        return json.dumps(tree)
    return sealed({str(key): value for key, value in tree.items() if key != "checksum"})


def mutated_words(words: Sequence[str], options: Sequence[str], chance: random.Random) -> list[str]:
    """Return the words of a command line with one to three changes; none holds a NUL byte, which no shell passes."""
    words = list(words)
    for _ in range(chance.choice((1, 1, 2, 3))):
        place = chance.randrange(1, len(words) + 1)
        kind = chance.randrange(6)
        if kind == 0 and place < len(words):
            words[place] = odd_word(chance)
        elif kind == 1 and place < len(words):
            del words[place]
        elif kind == 2 and place < len(words):
            words.insert(place, words[place])
        elif kind == 3 and options:
            words[place:place] = [chance.choice(options)]
        elif options:
            words[place:place] = [chance.choice(options), odd_word(chance)]
    return words


def odd_word(chance: random.Random) -> str:
    """Return a word that hardly any option takes."""
    word = str(
        chance.choice((*ODD_TEXTS, *ODD_NUMBERS[:15], *ODD_NUMBERS[16:], "1h", "-5", "a=b", "a.b=[1", "--", "-"))
    )
    return word.replace("\x00", "").replace("\ud800", "\udc80")
