"""Invented correspondence in many languages, invented queries, and a search that looks at every message.

The oracle knows nothing of the product's code: it folds by the tables of Unicode, and it evaluates what a query was made
of, not what was read of its text.
"""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from zoneinfo import ZoneInfo

ZONES = ("Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe")
LANGUAGES = {
    "en": "the your order is ready refund invoice please thank you bike brake Thursday don't café naïve",
    "de": "Schöne Grüße Rechnung für März Straße größer Fahrrad bitte danke Lieferung Äpfel",
    "fr": "où est ma commande à l'école déjà reçu merci garçon élève Noël œuvre",
    "vi": "đơn hàng của tôi đâu cảm ơn bạn nhiều sửa xe đạp phở",
    "el": "πού είναι η παραγγελία μου ευχαριστώ ποδήλατο Οδυσσεύς ΛΟΓΟΣ",
    "ru": "где мой заказ спасибо велосипед счёт ёлка Привет",
    "tr": "İstanbul ışık sipariş nerede teşekkürler bisiklet değil",
    "ar": "أين طلبي شُكْرًا دراجة المفتاح معي إلى آخر",
    "he": "איפה ההזמנה שלי תודה אופניים שָׁלוֹם",
    "hi": "मेरा ऑर्डर कहाँ है धन्यवाद साइकिल बिल",
    "zh": "我的订单 在哪里 谢谢 自行车 修理 北京 東京 发票",
    "ja": "注文は どこですか ありがとう 自転車の修理 カタカナ ガギグ ｶﾞ 東京都",
    "th": "คำสั่งซื้อ ของฉัน อยู่ที่ไหน ขอบคุณ จักรยาน น้ำ",
    "ko": "주문은 어디에 있나요 감사합니다 자전거 수리",
}
AWKWARD = (
    "100%", "_under_score_", "back\\slash", "o'clock", '"quoted"', "🚲", "👍🏽", "❤️", "ＦＵＬＬ", "ﬁne", "ORD-2024-0817",
    "$1,204.50", "12.50", "1,2", "A_1%b", "(see)", "x" * 700, "https://example.com/a?b=c", "sam@example.org", "1.2.3", "½",
    "0491 570 006", "+61 491 570 156", "(02) 5550 1234", "0491570110", "61491570156", ":)", "--", "a", "!", "e\u0301te\u0301",
)  # fmt: skip
#: Of these the telephone numbers that hold no blank, as they are dialled within Australia.
NUMBERS = {"0491570110": "0491570110", "61491570156": "0491570156"}
PEOPLE = (
    ("c1", "Sam Citizen", "+61491570006", "sam@example.org"),
    ("c2", "Zoë Ångström", "+61491570156", "zoe@mail.example.net"),
    ("c3", "Nguyễn Văn An", "+61255501234", "an@example.com"),
    ("c4", "王小明", "+61355505678", "wang@example.net"),
    (None, "", "+61491570110", "stranger@example.org"),
)
STRIPPED = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u0640\u064b-\u065f\u0670\u200d\ufe0f\U0001f3fb-\U0001f3ff]")  # fmt: skip
SPECIAL = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ς": "σ"})  # fmt: skip
UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "HANGUL", "KATAKANA-HIRAGANA", "COMBINING")
DIGITS = re.compile(r"[0-9.]+")
PHONE = re.compile(r"(?<= )(?:0|61 ?0? ?)([23478](?: ?[0-9]){8})(?= )")

#: The words of a text: each with whether it is written without blanks.
Piece = tuple[str, bool]


@cache
def _kind(letter: str) -> tuple[bool, bool]:
    """Whether it belongs to a word, and to one that is written without blanks."""
    kind = unicodedata.category(letter)
    belongs = kind[0] in "LNM" or kind == "So"
    script = unicodedata.name(letter, "").split(" ")[0]
    return belongs, belongs and (kind == "So" or script in UNSPACED)


def pieces(text: str) -> list[Piece]:
    folded = unicodedata.normalize("NFC", STRIPPED.sub("", unicodedata.normalize("NFKD", text)))
    folded = folded.lower().translate(SPECIAL)
    folded = re.sub(r"([0-9]),(?=[0-9]{3}(?![0-9]))", r"\1", folded)
    made: list[Piece] = []
    word, is_unspaced = "", False
    for place, letter in enumerate([*folded, " "]):
        belongs, unspaced = _kind(letter)
        if letter == ".":
            belongs = bool(re.match(r"[0-9]\.[0-9]", folded[place - 1 : place + 2]))
        if word and (not belongs or unspaced != is_unspaced):
            made.append((word, is_unspaced))
            word = ""
        if belongs:
            word, is_unspaced = word + letter, unspaced
    return made


@dataclass
class Message:
    message_id: str
    sort_key: str
    sent_at: datetime
    channel: str
    direction: str
    has_attachment: bool
    people: list[tuple[str, str]]
    texts: list[str]
    customers: set[str]
    marks: set[str] = field(default_factory=set)

    @cached_property
    def fields(self) -> list[list[Piece]]:
        return [pieces(text) for text in self.texts]

    @cached_property
    def words(self) -> frozenset[Piece]:
        return frozenset(piece for each in self.fields for piece in each)

    @cached_property
    def runs(self) -> str:
        return "\n".join(word for word, unspaced in self.words if unspaced)

    @cached_property
    def phones(self) -> list[str]:
        return [
            "0" + found.replace(" ", "")
            for each in self.fields
            for found in PHONE.findall(f" {' '.join(word for word, _ in each)} ")
        ]


@dataclass(frozen=True)
class Part:
    """What a query asks for, beside how it is written."""

    written: str
    kind: str
    value: str = ""
    excluded: bool = False

    @cached_property
    def pieces(self) -> list[Piece]:
        return pieces(self.value)

    def holds(self, message: Message) -> bool:
        return getattr(self, f"_{self.kind}")(message) != self.excluded

    def _text(self, message: Message, is_prefix: bool = False) -> bool:
        wanted = self.pieces
        if not wanted:
            return not self.excluded
        if len(wanted) == 1:
            word, unspaced = wanted[0]
            if unspaced:
                return word in message.runs
            if is_prefix:
                return any(w.startswith(word) and not u for w, u in message.words)
            return wanted[0] in message.words
        if any(piece not in message.words for piece in wanted[1:-1]):
            return False
        return any(_stands(wanted, each, is_prefix) for each in message.fields)

    def _prefix(self, message: Message) -> bool:
        return self._text(message, is_prefix=True)

    def _phone(self, message: Message) -> bool:
        """A number begins so, however it is spelled; or a word does; or the digits stand there as they were typed."""
        digits, typed = self.value.split("|")
        return (
            any(phone.startswith(digits) for phone in message.phones)
            or any(word.startswith(digits) for word, _ in message.words)
            or all(piece in message.words for piece in pieces(typed))
        )

    def _channel(self, message: Message) -> bool:
        return message.channel == self.value

    def _direction(self, message: Message) -> bool:
        return message.direction == self.value

    def _has(self, message: Message) -> bool:
        return message.has_attachment

    def _from(self, message: Message) -> bool:
        return any(role == "from" and re.search(self.value, who) for role, who in message.people)

    def _to(self, message: Message) -> bool:
        return any(role != "from" and re.search(self.value, who) for role, who in message.people)

    def _in(self, message: Message) -> bool:
        return self.value in message.customers

    def _mark(self, message: Message) -> bool:
        return self.value in message.marks

    def _since(self, message: Message) -> bool:
        return message.sent_at >= datetime.fromisoformat(self.value)

    def _before(self, message: Message) -> bool:
        return message.sent_at < datetime.fromisoformat(self.value)

    def _on(self, message: Message) -> bool:
        first, behind = map(datetime.fromisoformat, self.value.split("|"))
        return first <= message.sent_at < behind


def _stands(wanted: list[Piece], text: list[Piece], is_prefix: bool) -> bool:
    """Whether the pieces stand in the text one behind the other; a run may go on at both ends."""
    for start in range(len(text) - len(wanted) + 1):
        here = text[start : start + len(wanted)]
        (first, first_run), (last, last_run) = wanted[0], wanted[-1]
        if [run for _, run in here] != [run for _, run in wanted] or here[1:-1] != wanted[1:-1]:
            continue
        begins = here[0][0].endswith(first) if first_run else here[0][0] == first
        ends = here[-1][0].startswith(last) if last_run or is_prefix else here[-1][0] == last
        if begins and ends:
            return True
    return False


def text(rng: random.Random) -> str:
    words = rng.choice(list(LANGUAGES.values())).split(" ")
    chosen = [
        words[min(int(rng.expovariate(0.4)), len(words) - 1)] for _ in range(rng.randint(0, 12))
    ]
    chosen += rng.sample(AWKWARD, rng.choice((0, 0, 1, 2)))
    rng.shuffle(chosen)
    joins = (" ", " ", " ", ", ", ". ", "\n", "", " - ")
    return "".join(word + rng.choice(joins) for word in chosen)


def query(rng: random.Random, zone: ZoneInfo, first: datetime, last: datetime) -> list[Part]:
    made = [_part(rng, zone, first, last) for _ in range(rng.choice((1, 1, 2, 3)))]
    for part in made:
        # Whatever stands behind so much is cut off.
        if len(part.written) > 1_000:
            return [part]
    if sum(len(part.written) + 1 for part in made) > 1_000:
        return made[:1]
    kinds = [part.kind for part in made]
    if "phone" in kinds and any(DIGITS.fullmatch(part.written) for part in made[1:]):
        return made[:1]
    # Several of one operator are any of them, and phone numbers beside each other are one: tested apart.
    return made if len(set(kinds)) == len(kinds) or set(kinds) <= {"text"} else made[:1]


def _part(rng: random.Random, zone: ZoneInfo, first: datetime, last: datetime) -> Part:
    words = rng.choice(list(LANGUAGES.values())).split(" ")
    excluded = rng.random() < 0.15
    minus = "-" if excluded else ""
    kind = rng.choice(
        (
            "word",
            "word",
            "word",
            "awkward",
            "phrase",
            "prefix",
            "fragment",
            "operator",
            "day",
            "phone",
            *(("nul", "endless") if rng.random() < 0.3 else ()),
        )
    )
    if kind == "word":
        word = rng.choice(words)
        word = rng.choice((word, word.upper(), unicodedata.normalize("NFD", word)))
        return Part(minus + word, "text", word, excluded)
    if kind == "nul":
        # As a blank.
        one, other = rng.sample(words, 2)
        written, value = rng.choice(
            ((f"{one}\0", one), (f"\0{one}", one), (f'"{one}\0{other}"', f"{one} {other}"))
        )
        return Part(minus + written, "text", value, excluded)
    if kind == "endless":
        # Ten thousand characters: the same word over and over.
        word = rng.choice([each for each in words if len(each) < 18])
        return Part(f"{word} " * (10_000 // (len(word) + 1) + 1), "text", word)
    if kind == "awkward":
        word = rng.choice(
            [each for each in AWKWARD if " " not in each and '"' not in each and ":" not in each]
        )
        if word in NUMBERS:
            return Part(minus + word, "phone", f"{NUMBERS[word]}|{word}", excluded)
        return Part(minus + word, "text", word, excluded)
    if kind == "phrase":
        at = rng.randrange(len(words))
        phrase = " ".join(words[at : at + 2])
        return Part(f'{minus}"{phrase}"', "text", phrase, excluded)
    if kind == "prefix":
        word = rng.choice([each for each in words if len(each) > 2])
        return Part(f"{minus}{word[:3]}*", "prefix", word[:3], excluded)
    if kind == "fragment":
        run = rng.choice(LANGUAGES[rng.choice(("zh", "ja", "th", "ko"))].split(" "))
        at = rng.randrange(len(run))
        part = run[at : at + rng.randint(1, 3)]
        return Part(minus + part, "text", part, excluded)
    if kind == "phone":
        return Part(*rng.choice((
            ("0491 570", "phone", "0491570|0491 570"), ("+61 491 570 156", "phone", "0491570156|61 491 570 156"),
            ("(02) 5550", "phone", "025550|02 5550"), ("0491570006", "phone", "0491570006|0491570006"),
            ("0011 61 2 5550", "phone", "025550|0011 61 2 5550"),
        )))  # fmt: skip
    if kind == "day":
        day = (first + (last - first) * rng.random()).astimezone(zone).date()
        start = datetime(day.year, day.month, day.day, tzinfo=zone).isoformat()
        behind = day + timedelta(days=1)
        end = datetime(behind.year, behind.month, behind.day, tzinfo=zone).isoformat()
        return rng.choice((
            Part(f"on:{day}", "on", f"{start}|{end}"), Part(f"after:{day:%d/%m/%Y}", "since", end),
            Part(f"before:{day}", "before", start),
        ))  # fmt: skip
    written, kind, value = rng.choice((
        ("channel:twilio_sms", "channel", "twilio_sms"), ("channel:Gmail", "channel", "gmail"),
        ("direction:inbound", "direction", "inbound"), ("direction:sent", "direction", "outbound"),
        ("has:attachment", "has", ""), ("from:sam@example.org", "from", "email:sam@example.org$"),
        ("from:@example.net", "from", "@example.net$"), ("to:0491570110", "to", r"phone:\+61491570110$"),
        ("from:zoe", "from", "61491570156|zoe@mail"), ('to:"văn nguyen"', "to", r"61255501234$|an@example.com"),
        ('in:"Sam Citizen"', "in", "c1"), ("in:angstrom", "in", "c2"), ("in:小", "in", "c4"),
        ("tag:vip", "mark", "vip"), ("assigned:alex", "mark", "alex"),
    ))  # fmt: skip
    return Part(minus + written, kind, value, excluded)
