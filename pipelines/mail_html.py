"""HTML of a mail as readable text, quotes as lines that begin with `>`.

nh3 (html5ever) repairs the markup as a browser would and drops what is no text; then one pass over
well-formed markup writes lines. Measured: html5ever takes quadratic time over markup nested 100,000
deep (177 s), so such markup only loses its tags.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from html.parser import HTMLParser

import nh3

#: More elements open at once than any mail program nests; beyond it only tags are taken out.
NESTING_LIMIT = 2000
#: 2 MB of markup take about a second.
MARKUP_LIMIT = 2_000_000
BLOCKS = {
    "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre",
    "section", "table", "td", "th", "tr", "ul",
}  # fmt: skip
SPACED = {"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"}
KEPT = (BLOCKS | {"br", "img"}) - {"td", "th"}
#: Elements that end by themselves, so that many open tags of them are no nesting.
SELF_ENDING = {
    "area", "base", "br", "col", "dd", "dt", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "wbr",
}  # fmt: skip
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,30})")
#: Only what may hold no text for people; unclosed ones end the text, as in a browser.
UNREADABLE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|title|template)\b.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


def html_to_text(markup: str) -> str:
    """Readable lines. Time is linear in the size of the markup, whatever it contains."""
    if len(markup) > MARKUP_LIMIT or _nesting(markup) > NESTING_LIMIT:
        return _without_tags(markup)
    clean = nh3.clean(
        markup,
        tags=KEPT | {"td", "th"},
        attributes={"img": {"alt"}},
        clean_content_tags={"script", "style", "title", "template"},
        link_rel=None,
        url_schemes=set(),
    )
    writer = _Writer()
    writer.feed(clean)
    writer.close()
    return writer.text()


def _nesting(markup: str) -> int:
    """The greatest number of elements open at once, counted generously."""
    open_tags: Counter[str] = Counter()
    total = greatest = 0
    for match in TAG.finditer(markup):
        name = match[2].lower()
        if name in SELF_ENDING:
            continue
        if not match[1]:
            open_tags[name] += 1
            total += 1
            greatest = max(greatest, total)
        elif open_tags[name]:
            open_tags[name] -= 1
            total -= 1
    return greatest


def _without_tags(markup: str) -> str:
    text = UNREADABLE.sub(" ", markup)
    text = html.unescape(re.sub(r"<[^<>]*>", "\n", text))
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"[ \t\xa0]+", " ", text)).strip()


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[tuple[int, str]] = []
        self.line: list[str] = []
        self.quoted = 0
        self.preformatted = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th"):
            self.line.append(" ")
        elif tag == "br":
            self._end_line(force=True)
        elif tag == "img":
            self.line.append(dict(attributes).get("alt") or "")
        elif tag in BLOCKS:
            self._end_block(tag)
        if tag == "blockquote":
            self.quoted += 1
        elif tag == "pre":
            self.preformatted += 1
        elif tag == "hr":
            self.line.append("_" * 32)
            self._end_line()
        elif tag == "li":
            self.line.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") or tag not in BLOCKS:
            return
        self._end_line()
        if tag == "blockquote":
            self.quoted = max(0, self.quoted - 1)
        elif tag == "pre":
            self.preformatted = max(0, self.preformatted - 1)
        self._end_block(tag)

    def handle_data(self, data: str) -> None:
        if not self.preformatted:
            self.line.append(data)
            return
        first, *others = data.split("\n")
        self.line.append(first)
        for piece in others:
            self._end_line(force=True)
            self.line.append(piece)

    def _end_block(self, tag: str) -> None:
        self._end_line()
        if tag in SPACED and self.lines and self.lines[-1][1]:
            self.lines.append((self.quoted, ""))

    def _end_line(self, *, force: bool = False) -> None:
        text = "".join(self.line)
        self.line.clear()
        if not self.preformatted:
            text = re.sub(r"[ \t\r\n\f\xa0]+", " ", text).strip()
        if text or force:
            self.lines.append((self.quoted, text))

    def text(self) -> str:
        self._end_line()
        lines = []
        for depth, line in self.lines:
            # Beyond a few levels the marks would outweigh the words.
            mark = ">" * min(depth, 20)
            lines.append(f"{mark} {line}".rstrip() if mark else line)
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
