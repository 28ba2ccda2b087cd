package main

import (
	"slices"
	"time"
)

// A second group decides what the first leaves waiting: schemas/formats/policy.md §14.

// checkEscalation: a rule goes on to persons whom it names, before it is over, and has no seats.
func checkEscalation(rule, policy object) {
	if _, has := rule["escalation"]; !has {
		return
	}
	after := integer(closed(rule["escalation"], "after_s approvers"), "after_s")
	_, isSeated := rule["seats"]
	require(after >= 1 && after < integer(rule, "decide_within_s") && rule["approvers"] != "any" && !isSeated, "POLICY_MISMATCH")
	persons := secondGroup(rule, policy)
	require(len(persons) >= 1 && len(persons) <= 64 && ascending(persons), "POLICY_MISMATCH")
}

func secondGroup(rule, policy object) []string {
	return personsNamed(objectOf(rule["escalation"])["approvers"], policy)
}

// joinEscalation: at the latest of the times, whom the second group of each rule names, and the approvers of each that has none.
func joinEscalation(rule object, all []object, policy object) {
	delete(rule, "escalation")
	if _, isSeated := rule["seats"]; isSeated {
		return
	}
	var after int64
	var persons []any
	for _, each := range all {
		if _, has := each["escalation"]; !has {
			continue
		}
		if after == 0 {
			for _, id := range secondGroup(each, policy) {
				persons = append(persons, id)
			}
		}
		after = max(after, integer(objectOf(each["escalation"]), "after_s"))
	}
	for _, each := range all {
		place := joined(nil, each, policy)["approvers"]
		if _, has := each["escalation"]; has {
			var named []any
			for _, id := range secondGroup(each, policy) {
				named = append(named, id)
			}
			place = named
		}
		persons = slices.DeleteFunc(persons, func(person any) bool { return !isFor(place, person) })
	}
	if len(persons) > 0 && after < integer(rule, "decide_within_s") {
		rule["escalation"] = object{"after_s": after, "approvers": persons}
	}
}

// narrowEscalation: Cedar may leave out some of a second group, or all of it.
func narrowEscalation(rule, requirement object) {
	said, has := requirement["escalation"]
	if !has {
		delete(rule, "escalation")
		return
	}
	_, isKnown := rule["escalation"]
	require(isKnown, "POLICY_MISMATCH")
	whole, frozen := objectOf(rule["escalation"]), closed(said, "after_s approvers")
	require(same(frozen["after_s"], whole["after_s"]) && narrowed(frozen["approvers"], whole["approvers"], 1), "POLICY_MISMATCH")
	rule["escalation"] = said
}

// escalationTime is when an admission goes on to its second group; nil where it has none.
func escalationTime(admission object) any {
	escalation, has := objectOf(admission["requirement"])["escalation"]
	if !has {
		return nil
	}
	after := time.Duration(integer(objectOf(escalation), "after_s")) * time.Second
	return parseTime(text(admission, "at")).Add(after).Format("2006-01-02T15:04:05.000Z")
}

// hadVoice: a person could decide when it was accepted, as one whom the rule names, or whom it goes on to.
func hadVoice(d, b object, person any) bool {
	requirement := objectOf(b["requirement"])
	if isFor(requirement["approvers"], person) {
		return true
	}
	escalation, has := requirement["escalation"]
	at, isTold := d["at"].(string)
	from, isDue := b["escalates_at"].(string)
	if !has || !isTold || !isDue || !contains(list(objectOf(escalation), "approvers"), person) {
		return false
	}
	accepted := parseTime(at)
	return !accepted.Before(parseTime(from)) && !accepted.After(parseTime(text(b, "at")))
}
