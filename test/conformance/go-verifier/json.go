package main

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The gate of schemas/formats/canonical-json.md §2. encoding/json is not used at all: it keeps the last of two
// equal names, replaces bad UTF-8, matches names without regard to case and reads fractions.
//
// A value is nil, bool, int64, string, []any or map[string]any.

const (
	maxBytes   = 8 << 20
	maxDepth   = 32
	maxMembers = 100_000
	maxInteger = 1<<53 - 1
)

type gate struct {
	in             string
	at             int
	depth, members int
}

func parseJSON(in []byte) (any, error) {
	if len(in) > maxBytes {
		return nil, errors.New("too long")
	}
	if !utf8.Valid(in) {
		return nil, errors.New("not UTF-8")
	}
	g := &gate{in: string(in)}
	v, err := g.value()
	if err != nil {
		return nil, err
	}
	if g.token() != 0 {
		return nil, g.bad("the end")
	}
	return v, nil
}

func (g *gate) bad(expected string) error {
	return fmt.Errorf("byte %d: expected %s", g.at, expected)
}

// token goes over white space; 0 is the end (NUL itself is never allowed).
func (g *gate) token() byte {
	for g.at < len(g.in) && strings.IndexByte(" \t\r\n", g.in[g.at]) >= 0 {
		g.at++
	}
	return g.peek()
}

func (g *gate) peek() byte {
	if g.at < len(g.in) {
		return g.in[g.at]
	}
	return 0
}

func (g *gate) count() error {
	if g.members++; g.members > maxMembers {
		return g.bad("fewer members")
	}
	return nil
}

func (g *gate) value() (any, error) {
	switch g.token() {
	case '{':
		return g.object()
	case '[':
		return g.array()
	case '"':
		return g.string()
	}
	for word, v := range map[string]any{"true": true, "false": false, "null": nil} {
		if strings.HasPrefix(g.in[g.at:], word) {
			g.at += len(word)
			return v, nil
		}
	}
	return g.number()
}

func (g *gate) object() (any, error) {
	m := map[string]any{}
	err := g.list('}', func() error {
		if g.token() != '"' {
			return g.bad("a member name")
		}
		name, err := g.string()
		if err != nil {
			return err
		}
		if _, twice := m[name]; twice {
			return g.bad("each name once")
		}
		if g.token() != ':' {
			return g.bad("':'")
		}
		g.at++
		m[name], err = g.value()
		return err
	})
	return m, err
}

func (g *gate) array() (any, error) {
	a := []any{}
	err := g.list(']', func() error {
		v, err := g.value()
		a = append(a, v)
		return err
	})
	return a, err
}

func (g *gate) list(end byte, element func() error) error {
	if g.depth++; g.depth > maxDepth {
		return g.bad("less depth")
	}
	g.at++
	if g.token() == end {
		g.at++
		g.depth--
		return nil
	}
	for {
		if err := g.count(); err != nil {
			return err
		}
		if err := element(); err != nil {
			return err
		}
		next := g.token()
		if next != end && next != ',' {
			return g.bad("',' or the end of the list")
		}
		g.at++
		if next == end {
			g.depth--
			return nil
		}
	}
}

func (g *gate) number() (any, error) {
	start := g.at
	if g.peek() == '-' {
		g.at++
	}
	digits := g.at
	for g.peek() >= '0' && g.peek() <= '9' {
		g.at++
	}
	text := g.in[start:g.at]
	n, err := strconv.ParseInt(text, 10, 64)
	isPadded := g.at > digits && g.in[digits] == '0' && text != "0"
	if err != nil || isPadded || n > maxInteger || n < -maxInteger || strings.IndexByte(".eE", g.peek()) >= 0 && g.peek() != 0 {
		return nil, g.bad("a value within the profile")
	}
	return n, nil
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (g *gate) string() (string, error) {
	var out strings.Builder
	g.at++
	for {
		c := g.peek()
		switch {
		case c < 0x20:
			return "", g.bad("the end of the string")
		case c == '"':
			g.at++
			return out.String(), nil
		case c != '\\':
			out.WriteByte(c)
			g.at++
		default:
			if err := g.escape(&out); err != nil {
				return "", err
			}
		}
	}
}

func (g *gate) escape(out *strings.Builder) error {
	g.at++
	c := g.peek()
	if plain, ok := escapes[c]; ok {
		out.WriteByte(plain)
		g.at++
		return nil
	}
	r, ok := g.hex()
	if !ok || r == 0 {
		return g.bad("an escape")
	}
	if utf16.IsSurrogate(r) {
		if g.peek() != '\\' {
			return g.bad("a surrogate pair")
		}
		g.at++
		low, ok := g.hex()
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return g.bad("a surrogate pair")
		}
	}
	out.WriteRune(r)
	return nil
}

// hex reads uXXXX.
func (g *gate) hex() (rune, bool) {
	if g.peek() != 'u' || g.at+5 > len(g.in) {
		return 0, false
	}
	n, err := strconv.ParseUint(g.in[g.at+1:g.at+5], 16, 16)
	g.at += 5
	return rune(n), err == nil
}

// canonical writes the form of RFC 8785.
func canonical(v any) string {
	var out strings.Builder
	write(&out, v)
	return out.String()
}

func write(out *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		out.WriteString(strconv.FormatBool(v))
	case int64:
		out.WriteString(strconv.FormatInt(v, 10))
	case string:
		writeString(out, v)
	case []any:
		for i, e := range v {
			out.WriteByte("[,"[min(i, 1)])
			write(out, e)
		}
		if len(v) == 0 {
			out.WriteByte('[')
		}
		out.WriteByte(']')
	case map[string]any:
		out.WriteByte('{')
		for i, name := range sortedNames(v) {
			if i > 0 {
				out.WriteByte(',')
			}
			writeString(out, name)
			out.WriteByte(':')
			write(out, v[name])
		}
		out.WriteByte('}')
	default:
		panic("not a JSON value")
	}
}

func writeString(out *strings.Builder, s string) {
	out.WriteByte('"')
	for _, r := range s {
		switch i := strings.IndexRune("\"\\\b\f\n\r\t", r); {
		case i >= 0:
			out.WriteByte('\\')
			out.WriteByte("\"\\bfnrt"[i])
		case r < 0x20:
			fmt.Fprintf(out, "\\u%04x", r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
}

func sortedNames(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return lessUTF16(names[i], names[j]) })
	return names
}

func lessUTF16(a, b string) bool {
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := 0; i < len(x) && i < len(y); i++ {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return len(x) < len(y)
}

// parseCanonical is the gate for text that must already be canonical.
func parseCanonical(text string) (map[string]any, error) {
	v, err := parseJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok || canonical(v) != text {
		return nil, errors.New("not canonical")
	}
	return m, nil
}
