package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// schemas/formats/descriptor-and-display.md §4 and §5: the display of an action, from its descriptor. That both fit their formats is
// left to the first verifier; what cannot be followed here ends with UNRENDERABLE.

type line struct{ label, value, mark string }

type lines struct {
	lines    []line
	warnings []string
}

func (l *lines) add(label, value string) { l.lines = append(l.lines, line{label, value, ""}) }

// warn adds a line with the mark warning, and the warning that says the same.
func (l *lines) warn(label, value string) {
	l.lines = append(l.lines, line{label, value, "warning"})
	l.warnings = append(l.warnings, label+": "+value)
}

// addText adds a text by §6.3 with what comes behind it, and the warnings of §6.6.
func (l *lines) addText(label, text, more string) {
	s := shownPlain(text)
	l.add(label, s.text+more)
	l.warnings = append(l.warnings, textWarnings(label, text, s)...)
}

func (l *lines) join(other lines) {
	l.lines = append(l.lines, other.lines...)
	l.warnings = append(l.warnings, other.warnings...)
}

func at(root any, pointer string) any {
	v := root
	for _, step := range strings.Split(pointer, "/")[1:] {
		switch in := v.(type) {
		case object:
			v = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			require(err == nil && i < len(in), "UNRENDERABLE")
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func textAt(root any, pointer string) string {
	s, _ := at(root, pointer).(string)
	return s
}

func rendered(descriptor, action object) object {
	var facts, claims lines
	kind := fmt.Sprintf("%s (%s v%d)", text(descriptor, "title"), text(descriptor, "type"), integer(descriptor, "type_version"))
	facts.add("Action", kind)
	notCovered, shown := descriptor["not_covered"], descriptor
	if isBatch(descriptor) {
		own, said := batchLines(descriptor, action)
		facts.join(own)
		claims.join(said)
		shown = objectOf(descriptor["of"])
		notCovered = append(slices.Clone(list(descriptor, "not_covered")), list(shown, "not_covered")...)
	} else {
		facts.join(entries(list(descriptor, "template"), action))
		claims.join(entries(list(descriptor, "claims"), action))
	}
	facts.join(commonLines(shown, action))
	agent := objectOf(action["agent"])
	if model, has := agent["model"].(string); has {
		claims.addText("Model of the agent", model, "")
	}
	if build, has := agent["build"].(string); has {
		claims.add("Build of the agent", build)
	}
	warnings := []any{}
	for _, warning := range append(facts.warnings, claims.warnings...) {
		warnings = append(warnings, warning)
	}
	return object{
		"v": "countersign.display.v1", "nonce": action["nonce"], "type": descriptor["type"], "title": descriptor["title"],
		"lines": jsonLines(facts.lines), "claims": jsonLines(claims.lines), "warnings": warnings,
		"not_covered": notCovered,
	}
}

func jsonLines(all []line) []any {
	out := []any{}
	for _, each := range all {
		o := object{"label": each.label, "value": each.value}
		if each.mark != "" {
			o["mark"] = each.mark
		}
		out = append(out, o)
	}
	return out
}

func entries(all []any, action object) (out lines) {
	for _, v := range all {
		entry := objectOf(v)
		if name, isComputed := entry["computed"].(string); isComputed {
			out.join(computed(name, action))
			continue
		}
		out.join(templateLines(entry, action))
	}
	return out
}

func computed(name string, action object) lines {
	if compute, has := actionComputations[name]; has {
		return compute(action)
	}
	compute, has := computations[name]
	require(has, "UNRENDERABLE")
	return compute(objectOf(action["params"]))
}

func unnumbered(label string) string {
	return strings.TrimRight(strings.Replace(label, "{n}", "", 1), " ")
}

// templateLines is the line of an entry, or one for each item of its array.
func templateLines(entry, action object) (out lines) {
	label := text(entry, "label")
	each, has := entry["each"].(string)
	if !has {
		return templateLine(entry, action, label, func(pointer string) string { return pointer })
	}
	items, isThere := at(action, each).([]any)
	if !isThere {
		if absent, has := entry["absent"].(string); has {
			out.add(unnumbered(label), absent)
		}
		return out
	}
	if len(items) == 0 {
		out.add(unnumbered(label), text(entry, "empty"))
	}
	for i := range items {
		numbered := strings.Replace(label, "{n}", strconv.Itoa(i+1), 1)
		item := fmt.Sprintf("%s/%d", each, i)
		out.join(templateLine(entry, action, numbered, func(pointer string) string {
			return strings.Replace(pointer, each+"/*", item, 1)
		}))
	}
	return out
}

func templateLine(entry, action object, label string, resolve func(string) string) (out lines) {
	if v, has := entry["when"]; has {
		when := objectOf(v)
		found := at(action, resolve(text(when, "field")))
		if found == nil || !same(found, when["is"]) {
			return out
		}
	}
	value := ""
	var warnings []string
	for _, v := range list(entry, "text") {
		literal, isLiteral := v.(string)
		if isLiteral {
			value += literal
			continue
		}
		part := objectOf(v)
		found := at(action, resolve(text(part, "field")))
		if found == nil {
			if absent, has := entry["absent"].(string); has {
				out.add(label, absent)
			}
			return out
		}
		if part["form"] == "document" {
			return numberedLines(label, canonical(found))
		}
		said, more := shownValue(label, found, part["form"] == "quoted")
		value, warnings = value+said, append(warnings, more...)
	}
	out.add(label, value)
	out.warnings = warnings
	return out
}

func shownValue(label string, v any, isQuoted bool) (string, []string) {
	switch v := v.(type) {
	case bool:
		if v {
			return "yes", nil
		}
		return "no", nil
	case string:
		s := shownPlain(v)
		if isQuoted {
			s = shownQuoted(v)
		}
		return s.text, textWarnings(label, v, s)
	default:
		return canonical(v), nil
	}
}

// numberedLines is §6.5 for a JSON document in its compact form.
func numberedLines(label, compact string) (out lines) {
	var printed bytes.Buffer
	require(json.Indent(&printed, []byte(compact), "", "  ") == nil, "UNRENDERABLE")
	for i, text := range strings.Split(printed.String(), "\n") {
		numbered := fmt.Sprintf("%s %d", label, i+1)
		s := neutralised(text, true)
		out.lines = append(out.lines, line{numbered, s.text, "code"})
		out.warnings = append(out.warnings, textWarnings(numbered, text, s)...)
	}
	return out
}

var undo = map[string]string{
	"read-only":             "Nothing is changed, so there is nothing to undo (read-only)",
	"reversible":            "Yes (reversible)",
	"externally-reversible": "Only in part: what others have done with it by then stays done (externally-reversible)",
	"irreversible":          "No (irreversible)",
}

func preconditionLines(action object) (out lines) {
	for i, p := range objects(action, "preconditions") {
		out.add(fmt.Sprintf("Precondition %d", i+1), fmt.Sprintf("%s is %s when it runs, or it does not run", text(p, "name"), text(p, "digest")))
	}
	return out
}

func commonLines(descriptor, action object) (out lines) {
	agent, executor := objectOf(action["agent"]), objectOf(action["executor"])
	out.add("Tenant", text(action, "tenant"))
	out.add("Asked by", shownPlain(text(agent, "id")).text)
	out.add("Key of the agent", text(agent, "key_thumbprint"))
	chain := objects(action, "acting_for")
	if len(chain) == 0 {
		out.add("Acting for", "nobody but itself")
	}
	for i, p := range chain {
		proof := "without a grant"
		if grant, has := p["grant_digest"].(string); has {
			proof = "grant " + grant
		}
		out.add(fmt.Sprintf("Acting for %d", i+1), fmt.Sprintf("%s (%s), %s", shownPlain(text(p, "sub")).text, text(p, "kind"), proof))
	}
	out.add("Run by", shownPlain(text(executor, "id")).text)
	out.add("Audience", shownPlain(text(executor, "audience")).text)
	out.add("Interface of the executor", text(executor, "descriptor_digest"))
	conditions := objects(action, "preconditions")
	if len(conditions) == 0 {
		out.add("Preconditions", "none")
	}
	out.join(preconditionLines(action))
	out.add("Not after", text(action, "not_after")+" (UTC)")
	uses := "once"
	if n := integer(action, "max_uses"); n != 1 {
		uses = fmt.Sprintf("up to %d times", n)
	}
	out.add("May run", uses)
	out.add("Can it be undone", undo[text(descriptor, "reversibility")])
	out.add("Action id", text(action, "action_id"))
	if parent, has := action["parent_digest"].(string); has {
		out.add("Follows the action", parent)
	}
	return out
}

// runDisplays prints, for each vector of a folder, the canonical display of its action, one a line. Descriptors and tables are read from
// the folder schemas.
func runDisplays(dir, schemas string) int {
	tables = schemas
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(paths) == 0 {
		fail("no vectors in " + dir)
	}
	slices.Sort(paths)
	for _, path := range paths {
		vector := readObject(path)
		name := filepath.Base(path)
		said := ""
		outcome, exit := run(func() {
			action, err := parseCanonical(text(vector, "action"))
			require(err == nil, "UNRENDERABLE")
			descriptor, isDocument := vector["descriptor"].(object)
			if !isDocument {
				descriptor = readObject(filepath.Join(schemas, "json", text(vector, "descriptor")+".json"))
			}
			said = canonical(rendered(descriptor, action))
		})
		if exit != 0 {
			said = outcome
		}
		fmt.Printf("%s\t%s\n", name, said)
	}
	return 0
}

func readObject(path string) object {
	v, err := parseJSON(mustRead(path))
	o, ok := v.(object)
	if err != nil || !ok {
		fail(path + ": expected an object")
	}
	return o
}
