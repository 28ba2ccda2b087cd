"""Persons by their ids, or by a group of their policy: schemas/formats/policy.md §7.1."""

from .errors import require
from .form import object_of, text


def persons_named(named: object, policy: dict) -> list[str]:
    """In order, the persons of a list or of a group of the policy."""
    if isinstance(named, dict):
        named = object_of(policy.get("groups")).get(text(named, "group"))
    is_list = isinstance(named, list) and all(isinstance(each, str) for each in named)
    require(is_list, "POLICY_MISMATCH", "expected persons")
    return sorted(named)
