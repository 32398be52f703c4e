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
| `tags` | that there is a tag, what it is called, what it was merged into |
| `taggings` | what bears a tag |
| `assignments` | who has a conversation, how it stands, until when |
| `notes` | notes on customers and conversations |
| `views` | addresses of the app that are kept under a name |
| `quarantine` | which kinds of events that nobody understood are ignored |
| `cases`, `incidents` | what people ask of us under the Privacy Act; what may be a notifiable breach |
| `tasks` | what the worker does for privacy officers: exports, destructions with a second person, retention |
| `corrections` | what is shown in place of what was written, and what somebody says against it (APP 13) |
| `collecting` | what people are told when their information is collected |
| `retaining` | retention classes: set, and approved by another person |
| `holds` | legal holds: what must not be destroyed yet. Not undone: what was released may be gone |

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
from warehouse.decisions.cases import (
    GROUNDS,
    OUTCOMES,
    case,
    cases,
    check_identity,
    close_case,
    granting,
    open_case,
    reopen_case,
)
from warehouse.decisions.collecting import make_notice, notices, told_nothing
from warehouse.decisions.conversations import Thing, conversation, message, thing
from warehouse.decisions.corrections import correct
from warehouse.decisions.customers import (
    LONGEST_NAME,
    archive_customer,
    create_customer,
    customer_name,
    rename_customer,
)
from warehouse.decisions.holds import holds, place_hold, release_hold
from warehouse.decisions.incidents import (
    decide_incident,
    describe_incident,
    incident,
    incidents,
    note_notified,
    open_incident,
)
from warehouse.decisions.ledger import (
    LONGEST_REASON,
    Crossed,
    Database,
    InTheWay,
    Overtaken,
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
from warehouse.decisions.quarantine import ignore_kind
from warehouse.decisions.retaining import approve_class, retention_classes, set_class
from warehouse.decisions.taggings import Tagged, retag, tag, tag_all, untag
from warehouse.decisions.tags import COLOURS, change_tag, merge_tags, remove_tag, tag_name
from warehouse.decisions.tasks import (
    approve_task,
    ask_apply,
    ask_destruction,
    ask_export,
    drop_task,
    task,
    tasks,
)
from warehouse.decisions.views import change_view, remove_view, save_view, view, view_name

__all__ = [
    "ANY",
    "COLOURS",
    "GROUNDS",
    "KEEP",
    "LONGEST_NAME",
    "LONGEST_REASON",
    "OUTCOMES",
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
    "approve_class",
    "approve_task",
    "archive_customer",
    "ask_apply",
    "ask_destruction",
    "ask_export",
    "assign",
    "case",
    "cases",
    "change_note",
    "change_tag",
    "change_view",
    "check_identity",
    "close_case",
    "conversation",
    "correct",
    "create_customer",
    "customer_name",
    "decide_incident",
    "decision",
    "describe_incident",
    "dismiss",
    "drop_task",
    "gives_way",
    "granting",
    "hold",
    "holds",
    "ignore_kind",
    "import_list",
    "incident",
    "incidents",
    "link",
    "make_notice",
    "merge",
    "merge_tags",
    "message",
    "move",
    "new_decision_id",
    "not_a_customer",
    "note",
    "note_notified",
    "notices",
    "open_case",
    "open_incident",
    "owners",
    "place_hold",
    "release_hold",
    "remove_note",
    "remove_tag",
    "remove_view",
    "rename_customer",
    "reopen_case",
    "retag",
    "retention_classes",
    "save_view",
    "set_class",
    "size_of_identity",
    "sizes",
    "split",
    "standing",
    "tag",
    "tag_all",
    "tag_name",
    "task",
    "tasks",
    "thing",
    "told_nothing",
    "undo",
    "unlink",
    "untag",
    "view",
    "view_name",
]
