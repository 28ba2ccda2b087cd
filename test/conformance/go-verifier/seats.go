package main

import (
	"slices"
	"time"
)

// Seats, order and window of a quorum: schemas/formats/policy.md §7.4 and §7.7.

func seatsIn(rule object) []object {
	if _, has := rule["seats"]; !has {
		return nil
	}
	return objects(rule, "seats")
}

// joinSeats puts into the join what all of its rules say of seats, order and window.
func joinSeats(rule object, all []object, policy object) {
	var lists [][]object
	ordered := false
	joinConfirm(rule, all)
	joinGroup(rule, all)
	for _, each := range all {
		if seats := seatsIn(each); seats != nil {
			lists = append(lists, resolved(seats, policy))
		}
		_, isOrdered := each["ordered"]
		ordered = ordered || isOrdered
		limit, isLimited := each["window_s"]
		if now, has := rule["window_s"]; isLimited && (!has || integer(each, "window_s") < now.(int64)) {
			rule["window_s"] = limit
		}
	}
	delete(rule, "seats")
	delete(rule, "ordered")
	if ordered {
		require(len(lists) > 0, "POLICY_MISMATCH")
		rule["ordered"] = true
	}
	if len(lists) == 0 {
		return
	}
	seats := lists[0]
	for _, more := range lists[1:] {
		if ordered {
			require(same(seatList(seats), seatList(more)), "POLICY_MISMATCH")
		} else {
			seats = bothSeats(seats, more)
		}
	}
	var count int64
	for _, seat := range seats {
		count += integer(seat, "count")
	}
	if integer(rule, "approvals") < count {
		rule["approvals"] = count
	}
	rule["seats"] = seatList(seats)
}

// personsNamed has, in order, the persons of a list or of a group of the policy.
func personsNamed(named any, policy object) []string {
	if group, isGroup := named.(object); isGroup {
		named = objectOf(policy["groups"])[text(group, "group")]
	}
	persons, isList := named.([]any)
	require(isList, "POLICY_MISMATCH")
	ids := texts(persons)
	slices.Sort(ids)
	return ids
}

func resolved(seats []object, policy object) (out []object) {
	for _, seat := range seats {
		var sorted []any
		for _, id := range personsNamed(seat["approvers"], policy) {
			sorted = append(sorted, id)
		}
		out = append(out, object{"approvers": sorted, "count": seat["count"]})
	}
	return out
}

// bothSeats: the greater count of the same persons; other persons are seats of their own.
func bothSeats(some, more []object) (out []object) {
	alike := func(seat object, all []object) int {
		return slices.IndexFunc(all, func(other object) bool { return same(other["approvers"], seat["approvers"]) })
	}
	for _, seat := range some {
		if i := alike(seat, more); i >= 0 && integer(more[i], "count") > integer(seat, "count") {
			seat = more[i]
		}
		out = append(out, seat)
	}
	for _, seat := range more {
		if alike(seat, some) < 0 {
			out = append(out, seat)
		}
	}
	return out
}

func seatList(seats []object) (out []any) {
	for _, seat := range seats {
		out = append(out, seat)
	}
	return out
}

// placesIn has one list of persons, or "any", for each approval: the seats in their order, then who else approves.
func placesIn(requirement object) (out []any) {
	approvers := requirement["approvers"]
	for _, seat := range seatsIn(requirement) {
		persons := list(seat, "approvers")
		if named, isList := approvers.([]any); isList {
			persons = both(persons, named)
		}
		require(integer(seat, "count") <= 16, "EVIDENCE_FORMAT")
		for i := int64(0); i < integer(seat, "count"); i++ {
			out = append(out, persons)
		}
	}
	for int64(len(out)) < integer(requirement, "approvals") {
		out = append(out, approvers)
	}
	return out
}

func isFor(place, person any) bool {
	persons, isList := place.([]any)
	return place == "any" || isList && contains(persons, person)
}

// areSeated: each of these persons has a place at once, by augmenting paths.
func areSeated(persons, places []any) bool {
	holders := map[int]any{}
	var seat func(person any, tried map[int]bool) bool
	seat = func(person any, tried map[int]bool) bool {
		for i, place := range places {
			if tried[i] || !isFor(place, person) {
				continue
			}
			tried[i] = true
			holder, isTaken := holders[i]
			if !isTaken || seat(holder, tried) {
				holders[i] = person
				return true
			}
		}
		return false
	}
	for _, person := range persons {
		if !seat(person, map[int]bool{}) {
			return false
		}
	}
	return true
}

// checkSeats: the persons of a binding fill the seats, in the order and the time that its requirement asks for.
func checkSeats(b object) {
	requirement := objectOf(b["requirement"])
	places, decisions := placesIn(requirement), objects(b, "decisions")
	var persons []any
	for _, d := range decisions {
		persons = append(persons, voiceOf(d))
	}
	if seatsIn(requirement) != nil {
		require(areSeated(persons, places), "QUORUM_NOT_MET")
	}
	last := ""
	if _, isOrdered := requirement["ordered"]; isOrdered {
		for i, d := range decisions {
			at, _ := d["at"].(string)
			require(i < len(places) && isFor(places[i], voiceOf(d)) && at >= last && at != "" && at <= text(b, "at"), "ORDER")
			last = at
		}
	}
	if _, isLimited := requirement["window_s"]; isLimited {
		window := time.Duration(integer(requirement, "window_s")) * time.Second
		for _, d := range decisions {
			at, isText := d["at"].(string)
			require(isText && at <= text(b, "at") && !parseTime(text(b, "at")).After(parseTime(at).Add(window)), "WINDOW")
		}
	}
}
