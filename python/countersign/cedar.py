"""Policies in Cedar, by plain means: schemas/formats/policy.md §7.4 and §7.6. Which permits were satisfied is not evaluated."""

from .asking import check_asking
from .attested import check_attested, joined_attested
from .errors import require
from .escalation import check_escalation, joined_escalation, narrowed_escalation
from .form import closed, integer, items, object_of, objects, text
from .seats import joined_seats

_TIMES = ("decide_within_s", "use_within_s", "start_within_s", "max_uses")
_RULES_MAX = 16


def cited_rule(policy: dict, admission: dict) -> dict:
    """The join of the rules that the admission cites, with the approvers that it froze of them."""
    requirement, said = object_of(admission["requirement"]), text(policy, "cedar")
    permits, ids = admission.get("permits"), text(requirement, "rule").split("+")
    is_cited = isinstance(permits, list) and len(permits) > 0 and _is_ascending(permits)
    require(is_cited, "POLICY_MISMATCH", "expected the permits in order")
    is_said = all(f'@id("{each}")' in said for each in permits) and all(f'@rule("{each}")' in said for each in ids)
    require(is_said, "POLICY_MISMATCH", "expected permits of the policy")
    require(_is_ascending(ids) and len(ids) <= _RULES_MAX, "POLICY_MISMATCH", "expected the rules in order")
    rules = {rule.get("id"): rule for rule in objects(policy, "rules")}
    for rule in rules.values():
        _check_glass(rule)
        check_asking(rule)
        check_escalation(rule, policy)
        check_attested(rule)
    require(all(each in rules for each in ids), "POLICY_MISMATCH", "expected rules of the policy")
    rule = _joined([rules[each] for each in ids], policy)
    approvers = requirement.get("approvers")
    is_within = _is_within(approvers, rule["approvers"], rule["approvals"])
    require(is_within, "POLICY_MISMATCH", "expected approvers whom the rules name")
    narrowed = narrowed_escalation(rule.pop("escalation", None), requirement.get("escalation"), _is_within)
    return {**rule, **narrowed, "id": requirement["rule"], "approvers": approvers}


def has_recent(admission: dict) -> bool:
    """Whether it says what of the past its policy has looked at. That it counted right, the whole log tells."""
    if "recent" not in admission:
        return False
    recent = closed(admission["recent"], "count_1h count_24h items?")
    for each in [recent, *([closed(recent["items"], "count_1h count_24h")] if "items" in recent else [])]:
        is_form = all(integer(each, name) >= 0 for name in ("count_1h", "count_24h"))
        require(is_form, "EVIDENCE_FORMAT", "expected counts")
    return True


def joined_rules(rules: list[dict], policy: dict) -> dict:
    """What a batch falls under: its own rule and that of its items, in the order of their ids."""
    distinct = sorted({text(rule, "id"): rule for rule in rules}.items())
    if len(distinct) == 1:
        return rules[0]
    return {**_joined([rule for _, rule in distinct], policy), "id": "+".join(name for name, _ in distinct)}


def _joined(rules: list[dict], policy: dict) -> dict:
    named = [_approvers(rule, policy) for rule in rules]
    lists = [each for each in named if each != "any"]
    is_required = any(rule.get("rationale") == "required" for rule in rules)
    classes = [name for name in ("uv", "up", "possession") if all(name in items(rule, "proof_classes") for rule in rules)]
    require(bool(classes), "POLICY_MISMATCH", "expected a class that all rules accept")
    seats = joined_seats(rules, policy)
    seated = sum(each["count"] for each in seats.get("seats", []))
    times = {name: min(integer(rule, name) for rule in rules) for name in _TIMES}
    later = {} if "seats" in seats else joined_escalation(rules, named, policy, times["decide_within_s"])
    return {
        **_extras(rules),
        **joined_attested(rules),
        **seats,
        **times,
        **later,
        "approvals": max(seated, *(integer(rule, "approvals") for rule in rules)),
        "approvers": sorted(set(lists[0]).intersection(*lists[1:])) if lists else "any",
        "proof_classes": classes,
        "rationale": "required" if is_required else "optional",
    }


def _extras(rules: list[dict]) -> dict:
    """device_bound and delegation if any rule wants it, and the weakest assurance, where none at all is better than a record alone."""
    order = ["verified", "gateway", None, "evidence-only"]
    stated = [rule.get("assurance") for rule in rules]
    require(all(each in order for each in stated), "POLICY_MISMATCH", "expected a known class of assurance")
    weakest = max(stated, key=order.index)
    wanted = {"delegation": "required"} if any("delegation" in rule for rule in rules) else {}
    is_bound = any("device_bound" in rule for rule in rules)
    glass = _soonest_review(rules)
    return {**wanted, **({"device_bound": True} if is_bound else {}), **({"assurance": weakest} if weakest else {}), **glass}


def _soonest_review(rules: list[dict]) -> dict:
    """A rule for emergencies goes together with such rules alone, and the sooner review counts."""
    glasses = [rule["break_glass"] for rule in rules if "break_glass" in rule]
    require(len(glasses) in (0, len(rules)), "POLICY_MISMATCH", "expected rules for emergencies alone, or none")
    return {"break_glass": min(glasses, key=lambda each: each["review_within_s"])} if glasses else {}


def _check_glass(rule: dict) -> None:
    """One use, soon, by persons who say why: policy.md §11."""
    if "break_glass" not in rule:
        return
    within = integer(closed(rule["break_glass"], "review_within_s"), "review_within_s")
    is_short = (
        60 <= within <= 259_200
        and integer(rule, "max_uses") == 1
        and rule.get("rationale") == "required"
        and "possession" not in items(rule, "proof_classes")
        and integer(rule, "decide_within_s") <= 3_600
        and integer(rule, "use_within_s") <= 3_600
    )
    require(is_short, "POLICY_MISMATCH", "expected a rule for emergencies within its bounds")


def _approvers(rule: dict, policy: dict):
    approvers = rule.get("approvers")
    if isinstance(approvers, dict):
        approvers = items(object_of(policy.get("groups")), text(approvers, "group"))
    is_form = approvers == "any" or isinstance(approvers, list) and all(isinstance(each, str) for each in approvers)
    require(is_form, "POLICY_MISMATCH", "expected approvers")
    return approvers


def _is_within(some, named, approvals: int) -> bool:
    """Cedar may leave out some of those whom the rules name, and add nobody."""
    if some == "any":
        return named == "any"
    if not isinstance(some, list) or len(some) < approvals or not _is_ascending(some):
        return False
    return named == "any" or all(each in named for each in some)


def _is_ascending(ids: list) -> bool:
    return all(isinstance(each, str) for each in ids) and all(a < b for a, b in zip(ids, ids[1:]))
