"""What stands beside a timeline, about its customer: each area is one call here, drawn by a module of its own.

On a wide screen it is a column of the page; on a narrow one it is folded until it is asked for (`assets/reading.js`).
An area reads for itself, within `reading`, and is a fragment of its own, so that what is done in it leaves the timeline
where it is.
"""

from __future__ import annotations

from app import chosen, identity_card, panel
from app.access.sessions import Viewer


def about(viewer: Viewer, customer_id: str, conversation_id: str | None = None) -> None:
    """Draw the areas about a customer: whoever adds one adds its call here.

    Args:
        conversation_id: the conversation, or a thread of it, that the timeline shows alone; the panel is of that one.
    """
    chosen.chosen_message(customer_id, {})
    # Lives as long as the page is on the screen; a full run is a new sight.
    identity_card.identity_card(customer_id, [])
    identity_card.dialogs(customer_id)
    panel.panel(viewer, customer_id, conversation_id)
