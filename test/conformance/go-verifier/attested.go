package main

import "regexp"

// Rules that ask for models of keys: schemas/formats/policy.md §15.

var modelForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// checkAttested is the form of a list of models.
func checkAttested(rule object) {
	if _, has := rule["attested"]; !has {
		return
	}
	as("POLICY_MISMATCH", func() {
		makers, roots := objects(rule, "attested"), map[string]bool{}
		for _, maker := range makers {
			closed(maker, "root models?")
			rawDigest(text(maker, "root"))
			roots[text(maker, "root")] = true
			if _, hasModels := maker["models"]; hasModels {
				checkModels(list(maker, "models"))
			}
		}
		isForm := len(makers) >= 1 && len(makers) <= 16 && len(roots) == len(makers)
		require(isForm && !contains(list(rule, "proof_classes"), "possession"), "POLICY_MISMATCH")
	})
}

func checkModels(models []any) {
	known := map[string]bool{}
	for _, model := range texts(models) {
		require(modelForm.MatchString(model), "POLICY_MISMATCH")
		known[model] = true
	}
	require(len(models) >= 1 && len(models) <= 64 && len(known) == len(models), "POLICY_MISMATCH")
}

// joinAttested: no list satisfies two that differ.
func joinAttested(sum, next object) {
	one, isOne := sum["attested"]
	other, isOther := next["attested"]
	require(!isOne || !isOther || same(one, other), "POLICY_MISMATCH")
	if isOne {
		next["attested"] = one
	}
}

// isOfModel tells whether somebody on the list vouches for a model of theirs that this credential is of.
func isOfModel(credential object, makers []object) bool {
	shown, has := credential["attestation"].(object)
	for _, maker := range makers {
		models, isLimited := maker["models"].([]any)
		if has && maker["root"] == shown["root"] && (!isLimited || contains(models, shown["model"])) {
			return true
		}
	}
	return false
}
