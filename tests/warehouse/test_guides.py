"""Guides: every channel has one, page and document say the same, and a wrong paste is named in words."""

from __future__ import annotations

import pytest

from simulator.world.accounts import Accounts
from warehouse.channels import registry
from warehouse.guides import FOLDER, documents, guide

ACCOUNTS = Accounts.of(7).connections("http://127.0.0.1:8503", "https://crm.example.com")

#: Words of the admin's own: nearly anything may be right.
FREE = ("push_audience", "recording_basis")


@pytest.mark.parametrize("channel", registry())
def test_a_channel_has_a_guide_of_all_its_keys(channel: str) -> None:
    told, known = guide(channel), registry()[channel]
    assert (FOLDER / f"{channel}.toml").exists()
    assert {field.key for field in told.fields} == set(known.keys)
    for field in told.fields:
        assert field.where, f"{channel}: where is {field.key} found?"
        assert field.wrong or field.choices, f"{channel}: what is a wrong {field.key} told?"
        assert field.shape or field.choices
    assert told.what
    assert told.rights
    assert told.before
    assert told.registers
    assert told.by_hand
    assert len(told.silence) > 1


@pytest.mark.parametrize("channel", registry())
def test_the_document_is_written_from_the_guide(channel: str) -> None:
    written = (documents.PLACE / f"{channel}.md").read_text()
    assert written == documents.document(guide(channel)), (
        "write it anew: python -m warehouse.guides.documents"
    )


@pytest.mark.parametrize("channel", registry())
def test_what_a_provider_hands_out_is_taken(channel: str) -> None:
    told = guide(channel)
    assert told.problems(ACCOUNTS[channel]) == {}
    required = {field.key for field in told.fields if field.is_required}
    assert told.problems({}) == dict.fromkeys(required, "This is needed")


@pytest.mark.parametrize("channel", registry())
def test_a_wrong_paste_is_named_in_every_field(channel: str) -> None:
    """Blanks round it, quotation marks, half of it, another field's value: each has words, and none repeats the value."""
    told, account = guide(channel), ACCOUNTS[channel]
    for field in told.fields:
        if field.choices:
            continue
        value = "" if field.key in FREE else account.get(field.key, "")
        for wrong in (
            *(
                [f" {value}", f'"{value}"', f"{value}\n{value}"]
                if value and not field.several
                else []
            ),
            "\0",
            "x" * 10_001,
            "" if field.key in FREE else "two words",
        ):
            if not wrong:
                continue
            said = told.problem(field.key, wrong)
            assert said, f"{channel}: {field.key} takes {wrong[:20]!r}"
            assert not value or value not in said


@pytest.mark.parametrize(
    ("channel", "key", "value", "said"),
    [
        ("twilio_sms", "account_sid", "SK" + "0" * 32, "looks like another key: API key SID"),
        ("twilio_sms", "account_sid", "AC" + "0" * 31, "32 characters"),
        ("twilio_sms", "auth_token", "AC" + "0" * 32, "looks like another key: Account SID"),
        ("twilio_sms", "auth_token", "'" + "0" * 32 + "'", "quotation marks"),
        ("twilio_sms", "auth_token", "0" * 16 + "\n" + "0" * 16, "line breaks"),
        ("twilio_sms", "numbers", "0491570006", "country code"),
        ("twilio_sms", "numbers", "+61491570006,+61255501234", None),
        ("gmail", "refresh_token", "ya29.a0AfH6SM", "begins with 1//"),
        ("gmail", "client_secret", "1//0" + "a" * 40, "looks like another key: Refresh token"),
        ("gmail", "pubsub_topic", "gmail", "projects/"),
        ("whatsapp", "phone_number_id", "+61255501234", "without a plus"),
        ("whatsapp", "access_token", "0" * 32, "begins with EA"),
        ("messenger", "app_secret", "EAAG" + "a" * 40, "looks like another key: Access token"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_words(
    channel: str, key: str, value: str, said: str | None
) -> None:
    found = guide(channel).problem(key, value)
    assert found is None if said is None else said in str(found)
