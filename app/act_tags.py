"""What admins decide about tags: whether they may, then the decision itself (`warehouse/decisions/tags.py`)."""

from __future__ import annotations

from app.access.roles import Permission
from app.access.sessions import Viewer
from app.act import deciding
from warehouse import decisions

MAY = Permission.MANAGE_TAGS


@decisions.gives_way
def change(
    viewer: Viewer, tag_id: str, version: int, *, name: str, colour: str, description: str
) -> None:
    """Call a tag otherwise, or describe it. Raises as `decisions.change_tag` does, and Forbidden."""
    with deciding(viewer, MAY) as database:
        decisions.change_tag(
            database, viewer.actor, tag_id, name=name, colour=colour, description=description,
            expected=version,
        )  # fmt: skip


@decisions.gives_way
def merge(viewer: Viewer, tag_id: str, version: int, into: str) -> None:
    """Make one tag of two. Raises as `decisions.merge_tags` does, and Forbidden."""
    with deciding(viewer, MAY) as database:
        decisions.merge_tags(database, viewer.actor, tag_id, into, expected=version)


@decisions.gives_way
def remove(viewer: Viewer, tag_id: str, version: int) -> None:
    """Show a tag on nothing any more. Raises as `decisions.remove_tag` does, and Forbidden."""
    with deciding(viewer, MAY) as database:
        decisions.remove_tag(database, viewer.actor, tag_id, expected=version)
