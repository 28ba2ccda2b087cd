"""What a person types of an action before they approve it: schemas/formats/policy.md §7.8."""

from .canonical import digest
from .errors import require
from .form import integer, object_of, text


def joined_confirm(rules: list[dict]) -> dict | None:
    confirms = [object_of(rule["confirm"]) for rule in rules if "confirm" in rule]
    is_one = len({text(each, "field") for each in confirms}) <= 1
    require(is_one, "POLICY_MISMATCH", "expected one field to confirm")
    return max(confirms, key=lambda each: integer(each, "last")) if confirms else None


def check_confirmation(descriptor: dict, action: dict | None, admission: dict) -> None:
    """The admission froze one where one is asked for of a text of its type, and where the action is given, that of its text."""
    confirm = object_of(admission["requirement"]).get("confirm")
    is_frozen = (confirm is None) == ("confirmation" not in admission)
    require(is_frozen, "ADMISSION_MISMATCH", "expected a confirmation where one is asked for")
    if confirm is None:
        return
    pointer, last = text(confirm, "field"), integer(confirm, "last")
    steps = pointer.split("/")[1:]
    place = descriptor.get("schema")
    for step in steps:
        place = _within(_within(place, "properties"), step)
    field = object_of(descriptor["fields"]).get(f"/params{pointer}")
    is_text = "of" not in descriptor and _within(place, "type") == "string" and _within(field, "class") == "executed"
    require(is_text, "ADMISSION_MISMATCH", "expected a text of the type to confirm")
    if action is None:
        return
    value = action.get("params")
    for step in steps:
        value = _within(value, step)
    require(isinstance(value, str) and len(value) >= last, "ADMISSION_MISMATCH", "expected a text to confirm")
    typed = digest("confirmation", {"salt": action["nonce"], "value": value[len(value) - last:]})
    require(typed == admission["confirmation"], "ADMISSION_MISMATCH", "expected the confirmation that the action has")


def _within(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
