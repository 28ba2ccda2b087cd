package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// What the maker of an authenticator says of a passkey: schemas/formats/human-proof.md §8.

const chainMax = 4

type packed struct {
	algorithm           string
	signature, authData []byte
	// chain ends with the root, whether it was sent along or not.
	chain []certificate
}

// attested answers which model it is, and whose word that is.
func attested(told any, statement object, at time.Time) object {
	shown := closed(told, "object client_data root")
	clientData, root := bytesIn(shown, "client_data", 1024), bytesIn(shown, "root", 4096)
	p := readPacked(bytesIn(shown, "object", 8192), root)
	data, isClientData := readClientData(clientData)
	require(isClientData && data["type"] == "webauthn.create", "ASSERTION_INVALID")
	model := attestedCredential(p.authData, statement)
	p.checkChain(model, at)
	hash := sha256.Sum256(clientData)
	p.checkSignatures(append(bytes.Clone(p.authData), hash[:]...))
	named := sha256.Sum256(root)
	uuid := fmt.Sprintf("%x-%x-%x-%x-%x", model[:4], model[4:6], model[6:8], model[8:10], model[10:])
	return object{"model": uuid, "root": "sha256:" + hex.EncodeToString(named[:])}
}

func bytesIn(o object, name string, most int) []byte {
	raw, ok := decodeBase64url(text(o, name))
	require(ok && len(raw) >= 1 && len(raw) <= most, "ASSERTION_INVALID")
	return raw
}

func readPacked(raw, root []byte) (p packed) {
	top, rest, isMap := readMap(raw)
	statement, isStatement := top["attStmt"].(map[any]any)
	require(isMap && len(rest) == 0 && len(top) == 3 && top["fmt"] == "packed" && isStatement && len(statement) == 3, "ASSERTION_INVALID")
	var isData, isSignature bool
	p.authData, isData = top["authData"].([]byte)
	p.signature, isSignature = statement["sig"].([]byte)
	p.algorithm = map[any]string{int64(-7): ecdsaWithSHA256, int64(-257): rsaWithSHA256}[statement["alg"]]
	sent, _ := statement["x5c"].([]any)
	isWhole := isData && isSignature && p.algorithm != "" && len(sent) >= 1 && len(sent) <= chainMax
	require(isWhole, "ASSERTION_INVALID")
	for _, each := range sent {
		der, _ := each.([]byte)
		p.chain = append(p.chain, parseCertificate(der))
	}
	last := parseCertificate(root)
	if !bytes.Equal(p.chain[len(p.chain)-1].der, root) {
		p.chain = append(p.chain, last)
	}
	return p
}

// attestedCredential is the one that is enrolled, or it is refused; it answers its model.
func attestedCredential(raw []byte, statement object) []byte {
	data, ok := readAuthenticatorData(raw, []string{text(statement, "rp_id")})
	id, isID := decodeBase64url(text(statement, "credential_id"))
	public, isKey := decodeBase64url(text(statement, "public_key"))
	isThis := ok && isID && isKey && data.model != nil && bytes.Equal(data.credentialID, id) && bytes.Equal(data.publicKey, public) &&
		(data.flags&0x08 != 0) == statement["backup_eligible"]
	require(isThis, "ASSERTION_INVALID")
	return data.model
}

func (p packed) checkChain(model []byte, at time.Time) {
	first := p.chain[0]
	named, isNamed := first.extensions[modelExtension]
	isModel := !isNamed || bytes.Equal(derOne(named, derOctets), model)
	require(!first.isIssuer && first.hasUnit("Authenticator Attestation") && isModel, "ASSERTION_INVALID")
	for i, issuer := range p.chain[1:] {
		mayIssue := issuer.isIssuer && issuer.maySign && issuer.below >= int64(i)
		require(mayIssue && p.chain[i].issuer == issuer.subject, "ASSERTION_INVALID")
	}
	isOver := func(c certificate) bool { return at.Before(c.notBefore) || at.After(c.notAfter) }
	require(!slices.ContainsFunc(p.chain, isOver), "ASSERTION_INVALID")
}

// checkSignatures does not look at that of the root: who trusts it says so by naming it.
func (p packed) checkSignatures(message []byte) {
	require(p.chain[0].hasSigned(p.algorithm, message, p.signature), "ASSERTION_INVALID")
	for i, issuer := range p.chain[1:] {
		issued := p.chain[i]
		require(issuer.hasSigned(issued.algorithm, issued.signed, issued.signature), "ASSERTION_INVALID")
	}
}
