package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math"
	"math/big"
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

// derValues reads the values that a content has, one after the other.
func derValues(content []byte) (values []asn1.RawValue) {
	for len(content) > 0 {
		var value asn1.RawValue
		rest, err := asn1.Unmarshal(content, &value)
		require(err == nil, "ASSERTION_INVALID")
		values, content = append(values, value), rest
	}
	return values
}

// derAt is the content of the value at this place, which is of this tag.
func derAt(values []asn1.RawValue, at int, tag byte) []byte {
	require(at < len(values) && values[at].FullBytes[0] == tag, "ASSERTION_INVALID")
	return values[at].Bytes
}

// derOne is the content of the one value that there is.
func derOne(raw []byte, tag byte) []byte {
	values := derValues(raw)
	require(len(values) == 1, "ASSERTION_INVALID")
	return derAt(values, 0, tag)
}

func derTruth(value asn1.RawValue) bool {
	said := derAt([]asn1.RawValue{value}, 0, derBoolean)
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
	c := certificate{der: der, signed: parts[0].FullBytes, signature: bits[1:],
		algorithm: string(derAt(derValues(algorithm), 0, derID)),
		issuer:    string(body[3].FullBytes), subject: string(body[5].FullBytes), publicKey: body[6].FullBytes,
		notBefore: derMoment(times, 0), notAfter: derMoment(times, 1), extensions: extensionsIn(body[7:])}
	require(len(times) == 2 && (c.algorithm == ecdsaWithSHA256 || c.algorithm == rsaWithSHA256), "ASSERTION_INVALID")
	c.readConstraints()
	return c
}

func extensionsIn(rest []asn1.RawValue) map[string][]byte {
	found := map[string][]byte{}
	at := slices.IndexFunc(rest, func(value asn1.RawValue) bool { return value.FullBytes[0] == derMore })
	if at < 0 {
		return found
	}
	for _, extension := range derValues(derOne(rest[at].Bytes, derSequence)) {
		parts := derValues(derAt([]asn1.RawValue{extension}, 0, derSequence))
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

func (c *certificate) readConstraints() {
	c.below, c.maySign = math.MaxInt64, true
	if usage, has := c.extensions[keyUsage]; has {
		bits := derOne(usage, derBits)
		c.maySign = len(bits) > 1 && bits[1]&0x04 != 0
	}
	constraints, has := c.extensions[basicConstraints]
	if !has {
		return
	}
	values := derValues(derOne(constraints, derSequence))
	c.isIssuer = len(values) > 0 && values[0].FullBytes[0] == derBoolean && derTruth(values[0])
	if c.isIssuer && len(values) > 1 {
		below := new(big.Int)
		_, err := asn1.Unmarshal(values[1].FullBytes, &below)
		require(err == nil && below.IsInt64() && below.Sign() >= 0, "ASSERTION_INVALID")
		c.below = below.Int64()
	}
}

// derMoment is a time as RFC 5280 §4.1.2.5 has it: whole seconds in UTC.
func derMoment(times []asn1.RawValue, at int) time.Time {
	require(at < len(times), "ASSERTION_INVALID")
	said := string(times[at].Bytes)
	if times[at].FullBytes[0] == derUTCTime {
		century := "20"
		if said >= "5" {
			century = "19"
		}
		said = century + said
	} else {
		derAt(times, at, derTime)
	}
	moment, err := time.Parse("20060102150405Z", said)
	require(err == nil && len(said) == len("20060102150405Z"), "ASSERTION_INVALID")
	return moment
}

func (c certificate) hasUnit(unit string) bool {
	for _, set := range derValues(derOne([]byte(c.subject), derSequence)) {
		for _, attribute := range derValues(derAt([]asn1.RawValue{set}, 0, derSet)) {
			parts := derValues(derAt([]asn1.RawValue{attribute}, 0, derSequence))
			if string(derAt(parts, 0, derID)) == organizationUnit && len(parts) == 2 && string(parts[1].Bytes) == unit {
				return true
			}
		}
	}
	return false
}

// hasSigned checks a signature under its key, which is of this algorithm.
func (c certificate) hasSigned(algorithm string, message, signature []byte) bool {
	key, err := x509.ParsePKIXPublicKey(c.publicKey)
	if err != nil {
		return false
	}
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		return algorithm == ecdsaWithSHA256 && signatureValid(key, message, signature)
	case *rsa.PublicKey:
		isSize := key.N.BitLen() >= 2048 && key.N.BitLen() <= 4096
		return algorithm == rsaWithSHA256 && isSize && signatureValid(key, message, signature)
	}
	return false
}
