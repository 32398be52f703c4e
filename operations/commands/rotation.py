"""New secrets for a connection: a signing secret is added in front, so that both ends may change over in peace."""

from __future__ import annotations

from warehouse.channels import registry
from warehouse.connections import Connection, UnusableConnection


def rotated(connection: Connection, new: dict[str, str], *, drop_old: bool) -> dict[str, str]:
    """All keys of the connection with the new secrets in them, `verify_token` included.

    Raises:
        UnusableConnection: a key is no secret of this channel, or a value is empty.
    """
    channel = registry()[connection.channel]
    wrong = sorted(set(new) - set(channel.secret_keys))
    if wrong:
        known = ", ".join(channel.secret_keys)
        raise UnusableConnection(
            f"{channel.channel}: not a secret: {', '.join(wrong)} (secrets: {known})"
        )
    empty = sorted(key for key, value in new.items() if not value.strip())
    if empty:
        raise UnusableConnection(f"{channel.channel}: empty: {', '.join(empty)}")
    kept = {**connection.settings, **connection.secrets}
    for key, value in new.items():
        if key in channel.signing_keys and not drop_old:
            older = [each for each in connection.several(key) if each != value]
            value = ",".join([value, *older])
        kept[key] = value
    return kept
