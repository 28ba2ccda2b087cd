package main

import (
	"fmt"
	"math/big"
	"strings"
)

// Many actions of one type under one approval: schemas/formats/batch-of-actions.md.

func isBatch(descriptor object) bool { return descriptor["v"] == "countersign.batch-descriptor.v1" }

// itemsOf is each item as the action that it is.
func itemsOf(of, action object) (all []object) {
	for _, item := range objects(objectOf(action["params"]), "items") {
		one := object{}
		for name, value := range action {
			one[name] = value
		}
		one["type"], one["type_version"], one["params"], one["max_uses"] = of["type"], of["type_version"], item["params"], int64(1)
		one["preconditions"] = []any{}
		if conditions, has := item["preconditions"]; has {
			one["preconditions"] = conditions
		}
		all = append(all, one)
	}
	return all
}

func itemLeaf(digest string) [32]byte {
	raw := rawDigest(digest)
	return leafHash("countersign/batch-leaf/v1\n" + string(raw[:]))
}

func batchOf(of, action object) object {
	items := itemsOf(of, action)
	var leaves [][32]byte
	for i, item := range items {
		leaves = append(leaves, itemLeaf(digest("batch-item", canonical(object{"index": int64(i), "action": item}))))
	}
	return object{"root": leafName(rootOf(leaves)), "count": int64(len(items)), "order": objectOf(action["params"])["order"]}
}

// checkBatched: erased or not, the admission of a batch froze its items, and each of them has one use.
func (e *evidence) checkBatched(descriptor object) {
	frozen, has := e.admission.object["batch"]
	require(has == isBatch(descriptor), "ADMISSION_MISMATCH")
	if !has {
		return
	}
	batch := closed(frozen, "root count order")
	rawDigest(text(batch, "root"))
	require(contains([]any{"any", "listed"}, batch["order"]) && integer(batch, "count") >= 1 && integer(batch, "count") <= 64, "EVIDENCE_FORMAT")
	require(same(batch["count"], e.admission.object["max_uses"]), "ADMISSION_MISMATCH")
}

func (e *evidence) checkBatch(descriptor object) {
	if isBatch(descriptor) {
		require(same(batchOf(objectOf(descriptor["of"]), e.action), e.admission.object["batch"]), "ADMISSION_MISMATCH")
	}
}

// checkItems holds the type of the items to the authority, too: whatever may not be asked for alone may not be asked for many times.
func (e *evidence) checkItems(a authority) {
	descriptor := objectOf(e.object["descriptor"])
	if !isBatch(descriptor) {
		return
	}
	of := objectOf(descriptor["of"])
	known := a.get("descriptor", text(of, "type")+"/"+canonical(of["type_version"]))
	require(known != nil && known["digest"] == digest("descriptor", canonical(of)), "DESCRIPTOR_MISMATCH")
}

func requireItem(binding, claim object) {
	frozen, isMany := binding["batch"]
	named, isNamed := claim["item"]
	require(isMany == isNamed, "NOT_IN_BATCH")
	if !isMany {
		return
	}
	batch, item := objectOf(frozen), objectOf(named)
	if item["root"] != batch["root"] {
		require(batch["order"] == "any", "PLAN_DIGEST_MISMATCH")
		refuse("NOT_IN_BATCH")
	}
	var path [][32]byte
	for _, v := range list(item, "path") {
		s, _ := v.(string)
		hash, ok := decodeHash(s)
		require(ok, "NOT_IN_BATCH")
		path = append(path, hash)
	}
	root, ok := climb(itemLeaf(text(item, "digest")), integer(item, "index"), integer(batch, "count"), path)
	require(ok && leafName(root) == batch["root"], "NOT_IN_BATCH")
}

// requireItems: each item once, and of a plan each after the one before it was reported to have succeeded.
func requireItems(binding object, h history) {
	batch, isMany := binding["batch"].(object)
	if !isMany {
		return
	}
	used := map[int64]object{}
	for _, use := range h.uses {
		claim, _ := parseCanonical(text(use.object, "claim"))
		index := integer(objectOf(claim["item"]), "index")
		require(used[index] == nil, "ALREADY_CONSUMED")
		used[index] = use.object
	}
	if batch["order"] != "listed" {
		return
	}
	for index, use := range used {
		isDone := index == 0
		for _, reported := range h.reports {
			report, _ := parseCanonical(text(reported.object, "report"))
			before := used[index-1]
			isOf := before != nil && reported.object["use_id"] == before["use_id"]
			isDone = isDone || isOf && report["result"] == "succeeded" && text(reported.object, "at") <= text(use, "at")
		}
		require(isDone, "PLAN_ORDER")
	}
}

func batchedType(kind any) (string, bool) {
	s, _ := kind.(string)
	return strings.CutPrefix(s, "batch.")
}

// batchLines is the count, what the items come to, and each as it would be shown alone.
func batchLines(descriptor, action object) (facts, claims lines) {
	of := objectOf(descriptor["of"])
	items := itemsOf(of, action)
	order := map[any]string{
		"any":    "each runs once, in any order",
		"listed": "a plan: each runs once, after the one before it has succeeded",
	}[objectOf(action["params"])["order"]]
	count := "1 item"
	if len(items) != 1 {
		count = fmt.Sprintf("%d items", len(items))
	}
	facts.add("Items", count+": "+order)
	if contains(list(of, "template"), object{"computed": "payment"}) {
		facts.join(moneyLines(items))
	}
	for i, item := range items {
		prefix := fmt.Sprintf("Item %d: ", i+1)
		own := entries(list(of, "template"), item)
		said := entries(list(of, "claims"), item)
		conditions := lines{}
		if len(list(item, "preconditions")) > 0 {
			conditions.join(preconditionLines(item))
		}
		facts.join(prefixed(prefix, lines{append(own.lines, conditions.lines...), own.warnings}))
		claims.lines = append(claims.lines, prefixed(prefix, said).lines...)
		facts.warnings = append(facts.warnings, prefixed(prefix, lines{nil, said.warnings}).warnings...)
	}
	return facts, claims
}

func prefixed(prefix string, all lines) (out lines) {
	for _, each := range all.lines {
		out.lines = append(out.lines, line{prefix + each.label, each.value, each.mark})
	}
	for _, warning := range all.warnings {
		out.warnings = append(out.warnings, prefix+warning)
	}
	return out
}

func moneyLines(items []object) (out lines) {
	sum, largest := new(big.Int), new(big.Int)
	money := objectOf(at(items[0], "/params/amount"))
	places := len(fraction(text(money, "amount")))
	for _, item := range items {
		each := units(textAt(item, "/params/amount/amount"))
		sum.Add(sum, each)
		if each.Cmp(largest) > 0 {
			largest = each
		}
	}
	said := func(amount *big.Int) string {
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
		value := new(big.Rat).SetFrac(amount, scale).FloatString(places)
		return moneyText(object{"amount": value, "currency": money["currency"]})
	}
	out.add("In all", said(sum)+" ("+currencyName(text(money, "currency"))+")")
	out.add("The largest", said(largest))
	return out
}
