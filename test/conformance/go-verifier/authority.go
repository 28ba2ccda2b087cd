package main

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"strings"
)

// schemas/formats/authority.md, as far as a verifier of evidence needs it.

type authority struct {
	ref     object
	members map[string]object
	// gone are the log's keys that were removed, the homes that were left, the credentials that were revoked and their keys:
	// none of them comes back.
	gone map[string]bool
}

func key(kind, id string) string { return kind + "\x00" + id }

func (a authority) get(kind, id string) object { return a.members[key(kind, id)] }

// sorted puts the members in the order of their leaves: by kind, then by id.
func (a authority) sorted() []object {
	var keys []string
	for k := range a.members {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return lessUTF16(keys[i], keys[j]) })
	var all []object
	for _, k := range keys {
		all = append(all, a.members[k])
	}
	return all
}

func memberLeaf(m object) [32]byte {
	return leafHash("countersign/authority-member/v1\n" + canonical(m))
}

func (a authority) root() string {
	var leaves [][32]byte
	for _, m := range a.sorted() {
		leaves = append(leaves, memberLeaf(m))
	}
	return leafName(rootOf(leaves))
}

func (a authority) with(m object) authority {
	next := authority{members: map[string]object{}, gone: a.gone}
	for k, v := range a.members {
		next.members[k] = v
	}
	next.members[key(text(m, "kind"), text(m, "id"))] = m
	return next
}

// add is with, for a member that must be new.
func (a authority) add(m object) authority {
	require(a.get(text(m, "kind"), text(m, "id")) == nil, "MEMBER_EXISTS")
	if holdsKey(m) {
		a.refuseTaken(m)
	}
	if m["kind"] == "issuer" {
		a.refuseHeld(m)
	}
	return a.with(m)
}

func holdsKey(m object) bool {
	return m["kind"] == "credential" || m["kind"] == "agent" || m["kind"] == "executor"
}

// refuseTaken refuses a key that somebody else has, or a credential that was revoked.
func (a authority) refuseTaken(m object) {
	own := keyOf(m)
	require(!a.gone[key("credential", text(m, "id"))] || m["kind"] != "credential", "DUPLICATE_KEY")
	require(!a.gone[key("credential key", own)], "DUPLICATE_KEY")
	for _, other := range a.members {
		require(!holdsKey(other) || keyOf(other) != own, "DUPLICATE_KEY")
		require(other["kind"] != "issuer" || !pinned(other)[own], "DUPLICATE_KEY")
	}
}

// refuseHeld refuses an issuer with a key of somebody who asks, runs or decides.
func (a authority) refuseHeld(issuer object) {
	keys := pinned(issuer)
	for k := range keys {
		require(!a.gone[key("credential key", k)], "MEMBER_EXISTS")
	}
	for _, other := range a.members {
		require(!holdsKey(other) || !keys[keyOf(other)], "MEMBER_EXISTS")
	}
}

func pinned(issuer object) map[string]bool {
	keys := map[string]bool{}
	for _, k := range objects(issuer, "keys") {
		spki, _ := decodeBase64url(text(k, "public_key"))
		keys[string(spki)] = true
	}
	return keys
}

func (a authority) without(kind, id string) authority {
	require(a.get(kind, id) != nil, "MEMBER_UNKNOWN")
	next := a.with(a.get(kind, id))
	delete(next.members, key(kind, id))
	return next
}

// foldChain answers every authority from genesis to the one that is cited.
func (e *evidence) foldChain(chain []object, cited object) (past []authority) {
	require(len(chain) > 0, "AUTHORITY_MISSING")
	var genesis entry
	as("AUTHORITY_CHAIN_INVALID", func() { genesis = readEntry(chain[0]["entry"], "ledger-founded") })
	require(genesis.leaf == e.trust.genesis && genesis.object["origin"] == e.trust.origin, "GENESIS_MISMATCH")
	as("AUTHORITY_CHAIN_INVALID", func() {
		_, hasBinding := chain[0]["binding"]
		state, leaf, after := found(genesis.object), genesis.leaf, int64(-1)
		require(!hasBinding && state.root() == genesis.object["authority_root"], "GENESIS_MISMATCH")
		place := func(ref object) {
			closed(ref, "index leaf root")
			isFirst := len(past) == 0 && integer(ref, "index") == 0
			isLater := len(past) > 0 && integer(ref, "index") > after
			require(ref["leaf"] == leaf && ref["root"] == state.root() && (isFirst || isLater), "AUTHORITY_CHAIN_INVALID")
			state.ref = ref
			past = append(past, state)
		}
		at, spent := "", map[string]bool{}
		for _, link := range chain[1:] {
			changed := readEntry(link["entry"], "authority-changed")
			place(objectOf(changed.object["previous"]))
			state, after = e.changed(changed, link, state)
			at = inTurn(changed, link, at, spent)
			leaf = changed.leaf
			require(state.root() == changed.object["authority_root"], "AUTHORITY_CHAIN_INVALID")
		}
		place(cited)
	})
	return past
}

// inTurn refuses what was approved for one authority and is carried out again in a later one, or for the first time there.
func inTurn(c entry, link object, since string, spent map[string]bool) string {
	at := text(c.object, "at")
	require(at >= since, "AUTHORITY_CHAIN_INVALID")
	if objectOf(c.object["change"])["change"] == "bound" {
		b := readEntry(link["binding"], "binding-made")
		boundAt, id := text(b.object, "at"), text(b.object, "action_id")
		require(since <= boundAt && boundAt <= at && !spent[id], "AUTHORITY_CHAIN_INVALID")
		spent[id] = true
	}
	return at
}

func found(g object) authority {
	kept, isKept := objectOf(g["bootstrap"])["device_bound"]
	_, isAssured := objectOf(g["bootstrap"])["assurance"]
	_, isChained := objectOf(g["bootstrap"])["delegation"]
	_, isGlass := objectOf(g["bootstrap"])["break_glass"]
	_, isAttested := objectOf(g["bootstrap"])["attested"]
	require(!isChained && (!isKept || kept == true) && !isAssured && !isGlass && !isAttested && !contains(list(objectOf(g["bootstrap"]), "proof_classes"), "possession"), "GENESIS_MISMATCH")
	a := authority{members: map[string]object{}}.add(withRecoveryOf(g, object{"kind": "ledger", "id": "ledger", "origin": g["origin"],
		"tenant": g["tenant"], "separation": g["separation"], "demo": g["demo"], "rps": g["rps"], "bootstrap": g["bootstrap"]}))
	a = a.add(object{"kind": "policy", "id": "policy", "digest": digest("policy", canonical(g["policy"]))})
	for _, v := range list(g, "log_keys") {
		vkey, _ := v.(string)
		k, ok := parseLogKey(vkey)
		require(ok, "GENESIS_MISMATCH")
		a = a.add(object{"kind": "log-key", "id": k.id, "vkey": vkey})
	}
	hasHome := false
	for _, m := range objects(g, "members") {
		kind := text(m, "kind")
		require(kind != "ledger" && kind != "policy" && kind != "log-key" && kind != "freeze" && kind != "deputy", "GENESIS_MISMATCH")
		// Nothing shows of a founder's passkey what its maker says of it.
		_, isAttested := m["attestation"]
		require((kind != "home" || !hasHome) && !isRecovery(m) && !isAttested, "GENESIS_MISMATCH")
		hasHome = hasHome || kind == "home"
		a = a.add(m)
	}
	return a
}

// changed checks who allowed a change and applies it; the entry itself stands behind the index that it answers.
func (e *evidence) changed(c entry, link object, before authority) (authority, int64) {
	ledger := before.get("ledger", "ledger")
	change := objectOf(c.object["change"])
	require(c.object["tenant"] == ledger["tenant"], "AUTHORITY_CHAIN_INVALID")
	if change["change"] == "bound" {
		return e.bound(c, link, before), integer(change, "binding_index")
	}
	closed(change, "change statement signature identity?")
	_, hasBinding := link["binding"]
	names := "v ledger tenant person invitation credential_id public_key rp_id backup_eligible nonce"
	if e.rulesVersion() > 1 {
		names += " attestation?"
	}
	s := closed(change["statement"], names)
	invitation := before.get("invitation", text(s, "invitation"))
	isOpen := invitation != nil && invitation["person"] == s["person"] && text(invitation, "not_after") >= text(c.object, "at")
	isHere := change["change"] == "credential-enrolled" && s["v"] == "countersign.enrolment.v1" && s["ledger"] == ledger["origin"] && s["tenant"] == ledger["tenant"]
	require(!hasBinding && isOpen && isHere, "INVITATION_INVALID")
	require(!isRecovery(invitation) || text(invitation, "not_before") <= text(c.object, "at"), "RECOVERY_NOT_DUE")
	spki, _ := decodeBase64url(text(invitation, "public_key"))
	signature, ok := decodeBase64url(text(change, "signature"))
	parsed, isKey := parseSPKI(spki)
	_, isECDSA := parsed.(*ecdsa.PublicKey)
	isSigned := ok && isKey && isECDSA && signatureValid(parsed, []byte("countersign/enrolment/v1\n"+canonical(s)), signature)
	require(isSigned, "SIGNATURE_INVALID")
	e.requireAccount(change, s, text(c.object, "at"), before)
	passkey := object{"kind": "credential", "id": s["credential_id"], "person": s["person"],
		"public_key": s["public_key"], "rp_id": s["rp_id"], "backup_eligible": s["backup_eligible"]}
	if told, has := s["attestation"]; has {
		passkey["attestation"] = attested(told, s, parseTime(text(c.object, "at")))
	}
	if isRecovery(invitation) {
		return before.withoutKeysOf(s["person"]).add(passkey), integer(before.ref, "index")
	}
	return before.without("invitation", text(s, "invitation")).add(passkey), integer(before.ref, "index")
}

// bound is a change that persons of the authority before it have signed for, by the rule of its type.
func (e *evidence) bound(c entry, link object, before authority) authority {
	change := closed(c.object["change"], "change action binding binding_index")
	b := readEntry(link["binding"], "binding-made")
	ledger := before.get("ledger", "ledger")
	actionText := text(change, "action")
	action, err := parseCanonical(actionText)
	require(err == nil && digest("action", actionText) == b.object["action_digest"], "ACTION_DIGEST_MISMATCH")
	agent, said := objectOf(b.object["agent"]), objectOf(action["agent"])
	isThis := b.leaf == change["binding"] && integer(change, "binding_index") > integer(before.ref, "index") &&
		b.object["tenant"] == ledger["tenant"] && same(b.object["authority"], before.ref) && isAuthorityType(action["type"]) &&
		action["tenant"] == b.object["tenant"] && action["action_id"] == b.object["action_id"] &&
		said["id"] == agent["id"] && said["key_thumbprint"] == agent["key_thumbprint"]
	require(isThis, "NOT_BOUND")
	kind := objectOf(b.object["action_type"])
	require(kind["name"] == action["type"] && same(kind["version"], action["type_version"]), "NOT_BOUND")
	require(same(personsOf(action), b.object["acting_for"]), "NOT_BOUND")
	checkDescriptor(b.object, before)
	rule := ownRule(kind["name"], ledger)
	isRule := digest("policy", canonical(rule)) == b.object["policy_digest"] && same(requirementOf(rule), b.object["requirement"])
	require(isRule && b.object["separation"] == ledger["separation"], "POLICY_MISMATCH")
	checkExclusions(b.object, before)
	change = objectOf(objectOf(action["params"])["change"])
	checkApart(b.object, change)
	checkDecisions(b.object, before, e.trust)
	epoch := integer(b.object, "epoch")
	before.checkEpoch(epoch, epoch, change["kind"])
	return before.apply(change, text(c.object, "at"))
}

// checkDescriptor holds what persons were shown to the descriptors of the authority.
func checkDescriptor(b object, a authority) {
	kind := objectOf(b["action_type"])
	descriptor := a.get("descriptor", text(kind, "name")+"/"+canonical(kind["version"]))
	require(descriptor != nil && descriptor["digest"] == b["descriptor_digest"], "DESCRIPTOR_MISMATCH")
}

// personsOf names the persons that an action says it is for.
func personsOf(action object) []any {
	persons := []any{}
	for _, p := range objects(action, "acting_for") {
		if p["kind"] == "person" {
			persons = append(persons, p["sub"])
		}
	}
	return persons
}

func (a authority) apply(c object, at string) authority {
	switch c["kind"] {
	case "recovery-started":
		return a.recovered(closed(c, "kind person invitation delay_h"), at)
	case "recovery-cancelled":
		return a.cancelled(closed(c, "kind person invitation"))
	case "person-invited":
		person := object{"kind": "person", "id": c["person"], "class": c["class"]}
		known := a.get("person", text(c, "person"))
		require(known == nil || same(known, person), "MEMBER_EXISTS")
		i := closed(c["invitation"], "id public_key not_after")
		return a.with(person).add(object{"kind": "invitation", "id": i["id"], "person": c["person"], "public_key": i["public_key"], "not_after": i["not_after"]})
	case "credential-revoked":
		return a.revoked(text(c, "credential_id"))
	case "agent-enrolled", "executor-enrolled":
		kind := strings.TrimSuffix(text(c, "kind"), "-enrolled")
		member := object{"kind": kind, "key_thumbprint": thumbprint(text(objectOf(c[kind]), "public_key"))}
		for name, v := range objectOf(c[kind]) {
			require(name != "kind" && name != "key_thumbprint", "SCHEMA_INVALID")
			member[name] = v
		}
		return a.add(member)
	case "agent-revoked", "executor-revoked":
		return a.without(strings.TrimSuffix(text(c, "kind"), "-revoked"), text(c, "id"))
	case "policy-set":
		return a.with(object{"kind": "policy", "id": "policy", "digest": digest("policy", canonical(c["policy"]))})
	case "descriptor-enrolled":
		return a.add(object{"kind": "descriptor", "id": text(c, "type") + "/" + canonical(c["type_version"]), "digest": c["digest"]})
	case "agent-sponsored":
		return a.sponsored(closed(c, "kind agent sponsor?"))
	case "deputy-named":
		return a.withDeputy(closed(c, "kind principal deputy types not_before not_after"))
	case "deputy-revoked":
		return a.without("deputy", text(closed(c, "kind principal"), "principal"))
	case "issuer-enrolled":
		return a.withIssuer(objectOf(closed(c, "kind issuer")["issuer"]))
	case "issuer-revoked":
		return a.without("issuer", text(closed(c, "kind id"), "id"))
	case "ssh-key-enrolled":
		require(a.get("person", text(c, "person")) != nil, "MEMBER_UNKNOWN")
		return a.add(sshKeyMember(c))
	case "log-key-added":
		k, ok := parseLogKey(text(closed(c, "kind vkey"), "vkey"))
		require(ok && k.name == text(a.get("ledger", "ledger"), "origin"), "SCHEMA_INVALID")
		require(!a.gone[key("log-key", k.id)], "MEMBER_EXISTS")
		require(len(a.logKeys()) < 4, "LIMIT_EXCEEDED")
		return a.add(object{"kind": "log-key", "id": k.id, "vkey": c["vkey"]})
	case "log-key-removed":
		next := a.without("log-key", text(closed(c, "kind id"), "id"))
		require(len(next.logKeys()) > 0, "WOULD_LOCK_OUT")
		return next.forget(key("log-key", text(c, "id")))
	case "person-tied":
		return a.tied(closed(c, "kind person issuer subject_digest invited?"), at)
	case "reviewed":
		closed(c, "kind action_id action_type action_digest approvers concerned result verdict remarks")
		return a
	case "home-moved":
		return a.moved(closed(c, "kind tenant from to"))
	case "frozen", "thawed":
		return a.frozen(c)
	}
	refuse("SCHEMA_INVALID")
	return a
}

// revoked takes a credential away, and remembers it.
func (a authority) revoked(id string) authority {
	next := a.without("credential", id)
	return next.forget(key("credential", id)).forget(key("credential key", keyOf(a.get("credential", id))))
}

// sponsored says for whom an agent works.
func (a authority) sponsored(c object) authority {
	agent := a.get("agent", text(c, "agent"))
	require(agent != nil, "MEMBER_UNKNOWN")
	next := object{}
	for name, v := range agent {
		next[name] = v
	}
	delete(next, "sponsor")
	if _, has := c["sponsor"]; has {
		require(a.get("person", text(c, "sponsor")) != nil, "MEMBER_UNKNOWN")
		next["sponsor"] = c["sponsor"]
	}
	return a.with(next)
}

// tied says whom of a company a person is, and invites the person where the change does both: authority.md §10.
func (a authority) tied(c object, at string) authority {
	if invited, has := c["invited"]; has {
		by := closed(invited, "class invitation")
		a = a.apply(object{"kind": "person-invited", "person": c["person"], "class": by["class"], "invitation": by["invitation"]}, at)
	}
	require(a.get("person", text(c, "person")) != nil, "MEMBER_UNKNOWN")
	return a.with(object{"kind": "identity", "id": c["person"], "issuer": c["issuer"], "subject_digest": c["subject_digest"]})
}

// forget remembers a member as one that never comes back.
func (a authority) forget(k string) authority {
	gone := map[string]bool{k: true}
	for other := range a.gone {
		gone[other] = true
	}
	a.gone = gone
	return a
}

// moved ends the log on one shard; the same log goes on in another one, where it never was.
func (a authority) moved(c object) authority {
	from, to := canonical(c["from"]), canonical(c["to"])
	require(integer(c, "from") <= 99999 && integer(c, "to") <= 99999 && from != to, "SCHEMA_INVALID")
	require(c["tenant"] == a.get("ledger", "ledger")["tenant"], "TENANT_UNKNOWN")
	for _, m := range a.members {
		require(m["kind"] != "home" || m["id"] == from, "MEMBER_UNKNOWN")
	}
	require(!a.gone[key("home", to)], "MEMBER_EXISTS")
	if a.get("home", from) != nil {
		a = a.without("home", from)
	}
	return a.forget(key("home", from)).add(object{"kind": "home", "id": to})
}

// logKeys answers the members of that kind.
func (a authority) logKeys() (keys []object) {
	for _, m := range a.members {
		if m["kind"] == "log-key" {
			keys = append(keys, m)
		}
	}
	return keys
}

func thumbprint(publicKey string) string {
	spki, ok := decodeBase64url(publicKey)
	require(ok, "SCHEMA_INVALID")
	sum := sha256.Sum256(spki)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (e *evidence) checkMembers(a authority) {
	shown := objectOf(e.object["authority"])
	sorted := a.sorted()
	require(integer(shown, "size") == int64(len(sorted)), "MEMBERSHIP_INVALID")
	proven := map[string]bool{}
	for _, m := range objects(shown, "members") {
		index, path := integer(m, "index"), [][32]byte{}
		require(index < int64(len(sorted)) && same(sorted[index], m["member"]), "MEMBERSHIP_INVALID")
		for _, v := range list(m, "path") {
			s, _ := v.(string)
			hash, ok := decodeHash(s)
			require(ok, "MEMBERSHIP_INVALID")
			path = append(path, hash)
		}
		root, ok := climb(memberLeaf(sorted[index]), index, int64(len(sorted)), path)
		require(ok && leafName(root) == a.ref["root"], "MEMBERSHIP_INVALID")
		proven[key(text(sorted[index], "kind"), text(sorted[index], "id"))] = true
	}
	// Exactly these, each once. Who is not in the authority at all is refused by name in a later step.
	b := e.binding.object
	needed := map[string]bool{key("ledger", "ledger"): true}
	need := func(kind string, o object, name string) {
		if k := key(kind, text(o, name)); a.members[k] != nil {
			needed[k] = true
		}
	}
	need("agent", objectOf(b["agent"]), "id")
	need("executor", objectOf(b["executor"]), "id")
	for _, d := range objects(b, "decisions") {
		need("person", d, "person")
		need("credential", d, "credential")
	}
	areSame := len(needed) == len(proven) && len(proven) == len(list(shown, "members"))
	for k := range needed {
		areSame = areSame && proven[k]
	}
	require(areSame, "MEMBERSHIP_INVALID")
}

func (e *evidence) checkRegistered(a authority) {
	b, ledger := e.binding.object, a.get("ledger", "ledger")
	isLedger := b["tenant"] == ledger["tenant"] && b["demo"] == ledger["demo"] && b["separation"] == ledger["separation"]
	require(isLedger, "ADMISSION_MISMATCH")
	checkExclusions(b, a)
	kind, executor := objectOf(b["action_type"]), objectOf(b["executor"])
	x := a.get("executor", text(executor, "id"))
	if isAuthorityType(kind["name"]) && executor["id"] == "ledger" {
		x = object{"interface_digest": b["descriptor_digest"], "audiences": []any{e.trust.origin}}
	}
	require(x != nil, "EXECUTOR_UNKNOWN")
	require(x["interface_digest"] == executor["descriptor_digest"], "EXECUTOR_DESCRIPTOR_MISMATCH")
	require(contains(list(x, "audiences"), executor["audience"]), "EXECUTOR_MISMATCH")
	checkDescriptor(b, a)
	e.checkItems(a)
	if isAuthorityType(kind["name"]) {
		rule := ownRule(kind["name"], ledger)
		require(digest("policy", canonical(rule)) == b["policy_digest"], "POLICY_MISMATCH")
		e.checkRule(rule)
		params, _ := e.action["params"].(object)
		change, _ := params["change"].(object)
		checkApart(b, change)
		return
	}
	require(a.get("policy", "policy")["digest"] == b["policy_digest"], "POLICY_MISMATCH")
}

func checkExclusions(b object, a authority) {
	claimed := objectOf(b["agent"])
	agent := a.get("agent", text(claimed, "id"))
	require(agent != nil, "AGENT_UNKNOWN")
	isAsEnrolled := agent["key_thumbprint"] == claimed["key_thumbprint"] && agent["owner"] == claimed["owner"] && agent["person"] == claimed["person"] &&
		agent["sponsor"] == claimed["sponsor"]
	require(isAsEnrolled, "AGENT_MISMATCH")
	if excludesNobody(objectOf(b["action_type"])["name"]) {
		return
	}
	out := map[any]bool{nil: true}
	for _, x := range objects(b, "excluded") {
		out[x["person"]] = true
	}
	persons := append([]any{agent["person"]}, list(b, "acting_for")...)
	if a.get("ledger", "ledger")["separation"] == "full" {
		persons = append(persons, agent["owner"], agent["sponsor"])
	}
	for _, person := range persons {
		require(out[person], "ADMISSION_MISMATCH")
	}
}

func checkDecisions(b object, a authority, trust trustFile) {
	s := closed(b["statement"], "v ledger tenant action_id admission action_digest display_digest verdict")
	isThis := s["v"] == "countersign.decision.v1" && s["verdict"] == "approve" && s["ledger"] == trust.origin
	for _, name := range strings.Fields("tenant action_id admission action_digest display_digest") {
		isThis = isThis && s[name] == b[name]
	}
	require(isThis, "DECISION_REQUEST_MISMATCH")
	decisions, requirement := objects(b, "decisions"), objectOf(b["requirement"])
	keys, voices := map[any]bool{}, map[any]bool{}
	for _, d := range decisions {
		for _, voice := range voicesIn(d) {
			require(!voices[voice], "DUPLICATE_HUMAN")
			voices[voice] = true
		}
		k := d["credential"]
		if c := a.get("credential", text(d, "credential")); c != nil {
			k = c["public_key"]
		}
		keys[k] = true
	}
	require(len(keys) == len(decisions), "DUPLICATE_KEY")
	require(int64(len(decisions)) >= integer(requirement, "approvals"), "QUORUM_NOT_MET")
	checkSeats(b)
	for _, d := range decisions {
		checkDecision(d, b, a, trust)
	}
}

// dwellMaxMs is a day: how long a client may claim that it showed what was decided (decision.md §2).
const dwellMaxMs = 86_400_000

func checkDecision(d, b object, a authority, trust trustFile) {
	closed(d, "leaf at? person for? credential rationale_digest not_after claimed_dwell_ms? proof_class proof membership?")
	requirement := objectOf(b["requirement"])
	credential := a.get("credential", text(d, "credential"))
	require(credential != nil, "KEY_NOT_ENROLLED_AT_TIME")
	require(credential["person"] == d["person"], "CREDENTIAL_UNKNOWN")
	require(a.get("person", text(d, "person"))["class"] == "natural", "NOT_A_NATURAL_PERSON")
	for _, x := range objects(b, "excluded") {
		if x["person"] == d["person"] {
			refuse(text(x, "code"))
		}
	}
	checkDeputy(d, b, a)
	require(hadVoice(d, b, voiceOf(d)), "NOT_ELIGIBLE")
	require(text(d, "not_after") >= text(b, "at") && text(d, "not_after") >= text(b, "use_by"), "EXPIRED")
	checkMembership(d, b, a)
	statement := object{"rationale_digest": d["rationale_digest"], "person": d["person"], "credential": d["credential"], "not_after": d["not_after"]}
	for name, v := range objectOf(b["statement"]) {
		statement[name] = v
	}
	if dwell, has := d["claimed_dwell_ms"]; has {
		require(integer(d, "claimed_dwell_ms") >= 0 && integer(d, "claimed_dwell_ms") <= dwellMaxMs, "EVIDENCE_FORMAT")
		statement["claimed_dwell_ms"] = dwell
	}
	if typed, has := b["confirmation"]; has {
		statement["confirmation"] = typed
	}
	classes := list(requirement, "proof_classes")
	class, ok := "", false
	if proof := objectOf(d["proof"]); proof["kind"] == "sshsig" {
		class, ok = verifySshsig(sshsigClaim{proof: proof, namespace: decisionNamespace, message: canonical(statement),
			credential: text(d, "credential"), publicKey: text(credential, "public_key")})
		ok = ok && credential["proof"] == "sshsig"
	} else {
		claim := passkeyClaim(d, statement, credential, a)
		claim.onlyUserVerified = !contains(classes, "up")
		class, ok = verifyAssertion(claim)
		ok = ok && credential["proof"] == nil
	}
	require(ok, "ASSERTION_INVALID")
	require(class == d["proof_class"] && contains(classes, class), "PROOF_CLASS")
	if _, isNeeded := requirement["device_bound"]; isNeeded {
		require(deviceBound(objectOf(d["proof"]), credential, class), "AUTHENTICATOR_CLASS")
	}
	if _, isNeeded := requirement["attested"]; isNeeded {
		require(isOfModel(credential, objects(requirement, "attested")), "AUTHENTICATOR_CLASS")
	}
	require(contains(trust.proofClasses, class), "PROOF_CLASS_NOT_ACCEPTED")
}

// deviceBound tells, of a proof that holds, whether its key stays in one device: schemas/formats/policy.md §5.
func deviceBound(proof, credential object, class string) bool {
	if credential["proof"] == "sshsig" {
		return class != "possession"
	}
	data, _ := decodeBase64url(text(proof, "authenticator_data"))
	return credential["backup_eligible"] == false && data[32]&0x08 == 0
}

// passkeyClaim is what an assertion is held to: the places of the rpId that the credential was made for.
func passkeyClaim(d, statement, credential object, a authority) assertionClaim {
	claim := assertionClaim{proof: objectOf(d["proof"]), challenge: rawDigest(digest("decision", canonical(statement))),
		credential: text(d, "credential"), cose: text(credential, "public_key")}
	for _, rp := range objects(a.get("ledger", "ledger"), "rps") {
		if rp["id"] == credential["rp_id"] {
			claim.rpIDs = append(claim.rpIDs, text(rp, "id"))
			for _, origin := range list(rp, "origins") {
				s, _ := origin.(string)
				claim.origins = append(claim.origins, s)
			}
		}
	}
	return claim
}

// checkSigned checks an executor's signature, if its key is in the authority; later keys are vouched for by the log alone.
func (a authority) checkSigned(by object, kind, payload string, executor any) {
	for _, m := range a.members {
		if m["kind"] == "executor" && m["key_thumbprint"] == by["key_thumbprint"] {
			require(m["id"] == executor && signedBy(m, kind, payload, text(by, "signature")), "SIGNATURE_INVALID")
		}
	}
}
