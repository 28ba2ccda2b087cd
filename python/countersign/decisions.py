"""Steps 16 and 17 of schemas/formats/evidence.md §5: quorum, and each decision with its passkey proof."""

from .attested import is_of_model
from .canonical import canonical, digest, raw_digest
from .deputies import check_deputy, voice_of, voices_in
from .errors import require
from .escalation import had_voice
from .form import closed, integer, items, object_of, objects, text
from .membership import check_membership
from .seats import check_seats
from .passkey import is_synced, verify_assertion
from .sshsig import DECISION_NAMESPACE, verify_sshsig
from .trust import Trust

# A day: how long a client may claim that it showed what was decided (decision.md §2).
_DWELL_MAX_MS = 86_400_000
_COMMON = ("tenant", "action_id", "admission", "action_digest", "display_digest")


def check_decisions(binding: dict, authority, trust: Trust) -> None:
    said = closed(binding["statement"], "v ledger verdict " + " ".join(_COMMON))
    is_this = (
        said["v"] == "countersign.decision.v1"
        and said["verdict"] == "approve"
        and said["ledger"] == trust.origin
        and all(said[name] == binding[name] for name in _COMMON)
    )
    require(is_this, "DECISION_REQUEST_MISMATCH", "expected a statement on this request")
    decisions = objects(binding, "decisions")
    voices = [voice for each in decisions for voice in voices_in(each)]
    require(len(set(voices)) == len(voices), "DUPLICATE_HUMAN", "expected different persons")
    keys = {_key_of(each, authority) for each in decisions}
    require(len(keys) == len(decisions), "DUPLICATE_KEY", "expected different keys")
    needed = integer(object_of(binding["requirement"]), "approvals")
    require(len(decisions) >= needed, "QUORUM_NOT_MET", f"expected {needed} persons, got {len(decisions)}")
    check_seats(binding)
    for decision in decisions:
        _check_decision(decision, binding, authority, trust)


def _key_of(decision: dict, authority) -> str:
    credential = authority.get("credential", text(decision, "credential"))
    return decision["credential"] if credential is None else credential["public_key"]


def _check_decision(decision: dict, binding: dict, authority, trust: Trust) -> None:
    closed(decision, "leaf at? person for? credential rationale_digest not_after claimed_dwell_ms? proof_class proof membership?")
    credential = authority.get("credential", decision["credential"])
    require(credential is not None, "KEY_NOT_ENROLLED_AT_TIME", "expected a passkey that was enrolled then")
    require(credential["person"] == decision["person"], "CREDENTIAL_UNKNOWN", "expected a passkey of that person")
    _check_person(decision, binding, authority)
    until = text(decision, "not_after")
    require(until >= binding["at"] and until >= binding["use_by"], "EXPIRED", "expected a decision that still held")
    check_membership(decision, binding, authority)
    own = {name: decision[name] for name in ("rationale_digest", "person", "credential", "not_after")}
    if "claimed_dwell_ms" in decision:
        own["claimed_dwell_ms"] = integer(decision, "claimed_dwell_ms")
        require(0 <= own["claimed_dwell_ms"] <= _DWELL_MAX_MS, "EVIDENCE_FORMAT", "expected a dwell of at most a day")
    classes = items(object_of(binding["requirement"]), "proof_classes")
    typed = {"confirmation": binding["confirmation"]} if "confirmation" in binding else {}
    statement = {**binding["statement"], **own, **typed}
    proof_class = _class_of(decision, credential, {"statement": statement, "classes": classes, "ledger": authority.ledger})
    is_class = proof_class == decision["proof_class"] and proof_class in classes
    require(is_class, "PROOF_CLASS", "expected a class of proof that the rule takes")
    if "device_bound" in object_of(binding["requirement"]):
        require(_is_device_bound(decision, credential), "AUTHENTICATOR_CLASS", "expected a key that stays in its device")
    if "attested" in binding["requirement"]:
        is_listed = is_of_model(credential, objects(binding["requirement"], "attested"))
        require(is_listed, "AUTHENTICATOR_CLASS", "expected a key of a model on the list")
    require(proof_class in trust.proof_classes, "PROOF_CLASS_NOT_ACCEPTED", "expected one that the trust file takes")


def _is_device_bound(decision: dict, credential: dict) -> bool:
    """Of a proof that holds: schemas/formats/policy.md §5."""
    if credential.get("proof") == "sshsig":
        return decision["proof_class"] != "possession"
    return credential["backup_eligible"] is False and not is_synced(decision["proof"])


def _class_of(decision: dict, credential: dict, meant: dict) -> str:
    """The proof is of the kind that the credential makes, over exactly this statement."""
    proof, statement = decision["proof"], meant["statement"]
    is_ssh = proof["kind"] == "sshsig"
    is_kind = credential.get("proof") == ("sshsig" if is_ssh else None)
    require(is_kind, "ASSERTION_INVALID", "credential")
    if is_ssh:
        return verify_sshsig(
            proof,
            message=canonical(statement).encode(),
            namespace=DECISION_NAMESPACE,
            credential_id=decision["credential"],
            public_key=credential["public_key"],
        )
    places = [each for each in objects(meant["ledger"], "rps") if each["id"] == credential["rp_id"]]
    return verify_assertion(
        proof,
        challenge=raw_digest(digest("decision", statement)),
        credential_id=decision["credential"],
        public_key=credential["public_key"],
        origins=[origin for place in places for origin in items(place, "origins")],
        rp_ids=[text(place, "id") for place in places],
        only_uv="up" not in meant["classes"],
    )


def _check_person(decision: dict, binding: dict, authority) -> None:
    person = text(decision, "person")
    known = authority.get("person", person)
    require(known is not None and known.get("class") == "natural", "NOT_A_NATURAL_PERSON", "expected a natural person")
    for each in objects(binding, "excluded"):
        require(each["person"] != person, text(each, "code"), "expected somebody who is not excluded")
    check_deputy(decision, binding, authority)
    is_theirs = had_voice(decision, binding, voice_of(decision))
    require(is_theirs, "NOT_ELIGIBLE", "expected one of the approvers, or of those whom it went on to")
