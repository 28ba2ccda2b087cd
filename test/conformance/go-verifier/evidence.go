package main

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"time"
)

// schemas/formats/evidence.md, in the order of its steps.

type entry struct {
	object
	text, leaf, receipt string
}

const (
	terms = " action_digest display_digest action_type descriptor_digest policy_digest requirement agent acting_for executor excluded separation demo "
	skew  = 5 * time.Second
)

var members = map[string]string{
	"ledger-founded":     "origin demo separation rps bootstrap recovery log_keys members policy authority_root rules_version",
	"authority-changed":  "change previous authority_root input?",
	"request-admitted":   "action_id" + terms + "bounds? permits? delegation? batch? confirmation? escalates_at? request_signature reversibility decide_by use_within_s start_within_s max_uses not_after authority supersedes? epoch? context_digest? action? recent? input",
	"binding-made":       "action_id" + terms + "bounds? permits? delegation? batch? confirmation? escalates_at? admission admission_index decisions statement authority use_by start_within_s max_uses epoch",
	"binding-revoked":    "action_id binding admission statement proof proof_class input",
	"binding-used":       "action_id binding use_id use_number executor claim key_thumbprint signature start_by short_id input",
	"execution-reported": "action_id use_id report key_thumbprint signature input",
	"content-erased":     "action_id erased key_thumbprint signature request input",
}

func readEntry(v any, kind string) entry {
	s, isText := v.(string)
	o, err := parseCanonical(s)
	require(isText && err == nil && len(s) <= 65535, "EVIDENCE_FORMAT")
	require(o["v"] == "countersign.entry.v1", "EVIDENCE_FORMAT")
	require(o["type"] == kind, "TYPE_CONFUSION")
	if kind == "binding-made" {
		requireProofs(o)
	}
	closed(o, "v type at tenant "+members[kind])
	parseTime(text(o, "at"))
	return entry{o, s, leafName(leafHash(s)), ""}
}

func requireProofs(o object) {
	decisions, _ := o["decisions"].([]any)
	require(len(decisions) > 0, "NO_HUMAN_PROOF")
	for _, v := range decisions {
		decision, _ := v.(object)
		proof, ok := decision["proof"].(object)
		require(ok, "NO_HUMAN_PROOF")
		names := map[any]string{"webauthn": "authenticator_data client_data_json credential_id signature", "sshsig": "credential_id signature"}[proof["kind"]]
		for _, name := range strings.Fields(names) {
			encoded, isText := proof[name].(string)
			_, isForm := decodeBase64url(encoded)
			require(isText && isForm, "ASSERTION_INVALID")
		}
		require(names != "" && len(proof) == len(strings.Fields(names))+1, "ASSERTION_INVALID")
	}
}

func logged(v any, kind string) entry {
	o := closed(v, "entry receipt")
	e := readEntry(o["entry"], kind)
	e.receipt = text(o, "receipt")
	return e
}

func loggedList(o object, name, kind string) (all []entry) {
	for _, v := range list(o, name) {
		all = append(all, logged(v, kind))
	}
	return all
}

type evidence struct {
	object
	trust              trustFile
	receipts           receiptReader
	binding, admission entry
	action             object
	actionText         string
}

func verify(raw []byte, trust trustFile, o options) {
	v, err := parseJSON(raw)
	require(err == nil, "EVIDENCE_FORMAT")
	file := closed(v, "v origin binding admission content erased? display descriptor policy authority uses reports revocations")
	require(file["v"] == "countersign.evidence.v1" || file["v"] == "countersign.evidence.v2", "EVIDENCE_FORMAT")
	e := &evidence{object: file, trust: trust, receipts: receiptReader{trust, pinnedSpans(trust), map[string]head{}}}
	e.binding, e.admission = logged(file["binding"], "binding-made"), logged(file["admission"], "request-admitted")
	later := e.parseRest()
	require(text(file, "origin") == trust.origin, "LOG_KEY_UNKNOWN")
	e.checkKeys()
	e.checkLogged()
	e.checkContent()
	e.checkPolicy()
	require(e.binding.object["demo"] != true || o.allowDemo || trust.demo, "DEMO_LEDGER")
	require(contains(trust.separation, e.binding.object["separation"]), "SEPARATION_NOT_ACCEPTED")
	var bound authority
	if o.human {
		bound = e.checkHuman()
	}
	if o.witnessed {
		e.checkWitnesses()
	}
	e.checkHistory(later, bound)
	if !o.now.IsZero() {
		require(!o.now.Add(skew).Before(parseTime(text(e.binding.object, "at"))), "CLOCK_UNKNOWN")
		require(!o.now.Add(-skew).After(parseTime(text(e.binding.object, "use_by"))), "EXPIRED")
	}
}

type history struct{ uses, reports, revocations, erased []entry }

// parseRest checks the form of everything that is looked at later.
func (e *evidence) parseRest() (h history) {
	content := closed(e.object["content"], "action rationales")
	for _, r := range objects(content, "rationales") {
		closed(r, "decision text salt")
		rawDigest(text(r, "decision"))
		text(r, "text")
		text(r, "salt")
	}
	names := "size chain members"
	if e.object["v"] == "countersign.evidence.v2" {
		names += " later"
	}
	a := closed(e.object["authority"], names)
	if later := a["later"]; later != nil {
		text(closed(later, "chain receipt"), "receipt")
		links := objects(objectOf(later), "chain")
		require(len(links) > 0, "EVIDENCE_FORMAT")
		for _, link := range links {
			closed(link, "entry binding?")
		}
	}
	require(integer(a, "size") >= 0, "EVIDENCE_FORMAT")
	for _, link := range objects(a, "chain") {
		closed(link, "entry binding?")
	}
	for _, m := range objects(a, "members") {
		closed(m, "member index path")
		objectOf(m["member"])
		require(integer(m, "index") >= 0, "EVIDENCE_FORMAT")
	}
	objectOf(e.object["descriptor"])
	erased, hasErased := e.object["erased"]
	if hasErased {
		h.erased = []entry{logged(erased, "content-erased")}
	}
	var hasAction bool
	e.actionText, hasAction = content["action"].(string)
	_, hasDisplay := e.object["display"].(object)
	isWhole := hasAction && hasDisplay && !hasErased
	isErased := content["action"] == nil && e.object["display"] == nil && len(list(content, "rationales")) == 0
	require(isWhole || isErased, "EVIDENCE_FORMAT")
	h.uses = loggedList(e.object, "uses", "binding-used")
	h.reports = loggedList(e.object, "reports", "execution-reported")
	h.revocations = loggedList(e.object, "revocations", "binding-revoked")
	return h
}

func (e *evidence) position(logged entry) int64 {
	return e.receipts.position(logged.receipt, rawDigest(logged.leaf))
}

func (e *evidence) checkLogged() {
	b, a := e.binding.object, e.admission.object
	at := e.position(e.binding)
	admitted := e.position(e.admission)
	isCited := b["admission"] == e.admission.leaf && b["admission_index"] == admitted && admitted < at
	require(isCited, "ADMISSION_MISMATCH")
	for _, name := range strings.Fields("tenant action_id bounds permits delegation batch confirmation escalates_at start_within_s max_uses" + terms) {
		require(same(b[name], a[name]), "ADMISSION_MISMATCH")
	}
	isInTime := text(a, "at") <= text(b, "at") && text(b, "at") <= text(a, "decide_by") && text(b, "use_by") <= text(a, "not_after")
	require(isInTime, "ADMISSION_MISMATCH")
}

func (e *evidence) checkContent() {
	b := e.binding.object
	descriptor, kind := objectOf(e.object["descriptor"]), objectOf(b["action_type"])
	isNamed := digest("descriptor", canonical(descriptor)) == b["descriptor_digest"]
	require(isNamed && same(descriptor["type"], kind["name"]) && same(descriptor["type_version"], kind["version"]), "DESCRIPTOR_MISMATCH")
	e.checkBounded(descriptor)
	e.checkBatched(descriptor)
	e.checkConfirmation(descriptor)
	if e.actionText == "" {
		e.checkErased()
		return
	}
	action, err := parseCanonical(e.actionText)
	require(err == nil && digest("action", e.actionText) == b["action_digest"], "ACTION_DIGEST_MISMATCH")
	e.action = action
	a, agent, said := e.admission.object, objectOf(e.admission.object["agent"]), objectOf(action["agent"])
	written, isWritten := a["action"]
	isAdmitted := (!isWritten || written == e.actionText) && same(action["tenant"], a["tenant"]) && same(action["action_id"], a["action_id"]) &&
		same(action["type"], kind["name"]) && same(action["type_version"], kind["version"]) &&
		same(said["id"], agent["id"]) && same(said["key_thumbprint"], agent["key_thumbprint"]) &&
		same(action["executor"], a["executor"]) && same(personsOf(action), a["acting_for"]) &&
		text(a, "not_after") <= text(action, "not_after") && integer(a, "max_uses") <= integer(action, "max_uses")
	require(isAdmitted, "ADMISSION_MISMATCH")
	e.checkBounds(descriptor)
	e.checkBatch(descriptor)
	e.checkConfirmation(descriptor)
	require(digest("display", canonical(e.object["display"])) == b["display_digest"], "DISPLAY_MISMATCH")
	as("DISPLAY_MISMATCH", func() {
		require(same(rendered(descriptor, action), e.object["display"]), "DISPLAY_MISMATCH")
	})
	e.checkRationales()
}

func (e *evidence) checkErased() {
	erased, has := e.object["erased"]
	require(has, "CONTENT_MISSING")
	entry := logged(erased, "content-erased")
	e.position(entry)
	b, o := e.binding.object, entry.object
	isThis := o["action_id"] == b["action_id"] && o["tenant"] == b["tenant"] && contains(list(o, "erased"), b["action_digest"])
	require(isThis, "CONTENT_MISSING")
}

func (e *evidence) checkRationales() {
	decisions := objects(e.binding.object, "decisions")
	rationales := objects(objectOf(e.object["content"]), "rationales")
	require(len(decisions) == len(rationales), "RATIONALE_MISMATCH")
	for i, r := range rationales {
		salt, ok := decodeBase64url(text(r, "salt"))
		named := digest("rationale", canonical(object{"salt": r["salt"], "value": r["text"]}))
		isThis := r["decision"] == decisions[i]["leaf"] && named == decisions[i]["rationale_digest"]
		require(ok && len(salt) >= 16 && isThis, "RATIONALE_MISMATCH")
	}
	isNeeded := objectOf(e.binding.object["requirement"])["rationale"] == "required"
	for _, r := range rationales {
		require(!isNeeded || strings.TrimSpace(text(r, "text")) != "", "RATIONALE_REQUIRED")
	}
}

func isAuthorityType(name any) bool {
	s, _ := name.(string)
	return strings.HasPrefix(s, "authority.")
}

func (e *evidence) checkPolicy() {
	b := e.binding.object
	kind := objectOf(b["action_type"])["name"]
	_, hasPermits := b["permits"]
	hasRecent := e.checkRecent()
	if isAuthorityType(kind) {
		require(e.object["policy"] == nil && !hasPermits && !hasRecent, "POLICY_MISMATCH")
		return
	}
	policy, has := e.object["policy"].(object)
	require(has && digest("policy", canonical(policy)) == b["policy_digest"], "POLICY_MISMATCH")
	if policy["v"] == "countersign.policy.v3" {
		rule := e.citedRule(policy)
		_, isGlass := rule["break_glass"]
		require(isGlass == strings.HasPrefix(text(objectOf(b["action_type"]), "name"), "emergency."), "POLICY_MISMATCH")
		e.checkRule(rule)
		return
	}
	require(!hasPermits && !hasRecent, "POLICY_MISMATCH")
	isLax := slices.ContainsFunc(objects(policy, "rules"), func(rule object) bool {
		return contains(list(rule, "proof_classes"), "possession")
	})
	require(policy["v"] == map[bool]string{false: "countersign.policy.v1", true: "countersign.policy.v2"}[isLax], "POLICY_MISMATCH")
	for _, rule := range objects(policy, "rules") {
		kept, isKept := rule["device_bound"]
		class, isAssured := rule["assurance"]
		_, isChained := rule["delegation"]
		require(!isChained, "POLICY_MISMATCH")
		_, isGlass := rule["break_glass"]
		require(!isGlass && !strings.HasPrefix(text(objectOf(b["action_type"]), "name"), "emergency."), "POLICY_MISMATCH")
		require(!isAssured || contains([]any{"verified", "gateway", "evidence-only"}, class), "POLICY_MISMATCH")
		checkAsking(rule)
		checkEscalation(rule, policy)
		checkAttested(rule)
		require(!isKept || kept == true && !contains(list(rule, "proof_classes"), "possession"), "POLICY_MISMATCH")
	}
	rule := ruleFor(policy, kind)
	if inner, isMany := batchedType(kind); isMany && rule != nil {
		as("NO_POLICY", func() { rule = joinedOf(rule, ruleFor(policy, inner), policy) })
	}
	require(rule != nil, "NO_POLICY")
	e.checkRule(rule)
}

func ruleFor(policy object, kind any) object {
	for _, rule := range objects(policy, "rules") {
		if contains(list(rule, "types"), kind) {
			return rule
		}
	}
	return nil
}

func requirementOf(rule object) object {
	r := object{"rule": rule["id"], "approvals": rule["approvals"], "approvers": rule["approvers"],
		"proof_classes": rule["proof_classes"], "rationale": rule["rationale"]}
	for _, name := range []string{"device_bound", "attested", "assurance", "delegation", "break_glass", "escalation", "seats", "ordered", "window_s", "confirm", "member_of"} {
		if extra, has := rule[name]; has {
			r[name] = extra
		}
	}
	return r
}

func (e *evidence) checkRule(rule object) {
	a, b := e.admission.object, e.binding.object
	within := func(until, from string, seconds int64) bool {
		return !parseTime(until).After(parseTime(from).Add(time.Duration(seconds) * time.Second))
	}
	isApplied := same(requirementOf(rule), a["requirement"]) && same(escalationTime(a), a["escalates_at"]) &&
		same(a["use_within_s"], rule["use_within_s"]) && same(a["start_within_s"], rule["start_within_s"]) &&
		(a["batch"] != nil || integer(a, "max_uses") <= integer(rule, "max_uses")) &&
		within(text(a, "decide_by"), text(a, "at"), integer(rule, "decide_within_s")) &&
		within(text(b, "use_by"), text(b, "at"), integer(rule, "use_within_s"))
	require(isApplied, "POLICY_MISMATCH")
}

// rulesVersion is that of the founding.
func (e *evidence) rulesVersion() int64 {
	genesis, err := parseCanonical(text(objects(objectOf(e.object["authority"]), "chain")[0], "entry"))
	require(err == nil, "AUTHORITY_CHAIN_INVALID")
	return integer(genesis, "rules_version")
}

func (e *evidence) checkHuman() authority {
	b := e.binding.object
	past := e.foldChain(objects(objectOf(e.object["authority"]), "chain"), objectOf(b["authority"]))
	require(e.object["v"] == "countersign.evidence.v2" || !keysChanged(past), "EVIDENCE_FORMAT")
	bound := past[len(past)-1]
	i := slices.IndexFunc(past, func(a authority) bool { return same(a.ref, e.admission.object["authority"]) })
	require(i >= 0, "AUTHORITY_CHAIN_INVALID")
	e.checkMembers(bound)
	e.checkRegistered(past[i])
	e.checkEpochs(past[i], bound)
	if e.action != nil {
		agent := past[i].get("agent", text(objectOf(b["agent"]), "id"))
		signature := text(e.admission.object, "request_signature")
		require(signedBy(agent, "request", e.actionText, signature), "SIGNATURE_INVALID")
	}
	e.checkDelegation(past[i])
	checkDecisions(b, bound, e.trust)
	return bound
}

// signedBy checks the signature of a member's Ed25519 key, over the tag of the kind and the payload.
func signedBy(member object, kind, payload, signature string) bool {
	spki, ok := decodeBase64url(text(member, "public_key"))
	raw, isRaw := decodeBase64url(signature)
	key, isKey := parseSPKI(spki)
	_, isEd25519 := key.(ed25519.PublicKey)
	return ok && isRaw && isKey && isEd25519 && signatureValid(key, []byte("countersign/"+kind+"/v1\n"+payload), raw)
}

func (e *evidence) checkHistory(h history, bound authority) {
	b := e.binding.object
	executor := objectOf(b["executor"])["id"]
	ids, numbers := map[any]object{}, map[any]bool{}
	for _, used := range h.uses {
		e.position(used)
		u := used.object
		claim, err := parseCanonical(text(u, "claim"))
		require(err == nil, "EVIDENCE_FORMAT")
		requireClaim(claim)
		isThis := u["binding"] == e.binding.leaf && u["executor"] == executor && u["tenant"] == b["tenant"] && u["action_id"] == b["action_id"] &&
			claim["binding"] == e.binding.leaf && claim["executor"] == executor && claim["tenant"] == b["tenant"] && claim["action_id"] == b["action_id"] &&
			claim["use_id"] == u["use_id"] && claim["action_digest"] == b["action_digest"] && len(text(u, "use_id")) == 26 &&
			u["short_id"] == "cs-"+text(u, "use_id")[16:]
		require(isThis, "NOT_BOUND")
		requireChosen(b, claim)
		requireItem(b, claim)
		require(integer(u, "use_number") <= integer(b, "max_uses"), "ALREADY_CONSUMED")
		require(text(u, "at") <= text(b, "use_by"), "EXPIRED")
		bound.checkSigned(u, "use", text(u, "claim"), executor)
		_, twice := ids[u["use_id"]]
		require(!twice && !numbers[u["use_number"]], "ALREADY_CONSUMED")
		ids[u["use_id"]], numbers[u["use_number"]] = u, true
	}
	for _, reported := range h.reports {
		e.position(reported)
		r := reported.object
		_, isKnown := ids[r["use_id"]]
		report, err := parseCanonical(text(r, "report"))
		require(err == nil, "EVIDENCE_FORMAT")
		isThis := isKnown && r["tenant"] == b["tenant"] && r["action_id"] == b["action_id"] && report["tenant"] == b["tenant"] &&
			report["action_id"] == b["action_id"] && report["use_id"] == r["use_id"] && report["action_digest"] == b["action_digest"] && report["executor"] == executor
		require(isThis, "USE_UNKNOWN")
		bound.checkSigned(r, "report", text(r, "report"), executor)
	}
	requireItems(b, h)
	for _, revoked := range h.revocations {
		e.position(revoked)
		r := revoked.object
		require(r["action_id"] == b["action_id"] && r["binding"] == e.binding.leaf && r["admission"] == b["admission"], "NOT_BOUND")
	}
}
