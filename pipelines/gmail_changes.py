"""Gmail's history records as rows of `raw_gmail.changes` (docs/providers/google.md). Pure functions."""

from __future__ import annotations

from typing import Any

KINDS = {
    "messagesAdded": "added",
    "labelsAdded": "labels_added",
    "labelsRemoved": "labels_removed",
    "messagesDeleted": "removed",
}


def changes_of(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One change per record, mail and kind, in the order in which they happened.

    `label_ids` are the labels after the change, None where the record does not tell them.
    """
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for record in records:
        for field, change in KINDS.items():
            for entry in record.get(field) or []:
                mail = entry["message"]
                key = (str(record["id"]), mail["id"], change)
                row = {
                    "history_id": key[0],
                    "id": key[1],
                    "thread_id": mail.get("threadId"),
                    "change": change,
                    "label_ids": None if change == "removed" else mail.get("labelIds"),
                    "changed_labels": entry.get("labelIds") or [],
                }
                if key in found:
                    # The same mail twice in one record: one change of all the labels.
                    row["changed_labels"] = [*found[key]["changed_labels"], *row["changed_labels"]]
                found[key] = row
    return list(found.values())


def difference(
    identity: str, known_labels: list[str], mail: dict[str, Any] | None, history_id: str
) -> dict[str, Any] | None:
    """The change between the labels we were last told and the mail as it is now; None: no change.

    Args:
        mail: the mail in any form, None where Google answers 404.
        history_id: under which a mail that is gone is noticed.
    """
    if mail is None:
        return {
            "history_id": history_id,
            "id": identity,
            "thread_id": None,
            "change": "missing",
            "label_ids": None,
            "changed_labels": [],
        }
    now, before = set(mail.get("labelIds") or []), set(known_labels)
    if now == before:
        return None
    return {
        "history_id": str(mail.get("historyId") or history_id),
        "id": identity,
        "thread_id": mail.get("threadId"),
        "change": "labels_added" if now - before else "labels_removed",
        "label_ids": sorted(now),
        "changed_labels": sorted(now - before or before - now),
    }
