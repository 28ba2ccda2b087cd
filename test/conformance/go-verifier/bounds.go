package main

import (
	"math/big"
	"regexp"
	"strings"
)

// Values that each use chooses: schemas/formats/descriptor-and-display.md §2.1, entries.md §3.

var amount = regexp.MustCompile(`^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$`)

func fraction(money string) string {
	_, digits, _ := strings.Cut(money, ".")
	return digits
}

func units(money string) *big.Int {
	n, _ := new(big.Int).SetString(strings.Replace(money, ".", "", 1), 10)
	return n
}

// checkBounded: erased or not, the admission froze the bounds of its type, and none where the type has none.
func (e *evidence) checkBounded(descriptor object) {
	frozen, has := e.admission.object["bounds"].([]any)
	rules, isRuled := descriptor["bounds"].([]any)
	require(has == isRuled && len(frozen) == len(rules), "ADMISSION_MISMATCH")
	for i := range rules {
		rule, bound := objectOf(rules[i]), closed(frozen[i], "name kind min max")
		require(same(rule["name"], bound["name"]) && same(rule["kind"], bound["kind"]), "ADMISSION_MISMATCH")
		isMoney := bound["kind"] == "money" && amount.MatchString(text(bound, "min")) && amount.MatchString(text(bound, "max"))
		require(isMoney, "EVIDENCE_FORMAT")
	}
}

func (e *evidence) checkBounds(descriptor object) {
	rules, _ := descriptor["bounds"].([]any)
	for i, v := range rules {
		rule, bound := objectOf(v), objectOf(list(e.admission.object, "bounds")[i])
		min, max := textAt(e.action, text(rule, "min")), textAt(e.action, text(rule, "max"))
		require(amount.MatchString(min) && amount.MatchString(max), "ACTION_DIGEST_MISMATCH")
		require(len(fraction(min)) == len(fraction(max)) && units(min).Cmp(units(max)) <= 0, "ACTION_DIGEST_MISMATCH")
		require(bound["min"] == min && bound["max"] == max, "ADMISSION_MISMATCH")
	}
}

func requireClaim(claim object) {
	names := "v tenant action_id use_id action_digest binding executor claimed_at"
	if claim["v"] == "countersign.use.v2" {
		for _, value := range objectOf(closed(claim, names+" chosen")["chosen"]) {
			_, isText := value.(string)
			require(isText, "EVIDENCE_FORMAT")
		}
		return
	}
	if claim["v"] == "countersign.use.v3" {
		item := closed(closed(claim, names+" item")["item"], "root index digest path")
		rawDigest(text(item, "root"))
		rawDigest(text(item, "digest"))
		require(integer(item, "index") >= 0 && integer(item, "index") < 64 && len(list(item, "path")) <= 6, "EVIDENCE_FORMAT")
		return
	}
	closed(claim, names)
	require(claim["v"] == "countersign.use.v1", "EVIDENCE_FORMAT")
}

// requireChosen: what a use has chosen is within what was approved, and where nothing was left to choose, nothing is chosen.
func requireChosen(binding, claim object) {
	chosen, hasChosen := claim["chosen"].(object)
	bounds, _ := binding["bounds"].([]any)
	require(hasChosen == (len(bounds) > 0) && len(chosen) == len(bounds), "CONSTRAINT_VIOLATED")
	for _, v := range bounds {
		bound := objectOf(v)
		value, _ := chosen[text(bound, "name")].(string)
		min, max := text(bound, "min"), text(bound, "max")
		isWithin := amount.MatchString(value) && len(fraction(value)) == len(fraction(min)) && len(fraction(value)) == len(fraction(max)) &&
			units(min).Cmp(units(value)) <= 0 && units(value).Cmp(units(max)) <= 0
		require(isWithin, "CONSTRAINT_VIOLATED")
	}
}

func paymentGrant(action object) (out lines) {
	params := objectOf(action["params"])
	creditor, currency, max, count := objectOf(params["creditor"]), text(params, "currency"), text(params, "amount_max"), integer(action, "max_uses")
	account, home := text(creditor, "account"), text(creditor, "country")
	money := func(amount string) string { return moneyText(object{"amount": amount, "currency": currency}) }
	payments := "1 payment"
	if count != 1 {
		payments = "up to " + big.NewInt(count).String() + " payments"
	}
	from := strings.TrimSuffix(money(text(params, "amount_min")), " "+currency)
	out.add("Pay", payments+" of "+from+" to "+money(max)+" to "+text(creditor, "name")+" until "+text(action, "not_after")+" (UTC)")
	places := len(fraction(max))
	sum := new(big.Rat).SetFrac(new(big.Int).Mul(units(max), big.NewInt(count)), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil))
	out.add("In all at most", money(sum.FloatString(places))+" ("+currencyName(currency)+")")
	out.add("Who chooses", "the executor, one amount for each payment, in its claim")
	out.add("Account of the payee", accountText(account))
	out.add("Country of the payee", countryName(home))
	out.add("From the account", accountText(text(params, "debtor_account")))
	out.add("Sent as", "SEPA credit transfers: calling one back needs the consent of the payee")
	if home != account[:2] {
		out.warnings = append(out.warnings, "Account of the payee: is in "+countryName(account[:2])+", and the payee in "+countryName(home))
	}
	return out
}
