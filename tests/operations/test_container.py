"""Image and compose file, as far as they can be held without an engine: who runs what, with which rights, limits and doors."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml

from operations.runtime.health import is_well
from operations.runtime.prepare import STEPS
from operations.runtime.programs import NEEDS
from tests.operations.test_commands import PROMISED
from warehouse.channels import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text().split()
BY_DIGEST = re.compile(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
#: Where each program's folder is another word than its service.
MODULES = {"receiver": "webhooks", "app": "app", "worker": "worker", "fold": "transform"}
OWNERS = {"migrate", "cli"}
LASTING = SERVICES.keys() - OWNERS
#: The proxy of the profile `tls` listens on ports that are root's.
ROOTS_PORTS = {"proxy"}
SECRETS = ("POSTGRES_PASSWORD", "POSTGRES_SUPERUSER_PASSWORD", "CRM_MASTER_KEY")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_has_few_rights_and_an_end_to_what_it_takes(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name in ROOTS_PORTS else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert {"mem_limit", "pids_limit", "cpus"} <= service.keys()
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    # Where it writes is a volume or forgotten with the container.
    assert "/tmp" in service["tmpfs"]
    assert ("build" in service) != bool(BY_DIGEST.fullmatch(service["image"]))
    assert ("healthcheck" in service) == (name in LASTING)
    if name in LASTING:
        assert service["restart"] == "unless-stopped"
        assert {"interval", "timeout", "start_period"} <= service["healthcheck"].keys()
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))


def test_nobody_runs_as_root_but_who_listens_on_roots_ports() -> None:
    base, *steps = re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)
    assert steps == []
    assert re.fullmatch(r"[1-9]\d{3,}", base)
    assert f"--uid {base}" in DOCKERFILE
    assert DOCKERFILE.index(f"USER {base}") > DOCKERFILE.rindex("RUN")
    of_others = {name for name, service in SERVICES.items() if "build" not in service}
    assert {name for name in of_others if SERVICES[name].get("user") in (None, "root")} == ROOTS_PORTS  # fmt: skip


def test_each_program_has_its_own_keys_and_only_its_owner_has_them_all() -> None:
    for name, service in SERVICES.items():
        told = str(service.get("environment", {}))
        holds_all = "${CRM_MASTER_KEY" in told or "crm_owner:${POSTGRES_PASSWORD" in told
        assert holds_all == (name in OWNERS), name
        keys = [volume for volume in service.get("volumes", []) if "-keys:" in volume]
        if name in NEEDS:
            assert keys == [f"{name}-keys:/keys:ro"]
            assert service["environment"]["CRM_ENV_FILE"] == "/keys/env"
        elif name == "migrate":
            assert sorted(keys) == sorted(f"{each}-keys:/keys/{each}" for each in NEEDS)
        else:
            assert keys == []
    assert {f"{name}-keys" for name in NEEDS} <= COMPOSE["volumes"].keys()
    # A volume is made with the rights of the folder that it covers.
    assert set(re.findall(r"/keys/(\w+)", DOCKERFILE)) == NEEDS.keys()


def test_the_database_has_no_way_out_and_strangers_no_way_in() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    reach = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert {name for name, networks in reach.items() if networks == {"inside"}} == {"postgres", "migrate", "fold"}  # fmt: skip
    assert reach["proxy"] == {"outside"}
    (address,) = [each["ipv4_address"] for each in SERVICES["proxy"]["networks"].values()]
    assert SERVICES["receiver"]["environment"]["CRM_TRUSTED_PROXIES"].endswith(f":-{address}}}")
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.pop("proxy") == ["80:80", "443:443"]
    assert published.keys() == {"receiver", "app"}
    assert all(each.startswith("127.0.0.1:") for ports in published.values() for each in ports)
    assert SERVICES["receiver"]["environment"]["CRM_ADMIN_BIND"].startswith("127.0.0.1:")


def test_there_is_no_default_password_and_every_setting_is_explained() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    explained = set(re.findall(r"^#?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    used = re.findall(r"(?<!\$)\$\{(\w+)(:[-?][^}]*)?\}", text)
    # CRM_HOST is the proxy's own, and stands in its comment.
    assert {name for name, _ in used} <= explained | {"CRM_HOST"}
    for name, otherwise in used:
        assert otherwise, f"{name} may be missing without a word"
        if name in SECRETS:
            assert otherwise.startswith(":?"), f"{name} has a default"
    assert "trust" not in text


def test_every_setting_that_is_explained_reaches_a_program() -> None:
    """What stands in .env is seen by nobody whom the compose file does not give it."""
    explained = set(re.findall(r"^#?(CRM_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    told = {name: set(service.get("environment", {})) for name, service in SERVICES.items()}
    # The image says where data lie.
    assert explained - set().union(*told.values()) == {"CRM_DATA_DIR"}
    assert "CRM_DATA_DIR" in DOCKERFILE
    # Who tells others of it holds what that takes, and nobody else.
    secrets = {"CRM_METRICS_TOKEN", "CRM_ALERT_WEBHOOK", "CRM_ALERT_MAIL_SERVER"}
    assert {name for name in SERVICES if secrets & told[name]} == {"app"}
    assert secrets <= told["app"]


def test_what_is_started_is_there() -> None:
    for name, module in MODULES.items():
        assert SERVICES[name]["command"][0] == module
        assert (ROOT / module / "__main__.py").exists()
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"  # fmt: skip
    assert MODULES.keys() == NEEDS.keys()
    (script,) = SERVICES["migrate"]["command"]
    steps = re.findall(r"for step in (.+?);", script)[0]
    assert [step.split()[0] for step in shlex.split(steps)] == ["migrate", "histories", "keys"]
    assert {step.split()[0] for step in shlex.split(steps)} <= STEPS.keys()
    for name in NEEDS:
        *command, asked = SERVICES[name]["healthcheck"]["test"]
        assert command == ["CMD", "python", "-m", is_well.__module__]
        assert asked == name or asked.startswith("http://127.0.0.1:")
    packages = re.findall(r"compileall -q (.+)$", DOCKERFILE, re.MULTILINE)[0].split()
    assert set(MODULES.values()) | {"operations", "warehouse"} <= set(packages)
    assert [each for each in packages if not (ROOT / each / "__init__.py").exists()] == []


def test_the_image_is_made_of_what_is_locked_and_of_nothing_private() -> None:
    froms = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(froms)) == 1
    assert BY_DIGEST.fullmatch(froms[0])
    assert "--require-hashes" in DOCKERFILE
    assert not re.search(r"^ADD |curl|wget|apt-get", DOCKERFILE, re.MULTILINE)
    assert not re.search(r"(?i)password|secret|token", DOCKERFILE)
    for file in re.findall(r"requirements[\w-]*\.lock", DOCKERFILE):
        assert (ROOT / file).exists()
    assert {".git", ".env", "data", ".venv", "tests"} <= set(IGNORED)
    # A program must not need what is left out.
    left_out = {name for name in IGNORED if (ROOT / name / "__init__.py").exists()}
    copied = re.findall(r"compileall -q (.+)$", DOCKERFILE, re.MULTILINE)[0].split()
    assert not left_out & set(copied)


def test_what_the_documents_tell_to_type_is_known() -> None:
    """`docker compose …` in our documents and comments: its services are ours, what `cli` is given is a command."""
    files = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "docker-compose.yml"]
    lines = [
        told
        for file in files
        for line in file.read_text().splitlines()
        for told in re.findall(r"docker compose [^#`.,]+", line)
    ]
    named: set[str] = set()
    for line in lines:
        words = [word for word in line.split()[2:] if not word.startswith("-")]
        verb, *rest = [word for word in words if word != "tls"]
        assert verb in {"up", "down", "stop", "build", "run", "exec"}, line
        if verb in {"run", "exec"} and rest:
            named.add(rest[0])
        elif verb == "up":
            named |= set(rest)
        if rest[:1] == ["cli"] and len(rest) > 1 and rest[1].islower():
            assert rest[1] in {each.split()[0] for each in PROMISED}, line
    assert {"cli", "postgres"} <= named <= SERVICES.keys()
