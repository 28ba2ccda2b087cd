"""Verification of evidence against a trust file, with no network."""

from dataclasses import dataclass, field

from .canonical import digest, parse_canonical, raw_digest, time_ms
from .entry import Entry, read_entry
from .errors import CountersignError, require
from .escalation import is_of_second_group
from .evidence import Evidence, Verification, check_use, parse_evidence
from .log import KeySpan, ReceiptReader
from .trust import Trust, parse_trust

_INDETERMINATE = ("CONTENT_MISSING", "AUTHORITY_MISSING", "CLOCK_UNKNOWN", "LEDGER_UNREACHABLE")
DEFAULT_SKEW_MS = 5_000


@dataclass(frozen=True)
class Outcome:
    """`outcome` is VALID, REFUSED or INDETERMINATE. An executor runs on VALID alone."""

    outcome: str
    code: str | None = None
    detail: str = ""
    #: What has been proven; only when VALID.
    facts: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return self.outcome if self.code is None else f"{self.outcome} {self.code}"


@dataclass(frozen=True)
class Execution:
    """What an executor is about to do, from its own knowledge only."""

    #: Canonical bytes of the action made of the parameters that it will send.
    action: bytes
    executor: str
    audience: str
    interface_digest: str
    #: Digests of the live state by name.
    preconditions: dict[str, str]


class Verifier:
    """Checks against one trust file: `Verifier(Path("trust.json").read_bytes())`.

    The display is compared with what was signed for; unlike @countersign/verify this one does not render it again.
    """

    def __init__(self, trust: bytes | Trust, allow_demo: bool = False) -> None:
        self.trust = trust if isinstance(trust, Trust) else parse_trust(trust)
        self.allow_demo = allow_demo
        #: The keys of the log as the last evidence has proven them.
        self._spans = [KeySpan(key) for key in self.trust.log_keys]

    def verify(self, file: bytes, *, level: str = "human", now_ms: int | None = None) -> Outcome:
        """Whether this was bound. Without a time nothing is said of expiry: an auditor looks at what is long past."""
        return _outcome(lambda: self._verified(file, level, now_ms)[1])

    def verify_for_execution(self, file: bytes, execution: Execution, now_ms: int) -> tuple[Outcome, Evidence | None]:
        """Whether this executor may claim a use now, and run exactly this action on the state as it is."""
        evidence: list[Evidence] = []

        def check() -> dict:
            found, facts = self._verified(file, "human", now_ms)
            _check_executable(found, execution)
            evidence.append(found)
            return facts

        outcome = _outcome(check)
        return outcome, evidence[0] if outcome.outcome == "VALID" else None

    def _verified(self, file: bytes, level: str, now_ms: int | None) -> tuple[Evidence, dict]:
        is_level = level in ("sealed", "human", "witnessed")
        require(is_level, "EVIDENCE_FORMAT", "expected the level sealed, human or witnessed")
        evidence = parse_evidence(file)
        run = Verification(evidence, self.trust, self.allow_demo)
        run.run(level)
        if evidence.version == 2:
            self._spans = run.receipts.spans
        if now_ms is not None:
            _check_time(evidence.binding, now_ms)
        return evidence, facts_of(evidence)

    def verify_use(self, entry: str, receipt: str, binding: Entry, use_id: str, now_ms: int) -> Entry:
        """That a claimed use is in the log and may still be started. Raises CountersignError."""
        use = read_entry(entry, "binding-used", receipt)
        ReceiptReader(self.trust.origin, self._spans, self.trust.pinned).position(receipt, raw_digest(use.leaf))
        check_use(use, binding)
        require(use["use_id"] == use_id, "ALREADY_CONSUMED", "expected the use that was claimed")
        # No skew: starting late is the harm.
        require(now_ms <= time_ms(use["start_by"]), "EXPIRED", f"expected a start by {use['start_by']}")
        return use


def _check_time(binding: Entry, now_ms: int) -> None:
    require(now_ms + DEFAULT_SKEW_MS >= time_ms(binding["at"]), "CLOCK_UNKNOWN", "expected a clock that is not behind")
    require(now_ms - DEFAULT_SKEW_MS <= time_ms(binding["use_by"]), "EXPIRED", f"expected a time up to {binding['use_by']}")


def _check_executable(evidence: Evidence, execution: Execution) -> None:
    binding = evidence.binding
    require(not evidence.revocations, "REVOKED", "expected no revocation")
    require(len(evidence.uses) < binding["max_uses"], "ALREADY_CONSUMED", "expected a use that is left")
    require(evidence.action_text is not None, "CONTENT_MISSING", "expected the action that was bound")
    is_same = digest("action", execution.action) == binding["action_digest"]
    require(is_same, "ACTION_DIGEST_MISMATCH", "expected the action that was bound")
    named = binding["executor"]
    is_ours = (execution.executor, execution.audience) == (named["id"], named["audience"])
    require(is_ours, "EXECUTOR_MISMATCH", f"expected a binding for {execution.executor}")
    is_interface = execution.interface_digest == named["descriptor_digest"]
    require(is_interface, "EXECUTOR_DESCRIPTOR_MISMATCH", "expected the interface that was bound")
    for each in parse_canonical(evidence.action_text)["preconditions"]:
        is_live = execution.preconditions.get(each["name"]) == each["digest"]
        require(is_live, "PRECONDITION_STALE", f"expected {each['name']} to be as it was")


def facts_of(evidence: Evidence) -> dict:
    binding = evidence.binding
    return {
        **{name: binding[name] for name in ("tenant", "action_id", "action_digest", "use_by", "max_uses", "separation", "demo")},
        "action_type": f"{binding['action_type']['name']}/{binding['action_type']['version']}",
        "agent": binding["agent"]["id"],
        "executor": binding["executor"]["id"],
        "binding": binding.leaf,
        "bound_at": binding["at"],
        "approvals": [_approver_of(each, binding) for each in binding["decisions"]],
        "uses": [use["use_id"] for use in evidence.uses],
        "is_content_erased": evidence.action_text is None,
    }


def _approver_of(decision: dict, binding: dict) -> dict:
    """As in verified facts everywhere: `for` whom, and whether as one whom the request went on to."""
    names = ("person", "for", "credential", "proof_class", "claimed_dwell_ms")
    is_second = is_of_second_group(binding["requirement"], decision.get("for", decision["person"]))
    return {
        **{name: decision[name] for name in names if name in decision},
        **({"second_group": True} if is_second else {}),
    }


def _outcome(check) -> Outcome:
    try:
        return Outcome("VALID", facts=check())
    except CountersignError as error:
        kind = "INDETERMINATE" if error.code in _INDETERMINATE else "REFUSED"
        return Outcome(kind, error.code, error.detail)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        # Some value was of another kind than its format says: no yes can come of it.
        return Outcome("REFUSED", "EVIDENCE_FORMAT", type(error).__name__)
