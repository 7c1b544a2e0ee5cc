"""Intercom's other records, as its REST API gives them: contacts, tags, companies, articles, admins."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ....sandbox.api import Account
from ....sandbox.records import Agent, Article, Company, Person
from .calls import IntercomCall, html_of

TEAM = {"type": "team", "id": "814865", "name": "Support"}
SEGMENT = {
    "type": "segment",
    "id": "56203d253cba154d39010062",
    "name": "All users",
    "created_at": 1,
    "updated_at": 1,
    "person_type": "user",
    "count": None,
}
READERS = (
    "views",
    "conversions",
    "reactions",
    *(f"{mood}_reaction_percentage" for mood in ("happy", "neutral", "sad")),
)
# Of a contact, what a sandbox cannot know.
UNKNOWN = tuple(
    """
    last_seen_at last_replied_at last_contacted_at last_email_opened_at last_email_clicked_at language_override
    browser browser_version browser_language os
    """.split()
)


def tag(account: Account, name: str, at: float | None = None, by: Agent | None = None) -> dict[str, Any]:
    """``at`` and ``by``: when and by whom it was put somewhere, as far as that is known."""
    when, agent = int(account.clock() if at is None else at), by or account.agents[0]
    applied = {"applied_at": when, "applied_by": {"type": "admin", "id": agent.id}}
    return {"type": "tag", "id": tag_id(account, name), "name": name, **applied}


def tag_id(account: Account, name: str) -> str:
    """The id of a name: its first one, or one made of it."""
    known = next((key for key, other in account.tags.items() if other == name), None)
    made = known or str(int(hashlib.sha256(name.encode()).hexdigest()[:12], 16))
    account.tags.put(made, name)
    return made


def contact(call: IntercomCall, person: Person) -> dict[str, Any]:
    account = call.account
    return {
        "type": "contact",
        "id": person.id,
        "workspace_id": account.values["APP_ID"],
        "external_id": person.external_id,
        "role": person.role,
        "email": person.email,
        "phone": person.phone,
        "name": person.name,
        "avatar": {"type": "avatar", "image_url": person.avatar} if person.avatar else None,
        "owner_id": None,
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": not person.is_subscribed,
        "created_at": int(person.created),
        "updated_at": int(person.updated),
        "signed_up_at": person.signed_up,
        **dict.fromkeys(UNKNOWN),
        "custom_attributes": dict(person.attributes),
        "tags": _part_of(person, "tags", [tag_id(account, name) for name in person.tags]),
        "notes": _part_of(person, "notes", [str(note["id"]) for note in person.notes]),
        "companies": _part_of(person, "companies", person.companies),
        "location": {"type": "location", "country": None, "region": None, "city": None},
        "social_profiles": {"data": []},
    }


def _part_of(person: Person, name: str, ids: Sequence[str]) -> dict[str, Any]:
    """At most ten of them stand at the contact."""
    kind = {"tags": "tag", "notes": "note", "companies": "company"}[name]
    listed = [{"type": kind, "id": key, "url": f"/{name}/{key}"} for key in ids[:10]]
    where = f"/contacts/{person.id}/{name}"
    return {"type": "list", "data": listed, "url": where, "total_count": len(ids), "has_more": len(ids) > len(listed)}


def note(account: Account, person: Person, data: Mapping[str, Any]) -> dict[str, Any]:
    agent = account.agent(str(data["admin_id"])) or account.agents[0]
    return {
        "type": "note",
        "id": data["id"],
        "created_at": data["created_at"],
        "contact": {"type": "contact", "id": person.id},
        "author": admin(account, agent),
        "body": html_of(str(data["body"])),
    }


def company(account: Account, known: Company) -> dict[str, Any]:
    people = [person for person in account.people.all() if known.id in person.companies]
    plan = known.data.get("plan")
    return {
        "type": "company",
        "id": known.id,
        "app_id": account.values["APP_ID"],
        "company_id": known.company_id,
        "name": known.data.get("name") or "",
        "remote_created_at": known.data.get("remote_created_at") or int(known.created),
        "created_at": int(known.created),
        "updated_at": int(known.updated),
        "last_request_at": int(known.updated),
        "monthly_spend": known.data.get("monthly_spend") or 0,
        "size": known.data.get("size") or 0,
        "website": known.data.get("website") or "",
        "industry": known.data.get("industry") or "",
        "session_count": 0,
        "user_count": len(people),
        "plan": {"type": "plan", "id": "1", "name": plan} if plan else {},
        "custom_attributes": dict(known.data.get("custom_attributes") or {}),
        "tags": {"type": "tag.list", "tags": []},
        "segments": {"type": "segment.list", "segments": []},
    }


def article(call: IntercomCall, known: Article) -> dict[str, Any]:
    has_markdown = call.version() >= (2, 16)
    translations: dict[str, Any] = {"type": "article_translated_content"}
    for locale, text in known.translations.items():
        content = {**text, "body": html_of(text["body_markdown"].strip())}
        if not has_markdown:
            del content["body_markdown"]
        if text["state"] == "published":
            content["url"] = f"https://help.example.com/{locale}/articles/{known.id}"
        translations[locale] = content
    return {
        "type": "article",
        "id": known.id,
        "workspace_id": call.account.values["APP_ID"],
        "title": known.title,
        "description": known.description,
        "body": html_of(known.body.strip()) if known.body else "",
        **({"body_markdown": known.body} if has_markdown else {}),
        "author_id": int(known.author),
        "state": "published" if known.published else "draft",
        "created_at": int(known.created),
        "updated_at": int(known.updated),
        "url": f"https://help.example.com/articles/{known.id}" if known.published else None,
        "parent_id": int(known.parent) if known.parent else None,
        "parent_ids": [int(known.parent)] if known.parent else [],
        "parent_type": "collection" if known.parent else None,
        "default_locale": "en",
        "translated_content": translations,
        "statistics": {"type": "article_statistics", **dict.fromkeys(READERS, 0)},
    }


def admin(account: Account, agent: Agent) -> dict[str, Any]:
    return {
        "type": "admin",
        "id": agent.id,
        "name": agent.name,
        "email": agent.email,
        "away_mode_enabled": account.hub.status(account.name) != "online",
        "away_mode_reassign": False,
        "has_inbox_seat": True,
        "job_title": "Support",
        "team_ids": [int(TEAM["id"])],
    }


def team(account: Account) -> dict[str, Any]:
    return {**TEAM, "admin_ids": [int(agent.id) for agent in account.agents]}
