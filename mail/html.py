"""HTML of a mail as readable text, quotes as lines that begin with `>`.

nh3 (html5ever) repairs the markup as a browser would and drops what is no text; then one pass over
well-formed markup writes lines. Measured: html5ever takes quadratic time over markup nested 100,000
deep (177 s), so such markup only loses its tags.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from urllib.parse import unquote

import nh3

#: More elements open at once than any mail program nests; beyond it only tags are taken out.
NESTING_LIMIT = 2000
#: Elements open at once times tags: so often a repairing parser may open something again.
REPAIR_LIMIT = 5_000_000
#: html5ever takes quadratic time over `&` that begin no character reference, and over the attributes of one tag.
BARE_AMPERSAND = re.compile(
    r"&(?!#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[a-zA-Z][a-zA-Z0-9]{1,31};|(?:nbsp|amp|lt|gt|quot|copy)\b)"
)
REFERENCES_LIMIT = 300_000
LONG_TAG = re.compile(r"[^<>]{16000,}")
ATTRIBUTES_LIMIT = 1000
#: A picture written into the markup itself.
DATA_ADDRESS = re.compile(r"""(?:src|href)=["']?data:[^"'\s>]*["']?""", re.IGNORECASE)
#: 2 MB of markup take about a second.
MARKUP_LIMIT = 2_000_000
BLOCKS = {
    "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre",
    "section", "table", "td", "th", "tr", "ul",
}  # fmt: skip
SPACED = {"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"}
KEPT = BLOCKS | {"a", "br", "img"}
#: Elements that end by themselves, so that many open tags of them are no nesting.
SELF_ENDING = {
    "area", "base", "br", "col", "dd", "dt", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "wbr",
}  # fmt: skip
#: One piece of well-formed markup: an end tag, a start tag, or text.
PIECE = re.compile(
    r'<(?P<end>/)?(?P<name>[a-z][a-z0-9]*)(?P<attributes>(?: [^<>"]*"[^"]*")*)[^<>]*>|(?P<text>[^<]+|<)'
)
ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,30})")
#: Only what may hold no text for people; unclosed ones end the text, as in a browser.
UNREADABLE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|title|template)\b.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


def html_to_text(markup: str, notes: list[str], *, plainly: bool = False) -> str:
    """Readable lines. Time is linear in the size of the markup, whatever it contains.

    Links keep their target (`words <https://…>`), pictures of the mail their place (`[cid:…]`).

    Args:
        plainly: only take the tags out, for markup that cost too much.
    """
    if plainly:
        return _without_tags(markup)
    if len(markup) > MARKUP_LIMIT or is_exhausting(markup):
        notes.append(
            "the markup is too large or too tangled to be repaired: its words stand without links and pictures"
        )
        return _without_tags(markup)
    clean = nh3.clean(
        BARE_AMPERSAND.sub("&amp;", DATA_ADDRESS.sub("", markup)),
        tags=KEPT,
        attributes={"img": {"alt", "src", "width", "height"}, "a": {"href"}},
        clean_content_tags={"script", "style", "title", "template"},
        link_rel=None,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
    )
    writer = _Writer()
    for match in PIECE.finditer(clean):
        if match["text"] is not None:
            writer.words(html.unescape(match["text"]))
        elif match["end"]:
            writer.end(match["name"])
        else:
            writer.start(match["name"], match["attributes"] or "")
    return writer.text()


def is_exhausting(markup: str) -> bool:
    """Whether repairing it would take more than its size: deep markup, and styles that each block opens anew."""
    if markup.count("&") > REFERENCES_LIMIT:
        return True
    for match in LONG_TAG.finditer(DATA_ADDRESS.sub("", markup)):
        if match.group().count("=") > ATTRIBUTES_LIMIT:
            return True
    greatest, tags = _nesting(markup)
    return greatest > NESTING_LIMIT or greatest * tags > REPAIR_LIMIT


def _nesting(markup: str) -> tuple[int, int]:
    """The greatest number of elements open at once, counted generously, and the number of tags."""
    open_tags: Counter[str] = Counter()
    total = greatest = tags = 0
    for match in TAG.finditer(markup):
        tags += 1
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
    return greatest, tags


def _without_tags(markup: str) -> str:
    text = html.unescape(re.sub(r"<[^<>]*>", "\n", UNREADABLE.sub(" ", markup)))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _attribute(attributes: str, name: str) -> str:
    for match in ATTRIBUTE.finditer(attributes):
        if match[1] == name:
            return " ".join(html.unescape(match[2]).split())
    return ""


class _Writer:
    """Lines from well-formed markup, as nh3 writes it."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.line: list[str] = []
        self.quoted = 0
        self.preformatted = 0
        #: The target of the link that is open, and where in the line its words begin.
        self.link: tuple[str, int] | None = None

    def start(self, tag: str, attributes: str) -> None:
        if tag in ("td", "th"):
            self.line.append(" ")
        elif tag == "br":
            self._end_line(force=True)
        elif tag == "img":
            self._picture(attributes)
        elif tag == "a":
            self.link = (_attribute(attributes, "href"), len(self.line))
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

    def end(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        if tag not in BLOCKS or tag in ("td", "th"):
            return
        self._end_line()
        if tag == "blockquote":
            self.quoted = max(0, self.quoted - 1)
        elif tag == "pre":
            self.preformatted = max(0, self.preformatted - 1)
        self._end_block(tag)

    def words(self, text: str) -> None:
        if not self.preformatted:
            self.line.append(text)
            return
        first, *others = text.split("\n")
        self.line.append(first)
        for piece in others:
            self._end_line(force=True)
            self.line.append(piece)

    def _picture(self, attributes: str) -> None:
        source = _attribute(attributes, "src")
        sizes = [_attribute(attributes, name) for name in ("width", "height")]
        if source[:4].lower() == "cid:" and not {"0", "1", "0px", "1px"} & set(sizes):
            self.line.append(f"[cid:{' '.join(unquote(source[4:]).split())}]")
        else:
            self.line.append(_attribute(attributes, "alt"))

    def _end_link(self) -> None:
        if self.link is None:
            return
        (target, at), self.link = self.link, None
        said = "".join(self.line[at:]).strip()
        plain = target.removeprefix("mailto:").removeprefix("tel:")
        short = re.sub(r"^https?://(www\.)?", "", target).rstrip("/")
        if target and plain.rstrip("/") not in said and said.lower().rstrip("/") != short:
            self.line.append(f" <{target}>")

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
