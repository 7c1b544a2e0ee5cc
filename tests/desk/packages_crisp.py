"""Crisp's calls: ours, and those of the vendor's packages for the same."""

from __future__ import annotations

from flask_livechat import Visitor

from .packages import ADA, BOB, EVE, OF_ACME, Calls, Examples

TEXT = {"type": "text", "from": "operator", "origin": "chat", "content": "Yes?"}
NOTE = TEXT | {"type": "note", "content": "late again"}
LISTED = {"per_page": 50, "order_date_updated": 1}
FOUND = {"per_page": 50, "search_type": "text", "search_query": "hello"}
DATA = {"data": {"plan": "pro"}}
BORN = {"text": "bought", "data": {"plan": "pro"}, "color": "blue"}
PERSON = {"email": "bob@example.com", "person": {"nickname": "Bob"}}
NEW = {"email": "eve@example.com", "person": {"nickname": "Eve"}}
OF_THEIRS = {"email": "fay@example.com", "company": {"name": "Acme", "url": "https://acme.example"}}
# Ours; the Python package's; the JavaScript package's. None: the package has no such call.
CALLS: Calls = {
    "list conversations": (
        lambda desk, ids: list(desk.conversations.list()),
        ("list_conversations", (1,)),
        ("listConversations", (1, LISTED)),
    ),
    "search conversations": (
        lambda desk, ids: list(desk.conversations.search("hello")),
        None,  # its search writes the address with a slash too many
        ("listConversations", (1, FOUND)),
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
    "a message of the team": (
        lambda desk, ids: desk.conversations.start(ADA, "May we help?", author="agent"),
        None,  # to a conversation that has just been made, as all of its calls are
        None,
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
        lambda desk, ids: list(desk.contacts.find_all(email="ada@example.com")),
        ("get_people_profile", ("ada@example.com",)),
        ("getPeopleProfile", ("ada@example.com",)),
    ),
    "see a contact's data": (
        lambda desk, ids: desk.contacts.find(email="ada@example.com"),
        ("get_people_data", ("ada@example.com",)),
        ("getPeopleData", ("ada@example.com",)),
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
    "make a contact of a company": (
        lambda desk, ids: desk.contacts.upsert(OF_ACME),
        ("add_new_people_profile", (OF_THEIRS,)),
        ("addNewPeopleProfile", (OF_THEIRS,)),
    ),
    "list visitors": (
        lambda desk, ids: list(desk.visitors.list()),
        ("list_visitors", (1,)),
        ("listVisitors", (1,)),
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
    "take stock of articles": (
        lambda desk, ids: desk.inventory(),
        None,
        ("listHelpdeskTree", ("en", "articles", 1)),
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
    "write an article": (
        lambda desk, ids: desk.articles.create("How to", "So"),
        None,
        ("createHelpdeskTreePath", ("<locale>", "<kind>", "<new>")),
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
    "take an article back": (
        lambda desk, ids: desk.articles.unpublish(ids["article"]),
        None,
        ("updateHelpdeskTreeMetadata", ("<locale>", "<kind>", "<place>", {"state": {"published": False}})),
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


PICKER = {"id": "call", "text": "When?", "choices": [{"value": "1", "label": "Today", "selected": False}]}
FILE = {"name": "a.pdf", "url": "https://example.com/a.pdf", "type": "application/pdf"}
SENT = {"from": "operator", "origin": "chat"}
MINE = "<conversation>"
# What public examples call beside: the Python package's call, the JavaScript package's, and what is in the answer.
EXAMPLES: Examples = {
    "a folder": (None, ("createHelpdeskTreePath", ("en", "articles", "orders")), ""),
    "another language": (None, ("addHelpdeskLocale", ("fr",)), ""),
    "the languages": (None, ("listHelpdeskLocales", (1,)), "fr"),
    "the workspace": (("get_website", ()), ("getWebsite", ()), "Sandbox"),
    "people": (("list_people_profiles", (1,)), ("listPeopleProfiles", (1,)), "bob@example.com"),
    "people found": (None, ("listPeopleProfiles", (1, None, None, None, None, "bob")), "bob@example.com"),
    "segments": (("list_people_segments", (1,)), ("listSuggestedPeopleSegments", (1,)), ""),
    "segments of conversations": (None, ("listSuggestedConversationSegments", (1,)), "vip"),
    "how many people": (("get_people_statistics", ()), ("getPeopleStatistics", ()), "total"),
    "whether somebody is known": (
        ("check_people_profile_exists", ("bob@example.com",)),
        ("checkPeopleProfileExists", ("bob@example.com",)),
        "",
    ),
    "a profile anew": (
        ("save_people_profile", ("bob@example.com", PERSON)),
        ("savePeopleProfile", ("bob@example.com", PERSON)),
        "",
    ),
    "a profile's data": (("get_people_data", ("<contact>",)), ("getPeopleData", ("<contact>",)), "data"),
    "a profile's data anew": (("save_people_data", ("<bob>", DATA)), ("savePeopleData", ("<bob>", DATA)), ""),
    "events": (("list_people_events", ("<contact>", 1)), ("listPeopleEvents", ("<contact>", 1)), ""),
    "a subscription": (
        ("get_people_subscription_status", ("<contact>",)),
        ("getPeopleSubscriptionStatus", ("<contact>",)),
        "email",
    ),
    "whether a conversation exists": (
        ("check_conversation_exists", (MINE,)),
        ("checkConversationExists", (MINE,)),
        "",
    ),
    "a picker": (
        ("send_message_in_conversation", (MINE, SENT | {"type": "picker", "content": PICKER})),
        ("sendMessageInConversation", (MINE, SENT | {"type": "picker", "content": PICKER})),
        "fingerprint",
    ),
    "a file": (
        ("send_message_in_conversation", (MINE, SENT | {"type": "file", "content": FILE})),
        ("sendMessageInConversation", (MINE, SENT | {"type": "file", "content": FILE})),
        "fingerprint",
    ),
    "files": (("list_conversation_files", (MINE, 1)), ("listConversationFiles", (MINE, 1)), "a.pdf"),
    "visited pages": (("list_conversation_pages", (MINE, 1)), ("listConversationPages", (MINE, 1)), ""),
    "what happened": (("list_conversation_events", (MINE, 1)), ("listConversationEvents", (MINE, 1)), ""),
    "a state": (("get_conversation_state", (MINE,)), ("getConversationState", (MINE,)), "unresolved"),
    "a routing": (
        ("get_conversation_routing_assign", (MINE,)),
        ("getConversationRoutingAssign", (MINE,)),
        "assigned",
    ),
    "whether somebody is blocked": (
        ("get_block_status_for_conversation", (MINE,)),
        ("getBlockStatusForConversation", (MINE,)),
        "blocked",
    ),
    "who reads along": (None, ("getConversationParticipants", (MINE,)), "participants"),
    "read": (
        ("mark_messages_read_in_conversation", (MINE, SENT)),
        ("markMessagesReadInConversation", (MINE, SENT)),
        "",
    ),
    "a rating is asked for": (None, ("requestUserFeedbackForConversation", (MINE,)), ""),
    "initiate": (
        ("initiate_conversation_with_existing_session", (MINE,)),
        ("initiateConversationWithExistingSession", (MINE,)),
        "",
    ),
    "active operators": (
        ("list_last_active_website_operators", ()),
        ("listLastActiveWebsiteOperators", ()),
        "robin@example.com",
    ),
    "an operator": (None, ("getWebsiteOperator", ("<agent>",)), "sam@example.com"),
    "who is there": (None, ("listWebsiteOperatorAvailabilities", ()), "<agent>"),
    "how many visitors": (("count_visitors", ()), ("countVisitors", ()), "count"),
    "resolve several": (
        ("batch_resolve_items", ({"sessions": [MINE]},)),
        ("batchResolveConversations", ({"sessions": [MINE]},)),
        "",
    ),
    "remove a conversation": (("remove_conversation", (MINE,)), ("removeConversation", (MINE,)), ""),
}
