"""An auditor checks evidence with two files and no network: WORK/evidence.json against WORK/trust.json."""

import sys
from pathlib import Path

from countersign import Verifier

work = Path(sys.argv[1])
outcome = Verifier((work / "trust.json").read_bytes()).verify((work / "evidence.json").read_bytes())
print(outcome)
for approval in outcome.facts.get("approvals", []):
    print(f"approved by {approval['person']} ({approval['proof_class']})")
sys.exit(0 if outcome.outcome == "VALID" else 1)
