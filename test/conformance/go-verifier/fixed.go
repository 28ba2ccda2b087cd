package main

// Types of the authority with a rule of their own: schemas/formats/authority.md §11.

var fixedRules = map[any]object{
	"authority.freeze": {"id": "freeze", "approvals": int64(1), "approvers": "any", "proof_classes": []any{"uv"}, "rationale": "optional",
		"decide_within_s": int64(3600), "use_within_s": int64(3600), "start_within_s": int64(60), "max_uses": int64(1)},
	"authority.review": {"id": "review", "approvals": int64(2), "approvers": "any", "proof_classes": []any{"uv"}, "rationale": "required",
		"decide_within_s": int64(86400), "use_within_s": int64(3600), "start_within_s": int64(60), "max_uses": int64(1)},
}

// fixedKinds tells which type alone makes a change.
var fixedKinds = map[string]any{"frozen": "authority.freeze", "reviewed": "authority.review"}

func ownRule(kind any, ledger object) object {
	if rule, isFixed := fixedRules[kind]; isFixed {
		return rule
	}
	return objectOf(ledger["bootstrap"])
}

// checkApart: a type makes the changes that it is for, and who had a part in what is reviewed does not review it.
func checkApart(b, change object) {
	kind := objectOf(b["action_type"])["name"]
	made, _ := change["kind"].(string)
	owner, isFixed := fixedKinds[made]
	_, hasOwn := fixedRules[kind]
	require(isFixed && owner == kind || !isFixed && !hasOwn, "POLICY_MISMATCH")
	if made != "reviewed" {
		return
	}
	for _, d := range objects(b, "decisions") {
		hadPart := contains(list(change, "approvers"), d["person"]) || contains(list(change, "concerned"), d["person"])
		require(!hadPart, "NOT_ELIGIBLE")
	}
}
