"""What Intercom's searches may ask for, as a function over what is searched (its OpenAPI files, as of 2026-11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....sandbox.sessions import RefusedError

DAY_S = 86_400
DEEPEST, WIDEST = 2, 15  # groups in groups, and filters of a group
Filter = Callable[[Mapping[str, Any]], bool]


def matcher(query: Mapping[str, Any], orders: Sequence[str], depth: int = 1, *, by_the_day: bool = False) -> Filter:
    """What the grammar of the vendor's searches says, as a function. Raises RefusedError for what it does not allow."""
    operator, value = query.get("operator"), query.get("value")
    if operator in ("AND", "OR") and isinstance(value, list):
        if depth > DEEPEST or not 1 <= len(value) <= WIDEST:
            raise RefusedError(400, "parameter_invalid", f"at most {DEEPEST} levels, of {WIDEST} filters each")
        below = [item if isinstance(item, dict) else {} for item in value]
        parts = [matcher(item, orders, depth + 1, by_the_day=by_the_day) for item in below]
        return lambda record: (all if operator == "AND" else any)(part(record) for part in parts)
    field = query.get("field")
    if not isinstance(field, str):
        raise RefusedError(400, "parameter_not_found", "query needs a field, an operator and a value")
    compare = COMPARISONS.get(str(operator))
    if compare is None or (operator in (">", "<", ">=", "<=") and operator not in orders):
        raise RefusedError(400, "parameter_invalid", "there is no such operator")
    if operator in ("IN", "NIN") and not isinstance(value, list):
        raise RefusedError(400, "type_mismatch", "IN and NIN take a list")

    if by_the_day and field.endswith("_at"):
        return _day_filter(field, str(operator), value)

    def matches(record: Mapping[str, Any]) -> bool:
        if field not in record:
            raise RefusedError(400, "parameter_invalid", f"{field} is no field that can be searched")
        return compare(record[field], value)

    return matches


def _day_filter(field: str, operator: str, value: Any) -> Filter:
    """A contact's dates are compared by the calendar's day, in the workspace's time zone, which is UTC here."""
    if operator not in ("=", ">", "<") or isinstance(value, bool) or not isinstance(value, int):
        raise RefusedError(400, "parameter_invalid", "a date is compared by =, > or <, with seconds")

    def matches(record: Mapping[str, Any]) -> bool:
        if field not in record:
            raise RefusedError(400, "parameter_invalid", f"{field} is no field that can be searched")
        stored, wanted = record[field], value // DAY_S
        if stored is None:
            return False
        day = stored // DAY_S
        return bool(day == wanted if operator == "=" else day > wanted if operator == ">" else day < wanted)

    return matches


def _either(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A list matches by any of its items, as contact_ids does."""
    return lambda actual, value: any(
        compare(item, value) for item in (actual if isinstance(actual, list) else [actual])
    )


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def check(result: Any, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RefusedError(400, "type_mismatch", "a number is needed")
        return isinstance(result, int | float) and compare(result, value)

    return check


def _worded(compare: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return _either(lambda actual, value: compare(str(actual or "").casefold(), str(value).casefold()))


# Those of conversations by time are "or equal", whatever they are called.
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": _either(lambda actual, value: actual == value),
    "!=": lambda actual, value: actual != value,
    "IN": _either(lambda actual, value: actual in value),
    "NIN": lambda actual, value: actual not in value,
    ">": _ordered(lambda actual, value: actual >= value),
    "<": _ordered(lambda actual, value: actual <= value),
    ">=": _ordered(lambda actual, value: actual >= value),
    "<=": _ordered(lambda actual, value: actual <= value),
    "~": _worded(lambda actual, value: value in actual),
    "!~": lambda actual, value: str(value).casefold() not in str(actual or "").casefold(),
    "^": _worded(lambda actual, value: actual.startswith(value)),
    "$": _worded(lambda actual, value: actual.endswith(value)),
}
