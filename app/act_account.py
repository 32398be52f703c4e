"""What people decide about their own way in: another password, an end to their sessions."""

from __future__ import annotations

from app.access import changing, second_factor, sign_in
from app.access.roles import Permission
from app.access.sessions import SQL, Viewer
from app.act import deciding
from warehouse.events import record
from warehouse.refusals import Refused


def end_session(viewer: Viewer, session_id: str) -> None:
    """End one of one's own sessions, in every tab of its browser at once.

    Raises:
        Refused: it has ended.
    """
    with deciding(viewer, Permission.READ) as connection:
        named = {"session_id": session_id, "user_name": viewer.user_name}
        if connection.execute(SQL["revoke_one"], named).fetchone() is None:
            raise Refused("that session has ended already")
        record(
            connection,
            viewer.event("sign_in.end", "user", viewer.user_name, detail={"session": session_id}),
        )


def end_others(viewer: Viewer) -> int:
    """End all of one's own sessions but this one; returns how many those were."""
    with deciding(viewer, Permission.READ) as connection:
        named = {"session_id": viewer.session_id, "user_name": viewer.user_name}
        ended = connection.execute(SQL["revoke_others"], named).rowcount
        record(
            connection,
            viewer.event("sign_in.end", "user", viewer.user_name, detail={"sessions_ended": ended}),
        )
    return ended


def change_password(viewer: Viewer, present: str, chosen: str) -> None:
    """Another password; every other session of this person ends.

    Raises:
        Refused: the present one is wrong, or the chosen one is unusable.
    """
    # Braked as a sign-in is: a tab that was left open is no leave to guess.
    answer = sign_in.attempt(viewer.user_name, present, ip=viewer.ip or "unknown")
    if answer.user_name != viewer.user_name:
        too_many = answer.sentence.startswith("Too many")
        raise Refused(answer.sentence.rstrip(".") if too_many else "the present password is wrong")
    with deciding(viewer, Permission.READ):
        pass
    changing.change(
        viewer.user_name, answer.password_hash, chosen,
        ip=viewer.ip or "unknown", session_id=viewer.session_id,
    )  # fmt: skip


def renew_codes(viewer: Viewer, typed: str) -> list[str]:
    """Other recovery codes in the place of those there are, for a code of the second factor.

    Raises:
        Refused: the code is wrong, or was used.
    """
    _proved(viewer, typed)
    return second_factor.new_recovery_codes(
        viewer.user_name, ip=viewer.ip or "unknown", session_id=viewer.session_id
    )


def remove_factor(viewer: Viewer, typed: str) -> None:
    """Be asked for no second factor any more, for a last code of it.

    Raises:
        Refused: the role needs one, or the code is wrong or was used.
    """
    _proved(viewer, typed)
    second_factor.remove(viewer.user_name, ip=viewer.ip or "unknown", session_id=viewer.session_id)


def _proved(viewer: Viewer, typed: str) -> None:
    with deciding(viewer, Permission.READ):
        pass
    second_factor.check(viewer.user_name, typed, ip=viewer.ip or "unknown")
