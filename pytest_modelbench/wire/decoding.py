"""Bodies that a server compressed although it was asked not to."""

from __future__ import annotations

import zlib
from array import array

from pytest_modelbench.wire.exchange import Exchange, Fault

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


def decode(exchange: Exchange, address: str, max_bytes: int) -> None:
    """Unpack the body of `exchange`; each piece keeps its time. What goes wrong is a fault."""
    encoding = (exchange.header("content-encoding") or "identity").strip().lower()
    if encoding == "identity" or not exchange.pieces:
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        exchange.fault = Fault(
            "protocol", f"{address} packed its answer as {encoding!r}, which was not asked for"
        )
        return
    try:
        _unpack(exchange, encoding == "deflate", max_bytes)
    except zlib.error:
        exchange.fault = Fault(
            "protocol", f"{address} sent a body that is not {encoding}, as its head says it is"
        )
    except OverflowError:
        exchange.fault = Fault(
            "too_large", f"{address} sent a body that unpacks to more than {max_bytes:,} bytes"
        )


def _unpack(exchange: Exchange, is_deflate: bool, max_bytes: int) -> None:
    first = exchange.pieces[0][:1]
    # "deflate" is zlib's format; some servers send the bare one, which begins otherwise
    is_bare = is_deflate and first[0] & 0x0F != 8
    unpacker = zlib.decompressobj(_RAW if is_bare else _GZIP_OR_ZLIB)
    pieces: list[bytes] = []
    times: array[int] = array("q")
    left = max_bytes
    for piece, time in zip(exchange.pieces, exchange.piece_ns, strict=True):
        unpacked = unpacker.decompress(piece, left + 1)
        left -= len(unpacked)
        if left < 0:
            raise OverflowError
        if unpacked:
            pieces.append(unpacked)
            times.append(time)
    if not unpacker.eof:
        raise zlib.error("it is cut off")
    exchange.pieces, exchange.piece_ns = pieces, times
