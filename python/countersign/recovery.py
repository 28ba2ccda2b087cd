"""schemas/formats/authority.md §13: how a ledger comes back when its bootstrap rule can no longer be met."""

from .canonical import same, time_ms, timestamp
from .errors import require
from .form import closed, integer, object_of, text

_HOUR_MS = 3_600_000
_OPEN_MS = 168 * _HOUR_MS
_PENDING_MAX = 16


def start_rule(ledger: dict) -> dict | None:
    """None for a ledger that was founded without a delay."""
    if "recovery" not in ledger:
        return None
    return {
        "id": "recovery",
        "approvals": integer(object_of(ledger["recovery"]), "quorum"),
        "approvers": "any",
        "proof_classes": ["uv"],
        "rationale": "required",
        "decide_within_s": 86_400,
        "use_within_s": 3_600,
        "start_within_s": 60,
        "max_uses": 1,
    }


def cancel_rule(ledger: dict) -> dict | None:
    rule = start_rule(ledger)
    least = integer(object_of(ledger["bootstrap"]), "approvals")
    return rule and {**rule, "id": "cancel", "approvals": min(rule["approvals"], least)}


def recovery_of(genesis: dict) -> dict:
    """What the ledger member says of it: nothing without a delay."""
    recovery = closed(genesis["recovery"], "quorum delay_h?")
    require(1 <= integer(recovery, "quorum") <= 16, "GENESIS_MISMATCH", "expected a quorum of 1 to 16")
    if "delay_h" not in recovery:
        return {}
    require(1 <= integer(recovery, "delay_h") <= 720, "GENESIS_MISMATCH", "expected a delay of 1 to 720 hours")
    return {"recovery": recovery}


def is_recovery(member: dict) -> bool:
    return member["kind"] == "invitation" and "not_before" in member


def with_recovery(change: dict, before, at: str):
    """Opens an invitation when the delay is over, for a week."""
    closed(change, "kind person invitation delay_h")
    delay_h = object_of(before.ledger.get("recovery", {})).get("delay_h")
    require(same(delay_h, change["delay_h"]), "SCHEMA_INVALID", "expected the delay of the founding")
    name = text(change, "person")
    person = {"kind": "person", "id": name, "class": "natural"}
    known = before.get("person", name)
    require(known is None or same(known, person), "MEMBER_EXISTS", "expected a natural person")
    pending = [each for each in before.of_kind("invitation") if is_recovery(each) and each["not_after"] >= at]
    require(all(each["person"] != name for each in pending), "MEMBER_EXISTS", "expected no recovery of this person yet")
    require(len(pending) < _PENDING_MAX, "LIMIT_EXCEEDED", "expected fewer recoveries")
    invitation = closed(change["invitation"], "id public_key")
    opens_ms = time_ms(at) + integer(change, "delay_h") * _HOUR_MS
    times = {"not_before": timestamp(opens_ms), "not_after": timestamp(opens_ms + _OPEN_MS)}
    return before.put(person).add({"kind": "invitation", "person": name, **invitation, **times})


def without_recovery(change: dict, before):
    closed(change, "kind person invitation")
    invitation = before.get("invitation", change["invitation"])
    is_this = invitation is not None and is_recovery(invitation) and invitation["person"] == change["person"]
    require(is_this, "MEMBER_UNKNOWN", "expected the invitation of a recovery")
    return before.drop("invitation", change["invitation"])
