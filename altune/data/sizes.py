"""Open data files, and refuse what would not fit into memory before it is read.

Sizes come from headers where a kind of file has them. Text has none, so it is counted while it is read: a packed file
may hold a thousand times its size. The estimates are those of what reading takes at its peak, roughly.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import math
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import numpy as np

from altune.data.files import DataFile

_BUFFER = 1 << 18
_NUMBER = 16  # bytes that a number takes at the peak beside those that are stored: a float64, and one to check it
CELL = 24
"""Bytes that a cell of a table takes."""
_TEXT = 2  # times the bytes of text


class _TextCost(NamedTuple):
    """Bytes of memory for each byte of a text file, and for each field by the marks that can be between two."""

    byte: float
    field: int
    marks: bytes


_TEXT_COSTS = {
    ".csv": _TextCost(_TEXT, CELL, b",;\t|"),
    ".tsv": _TextCost(_TEXT, CELL, b"\t"),
    ".jsonl": _TextCost(_TEXT, CELL, b":"),
    ".ndjson": _TextCost(_TEXT, CELL, b":"),
    ".svmlight": _TextCost(1, 36, b":"),
    ".libsvm": _TextCost(1, 36, b":"),
}
NPZ_KEYS = ("X", "y", "data", "indices", "indptr", "shape", "format")
"""Arrays of an npz file that are read; others are left alone."""
_NPY_START, _NPY_HEADER = 12, 10_000  # bytes before the header of an array, and of it
_EXCEL_COSTS = (("xl/worksheets/", 8), ("xl/sharedStrings", 16), ("xl/media/", 0), ("xl/charts/", 0), ("xl/theme/", 2))
_OBJECTS = 300  # for each byte of what becomes objects, such as styles
_BATCH = 1 << 16  # rows


@contextmanager
def opened(file: DataFile) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes, unpacked if its name ends in ``.gz``.

    Raises
    ------
    DataError
        If its content needs more memory than it may take: here where its headers tell, else while it is read.
    """
    with file.path.open("rb") as raw:
        estimate = _OF_HEADERS.get(file.kind)
        if estimate is None:
            with gzip.open(raw) if file.is_gzip else contextlib.nullcontext(raw) as stream:
                yield io.BufferedReader(_Counted(stream, file), _BUFFER)
        else:
            estimate(raw, file)
            raw.seek(0)
            yield raw


class _Counted(io.RawIOBase):
    """The bytes of a text file, counted as they are read."""

    def __init__(self, stream: Any, file: DataFile) -> None:
        super().__init__()
        self._stream, self._file, self._cost = stream, file, _TEXT_COSTS[file.kind]
        self._needed = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._stream.read(len(memoryview(buffer)))
        self._needed += len(part) * self._cost.byte
        self._needed += self._cost.field * (max(map(part.count, self._cost.marks)) + part.count(b"\n"))
        self._file.require(self._needed)
        memoryview(buffer).cast("B")[: len(part)] = part
        return len(part)


def npz_headers(stream: IO[bytes]) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return shape and type of the arrays of an npz file that are read; their data are left alone.

    Raises
    ------
    ValueError
        If an array has fewer bytes than its header says, occurs twice, is encrypted, or has no header of an array.
    """
    with zipfile.ZipFile(stream) as archive:
        members = [(info.filename.removesuffix(".npy"), info) for info in archive.infolist()]
        names = [name for name, _ in members]
        for name, info in members:
            if name in NPZ_KEYS and names.count(name) > 1:
                raise ValueError(f"the array {name} occurs twice")
            if name in NPZ_KEYS and info.flag_bits & 1:
                raise ValueError(f"the array {name} is encrypted")
        return {name: _npz_header(archive, info, name) for name, info in members if name in NPZ_KEYS}


def _npz_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    with archive.open(info) as member:
        start = member.read(_NPY_START + _NPY_HEADER)
    version = np.lib.format.read_magic(io.BytesIO(start))
    first = version == (1, 0)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f"the array {name} has the format {version}")
    length = struct.unpack_from("<H" if first else "<I", start, 8)[0]
    if length > _NPY_HEADER:
        raise ValueError(f"the array {name} has a header of {length} bytes")
    header = io.BytesIO(start)
    header.seek(8)
    try:
        read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(header)
    except (MemoryError, RecursionError):  # of Python's parser
        raise ValueError(f"the header of the array {name} is nested too deep") from None
    size, held = math.prod(shape) * dtype.itemsize, info.file_size - header.tell()
    if not dtype.hasobject and size > held:
        raise ValueError(f"the array {name} of the shape {shape} needs {size} bytes, and {held} are there")
    return shape, dtype


def _require_npz(stream: IO[bytes], file: DataFile) -> None:
    arrays = npz_headers(stream).values()
    file.require(sum(math.prod(shape) * (dtype.itemsize + _NUMBER) for shape, dtype in arrays))


def _require_excel(stream: IO[bytes], file: DataFile) -> None:
    with zipfile.ZipFile(stream) as archive:
        sizes = [(info.filename, info.file_size) for info in archive.infolist()]
    costs = [next((cost for start, cost in _EXCEL_COSTS if name.startswith(start)), _OBJECTS) for name, _ in sizes]
    file.require(sum(cost * size for cost, (_, size) in zip(costs, sizes, strict=True)))


def _require_parquet(stream: IO[bytes], file: DataFile) -> None:
    """Check the sizes in the footer, and those of texts that are stored once and repeated in many rows."""
    import pyarrow.parquet as pq

    parquet = pq.ParquetFile(stream)
    footer = parquet.metadata
    file.require_columns(footer.num_columns)
    needed = CELL * footer.num_rows * footer.num_columns
    chunks = [
        (group, footer.row_group(group).column(column))
        for group in range(footer.num_row_groups)
        for column in range(footer.num_columns)
    ]
    needed += sum(_TEXT * max(chunk.total_uncompressed_size, 0) for _, chunk in chunks)
    file.require(needed)
    for group, chunk in chunks:
        most = chunk.num_values * chunk.total_uncompressed_size
        if "BYTE_ARRAY" not in chunk.physical_type or needed + most <= file.room:
            continue
        rows = max(1, min(_BATCH, file.room // (4 * max(chunk.total_uncompressed_size, 1))))
        for batch in parquet.iter_batches(rows, row_groups=[group], columns=[chunk.path_in_schema]):
            needed += _TEXT * batch.nbytes
            file.require(needed)


def _require_feather(stream: IO[bytes], file: DataFile) -> None:
    """Check the sizes that the messages of an Arrow file state, unpacked, and the number of their rows."""
    import pyarrow as pa

    if stream.read(8) != b"ARROW1\0\0":  # of the first version, which packs nothing
        file.require(_TEXT * file.path.stat().st_size)
        return
    needed, columns = 0, 1
    for message in pa.ipc.MessageReader.open_stream(stream):
        if message.type == "schema":
            columns = len(pa.ipc.read_schema(message))
            file.require_columns(columns)
        elif message.type in ("record batch", "dictionary"):
            rows, sizes = _arrow_sizes(message.metadata.to_pybytes(), message.body)
            needed += CELL * rows * columns + _TEXT * sum(sizes)
            file.require(needed)


def _arrow_sizes(metadata: bytes, body: Any) -> tuple[int, list[int]]:
    """Return the number of rows of a message of Arrow, and the bytes of its buffers, unpacked.

    The layout is that of ``Message.fbs`` of the Arrow format, a flatbuffer.
    """

    def number(code: str, place: int) -> int:
        return int(struct.unpack_from(f"<{code}", metadata, place)[0])

    def field(table: int, index: int) -> int:
        """Return the place of a field of a table, 0 if it is left out."""
        layout = table - number("i", table)
        offset = number("H", layout + 4 + 2 * index) if 4 + 2 * index < number("H", layout) else 0
        return table + offset if offset else 0

    def follow(place: int) -> int:
        return place + number("I", place)

    message = follow(0)
    batch = follow(field(message, 2))
    if number("B", field(message, 1)) == 2:  # of a dictionary, which holds a batch
        batch = follow(field(batch, 1))
    rows = number("q", place) if (place := field(batch, 0)) else 0
    packed = field(batch, 3)
    buffers = follow(field(batch, 2))
    sizes = []
    for index in range(number("I", buffers)):
        offset, length = number("q", buffers + 4 + 16 * index), number("q", buffers + 12 + 16 * index)
        if packed and length >= 8:
            unpacked = int(struct.unpack_from("<q", body, offset)[0])
            length = unpacked if unpacked >= 0 else length - 8
        sizes.append(length)
    return rows, sizes


_OF_HEADERS: dict[str, Callable[[IO[bytes], DataFile], None]] = {
    ".npz": _require_npz,
    ".xlsx": _require_excel,
    ".parquet": _require_parquet,
    ".feather": _require_feather,
}
