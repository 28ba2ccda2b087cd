"""An agent asks for a change of an access policy, and waits until a person has decided.

ask_and_wait.py WORK: reads WORK/policy.json, leaves WORK/action.json and WORK/evidence.json.
"""

import json
import os
import sys
from pathlib import Path

from countersign import Ledger, SigningKey, draft_action, precondition_digest, request, wait
from countersign.canonical import digest

work = Path(sys.argv[1])
key = SigningKey.read(os.environ.get("AGENT_KEY", "agent.key"))
ledger = Ledger(os.environ.get("COUNTERSIGN_URL", "http://localhost:7420"), key)
interface = json.loads((Path(__file__).parent.parent / "interface.json").read_text())

before = (work / "policy.json").read_text()
action = draft_action(
    tenant="default",
    agent="local-agent",
    key=key,
    executor={"id": "policy-file", "audience": "111122223333", "descriptor_digest": digest("executor", interface)},
    type="iam.policy.change",
    params={
        "provider": "aws",
        "account": "111122223333",
        "target": {"kind": "managed-policy", "ref": "arn:aws:iam::111122223333:policy/deploy-agent"},
        "before": before,
        "after": before.replace(',"s3:DeleteObject"', ""),
        "change_ref": "CHG-1042",
    },
    # What must still be so when it runs.
    preconditions=[{"name": "policy.before", "digest": precondition_digest(before)}],
    life_s=3_600,
)
# Kept before it is sent: whoever asks again with the same action asks for the same thing.
(work / "action.json").write_text(json.dumps(action))

requested = request(ledger, key, action)
print(f"asked: {requested.page_url}", flush=True)

# Goes on by itself when the connection breaks or the ledger is started again.
ended = wait(ledger, requested.action_id)
print(f"ended: {ended.status}")
if ended.evidence is None:
    sys.exit(1)
(work / "evidence.json").write_bytes(ended.evidence)
