"""schemas/formats/sshsig-proof.md: signatures by ssh-keygen. Every refusal is ASSERTION_INVALID; `detail` says why."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from .canonical import canonical, from_base64url, to_base64url
from .errors import CountersignError
from .passkey import is_safe_point, rsa_key

DECISION_NAMESPACE = "countersign-decision-v1"
_HASHES = {"sha256": hashes.SHA256(), "sha512": hashes.SHA512()}
_RSA = {"rsa-sha2-256": hashes.SHA256(), "rsa-sha2-512": hashes.SHA512()}


def _must(holds: bool, why: str) -> None:
    if not holds:
        raise CountersignError("ASSERTION_INVALID", why)


class _Fields:
    """Fields of RFC 4251 §5; whatever does not fit is refused with one reason."""

    def __init__(self, raw: bytes, why: str) -> None:
        self.rest = raw
        self.why = why

    def take(self, size: int) -> bytes:
        _must(size <= len(self.rest), self.why)
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def string(self) -> bytes:
        return self.take(int.from_bytes(self.take(4), "big"))

    def name(self) -> str:
        raw = self.string()
        _must(all(0x21 <= byte <= 0x7E for byte in raw), self.why)
        return raw.decode("ascii")

    def number(self) -> bytes:
        """A positive mpint in its shortest form, without its sign."""
        raw = self.string()
        is_form = raw != b"" and raw[0] <= 0x7F and (raw[0] != 0 or (len(raw) > 1 and raw[1] >= 0x80))
        _must(is_form, self.why)
        return raw.removeprefix(b"\0")

    def end(self) -> None:
        _must(self.rest == b"", self.why)


@dataclass(frozen=True)
class SshKey:
    kind: str
    public: object
    #: Of a security key; empty for any other.
    application: str

    @property
    def is_hardware(self) -> bool:
        return self.kind.startswith("sk-")


def parse_ssh_key(blob: bytes) -> SshKey:
    fields = _Fields(blob, "key")
    kind = fields.name()
    if kind in ("ssh-ed25519", "sk-ssh-ed25519@openssh.com"):
        point = fields.string()
        _must(len(point) == 32 and is_safe_point(point), "key")
        public: object = ed25519.Ed25519PublicKey.from_public_bytes(point)
    elif kind in ("ecdsa-sha2-nistp256", "sk-ecdsa-sha2-nistp256@openssh.com"):
        curve, point = fields.name(), fields.string()
        _must(curve == "nistp256" and len(point) == 65 and point[0] == 4, "key")
        try:
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        except ValueError as error:
            raise CountersignError("ASSERTION_INVALID", "key") from error
    elif kind == "ssh-rsa":
        exponent, modulus = fields.number(), fields.number()
        public = rsa_key(modulus, exponent)
    else:
        raise CountersignError("ASSERTION_INVALID", "algorithm")
    application = fields.name() if kind.startswith("sk-") else ""
    _must(not kind.startswith("sk-") or (application.startswith("ssh:") and len(application) <= 128), "key")
    fields.end()
    return SshKey(kind, public, application)


def credential_id_of(blob: bytes) -> str:
    return to_base64url(hashlib.sha256(blob).digest())


def sshsig_bytes(proof) -> dict[str, bytes]:
    """Section 1: exactly three members."""
    is_form = isinstance(proof, dict) and set(proof) == {"kind", "credential_id", "signature"} and proof["kind"] == "sshsig"
    _must(is_form and all(isinstance(each, str) for each in proof.values()), "proof")
    _must(len(canonical(proof).encode()) <= 3_000, "size")
    raw = {name: from_base64url(proof[name]) for name in ("credential_id", "signature")}
    _must(all(each is not None for each in raw.values()) and len(raw["credential_id"]) == 32, "proof")
    return raw


def verify_sshsig(proof, *, message: bytes, namespace: str, credential_id: str, public_key: str) -> str:
    """The class of a valid proof: `uv`, `up`, or `possession` for a key that no token holds."""
    raw = sshsig_bytes(proof)
    _must(proof["credential_id"] == credential_id, "credential")
    envelope = _Fields(raw["signature"], "sshsig")
    _must(envelope.take(6) == b"SSHSIG" and envelope.take(4) == b"\0\0\0\1", "sshsig")
    key, said, reserved, hashed, signature = (
        envelope.string(), envelope.string(), envelope.string(), envelope.name(), envelope.string()
    )
    envelope.end()
    _must(reserved == b"", "sshsig")
    _must(said == namespace.encode(), "namespace")
    _must(hashed in _HASHES, "hash-algorithm")
    _must(key == from_base64url(public_key), "key")
    digest = hashlib.new(hashed, message).digest()
    parts = (said, b"", hashed.encode(), digest)
    signed = b"SSHSIG" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return _class_of(parse_ssh_key(key), signature, signed)


def _class_of(key: SshKey, blob: bytes, signed: bytes) -> str:
    fields = _Fields(blob, "signature")
    algorithm = fields.name()
    is_known = algorithm in _RSA if key.kind == "ssh-rsa" else algorithm == key.kind
    _must(is_known, "algorithm")
    bare = _bare(key, fields.string())
    proof_class = "possession"
    if key.is_hardware:
        seen = fields.take(5)
        fields.end()
        _must(bool(seen[0] & 0x01), "user-present")
        application = hashlib.sha256(key.application.encode()).digest()
        signed = application + seen + hashlib.sha256(signed).digest()
        proof_class = "uv" if seen[0] & 0x04 else "up"
    fields.end()
    _must(_is_valid(key.public, algorithm, (bare, signed)), "signature")
    return proof_class


def _bare(key: SshKey, raw: bytes) -> bytes:
    """In the form that the library takes."""
    if isinstance(key.public, ec.EllipticCurvePublicKey):
        fields = _Fields(raw, "signature")
        r, s = fields.number(), fields.number()
        fields.end()
        _must(len(r) <= 32 and len(s) <= 32, "signature")
        return utils.encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    if isinstance(key.public, rsa.RSAPublicKey):
        _must(len(raw) == (key.public.key_size + 7) // 8, "signature")
        return raw
    _must(len(raw) == 64, "signature")
    return raw


def _is_valid(public, algorithm: str, pair: tuple[bytes, bytes]) -> bool:
    bare, signed = pair
    try:
        if isinstance(public, ed25519.Ed25519PublicKey):
            public.verify(bare, signed)
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(bare, signed, ec.ECDSA(hashes.SHA256()))
        else:
            public.verify(bare, signed, padding.PKCS1v15(), _RSA[algorithm])
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint_of(blob: bytes) -> str:
    """As `ssh-keygen -l` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).rstrip(b"=").decode()
