"""Crisp's calls: ours, and those of the vendor's packages for the same."""

from __future__ import annotations

from flask_livechat import Visitor

from .packages import ADA, BOB, EVE, Calls

TEXT = {"type": "text", "from": "operator", "origin": "chat", "content": "Yes?"}
NOTE = TEXT | {"type": "note", "content": "late again"}
LISTED = {"per_page": 50, "order_date_updated": 1}
DATA = {"data": {"plan": "pro"}}
BORN = {"text": "bought", "data": {"plan": "pro"}, "color": "blue"}
PERSON = {"email": "bob@example.com", "person": {"nickname": "Bob"}}
NEW = {"email": "eve@example.com", "person": {"nickname": "Eve"}}
# Ours; the Python package's; the JavaScript package's. None: the package has no such call.
CALLS: Calls = {
    "list conversations": (
        lambda desk, ids: list(desk.conversations.list()),
        ("list_conversations", (1,)),
        ("listConversations", (1, LISTED)),
    ),
    "get a conversation": (
        lambda desk, ids: desk.conversations.get(ids["conversation"]),
        ("get_conversation", ("<conversation>",)),
        ("getConversation", ("<conversation>",)),
    ),
    "read messages": (
        lambda desk, ids: list(desk.conversations.messages(ids["conversation"])),
        ("get_messages_in_conversation", ("<conversation>", {})),
        ("getMessagesInConversation", ("<conversation>",)),
    ),
    "begin a conversation": (
        lambda desk, ids: desk.conversations.start(ADA, "Hello again"),
        ("create_new_conversation", ()),
        ("createNewConversation", ()),
    ),
    "reply": (
        lambda desk, ids: desk.conversations.reply(ids["conversation"], "Yes?"),
        ("send_message_in_conversation", ("<conversation>", TEXT)),
        ("sendMessageInConversation", ("<conversation>", TEXT)),
    ),
    "note": (
        lambda desk, ids: desk.conversations.note(ids["conversation"], "late again"),
        ("send_message_in_conversation", ("<conversation>", NOTE)),
        ("sendMessageInConversation", ("<conversation>", NOTE)),
    ),
    "close": (
        lambda desk, ids: desk.conversations.close(ids["conversation"]),
        ("change_conversation_state", ("<conversation>", {"state": "resolved"})),
        ("changeConversationState", ("<conversation>", "resolved")),
    ),
    "reopen": (
        lambda desk, ids: desk.conversations.reopen(ids["conversation"]),
        ("change_conversation_state", ("<conversation>", {"state": "unresolved"})),
        ("changeConversationState", ("<conversation>", "unresolved")),
    ),
    "assign": (
        lambda desk, ids: desk.conversations.assign(ids["conversation"], ids["agent"]),
        ("assign_conversation_routing", ("<conversation>", {"assigned": {"user_id": "<agent>"}})),
        ("assignConversationRouting", ("<conversation>", {"assigned": {"user_id": "<agent>"}})),
    ),
    "tag": (
        lambda desk, ids: desk.conversations.tag(ids["conversation"], "refund"),
        ("update_conversation_metas", ("<conversation>", {"segments": ["vip", "refund"]})),
        ("updateConversationMetas", ("<conversation>", {"segments": ["vip", "refund"]})),
    ),
    "see a conversation's tags": (
        lambda desk, ids: desk.conversations.untag(ids["conversation"], "refund"),
        ("get_conversation_metas", ("<conversation>",)),
        ("getConversationMetas", ("<conversation>",)),
    ),
    "find a contact": (
        lambda desk, ids: desk.contacts.find(email="ada@example.com"),
        ("get_people_profile", ("ada@example.com",)),
        ("getPeopleProfile", ("ada@example.com",)),
    ),
    "make a contact": (
        lambda desk, ids: desk.contacts.upsert(EVE),
        ("add_new_people_profile", (NEW,)),
        ("addNewPeopleProfile", (NEW,)),
    ),
    "change a contact": (
        lambda desk, ids: desk.contacts.upsert(BOB),
        ("update_people_profile", ("bob@example.com", PERSON)),
        ("updatePeopleProfile", ("bob@example.com", PERSON)),
    ),
    "change a contact's data": (
        lambda desk, ids: desk.contacts.upsert(Visitor(id="43", email="bob@example.com", attributes={"plan": "pro"})),
        ("update_people_data", ("bob@example.com", DATA)),
        ("updatePeopleData", ("bob@example.com", DATA)),
    ),
    "tell an event": (
        lambda desk, ids: desk.contacts.event(ids["contact"], "bought", {"plan": "pro"}),
        ("add_people_event", ("<contact>", BORN)),
        ("addPeopleEvent", ("<contact>", BORN)),
    ),
    "a contact's conversations": (
        lambda desk, ids: list(desk.contacts.conversations(ids["contact"])),
        ("list_people_conversations", ("<contact>", 1)),
        ("listPeopleConversations", ("<contact>", 1)),
    ),
    "list agents": (
        lambda desk, ids: list(desk.agents.list()),
        ("list_website_operators", ()),
        ("listWebsiteOperators", ()),
    ),
    "availability": (
        lambda desk, ids: desk.agents.availability(),
        ("get_website_availability_status", ()),
        ("getWebsiteAvailabilityStatus", ()),
    ),
    "locales": (lambda desk, ids: list(desk.articles.list()), None, ("listHelpdeskLocales", (1,))),
    "list articles": (
        lambda desk, ids: list(desk.articles.list("en")),
        None,
        ("listHelpdeskPages", ("en", "articles", 1)),
    ),
    "search articles": (
        lambda desk, ids: list(desk.articles.search("returns")),
        None,
        ("listHelpdeskTree", ("en", "articles", 1, None, "returns")),
    ),
    "an article's text": (
        lambda desk, ids: desk.articles.get(ids["article"]),
        None,
        ("resolveHelpdeskTreeContent", ("<locale>", "<kind>", "<place>")),
    ),
    "an article's title": (
        lambda desk, ids: desk.articles.get(ids["article"]),
        None,
        ("resolveHelpdeskTreeMetadata", ("<locale>", "<kind>", "<place>")),
    ),
    "change an article's title": (
        lambda desk, ids: desk.articles.update(ids["article"], title="Refunds"),
        None,
        ("updateHelpdeskTreeMetadata", ("<locale>", "<kind>", "<place>", {"title": "Refunds"})),
    ),
    "change an article's text": (
        lambda desk, ids: desk.articles.update(ids["article"], body="Keep it."),
        None,
        ("saveHelpdeskTreeContent", ("<locale>", "<kind>", "<place>", "Keep it.")),
    ),
    "publish an article": (
        lambda desk, ids: desk.articles.publish(ids["article"]),
        None,
        ("updateHelpdeskTreeMetadata", ("<locale>", "<kind>", "<place>", {"state": {"published": True}})),
    ),
    "an article's address": (
        lambda desk, ids: desk.articles.publish(ids["article"]),
        None,
        ("resolveHelpdeskTreePage", ("<locale>", "<kind>", "<place>")),
    ),
    "delete an article": (
        lambda desk, ids: desk.articles.delete(ids["article"]),
        None,
        ("deleteHelpdeskTreePath", ("<locale>", "<kind>", "<place>")),
    ),
    "forget a contact": (
        lambda desk, ids: desk.contacts.forget(ids["contact"]),
        ("remove_people_profile", ("<contact>",)),
        ("removePeopleProfile", ("<contact>",)),
    ),
}
