package main

import "time"

// schemas/formats/authority.md §13.

const timeForm = "2006-01-02T15:04:05.000Z"

// startRule and cancelRule are those of the founding: nil for a ledger that was founded without a delay.
func startRule(ledger object) object {
	recovery, has := ledger["recovery"].(object)
	if !has {
		return nil
	}
	return object{"id": "recovery", "approvals": integer(recovery, "quorum"), "approvers": "any", "proof_classes": []any{"uv"}, "rationale": "required",
		"decide_within_s": int64(86400), "use_within_s": int64(3600), "start_within_s": int64(60), "max_uses": int64(1)}
}

func cancelRule(ledger object) object {
	rule := startRule(ledger)
	if rule != nil {
		rule["id"] = "cancel"
		rule["approvals"] = min(integer(rule, "approvals"), integer(objectOf(ledger["bootstrap"]), "approvals"))
	}
	return rule
}

// withRecoveryOf puts the recovery of a founding into its ledger, if it says how long one takes.
func withRecoveryOf(g, ledger object) object {
	recovery := closed(g["recovery"], "quorum delay_h?")
	require(inRange(integer(recovery, "quorum"), 1, 16), "GENESIS_MISMATCH")
	if _, has := recovery["delay_h"]; has {
		require(inRange(integer(recovery, "delay_h"), 1, 720), "GENESIS_MISMATCH")
		ledger["recovery"] = recovery
	}
	return ledger
}

func inRange(value, least, most int64) bool { return value >= least && value <= most }

func isRecovery(m object) bool {
	_, has := m["not_before"]
	return m["kind"] == "invitation" && has
}

// recovered opens an invitation when the delay is over, for a week.
func (a authority) recovered(c object, at string) authority {
	recovery := objectOf(a.get("ledger", "ledger")["recovery"])
	require(same(recovery["delay_h"], c["delay_h"]), "SCHEMA_INVALID")
	person := object{"kind": "person", "id": c["person"], "class": "natural"}
	known := a.get("person", text(c, "person"))
	require(known == nil || same(known, person), "MEMBER_EXISTS")
	pending := 0
	for _, m := range a.members {
		if isRecovery(m) && text(m, "not_after") >= at {
			require(m["person"] != c["person"], "MEMBER_EXISTS")
			pending++
		}
	}
	require(pending < 16, "LIMIT_EXCEEDED")
	i := closed(c["invitation"], "id public_key")
	require(thumbprint(text(i, "public_key")) == i["id"], "SCHEMA_INVALID")
	opens := parseTime(at).Add(time.Duration(integer(c, "delay_h")) * time.Hour)
	return a.with(person).add(object{"kind": "invitation", "id": i["id"], "person": c["person"], "public_key": i["public_key"],
		"not_before": opens.Format(timeForm), "not_after": opens.Add(168 * time.Hour).Format(timeForm)})
}

func (a authority) cancelled(c object) authority {
	i := a.get("invitation", text(c, "invitation"))
	require(i != nil && isRecovery(i) && i["person"] == c["person"], "MEMBER_UNKNOWN")
	return a.without("invitation", text(c, "invitation"))
}

// withoutKeysOf takes away every key and every invitation of who is recovered.
func (a authority) withoutKeysOf(person any) authority {
	next := a
	for _, m := range a.members {
		if m["person"] != person || m["kind"] != "credential" && m["kind"] != "invitation" {
			continue
		}
		if m["kind"] == "credential" {
			next = next.revoked(text(m, "id"))
		} else {
			next = next.without("invitation", text(m, "id"))
		}
	}
	return next
}
