"""Deputies of persons who are away: schemas/formats/authority.md §14, policy.md §7.10."""

from datetime import datetime, timedelta

from .errors import require
from .escalation import had_voice
from .form import items, object_of, objects, text

_LONGEST = timedelta(days=90)


def deputy_member(change: dict, authority) -> dict:
    """Of a person who lets another one decide in their place for a while."""
    are_natural = all(_is_natural(text(change, name), authority) for name in ("principal", "deputy"))
    require(are_natural, "MEMBER_UNKNOWN", "expected two natural persons")
    require(change["principal"] != change["deputy"], "SCHEMA_INVALID", "expected another person")
    types = items(change, "types")
    is_list = 1 <= len(types) <= 16 and types == sorted(set(types))
    is_lent = is_list and not any(each.startswith("authority.") for each in types)
    require(is_lent, "SCHEMA_INVALID", "expected types in order, none of the authority")
    start, end = (_moment(text(change, name)) for name in ("not_before", "not_after"))
    require(start < end <= start + _LONGEST, "SCHEMA_INVALID", "expected an end within 90 days")
    names = ("deputy", "types", "not_before", "not_after")
    return {"kind": "deputy", "id": change["principal"], **{name: change[name] for name in names}}


def _moment(time: str) -> datetime:
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ")


def _is_natural(person: str, authority) -> bool:
    known = authority.get("person", person)
    return known is not None and known.get("class") == "natural"


def voice_of(decision: dict) -> str:
    """Whose seat a decision fills."""
    return text(decision, "for") if "for" in decision else text(decision, "person")


def voices_in(decision: dict) -> list[str]:
    """Who has no voice beside a decision."""
    return [text(decision, name) for name in ("person", "for") if name in decision]


def check_deputy(decision: dict, binding: dict, authority) -> None:
    """A decision in the place of somebody is of their deputy, and they could have made it."""
    if "for" not in decision:
        return
    principal = text(decision, "for")
    named = authority.get("deputy", principal)
    is_theirs = (
        named is not None
        and named["deputy"] == decision["person"]
        and object_of(binding["action_type"])["name"] in named["types"]
        and named["not_before"] <= binding["at"] <= named["not_after"]
        and binding["use_by"] <= named["not_after"]
        and _is_natural(principal, authority)
        and any(each["person"] == principal for each in authority.of_kind("credential"))
        and had_voice(decision, binding, principal)
        and all(each["person"] != principal for each in objects(binding, "excluded"))
    )
    require(is_theirs, "DELEGATION_EXCEEDED", "expected the deputy of one of the approvers")
