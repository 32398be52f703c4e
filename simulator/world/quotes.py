"""How mail programs quote the mail that is answered, in the writer's language, as text and as
HTML."""

from __future__ import annotations

import html
from datetime import datetime

from simulator.store.records import Mail

ATTRIBUTIONS = {
    "en": "On {d:%a}, {d.day} {d:%b %Y} at {d:%H:%M}, {name} <{address}> wrote:",
    "vi": "Vào {d.day} thg {d.month}, {d.year} vào lúc {d:%H:%M} {name} <{address}> đã viết:",
    "it": "Il giorno {d.day} {d:%m} {d.year} alle ore {d:%H:%M} {name} <{address}> ha scritto:",
    "el": "Στις {d.day}/{d.month}/{d.year} {d:%H:%M}, ο χρήστης {name} <{address}> έγραψε:",
    "ar": "في {d.day}/{d.month}/{d.year} في {d:%H:%M}، كتب {name} <{address}>:",
    "zh": "{name} <{address}> 于{d.year}年{d.month}月{d.day}日 {d:%H:%M}写道：",
    "hi": "{d.day}/{d.month}/{d.year} को {d:%H:%M} बजे {name} <{address}> ने लिखा:",
    "ja": "{d.year}年{d.month}月{d.day}日 {d:%H:%M} {name} <{address}>:",
}
OUTLOOK = (
    "From: {name} <{address}>\nSent: {d:%A}, {d.day} {d:%B %Y} {d:%I:%M %p}\n"
    "To: {to}\nSubject: {subject}\n"
)


def answer_text(mail: Mail, quoted: Mail, quoted_text: str, quoted_at: datetime) -> str:
    """The whole plain text of an answer: the new words and the quoted mail, where the client puts
    it."""
    head = _attribution(mail, quoted, quoted_at)
    if mail.client == "outlook":
        return f"{mail.text}\n\n________________________________\n{head}\n{quoted_text}\n"
    block = "\n".join(
        f">{line}" if line.startswith(">") else f"> {line}" for line in quoted_text.splitlines()
    )
    if mail.client == "thunderbird" or mail.bottom_posting:
        return f"{head}\n{block}\n\n{mail.text}\n"
    if mail.client == "phone":
        return f"{mail.text}\n\nSent from my phone\n\n{head}\n\n{block}\n"
    return f"{mail.text}\n\n{head}\n\n{block}\n"


def answer_html(mail: Mail, quoted: Mail, quoted_html: str, quoted_at: datetime) -> str:
    """The same as HTML, with the marks by which that client is known."""
    head = html.escape(_attribution(mail, quoted, quoted_at)).replace("\n", "<br>")
    new = paragraphs(mail.text)
    if mail.client == "outlook":
        return (
            f'<div class="WordSection1">{new}'
            '<div style="border:none;border-top:solid #E1E1E1 1.0pt;'
            f'padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">{head}</p></div>{quoted_html}</div>'
        )
    if mail.client == "apple":
        cited = f'<blockquote type="cite"><div>{head}</div><br>{quoted_html}</blockquote>'
        return f"{new}<div><br>{cited}</div>"
    if mail.client == "thunderbird" or mail.bottom_posting:
        cited = f'<blockquote type="cite">{quoted_html}</blockquote>'
        return f'<div class="moz-cite-prefix">{head}</div>{cited}{new}'
    return (
        f'<div dir="{direction(mail.language)}">{new}</div><br><div class="gmail_quote">'
        f'<div dir="ltr" class="gmail_attr">{head}<br></div><blockquote class="gmail_quote" '
        f'style="margin:0 0 0 .8ex;border-left:1px #ccc solid;padding-left:1ex">'
        f"{quoted_html}</blockquote></div>"
    )


def paragraphs(text: str) -> str:
    """Plain text as HTML paragraphs."""
    return "".join(
        f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in text.split("\n\n")
    )


def direction(language: str) -> str:
    return "rtl" if language == "ar" else "ltr"


def _attribution(mail: Mail, quoted: Mail, at: datetime) -> str:
    name, address = quoted.sender
    to = "; ".join(n or a for n, a in quoted.to)
    if mail.client == "outlook":
        return OUTLOOK.format(name=name, address=address, d=at, to=to, subject=quoted.subject)
    if mail.client == "apple" and mail.language == "en":
        time = f"{at.hour % 12 or 12}:{at:%M} {at:%p}"
        return f"On {at.day} {at:%b %Y}, at {time}, {name} <{address}> wrote:"
    if mail.client == "thunderbird" and mail.language == "en":
        return f"On {at.day}/{at.month}/{at:%y} {at:%H:%M}, {name} wrote:"
    pattern = ATTRIBUTIONS.get(mail.language, ATTRIBUTIONS["en"])
    return pattern.format(name=name or address, address=address, d=at)
