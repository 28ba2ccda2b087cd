"""Limits of how often and when a rule lets ask: schemas/formats/policy.md §13. That they were kept, the whole log tells."""

import re

from .errors import require
from .form import closed, integer, objects, text

_DAY_MINUTES = 24 * 60
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


def check_asking(rule: dict) -> None:
    if "asking" not in rule:
        return
    limits = closed(rule["asking"], "prompts_1h_max? open_max? quiet_utc?")
    require(bool(limits), "POLICY_MISMATCH", "expected a limit of asking")
    for name, most in (("prompts_1h_max", 10_000), ("open_max", 1_000)):
        is_within = name not in limits or 1 <= integer(limits, name) <= most
        require(is_within, "POLICY_MISMATCH", "expected limits within their bounds")
    if "quiet_utc" in limits:
        _check_quiet(objects(limits, "quiet_utc"))


def _check_quiet(hours: list[dict]) -> None:
    require(1 <= len(hours) <= 8, "POLICY_MISMATCH", "expected 1 to 8 quiet hours")
    quiet: set[int] = set()
    for each in hours:
        start, end = (_minute(text(closed(each, "from to"), name)) for name in ("from", "to"))
        require(start != end, "POLICY_MISMATCH", "expected quiet hours that begin and end")
        quiet.update((start + i) % _DAY_MINUTES for i in range((end - start) % _DAY_MINUTES))
    require(len(quiet) < _DAY_MINUTES, "POLICY_MISMATCH", "expected a time of the day that is not quiet")


def _minute(said: str) -> int:
    found = _TIME.fullmatch(said)
    require(found is not None, "POLICY_MISMATCH", "expected a time of the day")
    return int(found[1]) * 60 + int(found[2])
