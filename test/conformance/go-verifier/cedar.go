package main

import (
	"slices"
	"strings"
)

// Policies in Cedar, by plain means: schemas/formats/policy.md §7.4 and §7.6. Which of the permits were satisfied is not evaluated.

func ascending(ids []string) bool {
	return slices.IsSorted(ids) && len(slices.Compact(slices.Clone(ids))) == len(ids)
}

func texts(all []any) (out []string) {
	for _, v := range all {
		s, isText := v.(string)
		require(isText, "POLICY_MISMATCH")
		out = append(out, s)
	}
	return out
}

// citedRule is the join of the rules that the admission cites, with the approvers that it froze of them.
func (e *evidence) citedRule(policy object) object {
	a := e.admission.object
	requirement := objectOf(a["requirement"])
	permitted, _ := a["permits"].([]any)
	permits, ids, said := texts(permitted), strings.Split(text(requirement, "rule"), "+"), text(policy, "cedar")
	require(len(permits) > 0 && ascending(permits) && ascending(ids) && len(ids) <= 16, "POLICY_MISMATCH")
	for _, id := range permits {
		require(strings.Contains(said, `@id("`+id+`")`), "POLICY_MISMATCH")
	}
	for _, rule := range objects(policy, "rules") {
		checkGlass(rule)
		checkAsking(rule)
		checkEscalation(rule, policy)
		checkAttested(rule)
	}
	var rule object
	var all []object
	for _, id := range ids {
		i := slices.IndexFunc(objects(policy, "rules"), func(rule object) bool { return rule["id"] == id })
		require(i >= 0 && strings.Contains(said, `@rule("`+id+`")`), "POLICY_MISMATCH")
		rule = joined(rule, objects(policy, "rules")[i], policy)
		all = append(all, objects(policy, "rules")[i])
	}
	joinSeats(rule, all, policy)
	joinEscalation(rule, all, policy)
	rule["id"] = requirement["rule"]
	var classes []any
	for _, class := range []any{"uv", "up", "possession"} {
		if contains(list(rule, "proof_classes"), class) {
			classes = append(classes, class)
		}
	}
	rule["proof_classes"] = classes
	require(len(classes) > 0 && narrowed(requirement["approvers"], rule["approvers"], integer(rule, "approvals")), "POLICY_MISMATCH")
	rule["approvers"] = requirement["approvers"]
	narrowEscalation(rule, requirement)
	return rule
}

// joinedOf is what a batch falls under: its own rule and that of its items, in the order of their ids.
func joinedOf(own, each, policy object) object {
	if each == nil || same(own["id"], each["id"]) {
		return each
	}
	first, second := own, each
	if text(first, "id") > text(second, "id") {
		first, second = second, first
	}
	rule := joined(joined(nil, first, policy), second, policy)
	joinEscalation(rule, []object{first, second}, policy)
	rule["id"] = text(first, "id") + "+" + text(second, "id")
	rule["proof_classes"] = both([]any{"uv", "up", "possession"}, list(rule, "proof_classes"))
	if approvers, isList := rule["approvers"].([]any); isList {
		named := texts(approvers)
		slices.Sort(named)
		rule["approvers"] = []any{}
		for _, each := range named {
			rule["approvers"] = append(rule["approvers"].([]any), each)
		}
	}
	return rule
}

// joined is what satisfies both rules; the first may be none yet.
func joined(sum, rule, policy object) object {
	next := object{}
	for name, value := range rule {
		next[name] = value
	}
	if group, isGroup := rule["approvers"].(object); isGroup {
		next["approvers"] = objectOf(policy["groups"])[text(group, "group")]
	}
	if sum == nil {
		return next
	}
	for _, name := range strings.Fields("decide_within_s use_within_s start_within_s max_uses") {
		if integer(sum, name) < integer(next, name) {
			next[name] = sum[name]
		}
	}
	if integer(sum, "approvals") > integer(next, "approvals") {
		next["approvals"] = sum["approvals"]
	}
	if sum["rationale"] == "required" {
		next["rationale"] = "required"
	}
	joinExtras(sum, next)
	joinGlass(sum, next)
	joinAttested(sum, next)
	next["proof_classes"] = both(list(sum, "proof_classes"), list(next, "proof_classes"))
	one, isOne := sum["approvers"].([]any)
	other, isOther := next["approvers"].([]any)
	if isOne && isOther {
		next["approvers"] = both(one, other)
	} else if isOne {
		next["approvers"] = one
	}
	return next
}

// joinExtras: device_bound and delegation if any rule wants it, and the weakest assurance, where none at all is better than a record alone.
func joinExtras(sum, next object) {
	if _, isBound := sum["device_bound"]; isBound {
		next["device_bound"] = true
	}
	if wanted, isWanted := sum["delegation"]; isWanted {
		next["delegation"] = wanted
	}
	weakness := map[any]int{"verified": 0, "gateway": 1, nil: 2, "evidence-only": 3}
	if weakness[sum["assurance"]] > weakness[next["assurance"]] {
		next["assurance"] = sum["assurance"]
	}
	if next["assurance"] == nil {
		delete(next, "assurance")
	}
}

// joinGlass: a rule for emergencies goes together with such rules alone, and the sooner review counts.
func joinGlass(sum, next object) {
	one, isOne := sum["break_glass"].(object)
	other, isOther := next["break_glass"].(object)
	require(isOne == isOther, "POLICY_MISMATCH")
	if isOne && integer(one, "review_within_s") < integer(other, "review_within_s") {
		next["break_glass"] = one
	}
}

// checkGlass: one use, soon, by persons who say why (policy.md §11).
func checkGlass(rule object) {
	glass, has := rule["break_glass"]
	if !has {
		return
	}
	within := integer(closed(glass, "review_within_s"), "review_within_s")
	isShort := within >= 60 && within <= 259200 && integer(rule, "max_uses") == 1 && rule["rationale"] == "required" &&
		!contains(list(rule, "proof_classes"), "possession") && integer(rule, "decide_within_s") <= 3600 && integer(rule, "use_within_s") <= 3600
	require(isShort, "POLICY_MISMATCH")
}

func both(one, other []any) (out []any) {
	for _, v := range one {
		if contains(other, v) {
			out = append(out, v)
		}
	}
	return out
}

// narrowed: Cedar may leave out some of those whom the rules name, and add nobody.
func narrowed(some, all any, approvals int64) bool {
	if some == "any" {
		return all == "any"
	}
	persons, isList := some.([]any)
	known, isKnown := all.([]any)
	if !isList || int64(len(persons)) < approvals || !ascending(texts(persons)) {
		return false
	}
	return all == "any" || isKnown && len(both(persons, known)) == len(persons)
}

// checkRecent tells whether the admission says what of the past its policy has looked at. That it counted right, the whole log tells.
func (e *evidence) checkRecent() bool {
	v, has := e.admission.object["recent"]
	if !has {
		return false
	}
	recent := closed(v, "count_1h count_24h items?")
	all := []object{recent}
	if items, isMany := recent["items"]; isMany {
		all = append(all, closed(items, "count_1h count_24h"))
	}
	for _, each := range all {
		require(integer(each, "count_1h") >= 0 && integer(each, "count_24h") >= 0, "EVIDENCE_FORMAT")
	}
	return true
}
