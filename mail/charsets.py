"""Bytes as text, whatever charset they name and whatever they are (docs/providers/google.md).

    strict UTF-8 ─> the declared charset ─> UTF-8 with a few bad bytes ─> a detector ─> windows-1252

Nothing fails and nothing is all or nothing: a byte that means nothing becomes U+FFFD, its neighbours stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from charset_normalizer import from_bytes

#: Charsets whose bytes are valid UTF-8 by accident, so that the declaration must be believed first.
SEVEN_BIT_OR_WIDE = re.compile(r"^(iso-?2022|utf-?7|utf-?16|utf-?32|hz)", re.IGNORECASE)
#: Codecs that are no charset of mail, or take quadratic time.
NOT_CHARSETS = {
    "punycode",
    "idna",
    "unicode-escape",
    "raw-unicode-escape",
    "undefined",
    "mbcs",
    "oem",
}
CHARSET_ALIASES = {
    "ansi": "windows-1252",
    "cp-850": "cp850",
    "cp50220": "iso-2022-jp",
    "cp50221": "iso-2022-jp",
    "iso-8859-8-i": "iso-8859-8",
    "koi8-ru": "koi8-u",
    "ks_c_5601-1987": "cp949",
    "macintosh": "mac-roman",
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
    "x-big5": "big5",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gbk",
    "x-mac-roman": "mac-roman",
    "x-sjis": "cp932",
    "x-windows-949": "cp949",
    "windows-31j": "cp932",
    # What senders call by these names is, in practice, the larger set.
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "iso-8859-1": "windows-1252",
    "iso-8859-9": "windows-1254",
    "iso-8859-11": "cp874",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "tis-620": "cp874",
}
#: Names under which senders write 8-bit text all the same; such a name tells nothing.
NO_NAME = {
    "",
    "us-ascii",
    "ascii",
    "ansi_x3.4-1968",
    "unknown-8bit",
    "x-unknown",
    "default",
    "none",
}
#: What the detector may find. Each more makes it guess worse over the few words of a mail.
DETECTED = ["euc_jp", "cp932", "koi8_r", "koi8_u", "cp1251", "gb18030", "big5", "cp949"]
#: The detector reads no more than this, and only words that are not plain ASCII.
DETECTOR_BYTES = 16_384
#: With fewer bytes beyond ASCII a guess is a coin toss.
DETECTOR_LEAST = 6
#: Of the words with bytes beyond ASCII so much must be beyond it.
DETECTOR_SHARE = 0.6
#: Of a text in the declared charset at most this share may mean nothing.
BAD_SHARE = 0.1
#: Short texts that a detector takes for another script are told by what they must hold: kana among the ideographs, or
#: mostly small Cyrillic letters, where the other codec would show capitals.
EVIDENCE = {
    "euc_jp": re.compile("[\u3041-\u30fc]"),
    "cp932": re.compile("[\u3041-\u30fc]"),
    "koi8_u": re.compile("[\u0430-\u045f\u0491]"),
    "cp1251": re.compile("[\u0430-\u045f\u0491]"),
}
BEYOND_ASCII = re.compile(rb"[^\s\"';=<>\x80-\xff]{0,30}[\x80-\xff][^\s\"';=<>]{0,1000}")
UTF8_CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
#: The shifts of ISO-2022-JP: to two-byte characters, to ASCII or JIS-Roman, to half-width katakana.
JAPANESE_SHIFT = re.compile(rb"\x1b(\$\(D|\$\(?[@B]|\([BJHI])")


def decode_text(content: bytes, declared: str | None) -> str:
    """Bytes as text. Never fails; takes time in proportion to the size."""
    charset = codec_of(declared)
    if charset and SEVEN_BIT_OR_WIDE.match(charset):
        text = _wide(content, charset)
        if text is not None:
            return text
    elif not charset and JAPANESE_SHIFT.search(content[:4096]):
        return _iso_2022_jp(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    if charset and charset != "utf-8":
        try:
            # The bytes of EUC-JP are all valid in Shift_JIS, as half-width katakana.
            return (charset == "cp932" and _told(content, ["euc_jp"])) or content.decode(charset)
        except (UnicodeError, ValueError):
            pass
    whole = len(UTF8_CHARACTER.findall(content))
    if whole:
        text = content.decode("utf-8-sig", "replace")
        if text.count("\ufffd") <= whole:
            return text
    found = _detected(content)
    if found:
        return found
    if charset and charset != "utf-8":
        try:
            text = content.decode(charset, "replace")
            if text.count("\ufffd") <= max(1, len(text) * BAD_SHARE):
                return text
        except (UnicodeError, ValueError):
            pass
    try:
        return content.decode("windows-1252")
    except UnicodeDecodeError:
        # windows-1252 leaves five bytes without a meaning; latin-1 gives every byte one.
        return content.decode("latin-1")


def codec_of(declared: str | None) -> str | None:
    """Python's name of a declared charset; None where it names none."""
    name = (declared or "").strip().strip("\"'").lower()
    name = CHARSET_ALIASES.get(name, name)
    if name in NO_NAME or len(name) > 40 or name.replace("_", "-") in NOT_CHARSETS:
        return None
    try:
        # Python also has codecs that are no charset, such as zlib: those raise LookupError here.
        b" ".decode(name)
    except UnicodeError:
        return name
    except (LookupError, ValueError):
        return None
    return "utf-8" if name in ("utf8", "utf_8") else name


def _wide(content: bytes, charset: str) -> str | None:
    is_japanese = charset.startswith(("iso-2022-jp", "iso2022_jp", "iso2022-jp"))
    for candidate in (charset, "iso2022_jp_2", "iso2022_jp_ext") if is_japanese else (charset,):
        try:
            return content.decode(candidate)
        except (UnicodeError, ValueError):
            continue
    if is_japanese and JAPANESE_SHIFT.search(content):
        return _iso_2022_jp(content)
    return None


def _iso_2022_jp(content: bytes) -> str:
    """As Windows writes it: with the characters of NEC row 13 and half-width katakana, which Python's codec refuses."""
    pieces: list[str] = []
    start, mode = 0, b"(B"
    for match in [*JAPANESE_SHIFT.finditer(content), None]:
        pieces.append(_japanese(content[start : match.start() if match else len(content)], mode))
        if match:
            start, mode = match.end(), match[1]
    return "".join(pieces)


def _japanese(content: bytes, mode: bytes) -> str:
    if mode == b"(I":
        return bytes(byte | 0x80 if 0x21 <= byte <= 0x5F else byte for byte in content).decode(
            "cp932", "replace"
        )
    if not mode.startswith(b"$"):
        return content.decode("ascii", "replace")
    if mode == b"$(D":
        lifted = b"".join(
            b"\x8f" + bytes(byte | 0x80 for byte in content[at : at + 2])
            for at in range(0, len(content) - 1, 2)
        )
        return lifted.decode("euc_jp", "replace")
    shifted = bytearray()
    at = 0
    while at < len(content):
        first = content[at]
        second = content[at + 1] if at + 1 < len(content) else 0
        if not (0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E):
            # A line end inside two-byte text, where a sender did not shift back.
            shifted.append(first if first < 0x80 else 0x3F)
            at += 1
            continue
        lead = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
        trail = second + (0x7E if first % 2 == 0 else 0x1F if second < 0x60 else 0x20)
        shifted += bytes((lead, trail))
        at += 2
    return bytes(shifted).decode("cp932", "replace")


def _told(content: bytes, codecs: Iterable[str]) -> str | None:
    """The text in the first of these codecs in which what is beyond ASCII reads as its language is written."""
    for codec in codecs:
        try:
            text = content.decode(codec)
        except (UnicodeError, ValueError):
            continue
        beyond = sum(character > "\x7f" for character in text[:DETECTOR_BYTES])
        share = 0.4 if codec in ("euc_jp", "cp932") else 0.75
        if len(EVIDENCE[codec].findall(text[:DETECTOR_BYTES])) > beyond * share:
            return text
    return None


def _detected(content: bytes) -> str | None:
    """Whole text in the charset that a detector finds in its lines beyond ASCII; None where it finds none."""
    sample = b" ".join(BEYOND_ASCII.findall(content[: DETECTOR_BYTES * 4]))[:DETECTOR_BYTES]
    beyond = sum(byte > 0x7F for byte in sample)
    if beyond < DETECTOR_LEAST or beyond < len(sample) * DETECTOR_SHARE:
        # Accents within words are western; words of another script are beyond ASCII as a whole.
        return None
    told = _told(content, EVIDENCE)
    if told:
        return told
    best = from_bytes(
        sample, cp_isolation=DETECTED, threshold=0.3, preemptive_behaviour=False
    ).best()
    if best is None:
        return None
    try:
        return content.decode(best.encoding)
    except (UnicodeError, ValueError):
        return None
