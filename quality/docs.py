"""Data Docs that ask nothing of the web: who opens them tells nobody.

Great Expectations' pages load styles, scripts and pictures from servers of others. What they say stands in the page
itself; what would be loaded is taken out, and a few lines of style are put in.
"""

from __future__ import annotations

import re
from pathlib import Path

#: Whatever a browser would fetch by itself.
FETCHED = re.compile(
    r"<script\b[^>]*\bsrc=[^>]*>\s*</script>"
    r"|<link\b[^>]*\bhref=[\"']?(?:https?:)?//[^>]*>"
    r"|<(?:img|iframe)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^>]*>(?:\s*</iframe>)?",
    re.IGNORECASE,
)
STYLE = (
    '<meta http-equiv="Content-Security-Policy"'
    " content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
    "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.25rem .5rem;text-align:left}"
    "img,svg,nav .navbar-brand{display:none}</style>"
)


def without_the_web(folder: Path) -> None:
    """Take out of every page below the folder what a browser would fetch."""
    for page in folder.rglob("*.html"):
        text = FETCHED.sub("", page.read_text())
        page.write_text(text.replace("<head>", f"<head>{STYLE}", 1))
