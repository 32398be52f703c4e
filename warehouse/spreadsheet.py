"""What a spreadsheet would run: a cell that begins like a formula. Refused on its way in, made text on its way out."""

from __future__ import annotations

#: A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection), also in full width.
BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet might run it; blanks before it do not help."""
    return cell.lstrip(" ").startswith(BEGINNINGS)


def as_text(cell: str) -> str:
    """The cell as a spreadsheet shows it: an apostrophe before what it would take for a formula."""
    return f"'{cell}" if is_formula(cell) else cell
