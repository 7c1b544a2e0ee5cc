"""What our own views and commands ask of a ``LiveChat``. None of it is part of the public interface.

It can be called on a ``LiveChat``, as it could in 0.1. From 0.3 on a call from elsewhere warns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from .model import Decision, Event
from .providers.base import Handoff
from .registrations import Registrations
from .state import current_flask, current_state
from .widget import csp, tag
from .widget.identity import current_visitor, proven_visitor
from .widget.request_state import request_state

if TYPE_CHECKING:
    from .desk.store import Store
    from .providers import Values

T = TypeVar("T")


def service() -> Any:
    """The desk, which whoever only embeds chat never loads."""
    return import_module(".desk.service", __package__)


def _panel() -> Any:
    return import_module(".help.panel", __package__)


class Internals(Registrations):
    """The part of ``LiveChat`` that only this package calls."""

    @staticmethod
    def now() -> datetime:
        """The one place that reads the clock."""
        return datetime.now(UTC)

    def account(self, provider: str | None) -> tuple[str, Values]:
        """The provider that a desk is asked for, and its values. Raises ``ConfigError`` where it has none."""
        name, values = service().account(current_state(), provider)
        return name, values

    def handle(self, event: Event) -> None:
        """All that is done about an event: the app's handlers, its signal's receivers, a flow's note for agents.

        Raises what they raise.
        """
        state = current_state()
        handle = service().handle_with_handoff if state.has_flows else service().handle
        handle(state, current_flask(), event)

    def count(self, provider: str, what: str) -> None:
        """What a browser reports for the metrics, of nobody."""
        self._ask_store(lambda store: store.count(provider, what, self.now()), None)

    def rate(self, provider: str, thumb: str | None, receipt: str | None) -> str | None:
        """A thumb that a browser reports. Gives its receipt, by which the same browser may take it back."""
        return self._ask_store(lambda store: store.rate(provider, thumb, receipt, self.now()), None)

    def flow_reply(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The reply to one step of a flow. None where the app has no flows: then help is not loaded."""
        state, app = current_state(), current_flask()
        if not state.has_flows:
            return None
        flows = import_module(".help.flow_service", __package__)
        reply, counts = flows.reply(state, app, request)
        handoff, provider = reply["handoff"], request.get("provider", state.settings.provider)
        if provider not in tuple(state.settings.providers):
            return dict(reply)
        if counts:
            service().count_flow(state, app, provider, str(request["flow"]), counts)
        if handoff["transcript"]:
            visitor = proven_visitor(state, request_state(), provider, self.now())
            if visitor is not None and service().takes_notes(state, provider, visitor):
                note = Handoff(visitor.id, visitor.email, *flows.note_of(handoff))
                if reply["end"] != "human" or service().put_handoff(state, app, provider, note):
                    handoff["transcript"] = {}  # agents get it as a note
        return dict(reply)

    def help_panel(self, decision: Decision) -> dict[str, Any] | None:
        """What the help panel has on a page where it is on. None where it has nothing to offer."""
        contents: dict[str, Any] | None = _panel().contents(current_state(), current_flask(), decision)
        return contents

    def suggest(self, question: str, locale: str | None) -> list[dict[str, str]] | None:
        """The articles that answer a question. None where the app has none: then help is not loaded."""
        state = current_state()
        if state.settings.articles is None:
            return None
        results: list[dict[str, str]] | None = _panel().suggest(state, current_flask(), question, locale)
        return results

    def count_unanswered(self, provider: str, question: str, locale: str | None) -> None:
        """A question that no article answers. It is searched for once more: anybody may report anything."""
        state = current_state()
        if state.settings.articles is not None:
            counted = _panel().unanswered(state, current_flask(), question, locale)
            if counted is not None:
                service().count_question(state, current_flask(), provider, counted.locale, counted.words, counted.text)

    def unread(self) -> int:
        """How many messages the logged-in visitor has not read, says our store."""
        visitor = current_visitor(current_state(), request_state())
        if visitor is None:
            return 0
        return self._ask_store(lambda store: store.unread(visitor.id, visitor.own_email), 0)

    def see(self) -> None:
        """The logged-in visitor has read what was said until now."""
        visitor = current_visitor(current_state(), request_state())
        if visitor is not None:
            self._ask_store(lambda store: store.see(visitor.id, self.now()), None)

    def identity_payload(self, provider: str) -> dict[str, Any]:
        """What ``GET /livechat/identity`` answers: everything personal that a page in ``fetch`` mode leaves out."""
        return tag.identity_payload(current_state(), request_state(), provider)

    def needs_of(self, names: Iterable[str]) -> dict[str, list[str]]:
        """What these providers need of a policy, and what our own script does: directive -> sources."""
        return csp.needs_of(current_state().settings, names)

    def _ask_store(self, ask: Callable[[Store], T], default: T) -> T:
        answer: T = service().ask_store(current_state(), current_flask(), ask, default)
        return answer
