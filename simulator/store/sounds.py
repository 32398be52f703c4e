"""Real audio that says nothing: tones in the rhythm of speech, the same for the same key.

WAV is 8 kHz, 16 bit, mono, as a telephone's. MP3 is MPEG-2 Layer III at 16 kHz and 8 kbit/s: each
frame stands alone and has its few spectral lines as plus or minus one in the count1 region, for
which ISO/IEC 13818-3 has a Huffman table of four-bit codes, so no encoder is needed.
"""

from __future__ import annotations

import io
import math
import random
import struct
import wave
from functools import cache

FRAME_SECONDS = 0.036  # 576 samples at 16 kHz
WAV_RATE = 8000
WAV_SAMPLES = int(WAV_RATE * FRAME_SECONDS)
MP3_HEADER = b"\xff\xf3\x18\xc4"
MP3_FRAME_BYTES = 36
GLOBAL_GAIN = 198
SILENCE = 0


def wav(key: str, seconds: int) -> bytes:
    """A WAV file of so many seconds."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(WAV_RATE)
        file.writeframes(b"".join(_samples(line) for line in _melody(key, seconds)))
    return out.getvalue()


def mp3(key: str, seconds: int) -> bytes:
    """An MP3 file of so many seconds."""
    return b"".join(_frame(line, n % 4) for n, line in enumerate(_melody(key, seconds)))


def _melody(key: str, seconds: int) -> list[int]:
    """One spectral line per frame, 0 for silence: two voices, in syllables, words and breaths."""
    rng = random.Random(f"sound|{key}")
    frames = max(1, round(seconds / FRAME_SECONDS))
    voices = (rng.randint(12, 20), rng.randint(26, 38))
    melody: list[int] = []
    while len(melody) < frames:
        voice = rng.choice(voices)
        for _ in range(rng.randint(2, 7)):
            melody += [voice + rng.randint(-3, 4)] * rng.randint(2, 6) + [SILENCE]
        melody += [SILENCE] * rng.randint(4, 12)
    return melody[:frames]


@cache
def _samples(line: int) -> bytes:
    """One frame of a sine with whole periods, so that frames join without a click."""
    if line == SILENCE:
        return bytes(2 * WAV_SAMPLES)
    values = (
        int(9000 * math.sin(2 * math.pi * line * n / WAV_SAMPLES)) for n in range(WAV_SAMPLES)
    )
    return struct.pack(f"<{WAV_SAMPLES}h", *values)


@cache
def _frame(line: int, phase: int) -> bytes:
    """One MP3 frame. The signs turn from frame to frame as those of a steady tone do."""
    bits = _spectrum(line, negative=phase > 1) if line != SILENCE else ""
    side = "".join(
        (
            f"{0:08b}",  # main_data_begin: nothing is borrowed from earlier frames
            "0",
            f"{len(bits):012b}",
            f"{0:09b}",  # big_values
            f"{GLOBAL_GAIN:08b}",
            f"{0:09b}",  # scalefac_compress: no scale factors
            "0",
            f"{0:015b}",
            f"{0:04b}{0:03b}",
            "0",
            "1",  # count1table_select: the table of four-bit codes
        )
    )
    filled = side + bits
    filled += "0" * ((MP3_FRAME_BYTES - len(MP3_HEADER)) * 8 - len(filled))
    return MP3_HEADER + int(filled, 2).to_bytes(MP3_FRAME_BYTES - len(MP3_HEADER), "big")


def _spectrum(line: int, *, negative: bool) -> str:
    """Quadruples of lines up to the one that sounds and its first overtone."""
    sounding = {line, line * 2}
    bits = []
    for first in range(0, max(sounding) + 1, 4):
        found = [first + n in sounding for n in range(4)]
        index = sum(bit << (3 - n) for n, bit in enumerate(found))
        bits.append(f"{15 - index:04b}" + ("1" if negative else "0") * sum(found))
    return "".join(bits)
