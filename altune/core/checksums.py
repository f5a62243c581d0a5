"""Checksums of what altune stores, so that a byte that changed on disk is noticed when it is read back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY = "checksum"
_DIGITS = 16
_BETWEEN = f',"{KEY}":"'.encode()


class ChecksumError(ValueError):
    """What is read is not what was written."""


def checksum(content: bytes | memoryview) -> str:
    """Return a hash of bytes as 16 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=_DIGITS // 2).hexdigest()


def sealed(plain: Mapping[str, Any]) -> str:
    """Return plain values as one line of JSON whose last entry, ``checksum``, is that of the others.

    >>> sealed({"a": 1})
    '{"a":1,"checksum":"1f8c00645b7df6ce"}'
    """
    text = json.dumps(plain, separators=(",", ":"))
    return f'{text[:-1]},"{KEY}":"{checksum(text.encode())}"}}'


def unsealed(line: str | bytes) -> dict[str, Any]:
    """Return the plain values of :func:`sealed`, without the checksum.

    What was written by an earlier version of altune, or by another program, has no checksum and is not checked.

    Raises
    ------
    ChecksumError
        If the checksum is not that of the values.
    ValueError
        If the line is not a JSON object.
    """
    content = line.encode() if isinstance(line, str) else line
    plain = json.loads(content)
    if not isinstance(plain, dict):
        raise ValueError("not a JSON object")
    if KEY in plain:
        found = plain.pop(KEY)
        body, between, _ = content.rpartition(_BETWEEN)
        if not between or found != checksum(body + b"}"):
            raise ChecksumError("its checksum does not match")
    return plain
