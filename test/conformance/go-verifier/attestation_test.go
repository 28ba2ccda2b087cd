package main

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"
	"time"
)

// Chains made here, valid and wrong in one place each: schemas/formats/human-proof.md §8.

const atTime = "2026-11-22T16:00:00.000Z"

var (
	model   = bytes.Repeat([]byte{0xab}, 16)
	modelID = "abababab-abab-abab-abab-abababababab"
	encode  = base64.RawURLEncoding.EncodeToString
)

func cborHead(major byte, n int) []byte {
	if n < 24 {
		return []byte{major<<5 | byte(n)}
	}
	if n < 256 {
		return []byte{major<<5 | 24, byte(n)}
	}
	return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
}

// pairs is a map in the order in which it is written.
type pairs []any

func cbor(v any) (out []byte) {
	switch v := v.(type) {
	case int:
		if v < 0 {
			return cborHead(1, -1-v)
		}
		return cborHead(0, v)
	case []byte:
		return append(cborHead(2, len(v)), v...)
	case string:
		return append(cborHead(3, len(v)), v...)
	case [][]byte:
		out = cborHead(4, len(v))
		for _, each := range v {
			out = append(out, cbor(each)...)
		}
		return out
	case pairs:
		out = cborHead(5, len(v)/2)
		for _, each := range v {
			out = append(out, cbor(each)...)
		}
		return out
	}
	panic("not a value of this test")
}

func newKey() crypto.Signer {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

func newRSAKey(bits int) crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

func coseOf(k crypto.Signer) []byte {
	public, err := k.Public().(*ecdsa.PublicKey).ECDH()
	if err != nil {
		panic(err)
	}
	point := public.Bytes()
	return cbor(pairs{1, 2, 3, -7, -1, 1, -2, point[1:33], -3, point[33:]})
}

func certificateOf(name string) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: parseTime("2026-01-01T00:00:00.000Z"), NotAfter: parseTime("2027-01-01T00:00:00.000Z"), BasicConstraintsValid: true}
}

// made is an attestation before it is written: each case changes one thing of it.
type made struct {
	root, middle, leaf          *x509.Certificate
	rootKey, middleKey, leafKey crypto.Signer
	// Who signs in place of those whose names stand there.
	leafIssuer       *x509.Certificate
	leafSigner, self crypto.Signer
	credential       crypto.Signer
	credentialID     []byte
	flags            byte
	rpID, kind       string
	statement        pairs
	clientData       string
	sendsRoot        bool
	after            []byte
	// What is written in place of parts of what is signed, by where they stand.
	insteadRoot, insteadLeaf written
}

type written map[int][]byte

func newMade(leafKey, rootKey crypto.Signer) *made {
	root, leaf := certificateOf("Root"), certificateOf("Leaf")
	root.IsCA, root.KeyUsage, root.MaxPathLen = true, x509.KeyUsageCertSign, -1
	leaf.Subject.OrganizationalUnit = []string{"Authenticator Attestation"}
	leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: append([]byte{4, 16}, model...)}}
	return &made{root: root, leaf: leaf, rootKey: rootKey, leafKey: leafKey, credential: newKey(), credentialID: []byte("credential"), flags: 0x45,
		rpID: "localhost", kind: "packed", clientData: `{"type":"webauthn.create","challenge":"AAAA","origin":"http://localhost:7420","crossOrigin":false}`}
}

func issue(of, by *x509.Certificate, public any, signer crypto.Signer) []byte {
	der, err := x509.CreateCertificate(rand.Reader, of, by, public, signer)
	if err != nil {
		panic(err)
	}
	return der
}

// withParts writes a certificate with other parts, and signs it again.
func withParts(raw []byte, instead written, signer crypto.Signer) []byte {
	if instead == nil {
		return raw
	}
	whole, parts := derValues(derOne(raw, derSequence)), [][]byte{}
	for at, each := range derValues(whole[0].content) {
		if other, has := instead[at]; has {
			each.whole = other
		}
		parts = append(parts, each.whole)
	}
	body := der(derSequence, parts...)
	return der(derSequence, body, whole[1].whole, der(derBits, []byte{0}, signed(signer, body)))
}

func der(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	length := bytes.TrimLeft(binary.BigEndian.AppendUint32(nil, uint32(len(content))), "\x00")
	if len(content) < 0x80 {
		return append([]byte{tag, byte(len(content))}, content...)
	}
	return slices.Concat([]byte{tag, 0x80 | byte(len(length))}, length, content)
}

func signed(by crypto.Signer, message []byte) []byte {
	hash := sha256.Sum256(message)
	signature, err := by.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return signature
}

// told writes it, and the statement of the enrolment that it belongs to.
func (m *made) told() (told, statement object) {
	root := withParts(issue(m.root, m.root, m.rootKey.Public(), m.rootKey), m.insteadRoot, m.rootKey)
	by, signer, sent := m.root, m.rootKey, [][]byte{}
	if m.middle != nil {
		sent = append(sent, issue(m.middle, m.root, m.middleKey.Public(), m.rootKey))
		by, signer = m.middle, m.middleKey
	}
	if m.leafIssuer != nil {
		by = m.leafIssuer
	}
	if m.leafSigner != nil {
		signer = m.leafSigner
	}
	sent = append([][]byte{withParts(issue(m.leaf, by, m.leafKey.Public(), signer), m.insteadLeaf, signer)}, sent...)
	if m.sendsRoot {
		sent = append(sent, root)
	}
	rp := sha256.Sum256([]byte(m.rpID))
	public := coseOf(m.credential)
	data := append(rp[:], m.flags, 0, 0, 0, 1)
	data = append(append(data, model...), 0, byte(len(m.credentialID)))
	data = append(append(data, m.credentialID...), public...)
	client := sha256.Sum256([]byte(m.clientData))
	algorithm, proofKey := -7, m.leafKey
	if m.self != nil {
		proofKey = m.self
	}
	if _, isRSA := m.leafKey.(*rsa.PrivateKey); isRSA {
		algorithm = -257
	}
	attested := m.statement
	if attested == nil {
		attested = pairs{"alg", algorithm, "sig", signed(proofKey, append(bytes.Clone(data), client[:]...)), "x5c", sent}
	}
	raw := append(cbor(pairs{"fmt", m.kind, "attStmt", attested, "authData", data}), m.after...)
	told = object{"object": encode(raw), "client_data": encode([]byte(m.clientData)), "root": encode(root)}
	statement = object{"rp_id": "localhost", "credential_id": encode([]byte("credential")), "public_key": encode(public), "backup_eligible": false}
	return told, statement
}

func outcomeOf(told, statement object) (shown object, outcome string) {
	outcome, _ = run(func() { shown = attested(told, statement, parseTime(atTime)) })
	return shown, outcome
}

func rootOfShown(told object) string {
	raw, _ := decodeBase64url(text(told, "root"))
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func withMiddle(m *made) {
	m.middle, m.middleKey = certificateOf("Middle"), newKey()
	m.middle.IsCA, m.middle.MaxPathLenZero = true, true
}

func TestAttestationHolds(t *testing.T) {
	cases := map[string]func() *made{
		"P-256":                func() *made { return newMade(newKey(), newKey()) },
		"RSA":                  func() *made { return newMade(newRSAKey(2048), newRSAKey(2048)) },
		"P-256 issued by RSA":  func() *made { return newMade(newKey(), newRSAKey(2048)) },
		"root sent along":      func() *made { m := newMade(newKey(), newKey()); m.sendsRoot = true; return m },
		"no model extension":   func() *made { m := newMade(newKey(), newKey()); m.leaf.ExtraExtensions = nil; return m },
		"no basicConstraints":  func() *made { m := newMade(newKey(), newKey()); m.leaf.BasicConstraintsValid = false; return m },
		"valid to the instant": func() *made { m := newMade(newKey(), newKey()); m.leaf.NotAfter = parseTime(atTime); return m },
		"an issuer between": func() *made {
			m := newMade(newKey(), newKey())
			withMiddle(m)
			m.root.MaxPathLen = 1
			return m
		},
	}
	for name, made := range cases {
		told, statement := made().told()
		shown, outcome := outcomeOf(told, statement)
		if outcome != "VALID" || !same(shown, object{"model": modelID, "root": rootOfShown(told)}) {
			t.Errorf("%s: %s %v", name, outcome, shown)
		}
	}
	// Who trusts one certificate of an authenticator alone needs no issuer of it.
	told, statement := newMade(newKey(), newKey()).told()
	raw, _ := decodeBase64url(text(told, "object"))
	top, _, _ := readMap(raw)
	told["root"] = encode(top["attStmt"].(map[any]any)["x5c"].([]any)[0].([]byte))
	if shown, outcome := outcomeOf(told, statement); outcome != "VALID" || shown["root"] != rootOfShown(told) {
		t.Errorf("a leaf that is the root: %s", outcome)
	}
}

func TestAttestationIsRefused(t *testing.T) {
	critical := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}
	cases := map[string]func(m *made){
		"format none":        func(m *made) { m.kind, m.statement = "none", pairs{} },
		"another format":     func(m *made) { m.kind = "fido-u2f" },
		"self attestation":   func(m *made) { m.statement = pairs{"alg", -7, "sig", []byte{1}} },
		"another algorithm":  func(m *made) { m.statement = pairs{"alg", -8, "sig", []byte{1}, "x5c", [][]byte{{}}} },
		"no certificate":     func(m *made) { m.statement = pairs{"alg", -7, "sig", []byte{1}, "x5c", [][]byte{}} },
		"something after it": func(m *made) { m.after = []byte{0} },
		"an assertion": func(m *made) {
			m.clientData = `{"type":"webauthn.get","challenge":"AAAA","origin":"http://localhost:7420"}`
		},
		"framed":             func(m *made) { m.clientData = `{"type":"webauthn.create","crossOrigin":true}` },
		"another rpId":       func(m *made) { m.rpID = "elsewhere" },
		"another credential": func(m *made) { m.credentialID = []byte("other") },
		"synced":             func(m *made) { m.flags |= 0x08 },
		"backed up alone":    func(m *made) { m.flags |= 0x10 },
		"another model":      func(m *made) { m.leaf.ExtraExtensions[0].Value = append([]byte{4, 16}, make([]byte, 16)...) },
		"model not wrapped":  func(m *made) { m.leaf.ExtraExtensions[0].Value = model },
		"a leaf that issues": func(m *made) { m.leaf.IsCA = true },
		"a leaf that issues without the usage": func(m *made) {
			m.leaf.IsCA, m.leaf.KeyUsage = true, x509.KeyUsageDigitalSignature
		},
		"another unit":           func(m *made) { m.leaf.Subject.OrganizationalUnit = []string{"Authenticator"} },
		"expired":                func(m *made) { m.leaf.NotAfter = parseTime(atTime).Add(-time.Second) },
		"a root that is expired": func(m *made) { m.root.NotAfter = parseTime(atTime).Add(-time.Second) },
		"not yet valid":          func(m *made) { m.leaf.NotBefore = parseTime(atTime).Add(time.Second) },
		"critical and unknown":   func(m *made) { m.leaf.ExtraExtensions = append(m.leaf.ExtraExtensions, critical) },
		"signed with SHA-512":    func(m *made) { m.leaf.SignatureAlgorithm = x509.ECDSAWithSHA512 },
		"a root that issues none": func(m *made) {
			m.root.IsCA, m.root.MaxPathLen = false, 0
		},
		"a root without the usage":  func(m *made) { m.root.KeyUsage = x509.KeyUsageDigitalSignature },
		"another issuer":            func(m *made) { m.leafIssuer = certificateOf("Other") },
		"issued by another key":     func(m *made) { m.leafSigner = newKey() },
		"signed by another key":     func(m *made) { m.self = newKey() },
		"too short a path":          func(m *made) { withMiddle(m); m.root.MaxPathLen, m.root.MaxPathLenZero = 0, true },
		"signed by its own passkey": func(m *made) { m.self = m.credential },
	}
	for name, spoil := range cases {
		m := newMade(newKey(), newKey())
		spoil(m)
		if _, outcome := outcomeOf(m.told()); outcome != "REFUSED ASSERTION_INVALID" {
			t.Errorf("%s: %s", name, outcome)
		}
	}
	told, statement := newMade(newKey(), newKey()).told()
	statement["public_key"] = encode(coseOf(newKey()))
	if _, outcome := outcomeOf(told, statement); outcome != "REFUSED ASSERTION_INVALID" {
		t.Errorf("key of another credential: %s", outcome)
	}
	small, statement := newMade(newRSAKey(1024), newKey()).told()
	if _, outcome := outcomeOf(small, statement); outcome != "REFUSED ASSERTION_INVALID" {
		t.Errorf("RSA of 1024 bits: %s", outcome)
	}
}

func TestRootIsOneCertificateOfItsOneForm(t *testing.T) {
	told, statement := newMade(newKey(), newKey()).told()
	root, _ := decodeBase64url(text(told, "root"))
	longer := append([]byte{0x30, 0x83, 0}, root[2:]...)
	for name, spoiled := range map[string][]byte{"a byte more": append(bytes.Clone(root), 0), "a longer length": longer, "none": {}} {
		told["root"] = encode(spoiled)
		if _, outcome := outcomeOf(told, statement); outcome != "REFUSED ASSERTION_INVALID" {
			t.Errorf("%s: %s", name, outcome)
		}
	}
}

// Parts of what is signed, by where they stand.
const (
	versionAt = iota
	_
	_
	_
	validityAt
	subjectAt
	keyAt
	extensionsAt
)

var (
	null, no, yes  = der(5), der(derBoolean, []byte{0}), der(derBoolean, []byte{0xff})
	zero, two      = der(derInteger, []byte{0}), der(derInteger, []byte{2})
	longTag        = []byte{0x1f, 0x81, 0, 0}
	otherExtension = "\x55\x1d\x0e"
)

func extension(name string, value ...[]byte) []byte {
	return der(derSequence, der(derID, []byte(name)), der(derOctets, value...))
}

func having(extensions ...[]byte) written {
	return written{extensionsAt: der(derMore, der(derSequence, extensions...))}
}

func constrained(values ...[]byte) written {
	return having(extension(basicConstraints, der(derSequence, values...)))
}

func validAt(said ...string) written {
	times := [][]byte{}
	for _, each := range said {
		times = append(times, der(derTime, []byte(each)))
	}
	return written{validityAt: der(derSequence, times...)}
}

func subjectOf(sets ...[]byte) written { return written{subjectAt: der(derSequence, sets...)} }

func otherwise(parts ...[]byte) written {
	return having(der(derSequence, append([][]byte{der(derID, []byte(otherExtension))}, parts...)...))
}

func used(bits ...byte) written { return having(extension(keyUsage, der(derBits, bits))) }

func numbered(values ...[]byte) written { return written{versionAt: der(derVersion, values...)} }

// What three verifiers would read in three ways, if section 8 did not say it.
func TestCertificateIsReadInOneWay(t *testing.T) {
	first, last := "00010101000000Z", "99991231235959Z"
	unit := der(derSequence, der(derID, []byte(organizationUnit)), der(0x0c, []byte("Authenticator Attestation")))
	commonName := der(derID, []byte("\x55\x04\x03"))
	name := der(derSequence, commonName, der(0x0c, []byte("Leaf")))
	inSet := func(values ...[]byte) []byte { return der(derSet, der(derSequence, values...)) }
	unitSet, value := der(derSet, unit), der(derOctets, []byte("x"))
	mayIssue := extension(basicConstraints, der(derSequence, yes))
	for expected, cases := range map[string]map[string]written{
		"VALID": {
			"leaf: version":                 numbered(two),
			"root: all years":               validAt(first, last),
			"leaf: unit last":               subjectOf(der(derSet, name), unitSet),
			"leaf: unit first":              subjectOf(der(derSet, unit, name)),
			"leaf: extension of two":        otherwise(value),
			"leaf: extension of three":      otherwise(no, value),
			"leaf: no constraints":          constrained(),
			"leaf: a flag":                  constrained(no),
			"leaf: a flag and a length":     constrained(no, zero),
			"leaf: a length":                constrained(zero),
			"root: 0":                       constrained(yes, zero),
			"root: 127":                     constrained(yes, der(derInteger, []byte{127})),
			"leaf: usage of a byte":         used(7, 0x80),
			"leaf: usage of two":            used(7, 0, 0x80),
			"leaf: no usage":                used(0, 0),
			"root: usage said to be unused": having(mayIssue, extension(keyUsage, der(derBits, []byte{3, 4}))),
		},
		"REFUSED ASSERTION_INVALID": {
			"leaf: version and another value":   numbered(two, null),
			"leaf: another version":             numbered(zero),
			"root: the year 0":                  validAt("00000101000000Z", last),
			"root: three times":                 validAt(first, last, last),
			"root: one time":                    validAt(first),
			"leaf: no SET after it":             subjectOf(unitSet, zero),
			"leaf: no SEQUENCE after it":        subjectOf(der(derSet, unit, zero)),
			"leaf: attribute of three":          subjectOf(unitSet, inSet(commonName, null, null)),
			"leaf: attribute of one":            subjectOf(unitSet, inSet(commonName)),
			"leaf: attribute of no object id":   subjectOf(unitSet, inSet(null, null)),
			"leaf: attribute of a longer tag":   subjectOf(unitSet, inSet(commonName, longTag)),
			"leaf: extension of one":            otherwise(),
			"leaf: extension of four":           otherwise(no, null, value),
			"leaf: extension without BOOLEAN":   otherwise(null, value),
			"leaf: critical of another form":    otherwise(der(derBoolean, []byte{1}), value),
			"leaf: critical":                    otherwise(yes, value),
			"leaf: extension twice":             having(extension(otherExtension), extension(otherExtension)),
			"leaf: constraints of another kind": constrained(null),
			"leaf: a flag and no length":        constrained(no, null),
			"leaf: two lengths":                 constrained(zero, zero),
			"leaf: three values":                constrained(no, zero, zero),
			"leaf: length of no byte":           constrained(der(derInteger)),
			"leaf: length of two bytes":         constrained(der(derInteger, []byte{0, 0x80})),
			"leaf: length that is negative":     constrained(der(derInteger, []byte{0x80})),
			"leaf: flag of another form":        constrained(der(derBoolean, []byte{1})),
			"leaf: constraints no SEQUENCE":     having(extension(basicConstraints, null)),
			"leaf: constraints empty":           having(extension(basicConstraints)),
			"leaf: constraints twice":           having(extension(basicConstraints, der(derSequence), der(derSequence))),
			"root: 00 02":                       constrained(yes, der(derInteger, []byte{0, 2})),
			"root: 128":                         constrained(yes, der(derInteger, []byte{0, 0x80})),
			"root: a length that is negative":   constrained(yes, der(derInteger, []byte{0x80})),
			"root: a length without a flag":     constrained(zero),
			"leaf: usage empty":                 used(),
			"leaf: usage of no byte":            used(0),
			"leaf: usage of three":              used(0, 0x80, 0, 0),
			"leaf: eight unused":                used(8, 0x80),
			"leaf: usage no BIT STRING":         having(extension(keyUsage, null)),
			"leaf: usage twice":                 having(extension(keyUsage, der(derBits, []byte{7, 0x80}), der(derBits, []byte{7, 0x80}))),
		},
	} {
		for name, instead := range cases {
			m := newMade(newKey(), newKey())
			if name[:4] == "root" {
				m.insteadRoot = instead
			} else {
				m.insteadLeaf = instead
			}
			if _, outcome := outcomeOf(m.told()); outcome != expected {
				t.Errorf("%s: %s", name, outcome)
			}
		}
	}
}

func TestValueHasATagOfOneByteAndAShortLength(t *testing.T) {
	if longest := derValues(der(derOctets, make([]byte, 0xffff))); len(longest) != 1 || len(longest[0].content) != 0xffff {
		t.Error("expected a value of 65,535 bytes")
	}
	for name, raw := range map[string][]byte{
		"a longer tag":            longTag,
		"a length of three bytes": der(derOctets, make([]byte, 0x10000)),
		"a longer length":         append([]byte{4, 0x82, 0, 0x80}, make([]byte, 0x80)...),
		"no length":               {4},
		"half a length":           {4, 0x82, 1},
		"less than it says":       {4, 2, 0},
	} {
		if outcome, _ := run(func() { derValues(raw) }); outcome != "REFUSED ASSERTION_INVALID" {
			t.Errorf("%s: %s", name, outcome)
		}
	}
}

func TestKeyIsInItsOneForm(t *testing.T) {
	k := newKey()
	spki, _ := x509.MarshalPKIXPublicKey(k.Public())
	point := derValues(derOne(spki, derSequence))[1].content[1:]
	kind := derValues(derOne(spki, derSequence))[0].whole
	hybrid := append([]byte{6 + point[64]%2}, point[1:]...)
	compressed := append([]byte{2 + point[64]%2}, point[1:33]...)
	message := []byte("message")
	for name, each := range map[string]struct {
		spki []byte
		is   bool
	}{
		"plain":              {der(derSequence, kind, der(derBits, []byte{0}, point)), true},
		"hybrid":             {der(derSequence, kind, der(derBits, []byte{0}, hybrid)), false},
		"compressed":         {der(derSequence, kind, der(derBits, []byte{0}, compressed)), false},
		"with another value": {der(derSequence, kind, der(derBits, []byte{0}, point), null), false},
		"with bits unused":   {der(derSequence, kind, der(derBits, []byte{1}, point)), false},
		"with a byte more":   {append(bytes.Clone(spki), 0), false},
	} {
		if _, ok := parseSPKI(each.spki); ok != each.is {
			t.Errorf("%s: %v", name, ok)
		}
		has := certificate{publicKey: each.spki}.hasSigned(ecdsaWithSHA256, message, signed(k, message))
		if has != each.is {
			t.Errorf("%s has signed: %v", name, has)
		}
	}
	exchange, _ := ecdh.X25519().GenerateKey(rand.Reader)
	other, _ := x509.MarshalPKIXPublicKey(exchange.Public())
	if _, ok := parseSPKI(other); ok {
		t.Error("expected a key that signs")
	}
}

func TestRSAKeyIsOfASizeThatEverybodyTakes(t *testing.T) {
	modulus := func(bits uint) []byte {
		n := new(big.Int).Lsh(big.NewInt(1), bits)
		return n.Sub(n, big.NewInt(1)).Bytes()
	}
	even := modulus(2048)
	even[len(even)-1]--
	for name, each := range map[string]struct {
		n, e []byte
		is   bool
	}{
		"3":               {modulus(2048), []byte{3}, true},
		"4096 bits":       {modulus(4096), []byte{1, 0, 1}, true},
		"2^31 - 1":        {modulus(2048), []byte{0x7f, 0xff, 0xff, 0xff}, true},
		"1":               {modulus(2048), []byte{1}, false},
		"4":               {modulus(2048), []byte{4}, false},
		"a leading zero":  {modulus(2048), []byte{0, 3}, false},
		"2^31 + 1":        {modulus(2048), []byte{0x80, 0, 0, 1}, false},
		"2^32 + 1":        {modulus(2048), []byte{1, 0, 0, 0, 1}, false},
		"2047 bits":       {modulus(2047), []byte{3}, false},
		"4097 bits":       {modulus(4097), []byte{3}, false},
		"an even modulus": {even, []byte{3}, false},
	} {
		if _, ok := rsaKey(each.n, each.e); ok != each.is {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

// enrolled is what a change of the authority makes of an enrolment in a ledger of these rules.
func enrolled(told, statement object, rules int64) (credential object, outcome string) {
	invited := newKey()
	spki, _ := x509.MarshalPKIXPublicKey(invited.Public())
	before := authority{members: map[string]object{}}.
		with(object{"kind": "ledger", "id": "ledger", "origin": "log", "tenant": "acme"}).
		with(object{"kind": "invitation", "id": "inv", "person": "prs", "public_key": encode(spki), "not_after": atTime})
	before.ref = object{"index": int64(0)}
	for name, v := range (object{"v": "countersign.enrolment.v1", "ledger": "log", "tenant": "acme", "person": "prs", "invitation": "inv", "nonce": "n"}) {
		statement[name] = v
	}
	statement["attestation"] = told
	signature := signed(invited, []byte("countersign/enrolment/v1\n"+canonical(statement)))
	change := object{"change": "credential-enrolled", "statement": statement, "signature": encode(signature)}
	genesis := object{"entry": canonical(object{"rules_version": rules})}
	e := &evidence{object: object{"authority": object{"chain": []any{genesis}}}}
	outcome, _ = run(func() {
		after, _ := e.changed(entry{object: object{"tenant": "acme", "at": atTime, "change": change}}, object{}, before)
		credential = after.get("credential", text(statement, "credential_id"))
	})
	return credential, outcome
}

func TestEnrolmentKeepsWhoVouchesForTheModel(t *testing.T) {
	told, statement := newMade(newKey(), newKey()).told()
	credential, outcome := enrolled(told, statement, 2)
	if outcome != "VALID" || !same(credential["attestation"], object{"model": modelID, "root": rootOfShown(told)}) {
		t.Errorf("rules 2: %s %v", outcome, credential)
	}
	if _, outcome := enrolled(told, statement, 1); outcome != "REFUSED EVIDENCE_FORMAT" {
		t.Errorf("rules 1: %s", outcome)
	}
	m := newMade(newKey(), newKey())
	m.self = newKey()
	told, statement = m.told()
	if _, outcome := enrolled(told, statement, 2); outcome != "REFUSED ASSERTION_INVALID" {
		t.Errorf("signed by another key: %s", outcome)
	}
}

func TestFoundingVouchesForNoModel(t *testing.T) {
	founding := func(bootstrap, more object) object {
		member := object{"kind": "credential", "id": "c", "person": "prs", "public_key": encode(coseOf(newKey()))}
		for name, v := range more {
			member[name] = v
		}
		bootstrap["proof_classes"] = []any{"uv"}
		return object{"origin": "log", "tenant": "acme", "bootstrap": bootstrap, "recovery": object{"quorum": int64(1)}, "policy": object{},
			"log_keys": []any{}, "members": []any{member}}
	}
	shown := object{"attestation": object{"model": modelID, "root": someRoot}}
	for name, each := range map[string]struct {
		genesis  object
		expected string
	}{
		"plain":      {founding(object{}, object{}), "VALID"},
		"credential": {founding(object{}, shown), "REFUSED GENESIS_MISMATCH"},
		"bootstrap":  {founding(object{"attested": []any{object{"root": someRoot}}}, object{}), "REFUSED GENESIS_MISMATCH"},
	} {
		if outcome, _ := run(func() { found(each.genesis) }); outcome != each.expected {
			t.Errorf("%s: %s", name, outcome)
		}
	}
}

func TestDecisionCountsByAListedModelAlone(t *testing.T) {
	known := object{"model": modelID, "root": someRoot}
	one, other := []any{object{"root": someRoot, "models": []any{modelID}}}, []any{object{"root": otherRoot}}
	for name, each := range map[string]struct {
		attestation, attested any
		expected              string
	}{
		"not asked for": {nil, nil, "VALID"},
		"listed":        {known, one, "VALID"},
		"another root":  {known, other, "REFUSED AUTHENTICATOR_CLASS"},
		"no model":      {nil, one, "REFUSED AUTHENTICATOR_CLASS"},
	} {
		if outcome := decided(each.attestation, each.attested); outcome != each.expected {
			t.Errorf("%s: %s", name, outcome)
		}
	}
}

// decided is what comes of an approval by a passkey of this attestation, under a rule with this list.
func decided(attestation, attested any) string {
	passkey := newKey()
	credential := object{"kind": "credential", "id": encode([]byte("credential")), "person": "prs", "public_key": encode(coseOf(passkey)),
		"rp_id": "localhost", "backup_eligible": false}
	requirement := object{"approvers": "any", "proof_classes": []any{"uv"}}
	if attestation != nil {
		credential["attestation"] = attestation
	}
	if attested != nil {
		requirement["attested"] = attested
	}
	a := authority{members: map[string]object{}}.
		with(object{"kind": "ledger", "id": "ledger", "rps": []any{object{"id": "localhost", "origins": []any{"http://localhost:7420"}}}}).
		with(object{"kind": "person", "id": "prs", "class": "natural"}).
		with(credential)
	d := object{"rationale_digest": someRoot, "person": "prs", "credential": credential["id"], "not_after": atTime}
	statement := object{"v": "countersign.decision.v1"}
	b := object{"statement": statement, "requirement": requirement, "excluded": []any{}, "at": atTime, "use_by": atTime}
	challenge := rawDigest(digest("decision", canonical(object{"v": statement["v"], "rationale_digest": someRoot, "person": "prs",
		"credential": credential["id"], "not_after": atTime})))
	client := canonical(object{"type": "webauthn.get", "challenge": encode(challenge[:]), "origin": "http://localhost:7420"})
	rp, hash := sha256.Sum256([]byte("localhost")), sha256.Sum256([]byte(client))
	data := append(rp[:], 0x05, 0, 0, 0, 1)
	d["leaf"], d["proof_class"] = someRoot, "uv"
	d["proof"] = object{"kind": "webauthn", "credential_id": credential["id"], "authenticator_data": encode(data),
		"client_data_json": encode([]byte(client)), "signature": encode(signed(passkey, append(bytes.Clone(data), hash[:]...)))}
	outcome, _ := run(func() { checkDecision(d, b, a, trustFile{proofClasses: []any{"uv"}}) })
	return outcome
}

var someRoot, otherRoot = digest("test", "some"), digest("test", "other")

func ruleWith(attested any) object {
	return object{"attested": attested, "proof_classes": []any{"uv"}}
}

func TestAttestedHasAForm(t *testing.T) {
	many := []any{}
	for i := range 17 {
		many = append(many, object{"root": digest("test", string(rune('a'+i)))})
	}
	some := object{"root": someRoot}
	models := func(models ...any) []any { return []any{object{"root": someRoot, "models": models}} }
	for name, rule := range map[string]object{
		"none":            {"proof_classes": []any{"possession"}},
		"one root":        ruleWith([]any{some}),
		"sixteen":         ruleWith(many[:16]),
		"one model":       ruleWith(models(modelID)),
		"two, one listed": ruleWith(append(models(modelID), object{"root": otherRoot})),
	} {
		if outcome, _ := run(func() { checkAttested(rule) }); outcome != "VALID" {
			t.Errorf("%s: %s", name, outcome)
		}
	}
	for name, rule := range map[string]object{
		"empty":             ruleWith([]any{}),
		"no list":           ruleWith(true),
		"seventeen":         ruleWith(many),
		"a root twice":      ruleWith([]any{some, some}),
		"no digest":         ruleWith([]any{object{"root": "sha256:00"}}),
		"another member":    ruleWith([]any{object{"root": someRoot, "name": "x"}}),
		"no model":          ruleWith(models()),
		"a model twice":     ruleWith(models(modelID, modelID)),
		"capitals":          ruleWith(models("ABABABAB-abab-abab-abab-abababababab")),
		"beside possession": {"attested": []any{some}, "proof_classes": []any{"uv", "possession"}},
	} {
		if outcome, _ := run(func() { checkAttested(rule) }); outcome != "REFUSED POLICY_MISMATCH" {
			t.Errorf("%s: %s", name, outcome)
		}
	}
}

func TestAttestedIsJoined(t *testing.T) {
	rule := func(id string, extra object) object {
		made := object{"id": id, "approvals": int64(1), "approvers": "any", "proof_classes": []any{"uv"}, "rationale": "optional",
			"decide_within_s": int64(1), "use_within_s": int64(1), "start_within_s": int64(1), "max_uses": int64(1)}
		for name, v := range extra {
			made[name] = v
		}
		return made
	}
	some, other := object{"attested": []any{object{"root": someRoot}}}, object{"attested": []any{object{"root": otherRoot}}}
	for name, pair := range map[string][2]object{"first alone": {some, {}}, "second alone": {{}, some}, "alike": {some, some}} {
		requirement := requirementOf(joinedOf(rule("a", pair[0]), rule("b", pair[1]), object{}))
		if !same(requirement["attested"], some["attested"]) {
			t.Errorf("%s: %v", name, requirement)
		}
	}
	if _, has := requirementOf(joinedOf(rule("a", object{}), rule("b", object{}), object{}))["attested"]; has {
		t.Error("expected none of two rules without")
	}
	if outcome, _ := run(func() { joinedOf(rule("a", some), rule("b", other), object{}) }); outcome != "REFUSED POLICY_MISMATCH" {
		t.Errorf("two lists: %s", outcome)
	}
}

func TestModelIsOnTheList(t *testing.T) {
	credential := object{"attestation": object{"model": modelID, "root": someRoot}}
	whole, limited := object{"root": someRoot}, object{"root": someRoot, "models": []any{modelID}}
	another := object{"root": someRoot, "models": []any{"00000000-0000-0000-0000-000000000000"}}
	elsewhere := object{"root": otherRoot}
	for name, makers := range map[string][]object{"root": {elsewhere, whole}, "model": {limited}} {
		if !isOfModel(credential, makers) {
			t.Errorf("expected %s to be on the list", name)
		}
	}
	for name, makers := range map[string][]object{"another model": {another}, "another root": {elsewhere}} {
		if isOfModel(credential, makers) {
			t.Errorf("expected %s not to be on the list", name)
		}
	}
	if isOfModel(object{"proof": "sshsig"}, []object{whole}) || isOfModel(object{"backup_eligible": false}, []object{whole}) {
		t.Error("expected no key that nobody vouches for")
	}
}
