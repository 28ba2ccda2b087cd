package main

import "time"

// Deputies of persons who are away: schemas/formats/authority.md §14, policy.md §7.10.

const deputyLongest = 90 * 24 * time.Hour

func isNatural(a authority, person string) bool {
	known := a.get("person", person)
	return known != nil && known["class"] == "natural"
}

// withDeputy lets one person decide in the place of another one for a while.
func (a authority) withDeputy(c object) authority {
	require(isNatural(a, text(c, "principal")) && isNatural(a, text(c, "deputy")), "MEMBER_UNKNOWN")
	require(c["principal"] != c["deputy"], "SCHEMA_INVALID")
	types := list(c, "types")
	require(len(types) >= 1 && len(types) <= 16, "SCHEMA_INVALID")
	last := ""
	for _, t := range types {
		name, isText := t.(string)
		require(isText && !isAuthorityType(t) && last < name, "SCHEMA_INVALID")
		last = name
	}
	from, to := parseTime(text(c, "not_before")), parseTime(text(c, "not_after"))
	require(to.After(from) && to.Sub(from) <= deputyLongest, "SCHEMA_INVALID")
	return a.with(object{"kind": "deputy", "id": c["principal"], "deputy": c["deputy"], "types": c["types"],
		"not_before": c["not_before"], "not_after": c["not_after"]})
}

// voiceOf is whose seat a decision fills.
func voiceOf(d object) any {
	if principal, has := d["for"]; has {
		return principal
	}
	return d["person"]
}

// voicesIn names who has no voice beside a decision.
func voicesIn(d object) []any {
	if principal, has := d["for"]; has {
		return []any{d["person"], principal}
	}
	return []any{d["person"]}
}

// checkDeputy holds a decision in the place of somebody to what was given to their deputy, and to what they could decide themselves.
func checkDeputy(d, b object, a authority) {
	if _, has := d["for"]; !has {
		return
	}
	principal := text(d, "for")
	within := func(ok bool) { require(ok, "DELEGATION_EXCEEDED") }
	named := a.get("deputy", principal)
	within(named != nil && named["deputy"] == d["person"] && contains(list(named, "types"), objectOf(b["action_type"])["name"]))
	within(text(named, "not_before") <= text(b, "at") && text(named, "not_after") >= text(b, "at") && text(named, "not_after") >= text(b, "use_by"))
	hasKey := false
	for _, m := range a.members {
		hasKey = hasKey || m["kind"] == "credential" && m["person"] == principal
	}
	within(hasKey && isNatural(a, principal) && hadVoice(d, b, principal))
	for _, x := range objects(b, "excluded") {
		within(x["person"] != principal)
	}
}
