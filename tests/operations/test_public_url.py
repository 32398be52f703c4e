"""CRM_PUBLIC_URL as providers write it: Twilio signs the address that it calls."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from warehouse.settings import Settings


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://crm.example.com", "https://crm.example.com"),
        ("https://CRM.Example.com/", "https://crm.example.com"),
        ("HTTPS://CRM.Example.com:8443/Base/", "https://crm.example.com:8443/Base"),
        ("http://[::1]:8502", "http://[::1]:8502"),
        ("", None),
    ],
)
def test_it_is_brought_into_their_form(given: str, used: str | None, tmp_path: Path) -> None:
    assert Settings(public_url=given, data_dir=tmp_path).public_url == used


@pytest.mark.parametrize(
    "given",
    [
        "https://ann:canary@crm.example.com",
        "https://canary@crm.example.com",
        "crm.example.com",
        "ftp://crm.example.com",
        "https://crm.example.com/?canary=1",
        "https://crm.example.com/#canary",
        "https://[",
    ],
)
def test_what_cannot_be_is_refused_without_being_repeated(given: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(public_url=given, data_dir=tmp_path)
    said = refused.value.errors(include_input=False)[0]["msg"]
    assert "canary" not in said


def test_a_command_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from operations.__main__ import main

    monkeypatch.setenv("CRM_PUBLIC_URL", "https://ann:canary@crm.example.com")
    monkeypatch.setenv("CRM_DATA_DIR", str(tmp_path))
    assert main(["connection", "list"]) == 2
    said = capfd.readouterr().err
    assert said.startswith("crm: CRM_PUBLIC_URL: ")
    assert "no user name" in said
    assert "canary" not in said
