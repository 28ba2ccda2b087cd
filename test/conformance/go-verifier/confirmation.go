package main

import "strings"

// What a person types of an action before they approve it: schemas/formats/policy.md §7.8.

func joinConfirm(rule object, all []object) {
	delete(rule, "confirm")
	for _, each := range all {
		if _, has := each["confirm"]; !has {
			continue
		}
		next := objectOf(each["confirm"])
		if sum, has := rule["confirm"].(object); has {
			require(sum["field"] == next["field"], "POLICY_MISMATCH")
			if integer(sum, "last") > integer(next, "last") {
				next = sum
			}
		}
		rule["confirm"] = next
	}
}

// checkConfirmation: the admission froze one where one is asked for of a text of its type, and where the action is there, that of its text.
func (e *evidence) checkConfirmation(descriptor object) {
	a := e.admission.object
	confirm, isAsked := objectOf(a["requirement"])["confirm"].(object)
	frozen, has := a["confirmation"]
	require(isAsked == has, "ADMISSION_MISMATCH")
	if !isAsked {
		return
	}
	pointer := text(confirm, "field")
	var value any = e.action["params"]
	place, _ := descriptor["schema"].(object)
	for _, step := range strings.Split(pointer, "/")[1:] {
		inside, _ := value.(object)
		members, _ := place["properties"].(object)
		place, _ = members[step].(object)
		value = inside[step]
	}
	_, isBatch := descriptor["of"]
	field, _ := objectOf(descriptor["fields"])["/params"+pointer].(object)
	require(!isBatch && place["type"] == "string" && field["class"] == "executed", "ADMISSION_MISMATCH")
	if e.action == nil {
		return
	}
	typed, _ := value.(string)
	end, last := []rune(typed), int(integer(confirm, "last"))
	require(len(end) >= last, "ADMISSION_MISMATCH")
	salted := canonical(object{"salt": e.action["nonce"], "value": string(end[len(end)-last:])})
	require(frozen == digest("confirmation", salted), "ADMISSION_MISMATCH")
}
