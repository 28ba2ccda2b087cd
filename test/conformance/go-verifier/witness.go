package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// schemas/formats/trust-file.md, witness policy, and the step witnesses of evidence.md §5.

type witness struct {
	vkey, keyName, id string
	key               ed25519.PublicKey
}

type group struct {
	members   []string
	threshold int
}

type witnessPolicy struct {
	witnesses map[string]witness
	groups    map[string]group
	quorum    string
}

func parseWitnessPolicy(v any) *witnessPolicy {
	s, isText := v.(string)
	require(isText && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\n' }), "TRUST_FORMAT")
	p := &witnessPolicy{map[string]witness{}, map[string]group{}, ""}
	free, keys := map[string]bool{}, map[string]bool{}
	define := func(name string) {
		_, isWitness := p.witnesses[name]
		_, isGroup := p.groups[name]
		require(name != "none" && !isWitness && !isGroup && len(p.witnesses)+len(p.groups) < 64, "TRUST_FORMAT")
		free[name] = true
	}
	for _, line := range strings.Split(s, "\n") {
		words := slices.DeleteFunc(strings.Split(line, " "), func(word string) bool { return word == "" })
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case words[0] == "witness" && (len(words) == 3 || len(words) == 4):
			w := parseWitness(words[2])
			require(!keys[string(w.key)], "TRUST_FORMAT")
			keys[string(w.key)] = true
			define(words[1])
			p.witnesses[words[1]] = w
		case words[0] == "group" && len(words) >= 4:
			members := words[3:]
			for _, name := range members {
				require(free[name], "TRUST_FORMAT")
				delete(free, name)
			}
			define(words[1])
			p.groups[words[1]] = group{members, threshold(words[2], len(members))}
		case words[0] == "quorum" && len(words) == 2:
			_, isWitness := p.witnesses[words[1]]
			_, isGroup := p.groups[words[1]]
			require(p.quorum == "" && (isWitness || isGroup), "TRUST_FORMAT")
			p.quorum = words[1]
		default:
			refuse("TRUST_FORMAT")
		}
	}
	require(p.quorum != "", "TRUST_FORMAT")
	return p
}

func threshold(word string, members int) int {
	if word == "any" {
		return 1
	}
	if word == "all" {
		return members
	}
	k, ok := decodeDecimal(word)
	require(ok && k >= 1 && k <= int64(members), "TRUST_FORMAT")
	return int(k)
}

func parseWitness(vkey string) witness {
	parts := strings.SplitN(vkey, "+", 3)
	require(len(parts) == 3 && parts[0] != "" && !strings.ContainsFunc(parts[0], unicode.IsSpace), "TRUST_FORMAT")
	typed, ok := decodeBase64(parts[2])
	require(ok && len(typed) == 33 && typed[0] == 4, "TRUST_FORMAT")
	id := sha256.Sum256(append([]byte(parts[0]+"\n"), typed...))
	require(hex.EncodeToString(id[:4]) == parts[1], "TRUST_FORMAT")
	return witness{vkey, parts[0], parts[1], typed[1:]}
}

// holds tells whether a name is satisfied by the cosignatures of up to a time.
func (p *witnessPolicy) holds(name string, times map[string]uint64, until uint64) bool {
	g, isGroup := p.groups[name]
	if !isGroup {
		time, has := times[p.witnesses[name].vkey]
		return has && time <= until
	}
	held := 0
	for _, member := range g.members {
		if p.holds(member, times, until) {
			held++
		}
	}
	return held >= g.threshold
}

// checkWitnesses requires that a quorum has cosigned the head of the binding's receipt, which has been opened before.
func (e *evidence) checkWitnesses() {
	p := e.trust.witnesses
	require(p != nil, "WITNESS_POLICY_MISSING")
	_, _, note := parseReceipt(e.binding.receipt)
	times := p.cosignatureTimes(note)
	all := []uint64{}
	for _, time := range times {
		all = append(all, time)
	}
	slices.Sort(all)
	at := slices.IndexFunc(all, func(until uint64) bool { return p.holds(p.quorum, times, until) })
	require(at >= 0, "WITNESS_QUORUM")
	const lastSecond, skew = 253_402_300_799, 60_000
	made := parseTime(text(e.binding.object, "at")).UnixMilli()
	require(all[at] <= lastSecond && made <= int64(all[at])*1000+skew, "WITNESS_TIME")
}

func (p *witnessPolicy) cosignatureTimes(note string) map[string]uint64 {
	split := strings.LastIndex(note, "\n\n")
	text, times := note[:split+1], map[string]uint64{}
	for _, line := range strings.Split(strings.TrimSuffix(note[split+2:], "\n"), "\n") {
		name, encoded, _ := strings.Cut(strings.TrimPrefix(line, "— "), " ")
		raw, _ := decodeBase64(encoded)
		for _, w := range p.witnesses {
			if _, has := times[w.vkey]; has || w.keyName != name || w.id != hex.EncodeToString(raw[:4]) {
				continue
			}
			require(len(raw) == 4+8+ed25519.SignatureSize, "CHECKPOINT_INVALID")
			time := binary.BigEndian.Uint64(raw[4:12])
			message := "cosignature/v1\ntime " + strconv.FormatUint(time, 10) + "\n" + text
			require(time <= maxInteger && ed25519.Verify(w.key, []byte(message), raw[12:]), "CHECKPOINT_INVALID")
			times[w.vkey] = time
		}
	}
	return times
}
