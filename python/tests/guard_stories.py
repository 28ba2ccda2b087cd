"""Plays one story of the guard against a running ledger, and prints what came of each of its runs, one a line.

guard_stories.py STORY WORK: WORK has action.json, trust.json and executor.key.
"""

import json
import os
import sys
from pathlib import Path

from countersign import CountersignError, Executor, FileRunStore, Guard, Ledger, Run, SigningKey, Verifier
from countersign import canonical, draft_action, request

story, work = sys.argv[1], Path(sys.argv[2])
key = SigningKey.read(work / "executor.key")
action = json.loads((work / "action.json").read_text())
ledger = Ledger(os.environ["COUNTERSIGN_URL"], key)
calls: list[str] = []


def guard(way: Ledger = ledger, *, audience: str = "host:build-1", store: str = "runs") -> Guard:
    executor = Executor("build-1", audience, key, "sha256:" + "ab" * 32)
    verifier = Verifier((work / "trust.json").read_bytes())
    return Guard(ledger=way, verifier=verifier, executor=executor, store=FileRunStore(work / store))


def succeed(verified) -> str:
    calls.append(verified.short_id)
    return "succeeded"


def tell(run: Run) -> None:
    said = run.result if run.outcome == "ended" else run.code
    print(f"{run.outcome} {said} {len(calls)}{' repeat' if run.is_repeat else ''}")


def run(which: Guard, what=action, execute=succeed, **more) -> None:
    tell(which.run(what, execute, preconditions=lambda _action: {}, **more))


def pay(verified) -> str:
    calls.append(verified.params["amount"])
    return "succeeded"


def pay_item(verified) -> str:
    calls.append(f"{verified.type} {verified.params['amount']['amount']}")
    return "succeeded"


class Without(Ledger):
    """The way to the ledger without one of its calls."""

    def __init__(self, step: str) -> None:
        super().__init__(ledger.url, key)
        self.step = step

    def submit(self, path: str, frame: str) -> dict:
        if path == self.step:
            raise CountersignError("LEDGER_UNREACHABLE", "cut")
        return super().submit(path, frame)

    def evidence(self, action_id: str) -> bytes:
        if self.step == "evidence":
            raise CountersignError("LEDGER_UNREACHABLE", "cut")
        return super().evidence(action_id)


def raises(_verified) -> str:
    calls.append("raised")
    raise TimeoutError("at the bank")


def dies(_verified) -> str:
    os._exit(9)


if story == "once":
    run(guard())
    run(guard())
    run(guard(store="no-memory"))
elif story == "grant":
    for chosen in ({"amount": "500.01"}, {"amount": "5"}, {"amount": "5.00", "currency": "USD"}, {"amount": 5}, None):
        run(guard(), execute=pay, chosen=chosen)
    run(guard(Without("uses")), execute=pay, name="1", chosen={"amount": "0.01"})
    # The claim that was not answered is made again, whatever is chosen now.
    run(guard(), execute=pay, name="1", chosen={"amount": "9.99"})
    run(guard(), execute=pay, name="2", chosen={"amount": "500.00"})
    run(guard(), execute=raises, name="3", chosen={"amount": "1.00"})
    print(calls)
elif story == "grant-unknown":
    run(guard(), execute=raises, name="1", chosen={"amount": "1.00"})
    run(guard(), execute=pay, name="2", chosen={"amount": "2.00"})
elif story == "batch":
    for more in ({"item": 4}, {"item": 0}, {}, {"item": 3}, {"item": 1}, {"item": 3}, {"item": 3, "name": "again"}):
        run(guard(), execute=pay_item, **more)
    print(calls)
elif story == "plan":
    for more in ({"item": 2}, {"item": 1}, {"item": 2}):
        run(guard(), execute=pay_item, **more)
elif story == "plain-chosen":
    run(guard(), chosen={"amount": "1.00"})
elif story == "other":
    run(guard(), {**action, "params": {**action["params"], "argv": ["rm"]}})
    run(guard(audience="host:build-2"))
elif story == "raises":
    run(guard(), execute=raises)
    run(guard(), execute=raises)
    run(guard(store="no-memory"))
elif story == "lost":
    run(guard())
    for part in ("start", "report", "sent"):
        (work / "runs" / f"{action['action_id']}.1.{part}.json").unlink()
    run(guard())
elif story == "dies":
    run(guard(), execute=dies)
elif story == "settles":
    for each in guard().settle():
        tell(each)
    run(guard())
elif story == "arrival":
    agent = SigningKey.read(work / "agent.key")
    way = Ledger(ledger.url, agent)
    kept = work / "arrival.json"
    while not kept.exists():
        # What is answered at once needs no promise.
        named = {"tenant": action["tenant"], "agent": action["agent"]["id"], "key": agent, "executor": action["executor"]}
        asked = draft_action(**named, type=action["type"], params=action["params"], life_s=600)
        request(way, agent, asked, on_arrival=lambda arrival: kept.write_text(canonical(arrival)))
    try:
        request(way, agent, {**asked, "max_uses": 2}, on_arrival=lambda _arrival: None)
    except CountersignError as error:
        print(error.code, json.loads(error.answer["entry"]["text"])["type"], error.answer["receipt"].split()[0])
    run(guard())
    refused = guard(store="no-memory").run(action, succeed, preconditions=lambda _action: {})
    print(refused.code, refused.answer)
elif story == "cut":
    run(guard(Without("evidence")))
    run(guard(Without("uses")))
    run(guard(Without("reports")))
    run(guard())
