"""Seats, order and window of a quorum: schemas/formats/policy.md §7.4 and §7.7."""

from .canonical import same, time_ms
from .confirmation import joined_confirm
from .deputies import voice_of
from .errors import require
from .form import integer, items, object_of, objects
from .membership import joined_group
from .named_persons import persons_named

_COUNT_MAX = 16


def joined_seats(rules: list[dict], policy: dict) -> dict:
    """What all of these rules say of seats, order and window."""
    lists = [[_resolved(seat, policy) for seat in objects(rule, "seats")] for rule in rules if "seats" in rule]
    windows = [integer(rule, "window_s") for rule in rules if "window_s" in rule]
    is_ordered = any("ordered" in rule for rule in rules)
    confirm, group = joined_confirm(rules), joined_group(rules)
    if is_ordered:
        is_one = bool(lists) and all(same(each, lists[0]) for each in lists)
        require(is_one, "POLICY_MISMATCH", "expected one order of the same seats")
        lists = lists[:1]
    seats: list[dict] = []
    for each in lists:
        seats = _both(seats, each)
    return {
        **({"seats": seats} if seats else {}),
        **({"ordered": True} if is_ordered else {}),
        **({"window_s": min(windows)} if windows else {}),
        **({"confirm": confirm} if confirm else {}),
        **({"member_of": group} if group else {}),
    }


def _resolved(seat: dict, policy: dict) -> dict:
    return {"approvers": persons_named(seat.get("approvers"), policy), "count": integer(seat, "count")}


def _both(some: list[dict], more: list[dict]) -> list[dict]:
    """The greater count of the same persons; other persons are seats of their own."""
    counts = {tuple(each["approvers"]): each["count"] for each in more}
    known = {tuple(each["approvers"]) for each in some}
    kept = [{**each, "count": max(each["count"], counts.get(tuple(each["approvers"]), 0))} for each in some]
    return kept + [each for each in more if tuple(each["approvers"]) not in known]


def check_seats(binding: dict) -> None:
    """The persons of a binding fill the seats, in the order and the time that its requirement asks for."""
    requirement = object_of(binding["requirement"])
    decisions, places = objects(binding, "decisions"), _places(requirement)
    persons = [voice_of(each) for each in decisions]
    if "seats" in requirement:
        require(_are_seated(persons, places), "QUORUM_NOT_MET", "expected persons who fill the seats")
    times = [each.get("at") for each in decisions]
    is_timed = all(isinstance(each, str) and each <= binding["at"] for each in times)
    if "ordered" in requirement:
        is_placed = len(persons) <= len(places) and all(_is_for(place, one) for place, one in zip(places, persons))
        require(is_timed and is_placed and times == sorted(times), "ORDER", "expected the order of the seats")
    if "window_s" in requirement:
        window_ms = 1_000 * integer(requirement, "window_s")
        is_within = is_timed and all(time_ms(binding["at"]) <= time_ms(each) + window_ms for each in times)
        require(is_within, "WINDOW", "expected approvals within the window")


def _places(requirement: dict) -> list:
    """One list of persons, or "any", for each approval: the seats in their order, then who else approves."""
    approvers, places = requirement.get("approvers"), []
    for seat in objects(requirement, "seats") if "seats" in requirement else []:
        persons = [each for each in items(seat, "approvers") if approvers == "any" or each in approvers]
        require(integer(seat, "count") <= _COUNT_MAX, "EVIDENCE_FORMAT", "expected a smaller seat")
        places += [persons] * seat["count"]
    return places + [approvers] * (integer(requirement, "approvals") - len(places))


def _is_for(place, person: str) -> bool:
    return place == "any" or person in place


def _are_seated(persons: list[str], places: list) -> bool:
    """Each of these persons has a place at once, by augmenting paths."""
    holders: dict[int, str] = {}

    def seat(person: str, tried: set[int]) -> bool:
        for index, place in enumerate(places):
            if index in tried or not _is_for(place, person):
                continue
            tried.add(index)
            if index not in holders or seat(holders[index], tried):
                holders[index] = person
                return True
        return False

    return all(seat(person, set()) for person in persons)
