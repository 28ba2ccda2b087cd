package main

// schemas/formats/trust-file.md.

type trustFile struct {
	origin, genesis          string
	keys                     []logKey
	proofClasses, separation []any
	demo                     bool
	pinned                   *head
	witnesses                *witnessPolicy
}

func parseTrust(raw []byte) (t trustFile) {
	as("TRUST_FORMAT", func() {
		v, err := parseJSON(raw)
		require(err == nil && len(raw) <= 65536, "TRUST_FORMAT")
		file := closed(v, "v origin log_keys genesis accept pinned_head? witness_policy?")
		accept := closed(file["accept"], "proof_classes separation demo")
		require(file["v"] == "countersign.trust.v1", "TRUST_FORMAT")
		t.origin, t.genesis = text(file, "origin"), text(file, "genesis")
		rawDigest(t.genesis)
		t.keys = logKeys(list(file, "log_keys"), t.origin)
		t.proofClasses = words(accept, "proof_classes", "uv", "up", "possession")
		t.separation = words(accept, "separation", "full", "solo")
		var isFlag bool
		t.demo, isFlag = accept["demo"].(bool)
		require(isFlag, "TRUST_FORMAT")
		if pinned, ok := file["pinned_head"]; ok {
			p := closed(pinned, "size root")
			root, isHash := decodeHash(text(p, "root"))
			require(isHash && integer(p, "size") >= 0, "TRUST_FORMAT")
			t.pinned = &head{integer(p, "size"), root}
		}
		if policy, ok := file["witness_policy"]; ok {
			t.witnesses = parseWitnessPolicy(policy)
		}
	})
	return t
}

func logKeys(vkeys []any, origin string) (keys []logKey) {
	ids := map[string]bool{}
	for _, vkey := range vkeys {
		s, isText := vkey.(string)
		key, ok := parseLogKey(s)
		require(isText && ok && key.name == origin && !ids[key.id], "TRUST_FORMAT")
		ids[key.id] = true
		keys = append(keys, key)
	}
	require(len(keys) > 0 && len(keys) <= 16, "TRUST_FORMAT")
	return keys
}

func words(o object, name string, known ...any) []any {
	chosen := list(o, name)
	seen := map[any]bool{}
	for _, word := range chosen {
		require(contains(known, word) && !seen[word], "TRUST_FORMAT")
		seen[word] = true
	}
	require(len(chosen) > 0, "TRUST_FORMAT")
	return chosen
}

func contains(all []any, wanted any) bool {
	for _, v := range all {
		if same(v, wanted) {
			return true
		}
	}
	return false
}
