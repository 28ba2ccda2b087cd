"""schemas/formats/entries.md: entries of the log, as far as evidence holds them."""

from dataclasses import dataclass

from .canonical import parse_canonical, time_ms
from .errors import CountersignError, require
from .form import closed, text
from .log import leaf_hash, name_of
from .passkey import proof_bytes
from .sshsig import sshsig_bytes

TERMS = (
    "action_digest display_digest action_type descriptor_digest policy_digest requirement agent acting_for "
    "executor excluded separation demo"
)

_MEMBERS = {
    "ledger-founded": "origin demo separation rps bootstrap recovery log_keys members policy authority_root rules_version",
    "authority-changed": "change previous authority_root input?",
    "request-admitted": f"action_id {TERMS} bounds? permits? delegation? batch? confirmation? escalates_at? request_signature reversibility decide_by use_within_s start_within_s "
    "max_uses not_after authority supersedes? epoch? context_digest? action? recent? input",
    "binding-made": f"action_id {TERMS} bounds? permits? delegation? batch? confirmation? escalates_at? admission admission_index decisions statement authority use_by start_within_s "
    "max_uses epoch",
    "binding-revoked": "action_id binding admission statement proof proof_class input",
    "binding-used": "action_id binding use_id use_number executor claim key_thumbprint signature start_by short_id input",
    "execution-reported": "action_id use_id report key_thumbprint signature input",
    "content-erased": "action_id erased key_thumbprint signature request input",
}


@dataclass(frozen=True)
class Entry:
    """An entry whose form is right. `receipt` is empty for one that came without."""

    members: dict
    text: str
    leaf: str
    receipt: str = ""

    def __getitem__(self, name: str):
        return self.members[name]


def read_entry(value, kind: str, receipt: str = "") -> Entry:
    try:
        require(isinstance(value, str) and len(value.encode("utf-8", "surrogatepass")) <= 65_535, "EVIDENCE_FORMAT")
        members = parse_canonical(value)
    except CountersignError as error:
        raise CountersignError("EVIDENCE_FORMAT", "expected a canonical entry") from error
    require(members.get("v") == "countersign.entry.v1", "EVIDENCE_FORMAT", "expected an entry")
    require(members.get("type") == kind, "TYPE_CONFUSION", f"expected the entry {kind}")
    if kind == "binding-made":
        _check_proofs(members.get("decisions"))
    closed(members, f"v type at tenant {_MEMBERS[kind]}")
    for name in ("at", "decide_by", "use_by", "not_after", "start_by", "escalates_at"):
        if name in members:
            _check_time(text(members, name))
    return Entry(members, value, name_of(leaf_hash(value.encode())), receipt)


def _check_time(value: str) -> None:
    try:
        time_ms(value)
    except CountersignError as error:
        raise CountersignError("EVIDENCE_FORMAT", "expected a time") from error


def _check_proofs(decisions) -> None:
    """No form may stand in for a person."""
    require(isinstance(decisions, list) and decisions != [], "NO_HUMAN_PROOF", "expected a decision")
    for decision in decisions:
        is_there = isinstance(decision, dict) and isinstance(decision.get("proof"), dict)
        require(is_there, "NO_HUMAN_PROOF", "expected a proof of the person")
        read = sshsig_bytes if decision["proof"].get("kind") == "sshsig" else proof_bytes
        read(decision["proof"])


def logged(value, kind: str) -> Entry:
    pair = closed(value, "entry receipt")
    return read_entry(pair["entry"], kind, text(pair, "receipt"))
