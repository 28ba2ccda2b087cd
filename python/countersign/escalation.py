"""A second group decides what the first leaves waiting: schemas/formats/policy.md §14."""

from .canonical import time_ms, timestamp
from .errors import require
from .form import closed, integer, items, object_of, text
from .named_persons import persons_named

_APPROVERS_MAX = 64


def check_escalation(rule: dict, policy: dict) -> None:
    """A rule goes on to persons whom it names, before it is over, and has no seats."""
    if "escalation" not in rule:
        return
    after = integer(closed(rule["escalation"], "after_s approvers"), "after_s")
    is_within = 1 <= after < integer(rule, "decide_within_s")
    is_sole = rule.get("approvers") != "any" and "seats" not in rule
    persons = _second_group(rule, policy)
    is_list = 1 <= len(persons) <= _APPROVERS_MAX and len(set(persons)) == len(persons)
    require(is_within and is_sole and is_list, "POLICY_MISMATCH", "expected an escalation within its bounds")


def _second_group(rule: dict, policy: dict) -> list[str]:
    return persons_named(object_of(rule["escalation"]).get("approvers"), policy)


def joined_escalation(rules: list[dict], approvers: list, policy: dict, decide_within_s: int) -> dict:
    """At the latest of the times, whom the second group of each rule names, and the approvers of each that has none."""
    seconds = [_second_group(rule, policy) if "escalation" in rule else None for rule in rules]
    groups = [each for each in seconds if each is not None]
    if not groups:
        return {}
    places = [named if second is None else second for named, second in zip(approvers, seconds)]
    persons = [each for each in groups[0] if all(place == "any" or each in place for place in places)]
    after = max(integer(rule["escalation"], "after_s") for rule in rules if "escalation" in rule)
    return {"escalation": {"after_s": after, "approvers": persons}} if persons and after < decide_within_s else {}


def narrowed_escalation(whole, said, is_within) -> dict:
    """What the admission froze: Cedar may leave out some of a second group, or all of it."""
    if said is None:
        return {}
    frozen = closed(said, "after_s approvers")
    is_same = whole is not None and integer(frozen, "after_s") == whole["after_s"]
    is_some = is_same and is_within(frozen["approvers"], whole["approvers"], 1)
    require(is_some, "POLICY_MISMATCH", "expected the second group of the rules")
    return {"escalation": said}


def escalation_time(admission: dict) -> str | None:
    """When an admission goes on to its second group."""
    escalation = object_of(admission["requirement"]).get("escalation")
    if escalation is None:
        return None
    return timestamp(time_ms(admission["at"]) + 1_000 * integer(escalation, "after_s"))


def had_voice(decision: dict, binding: dict, person: str) -> bool:
    """Whether somebody could decide when it was accepted, as one whom the rule names, or whom it goes on to."""
    requirement = object_of(binding["requirement"])
    if _is_for(requirement, person):
        return True
    if not is_of_second_group(requirement, person) or "at" not in decision or "escalates_at" not in binding:
        return False
    accepted = time_ms(text(decision, "at"))
    return time_ms(binding["escalates_at"]) <= accepted <= time_ms(binding["at"])


def is_of_second_group(requirement: dict, person: str) -> bool:
    """Whether somebody may decide only because a request went on to others."""
    named = items(object_of(requirement.get("escalation", {"approvers": []})), "approvers")
    return person in named and not _is_for(requirement, person)


def _is_for(requirement: dict, person: str) -> bool:
    approvers = requirement["approvers"]
    return approvers == "any" or person in approvers
