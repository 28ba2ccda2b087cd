package main

// Types of the authority with a rule of their own: schemas/formats/authority.md §11.

var fixedRules = map[any]object{
	"authority.freeze": {"id": "freeze", "approvals": int64(1), "approvers": "any", "proof_classes": []any{"uv"}, "rationale": "optional",
		"decide_within_s": int64(3600), "use_within_s": int64(3600), "start_within_s": int64(60), "max_uses": int64(1)},
	"authority.review": {"id": "review", "approvals": int64(2), "approvers": "any", "proof_classes": []any{"uv"}, "rationale": "required",
		"decide_within_s": int64(86400), "use_within_s": int64(3600), "start_within_s": int64(60), "max_uses": int64(1)},
}

// fixedKinds tells which type alone makes a change.
var fixedKinds = map[string]any{"frozen": "authority.freeze", "reviewed": "authority.review",
	"recovery-started": "authority.recovery", "recovery-cancelled": "authority.cancel"}

func ownRule(kind any, ledger object) object {
	if rule, isFixed := fixedRules[kind]; isFixed {
		return rule
	}
	rule := object(nil)
	switch kind {
	case "authority.recovery":
		rule = startRule(ledger)
	case "authority.cancel":
		rule = cancelRule(ledger)
	default:
		return objectOf(ledger["bootstrap"])
	}
	require(rule != nil, "POLICY_MISMATCH")
	return rule
}

// hasOwnRule tells whether the bootstrap rule does not count for a type.
func hasOwnRule(kind any) bool {
	_, isFixed := fixedRules[kind]
	return isFixed || kind == "authority.recovery" || kind == "authority.cancel"
}

// excludesNobody: whoever stops everything gains nothing by it, and those who are left after a loss are few.
func excludesNobody(kind any) bool {
	return kind == "authority.freeze" || kind == "authority.recovery" || kind == "authority.cancel"
}

// checkApart: a type makes the changes that it is for, who had a part in what is reviewed does not review it, and nobody recovers themselves or becomes a deputy by their own hand.
func checkApart(b, change object) {
	kind := objectOf(b["action_type"])["name"]
	made, _ := change["kind"].(string)
	owner, isFixed := fixedKinds[made]
	require(isFixed && owner == kind || !isFixed && !hasOwnRule(kind), "POLICY_MISMATCH")
	for _, d := range objects(b, "decisions") {
		require(made != "recovery-started" || d["person"] != change["person"], "NOT_ELIGIBLE")
		require(made != "deputy-named" || d["person"] != change["deputy"], "NOT_ELIGIBLE")
		if made != "reviewed" {
			continue
		}
		hadPart := contains(list(change, "approvers"), d["person"]) || contains(list(change, "concerned"), d["person"])
		require(!hadPart, "NOT_ELIGIBLE")
	}
}
