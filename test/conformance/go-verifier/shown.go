package main

import (
	"fmt"
	"strings"
	"unicode"
)

// schemas/formats/descriptor-and-display.md §6: how text is shown. The marks of a heap are those of Go's Unicode tables.

const (
	spacesMax = 32
	marksMax  = 3
)

type shown struct {
	text    string
	altered bool
}

func within(r rune, ranges [][2]rune) bool {
	for _, each := range ranges {
		if each[0] <= r && r <= each[1] {
			return true
		}
	}
	return false
}

func isHidden(r rune) bool { return r&0xfffe == 0xfffe || within(r, hiddenRanges) }

func codePoint(r rune) string { return fmt.Sprintf("⟨U+%04X⟩", r) }

// heaped marks each character in a run of more than three marks.
func heaped(runes []rune) []bool {
	all := make([]bool, len(runes))
	run := 0
	for i, r := range runes {
		if !unicode.Is(unicode.M, r) {
			run = 0
			continue
		}
		run++
		if run > marksMax {
			for at := i - marksMax; at <= i; at++ {
				all[at] = true
			}
		}
	}
	return all
}

func shownSpaces(count int, isEdge bool) string {
	switch {
	case count > spacesMax:
		return fmt.Sprintf("⟨U+0020 ×%d⟩", count)
	case isEdge:
		return strings.Repeat(codePoint(' '), count)
	default:
		return strings.Repeat(" ", count)
	}
}

func neutralised(text string, keepsIndent bool) shown {
	runes := []rune(text)
	heap := heaped(runes)
	var out strings.Builder
	spaces := 0
	for i := 0; i <= len(runes); i++ {
		if i < len(runes) && runes[i] == ' ' {
			spaces++
			continue
		}
		isLeading := i == spaces
		out.WriteString(shownSpaces(spaces, i == len(runes) || (isLeading && !keepsIndent)))
		spaces = 0
		if i == len(runes) {
			break
		}
		r := runes[i]
		isPiled := within(r, combiningRanges) && (i == 0 || runes[i-1] == ' ' || within(runes[i-1], combiningRanges))
		if heap[i] || isHidden(r) || isPiled {
			out.WriteString(codePoint(r))
		} else {
			out.WriteRune(r)
		}
	}
	return shown{out.String(), out.String() != text}
}

func shownPlain(text string) shown {
	if text == "" {
		return shown{"⟨empty⟩", false}
	}
	return neutralised(text, false)
}

func shownQuoted(text string) shown {
	s := neutralised(canonical(text), true)
	for _, r := range text {
		if isHidden(r) && r != '\n' && r != '\t' {
			s.altered = true
		}
	}
	return s
}

func isMixed(text string) bool {
	scripts := map[string]bool{}
	for _, r := range text {
		script := "other"
		for _, row := range scriptRows {
			if row.from <= r && r <= row.to {
				script = row.script
				break
			}
		}
		if script == "letter-like" {
			return true
		}
		if script != "common" {
			scripts[script] = true
		}
	}
	return len(scripts) > 1
}

// textWarnings is §6.6.
func textWarnings(label, text string, s shown) (all []string) {
	if s.altered {
		all = append(all, label+": holds characters that cannot be seen as such, shown as ⟨U+…⟩")
	}
	if isMixed(text) {
		all = append(all, label+": mixes letters of several scripts, so it may read as something else")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return within(r, lookAlikeRanges) }) {
		all = append(all, label+": holds signs that only look like those of ASCII, so it may read as something else")
	}
	return all
}
