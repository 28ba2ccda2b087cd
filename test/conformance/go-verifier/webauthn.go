package main

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"
)

// schemas/formats/human-proof.md. Every refusal is the same code, so false is all that is told.

const cryptoSHA256 = crypto.SHA256

type assertionClaim struct {
	proof            map[string]any
	challenge        [32]byte
	credential, cose string
	origins, rpIDs   []string
	onlyUserVerified bool
}

// verifyAssertion answers the proof class.
func verifyAssertion(c assertionClaim) (string, bool) {
	raw := map[string][]byte{}
	for _, name := range []string{"credential_id", "authenticator_data", "client_data_json", "signature"} {
		text, isText := c.proof[name].(string)
		decoded, ok := decodeBase64url(text)
		if !isText || !ok {
			return "", false
		}
		raw[name] = decoded
	}
	id := len(raw["credential_id"])
	isForm := len(c.proof) == 5 && c.proof["kind"] == "webauthn" && len(canonical(c.proof)) <= 3000 && id > 0 && id <= 1023
	if !isForm || c.proof["credential_id"] != c.credential || !clientDataValid(raw["client_data_json"], c) {
		return "", false
	}
	data, ok := readAuthenticatorData(raw["authenticator_data"], c.rpIDs)
	if !ok || data.flags&1 == 0 || c.onlyUserVerified && data.flags&4 == 0 {
		return "", false
	}
	key, ok := parseCOSE(c.cose)
	hash := sha256.Sum256(raw["client_data_json"])
	message := append(bytes.Clone(raw["authenticator_data"]), hash[:]...)
	if !ok || !signatureValid(key, message, raw["signature"]) {
		return "", false
	}
	if data.flags&4 != 0 {
		return "uv", true
	}
	return "up", true
}

func clientDataValid(raw []byte, c assertionClaim) bool {
	data, ok := readClientData(raw)
	origin, _ := data["origin"].(string)
	challenge := base64.RawURLEncoding.EncodeToString(c.challenge[:])
	return ok && data["type"] == "webauthn.get" && data["challenge"] == challenge && slices.Contains(c.origins, origin)
}

// readClientData reads that of a page which is nobody else's frame.
func readClientData(raw []byte) (object, bool) {
	if len(raw) > 1024 {
		return nil, false
	}
	v, err := parseJSON(raw)
	data, ok := v.(object)
	crossOrigin, hasCross := data["crossOrigin"]
	_, hasTop := data["topOrigin"]
	_, hasBinding := data["tokenBinding"]
	return data, err == nil && ok && (!hasCross || crossOrigin == false) && !hasTop && !hasBinding
}

// authenticatorData holds of the credential what a registration says; an assertion has none, or repeats it.
type authenticatorData struct {
	flags                          byte
	model, credentialID, publicKey []byte
}

func readAuthenticatorData(raw []byte, rpIDs []string) (data authenticatorData, ok bool) {
	if len(raw) < 37 {
		return data, false
	}
	flags, rest, ok := raw[32], raw[37:], true
	data.flags = flags
	if flags&0x40 != 0 {
		if len(rest) < 18 || len(rest) < 18+uint16At(rest[16:]) {
			return data, false
		}
		key := rest[18+uint16At(rest[16:]):]
		data.model, data.credentialID = rest[:16], rest[18:len(rest)-len(key)]
		if _, rest, ok = readMap(key); !ok {
			return data, false
		}
		data.publicKey = key[:len(key)-len(rest)]
	}
	if flags&0x80 != 0 {
		_, rest, ok = readMap(rest)
	}
	isOurs := slices.ContainsFunc(rpIDs, func(id string) bool {
		hash := sha256.Sum256([]byte(id))
		return bytes.Equal(hash[:], raw[:32])
	})
	isStateGood := flags&0x10 == 0 || flags&0x08 != 0
	return data, ok && len(rest) == 0 && isOurs && isStateGood
}

func parseCOSE(text string) (any, bool) {
	raw, ok := decodeBase64url(text)
	m, rest, isMap := readMap(raw)
	if !ok || !isMap || len(rest) != 0 {
		return nil, false
	}
	at := func(label int64) []byte { b, _ := m[label].([]byte); return b }
	switch {
	case m[int64(1)] == int64(2) && m[int64(3)] == int64(-7) && m[int64(-1)] == int64(1) && len(m) == 5:
		x, y := at(-2), at(-3)
		prefix, _ := hex.DecodeString("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
		key, ok := parseSPKI(slices.Concat(prefix, x, y))
		return key, ok && len(x) == 32 && len(y) == 32
	case m[int64(1)] == int64(1) && m[int64(3)] == int64(-8) && m[int64(-1)] == int64(6) && len(m) == 4:
		return ed25519.PublicKey(at(-2)), len(at(-2)) == 32 && isSafePoint(at(-2))
	case m[int64(1)] == int64(3) && m[int64(3)] == int64(-257) && len(m) == 4:
		return rsaKey(at(-1), at(-2))
	}
	return nil, false
}

func isSafePoint(raw []byte) bool {
	y := slices.Clone(raw)
	slices.Reverse(y)
	y[0] &= 0x7f
	n := new(big.Int).SetBytes(y)
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	small := []string{"0", "1", new(big.Int).Sub(p, big.NewInt(1)).Text(16),
		"7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7", "5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826"}
	return n.Cmp(p) < 0 && !slices.Contains(small, n.Text(16))
}

func rsaKey(n, e []byte) (any, bool) {
	if len(n) == 0 || n[0] == 0 || len(e) == 0 || len(e) > 4 || e[0] == 0 {
		return nil, false
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	return key, isRSASize(key)
}

// isRSASize tells what every verifier takes.
func isRSASize(key *rsa.PublicKey) bool {
	isExponent := key.E >= 3 && key.E <= math.MaxInt32 && key.E%2 == 1
	return isExponent && key.N.BitLen() >= 2048 && key.N.BitLen() <= 4096 && key.N.Bit(0) == 1
}

func readMap(raw []byte) (map[any]any, []byte, bool) {
	v, rest, ok := readCBOR(raw, 0)
	m, isMap := v.(map[any]any)
	return m, rest, ok && isMap
}

// readCBOR reads one item: integers, byte and text strings, arrays, maps, false, true, null, in shortest form.
func readCBOR(raw []byte, depth int) (any, []byte, bool) {
	major, n, rest, ok := readHead(raw)
	if !ok || depth > 8 {
		return nil, nil, false
	}
	switch major {
	case 0:
		return int64(n), rest, true
	case 1:
		return -1 - int64(n), rest, true
	case 2, 3:
		if n > uint64(len(rest)) {
			return nil, nil, false
		}
		if major == 2 {
			return rest[:n], rest[n:], true
		}
		return string(rest[:n]), rest[n:], utf8.Valid(rest[:n])
	case 4, 5:
		return readItems(major, n, rest, depth)
	}
	simple := map[uint64]any{20: false, 21: true, 22: nil}
	v, known := simple[n]
	return v, rest, major == 7 && known && raw[0]&0x1f < 24
}

func readItems(major byte, n uint64, rest []byte, depth int) (any, []byte, bool) {
	m, list := map[any]any{}, []any{}
	for ; n > 0; n-- {
		v, next, ok := readCBOR(rest, depth+1)
		if !ok {
			return nil, nil, false
		}
		rest = next
		if major == 4 {
			list = append(list, v)
			continue
		}
		_, isText := v.(string)
		_, isInteger := v.(int64)
		if !isText && !isInteger {
			return nil, nil, false
		}
		if _, twice := m[v]; twice {
			return nil, nil, false
		}
		if m[v], rest, ok = readCBOR(rest, depth+1); !ok {
			return nil, nil, false
		}
	}
	if major == 4 {
		return list, rest, true
	}
	return m, rest, true
}

func readHead(raw []byte) (major byte, n uint64, rest []byte, ok bool) {
	if len(raw) == 0 {
		return
	}
	major, info := raw[0]>>5, raw[0]&0x1f
	if info < 24 {
		return major, uint64(info), raw[1:], true
	}
	width := 1 << (info - 24)
	if info > 27 || len(raw) < 1+width {
		return
	}
	n = binary.BigEndian.Uint64(append(make([]byte, 8-width), raw[1:1+width]...))
	smallest := map[int]uint64{1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[width]
	return major, n, raw[1+width:], n >= smallest && n < maxInteger
}
