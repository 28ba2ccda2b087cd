"""What the maker of an authenticator says of a passkey: schemas/formats/human-proof.md §8. `detail` says why it is refused."""

import hashlib
from typing import NamedTuple
from uuid import UUID

from .canonical import from_base64url, time_ms
from .certificate import ECDSA_WITH_SHA256, OCTETS, RSA_WITH_SHA256, Certificate, one, parse_certificate
from .errors import CountersignError
from .form import closed
from .passkey import AuthenticatorData, check_registration, read_authenticator_data, read_map

_CHAIN_MAX = 4
_ALGORITHMS = {-7: ECDSA_WITH_SHA256, -257: RSA_WITH_SHA256}
_UNIT = "Authenticator Attestation"
#: id-fido-gen-ce-aaguid.
_MODEL_EXTENSION = bytes.fromhex("2b0601040182e51c010104")


class _Packed(NamedTuple):
    algorithm: bytes
    signature: bytes
    authenticator_data: bytes
    #: It ends with the root, whether that was sent along or not.
    chain: list[Certificate]


def attested_model(told, statement: dict, at: str) -> dict:
    """Which model the credential of an enrolment is of, and whose word that is."""
    shown = closed(told, "object client_data root")
    client_data, root = _bytes_in(shown, "client_data", 1_024), _bytes_in(shown, "root", 4_096)
    packed = _packed_in(_bytes_in(shown, "object", 8_192), root)
    check_registration(client_data)
    data = read_authenticator_data(packed.authenticator_data, [statement["rp_id"]])
    _must(_is_enrolled(data, statement), "credential")
    _check_leaf(packed.chain[0], data.model)
    _check_issuers(packed.chain)
    now_ms = time_ms(at)
    _must(all(each.not_before_ms <= now_ms <= each.not_after_ms for each in packed.chain), "certificate")
    _check_signatures(packed, packed.authenticator_data + hashlib.sha256(client_data).digest())
    return {"model": str(UUID(bytes=data.model)), "root": f"sha256:{hashlib.sha256(root).hexdigest()}"}


def _must(holds: bool, why: str) -> None:
    if not holds:
        raise CountersignError("ASSERTION_INVALID", why)


def _bytes_in(shown: dict, name: str, most: int) -> bytes:
    raw = from_base64url(shown[name])
    _must(raw is not None and 1 <= len(raw) <= most, "attestation")
    return raw


def _packed_in(raw: bytes, root: bytes) -> _Packed:
    value, rest = read_map(raw, "attestation")
    statement = value.get("attStmt")
    is_form = rest == b"" and set(value) == {"fmt", "attStmt", "authData"} and value["fmt"] == "packed"
    _must(is_form and isinstance(statement, dict) and set(statement) == {"alg", "sig", "x5c"}, "attestation")
    algorithm, signature, sent = statement["alg"], statement["sig"], statement["x5c"]
    is_whole = (
        type(algorithm) is int
        and algorithm in _ALGORITHMS
        and isinstance(signature, bytes)
        and isinstance(value["authData"], bytes)
        and isinstance(sent, list)
        and 1 <= len(sent) <= _CHAIN_MAX
    )
    _must(is_whole, "attestation")
    chain = [parse_certificate(each if isinstance(each, bytes) else b"") for each in sent]
    last = parse_certificate(root)
    chain = chain if chain[-1].der == root else [*chain, last]
    return _Packed(_ALGORITHMS[algorithm], signature, value["authData"], chain)


def _is_enrolled(data: AuthenticatorData, statement: dict) -> bool:
    return (
        data.model is not None
        and data.credential_id == from_base64url(statement["credential_id"])
        and data.public_key == from_base64url(statement["public_key"])
        and bool(data.flags & 0x08) is statement["backup_eligible"]
    )


def _check_leaf(leaf: Certificate, model: bytes) -> None:
    _must(not leaf.is_issuer and leaf.has_unit(_UNIT), "certificate")
    named = leaf.extensions.get(_MODEL_EXTENSION)
    _must(named is None or one(named, OCTETS) == model, "certificate")


def _check_issuers(chain: list[Certificate]) -> None:
    for between, (issued, issuer) in enumerate(zip(chain, chain[1:])):
        may_issue = issuer.is_issuer and issuer.may_sign and issuer.below >= between
        _must(may_issue and issued.issuer == issuer.subject, "certificate")


def _check_signatures(packed: _Packed, message: bytes) -> None:
    """That of the root is not looked at: who trusts it says so by naming it."""
    leaf = packed.chain[0]
    _must(leaf.has_signed(packed.algorithm, message, packed.signature), "signature")
    for issued, issuer in zip(packed.chain, packed.chain[1:]):
        _must(issuer.has_signed(issued.algorithm, issued.signed, issued.signature), "signature")
