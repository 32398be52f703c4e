"""Another password, chosen by its person: before a session where somebody else chose it, or on the account's page.

Whoever changes it has just proved the former one; every other session of theirs ends with it.
"""

from __future__ import annotations

from app import database
from app.access import passwords, sign_in
from app.access.sign_in import SQL
from warehouse import password_rules
from warehouse.events import Actor, record
from warehouse.refusals import Refused


def change(
    user_name: str, former_hash: str, chosen: str, *, ip: str, session_id: str | None = None
) -> str:
    """Store the chosen password in the place of the one that was proved; returns how it is stored.

    Args:
        former_hash: of the password that was proved a moment ago.
        session_id: the session that goes on.

    Raises:
        Refused: it is unusable, it is the former one, or that was changed meanwhile.
    """
    with database.pool().connection() as connection:
        user = connection.execute(SQL["user_for_sign_in"], sign_in.about(user_name)).fetchone()
    about = [user_name, user["email"]] if user else [user_name]
    why_not = password_rules.refusal(chosen, about)
    if why_not:
        raise Refused(why_not)
    # Outside of any transaction: bcrypt takes a quarter of a second, each.
    if passwords.matches(chosen, former_hash):
        raise Refused("that is the password of before: choose another one")
    made = passwords.hash_password(chosen)
    named = {"user_name": user_name, "former_hash": former_hash, "password_hash": made}
    with database.pool().connection() as connection:
        changed = connection.execute(SQL["change_password"], named).fetchone()
        if changed is None:
            raise Refused("the password was changed meanwhile: sign in again")
        others = {"user_name": user_name, "session_id": session_id}
        ended = connection.execute(SQL["revoke_others"], others).rowcount
        actor = Actor(name=user_name, role=changed["role"], session_id=session_id, ip=ip)
        record(
            connection,
            actor.event("user.password", "user", user_name, detail={"sessions_ended": ended}),
        )
    return made
