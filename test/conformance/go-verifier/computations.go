package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// The computations of schemas/formats/descriptor-and-display.md §7 and schemas/formats/action-types.md. Their checks are left to the
// first verifier.

// tables is the folder of schemas, with the names of currencies and countries: evidence of a payment needs them.
var tables = "schemas"

var computations = map[string]func(object) lines{
	"break-glass":         breakGlass,
	"command-environment": commandEnvironment,
	"containment":         containment,
	"containment-claims":  containmentClaims,
	"iam-policy-delta":    iamPolicyDelta,
	"key-consumers":       keyConsumers,
	"key-rotation":        keyRotation,
	"payment":             payment,
	"payment-claims":      paymentClaims,
	"secret-access":       secretAccess,
	"tool-call":           toolCall,
}

// actionComputations say what follows from more of the action than its params.
var actionComputations = map[string]func(object) lines{
	"payment-grant": paymentGrant,
}

// breakGlass is action-types.md §7.1.
func breakGlass(object) (out lines) {
	out.warn("BREAK-GLASS", "this goes ahead without the usual approvals; an alarm is raised at once, and two other persons have to review it afterwards")
	return out
}

const loadingNames = " PATH ENV BASH_ENV IFS SHELLOPTS NODE_OPTIONS NODE_PATH PERLLIB JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS CLASSPATH " +
	"SSH_ASKPASS EDITOR VISUAL PAGER GCONV_PATH PHPRC PHP_INI_SCAN_DIR "

func loadsCode(name string) bool {
	for _, prefix := range strings.Fields("BASH_FUNC_ LD_ DYLD_ PYTHON PERL5 RUBY GEM_ GIT_ LUA_") {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.Contains(loadingNames, " "+name+" ")
}

func commandEnvironment(params object) (out lines) {
	open, secret := objects(params, "env"), objects(params, "secret_env")
	out.add("Environment", fmt.Sprintf("variables: %d, secret ones: %d; nothing is inherited", len(open), len(secret)))
	for _, each := range append(open, secret...) {
		if name := text(each, "name"); loadsCode(name) {
			out.warnings = append(out.warnings, "Variable "+name+": can make the program run code that no digest here names")
		}
	}
	return out
}

func toolCall(params object) (out lines) {
	if strings.HasPrefix(textAt(params, "/server/origin/url"), "http:") {
		out.warnings = append(out.warnings, "Server: is reached without encryption, so whoever is on the way can answer for it")
	}
	out.join(numberedLines("Arguments", text(params, "arguments")))
	return out
}

func countryName(code string) string {
	return text(readObject(filepath.Join(tables, "data", "countries.json")), code)
}

func currencyName(code string) string {
	return textAt(readObject(filepath.Join(tables, "data", "currencies.json")), "/"+code+"/name")
}

func moneyText(money object) string {
	whole, fraction, hasPoint := strings.Cut(text(money, "amount"), ".")
	grouped := ""
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			grouped += " "
		}
		grouped += string(digit)
	}
	if hasPoint {
		grouped += "." + fraction
	}
	return grouped + " " + text(money, "currency")
}

var four = regexp.MustCompile(".{1,4}")

func accountText(iban string) string {
	return strings.Join(four.FindAllString(iban, -1), " ") + " (" + countryName(iban[:2]) + ")"
}

func payment(params object) (out lines) {
	amount, creditor := objectOf(params["amount"]), objectOf(params["creditor"])
	account, home, bic := text(creditor, "account"), text(creditor, "country"), textAt(creditor, "/bic")
	out.add("Pay", moneyText(amount)+" ("+currencyName(text(amount, "currency"))+")")
	out.add("To", text(creditor, "name"))
	out.add("Account of the payee", accountText(account))
	out.add("Country of the payee", countryName(home))
	out.add("From the account", accountText(text(params, "debtor_account")))
	place := countryName(account[:2])
	if home != account[:2] {
		out.warnings = append(out.warnings, "Account of the payee: is in "+place+", and the payee in "+countryName(home))
	}
	if bic != "" && bic[4:6] != account[:2] {
		out.warnings = append(out.warnings, "Account of the payee: is of "+place+", and the BIC of "+countryName(bic[4:6]))
	}
	return out
}

var results = map[string]string{
	"MATCH":        "MATCH: the bank of the payee knows the account under this name",
	"CLOSE_MATCH":  "CLOSE MATCH: the bank of the payee knows the account under nearly this name",
	"NO_MATCH":     "NO MATCH: the bank of the payee knows the account under another name",
	"NOT_POSSIBLE": "NOT POSSIBLE: the bank of the payee gave no answer",
}

func day(date string) time.Time {
	t, err := time.Parse(time.DateOnly, date)
	require(err == nil, "UNRENDERABLE")
	return t
}

func daysText(days int) string {
	switch {
	case days < 0:
		return "after the day of the payment"
	case days == 0:
		return "on the day of the payment"
	case days == 1:
		return "1 day before the payment"
	default:
		return fmt.Sprintf("%d days before the payment", days)
	}
}

func paymentClaims(params object) (out lines) {
	say := func(label, value string, isWarning bool) {
		if isWarning {
			out.warn(label, value)
		} else {
			out.add(label, value)
		}
	}
	if check, has := params["payee_check"].(object); has {
		result := text(check, "result")
		say("Check of the payee", results[result]+", at "+text(check, "checked_at")+" (UTC)", result != "MATCH")
		if name := textAt(check, "/name_on_account"); name != "" {
			out.addText("Name that the bank knows", name, "")
		}
		if proof := textAt(check, "/evidence_digest"); proof != "" {
			out.add("Proof of that check", proof)
		}
	} else {
		out.warn("Check of the payee", "none")
	}
	if changed := textAt(params, "/creditor/record_changed_at"); changed == "" {
		out.add("Record of the payee", "when it was changed is not said")
	} else {
		days := int(day(text(params, "execution_date")).Sub(day(changed[:10])).Hours()) / 24
		say("Record of the payee", "changed "+daysText(days)+", at "+changed+" (UTC)", days <= 30)
	}
	invoice, has := at(params, "/invoice/amount").(object)
	if !has {
		out.add("Amount of the invoice", "not given")
		return out
	}
	said := "NO"
	if same(invoice, params["amount"]) {
		said = "yes"
	}
	say("Amount of the invoice", moneyText(invoice)+", equal to the amount that is paid: "+said, said == "NO")
	return out
}

func keyRotation(params object) (out lines) {
	when := "at once"
	if seconds := integer(params, "overlap_seconds"); seconds != 0 {
		when = fmt.Sprintf("%d seconds after the new one is there", seconds)
	}
	isPassword := textAt(params, "/key/kind") == "postgresql-role-password"
	switch action := text(params, "old_key_action"); {
	case action == "keep":
		out.warn("The old one", "is KEPT: it goes on working beside the new one")
	case action == "disable":
		out.add("The old one", "is DISABLED "+when+", and can be enabled again")
	case isPassword:
		out.warn("The old one", "ENDS "+when+", for ever: a role has one password")
	default:
		out.warn("The old one", "is DELETED "+when+", for ever")
	}
	return out
}

func keyConsumers(params object) (out lines) {
	var open, verified []object
	for _, each := range objects(params, "consumers") {
		if each["verified"] == true {
			verified = append(verified, each)
		} else {
			open = append(open, each)
		}
	}
	count := len(open) + len(verified)
	switch {
	case count == 0:
		out.warn("Who uses the old one", "nobody is known")
	case len(open) == 0:
		out.add("Who uses the old one", fmt.Sprintf("%d seen, all verified to take the new one", count))
	default:
		out.warn("Who uses the old one", fmt.Sprintf("%d seen, %d of them NOT VERIFIED to take the new one", count, len(open)))
	}
	for i, each := range open {
		label, id := fmt.Sprintf("Not verified %d", i+1), text(each, "id")
		s := shownPlain(id)
		out.warn(label, s.text+", last seen "+text(each, "last_seen")+" (UTC)")
		out.warnings = append(out.warnings, textWarnings(label, id, s)...)
	}
	for i, each := range verified {
		out.addText(fmt.Sprintf("Verified %d", i+1), text(each, "id"), ", last seen "+text(each, "last_seen")+" (UTC)")
	}
	return out
}

func secretAccess(params object) (out lines) {
	arn := text(params, "secret_ref")
	parts := strings.Split(arn, ":")
	require(len(parts) == 7 && len(parts[6]) > 7, "UNRENDERABLE")
	name := parts[6][:len(parts[6])-7]
	out.add("Read the secret", fmt.Sprintf("%s (account %s, %s)", name, parts[4], parts[3]))
	out.add("Full name of the secret", arn)
	out.add("Cannot be undone", "what was read stays known: only a new value of the secret ends it")
	if _, has := params["fields"]; !has {
		out.warnings = append(out.warnings, "Fields: all of them are given out")
	}
	return out
}

func containment(params object) (out lines) {
	target := objectOf(params["target"])
	isCut, isInstance := params["action"] == "isolate-host", target["kind"] == "cloud-instance"
	groups := ""
	kind, label, back := " (a network namespace of Linux)", "Let back", ""
	if isInstance {
		kind, back = " (an instance of EC2)", ", back to the groups of before"
		for i, group := range list(target, "groups_after") {
			if i > 0 {
				groups += ", "
			}
			groups += group.(string)
		}
	}
	if isCut {
		label = "Cut off"
	}
	out.addText(label, text(target, "display"), kind)
	switch {
	case isCut && isInstance:
		out.add("What is cut", "every new connection, in and out, that the group "+groups+" does not let through")
	case isCut:
		out.add("What is cut", "every connection of the namespace, in and out")
	case isInstance:
		out.add("What is opened", "whatever these groups let through: "+groups)
	default:
		out.add("What is opened", "the network of the namespace, as it was before")
	}
	if isCut {
		out.add("How it is undone", "release-host on the same machine"+back+", in a request of its own; nothing is released by itself")
	} else {
		out.add("How it is undone", "isolate-host on the same machine, in a request of its own")
	}
	return out
}

func containmentClaims(params object) (out lines) {
	label := "How critical it is"
	switch criticality := textAt(params, "/target/criticality"); criticality {
	case "crown-jewel":
		out.warn(label, "CROWN JEWEL: the business stands still without it")
	case "safety":
		out.warn(label, "SAFETY: persons may come to harm without it")
	case "":
		out.add(label, "not given")
	default:
		out.add(label, criticality)
	}
	return out
}
