"""Gmail's history records become rows."""

from __future__ import annotations

from pipelines.gmail_changes import changes_of, difference


def record(number: int, **fields: object) -> dict[str, object]:
    return {"id": str(number), "messages": [{"id": "m"}], **fields}


def test_every_kind_of_change_is_a_row() -> None:
    mail = {"id": "m", "threadId": "t", "labelIds": ["INBOX"]}
    told = changes_of(
        [
            record(1, messagesAdded=[{"message": mail}]),
            record(2, labelsRemoved=[{"message": mail, "labelIds": ["UNREAD"]}]),
            record(3, messagesDeleted=[{"message": {"id": "m", "threadId": "t"}}]),
        ]
    )
    assert [
        (row["history_id"], row["change"], row["label_ids"], row["changed_labels"]) for row in told
    ] == [
        ("1", "added", ["INBOX"], []),
        ("2", "labels_removed", ["INBOX"], ["UNREAD"]),
        ("3", "removed", None, []),
    ]


def test_a_mail_twice_in_one_record_is_one_row() -> None:
    mail = {"id": "m", "threadId": "t"}
    told = changes_of(
        [
            record(
                1,
                labelsAdded=[
                    {"message": mail, "labelIds": ["A"]},
                    {"message": mail, "labelIds": ["B"]},
                ],
            )
        ]
    )
    assert [row["changed_labels"] for row in told] == [["A", "B"]]
    assert told[0]["label_ids"] is None


def test_a_record_without_details_is_no_change() -> None:
    assert changes_of([record(1)]) == []


def test_differences_after_a_resync() -> None:
    assert difference("m", ["INBOX"], {"labelIds": ["INBOX"], "historyId": "5"}, "9") is None
    gone = difference("m", ["INBOX"], None, "9")
    assert gone
    assert (gone["change"], gone["history_id"]) == ("missing", "9")
    moved = difference("m", ["INBOX"], {"labelIds": ["TRASH"], "historyId": "5"}, "9")
    assert moved
    assert (
        moved["change"],
        moved["label_ids"],
        moved["changed_labels"],
        moved["history_id"],
    ) == (
        "labels_added",
        ["TRASH"],
        ["TRASH"],
        "5",
    )
