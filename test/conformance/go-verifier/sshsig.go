package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"
)

// schemas/formats/sshsig-proof.md. Every refusal is the same code, so false is all that is told.

const decisionNamespace = "countersign-decision-v1"

// sshFields reads the strings of RFC 4251 §5; bad stays set once something does not fit.
type sshFields struct {
	rest []byte
	bad  bool
}

func (f *sshFields) take(n int) []byte {
	if f.bad || n < 0 || n > len(f.rest) {
		f.bad = true
		return make([]byte, max(0, min(n, 8)))
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *sshFields) str() []byte { return f.take(int(binary.BigEndian.Uint32(f.take(4)))) }

// name reads visible ASCII.
func (f *sshFields) name() string {
	raw := f.str()
	for _, b := range raw {
		f.bad = f.bad || b < '!' || b > '~'
	}
	return string(raw)
}

// number reads a positive mpint in its shortest form.
func (f *sshFields) number() []byte {
	raw := f.str()
	if len(raw) == 0 || raw[0] > 0x7f || raw[0] == 0 && (len(raw) == 1 || raw[1] < 0x80) {
		f.bad = true
		return []byte{0}
	}
	return raw
}

func (f *sshFields) done() bool { return !f.bad && len(f.rest) == 0 }

type sshKey struct {
	kind, application string
	public            any
	modulusBytes      int
}

func (k sshKey) isHardware() bool { return strings.HasPrefix(k.kind, "sk-") }

func parseSSHKey(blob []byte) (k sshKey, ok bool) {
	f := &sshFields{rest: blob}
	k.kind = f.name()
	isGood := false
	switch k.kind {
	case "ssh-ed25519", "sk-ssh-ed25519@openssh.com":
		point := f.str()
		isGood = len(point) == 32 && isSafePoint(point)
		k.public = ed25519.PublicKey(point)
	case "ecdsa-sha2-nistp256", "sk-ecdsa-sha2-nistp256@openssh.com":
		curve, point := f.name(), f.str()
		if curve == "nistp256" && len(point) == 65 && point[0] == 4 {
			x, y := new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:])
			// The deprecated check is the one that takes a bare point; ecdsa.PublicKey.ECDH says the same of it.
			key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}
			_, err := key.ECDH()
			isGood, k.public = err == nil, key
		}
	case "ssh-rsa":
		e, n := f.number(), f.number()
		k.public, isGood = rsaKey(bytes.TrimPrefix(n, []byte{0}), bytes.TrimPrefix(e, []byte{0}))
		k.modulusBytes = len(bytes.TrimPrefix(n, []byte{0}))
	}
	if k.isHardware() {
		k.application = f.name()
		isGood = isGood && strings.HasPrefix(k.application, "ssh:") && len(k.application) <= 128
	}
	return k, isGood && f.done()
}

// sshCredentialID is the id of a key as a credential.
func sshCredentialID(blob []byte) string {
	sum := sha256.Sum256(blob)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

type sshsigClaim struct {
	proof                 map[string]any
	namespace, message    string
	credential, publicKey string
}

// verifySshsig answers the proof class.
func verifySshsig(c sshsigClaim) (string, bool) {
	envelope, ok := decodeBase64url(textOr(c.proof["signature"]))
	id, isID := decodeBase64url(textOr(c.proof["credential_id"]))
	isForm := ok && isID && len(id) == 32 && len(c.proof) == 3 && c.proof["kind"] == "sshsig" && len(canonical(c.proof)) <= 3000
	registered, isKey := decodeBase64url(c.publicKey)
	if !isForm || !isKey || c.proof["credential_id"] != c.credential || !bytes.HasPrefix(envelope, []byte("SSHSIG\x00\x00\x00\x01")) {
		return "", false
	}
	f := &sshFields{rest: envelope[10:]}
	key, namespace, reserved, hashName, signature := f.str(), f.str(), f.str(), f.name(), f.str()
	isMeant := f.done() && len(reserved) == 0 && string(namespace) == c.namespace && bytes.Equal(key, registered)
	hash, known := sshHash(hashName, c.message)
	parsed, isGood := parseSSHKey(registered)
	if !isMeant || !known || !isGood {
		return "", false
	}
	signed := []byte("SSHSIG")
	for _, part := range [][]byte{namespace, nil, []byte(hashName), hash} {
		signed = binary.BigEndian.AppendUint32(signed, uint32(len(part)))
		signed = append(signed, part...)
	}
	return parsed.verify(signature, signed)
}

func textOr(v any) string {
	s, isText := v.(string)
	if !isText {
		return "!"
	}
	return s
}

func sshHash(name, message string) ([]byte, bool) {
	switch name {
	case "sha256":
		sum := sha256.Sum256([]byte(message))
		return sum[:], true
	case "sha512":
		sum := sha512.Sum512([]byte(message))
		return sum[:], true
	}
	return nil, false
}

func (k sshKey) verify(blob, signed []byte) (string, bool) {
	f := &sshFields{rest: blob}
	algorithm, bare := f.name(), f.str()
	class := "possession"
	if k.isHardware() {
		seen := slices.Clone(f.take(5))
		application, data := sha256.Sum256([]byte(k.application)), sha256.Sum256(signed)
		signed = slices.Concat(application[:], seen, data[:])
		if class = "up"; seen[0]&4 != 0 {
			class = "uv"
		}
		f.bad = f.bad || seen[0]&1 == 0
	}
	return class, f.done() && k.checks(algorithm, bare, signed)
}

func (k sshKey) checks(algorithm string, bare, signed []byte) bool {
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		return algorithm == k.kind && len(bare) == 64 && ed25519.Verify(public, signed, bare)
	case *ecdsa.PublicKey:
		f := &sshFields{rest: bare}
		r, s := f.number(), f.number()
		hash := sha256.Sum256(signed)
		isForm := algorithm == k.kind && f.done() && len(r) <= 33 && len(s) <= 33
		return isForm && ecdsa.Verify(public, hash[:], new(big.Int).SetBytes(r), new(big.Int).SetBytes(s))
	case *rsa.PublicKey:
		name, known := map[string]string{"rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512"}[algorithm]
		id := map[string]crypto.Hash{"sha256": crypto.SHA256, "sha512": crypto.SHA512}[name]
		hash, _ := sshHash(name, string(signed))
		return known && len(bare) == k.modulusBytes && rsa.VerifyPKCS1v15(public, id, hash, bare) == nil
	}
	return false
}

// keyOf answers the key of a credential, agent or executor in one form, so that two spellings or uses of one key are seen to be the same.
func keyOf(m object) string {
	blob, ok := decodeBase64url(text(m, "public_key"))
	require(ok, "SCHEMA_INVALID")
	var public any
	switch {
	case m["kind"] != "credential":
		public, ok = parseSPKI(blob)
		require(ok, "SCHEMA_INVALID")
	case m["proof"] == "sshsig":
		k, isKey := parseSSHKey(blob)
		require(isKey && sshCredentialID(blob) == m["id"], "SCHEMA_INVALID")
		public = k.public
	default:
		public, ok = parseCOSE(text(m, "public_key"))
		require(ok, "SCHEMA_INVALID")
	}
	form, err := x509.MarshalPKIXPublicKey(public)
	require(err == nil, "SCHEMA_INVALID")
	return string(form)
}

// sshKeyMember is what a change of the kind ssh-key-enrolled adds; what was shown of the key must be what it is.
func sshKeyMember(c object) object {
	closed(c, "kind person key_type fingerprint application? public_key")
	blob, ok := decodeBase64url(text(c, "public_key"))
	k, isKey := parseSSHKey(blob)
	sum := sha256.Sum256(blob)
	application, _ := c["application"].(string)
	_, has := c["application"]
	isShown := c["key_type"] == k.kind && c["fingerprint"] == "SHA256:"+base64.RawStdEncoding.EncodeToString(sum[:]) &&
		has == k.isHardware() && application == k.application
	require(ok && isKey && isShown, "SCHEMA_INVALID")
	return object{"kind": "credential", "id": sshCredentialID(blob), "person": c["person"], "proof": "sshsig", "public_key": c["public_key"]}
}
