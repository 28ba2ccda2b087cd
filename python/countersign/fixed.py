"""Types of the authority with a rule of their own: schemas/formats/authority.md §11."""

from .errors import require
from .form import items, object_of, objects

_RULES = {
    "authority.freeze": {
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

# Which type alone makes a change.
_KINDS = {"frozen": "authority.freeze", "reviewed": "authority.review"}


def own_rule(kind: str, ledger: dict) -> dict:
    return _RULES.get(kind) or object_of(ledger["bootstrap"])


def check_apart(binding: dict, action: dict | None) -> None:
    """A type makes the changes that it is for, and who had a part in what is reviewed does not review it."""
    kind = object_of(binding["action_type"])["name"]
    change = object_of(object_of((action or {}).get("params") or {}).get("change") or {})
    owner = _KINDS.get(str(change.get("kind")))
    is_own = owner == kind if owner is not None else kind not in _RULES
    require(is_own, "POLICY_MISMATCH", "expected a change that its type makes")
    if change.get("kind") != "reviewed":
        return
    parties = items(change, "approvers") + items(change, "concerned")
    for decision in objects(binding, "decisions"):
        require(decision.get("person") not in parties, "NOT_ELIGIBLE", "expected reviewers who had no part in it")
