"""docker-compose.scale.yml on top of docker-compose.yml, as an engine would put them together: who runs, with what."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import yaml

from operations.runtime.programs import NEEDS
from tests.operations.test_container import COMPOSE, SERVICES
from warehouse.channels import ROOT
from warehouse.settings import Role, Settings

TEXT = (ROOT / "docker-compose.scale.yml").read_text()
#: What is added to the base in the place of which nothing else stands, and what stands in its place.
OF_LISTS = ("ports", "volumes", "depends_on", "configs")


class Override(list[Any]):
    """What `!override` or `!reset` marks: it replaces what the base has."""


class Loader(yaml.SafeLoader):
    pass


def _replacing(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return Override(loader.construct_sequence(node, deep=True))
    assert isinstance(node, yaml.MappingNode)
    return {"!override": loader.construct_mapping(node, deep=True)}


for tag in ("!override", "!reset"):
    Loader.add_constructor(tag, _replacing)

OVERLAY: dict[str, Any] = yaml.load(TEXT, Loader=Loader)


def merged(base: Any, over: Any, key: str = "") -> Any:
    """As Compose merges: mappings by key, these lists together, everything else by the later one."""
    if isinstance(over, Override):
        return list(over)
    if isinstance(over, dict) and "!override" in over:
        return over["!override"]
    if isinstance(base, dict) and isinstance(over, dict):
        both = {
            **base,
            **{each: merged(base.get(each), value, each) for each, value in over.items()},
        }
        both.pop("extends", None)
        return both
    if isinstance(base, list) and isinstance(over, list) and key in OF_LISTS:
        return [*base, *(each for each in over if each not in base)]
    return over


def whole() -> dict[str, dict[str, Any]]:
    services = copy.deepcopy(SERVICES)
    for name, service in OVERLAY["services"].items():
        told = service.get("extends")
        if told:
            assert told["file"] == "docker-compose.yml"
        base = SERVICES[told["service"]] if told else services[name]
        services[name] = merged(base, service)
    return services


WHOLE = whole()
TWICE = {"receiver", "app", "worker", "fold"}


def test_there_are_two_of_each_program_a_primary_and_a_replica() -> None:
    assert WHOLE.keys() - SERVICES.keys() == {*(f"{name}-2" for name in TWICE), "replica"}
    for name in TWICE:
        one, other = WHOLE[name], WHOLE[f"{name}-2"]
        for what in ("command", "image", "volumes", "networks", "healthcheck", "depends_on", "environment"):  # fmt: skip
            assert one[what] == other[what], (name, what)
        # One port of the machine for one of them; the proxy goes past it.
        assert not other.get("ports")
    assert NEEDS.keys() == TWICE


@pytest.mark.parametrize("name", sorted(WHOLE.keys() - SERVICES.keys()))
def test_what_is_added_has_as_few_rights_as_what_is_there(name: str) -> None:
    service = WHOLE[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "cpus", "logging", "healthcheck"} <= service.keys()
    assert service["restart"] == "unless-stopped"
    assert not service.get("ports")
    told = str(service.get("environment", {}))
    assert "CRM_MASTER_KEY" not in told
    assert "POSTGRES_PASSWORD" not in told


def test_the_replica_is_one_and_only_apps_read_from_it() -> None:
    replica, primary = WHOLE["replica"], WHOLE["postgres"]
    assert replica["image"] == primary["image"]
    assert replica["networks"] == primary["networks"] == ["inside"]
    (script,) = replica["command"]
    assert "--host=postgres --username=crm_replica" in script
    assert "--write-recovery-conf" in script
    assert replica["volumes"] == ["replica:/var/lib/postgresql"]
    assert {"replica"} == OVERLAY["volumes"].keys() - COMPOSE["volumes"].keys()
    # A standby starts with no fewer than its primary.
    sessions = {int(each) for each in re.findall(r"max_connections=(\d+)", TEXT)}
    assert len(sessions) == 1
    limits = Settings(hosts=2, app_processes=4, _env_file=None)  # type: ignore[call-arg]
    roles = [role for role in Role if role is not Role.ADMIN]
    assert sum(limits.connection_limit(role) for role in roles) < sessions.pop()
    # What is not said of another host has no room for its sessions.
    assert WHOLE["migrate"]["environment"]["CRM_HOSTS"] == "2"
    read_by = {
        name
        for name, service in WHOLE.items()
        if service.get("environment", {}).get("CRM_READ_DATABASE_URL", "").startswith("postgresql:")
    }
    assert read_by == {"app", "app-2", "cli"}
    url = WHOLE["app"]["environment"]["CRM_READ_DATABASE_URL"]
    assert Settings(read_database_url=url, _env_file=None).read_database_url  # type: ignore[call-arg]


def test_the_primary_lets_the_replica_in_and_makes_the_owner_as_without_it() -> None:
    ours, theirs = OVERLAY["configs"]["owner"]["content"], COMPOSE["configs"]["owner"]["content"]
    made = [line.strip() for line in theirs.splitlines() if line.startswith("create")]
    assert set(made) < {line.strip() for line in ours.splitlines()}
    assert "create role crm_replica login replication" in ours
    assert "host replication crm_replica all scram-sha-256" in ours


def test_the_proxy_brings_a_browser_back_to_its_app_and_passes_over_what_is_away() -> None:
    told = OVERLAY["configs"]["caddyfile"]["content"]
    webhooks, pages = re.findall(r"reverse_proxy ([^{]+)\{([^}]+)\}", told)
    assert webhooks[0].split() == ["receiver:8502", "receiver-2:8502"]
    assert pages[0].split() == ["app:8501", "app-2:8501"]
    assert "lb_policy cookie" in pages[1]
    for _, how in (webhooks, pages):
        # Both programs answer there that they live (webhooks/main.py, app/serving/routes.py).
        assert {"health_uri /healthz", "lb_try_duration 15s"} <= {line.strip() for line in how.splitlines()}  # fmt: skip
    assert set(WHOLE["proxy"]["depends_on"]) == {"receiver", "receiver-2", "app", "app-2"}


def test_every_password_is_asked_for_and_explained() -> None:
    explained = set(re.findall(r"^#?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    used = re.findall(r"(?<!\$)\$\{(\w+)(:[-?][^}]*)?\}", TEXT)
    assert {name for name, _ in used} <= explained
    assert all(otherwise.startswith(":?") for _, otherwise in used)
