"""What bytes are, by how they begin. What a sender claims decides nothing but sound or picture in a container.

Nothing is decoded and no archive is unpacked: an image is measured by its header, a zip stays a zip.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from warehouse.media_types import UNKNOWN, inline_types

#: How much of a file is looked at. A JPEG names its size after its metadata, which may be long.
HEAD_BYTES = 512 * 1024
#: A browser turns each pixel into four bytes, whatever the file measures.
MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class Sniffed:
    """`width` and `height` in pixels, of images whose header tells them."""

    type: str
    width: int | None = None
    height: int | None = None

    @property
    def too_large(self) -> str | None:
        """Why an image is not shown although its type would be; None where nothing is against it."""
        if not self.type.startswith("image/") or self.type not in inline_types():
            return None
        if not self.width or not self.height:
            return "an image whose size cannot be read: for download only"
        if self.width * self.height > MOST_PIXELS:
            return f"{self.width} × {self.height} pixels are too many to show: for download only"
        return None

    @property
    def is_inline(self) -> bool:
        """Whether a page may show or play it."""
        return self.type in inline_types() and self.too_large is None


#: Beginnings that say it all, by offset.
MAGIC: list[tuple[int, bytes, str]] = [
    (0, b"%PDF-", "application/pdf"),
    (0, b"fLaC", "audio/flac"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"MThd", "audio/midi"),
    (0, b"caff", "audio/x-caf"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"\0\0\1\0", "image/x-icon"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"PK\3\4", "application/zip"),
    (0, b"PK\5\6", "application/zip"),
    (0, b"Rar!\x1a\7", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (0, b"MZ", "application/x-msdownload"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xca\xfe\xba\xbe", "application/x-executable"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-executable"),
    (0, b"#!", "text/x-script"),
]  # fmt: skip

#: Major brands of the MP4 family (ISO 14496-12); any other is a video in the same container.
BRANDS = {
    b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"M4P ": "audio/mp4", b"F4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"hevc": "image/heic",
    b"mif1": "image/heif", b"msf1": "image/heif", b"avif": "image/avif", b"avis": "image/avif",
    b"crx ": "image/x-canon-cr3", b"jp2 ": "image/jp2",
}  # fmt: skip


def sniff(head: bytes, claimed: str | None = None) -> Sniffed:
    """What the file is that begins with these bytes.

    Args:
        head: its first HEAD_BYTES, or all of it.
        claimed: the type that the sender gave it.
    """
    for look in (_png, _jpeg, _gif, _riff):
        found = look(head)
        if found:
            return found
    for offset, magic, content_type in MAGIC:
        if head.startswith(magic, offset):
            return Sniffed(content_type)
    is_sound = (claimed or "").lower().startswith("audio/")
    containers: list[Callable[[bytes, bool], str | None]] = [_mp4, _matroska, _ogg]
    for container in containers:
        contained = container(head, is_sound)
        if contained:
            return Sniffed(contained)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        # UTF-16: the first of these marks could begin a frame of MPEG audio of a kind that nobody makes.
        return Sniffed("text/plain")
    return Sniffed(_mpeg_audio(head) or _text(head) or UNKNOWN)


def _png(head: bytes) -> Sniffed | None:
    if not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    if head[12:16] != b"IHDR" or len(head) < 24:
        return Sniffed("image/png")
    return Sniffed("image/png", *struct.unpack(">II", head[16:24]))


def _gif(head: bytes) -> Sniffed | None:
    if not head.startswith((b"GIF87a", b"GIF89a")):
        return None
    return Sniffed("image/gif", *struct.unpack("<HH", head[6:10])) if len(head) >= 10 else None


def _jpeg(head: bytes) -> Sniffed | None:
    if not head.startswith(b"\xff\xd8\xff"):
        return None
    position = 2
    while position + 9 <= len(head):
        if head[position] != 0xFF:
            break
        marker = head[position + 1]
        if marker == 0xFF:
            position += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[position + 5 : position + 9])
            return Sniffed("image/jpeg", width, height)
        elif marker == 0xDA:
            break
        else:
            position += 2 + int.from_bytes(head[position + 2 : position + 4], "big")
    return Sniffed("image/jpeg")


def _riff(head: bytes) -> Sniffed | None:
    if not head.startswith((b"RIFF", b"RF64")):
        return None
    if head[8:12] == b"WAVE":
        return Sniffed("audio/wav")
    if head[8:12] == b"AVI ":
        return Sniffed("video/x-msvideo")
    if head[8:12] != b"WEBP":
        return None
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
        return Sniffed("image/webp", width, height)
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return Sniffed("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and len(head) >= 30 and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", head[26:30])
        return Sniffed("image/webp", width & 0x3FFF, height & 0x3FFF)
    return Sniffed("image/webp")


def _mp4(head: bytes, is_sound: bool) -> str | None:
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand in BRANDS:
        return BRANDS[brand]
    if brand.startswith(b"3g"):
        return "audio/3gpp" if is_sound else "video/3gpp"
    return "audio/mp4" if is_sound else "video/mp4"


def _matroska(head: bytes, is_sound: bool) -> str | None:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    if b"webm" not in head[:64]:
        return "video/x-matroska"
    return "audio/webm" if is_sound else "video/webm"


def _ogg(head: bytes, _: bool) -> str | None:
    if not head.startswith(b"OggS"):
        return None
    return "video/ogg" if b"theora" in head[:512] else "audio/ogg"


BITRATES = {
    # kbit/s by version and layer, index 1 to 14 (ISO 11172-3 and 13818-3)
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SAMPLE_RATES = (44_100, 48_000, 32_000)


def _mpeg_audio(head: bytes) -> str | None:
    if head.startswith(b"ID3"):
        return "audio/mpeg"
    length = _mpeg_frame(head)
    if length and (len(head) < length + 4 or _mpeg_frame(head[length : length + 4])):
        return "audio/mpeg"
    length = _adts_frame(head)
    if length and (len(head) < length + 7 or _adts_frame(head[length : length + 7])):
        return "audio/aac"
    return None


def _mpeg_frame(head: bytes) -> int | None:
    """The length of the MPEG audio frame that begins here; None where none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    generation = 1 if version == 3 else 2
    kbits = BITRATES[generation, layer][bitrate - 1]
    hertz = SAMPLE_RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    if layer == 1:
        return (12_000 * kbits // hertz + padding) * 4
    samples = 72 if layer == 3 and generation == 2 else 144
    return samples * 1000 * kbits // hertz + padding


def _adts_frame(head: bytes) -> int | None:
    """The length of the AAC frame that begins here; None where none does."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return None
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length >= 7 else None


def _text(head: bytes) -> str | None:
    if not head or b"\0" in head:
        return None
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The cut may go through a character.
        if error.start < len(head) - 3 or len(head) < HEAD_BYTES:
            return None
        text = head[: error.start].decode("utf-8-sig")
    start = text.lstrip()[:2048].lower()
    if start.startswith("begin:vcard"):
        return "text/vcard"
    if start.startswith("begin:vcalendar"):
        return "text/calendar"
    if "<svg" in start:
        return "image/svg+xml"
    if start.startswith("<?xml"):
        return "application/xml"
    if start.startswith(("<!doctype html", "<html", "<head", "<body", "<script")):
        return "text/html"
    return "text/plain"
