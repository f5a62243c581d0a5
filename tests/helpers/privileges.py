"""Run as root without its right to open every file, so that permissions mean something."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

import pytest

_VERSION = 0x20080522
_OVERRIDES = (1 << 1) | (1 << 2)
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""

needs_permissions = pytest.mark.skipif(sys.platform != "linux", reason="takes a right of root away as Linux does")


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextlib.contextmanager
def like_any_user() -> Iterator[None]:
    """Let the permissions of files bind this thread while the block runs, also if it is root."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, kept = _Header(_VERSION, 0), (_Capabilities * 2)()
    assert libc.capget(ctypes.byref(header), ctypes.byref(kept)) == 0
    usual = kept[0].effective
    try:
        kept[0].effective = usual & ~_OVERRIDES
        assert libc.capset(ctypes.byref(header), ctypes.byref(kept)) == 0
        yield
    finally:
        kept[0].effective = usual
        assert libc.capset(ctypes.byref(header), ctypes.byref(kept)) == 0
