"""What people decide: one function per decision, for pages, commands, imports and jobs alike. The one home of it.

    actor, arguments ──> validated ──> change + ledger + its one event + its notice, in one transaction

| Module | Decisions |
|---|---|
| `ledger` | none of its own but `undo`: every decision is entered there, with what reverses it |
| `customers` | that there is a customer, their name, archived or not |
| `links` | whose an identity is |
| `merging` | two customers are one, one is two, an identity is another's |
| `lists` | customers and links by the thousand, of a list that is imported |
| `marks` | who is no customer; who is not suggested again |
| `tags` | tags, and what bears them |
| `assignments` | who has a conversation, how it stands, until when |
| `notes` | notes on customers and conversations |
| `views` | addresses of the app that are kept under a name |

`conversations` finds what is tagged and assigned, by any id that it ever had.

Whether the actor may is asked by the caller, who knows its roles (`app/act.py`). The notice that open pages wait for is
sent by triggers on the tables (migrations 0012 and 0086), so it goes with the change, whoever makes it.

**A further decision** is a function that takes a database, an actor and keywords; refuses before it changes anything;
takes all its locks at once and before any row (`ledger.lock`); makes its change within `ledger.deciding`; tells each
thing changed with `decided.changed(action, subject, …)` and its one event with `decided.says(…)`. For each action that
it tells there is a function under `@reverses(action)`, in the same module: it makes the opposite change and tells it
with `decided.changed`, under an action that is itself reversed. Then `undo` knows it, and undo of the undo. What was
decided together, such as the lines of one import, shares a `decision_id`, and that is what is undone.
"""

from warehouse.decisions.assignments import (
    ANY,
    KEEP,
    STATES,
    Assigned,
    Keep,
    assign,
    hold,
    standing,
)
from warehouse.decisions.conversations import Thing, conversation, message, thing
from warehouse.decisions.customers import (
    LONGEST_NAME,
    archive_customer,
    create_customer,
    customer_name,
    rename_customer,
)
from warehouse.decisions.ledger import (
    LONGEST_REASON,
    Crossed,
    Database,
    InTheWay,
    Undone,
    actions_of,
    decision,
    gives_way,
    new_decision_id,
    undo,
)
from warehouse.decisions.links import Link, Owner, Taken, link, owners, unlink
from warehouse.decisions.lists import OthersDecided, import_list
from warehouse.decisions.marks import dismiss, not_a_customer
from warehouse.decisions.merging import Moved, Size, merge, move, size_of_identity, sizes, split
from warehouse.decisions.notes import Noted, change_note, note, remove_note
from warehouse.decisions.tags import (
    COLOURS,
    Overtaken,
    Tagged,
    change_tag,
    merge_tags,
    remove_tag,
    tag,
    tag_all,
    tag_name,
    untag,
)
from warehouse.decisions.views import change_view, remove_view, save_view, view, view_name

__all__ = [
    "ANY",
    "COLOURS",
    "KEEP",
    "LONGEST_NAME",
    "LONGEST_REASON",
    "STATES",
    "Assigned",
    "Crossed",
    "Database",
    "InTheWay",
    "Keep",
    "Link",
    "Moved",
    "Noted",
    "OthersDecided",
    "Overtaken",
    "Owner",
    "Size",
    "Tagged",
    "Taken",
    "Thing",
    "Undone",
    "actions_of",
    "archive_customer",
    "assign",
    "change_note",
    "change_tag",
    "change_view",
    "conversation",
    "create_customer",
    "customer_name",
    "decision",
    "dismiss",
    "gives_way",
    "hold",
    "import_list",
    "link",
    "merge",
    "merge_tags",
    "message",
    "move",
    "new_decision_id",
    "not_a_customer",
    "note",
    "owners",
    "remove_note",
    "remove_tag",
    "remove_view",
    "rename_customer",
    "save_view",
    "size_of_identity",
    "sizes",
    "split",
    "standing",
    "tag",
    "tag_all",
    "tag_name",
    "thing",
    "undo",
    "unlink",
    "untag",
    "view",
    "view_name",
]
