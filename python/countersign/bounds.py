"""Values that each use chooses: schemas/formats/descriptor-and-display.md §2.1, entries.md §3."""

import re
from decimal import Decimal

from .errors import require
from .form import closed, object_of, objects, text

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?", re.ASCII)


def check_bounded(descriptor: dict, admission: dict) -> None:
    """Erased or not, the admission froze the bounds of its type, and none where the type has none."""
    rules = objects(descriptor, "bounds") if "bounds" in descriptor else []
    frozen = objects(admission, "bounds") if "bounds" in admission else []
    is_of_type = [(each.get("name"), each.get("kind")) for each in rules] == [
        (each.get("name"), each.get("kind")) for each in frozen
    ]
    is_there = ("bounds" in descriptor) == ("bounds" in admission)
    require(is_there and is_of_type, "ADMISSION_MISMATCH", "expected the bounds that the type has")
    for bound in frozen:
        closed(bound, "name kind min max")
        is_money = bound["kind"] == "money" and all(_AMOUNT.fullmatch(text(bound, each)) for each in ("min", "max"))
        require(is_money, "EVIDENCE_FORMAT", "expected limits that are amounts")


def check_bounds(descriptor: dict, action: dict, admission: dict) -> None:
    for rule, bound in zip(descriptor.get("bounds", []), admission.get("bounds", [])):
        low, high = (_at(action, text(rule, each)) for each in ("min", "max"))
        is_range = _scale(low) == _scale(high) and Decimal(low) <= Decimal(high)
        require(is_range, "ACTION_DIGEST_MISMATCH", "expected limits of one scale, the lower first")
        require([bound["min"], bound["max"]] == [low, high], "ADMISSION_MISMATCH", "expected the bounds that the action has")


def _at(action: dict, pointer: str) -> str:
    value = action
    for step in pointer.split("/")[1:]:
        value = object_of(value).get(step)
    is_amount = isinstance(value, str) and _AMOUNT.fullmatch(value) is not None
    require(is_amount, "ACTION_DIGEST_MISMATCH", f"expected an amount: {pointer}")
    return value


def _scale(amount: str) -> int:
    return len(amount.partition(".")[2])


def check_chosen(bounds, chosen) -> None:
    """What a use has chosen is within what was approved; where nothing was left to choose, nothing is chosen."""
    names = [each["name"] for each in bounds] if bounds is not None else None
    are_texts = all(isinstance(each, str) for pair in (chosen or {}).items() for each in pair)
    require(are_texts, "CONSTRAINT_VIOLATED", "expected chosen values as texts")
    is_asked = (sorted(chosen) if chosen is not None else None) == (sorted(names) if names is not None else None)
    require(is_asked, "CONSTRAINT_VIOLATED", "expected a value for each bound, and no other")
    for bound in bounds or []:
        value = chosen[bound["name"]]
        require(_is_within(bound, value), "CONSTRAINT_VIOLATED", f"expected {bound['name']} within what was approved")


def _is_within(bound: dict, value: str) -> bool:
    is_alike = _scale(bound["min"]) == _scale(value) == _scale(bound["max"])
    if _AMOUNT.fullmatch(value) is None or not is_alike:
        return False
    return Decimal(bound["min"]) <= Decimal(value) <= Decimal(bound["max"])
