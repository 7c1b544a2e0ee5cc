"""flask-login for this site, and "view as" for staff."""

from __future__ import annotations

from flask import g, session
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user

from .users import User, users

VIEWING_AS = "viewing_as"  # session key: the id of the customer whom a staff member looks at the site as


def load_user(user_id: str) -> User | None:
    """The user of this session: whoever signed in, or the customer they are viewing the site as."""
    signed_in = users().get(user_id)
    g.signed_in = signed_in
    if signed_in is None or not signed_in.is_staff:
        return signed_in
    viewed = users().get(session.get(VIEWING_AS, ""))
    return viewed or signed_in


def viewer() -> User | None:
    """The user whose pages are shown, or None for an anonymous visitor."""
    return user if isinstance(user := current_user._get_current_object(), User) else None


def staff_member() -> User | None:
    """The staff member who really sits at the keyboard, also while they view the site as somebody else."""
    viewer()  # runs the loader, which notes who signed in
    signed_in: User | None = g.get("signed_in")
    return signed_in if signed_in and signed_in.is_staff else None


def is_viewing_as() -> bool:
    """Whether the page is shown to staff as a customer would see it."""
    return VIEWING_AS in session


def to_login() -> ResponseReturnValue:
    """Lead to the login page, and from there back to this one."""
    answer: ResponseReturnValue = manager.unauthorized()
    return answer


manager = LoginManager()
manager.login_view = "auth.login_page"
manager.login_message = "Sign in to see this page."
manager.user_loader(load_user)
