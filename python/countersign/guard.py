"""Runs an action only under verified evidence, once. There is no option to run without."""

import re
import time
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Callable

from .batches import item_to_run
from .bounds import check_chosen
from .canonical import canonical, new_ulid, parse_canonical, timestamp
from .client import UNANSWERED, Ledger, SigningKey, signed_frame, signed_payload
from .errors import CountersignError, require
from .evidence import Evidence, parse_evidence, report_of, short_id_of
from .runs import FileRunStore
from .verifier import Execution, Verifier, facts_of

_CLOSED = ("ALREADY_CONSUMED", "EXPIRED", "REVOKED")


@dataclass(frozen=True)
class Executor:
    """Who runs, as it is enrolled. `interface_digest` is of what it promises about how it runs things."""

    id: str
    audience: str
    key: SigningKey
    interface_digest: str


@dataclass(frozen=True)
class Verified:
    """What the callback is given. Send `params`, with what the use has chosen among them, and no other copy of them."""

    action_id: str
    action_digest: str
    type: str
    params: dict
    approvals: list
    use_id: str
    #: `cs-` and ten characters, to be recorded by the target system.
    short_id: str
    #: `countersign-` and the use id, 38 characters.
    idempotency_key: str
    start_by: str


@dataclass(frozen=True)
class Run:
    """`outcome` is ended, refused or unknown.

    refused: the callback was not called. unknown (OUTCOME_UNKNOWN): the use is spent and what came of it is not known,
    or the ledger has not heard; it is never run again. Look at the target, then ask for a new action.
    """

    outcome: str
    code: str | None = None
    detail: str = ""
    #: What this executor knows: succeeded, failed or unknown.
    result: str | None = None
    use_id: str | None = None
    is_repeat: bool = False
    #: logged or pending; a pending one is sent again by the next `run` or by `settle`.
    report: str | None = None
    cause: BaseException | None = None
    #: The entry by which the ledger refused the use, with its receipt.
    answer: dict | None = None


Execute = Callable[[Verified], str | dict]


class Guard:
    """`execute` returns "succeeded" or "failed", or a dict with `result` and members of the report (`target_ref`,
    `before_digest`, `after_digest`, `exit_status`). What it raises means that nobody knows: unknown.
    """

    def __init__(self, *, ledger: Ledger, verifier: Verifier, executor: Executor, store: FileRunStore,
                 now_ms: Callable[[], int] = lambda: int(time.time() * 1_000)) -> None:
        self._ledger = ledger
        self._verifier = verifier
        self._executor = executor
        self._store = store
        self._now_ms = now_ms

    def run(self, action: dict | bytes, execute: Execute, *, preconditions: Callable[[dict], dict[str, str]],
            evidence: bytes | None = None, name: str | None = None, chosen: dict[str, str] | None = None,
            item: int | None = None) -> Run:
        """Verifies, compares, checks the live state, claims, checks the receipt and start_by, executes, reports.

        Called again for the same action and name it never executes twice. `chosen` is what this use chooses within the
        bounds of its action, as {"amount": "12.50"}; a claim that was made and not answered keeps what it has chosen.
        `item` is the number of an item of a batch, from 1: `preconditions` is asked with it as the action that it is, and
        `execute` is given its params alone. The name is "1" unless given, and item- with its number for an item.
        """
        def act() -> Run:
            text = canonical(action) if isinstance(action, dict) else action.decode("utf-8", "surrogateescape")
            envelope = parse_canonical(text)
            run_name = name if name is not None else "1" if item is None else f"item-{item}"
            require(bool(re.fullmatch("[a-z0-9-]{1,32}", run_name)), "ACTION_INVALID", "expected a name of a run")
            require(bool(re.fullmatch("[0-9A-Z]{26}", str(envelope.get("action_id")))), "ACTION_INVALID")
            run = f"{envelope['action_id']}.{run_name}"
            with self._store.lock(run):
                left = self._store.read(run)
                if "start" in left or "report" in left:
                    return self._after(run, left)
                # A claim that was left open may have been used since a file was made: that, only the ledger tells.
                order = {"text": text, "envelope": envelope, "evidence": evidence if left == {} else None,
                         "live": preconditions, "chosen": chosen, "item": item}
                return self._fresh(run, order, left.get("claim"), execute)

        return _refusals_of(act)

    def settle(self) -> list[Run]:
        """For an executor that starts again: reports `unknown` what was being run when it died. Executes nothing."""
        return [_refusals_of(lambda run=run: self._settled(run)) for run in self._store.open_runs()]

    def _settled(self, run: str) -> Run:
        with self._store.lock(run):
            left = self._store.read(run)
            require("claim" in left, "NOT_STARTED", "it was settled meanwhile")
            if "start" in left or "report" in left:
                return self._after(run, left)
            why = CountersignError("NOT_STARTED", "nothing was started")
            return self._claim_left(run, left["claim"], why)

    def _after(self, run: str, left: dict) -> Run:
        """What was started in an earlier call. It is never started again."""
        claim, report = left["claim"], left.get("report")
        if report is None:
            return self._report(run, claim, {"result": "unknown"}, left["start"]["started_at"], is_repeat=True)
        delivered = "logged" if "sent" in left else self._deliver(run, claim, report["frame"])
        if not report["started"]:
            return Run("refused", "NOT_STARTED", "its use was claimed and nothing started")
        return _result(claim, report["result"], delivered, is_repeat=True)

    def _fresh(self, run: str, order: dict, claim: dict | None, execute: Execute) -> Run:
        action_id = order["envelope"]["action_id"]
        file = order["evidence"] if order["evidence"] is not None else self._ledger.evidence(action_id)
        try:
            evidence = self._verified(order, file)
            item = self._item(order, evidence)
        except CountersignError as error:
            if claim is None or error.code not in _CLOSED:
                raise
            # No proof of how it ended, but enough not to say that nothing ran.
            if _reported(parse_evidence(file), claim) is not None:
                return _result(claim, "unknown", "logged", is_repeat=True)
            return self._claim_left(run, claim, error)
        proof = None if item is None else item["proof"]
        claim = claim if claim is not None else self._write_claim(run, evidence, order["chosen"], proof)
        is_same = signed_payload(claim["frame"]).get("item") == proof
        require(is_same, "ACTION_DIGEST_MISMATCH", "expected the item of this run")
        # The start and the report may have been written here, and be gone (attack row C16).
        told = _reported(evidence, claim)
        if told is not None:
            return _result(claim, told, "logged", is_repeat=True)
        try:
            answer = self._ledger.submit("uses", claim["frame"])
        except CountersignError as error:
            # A claim that was refused is spent; a new call may make another one.
            if error.code not in UNANSWERED:
                self._store.forget(run)
            raise
        try:
            use = self._verifier.verify_use(
                answer["entry"]["text"], answer["receipt"], evidence.binding, claim["use_id"], self._now_ms()
            )
        except CountersignError as error:
            if error.code != "EXPIRED":
                raise
            return self._not_started(run, claim, error)
        action = order["envelope"] if item is None else item["action"]
        return self._start(run, claim, _handed_out(action, evidence, use["start_by"], claim), execute)

    def _verified(self, order: dict, file: bytes) -> Evidence:
        # A batch has no live state of its own: each of its items may.
        live = _live(order, order["envelope"]) if order["item"] is None else {}
        own = self._executor
        execution = Execution(order["text"].encode(), own.id, own.audience, own.interface_digest, live)
        outcome, evidence = self._verifier.verify_for_execution(file, execution, self._now_ms())
        if outcome.outcome != "VALID" or evidence is None:
            raise CountersignError(outcome.code or "EVIDENCE_FORMAT", outcome.detail)
        if "batch" in evidence.binding.members:
            return evidence  # Which items wait for what came of another one, the ledger knows.
        # An approval of what may have run already is no approval to run it once more (attack row C16).
        # Of a use of a grant a later report may say what came of it.
        reports = [report_of(each) for each in evidence.reports]
        known = {each["use_id"] for each in reports if each["result"] != "unknown"}
        require(all(each["use_id"] in known for each in reports), "OUTCOME_UNKNOWN", "an earlier use of this binding came to nobody knows what")
        return evidence

    def _item(self, order: dict, evidence: Evidence) -> dict | None:
        batch = evidence.binding.members.get("batch")
        item = item_to_run(evidence.file["descriptor"], batch, order["envelope"], order["item"])
        if item is not None:
            named = {each["name"]: each["digest"] for each in item["action"]["preconditions"]}
            is_same = _live(order, item["action"]) == named
            require(is_same, "PRECONDITION_STALE", "expected the live state that the item names")
        return item

    def _write_claim(self, run: str, evidence: Evidence, chosen: dict[str, str] | None, proof: dict | None) -> dict:
        """It is on the disk before it is sent: if we stop after that, the next call makes the very same claim."""
        # Refused here as the ledger would: it would keep the refusal for ever.
        check_chosen(evidence.binding.members.get("bounds"), chosen)
        now_ms, binding = self._now_ms(), evidence.binding
        named = {name: binding[name] for name in ("tenant", "action_id", "action_digest")}
        said = {**named, "use_id": new_ulid(now_ms), "executor": self._executor.id, "claimed_at": timestamp(now_ms)}
        version = {"v": "countersign.use.v1"} if chosen is None else {"v": "countersign.use.v2", "chosen": chosen}
        version = version if proof is None else {"v": "countersign.use.v3", "item": proof}
        payload = canonical({**version, "binding": binding.leaf, **said})
        claim = {**said, "frame": signed_frame("use", payload.encode(), self._executor.key)}
        require(self._store.create(run, "claim", claim), "RUN_BUSY", "another call has claimed this run")
        return claim

    def _start(self, run: str, claim: dict, verified: Verified, execute: Execute) -> Run:
        """The start is on the disk before anything is executed, and only one call can write it."""
        started_at = timestamp(self._now_ms())
        is_first = self._store.create(run, "start", {"use_id": claim["use_id"], "started_at": started_at})
        require(is_first, "RUN_BUSY", "another call has started this run")
        if timestamp(self._now_ms()) > verified.start_by:
            late = CountersignError("EXPIRED", f"expected a start by {verified.start_by}; it did not run")
            return self._not_started(run, claim, late)
        cause: BaseException | None = None
        try:
            said: Any = execute(verified)
        except Exception as error:  # Whatever it was, the target may have changed before it.
            said, cause = "unknown", error
        ended = dict(said) if isinstance(said, dict) else {"result": said}
        if ended.get("result") not in ("succeeded", "failed"):
            ended["result"] = "unknown"
        return self._report(run, claim, ended, started_at, cause=cause)

    def _report(self, run: str, claim: dict, ended: dict, started_at: str, *, is_repeat: bool = False,
                cause: BaseException | None = None) -> Run:
        """After something was started it never raises: a caller that sees an error may think that nothing ran."""
        try:
            delivered = self._written(run, claim, ended, started_at, started=True)
        except (CountersignError, OSError) as error:
            delivered, cause = "pending", cause or error
        return _result(claim, ended["result"], delivered, is_repeat=is_repeat, cause=cause)

    def _written(self, run: str, claim: dict, ended: dict, started_at: str, *, started: bool) -> str:
        names = ("tenant", "action_id", "use_id", "action_digest", "executor")
        payload = {
            "v": "countersign.report.v1",
            **{name: claim[name] for name in names},
            **_told(ended),
            "started_at": started_at,
            "ended_at": timestamp(self._now_ms()),
        }
        frame = signed_frame("report", canonical(payload).encode(), self._executor.key)
        record = {"use_id": claim["use_id"], "result": ended["result"], "started": started, "frame": frame}
        self._store.create(run, "report", record)
        return self._deliver(run, claim, frame)

    def _deliver(self, run: str, claim: dict, frame: str) -> str:
        delivered = "logged"
        try:
            self._ledger.submit("reports", frame)
        except CountersignError as error:
            if error.code != "REPORT_CONFLICT":
                return "pending"
            delivered = "conflict"
        self._store.create(run, "sent", {"use_id": claim["use_id"]})
        return delivered

    def _not_started(self, run: str, claim: dict, why: CountersignError) -> Run:
        """The use is in the log and nothing was started on it, nor ever will be: the ledger has to hear that."""
        self._written(run, claim, {"result": "failed"}, claim["claimed_at"], started=False)
        return Run("refused", why.code, why.detail)

    def _claim_left(self, run: str, claim: dict, why: CountersignError) -> Run:
        """A claim of which nobody knows whether it arrived, of a binding that can no longer be used."""
        try:
            self._ledger.submit("uses", claim["frame"])
        except CountersignError as error:
            if error.code in UNANSWERED:
                raise
            self._store.forget(run)
            raise why from error
        return self._not_started(run, claim, CountersignError("NOT_STARTED", "its use was claimed and nothing started"))


def _reported(evidence: Evidence, claim: dict) -> str | None:
    """What this executor has told the ledger of the use that it claimed."""
    told = [each["result"] for each in map(report_of, evidence.reports) if each["use_id"] == claim["use_id"]]
    return told[-1] if told else None


def _live(order: dict, action: dict) -> dict:
    try:
        # A copy: what reads the live state cannot change what will run.
        return order["live"](deepcopy(action))
    except Exception as error:
        raise CountersignError("PRECONDITION_UNREADABLE", "expected the live state") from error


def _handed_out(action: dict, evidence: Evidence, start_by: str, claim: dict) -> Verified:
    use_id = claim["use_id"]
    return Verified(
        action_id=action["action_id"],
        action_digest=evidence.binding["action_digest"],
        type=action["type"],
        # Of the signed claim: it is what the ledger held to the bounds, and no order that came later.
        params={**action["params"], **signed_payload(claim["frame"]).get("chosen", {})},
        approvals=facts_of(evidence)["approvals"],
        use_id=use_id,
        short_id=short_id_of(use_id),
        idempotency_key=f"countersign-{use_id}",
        start_by=start_by,
    )


def _told(ended: dict) -> dict:
    """What a report can hold of it: details that it cannot must not keep the ledger from hearing how it ended."""
    told: dict = {"result": ended["result"]}
    if type(ended.get("exit_status")) is int and abs(ended["exit_status"]) <= 0xFFFFFFFF:
        told["exit_status"] = ended["exit_status"]
    if isinstance(ended.get("target_ref"), str) and 0 < len(ended["target_ref"]) <= 200:
        told["target_ref"] = ended["target_ref"]
    for name in ("before_digest", "after_digest"):
        if isinstance(ended.get(name), str) and re.fullmatch("sha256:[0-9a-f]{64}", ended[name]):
            told[name] = ended[name]
    return told


def _result(claim: dict, result: str, delivered: str, *, is_repeat: bool, cause: BaseException | None = None) -> Run:
    if delivered == "logged" and result != "unknown":
        return Run("ended", result=result, use_id=claim["use_id"], is_repeat=is_repeat, report="logged")
    report = "pending" if delivered == "pending" else "logged"
    return Run("unknown", "OUTCOME_UNKNOWN", result=result, use_id=claim["use_id"], is_repeat=is_repeat,
               report=report, cause=cause)


def _refusals_of(act: Callable[[], Run]) -> Run:
    try:
        return act()
    except CountersignError as error:
        if error.code == "RECORD_DAMAGED":
            raise
        return Run("refused", error.code, error.detail, answer=error.answer)
