package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
)

// schemas/formats/checkpoint-and-receipt.md.

func leafHash(entry string) [32]byte {
	return sha256.Sum256(append([]byte{0}, entry...))
}

func nodeHash(left, right [32]byte) [32]byte {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func leafName(hash [32]byte) string {
	return "sha256:" + hex.EncodeToString(hash[:])
}

// rootOf is the root of a whole tree, by the definition of RFC 6962 §2.1.
func rootOf(leaves [][32]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	return nodeHash(rootOf(leaves[:k]), rootOf(leaves[k:]))
}

// climb recomputes the root that an inclusion proof leads to, by RFC 9162 §2.1.3.2.
func climb(hash [32]byte, index, size int64, path [][32]byte) ([32]byte, bool) {
	if index < 0 || index >= size {
		return hash, false
	}
	fn, sn := index, size-1
	for _, p := range path {
		if sn == 0 {
			return hash, false
		}
		if fn&1 == 1 || fn == sn {
			hash = nodeHash(p, hash)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			hash = nodeHash(hash, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	return hash, sn == 0
}

var strictBase64 = base64.StdEncoding.Strict()

// decodeBase64 refuses the line breaks that the standard library skips.
func decodeBase64(text string) ([]byte, bool) {
	raw, err := strictBase64.DecodeString(text)
	return raw, err == nil && !strings.ContainsAny(text, "\r\n")
}

func decodeBase64url(text string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return raw, err == nil && !strings.ContainsAny(text, "\r\n")
}

func decodeHash(text string) ([32]byte, bool) {
	raw, ok := decodeBase64(text)
	if !ok || len(raw) != 32 {
		return [32]byte{}, false
	}
	return [32]byte(raw), true
}

func decodeDecimal(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0 && n <= maxInteger && strconv.FormatInt(n, 10) == text
}

type logKey struct {
	name, id, vkey string
	key            any
}

var ed25519Prefix = []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}

func parseLogKey(vkey string) (logKey, bool) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return logKey{}, false
	}
	typed, ok := decodeBase64(parts[2])
	if !ok || len(typed) < 2 {
		return logKey{}, false
	}
	covered, spki := typed[1:], typed[1:]
	if typed[0] == 1 {
		covered = append([]byte(parts[0]+"\n"), typed...)
		spki = append(bytes.Clone(ed25519Prefix), typed[1:]...)
	} else if typed[0] != 2 || len(spki) != 91 {
		return logKey{}, false
	}
	id := sha256.Sum256(covered)
	key, isKey := parseSPKI(spki)
	return logKey{parts[0], parts[1], vkey, key}, isKey && parts[1] == hex.EncodeToString(id[:4])
}

// parseSPKI takes a key in its one form: written in another one it would have another thumbprint.
func parseSPKI(spki []byte) (any, bool) {
	key, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, false
	}
	switch key.(type) {
	case ed25519.PublicKey, *ecdsa.PublicKey, *rsa.PublicKey:
		form, err := x509.MarshalPKIXPublicKey(key)
		return key, err == nil && bytes.Equal(form, spki)
	}
	return nil, false
}

// signatureValid dispatches on the kind of key; a key of another kind never verifies.
func signatureValid(key any, message, signature []byte) bool {
	hash := sha256.Sum256(message)
	switch key := key.(type) {
	case ed25519.PublicKey:
		return len(signature) == ed25519.SignatureSize && ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		return key.Curve.Params().Name == "P-256" && ecdsa.VerifyASN1(key, hash[:], signature)
	case *rsa.PublicKey:
		return isRSASize(key) && rsa.VerifyPKCS1v15(key, cryptoSHA256, hash[:], signature) == nil
	}
	return false
}

type receiptReader struct {
	trust trustFile
	spans []keySpan
	heads map[string]head
}

type head struct {
	size int64
	root [32]byte
}

// parseReceipt reads a receipt and verifies nothing.
func parseReceipt(receipt string) (index int64, path [][32]byte, note string) {
	top, rest, found := strings.Cut(receipt, "\n\n")
	lines := strings.Split(top, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) > 65 || rest == "" {
		refuse("NOT_LOGGED")
	}
	index, ok := decodeDecimal(strings.TrimPrefix(lines[1], "index "))
	if !ok || !strings.HasPrefix(lines[1], "index ") {
		refuse("NOT_LOGGED")
	}
	path = make([][32]byte, len(lines)-2)
	for i, line := range lines[2:] {
		if path[i], ok = decodeHash(line); !ok {
			refuse("NOT_LOGGED")
		}
	}
	return index, path, rest
}

// position checks a receipt and answers where the entry stands in the log.
func (r receiptReader) position(receipt string, leaf [32]byte) int64 {
	index, path, note := parseReceipt(receipt)
	h := r.checkpoint(note)
	root, ok := climb(leaf, index, h.size, path)
	if !ok || root != h.root {
		refuse("NOT_LOGGED")
	}
	return index
}

func (r receiptReader) checkpoint(note string) head {
	if h, known := r.heads[note]; known {
		return h
	}
	split := strings.LastIndex(note, "\n\n")
	if split < 0 || !strings.HasSuffix(note, "\n") || strings.ContainsFunc(note, func(c rune) bool { return c < ' ' && c != '\n' }) {
		refuse("CHECKPOINT_INVALID")
	}
	text := note[:split+1]
	h := r.readHead(text)
	isSigned, isValid := false, false
	lines := strings.Split(strings.TrimSuffix(note[split+2:], "\n"), "\n")
	for _, line := range lines {
		name, encoded, ok := strings.Cut(strings.TrimPrefix(line, "— "), " ")
		raw, isBase64 := decodeBase64(encoded)
		if !ok || !strings.HasPrefix(line, "— ") || name == "" || !isBase64 || len(raw) < 5 || len(lines) > 100 {
			refuse("CHECKPOINT_INVALID")
		}
		for _, key := range r.spans {
			if key.name != name || key.id != hex.EncodeToString(raw[:4]) {
				continue
			}
			if !signatureValid(key.key, []byte(text), raw[4:]) {
				refuse("CHECKPOINT_INVALID")
			}
			isSigned = true
			isValid = isValid || (key.from <= h.size && h.size <= key.until)
		}
	}
	if !isSigned {
		refuse("LOG_KEY_UNKNOWN")
	}
	if !isValid {
		refuse("SIGNING_KEY_NOT_VALID_AT")
	}
	if r.trust.pinned != nil && r.trust.pinned.size == h.size && r.trust.pinned.root != h.root {
		refuse("EQUIVOCATION")
	}
	r.heads[note] = h
	return h
}

func (r receiptReader) readHead(text string) head {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 || lines[0] != r.trust.origin {
		refuse("CHECKPOINT_INVALID")
	}
	size, ok := decodeDecimal(lines[1])
	root, isHash := decodeHash(lines[2])
	isEmpty := size == 0 && root != rootOf(nil)
	if !ok || !isHash || isEmpty {
		refuse("CHECKPOINT_INVALID")
	}
	return head{size, root}
}

func uint16At(raw []byte) int { return int(binary.BigEndian.Uint16(raw)) }
