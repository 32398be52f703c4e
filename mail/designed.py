"""The HTML of a mail as its sender designed it, without anything that acts: for a frame that runs nothing.

nh3 keeps words, tables, pictures and plain looks, and drops scripts, forms, frames, svg, math, comments: whatever is
not named here. That is the first of three locks; the sandbox of the frame and the policy of its document are the others
(app/designed.py).
"""

from __future__ import annotations

import re

import nh3

from mail.charsets import decode_text
from mail.html import MARKUP_LIMIT, is_exhausting
from mail.mime import read
from mail.parts import is_text, leaves

TAGS = {
    "a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center",
    "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "font",
    "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark",
    "nav", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "section", "small", "span", "strike", "strong",
    "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr",
}  # fmt: skip
LOOKS = {"align", "bgcolor", "border", "cellpadding", "cellspacing", "height", "valign", "width"}
ATTRIBUTES = {
    "*": {"dir", "lang", "style", "title"},
    "a": {"href"},
    "font": {"color", "face", "size"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start", "type"},
    "table": LOOKS, "td": LOOKS | {"colspan", "rowspan"}, "th": LOOKS | {"colspan", "rowspan"}, "tr": LOOKS,
    "div": {"align"}, "p": {"align"}, "hr": {"width", "size"},
}  # fmt: skip
#: None that takes an address, moves something out of its place or hides it.
STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left",
    "border-radius", "border-right", "border-spacing", "border-style", "border-top", "border-width", "color",
    "font-family", "font-size", "font-style", "font-weight", "height", "letter-spacing", "line-height", "margin",
    "margin-bottom", "margin-left", "margin-right", "margin-top", "max-width", "min-width", "padding",
    "padding-bottom", "padding-left", "padding-right", "padding-top", "text-align", "text-decoration",
    "text-transform", "vertical-align", "white-space", "width", "word-break",
}  # fmt: skip
PICTURE_DATA = re.compile(r"data:image/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)  # fmt: skip
LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
PICTURE = re.compile(r"(?:https?|cid):", re.IGNORECASE)
QUOTE = re.compile(r"<(/?)blockquote[^>]*>")


def designed(raw: bytes) -> str | None:
    """The HTML of a stored mail, made inert, its quotes folded; None where there is none, too much, or too tangled.

    Pictures keep their `cid:` or remote address: who shows it decides what of them is loaded.
    """
    parts = leaves(read(raw, []))
    pieces = [
        decode_text(part.message.decoded()[: MARKUP_LIMIT * 2], part.message.parameters.get("charset"))
        for part in parts
        if part.content_type == "text/html" and is_text(part, parts)
    ]  # fmt: skip
    markup = "\n".join(pieces)
    if not markup.strip() or len(markup) > MARKUP_LIMIT or is_exhausting(markup):
        return None
    clean = nh3.clean(
        markup.replace("\0", ""),
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_kept,
        clean_content_tags={"math", "noscript", "script", "style", "svg", "template", "title"},
        filter_style_properties=STYLES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        strip_comments=True,
    )  # fmt: skip
    return _folded(clean)


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """A link leads to where a browser or a mail program goes; a picture is one of the mail, or of the web."""
    if attribute == "href":
        return value if LINK.match(value.strip()) else None
    if attribute == "src":
        found = PICTURE.match(value.strip()) or PICTURE_DATA.fullmatch(value.strip())
        return value.strip() if found else None
    return value


def _folded(markup: str) -> str:
    """Each quote that is not within another one, folded: it opens without a script."""
    depth = 0

    def fold(match: re.Match[str]) -> str:
        nonlocal depth
        if match[1]:
            depth = max(depth - 1, 0)
            return f"{match[0]}</details>" if depth == 0 else match[0]
        depth += 1
        return f"<details><summary>Quoted text</summary>{match[0]}" if depth == 1 else match[0]

    return QUOTE.sub(fold, markup)
