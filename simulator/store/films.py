"""A small real MP4: one track of JPEG pictures, boxes as ISO/IEC 14496-12 and -14 have them."""

from __future__ import annotations

import struct

WIDTH, HEIGHT, RATE = 320, 240, 4
UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def mp4(pictures: list[bytes]) -> bytes:
    """The film of these JPEGs, four a second."""
    brand = _box("ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2mp41")
    data = _box("mdat", b"".join(pictures))
    first = len(brand) + 8
    return brand + data + _box("moov", _header(len(pictures)), _track(pictures, first))


def _box(name: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", len(body) + 8) + name.encode("ascii") + body


def _full(name: str, *content: bytes, flags: int = 0) -> bytes:
    return _box(name, struct.pack(">I", flags), *content)


def _header(count: int) -> bytes:
    times = struct.pack(">4I", 0, 0, RATE, count)
    rest = struct.pack(">IHHII", 0x10000, 0x100, 0, 0, 0)
    return _full("mvhd", times, rest, UNITY, bytes(24), struct.pack(">I", 2))


def _track(pictures: list[bytes], first: int) -> bytes:
    count = len(pictures)
    track = _full(
        "tkhd",
        struct.pack(">5I", 0, 0, 1, 0, count),
        bytes(16),
        UNITY,
        struct.pack(">2I", WIDTH << 16, HEIGHT << 16),
        flags=7,
    )
    media = _full("mdhd", struct.pack(">4IHH", 0, 0, RATE, count, 0x55C4, 0))
    handler = _full("hdlr", bytes(4), b"vide", bytes(12), b"pictures\x00")
    reference = _full("dref", struct.pack(">I", 1), _full("url ", flags=1))
    information = _box(
        "minf", _full("vmhd", bytes(8), flags=1), _box("dinf", reference), _samples(pictures, first)
    )
    return _box("trak", track, _box("mdia", media, handler, information))


def _samples(pictures: list[bytes], first: int) -> bytes:
    count = len(pictures)
    entry = _box(
        "mp4v",
        bytes(6) + struct.pack(">H", 1) + bytes(16),
        struct.pack(">HHIIIH", WIDTH, HEIGHT, 0x480000, 0x480000, 0, 1),
        bytes(32),
        struct.pack(">Hh", 24, -1),
        _full("esds", _descriptor(max(map(len, pictures)))),
    )
    return _box(
        "stbl",
        _full("stsd", struct.pack(">I", 1), entry),
        _full("stts", struct.pack(">3I", 1, count, 1)),
        _full("stsc", struct.pack(">4I", 1, 1, count, 1)),
        _full("stsz", struct.pack(f">{count + 2}I", 0, count, *map(len, pictures))),
        _full("stco", struct.pack(">2I", 1, first)),
    )


def _descriptor(largest: int) -> bytes:
    """An ES descriptor with the object type of JPEG, 0x6C."""
    config = b"\x04\x0d" + struct.pack(">BBBHII", 0x6C, 0x11, 0, min(largest, 65535), 0, 0)
    inner = struct.pack(">HB", 1, 0) + config + b"\x06\x01\x02"
    return b"\x03" + bytes([len(inner)]) + inner
