"""What bytes are, whatever they are called."""

from __future__ import annotations

import gzip
import io
import struct
import time
import wave
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from media.sniff import HEAD_BYTES, MOST_PIXELS, Sniffed, sniff
from warehouse.media_types import inline_types


def picture(kind: str, size: tuple[int, int] = (40, 30), **more: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "red").save(made, kind, **more)
    return made.getvalue()


def wav() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0" * 800)
    return made.getvalue()


#: 128 kbit/s at 44.1 kHz, and a telephone's 32 kbit/s at 22.05 kHz.
MP3 = (b"\xff\xfb\x90\x00" + b"\0" * 413) * 3
MP3_OF_A_CALL = (b"\xff\xf3\x40\xc4" + b"\0" * 100) * 3
ADTS = (b"\xff\xf1\x50\x80\x03\x1f\xfc" + b"\0" * 17) * 3
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\x82\x84webm"


@pytest.mark.parametrize(
    "content",
    [
        picture("PNG"),
        picture("JPEG"),
        picture("JPEG", progressive=True),
        picture("JPEG", exif=b"Exif\0\0" + b"\0" * 60_000, icc_profile=b"\0" * 200_000),
        picture("GIF"),
        picture("WEBP"),
        picture("WEBP", lossless=True),
        picture("WEBP", exif=b"Exif\0\0II*\0"),
    ],
)
def test_an_image_is_known_and_measured_by_its_header(content: bytes) -> None:
    found = sniff(content[:HEAD_BYTES], "application/pdf")
    assert (found.width, found.height) == (40, 30)
    assert found.is_inline
    assert found.type.startswith("image/")


@pytest.mark.parametrize(
    ("content", "claimed", "content_type"),
    [
        (wav(), "image/png", "audio/wav"),
        (MP3, None, "audio/mpeg"),
        (MP3_OF_A_CALL, "audio/mpeg", "audio/mpeg"),
        (b"ID3\x04\0\0\0\0\0\0" + MP3, "text/html", "audio/mpeg"),
        (ADTS, "audio/aac", "audio/aac"),
        (b"OggS\0\2" + b"\0" * 22 + b"OpusHead", "audio/ogg; codecs=opus", "audio/ogg"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "video/mp4", "audio/mp4"),
        (b"\0\0\0\x20ftypisom\0\0\0\0", "audio/mp4", "audio/mp4"),
        (b"\0\0\0\x20ftypisom\0\0\0\0", "video/mp4", "video/mp4"),
        (b"\0\0\0\x20ftypisom\0\0\0\0", None, "video/mp4"),
        (WEBM, "audio/webm", "audio/webm"),
        (WEBM, "video/webm", "video/webm"),
    ],
)
def test_what_can_be_played(content: bytes, claimed: str | None, content_type: str) -> None:
    found = sniff(content, claimed)
    assert found == Sniffed(content_type)
    assert found.is_inline


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", b"\0" * 10_000_000)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (archive(), "application/zip"),
        (gzip.compress(b"\0" * 10_000_000), "application/gzip"),
        (b"MZ\x90\0", "application/x-msdownload"),
        (b"\x7fELF\2\1\1", "application/x-executable"),
        (b"#!/bin/sh\nrm -rf /\n", "text/x-script"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/svg+xml"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg/>', "image/svg+xml"),
        (
            b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "a">]><lolz>&a;</lolz>',
            "application/xml",
        ),
        (b"\xef\xbb\xbf <!DOCTYPE HTML><script>alert(1)</script>", "text/html"),
        (b"<script>alert(1)</script>", "text/html"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "text/vcard"),
        (b"BEGIN:VCALENDAR\r\n", "text/calendar"),
        ("plain words, in every language: Grüße".encode(), "text/plain"),
        ("\ufeffword".encode("utf-16-le"), "text/plain"),
        ("\ufeffword".encode("utf-16-be"), "text/plain"),
        (picture("BMP"), "image/bmp"),
        (picture("TIFF"), "image/tiff"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "image/avif"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "video/quicktime"),
        (b"\0\0\0\x18ftyp3gp4\0\0\0\0", "video/3gpp"),
        (b"#!AMR\n", "audio/amr"),
        (b"\xff\xfb\x90\x00" + b"\x01" * 1000, "application/octet-stream"),
        (b"\0\1\2\3", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_what_is_for_download_only(content: bytes, content_type: str) -> None:
    for claimed in ("image/png", "text/html", None):
        found = sniff(content, claimed)
        assert found.type == content_type
        assert not found.is_inline


def test_a_program_under_an_image_s_name_is_a_program() -> None:
    assert sniff(b"<html><script>alert(1)</script>", "image/jpeg").type == "text/html"
    assert "image/svg+xml" not in inline_types()
    assert "text/html" not in inline_types()


def png(width: int, height: int) -> bytes:
    """A whole PNG of this size whose rows are nothing but zeros: a thousandth of what it unpacks to."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    packer, rows = zlib.compressobj(9), b""
    for _ in range(min(height, 2000)):
        rows += packer.compress(b"\0" * (width // 8 + 1))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", rows + packer.flush())
        + chunk(b"IEND", b"")
    )


def test_a_pixel_bomb_is_for_download_only() -> None:
    bomb = png(50_000, 50_000)
    started = time.thread_time()
    found = sniff(bomb[:HEAD_BYTES], "image/png")
    assert time.thread_time() - started < 0.1
    assert (found.width, found.height) == (50_000, 50_000)
    assert not found.is_inline
    assert "50000 × 50000 pixels" in str(found.too_large)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIDAT" + b"\0" * 100,
        b"\xff\xd8\xff\xe0" + b"\xff" * 1000,
        b"\xff\xd8\xff\xe0\0\0" + b"\0" * 1000,
        b"\xff\xd8\xff\xda\0\4" + b"\0" * 1000,
        b"GIF89a\0\0\0\0",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"RIFF\0\0\0\0WEBPXXXX" + b"\0" * 100,
    ],
)
def test_an_image_that_hides_its_size_is_not_shown(content: bytes) -> None:
    found = sniff(content, "image/png")
    assert found.type.startswith("image/")
    assert not found.is_inline
    assert found.too_large


def test_a_gif_that_ends_in_its_header_is_no_image() -> None:
    assert not sniff(b"GIF89a\0", "image/gif").is_inline


@pytest.mark.parametrize(("side", "shown"), [(7_071, True), (7_072, False)])
def test_the_limit_of_pixels(side: int, shown: bool) -> None:
    assert Sniffed("image/png", side, side).is_inline is shown
    assert (side * side <= MOST_PIXELS) is shown


BEGINNINGS = [
    b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"\0\0\0\0ftyp", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf1", b"<",
    b"\x1a\x45\xdf\xa3", b"\xef\xbb\xbf",
]  # fmt: skip


@given(st.sampled_from(BEGINNINGS), st.binary(max_size=200), st.none() | st.text(max_size=20))
def test_any_bytes_are_something(beginning: bytes, rest: bytes, claimed: str | None) -> None:
    found = sniff(beginning + rest, claimed)
    assert "/" in found.type
    assert not found.is_inline or found.type in inline_types()


def test_a_long_file_without_an_end_takes_no_time() -> None:
    for content in (b"\xff\xd8" + b"\xff" * HEAD_BYTES, b"<" * HEAD_BYTES, b" " * HEAD_BYTES):
        started = time.thread_time()
        sniff(content[:HEAD_BYTES])
        assert time.thread_time() - started < 1


def test_a_cut_through_a_character_is_still_text() -> None:
    text = ("é" * HEAD_BYTES).encode()
    assert sniff(text[:HEAD_BYTES]).type == "text/plain"
    assert sniff((b"x" + text)[:HEAD_BYTES]).type == "text/plain"
