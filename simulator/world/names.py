"""First and family names by language, as written and in plain letters."""

from __future__ import annotations

# language -> (first names, family names), each as (as written, in plain letters).
NAMES: dict[str, tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]] = {
    "en": (
        tuple(
            (n, n.lower().replace("'", ""))
            for n in (
                "Sam",
                "Olivia",
                "Jack",
                "Charlotte",
                "Noah",
                "Matilda",
                "Lachlan",
                "Ruby",
                "Kirra",
                "Ethan",
                "Siobhan",
                "Graham",
                "Denise",
                "Tarek",
                "Wendy",
                "Callum",
                "Imogen",
                "Rowan",
                "Yarran",
                "Beth",
                "Declan",
                "Freya",
                "Angus",
                "Tess",
                "Marlon",
                "Judith",
                "Pete",
                "Harriet",
                "Ollie",
                "Nadine",
            )
        ),
        tuple(
            (n, n.lower().replace("'", "").replace("-", ""))
            for n in (
                "Citizen",
                "Walker",
                "O'Brien",
                "Kelly",
                "Harrow",
                "Fenwick",
                "Marsh",
                "Doyle",
                "Whitlock",
                "Pascoe",
                "Lindqvist",
                "Abbott",
                "Riley",
                "Smith-Jones",
                "Barlow",
                "Cartwright",
                "Dunne",
                "Ellery",
                "Farrow",
                "Gibbs",
                "Hollis",
                "Ivers",
                "Jessop",
                "Keating",
                "Mabo",
                "Norris",
                "Quill",
                "Stroud",
                "Tully",
                "Vance",
            )
        ),
    ),
    "vi": (
        (
            ("Mai", "mai"),
            ("Hương", "huong"),
            ("Tuấn", "tuan"),
            ("Linh", "linh"),
            ("Đức", "duc"),
            ("Thảo", "thao"),
        ),
        (("Nguyễn", "nguyen"), ("Trần", "tran"), ("Lê", "le"), ("Phạm", "pham"), ("Đặng", "dang")),
    ),
    "zh": (
        (
            ("伟", "wei"),
            ("静怡", "jingyi"),
            ("浩然", "haoran"),
            ("美玲", "meiling"),
            ("子轩", "zixuan"),
        ),
        (("王", "wang"), ("李", "li"), ("张", "zhang"), ("陈", "chen"), ("林", "lin")),
    ),
    "ar": (
        (
            ("ليلى", "layla"),
            ("أحمد", "ahmad"),
            ("نور", "nour"),
            ("يوسف", "yousef"),
            ("سارة", "sara"),
        ),
        (("حداد", "haddad"), ("خوري", "khoury"), ("المصري", "almasri"), ("منصور", "mansour")),
    ),
    "hi": (
        (
            ("अर्जुन", "arjun"),
            ("प्रिया", "priya"),
            ("रोहन", "rohan"),
            ("नेहा", "neha"),
            ("विक्रम", "vikram"),
        ),
        (("शर्मा", "sharma"), ("पटेल", "patel"), ("सिंह", "singh"), ("गुप्ता", "gupta")),
    ),
    "el": (
        (("Νίκος", "nikos"), ("Ελένη", "eleni"), ("Γιώργος", "giorgos"), ("Σοφία", "sofia")),
        (("Παπαδόπουλος", "papadopoulos"), ("Γεωργίου", "georgiou"), ("Οικονόμου", "oikonomou")),
    ),
    "it": (
        (("Niccolò", "niccolo"), ("Giulia", "giulia"), ("Marco", "marco"), ("Lucia", "lucia")),
        (("Rossi", "rossi"), ("D'Angelo", "dangelo"), ("Esposito", "esposito"), ("Conti", "conti")),
    ),
    "ja": (
        (("花子", "hanako"), ("健太", "kenta"), ("美咲", "misaki")),
        (("佐藤", "sato"), ("鈴木", "suzuki"), ("高橋", "takahashi")),
    ),
}
