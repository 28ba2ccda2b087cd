package main

// schemas/formats/authority.md §12.

// freeze tells how often the ledger was frozen, and whether it is.
func (a authority) freeze() (epoch int64, isFrozen bool) {
	m := a.get("freeze", "freeze")
	if m == nil {
		return 0, false
	}
	return integer(m, "epoch"), m["frozen"] == true
}

func (a authority) frozen(c object) authority {
	epoch, isFrozen := a.freeze()
	if c["kind"] == "frozen" {
		closed(c, "kind")
		require(!isFrozen, "MEMBER_EXISTS")
		epoch++
	} else {
		closed(c, "kind epoch")
		require(isFrozen && integer(c, "epoch") == epoch, "MEMBER_UNKNOWN")
	}
	return a.with(object{"kind": "freeze", "id": "freeze", "epoch": epoch, "frozen": !isFrozen})
}

// checkEpoch holds an entry to the epoch of its authority, and what was asked for to that one, too, unless it works frozen.
func (a authority) checkEpoch(said, asked int64, kind any) {
	epoch, isFrozen := a.freeze()
	require(said == epoch, "EPOCH_ENDED")
	switch kind {
	case "frozen", "thawed", "credential-revoked", "agent-revoked", "executor-revoked", "issuer-revoked", "deputy-revoked",
		"recovery-started", "recovery-cancelled":
		return
	}
	require(!isFrozen, "FROZEN")
	require(asked == epoch, "EPOCH_ENDED")
}

// checkEpochs does so for the admission and the binding.
func (e *evidence) checkEpochs(admitted, bound authority) {
	asked, kind := int64(0), any(nil)
	if _, has := e.admission.object["epoch"]; has {
		asked = integer(e.admission.object, "epoch")
		require(asked > 0, "EVIDENCE_FORMAT")
	}
	if written, has := e.admission.object["action"].(string); has {
		action, err := parseCanonical(written)
		require(err == nil, "ACTION_DIGEST_MISMATCH")
		kind = objectOf(objectOf(action["params"])["change"])["kind"]
	}
	admitted.checkEpoch(asked, asked, kind)
	bound.checkEpoch(integer(e.binding.object, "epoch"), asked, kind)
}
