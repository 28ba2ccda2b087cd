package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"math"
	"slices"
	"time"
)

// X.509 as schemas/formats/human-proof.md §8 reads it. crypto/x509 would refuse some that the page takes, and take some that it refuses.

type certificate struct {
	der, signed, signature     []byte
	algorithm, issuer, subject string
	notBefore, notAfter        time.Time
	publicKey                  []byte
	isIssuer, maySign          bool
	// below is how many issuers may stand between it and the one that signs an attestation.
	below      int64
	extensions map[string][]byte
}

// Contents of object ids.
const (
	ecdsaWithSHA256  = "\x2a\x86\x48\xce\x3d\x04\x03\x02"
	rsaWithSHA256    = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
	basicConstraints = "\x55\x1d\x13"
	keyUsage         = "\x55\x1d\x0f"
	extKeyUsage      = "\x55\x1d\x25"
	organizationUnit = "\x55\x04\x0b"
	modelExtension   = "\x2b\x06\x01\x04\x01\x82\xe5\x1c\x01\x01\x04"
)

// First bytes of values of DER.
const (
	derBoolean  = 0x01
	derInteger  = 0x02
	derBits     = 0x03
	derOctets   = 0x04
	derID       = 0x06
	derUTCTime  = 0x17
	derTime     = 0x18
	derSequence = 0x30
	derSet      = 0x31
	derVersion  = 0xa0
	derMore     = 0xa3
)

// derValue is one value of DER: what is inside, and all of it.
type derValue struct {
	tag            byte
	content, whole []byte
}

// derValues reads the values that a content has, one after the other.
func derValues(content []byte) (values []derValue) {
	for len(content) > 0 {
		value := derFirst(content)
		values, content = append(values, value), content[len(value.whole):]
	}
	return values
}

// derFirst reads the value that these bytes begin with: encoding/asn1 takes tags of more bytes, and longer lengths.
func derFirst(raw []byte) derValue {
	require(len(raw) >= 2 && raw[0]&0x1f != 0x1f, "ASSERTION_INVALID")
	length, start := int(raw[1]), 2
	if length >= 0x80 {
		size := length & 0x7f
		start += size
		require(size >= 1 && size <= 2 && len(raw) >= start, "ASSERTION_INVALID")
		length = 0
		for _, digit := range raw[2:start] {
			length = length<<8 | int(digit)
		}
		require(length >= []int{0x80, 0x100}[size-1], "ASSERTION_INVALID")
	}
	require(length <= len(raw)-start, "ASSERTION_INVALID")
	return derValue{raw[0], raw[start : start+length], raw[:start+length]}
}

// derAt is the content of the value at this place, which is of this tag.
func derAt(values []derValue, at int, tag byte) []byte {
	require(at < len(values), "ASSERTION_INVALID")
	return values[at].of(tag)
}

// of is its content, where it is of this tag.
func (v derValue) of(tag byte) []byte {
	require(v.tag == tag, "ASSERTION_INVALID")
	return v.content
}

// derOne is the content of the one value that there is.
func derOne(raw []byte, tag byte) []byte {
	values := derValues(raw)
	require(len(values) == 1, "ASSERTION_INVALID")
	return derAt(values, 0, tag)
}

func derTruth(value derValue) bool {
	said := value.of(derBoolean)
	require(len(said) == 1 && (said[0] == 0 || said[0] == 0xff), "ASSERTION_INVALID")
	return said[0] == 0xff
}

func parseCertificate(der []byte) certificate {
	parts := derValues(derOne(der, derSequence))
	body := derValues(derAt(parts, 0, derSequence))
	algorithm, bits := derAt(parts, 1, derSequence), derAt(parts, 2, derBits)
	isWhole := len(parts) == 3 && len(body) >= 7 && len(bits) > 0 && bits[0] == 0
	require(isWhole && bytes.Equal(algorithm, derAt(body, 2, derSequence)), "ASSERTION_INVALID")
	require(bytes.Equal(derOne(derAt(body, 0, derVersion), derInteger), []byte{2}), "ASSERTION_INVALID")
	derAt(body, 1, derInteger)
	derAt(body, 3, derSequence)
	derAt(body, 5, derSequence)
	derAt(body, 6, derSequence)
	times := derValues(derAt(body, 4, derSequence))
	c := certificate{der: der, signed: parts[0].whole, signature: bits[1:],
		algorithm: string(derAt(derValues(algorithm), 0, derID)),
		issuer:    string(body[3].whole), subject: string(body[5].whole), publicKey: body[6].whole,
		notBefore: derMoment(times, 0), notAfter: derMoment(times, 1), extensions: extensionsIn(body[7:])}
	require(len(times) == 2 && (c.algorithm == ecdsaWithSHA256 || c.algorithm == rsaWithSHA256), "ASSERTION_INVALID")
	c.readConstraints()
	return c
}

func extensionsIn(rest []derValue) map[string][]byte {
	found := map[string][]byte{}
	at := slices.IndexFunc(rest, func(value derValue) bool { return value.tag == derMore })
	if at < 0 {
		return found
	}
	for _, extension := range derValues(derOne(rest[at].content, derSequence)) {
		parts := derValues(extension.of(derSequence))
		name := string(derAt(parts, 0, derID))
		if len(parts) == 3 {
			isKnown := name == basicConstraints || name == keyUsage || name == extKeyUsage
			require(!derTruth(parts[1]) || isKnown, "ASSERTION_INVALID")
		}
		_, isTwice := found[name]
		require(!isTwice && len(parts) <= 3, "ASSERTION_INVALID")
		found[name] = derAt(parts, len(parts)-1, derOctets)
	}
	return found
}

// readConstraints reads what is there, also of a certificate that may issue none.
func (c *certificate) readConstraints() {
	c.below, c.maySign = math.MaxInt64, true
	if usage, has := c.extensions[keyUsage]; has {
		bits := derOne(usage, derBits)
		require((len(bits) == 2 || len(bits) == 3) && bits[0] <= 7, "ASSERTION_INVALID")
		c.maySign = bits[1]&0x04 != 0
	}
	constraints, has := c.extensions[basicConstraints]
	if !has {
		return
	}
	values := derValues(derOne(constraints, derSequence))
	if len(values) > 0 && values[0].tag == derBoolean {
		c.isIssuer = derTruth(values[0])
		values = values[1:]
	}
	if len(values) > 0 {
		below := derAt(values, 0, derInteger)
		require(len(values) == 1 && len(below) == 1 && below[0] <= 127, "ASSERTION_INVALID")
		c.below = int64(below[0])
	}
}

// derMoment is a time as RFC 5280 §4.1.2.5 has it: whole seconds in UTC, in the years 1 to 9999.
func derMoment(times []derValue, at int) time.Time {
	require(at < len(times), "ASSERTION_INVALID")
	said := string(times[at].content)
	if times[at].tag == derUTCTime {
		century := "20"
		if said >= "5" {
			century = "19"
		}
		said = century + said
	} else {
		derAt(times, at, derTime)
	}
	moment, err := time.Parse("20060102150405Z", said)
	require(err == nil && len(said) == len("20060102150405Z") && moment.Year() > 0, "ASSERTION_INVALID")
	return moment
}

// hasUnit reads all of the subject, so that where the unit stands changes nothing.
func (c certificate) hasUnit(unit string) (has bool) {
	for _, set := range derValues(derOne([]byte(c.subject), derSequence)) {
		for _, attribute := range derValues(set.of(derSet)) {
			parts := derValues(attribute.of(derSequence))
			require(len(parts) == 2, "ASSERTION_INVALID")
			name := string(parts[0].of(derID))
			has = has || name == organizationUnit && string(parts[1].content) == unit
		}
	}
	return has
}

// hasSigned checks a signature under its key, which is of this algorithm.
func (c certificate) hasSigned(algorithm string, message, signature []byte) bool {
	key, ok := parseSPKI(c.publicKey)
	isKind := false
	switch key.(type) {
	case *ecdsa.PublicKey:
		isKind = algorithm == ecdsaWithSHA256
	case *rsa.PublicKey:
		isKind = algorithm == rsaWithSHA256
	}
	return ok && isKind && signatureValid(key, message, signature)
}
