package main

import (
	"fmt"
	"slices"
	"strings"
)

// schemas/formats/descriptor-and-display.md §7.2 to §7.4. What the checks of §7.2 refuse is left to the first verifier.

type subject struct{ key, text, open string }

type policyEntry struct {
	effect                      string
	action, resource, principal subject
	condition                   string
}

// shared is what entries on one line have in common.
func (e policyEntry) shared() string {
	return canonical([]any{e.effect, e.resource.key, e.principal.key, e.condition})
}

func (e policyEntry) meaning() string {
	return canonical([]any{e.action.key, e.resource.key, e.principal.key, e.condition})
}

type policyDocument struct {
	version string
	order   []string
	entries map[string]policyEntry
}

func asList(v any) []any {
	if l, isList := v.([]any); isList {
		return l
	}
	return []any{v}
}

func named(text string) string {
	isOdd := func(r rune) bool { return r < '!' || r > '~' || strings.ContainsRune("\"',", r) }
	if strings.ContainsFunc(text, isOdd) {
		return canonical(text)
	}
	return text
}

func openness(text string) string {
	if strings.ContainsAny(text, "*?") {
		return "wildcard"
	}
	if strings.Contains(text, "${") {
		return "policy variable"
	}
	return ""
}

func less(a, b string) int {
	switch {
	case a == b:
		return 0
	case lessUTF16(a, b):
		return -1
	default:
		return 1
	}
}

func readSubjects(v any, what string) (all []subject) {
	if what == "principal" {
		if v == "*" {
			return []subject{{"*", "everyone (*)", "wildcard"}}
		}
		for kind, names := range objectOf(v) {
			for _, name := range asList(names) {
				all = append(all, subject{"=" + kind + " " + name.(string), kind + " " + named(name.(string)), openness(name.(string))})
			}
		}
		return all
	}
	for _, each := range asList(v) {
		text := each.(string)
		key := text
		if what == "action" {
			key = strings.ToLower(text)
		}
		all = append(all, subject{"=" + key, named(text), openness(text)})
	}
	return all
}

func subjectsOf(statement object, name string) []subject {
	what := strings.ToLower(name)
	if v, has := statement[name]; has {
		return readSubjects(v, what)
	}
	v, has := statement["Not"+name]
	if !has {
		return []subject{{}}
	}
	all := readSubjects(v, what)
	slices.SortStableFunc(all, func(a, b subject) int { return less(a.key, b.key) })
	keys, texts := []any{}, []string{}
	for _, each := range all {
		keys, texts = append(keys, each.key), append(texts, each.text)
	}
	return []subject{{"!" + canonical(keys), "every " + what + " but " + strings.Join(texts, ", "), "Not element"}}
}

func conditionText(statement object) string {
	v, has := statement["Condition"]
	if !has {
		return ""
	}
	operators := object{}
	for operator, keys := range objectOf(v) {
		inner := object{}
		for key, values := range objectOf(keys) {
			byText := map[string]any{}
			for _, each := range asList(values) {
				byText[canonical(each)] = each
			}
			sorted := []any{}
			for _, text := range sortedNames(byText) {
				sorted = append(sorted, byText[text])
			}
			inner[key] = sorted
		}
		operators[operator] = inner
	}
	return canonical(operators)
}

func readPolicy(source string) policyDocument {
	v, err := parseJSON([]byte(source))
	require(err == nil, "UNRENDERABLE")
	document := objectOf(v)
	p := policyDocument{entries: map[string]policyEntry{}}
	p.version, _ = document["Version"].(string)
	for _, each := range asList(document["Statement"]) {
		statement := objectOf(each)
		condition := conditionText(statement)
		for _, action := range subjectsOf(statement, "Action") {
			for _, resource := range subjectsOf(statement, "Resource") {
				for _, principal := range subjectsOf(statement, "Principal") {
					e := policyEntry{text(statement, "Effect"), action, resource, principal, condition}
					key := e.effect + " " + e.meaning()
					if _, has := p.entries[key]; !has {
						p.entries[key] = e
						p.order = append(p.order, key)
					}
				}
			}
		}
	}
	return p
}

func (p policyDocument) without(other policyDocument) (all []policyEntry) {
	for _, key := range p.order {
		if _, has := other.entries[key]; !has {
			all = append(all, p.entries[key])
		}
	}
	return all
}

type policyGroup struct{ key, effect, text, open string }

func groupsOf(entries []policyEntry) (groups []policyGroup) {
	byKey := map[string][]policyEntry{}
	for _, e := range entries {
		byKey[e.shared()] = append(byKey[e.shared()], e)
	}
	for key, group := range byKey {
		groups = append(groups, policyGroup{key, group[0].effect, groupText(group), openParts(group)})
	}
	slices.SortFunc(groups, func(a, b policyGroup) int { return less(a.key, b.key) })
	return groups
}

func groupText(group []policyEntry) string {
	slices.SortStableFunc(group, func(a, b policyEntry) int { return less(a.action.key, b.action.key) })
	var actions []string
	for _, e := range group {
		actions = append(actions, e.action.text)
	}
	e := group[0]
	out := e.effect + " " + strings.Join(actions, ", ")
	for _, part := range [][2]string{{" on ", e.resource.text}, {" for ", e.principal.text}, {" if ", e.condition}} {
		if part[1] != "" {
			out += part[0] + part[1]
		}
	}
	return out
}

func openParts(group []policyEntry) string {
	parts := map[string]any{}
	for _, e := range group {
		for _, each := range [][2]string{{e.action.open, "action"}, {e.resource.open, "resource"}, {e.principal.open, "principal"}} {
			if each[0] != "" {
				parts[each[0]+" in the "+each[1]] = nil
			}
		}
		if e.condition != "" {
			parts["condition"] = nil
		}
	}
	return strings.Join(sortedNames(parts), ", ")
}

// policyDelta is §7.3: what is added, removed and opened, and what the documents do not decide.
func policyDelta(before, after policyDocument) []line {
	added, removed := after.without(before), before.without(after)
	denied := map[string]bool{}
	for _, e := range removed {
		if e.effect == "Deny" {
			denied[e.meaning()] = true
		}
	}
	var opened []policyEntry
	for _, e := range added {
		if e.effect == "Allow" && denied[e.meaning()] {
			opened = append(opened, e)
		}
	}
	news, olds := groupsOf(added), groupsOf(removed)
	var all, open []line
	for _, g := range groupsOf(opened) {
		all = append(all, line{"From Deny to Allow", g.text, "warning"})
	}
	for _, g := range news {
		all = append(all, line{"New", g.text, "added"})
	}
	for _, g := range olds {
		all = append(all, line{"Removed", g.text, "removed"})
	}
	for _, g := range olds {
		if g.effect == "Deny" {
			all = append(all, line{"No longer denied", g.text, "warning"})
		}
	}
	undetermined := func(label string, groups []policyGroup) {
		for _, g := range groups {
			if g.open != "" {
				open = append(open, line{"Undetermined", label + ": " + g.text + ": " + g.open, "warning"})
			}
		}
	}
	undetermined("New", news)
	undetermined("Removed", olds)
	if before.version != after.version {
		name := func(version string) string {
			if version == "" {
				return "none"
			}
			return version
		}
		open = append(open, line{"Undetermined", "policy language " + name(before.version) + " becomes " + name(after.version) + ", which changes what policy variables mean", "warning"})
	}
	counts := fmt.Sprintf("New permissions: %d, removed: %d, from Deny to Allow: %d, undetermined: %d", len(added), len(removed), len(opened), len(open))
	return append(append([]line{{"What changes", counts, ""}}, all...), open...)
}

// markedLines is §7.4: both texts, with the lines that differ by their longest common subsequence.
func markedLines(before, after []string) (old, next []line, changed int) {
	lengths := make([][]int, len(before)+1)
	for i := range lengths {
		lengths[i] = make([]int, len(after)+1)
	}
	for i := len(before) - 1; i >= 0; i-- {
		for j := len(after) - 1; j >= 0; j-- {
			lengths[i][j] = max(lengths[i+1][j], lengths[i][j+1])
			if before[i] == after[j] {
				lengths[i][j] = lengths[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(before) || j < len(after); {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			old, next = append(old, line{value: before[i], mark: "code"}), append(next, line{value: after[j], mark: "code"})
			i, j = i+1, j+1
		case j == len(after) || (i < len(before) && lengths[i+1][j] >= lengths[i][j+1]):
			old = append(old, line{value: before[i], mark: "removed"})
			i, changed = i+1, changed+1
		default:
			next = append(next, line{value: after[j], mark: "added"})
			j, changed = j+1, changed+1
		}
	}
	return old, next, changed
}

func iamPolicyDelta(params object) (out lines) {
	before, after := text(params, "before"), text(params, "after")
	delta := policyDelta(readPolicy(before), readPolicy(after))
	for _, each := range delta {
		s := neutralised(each.value, true)
		out.lines = append(out.lines, line{each.label, s.text, each.mark})
		if each.mark == "warning" {
			out.warnings = append(out.warnings, each.label+": "+s.text)
		}
		out.warnings = append(out.warnings, textWarnings(each.label, each.value, s)...)
	}
	old, next, changed := markedLines(strings.Split(before, "\n"), strings.Split(after, "\n"))
	summary := fmt.Sprintf("differs: %d lines changed", changed)
	if before == after {
		summary = "the same, byte for byte"
	} else if len(delta) == 1 {
		summary = fmt.Sprintf("differs, meaning equal: %d lines changed", changed)
	}
	out.add("Text", summary)
	out.join(markedText("Before", old))
	out.join(markedText("After", next))
	return out
}

func markedText(label string, all []line) (out lines) {
	for i, each := range all {
		numbered := fmt.Sprintf("%s %d", label, i+1)
		s := neutralised(each.value, true)
		out.lines = append(out.lines, line{numbered, s.text, each.mark})
		out.warnings = append(out.warnings, textWarnings(numbered, each.value, s)...)
	}
	return out
}
