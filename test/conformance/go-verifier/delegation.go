package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"regexp"
	"strings"
)

// schemas/formats/delegation.md.

type link struct {
	object
	publicKey string
	types     []any
}

var (
	visible    = regexp.MustCompile(`^[!-~]{1,200}$`)
	issuerName = regexp.MustCompile(`^https://[!-~]{1,190}$`)
	typeName   = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)
	pointer    = regexp.MustCompile(`^(?:/[A-Za-z0-9_]{1,64}){1,8}$`)
	limit      = regexp.MustCompile(`^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,4})?$`)
	digits     = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)?$`)
)

func invalidUnless(ok bool) { require(ok, "DELEGATION_INVALID") }

func (a authority) withIssuer(issuer object) authority {
	closed(issuer, "id keys persons services?")
	require(issuerName.MatchString(text(issuer, "id")), "SCHEMA_INVALID")
	seen := map[any]bool{}
	once := func(name any) {
		require(!seen[name], "SCHEMA_INVALID")
		seen[name] = true
	}
	keys, persons := objects(issuer, "keys"), objects(issuer, "persons")
	require(len(keys) > 0 && len(keys) <= 4 && len(persons) <= 64, "SCHEMA_INVALID")
	for _, k := range keys {
		closed(k, "kid alg public_key")
		require(contains([]any{"ES256", "EdDSA", "RS256"}, k["alg"]), "SCHEMA_INVALID")
		once("key " + text(k, "kid"))
	}
	services, hasServices := issuer["services"].(string)
	for _, p := range persons {
		sub := text(closed(p, "sub person"), "sub")
		once("sub " + sub)
		require(!hasServices || !strings.HasPrefix(sub, services), "SCHEMA_INVALID")
		require(a.get("person", text(p, "person")) != nil, "MEMBER_UNKNOWN")
	}
	member := object{"kind": "issuer"}
	for name, v := range issuer {
		member[name] = v
	}
	a.refuseHeld(member)
	return a.with(member)
}

// checkDelegation: the chain leads to the agent, as of the admission, and the admission says what it says.
func (e *evidence) checkDelegation(a authority) {
	admission := e.admission.object
	said, isSaid := admission["delegation"]
	_, isNeeded := objectOf(admission["requirement"])["delegation"]
	invalidUnless(!isNeeded || isSaid)
	if e.action == nil {
		return
	}
	tokens, has := e.action["delegation"].([]any)
	if !has {
		invalidUnless(!isSaid)
		return
	}
	invalidUnless(len(tokens) > 0 && len(tokens) <= 4)
	var links []link
	as("DELEGATION_INVALID", func() {
		for _, token := range tokens {
			text, _ := token.(string)
			links = append(links, a.proven(text))
		}
	})
	grants := e.judged(a, links, tokens)
	invalidUnless(same(grants, said))
	for _, l := range links {
		invalidUnless(parseTime(text(admission, "not_after")).UnixMilli() <= integer(l.object, "exp")*1000)
	}
}

// proven reads a link and checks its signature with the pinned key.
func (a authority) proven(token string) link {
	parts := strings.Split(token, ".")
	invalidUnless(len(parts) == 3 && len(token) <= 8192)
	header := closed(tokenObject(parts[0]), "alg kid typ?")
	l := link{object: tokenObject(parts[1])}
	l.requireClaims()
	issuer := a.get("issuer", text(l.object, "iss"))
	invalidUnless(issuer != nil)
	raw, ok := decodeBase64url(parts[2])
	for _, k := range objects(issuer, "keys") {
		if k["kid"] != header["kid"] || k["alg"] != header["alg"] {
			continue
		}
		l.publicKey = text(k, "public_key")
		invalidUnless(ok && jwsValid(text(k, "alg"), l.publicKey, parts[0]+"."+parts[1], raw))
		return l
	}
	refuse("DELEGATION_INVALID")
	return l
}

func tokenObject(part string) object {
	raw, ok := decodeBase64url(part)
	invalidUnless(ok)
	v, err := parseJSON(raw)
	invalidUnless(err == nil)
	return objectOf(v)
}

func jwsValid(alg, publicKey, message string, raw []byte) bool {
	spki, ok := decodeBase64url(publicKey)
	key, isKey := parseSPKI(spki)
	var err error
	fits := false
	switch key.(type) {
	case *ecdsa.PublicKey:
		fits = alg == "ES256" && len(raw) == 64
		if fits {
			r, s := new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])
			raw, err = asn1.Marshal(struct{ R, S *big.Int }{r, s})
		}
	case ed25519.PublicKey:
		fits = alg == "EdDSA"
	case *rsa.PublicKey:
		fits = alg == "RS256"
	}
	return ok && isKey && fits && err == nil && signatureValid(key, []byte(message), raw)
}

// requireClaims checks the form of the claims that count.
func (l *link) requireClaims() {
	o := l.object
	invalidUnless(visible.MatchString(text(o, "iss")) && visible.MatchString(text(o, "sub")))
	invalidUnless(integer(o, "exp") >= 0)
	if _, has := o["nbf"]; has {
		invalidUnless(integer(o, "nbf") >= 0)
	}
	requireActor(o["act"], 1)
	seen := map[string]bool{}
	for _, name := range strings.Split(text(o, "scope"), " ") {
		invalidUnless(typeName.MatchString(name) && !seen[name])
		seen[name] = true
		l.types = append(l.types, name)
	}
	invalidUnless(len(l.types) <= 32)
	if _, has := o["authorization_details"]; !has {
		return
	}
	for _, d := range objects(o, "authorization_details") {
		name := text(closed(d, "type max? only?"), "type")
		invalidUnless(seen[name])
		seen[name] = false
		requireLimits(d, "max", func(v any) {
			amount, _ := v.(string)
			invalidUnless(limit.MatchString(amount))
		})
		requireLimits(d, "only", func(v any) {
			values, ok := v.([]any)
			invalidUnless(ok && len(values) > 0 && len(values) <= 64)
		})
	}
}

func requireLimits(detail object, name string, check func(any)) {
	v, has := detail[name]
	if !has {
		return
	}
	limits := objectOf(v)
	invalidUnless(len(limits) <= 8)
	for at, each := range limits {
		invalidUnless(pointer.MatchString(at))
		check(each)
	}
}

func requireActor(v any, depth int) {
	invalidUnless(depth <= 4)
	actor := closed(v, "sub act?")
	invalidUnless(visible.MatchString(text(actor, "sub")))
	if inner, has := actor["act"]; has {
		requireActor(inner, depth+1)
	}
}

// judged answers the links as the admission has them.
func (e *evidence) judged(a authority, links []link, tokens []any) []any {
	at := parseTime(text(e.admission.object, "at"))
	ledger := a.get("ledger", "ledger")
	for i, l := range links {
		aud, isList := l.object["aud"].([]any)
		if !isList {
			aud = []any{l.object["aud"]}
		}
		invalidUnless(contains(aud, ledger["origin"]) || contains(aud, ledger["tenant"]))
		nbf := int64(0)
		if _, has := l.object["nbf"]; has {
			nbf = integer(l.object, "nbf")
		}
		invalidUnless(nbf*1000 <= at.UnixMilli() && at.UnixMilli() < integer(l.object, "exp")*1000)
		act := objectOf(l.object["act"])
		if i == 0 {
			invalidUnless(act["act"] == nil)
			continue
		}
		before := links[i-1]
		invalidUnless(same(act["act"], before.object["act"]) && l.isWithin(before))
	}
	last, agent := links[len(links)-1], objectOf(e.action["agent"])
	cnf, _ := last.object["cnf"].(object)
	member := a.get("agent", text(agent, "id"))
	isThis := objectOf(last.object["act"])["sub"] == agent["id"] && member != nil && cnf["jkt"] == jkt(text(member, "public_key"))
	invalidUnless(isThis)
	named, grants := a.named(links), []any{}
	for i, token := range tokens {
		name := digest("grant", token.(string))
		named[i].(object)["grant_digest"] = name
		grants = append(grants, object{"issuer": links[i].object["iss"], "digest": name})
	}
	invalidUnless(same(named, e.action["acting_for"]))
	for _, l := range links {
		for _, each := range askedFor(e.action) {
			require(l.allows(each), "DELEGATION_EXCEEDED")
		}
	}
	return grants
}

func (l link) limits(name any) object {
	for _, v := range anyList(l.object["authorization_details"]) {
		if detail := objectOf(v); detail["type"] == name {
			return detail
		}
	}
	return object{}
}

func anyList(v any) []any {
	values, _ := v.([]any)
	return values
}

func anyObject(v any) object {
	o, _ := v.(object)
	return o
}

func (l link) isWithin(before link) bool {
	if integer(l.object, "exp") > integer(before.object, "exp") {
		return false
	}
	for _, name := range l.types {
		outer, inner := before.limits(name), l.limits(name)
		if !contains(before.types, name) {
			return false
		}
		for at, max := range anyObject(inner["max"]) {
			if bound, has := anyObject(outer["max"])[at]; has && !isAtMost(max, bound) {
				return false
			}
		}
		for at, values := range anyObject(inner["only"]) {
			if known, has := anyObject(outer["only"])[at]; has && len(both(anyList(values), anyList(known))) != len(anyList(values)) {
				return false
			}
		}
	}
	return true
}

// A batch asks for itself and for each of its items, as the actions that they would be alone.
func askedFor(action object) []object {
	all := []object{action}
	inner, isBatch := strings.CutPrefix(text(action, "type"), "batch.")
	if !isBatch {
		return all
	}
	for _, item := range anyList(objectOf(action["params"])["items"]) {
		all = append(all, object{"type": inner, "params": objectOf(item)["params"]})
	}
	return all
}

func (l link) allows(action object) bool {
	if !contains(l.types, action["type"]) {
		return false
	}
	limits := l.limits(action["type"])
	for at, max := range anyObject(limits["max"]) {
		if !isAtMost(valueAt(action["params"], at), max) {
			return false
		}
	}
	for at, values := range anyObject(limits["only"]) {
		if !contains(anyList(values), valueAt(action["params"], at)) {
			return false
		}
	}
	return true
}

func valueAt(v any, at string) string {
	for _, name := range strings.Split(at[1:], "/") {
		v = anyObject(v)[name]
	}
	s, _ := v.(string)
	return s
}

func isAtMost(amount, max any) bool {
	a, _ := amount.(string)
	m, _ := max.(string)
	if !digits.MatchString(a) || len(fraction(a)) != len(fraction(m)) {
		return false
	}
	return units(a).Cmp(units(m)) <= 0
}

// named lists who the chain names, outermost first, without the agent.
func (a authority) named(links []link) (all []any) {
	first := a.principal(links[0].object["iss"], links[0].object["sub"])
	for i, l := range links {
		invalidUnless(same(a.principal(l.object["iss"], l.object["sub"]), first))
		if i == 0 {
			all = append(all, first)
			continue
		}
		before := links[i-1].object
		all = append(all, a.principal(before["iss"], objectOf(before["act"])["sub"]))
	}
	return all
}

func (a authority) principal(iss, sub any) object {
	name, _ := iss.(string)
	subject, _ := sub.(string)
	issuer := a.get("issuer", name)
	for _, p := range objects(issuer, "persons") {
		if p["sub"] == subject {
			return object{"kind": "person", "sub": p["person"]}
		}
	}
	services, has := issuer["services"].(string)
	invalidUnless(has && strings.HasPrefix(subject, services))
	return object{"kind": "service", "sub": subject}
}

// jkt is the RFC 7638 thumbprint of an Ed25519 key.
func jkt(publicKey string) string {
	spki, _ := decodeBase64url(publicKey)
	key, isKey := parseSPKI(spki)
	raw, ok := key.(ed25519.PublicKey)
	invalidUnless(isKey && ok)
	x := base64.RawURLEncoding.EncodeToString(raw)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
