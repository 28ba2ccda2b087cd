"""Types of the authority with a rule of their own: schemas/formats/authority.md §11."""

from .errors import require
from .form import items, object_of, objects
from .freeze import FREEZE_TYPE
from .recovery import cancel_rule, start_rule

_RULES = {
    FREEZE_TYPE: {
        "id": "freeze",
        "approvals": 1,
        "approvers": "any",
        "proof_classes": ["uv"],
        "rationale": "optional",
        "decide_within_s": 3_600,
        "use_within_s": 3_600,
        "start_within_s": 60,
        "max_uses": 1,
    },
    "authority.review": {
        "id": "review",
        "approvals": 2,
        "approvers": "any",
        "proof_classes": ["uv"],
        "rationale": "required",
        "decide_within_s": 86_400,
        "use_within_s": 3_600,
        "start_within_s": 60,
        "max_uses": 1,
    },
}

# Types whose rule follows from the founding.
_FOUNDED = {"authority.recovery": start_rule, "authority.cancel": cancel_rule}

# Which type alone makes a change.
_KINDS = {
    "frozen": FREEZE_TYPE,
    "reviewed": "authority.review",
    "recovery-started": "authority.recovery",
    "recovery-cancelled": "authority.cancel",
}

# Whoever stops everything gains nothing by it, and those who are left after a loss are few.
EXCLUDES_NOBODY = (FREEZE_TYPE, *_FOUNDED)


def own_rule(kind: str, ledger: dict) -> dict:
    if kind not in _FOUNDED:
        return _RULES.get(kind) or object_of(ledger["bootstrap"])
    rule = _FOUNDED[kind](ledger)
    require(rule is not None, "POLICY_MISMATCH", "expected a ledger that was founded with a recovery")
    return rule


def check_apart(binding: dict, action: dict | None) -> None:
    """A type makes the changes that it is for; who had a part in what is reviewed does not review it, nobody recovers themselves or becomes a deputy by their own hand."""
    kind = object_of(binding["action_type"])["name"]
    change = object_of(object_of((action or {}).get("params") or {}).get("change") or {})
    owner = _KINDS.get(str(change.get("kind")))
    is_own = owner == kind if owner is not None else kind not in (*_RULES, *_FOUNDED)
    require(is_own, "POLICY_MISMATCH", "expected a change that its type makes")
    if change.get("kind") == "recovery-started":
        parties = [change.get("person")]
    elif change.get("kind") == "deputy-named":
        parties = [change.get("deputy")]
    elif change.get("kind") == "reviewed":
        parties = items(change, "approvers") + items(change, "concerned")
    else:
        return
    for decision in objects(binding, "decisions"):
        require(decision.get("person") not in parties, "NOT_ELIGIBLE", "expected persons who had no part in it")
