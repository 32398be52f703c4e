"""Settings of every program, from the environment or `.env`.

An embedded warehouse writes its own address to `<data dir>/postgres.url`, so every command that is
told the data folder finds the same database as the programs that run on it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from functools import cache, cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

#: Where `.env` and the default data folder lie, wherever the caller stands.
ROOT = Path(__file__).resolve().parent.parent

#: A master key shorter than this cannot be a random 32-byte value in hex or base64.
MASTER_KEY_LEAST_LENGTH = 32


# Messages, keys and logs: what a program of ours writes is for its own user alone. Every one reads the settings, and
# what it starts inherits this.
os.umask(0o077)


#: The end of the name of a purpose whose key is public: with it one seals what only its other half opens.
PUBLIC_HALF = ", public half"


@cache
def _derived(purpose: str, master_key: str) -> bytes:
    if purpose.endswith(PUBLIC_HALF):
        private = _derived(purpose.removesuffix(PUBLIC_HALF), master_key)
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return HKDF(SHA256(), 32, salt=b"crm", info=purpose.encode()).derive(master_key.encode())


def _is_address(given: SecretStr, *schemes: str) -> bool:
    try:
        parts = urlsplit(given.get_secret_value())
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class SettingsError(Exception):
    """A setting is missing or unusable; the text says which one and what to do."""


class Role(StrEnum):
    """The database roles; each program signs in as one of them."""

    ADMIN = "admin"
    RECEIVER = "crm_receiver"
    LOADER = "crm_loader"
    TRANSFORMER = "crm_transformer"
    APP = "crm_app"
    ANALYST = "crm_analyst"
    DESTROYER = "crm_destroyer"
    CHECKER = "crm_checker"


#: Roles that nobody signs in as: whose rights the functions with definer's rights have (0100-definers.sql, 0171-…).
DEFINERS = ("crm_keeper", "crm_pull_reader", "crm_fold_reader", "crm_sealer")
#: So many sessions a role may have, so that no program keeps the others out. The app's grow with its processes.
CONNECTION_LIMITS = {
    Role.RECEIVER: 12,
    # The worker pulls sixteen accounts at a time, commands as many as they are started for, and each pull has a
    # session for its lock, one for what is held and one for each table that it loads.
    Role.LOADER: 96,
    Role.TRANSFORMER: 16,
    Role.APP: 40,
    Role.ANALYST: 6,
    Role.DESTROYER: 4,
    # Each look has three; after a load, by hand and before a swap there may be one.
    Role.CHECKER: 12,
}
#: What signs in from every host.
OF_EACH_HOST = frozenset({Role.RECEIVER, Role.LOADER, Role.TRANSFORMER, Role.APP})
CONNECTIONS_PER_APP_PROCESS = 12
#: For the owner's commands, the superuser and a replica, beside what the roles may have.
SPARE_CONNECTIONS = 50
LEAST_CONNECTIONS = 300
#: For a key that another command is writing.
KEY_PATIENCE_SECONDS = 2.0


class Settings(BaseSettings):
    """The environment, checked. Units are in the names; paths are absolute after loading."""

    model_config = SettingsConfigDict(
        # A container is given a file of its own (docker-compose.yml).
        env_prefix="CRM_",
        env_file=os.environ.get("CRM_ENV_FILE") or ROOT / ".env",
        extra="ignore",
        # What is wrong may be a secret, and a rule over several settings is told with all of them.
        hide_input_in_errors=True,
    )

    database_url: SecretStr | None = None
    #: A replica of it, for what only reads (app/replica.py). Who signs in there is the role that signs in at the other.
    read_database_url: SecretStr | None = None
    data_dir: Path = ROOT / "data"
    public_url: str | None = None
    master_key: SecretStr | None = None
    media_url: str | None = None
    timezone: str = Field(default="Australia/Sydney")
    app_processes: int | None = Field(default=None, ge=1, le=64)
    #: On how many hosts programs of each kind run: so many more sessions the database lets in.
    hosts: int = Field(default=1, ge=1, le=64)
    #: What browsers call; behind a proxy nobody else knows it.
    app_url: str | None = None
    #: Addresses whose forwarding headers count, and whose connections are those of many people.
    trusted_proxies: Annotated[list[str], NoDecode] = Field(default_factory=list)
    #: Addresses at which providers are played: only these may a connection made on a page name as its `api_base`.
    provider_addresses: Annotated[list[str], NoDecode] = Field(default_factory=list)
    #: Where the receiver says how it stands: an address and a port.
    admin_bind: str | None = None
    #: With it, and with it alone, the app tells a machine how everything stands (`GET /metrics`).
    metrics_token: SecretStr | None = None
    #: Where admins are told that something is wrong, and by which mail server, as whom (app/alerts.py). The first two
    #: may hold secrets.
    alert_webhook: SecretStr | None = None
    alert_mail_server: SecretStr | None = None
    alert_mail_from: str | None = None
    #: What one program is given instead of the owner's URL and the master key (`for_program`): the URL of each role
    #: that it signs in as, and for each purpose the derived keys, as hex, the first of which encrypts.
    role_urls: dict[str, SecretStr] | None = None
    purpose_keys: dict[str, list[SecretStr]] | None = None

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("provider_addresses", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, list):
            raise ValueError("no list of addresses")
        return [str(each).strip().rstrip("/") for each in given if str(each).strip()]

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _addresses(cls, value: object) -> object:
        """Addresses or networks, comma-separated; a name would be whoever answers for it."""
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, list):
            raise ValueError("no list of addresses")
        found = [str(each).strip() for each in given if str(each).strip()]
        for each in found:
            try:
                ip_network(each, strict=False)
            except ValueError:
                raise ValueError(
                    f"{each} is no address and no network, such as 172.18.0.0/16"
                ) from None
        return found

    @field_validator("read_database_url")
    @classmethod
    def _names_a_server(cls, value: SecretStr | None) -> SecretStr | None:
        """One: how far a server is must be known of the one that is read from."""
        if value is not None and (
            "," in value.get_secret_value() or not _is_address(value, "postgresql", "postgres")
        ):
            raise ValueError(
                "no address of one server, such as postgresql://replica.example.com:5432/crm"
            )
        return value

    @field_validator("public_url", "app_url")
    @classmethod
    def _as_providers_write_it(cls, value: str | None) -> str | None:
        """Twilio signs the address that it calls, with the host in lower case and without user info."""
        if value is None:
            return None
        try:
            parts = urlsplit(value.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("no address, such as https://crm.example.com") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("no address, such as https://crm.example.com")
        if "@" in parts.netloc:
            # Not repeated: it may be a password.
            raise ValueError(
                "there must be no user name: providers leave it out and sign without it"
            )
        if parts.query or parts.fragment:
            raise ValueError("there must be no query and no fragment")
        place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))

    @field_validator(
        "database_url",
        "read_database_url",
        "public_url",
        "app_url",
        "admin_bind",
        "metrics_token",
        "alert_webhook",
        "alert_mail_server",
        "alert_mail_from",
        "media_url",
        "master_key",
        "app_processes",
        "role_urls",
        "purpose_keys",
        mode="before",
    )
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("timezone", "hosts", "data_dir", mode="before")
    @classmethod
    def _empty_is_the_default(cls, value: object, field: ValidationInfo) -> object:
        assert field.field_name is not None
        return cls.model_fields[field.field_name].default if value == "" else value

    @field_validator("media_url")
    @classmethod
    def _can_be_reached(cls, value: str | None) -> str | None:
        """Every program refuses to start, and not the first file that is fetched."""
        if value is None or value.startswith("file://"):
            return value
        # Takes a moment to import, and most installations keep files beside the rest.
        import fsspec

        protocol = value.partition("://")[0] if "://" in value else "file"
        try:
            fsspec.get_filesystem_class(protocol)
        except ImportError as missing:
            if protocol in ("s3", "s3a"):
                raise ValueError(
                    f"{protocol}:// needs the extra s3: install it beside the rest with "
                    "`pip install --no-deps --require-hashes -r requirements-s3.lock`"
                ) from None
            raise ValueError(f"{protocol}:// cannot be used here: {missing}") from None
        except ValueError:
            raise ValueError(f"{protocol}:// is no kind of storage that fsspec knows") from None
        return value

    @model_validator(mode="after")
    def _alerts_are_whole(self) -> Self:
        """Addresses are never repeated: each may hold a secret."""
        if self.alert_webhook and not _is_address(self.alert_webhook, "http", "https"):
            raise ValueError("CRM_ALERT_WEBHOOK: no address, such as https://hooks.example.com/abc")
        if self.alert_mail_server and not _is_address(self.alert_mail_server, "smtp", "smtps"):
            raise ValueError(
                "CRM_ALERT_MAIL_SERVER: no address of a mail server, such as smtps://user:password@mail.example.com"
            )
        if bool(self.alert_mail_server) != bool(self.alert_mail_from):
            raise ValueError(
                "CRM_ALERT_MAIL_SERVER and CRM_ALERT_MAIL_FROM are set together or not at all"
            )
        sender = self.alert_mail_from or "a@b"
        if not re.fullmatch(r"[!-~]+@[!-~]+", sender) or "<" in sender or "," in sender:
            raise ValueError("CRM_ALERT_MAIL_FROM: no address, such as crm@example.com")
        return self

    def connection_limit(self, role: Role) -> int:
        """How many sessions this role may have at once."""
        least = CONNECTION_LIMITS[role]
        if role is Role.APP:
            least = max(least, CONNECTIONS_PER_APP_PROCESS * (self.app_processes_now + 1))
        # Analysts and who destroys are as many, wherever programs run.
        return least * self.hosts if role in OF_EACH_HOST else least

    @property
    def most_connections(self) -> int:
        """How many sessions a server must let in, so that no role is refused what it may have."""
        roles = sum(self.connection_limit(role) for role in CONNECTION_LIMITS)
        return max(LEAST_CONNECTIONS, roles + SPARE_CONNECTIONS)

    @property
    def is_app_https(self) -> bool:
        """Whether it is said that browsers call the app by TLS."""
        return urlsplit(self.app_url or "").scheme == "https"

    @property
    def app_processes_now(self) -> int:
        """How many processes serve the pages: as said, or one less than there are cores."""
        return self.app_processes or max(1, (os.cpu_count() or 1) - 1)

    @property
    def zone(self) -> ZoneInfo:
        """`CRM_TIMEZONE`: how times are shown, and whose days a filter means."""
        return ZoneInfo(self.timezone)

    # -- keys -------------------------------------------------------------------------------------

    @property
    def master_key_file(self) -> Path:
        return self.data_dir / "master.key"

    @cached_property
    def master_keys(self) -> list[str]:
        """All master keys, the first of which encrypts.

        Raises:
            SettingsError: none is set, or one is too short to be random.
        """
        if self.purpose_keys is not None:
            raise SettingsError("this program has no master key: it was given keys of its own")
        given = self.master_key.get_secret_value() if self.master_key else ""
        if not given and self.master_key_file.exists():
            given = self.master_key_file.read_text().strip()
        keys = [key.strip() for key in given.split(",") if key.strip()]
        if not keys:
            raise SettingsError(
                "CRM_MASTER_KEY is not set: give at least 32 random characters, for example from "
                "`openssl rand -hex 32`"
            )
        for key in keys:
            if len(key) < MASTER_KEY_LEAST_LENGTH or len(set(key)) < 8:
                raise SettingsError(
                    "CRM_MASTER_KEY is weak: give at least 32 random characters, for example from "
                    "`openssl rand -hex 32`"
                )
        return keys

    def make_master_key(self) -> None:
        """Make and keep a master key in the data folder, unless one is set (`up` and `demo` only)."""
        if self.master_key:
            return
        if not self.master_key_file.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                descriptor = os.open(self.master_key_file, flags, 0o600)
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_hex(32) + "\n")
        # Of two commands that begin at the same moment one made it, and the other waits for what it writes.
        deadline = time.monotonic() + KEY_PATIENCE_SECONDS
        while not self.master_key_file.stat().st_size and time.monotonic() < deadline:
            time.sleep(0.01)
        self.__dict__.pop("master_keys", None)

    def close_data_dir(self) -> None:
        """Keep other users of the machine out of the data folder, also of one that a former version made.

        Where there is none yet, it is made closed: with a database elsewhere nothing needs it before.
        """
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # As root the embedded server is another user, and passes through to the folder of its own.
        passable = os.geteuid() == 0 and self.database_url is None
        for path in (self.data_dir, *self.data_dir.iterdir()):
            if path.is_symlink() or path.stat().st_uid != os.geteuid():
                continue
            if path == self.data_dir and passable:
                path.chmod(0o711)
            else:
                path.chmod(0o700 if path.is_dir() else 0o600)

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, so that no two uses of the master key share a secret."""
        return self.derived(purpose)[0]

    def derived(self, purpose: str) -> list[bytes]:
        """The same of every master key, the first of which encrypts.

        Raises:
            SettingsError: this program was given keys, and none for this purpose.
        """
        if self.purpose_keys is not None:
            given = self.purpose_keys.get(purpose)
            if not given:
                raise SettingsError(f"this program was given no key for: {purpose}")
            return [bytes.fromhex(key.get_secret_value()) for key in given]
        return [_derived(purpose, key) for key in self.master_keys]

    def for_program(self, roles: Sequence[Role], purposes: Sequence[str]) -> dict[str, str]:
        """The environment that lets a program sign in as these roles and use these keys, and takes the rest from it."""
        keys = {purpose: [key.hex() for key in self.derived(purpose)] for purpose in purposes}
        return {
            "CRM_DATABASE_URL": "",
            "CRM_READ_DATABASE_URL": self._replica_without_name() if Role.APP in roles else "",
            "CRM_MASTER_KEY": "",
            "CRM_ROLE_URLS": json.dumps({role.value: self.url_for(role) for role in roles}),
            "CRM_PURPOSE_KEYS": json.dumps(keys),
        }

    def _replica_without_name(self) -> str:
        """Its address alone: whose password stands in it is nobody's business."""
        if self.read_database_url is None:
            return ""
        parts = urlsplit(self.read_database_url.get_secret_value())
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    # -- database ---------------------------------------------------------------------------------

    @property
    def embedded_url_file(self) -> Path:
        return self.data_dir / "postgres.url"

    @property
    def admin_url(self) -> str:
        """The owner's URL: `CRM_DATABASE_URL`, or the embedded server's.

        Raises:
            SettingsError: neither is there.
        """
        if self.role_urls is not None:
            raise SettingsError("this program may not sign in as the owner")
        if self.database_url:
            return self.database_url.get_secret_value()
        if self.embedded_url_file.exists():
            return self.embedded_url_file.read_text().strip()
        raise SettingsError(
            f"no warehouse: set CRM_DATABASE_URL, or start one with ./crm up (data folder {self.data_dir})"
        )

    def role_password(self, role: Role) -> str:
        """The password of a database role, derived from the master key and kept nowhere."""
        return self.derive(f"database role {role.value}").hex()

    def url_for(self, role: Role) -> str:
        """A URL for psycopg, psql, dlt and dbt that signs in as this role."""
        if self.role_urls is not None:
            given = self.role_urls.get(role.value)
            if given is None:
                raise SettingsError(f"this program may not sign in as {role.value}")
            return given.get_secret_value()
        if role is Role.ADMIN:
            return self.admin_url
        parts = urlsplit(self.admin_url)
        place = parts.netloc.rpartition("@")[2]
        signed_in = f"{role.value}:{quote(self.role_password(role), safe='')}@{place}"
        return urlunsplit(parts._replace(netloc=signed_in))

    def read_url_for(self, role: Role) -> str | None:
        """The same on the replica; None where there is none."""
        if self.read_database_url is None:
            return None
        replica = urlsplit(self.read_database_url.get_secret_value())
        signed_in = urlsplit(self.url_for(role)).netloc.rpartition("@")[0]
        place = replica.netloc.rpartition("@")[2]
        return urlunsplit(replica._replace(netloc=f"{signed_in}@{place}"))

    # -- media ------------------------------------------------------------------------------------

    @property
    def media_root(self) -> str:
        """The fsspec URL under which content-addressed media lie."""
        return self.media_url or f"file://{self.data_dir / 'media'}"
