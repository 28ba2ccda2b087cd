package main

import "math"

// schemas/formats/authority.md §8 and evidence.md §3.1: which keys of the log may sign a head of which size.

type keySpan struct {
	logKey
	from, until int64
}

// pinnedSpans are the keys of the trust file, for every size: as long as nothing tells of others.
func pinnedSpans(trust trustFile) (spans []keySpan) {
	for _, k := range trust.keys {
		spans = append(spans, keySpan{k, 0, math.MaxInt64})
	}
	return spans
}

// checkKeys replaces the pinned keys by those that the chain of the authority proves. Only version 2 has others.
func (e *evidence) checkKeys() {
	if e.object["v"] == "countersign.evidence.v1" {
		return
	}
	shown := objectOf(e.object["authority"])
	chain, cited := objects(shown, "chain"), objectOf(e.binding.object["authority"])
	past := e.foldChain(chain, cited)
	later, hasLater := shown["later"].(object)
	if !hasLater {
		e.receipts.spans = spansOf(past, e.trust)
		return
	}
	links, receipt := objects(later, "chain"), text(later, "receipt")
	index, _, _ := parseReceipt(receipt)
	var last entry
	as("AUTHORITY_CHAIN_INVALID", func() { last = readEntry(links[len(links)-1]["entry"], "authority-changed") })
	ref := object{"index": index, "leaf": last.leaf, "root": last.object["authority_root"]}
	all := e.foldChain(append(append([]object{}, chain...), links...), ref)
	require(same(all[len(past)-1].ref, cited), "AUTHORITY_CHAIN_INVALID")
	e.receipts.spans = spansOf(all, e.trust)
	last.receipt = receipt
	e.position(last)
}

// spansOf counts a founding key only when the trust file pins it, and each key that persons have added since.
func spansOf(past []authority, trust trustFile) (spans []keySpan) {
	known := map[string]bool{}
	for _, a := range past {
		index := integer(a.ref, "index")
		for i, span := range spans {
			if span.until == math.MaxInt64 && a.get("log-key", span.id) == nil {
				spans[i].until = index
			}
		}
		for _, m := range a.logKeys() {
			if id := text(m, "id"); !known[id] {
				known[id] = true
				k, ok := parseLogKey(text(m, "vkey"))
				if ok && index > 0 {
					spans = append(spans, keySpan{k, index + 1, math.MaxInt64})
				} else if ok && pins(trust, text(m, "vkey")) {
					spans = append(spans, keySpan{k, 0, math.MaxInt64})
				}
			}
		}
	}
	return spans
}

func pins(trust trustFile, vkey string) bool {
	for _, k := range trust.keys {
		if k.vkey == vkey {
			return true
		}
	}
	return false
}

// keysChanged tells whether the keys of the log were other ones at any time.
func keysChanged(past []authority) bool {
	for _, a := range past {
		for _, m := range a.logKeys() {
			if past[0].get("log-key", text(m, "id")) == nil {
				return true
			}
		}
		if len(a.logKeys()) != len(past[0].logKeys()) {
			return true
		}
	}
	return false
}
