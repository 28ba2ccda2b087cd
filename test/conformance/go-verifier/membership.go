package main

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Groups of the company, by ID tokens of its identity provider: schemas/formats/policy.md §7.9.

const (
	claimsOfToken = "iss sub aud iat exp nonce azp? groups? acr? aio? amr? at_hash? auth_time? c_hash? idp? jti? nbf? rh? s_hash? session_state? sid? tid? typ? uti? ver?"
	tokenMax      = 2500
	tokenSkewMs   = 300000
)

func joinGroup(rule object, all []object) {
	delete(rule, "member_of")
	for _, each := range all {
		if _, has := each["member_of"]; !has {
			continue
		}
		next := objectOf(each["member_of"])
		if sum, has := rule["member_of"].(object); has {
			for _, name := range []string{"issuer", "audience", "group"} {
				require(sum[name] == next[name], "POLICY_MISMATCH")
			}
			if integer(sum, "within_s") < integer(next, "within_s") {
				next = sum
			}
		}
		rule["member_of"] = next
	}
}

// checkMembership: where the requirement asks for a group, the person's own ID token says so, until the last use.
func checkMembership(d, b object, a authority) {
	needed, isAsked := objectOf(b["requirement"])["member_of"].(object)
	if !isAsked {
		return
	}
	as("NOT_ELIGIBLE", func() { a.requireMember(needed, d, b) })
}

// signedIn answers the claims of a sign-in of this person, by an issuer of the authority, for this ledger and invitation (or none).
func (a authority) signedIn(v any, person string, invitation any) object {
	eligible := func(ok bool) { require(ok, "NOT_ELIGIBLE") }
	shown := closed(v, "token subject_salt nonce_salt key")
	token := text(shown, "token")
	parts := strings.Split(token, ".")
	eligible(len(parts) == 3 && len(token) <= tokenMax)
	header, claims := closed(tokenObject(parts[0]), "alg kid typ?"), closed(tokenObject(parts[1]), claimsOfToken)
	issuer, tie := a.get("issuer", text(claims, "iss")), a.get("identity", person)
	eligible(issuer != nil && tie != nil && tie["issuer"] == claims["iss"])
	raw, ok := decodeBase64url(parts[2])
	isSigned := false
	for _, k := range objects(issuer, "keys") {
		if k["kid"] == header["kid"] && k["alg"] == header["alg"] {
			spki, _ := decodeBase64url(text(k, "public_key"))
			sum := sha256.Sum256(spki)
			isSigned = ok && shown["key"] == "sha256:"+hex.EncodeToString(sum[:]) &&
				jwsValid(text(k, "alg"), text(k, "public_key"), parts[0]+"."+parts[1], raw)
		}
	}
	eligible(isSigned)
	subject := object{"issuer": claims["iss"], "salt": shown["subject_salt"], "subject": claims["sub"]}
	eligible(tie["subject_digest"] == digest("subject", canonical(subject)))
	signIn := object{"ledger": a.get("ledger", "ledger")["origin"], "salt": shown["nonce_salt"]}
	if invitation != nil {
		signIn["invitation"] = invitation
	}
	eligible(claims["nonce"] == digest("sign-in", canonical(signIn)))
	return claims
}

func (a authority) requireMember(needed, d, b object) {
	claims := a.signedIn(d["membership"], text(d, "person"), nil)
	client, azp := needed["audience"], claims["azp"]
	aud, isList := claims["aud"].([]any)
	if !isList {
		aud = []any{claims["aud"]}
	}
	isFor := contains(aud, client) && (azp == client || azp == nil && len(aud) == 1)
	made := integer(claims, "iat") * 1000
	ends := made + integer(needed, "within_s")*1000
	at, last := parseTime(text(b, "at")).UnixMilli(), parseTime(text(b, "use_by")).UnixMilli()
	isNow := made <= at+tokenSkewMs && at <= ends && last <= ends
	groups, _ := claims["groups"].([]any)
	require(claims["iss"] == needed["issuer"] && isFor && isNow && contains(groups, needed["group"]), "NOT_ELIGIBLE")
}

// requireAccount: by rules 2 who enrols shows the company account that the authority ties them to, where its issuer is pinned.
func (e *evidence) requireAccount(change, statement object, at string, before authority) {
	tie := before.get("identity", text(statement, "person"))
	if e.rulesVersion() < 2 || tie == nil || before.get("issuer", text(tie, "issuer")) == nil {
		return
	}
	as("INVITATION_INVALID", func() {
		claims := before.signedIn(change["identity"], text(statement, "person"), statement["invitation"])
		made, now := integer(claims, "iat")*1000, parseTime(at).UnixMilli()
		require(made <= now+tokenSkewMs && now <= made+900000, "INVITATION_INVALID")
	})
}
