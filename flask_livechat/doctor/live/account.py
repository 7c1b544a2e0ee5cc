"""The vendor's API, where the app has keys for it: who is known there, and taking away what the check has written."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ... import providers
from ...errors import ConfigError, LiveChatError, Unsupported
from ...model import Contact, Visitor
from .records import Fact, Person, Stored
from .vendor import Vendor

SEARCH_S = 20.0  # for which a vendor's search is asked again: it knows new contacts only after a while
PAUSE_S = 2.0


@dataclass
class Account:
    """What the vendor's API says of the user. ``known``: whether it knew them before; None where nobody can tell."""

    vendor: Vendor
    open_desk: Callable[[], Any] = field(repr=False)
    person: Person | None = field(default=None, repr=False)
    known: bool | None = None
    why: str = ""  # there is nothing to be had from the API
    started: bool = False  # the chat has started for the user, who is at the vendor's by now

    def look_before(self, person: Person | None) -> None:
        """Note whether the user is there before anything is written: what was there is never deleted."""
        self.person = person
        try:
            self.known = self._find() is not None
        except LiveChatError as error:
            self.why = reason(error)

    def arrived(self, wait: Callable[[float], None]) -> Fact:
        """The user is a contact at the vendor's."""
        name, title = "user.contact", "The vendor's API knows the user"
        if self.why:
            return Fact(name, title, None, self.why)
        try:
            contact = self._wait_for_contact(wait)
        except LiveChatError as error:
            return Fact(name, title, None, reason(error))
        if contact is None:
            return Fact(name, title, None, f"not found within {SEARCH_S:g} s: the vendor's search may be late")
        return Fact(name, title, True, "found" + (", as before the check" if self.known else ", and new"))

    def verified(self, stored: Stored) -> Fact | None:
        """Whether the vendor believes the identity, where its API says so and the page is not told."""
        ask = self.vendor.provider.live.verified
        if ask is None:
            return None
        name, title = "user.verified", "The vendor says that the identity is verified"
        try:
            raw = self.open_desk().raw
            state = ask(self.vendor.values, raw.request, stored.cookies)
        except (LiveChatError, ValueError) as error:
            return Fact(name, title, None, reason(error))
        return Fact(name, title, state, {True: "it does", False: "it does not", None: "its API does not say"}[state])

    def clean_up(self) -> Fact:
        """Delete the contact that the check has made; never one that was there before."""
        name, title = "cleaned", "What the check wrote at the vendor's is gone again"
        by_hand = 'look for the event "flask-livechat check" and remove its visitors by hand'
        if self.person is None:
            return Fact(name, title, None, f"visitors without a name stay: {by_hand}")
        if self.known:
            return Fact(name, title, None, f"the user was known before and stays; {by_hand}")
        if self.why or self.known is None:
            return Fact(name, title, None, f"{self.why or 'it was not checked'}: {by_hand}")
        try:
            seen = "the user's contact was deleted" if self._delete() else "the user is not there"
        except (LiveChatError, ValueError) as error:
            return Fact(name, title, None, f"{reason(error)}: {by_hand}")
        return Fact(name, title, True, f"{seen}; visitors without a name stay")

    def _delete(self) -> bool:
        """Delete the contact; False where there is none.

        A vendor whose search does not know the new contact yet says which it is when it is to be made again.
        """
        person, desk = self.person, self.open_desk()
        contact = self._find()
        if contact is None and self.started and person is not None and person.id:
            contact = desk.contacts.upsert(Visitor(id=person.id, email=person.email))
        if contact is not None:
            desk.contacts.forget(contact.id)
        return contact is not None

    def _find(self) -> Contact | None:
        person, desk = self.person, self.open_desk()
        if person is None:
            return None
        if not desk.can("contacts.upsert"):  # then it does not know the app's visitors by anything of the app's
            raise Unsupported(self.vendor.provider.title, "contacts.find by the app's id")
        api = providers.api(self.vendor.provider.name)
        if person.id and api is not None and api.knows(Visitor(id=person.id)):
            key = {"id": person.id}
        elif person.email:
            key = {"email": person.email}
        else:
            raise Unsupported(self.vendor.provider.title, "contacts.find without an email")
        contact: Contact | None = desk.contacts.find(**key)
        return contact

    def _wait_for_contact(self, wait: Callable[[float], None]) -> Contact | None:
        end = time.monotonic() + SEARCH_S
        while (contact := self._find()) is None and time.monotonic() < end:
            wait(PAUSE_S)
        return contact


def reason(error: Exception) -> str:
    """Why the API told nothing, without what the error holds."""
    if isinstance(error, ConfigError):
        return "the API's keys are not set"
    if isinstance(error, Unsupported):
        return "the vendor's API cannot look that up"
    if type(error) is LiveChatError:
        return "pip install Flask-LiveChat[desk] to ask the vendor's API"
    return f"the vendor's API failed with {type(error).__name__}"
