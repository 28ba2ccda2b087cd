"""An executor that changes a policy only under verified evidence, and never twice.

guarded_executor.py WORK: runs WORK/action.json, whatever the agent put there.
"""

import json
import os
import sys
from pathlib import Path

from countersign import Executor, FileRunStore, Guard, Ledger, SigningKey, Verified, Verifier, precondition_digest
from countersign.canonical import digest

work = Path(sys.argv[1])
policy = work / "policy.json"
key = SigningKey.read(os.environ.get("EXECUTOR_KEY", "executor.key"))
interface = json.loads((Path(__file__).parent.parent / "interface.json").read_text())

guard = Guard(
    ledger=Ledger(os.environ.get("COUNTERSIGN_URL", "http://localhost:7420"), key),
    # From the people who founded the ledger, never from the ledger itself.
    verifier=Verifier((work / "trust.json").read_bytes()),
    executor=Executor("policy-file", "111122223333", key, digest("executor", interface)),
    store=FileRunStore(work / "runs"),
)
# After a crash: reports what may have run as unknown, and runs nothing.
for left in guard.settle():
    print("left from before:", left)


def change(verified: Verified) -> dict:
    policy.write_text(verified.params["after"])
    print(f"changed the policy under {verified.short_id}")
    return {"result": "succeeded", "target_ref": "policy.json"}


run = guard.run(
    json.loads((work / "action.json").read_text()),
    change,
    preconditions=lambda _action: {"policy.before": precondition_digest(policy.read_text())},
)
if run.outcome != "ended":
    print(f"{run.outcome}: {run.code}")
    sys.exit(1)
print(f"{run.result}{', in an earlier run' if run.is_repeat else ''}")
