"""Helpers for files: names, top-level keys, hashes of plain values, atomic writes, and locks."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.errors import FormatError, RequestError, StorageError, did_you_mean
from altune.core.formats import RECIPE_FORMAT
from altune.core.plain import shown
from altune.core.system_errors import reason_of, system_errors

if TYPE_CHECKING:
    from pandas import DataFrame

_MOST_NAME = 60
_MOST_BYTES = 255
"""Longest name of a file on the usual systems."""
_LOCKED_BYTE = 2**30
_IN_USE = "in-use"


def is_file_name(source: str | Path) -> bool:
    """Return whether a text is the path of a file, not the name of something built in.

    >>> is_file_name("vanilla"), is_file_name("my.yaml")
    (False, True)
    """
    path = Path(source)
    return isinstance(source, Path) or path.suffix != "" or len(path.parts) > 1 or path.is_file()


def check_keys(mapping: Mapping[Any, Any], accepted: tuple[str, ...], of_space: tuple[str, ...] = ()) -> None:
    """Refuse unknown keys at the top level of a file, and any version but the current one."""
    for key in mapping:
        if key in of_space:
            raise FormatError("is a field of search spaces; a recipe leaves nothing open", path=str(key), value=key)
        if key not in accepted:
            raise FormatError(f"no such field; {did_you_mean(key, accepted)}", path=str(key), value=key)
    version = mapping.get("version", RECIPE_FORMAT)
    if type(version) is not int or version != RECIPE_FORMAT:
        problem = f"version {version!r} is unknown; this altune reads version {RECIPE_FORMAT}"
        raise FormatError(problem, path="version", value=version)
    name = mapping.get("name")
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise FormatError(f"{shown(name)} is not a name; write a word or two", path="name", value=name)


def canonical_digest(plain: Mapping[str, Any]) -> str:
    """Return a hash of plain values as 32 hexadecimal digits, independent of the machine and of the order of keys."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@contextlib.contextmanager
def written_whole(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` to write to, which replaces ``path`` if the block ends without an error.

    A reader sees the old content or the new one, never a part of it. After an error the temporary file is removed.

    Parameters
    ----------
    path : the file.
    durable : whether the content must have reached the disk before it replaces the old one. What has a checksum and can
        be made again does not need it.

    Raises
    ------
    RequestError
        If the folder does not exist or cannot be written to, or the path is a folder, a device or a pipe.
    StorageError
        If the disk is full or fails.
    """
    with system_errors(path, writing=True):
        _require_usual_file(path)
    partial = path.with_name(f".{path.name[:40]}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with system_errors(path, writing=True):
            yield partial
            if durable:
                _reach_disk(partial)
            os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def _reach_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_usual_file(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and not path.is_file():  # replacing it would take it away from all other programs
        raise RequestError(f"{path}: a device or a pipe, which is not replaced; give the name of a file")


def require_writable(path: Path, *, folder: bool) -> None:
    """Refuse a path to which nothing can be written, before any work is done for it.

    Parameters
    ----------
    path : a file that will be written or replaced in a folder that exists, or a folder that will be made.
    folder : whether it is a folder.

    Raises
    ------
    RequestError
        With what would be right.
    """
    absolute(path)
    with system_errors(path, writing=True):
        if folder and path.is_symlink() and not path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        with contextlib.suppress(FileNotFoundError):
            path.stat()  # refuses names that are too long, and paths through files
        if not folder:
            _require_usual_file(path)
            path.parent.stat()
        place = next(place for place in [path, *path.parents][not folder :] if place.exists())
        if not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if max(len(os.fsencode(part)) for part in path.absolute().parts) > _MOST_BYTES:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))  # below a folder that is not there
        effective = os.access in os.supports_effective_ids
        if not os.access(place, os.W_OK | os.X_OK, effective_ids=effective):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can use, unless it exists; one that exists keeps its permissions.

    Raises
    ------
    RequestError
        If it cannot be made.
    StorageError
        If the disk is full or fails.
    """
    folder = absolute(folder)
    with system_errors(folder, writing=True):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def absolute(path: Path) -> Path:
    """Return a path as it is seen from any working directory.

    Raises
    ------
    RequestError

    Raises
    ------
    RequestError
        If it is relative to a working directory that was removed.
    """
    try:
        return path.absolute()
    except FileNotFoundError:
        raise RequestError("the working directory was removed; change to one that exists") from None


@contextlib.contextmanager
def storing(folder: Path, advice: str) -> Iterator[None]:
    """Turn an error of writing to a folder of altune's own into one of the work, not of the request.

    Parameters
    ----------
    folder : the folder that the block writes to.
    advice : what to do, for the end of the message.

    Raises
    ------
    StorageError
        With the folder or the file.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(f"{folder}: cannot write: {reason_of(error)}; {advice}") from None
    except RequestError as error:
        raise StorageError(f"{error}; {advice}") from None


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically. What has no place in UTF-8, as in names of old files, is written as an escape.

    Raises
    ------
    RequestError
        If the folder does not exist or cannot be written to.
    StorageError
        If the disk is full or fails.
    """
    with written_whole(Path(path)) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def write_table(path: str | Path, table: DataFrame) -> None:
    """Write a table for people as CSV, atomically; raises like :func:`write_text`.

    A text that a spreadsheet would run as a formula, which begins with ``=``, ``+``, ``-`` or ``@`` and is no number,
    gets an apostrophe in front.
    """
    texts = table.select_dtypes(exclude="number")
    table = table.assign(**{str(name): texts[name].map(_harmless) for name in texts})
    write_text(path, table.rename(columns=_harmless).to_csv(index=False))


def _harmless(value: Any) -> Any:
    if not isinstance(value, str) or value[:1] not in {*"=+-@\t\r\n"}:
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def file_name_of(text: str) -> str:
    """Return a text as a part of the name of a file: what a path or a system could misread becomes a hyphen.

    >>> file_name_of("my data"), file_name_of("x/../../etc"), file_name_of("..")
    ('my data', 'x-..-..-etc', 'unnamed')
    """
    return re.sub(r"[^\w .+=,@()-]+", "-", text).strip("-. ")[:_MOST_NAME].strip("-. ") or "unnamed"


def kind_of_file(path: Path) -> str:
    """Return what a path is that is no regular file, such as ``a directory``; empty for a file, or if there is none.

    Anything but a regular file may have no end, or wait for ever for who writes to it, and is not opened.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return "a symbolic link that leads to itself" if error.errno == errno.ELOOP else ""
    except ValueError:  # a NUL character
        return ""
    names = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    kind = stat.S_IFMT(mode)
    return "" if kind == stat.S_IFREG else names.get(kind, "a device")


def locked_at_once(descriptor: int) -> bool:
    """Lock a file without waiting, and return whether this process has the lock.

    The operating system releases it when the process ends, however it does, or the file is closed.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        # Windows lets no other process read a locked byte. The file never gets this long, so its text stays readable.
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Yield a new temporary folder, and remove it when the block ends, with those that killed processes have left."""
    among = Path(tempfile.gettempdir())
    for left in among.glob(f"{prefix}*"):
        if not left.is_symlink() and (left / _IN_USE).is_file():
            with contextlib.suppress(OSError), (left / _IN_USE).open("r+b") as file:
                if locked_at_once(file.fileno()):
                    shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=among))
    try:
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # on a full disk, or without locks, a kill leaves the folder
                # Locked under another name first, so that no other process finds it without a lock.
                file = stack.enter_context((folder / f"{_IN_USE}.new").open("w+b"))
                if locked_at_once(file.fileno()):
                    os.rename(folder / f"{_IN_USE}.new", folder / _IN_USE)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
