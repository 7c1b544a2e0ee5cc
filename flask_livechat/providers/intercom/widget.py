"""What a page says to Intercom: visitor, proof, attributes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ... import signing
from ...model import Company, Value, Visitor
from ..base import Values
from ..sanitize import cut, fit, seconds, whole, without_empty

# Custom attributes stand inline beside these, so none of them may be overridden by an attribute's name.
RESERVED = frozenset(
    """
    action_color alignment api_base app_id auth_tokens avatar background_color companies company created_at
    custom_launcher_selector email exp hide_default_launcher hide_notifications horizontal_padding
    installation_type intercom_user_jwt language_override last_request_at link_color messenger_style_id name
    page_title phone session_duration theme_mode unsubscribed_from_emails user_hash user_id utm_campaign
    utm_content utm_medium utm_source utm_term vertical_padding z_index id external_id sub iss aud iat nbf jti
    """.split()
)
# What a company's custom attributes stand beside, and what the vendor counts itself.
OF_A_COMPANY = frozenset(
    """
    id company_id name created_at remote_created_at updated_at last_request_at plan monthly_spend size website industry
    user_count session_count
    """.split()
)
MAX_SPEND = 2**31 - 1  # of a month; the vendor truncates what is no whole number (its OpenAPI files)
# No lengths or counts are documented in what could be read: these are ours.
LONGEST = 255
MOST = 100
SIGNED = ("email", "name", "phone", "created_at", "attributes")


def visitor(values: Values, who: Visitor) -> dict[str, Any]:
    """With a JWT only what the token does not hold: avatar and company (nested ones are UNCONFIRMED in a token)."""
    person = _claims(who)
    if values.get("IDENTITY_SECRET") and values["IDENTITY"] == "jwt":
        return {name: value for name, value in person.items() if name not in (*SIGNED, "id")}
    return person


def prove(values: Values, who: Visitor, now: int, life: int) -> dict[str, Any] | None:
    """A JWT that expires, or the older HMAC of the id. Never both: two are reported to be refused (UNCONFIRMED)."""
    secrets = values.get("IDENTITY_SECRET")
    person = _claims(who)
    if not secrets or "id" not in person:
        return None
    if values["IDENTITY"] == "hmac":
        return {"user_hash": signing.hmac_hex(secrets[0], person["id"])}
    expires = now + life
    personal = {name: person[name] for name in SIGNED if name in person}
    claims = {"user_id": person["id"], **personal.pop("attributes", {}), **personal, "exp": expires}
    return {"jwt": signing.make_jwt(claims, secrets[0]), "expires": expires}


def attributes(values: Mapping[str, Value]) -> dict[str, Any]:
    return fit(values, _key, _value, MOST)


def company(who: Company) -> dict[str, Any]:
    """The fields that the vendor has for a company, but for the custom ones."""
    return without_empty(
        id=whole(who.id, LONGEST),
        name=cut(who.name, LONGEST),
        plan=cut(who.plan, LONGEST),
        website=whole(who.website, 2048),
        created_at=seconds(who.created_at),
        monthly_spend=int(who.spend) if who.spend is not None and who.spend <= MAX_SPEND else None,
        size=who.size if who.size is not None and who.size < 2**53 else None,
        industry=cut(who.industry, LONGEST),
    )


def company_attributes(who: Company) -> dict[str, Any]:
    return fit(who.attributes, _company_key, _value, MOST)


@lru_cache(1024)
def _claims(who: Visitor) -> dict[str, Any]:
    fields = company(who.company) if who.company else {}
    return without_empty(
        id=whole(who.id, LONGEST),
        email=whole(who.email, LONGEST),
        name=cut(who.name, LONGEST),
        phone=cut(who.phone, LONGEST),
        avatar=who.avatar if who.avatar and who.avatar.startswith("https://") and len(who.avatar) <= 2048 else None,
        created_at=seconds(who.created_at),
        # The vendor takes a company only with both an id and a name.
        company=fields | company_attributes(who.company) if who.company and {"id", "name"} <= fields.keys() else None,
        attributes=attributes(who.attributes),
        segments=[segment for name in who.segments[:MOST] if (segment := cut(name, LONGEST))],
    )


def _key(name: str) -> str:
    key = (cut(name, LONGEST) or "").replace(".", "_").replace("$", "_")
    return "" if key.lower() in RESERVED else key


def _company_key(name: str) -> str:
    key = (cut(name, LONGEST) or "").replace(".", "_").replace("$", "_")
    return "" if key.lower() in OF_A_COMPANY else key


def _value(value: Value) -> Value:
    text = cut(value, LONGEST) if isinstance(value, str) else value
    return None if text in ("undefined", "null") else text  # both would show as Unknown
