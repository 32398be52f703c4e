"""Small real files for attachments: a drawn JPEG, PNG or WebP, a one-page PDF, a calendar
invitation, a voice note, a short film; and two that are traps for whoever fetches them."""

from __future__ import annotations

import base64
import hashlib
import io
import random
from datetime import UTC, datetime, timedelta

from simulator.store import films, sounds
from simulator.store.records import File

# Files without bytes: an address that redirects somewhere else, one that never ends.
TRAPS = ("redirect", "bomb")
BOMB_BYTES = 400_000_000


def photo(key: str) -> File:
    """A JPEG as a phone would send it."""
    return File(f"IMG_{random.Random(key).randint(1000, 9999)}.jpg", "image/jpeg", f"jpeg:{key}")


def picture(key: str, name: str = "logo.png") -> File:
    return File(name, "image/png", f"png:{key}")


def document(key: str, title: str, name: str) -> File:
    return File(name, "application/pdf", f"pdf:{key}:{title}")


def invitation(key: str, at: datetime, title: str) -> File:
    return File(
        "invite.ics", "text/calendar", f"ics:{key}:{at.astimezone(UTC):%Y%m%dT%H%M%SZ}:{title}"
    )


def sticker(key: str) -> File:
    return File("sticker.webp", "image/webp", f"webp:{key}")


def voice_note(key: str, seconds: int) -> File:
    """An MP3, since no Opus can be made here; phones of this simulator speak MP3."""
    return File("voice.mp3", "audio/mpeg", f"mp3:{key}:{seconds}")


def film(key: str) -> File:
    return File("clip.mp4", "video/mp4", f"mp4:{key}")


def redirecting(target: str) -> File:
    """What claims to be a picture and redirects to `target`."""
    return File("picture.jpg", "image/jpeg", f"redirect:{target}")


def bomb(length: int = BOMB_BYTES) -> File:
    """What claims to be a picture and is so many bytes long, which it does not say."""
    return File("picture.jpg", "image/jpeg", f"bomb:{length}")


def is_trap(file: File) -> bool:
    return file.spec.partition(":")[0] in TRAPS


def sha256(file: File) -> bytes:
    """The digest of the bytes; of the spec where there are none."""
    return hashlib.sha256(file.spec.encode() if is_trap(file) else render(file)).digest()


def render(file: File) -> bytes:
    """The bytes of a file; the same spec always gives the same bytes.

    Raises:
        ValueError: the spec is of no known kind.
    """
    kind, _, rest = file.spec.partition(":")
    if kind == "base64":
        return base64.b64decode(rest)
    if kind in ("jpeg", "png", "webp"):
        return _image(kind, rest)
    if kind == "mp3":
        key, _, seconds = rest.rpartition(":")
        return sounds.mp3(key, int(seconds))
    if kind == "mp4":
        return films.mp4([_image("jpeg", f"{rest}|{n}") for n in range(6)])
    if kind == "pdf":
        return _pdf(*rest.split(":", 1))
    if kind == "ics":
        return _ics(*rest.split(":", 2))
    raise ValueError(f"no file can be made from a spec of kind {kind!r}")


def _image(kind: str, key: str) -> bytes:
    """A landscape: sky, sun, hills, and two wheels in front."""
    from PIL import Image, ImageDraw  # costs start-up time, and most runs draw nothing

    rng = random.Random(key)
    width, height = {"jpeg": (320, 240), "png": (96, 48), "webp": (160, 160)}[kind]
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    top, low = [tuple(rng.randint(90, 250) for _ in range(3)) for _ in range(2)]
    for y in range(height):
        draw.line(
            (0, y, width, y),
            fill=tuple((top[i] * (height - y) + low[i] * y) // height for i in range(3)),
        )
    sun = rng.randint(20, width - 40), rng.randint(5, height // 3)
    draw.ellipse((*sun, sun[0] + height // 6, sun[1] + height // 6), fill=(255, 236, 170))
    for hill in range(3):
        base = height * (5 + hill) // 9
        points = [
            (x, base + rng.randint(-height // 9, height // 12)) for x in range(0, width + 40, 40)
        ]
        draw.polygon(
            [(0, height), *points, (width, height)],
            fill=(30 + 25 * hill, 80 + 30 * hill, 50 + 10 * hill),
        )
    radius = height // 6
    for x in (width // 3, width * 2 // 3):
        draw.ellipse(
            (x - radius, height - 2 * radius - 6, x + radius, height - 6),
            outline=(20, 20, 20),
            width=3,
        )
    draw.line(
        (
            width // 3,
            height - radius,
            width // 2,
            height - 3 * radius,
            width * 2 // 3,
            height - radius,
        ),
        fill=(180, 40, 30),
        width=3,
    )
    out = io.BytesIO()
    image.save(out, kind.upper(), **({} if kind == "png" else {"quality": 70}))
    return out.getvalue()


def _pdf(key: str, title: str) -> bytes:
    """A one-page PDF 1.4 with a heading and a few lines, cross-reference table and all."""
    rng = random.Random(key)
    lines = [title, "Saltbush Cycles & Outdoor", "14 Foundry Lane, Marrickville", ""]
    lines += [
        f"{rng.randint(1, 4)} x item {rng.randint(100, 999)}    ${rng.randint(10, 300)}.00"
        for _ in range(rng.randint(2, 6))
    ]
    shown = [
        line.encode("latin-1", "replace")
        .replace(b"\\", b"\\\\")
        .replace(b"(", b"\\(")
        .replace(b")", b"\\)")
        for line in lines
    ]
    text = (
        b"BT /F1 14 Tf 60 780 Td 20 TL "
        + b" ".join(b"(" + line + b") Tj T*" for line in shown)
        + b" ET"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(out)


def _ics(key: str, start: str, title: str) -> bytes:
    begin = datetime.strptime(start, "%Y%m%dT%H%M%SZ")
    lines = (
        "BEGIN:VCALENDAR",
        "PRODID:-//Saltbush//Bookings//EN",
        "VERSION:2.0",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:{key}@saltbush.example.com",
        f"DTSTAMP:{start}",
        f"DTSTART:{start}",
        f"DTEND:{begin + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
        f"SUMMARY:{title}",
        "ORGANIZER;CN=Saltbush:mailto:hello@saltbush.example.com",
        "LOCATION:14 Foundry Lane\\, Marrickville",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    return "\r\n".join(lines).encode()
