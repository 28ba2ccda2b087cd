"""Prints what this package makes of each vector of a folder, one a line: name, a tab, the outcome; or what is named after the folder."""

import base64
import json
import sys
from pathlib import Path

from countersign import CountersignError, Outcome, Verifier, parse_trust
from countersign.attestation import attested_model
from countersign.canonical import canonical, from_base64url, parse, time_ms
from countersign.passkey import verify_assertion
from countersign.runs import parse_part
from countersign.sshsig import verify_sshsig


def _verified(vector: dict) -> Outcome:
    verifier = Verifier(canonical(vector["trust"]).encode(), allow_demo=vector.get("allow_demo", False))
    now = vector.get("now")
    now_ms = None if now is None else time_ms(now)
    return verifier.verify(vector["evidence"].encode(), level=vector["level"], now_ms=now_ms)


def evidence(vector: dict) -> str:
    return str(_verified(vector))


def approvals(vector: dict) -> str:
    return canonical(_verified(vector).facts.get("approvals"))


def trust(vector: dict) -> str:
    parse_trust(vector["trust"].encode())
    return "VALID"


def human_proof(vector: dict) -> str:
    expected = vector["expected"]
    return verify_assertion(
        vector["proof"],
        challenge=from_base64url(expected["challenge"]),
        credential_id=expected["credential"]["credential_id"],
        public_key=expected["credential"]["public_key"],
        origins=expected["origins"],
        rp_ids=expected["rp_ids"],
        only_uv=expected["require_user_verification"],
    )


def sshsig(vector: dict) -> str:
    expected = vector["expected"]
    return verify_sshsig(
        vector["proof"],
        message=from_base64url(expected["message"]),
        namespace=expected["namespace"],
        credential_id=expected["credential"]["credential_id"],
        public_key=expected["credential"]["public_key"],
    )


def attestation(vector: dict) -> str:
    shown = attested_model(vector["attestation"], vector["statement"], vector["at"])
    return f"VALID {shown['model']} {shown['root']}"


def canonical_json(vector: dict) -> str:
    return base64.b64encode(canonical(parse(base64.b64decode(vector["input_b64"]))).encode()).decode()


def run_record(vector: dict) -> str:
    return parse_part(vector["part"], vector["text"])["v"]


KINDS = {"evidence": evidence, "approvals": approvals, "trust": trust, "attestation": attestation, "human-proof": human_proof, "canonical": canonical_json, "sshsig": sshsig, "run-record": run_record}

folder = Path(sys.argv[1])
kind = sys.argv[2] if len(sys.argv) > 2 else folder.name
for path in sorted(folder.glob("*/*.json")):
    try:
        said = KINDS[kind](json.loads(path.read_text()))
    except CountersignError as error:
        why = f" {error.detail}" if folder.name in ("human-proof", "sshsig") else ""
        said = f"REFUSED {error.code}{why}"
    print(f"{path.relative_to(folder).as_posix()}\t{said}")
