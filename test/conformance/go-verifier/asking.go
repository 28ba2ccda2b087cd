package main

import "time"

const dayMinutes = 24 * 60

// checkAsking: limits of how often and when a rule lets ask (policy.md §13). That they were kept, the whole log tells.
func checkAsking(rule object) {
	asking, has := rule["asking"]
	if !has {
		return
	}
	limits := closed(asking, "prompts_1h_max? open_max? quiet_utc?")
	require(len(limits) > 0, "POLICY_MISMATCH")
	for name, most := range map[string]int64{"prompts_1h_max": 10000, "open_max": 1000} {
		if _, isSaid := limits[name]; isSaid {
			require(integer(limits, name) >= 1 && integer(limits, name) <= most, "POLICY_MISMATCH")
		}
	}
	if _, isSaid := limits["quiet_utc"]; isSaid {
		checkQuiet(objects(limits, "quiet_utc"))
	}
}

// checkQuiet: some minute of the day is in none of them.
func checkQuiet(hours []object) {
	require(len(hours) >= 1 && len(hours) <= 8, "POLICY_MISMATCH")
	var isQuiet [dayMinutes]bool
	for _, each := range hours {
		closed(each, "from to")
		from, to := minuteOfDay(text(each, "from")), minuteOfDay(text(each, "to"))
		require(from != to, "POLICY_MISMATCH")
		for minute := from; minute != to; minute = (minute + 1) % dayMinutes {
			isQuiet[minute] = true
		}
	}
	for _, quiet := range isQuiet {
		if !quiet {
			return
		}
	}
	require(false, "POLICY_MISMATCH")
}

func minuteOfDay(s string) int {
	at, err := time.Parse("15:04", s)
	require(err == nil && len(s) == 5, "POLICY_MISMATCH")
	return at.Hour()*60 + at.Minute()
}
