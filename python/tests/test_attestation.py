"""Chains made here, valid and wrong in one place each: schemas/formats/human-proof.md §8, and policy.md §15."""

import hashlib
import unittest
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from countersign import CountersignError
from countersign.attestation import attested_model
from countersign.attested import check_attested, is_of_model
from countersign.authority import Authority, _enrolled, found, requirement_of
from countersign.canonical import canonical, digest, from_base64url, raw_digest, to_base64url
from countersign.cedar import joined_rules
from countersign.certificate import SEQUENCE, one, values_in
from countersign.decisions import _check_decision
from countersign.entry import Entry
from countersign.passkey import read_map

AT = "2026-11-22T16:00:00.000Z"
NOW = datetime(2026, 11, 22, 16, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
MODEL = b"\xab" * 16
MODEL_ID = "abababab-abab-abab-abab-abababababab"
MODEL_EXTENSION = "1.3.6.1.4.1.45724.1.1.4"
CLIENT_DATA = b'{"type":"webauthn.create","challenge":"AAAA","origin":"http://localhost:7420","crossOrigin":false}'


def p256():
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key(bits: int = 2_048):
    return rsa.generate_private_key(65_537, bits)


RSA = rsa_key()
#: Most cases spoil a chain of these; a key that is another one is made for it.
ROOT_KEY, LEAF_KEY, PASSKEY = p256(), p256(), p256()


def cbor(value) -> bytes:
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value)) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    return _head(5, len(value)) + b"".join(cbor(name) + cbor(each) for name, each in value.items())


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    return bytes([major << 5 | 24, number]) if number < 256 else bytes([major << 5 | 25]) + number.to_bytes(2, "big")


def cose(key) -> bytes:
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return cbor({1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})


def sign(key, message: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def model_extension(content: bytes, tag: bytes = b"\x04\x10") -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(MODEL_EXTENSION), tag + content)


@dataclass(frozen=True)
class Certificate:
    """One before it is signed."""

    name: str
    unit: str | None = None
    #: None for one without the extension, else whether it may issue and how many below it.
    constraints: tuple | None = (False, None)
    cert_sign: bool | None = None
    not_before: datetime = NOW - timedelta(days=30)
    not_after: datetime = NOW + timedelta(days=30)
    more: tuple = ()
    hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)

    def subject(self) -> x509.Name:
        names = [x509.NameAttribute(NameOID.COMMON_NAME, self.name)]
        if self.unit is not None:
            names.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, self.unit))
        return x509.Name(names)

    def issue(self, key, issuer: x509.Name, issuer_key) -> bytes:
        made = (
            x509.CertificateBuilder()
            .subject_name(self.subject())
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
        )
        if self.constraints is not None:
            made = made.add_extension(x509.BasicConstraints(*self.constraints), critical=True)
        if self.cert_sign is not None:
            usage = x509.KeyUsage(not self.cert_sign, False, False, False, False, self.cert_sign, False, False, False)
            made = made.add_extension(usage, critical=True)
        for extension, is_critical in self.more:
            made = made.add_extension(extension, critical=is_critical)
        return made.sign(issuer_key, self.hash).public_bytes(Encoding.DER)


ROOT = Certificate("Root", constraints=(True, None), cert_sign=True)
LEAF = Certificate("Leaf", unit="Authenticator Attestation", more=((model_extension(MODEL), False),))
MIDDLE = Certificate("Middle", constraints=(True, 0))


@dataclass(frozen=True)
class Made:
    """An attestation before it is written: each case changes one thing of it."""

    root: Certificate = ROOT
    leaf: Certificate = LEAF
    middle: Certificate | None = None
    root_key: object = ROOT_KEY
    leaf_key: object = LEAF_KEY
    #: Whose name stands there, and who signs, in place of the issuer.
    issuer: x509.Name | None = None
    issuer_key: object = None
    signer: object = None
    sends_root: bool = False
    kind: str = "packed"
    statement: dict | None = None
    credential_id: bytes = b"credential"
    flags: int = 0x45
    rp_id: str = "localhost"
    client_data: bytes = CLIENT_DATA
    after: bytes = b""

    def told(self) -> dict:
        root = self.root.issue(self.root_key, self.root.subject(), self.root_key)
        issuer, issuer_key, sent = self.root.subject(), self.root_key, []
        if self.middle is not None:
            middle_key = p256()
            sent = [self.middle.issue(middle_key, issuer, issuer_key)]
            issuer, issuer_key = self.middle.subject(), middle_key
        leaf = self.leaf.issue(self.leaf_key, self.issuer or issuer, self.issuer_key or issuer_key)
        chain = [leaf, *sent, *([root] if self.sends_root else [])]
        data = hashlib.sha256(self.rp_id.encode()).digest() + bytes([self.flags]) + (1).to_bytes(4, "big")
        data += MODEL + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cose(PASSKEY)
        signature = sign(self.signer or self.leaf_key, data + hashlib.sha256(self.client_data).digest())
        algorithm = -257 if isinstance(self.leaf_key, rsa.RSAPrivateKey) else -7
        statement = {"alg": algorithm, "sig": signature, "x5c": chain} if self.statement is None else self.statement
        raw = cbor({"fmt": self.kind, "attStmt": statement, "authData": data}) + self.after
        return {"object": to_base64url(raw), "client_data": to_base64url(self.client_data), "root": to_base64url(root)}


def statement_of(key=PASSKEY) -> dict:
    public = to_base64url(cose(key))
    return {"rp_id": "localhost", "credential_id": to_base64url(b"credential"), "public_key": public, "backup_eligible": False}


def root_of(told: dict) -> str:
    return f"sha256:{hashlib.sha256(from_base64url(told['root'])).hexdigest()}"


def refusal(act) -> str | None:
    try:
        act()
    except CountersignError as error:
        return f"{error.code} {error.detail}"
    return None


class Attestation(unittest.TestCase):
    def test_holds(self) -> None:
        cases = {
            "P-256": Made(),
            "RSA": Made(leaf_key=RSA, root_key=RSA),
            "P-256 issued by RSA": Made(root_key=RSA),
            "root sent along": Made(sends_root=True),
            "no model extension": Made(leaf=replace(LEAF, more=())),
            "no basicConstraints": Made(leaf=replace(LEAF, constraints=None)),
            "no keyUsage": Made(root=replace(ROOT, cert_sign=None)),
            "valid to the instant": Made(leaf=replace(LEAF, not_after=NOW)),
            "valid from the instant": Made(leaf=replace(LEAF, not_before=NOW)),
            "an issuer between": Made(middle=MIDDLE, root=replace(ROOT, constraints=(True, 1))),
        }
        for name, made in cases.items():
            with self.subTest(name):
                told = made.told()
                self.assertEqual(attested_model(told, statement_of(), AT), {"model": MODEL_ID, "root": root_of(told)})

    def test_one_certificate_that_is_trusted_needs_no_issuer(self) -> None:
        told = Made().told()
        leaf = read_map(from_base64url(told["object"]), "")[0]["attStmt"]["x5c"][0]
        told["root"] = to_base64url(leaf)
        self.assertEqual(attested_model(told, statement_of(), AT)["root"], root_of(told))

    def test_is_refused(self) -> None:
        unknown = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), True)
        framed = CLIENT_DATA.replace(b"false", b"true")
        cases = {
            "format none": (Made(kind="none", statement={}), "attestation"),
            "another format": (Made(kind="fido-u2f"), "attestation"),
            "self attestation": (Made(statement={"alg": -7, "sig": b"1"}), "attestation"),
            "another algorithm": (Made(statement={"alg": -8, "sig": b"1", "x5c": [b""]}), "attestation"),
            "no certificate": (Made(statement={"alg": -7, "sig": b"1", "x5c": []}), "attestation"),
            "five certificates": (Made(statement={"alg": -7, "sig": b"1", "x5c": [b""] * 5}), "attestation"),
            "something after it": (Made(after=b"\0"), "attestation"),
            "no DER": (Made(statement={"alg": -7, "sig": b"1", "x5c": [b"\x30\x80"]}), "certificate"),
            "critical and unknown": (Made(leaf=replace(LEAF, more=(*LEAF.more, unknown))), "certificate"),
            "signed with SHA-512": (Made(leaf=replace(LEAF, hash=hashes.SHA512())), "certificate"),
            "an assertion": (Made(client_data=CLIENT_DATA.replace(b"create", b"get")), "type"),
            "framed": (Made(client_data=framed), "cross-origin"),
            "no JSON": (Made(client_data=b"{"), "client-data"),
            "backed up alone": (Made(flags=0x55), "backup-state"),
            "another rpId": (Made(rp_id="elsewhere"), "rp-id"),
            "another credential": (Made(credential_id=b"other"), "credential"),
            "synced": (Made(flags=0x4D), "credential"),
            "another model": (Made(leaf=replace(LEAF, more=((model_extension(bytes(16)), False),))), "certificate"),
            "model not wrapped": (Made(leaf=replace(LEAF, more=((model_extension(MODEL, b""), False),))), "certificate"),
            "a leaf that issues": (Made(leaf=replace(LEAF, constraints=(True, None))), "certificate"),
            "a leaf that issues, but not by its usage": (
                Made(leaf=replace(LEAF, constraints=(True, None), cert_sign=False)),
                "certificate",
            ),
            "another unit": (Made(leaf=replace(LEAF, unit="Authenticator")), "certificate"),
            "no unit": (Made(leaf=replace(LEAF, unit=None)), "certificate"),
            "expired": (Made(leaf=replace(LEAF, not_after=NOW - SECOND)), "certificate"),
            "a root that is expired": (Made(root=replace(ROOT, not_after=NOW - SECOND)), "certificate"),
            "not yet valid": (Made(leaf=replace(LEAF, not_before=NOW + SECOND)), "certificate"),
            "a root that issues none": (Made(root=replace(ROOT, constraints=(False, None))), "certificate"),
            "a root without the usage": (Made(root=replace(ROOT, cert_sign=False)), "certificate"),
            "too short a path": (Made(middle=MIDDLE, root=replace(ROOT, constraints=(True, 0))), "certificate"),
            "another issuer": (Made(issuer=Certificate("Other").subject()), "certificate"),
            "issued by another key": (Made(issuer_key=p256()), "signature"),
            "signed by another key": (Made(signer=p256()), "signature"),
            "signed by its own passkey": (Made(signer=PASSKEY), "signature"),
            "RSA of 1,024 bits": (Made(leaf_key=rsa_key(1_024)), "signature"),
        }
        for name, (made, why) in cases.items():
            with self.subTest(name):
                told = made.told()
                said = refusal(lambda: attested_model(told, statement_of(), AT))
                self.assertEqual(said, f"ASSERTION_INVALID {why}")

    def test_is_of_that_key_alone(self) -> None:
        told = Made().told()
        said = refusal(lambda: attested_model(told, statement_of(p256()), AT))
        self.assertEqual(said, "ASSERTION_INVALID credential")

    def test_root_has_one_form(self) -> None:
        told = Made(root_key=RSA).told()
        root = from_base64url(told["root"])
        signed, algorithm, _ = values_in(one(root, SEQUENCE))

        def outcome_with(signature: bytes, after: bytes = b"") -> str | None:
            content = signed.whole + algorithm.whole + signature
            spoiled = b"\x30\x82" + len(content).to_bytes(2, "big") + content + after
            return refusal(lambda: attested_model({**told, "root": to_base64url(spoiled)}, statement_of(), AT))

        # Nobody looks at its signature, but it is in DER.
        self.assertIsNone(outcome_with(b"\x03\x01\0"))
        for name, spoiled in {"a longer length": (b"\x03\x81\x01\0",), "a byte more": (b"\x03\x01\0", b"\0")}.items():
            with self.subTest(name):
                self.assertEqual(outcome_with(*spoiled), "ASSERTION_INVALID certificate")

    def test_key_of_an_unknown_kind_has_signed_nothing(self) -> None:
        told = Made().told()
        ec_key, unknown = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06072a8648ce3d0207")
        root = from_base64url(told["root"]).replace(ec_key, unknown)
        said = refusal(lambda: attested_model({**told, "root": to_base64url(root)}, statement_of(), AT))
        self.assertEqual(said, "ASSERTION_INVALID signature")


class Enrolment(unittest.TestCase):
    def enrolled(self, told: dict, rules: int) -> dict:
        invited = p256()
        spki = invited.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ledger = {"kind": "ledger", "id": "ledger", "origin": "log", "tenant": "acme"}
        invitation = {"person": "prs", "public_key": to_base64url(spki), "not_after": AT}
        before = Authority().put(ledger).put({"kind": "invitation", "id": "inv", **invitation})
        own = {"v": "countersign.enrolment.v1", "ledger": "log", "tenant": "acme", "person": "prs", "invitation": "inv", "nonce": "n"}
        statement = {**statement_of(), **own, "attestation": told}
        signature = sign(invited, b"countersign/enrolment/v1\n" + canonical(statement).encode())
        change = {"statement": statement, "signature": to_base64url(signature)}
        after = _enrolled(Entry({"at": AT}, "", ""), change, before, rules)
        return after.members["credential", statement["credential_id"]]

    def test_keeps_who_vouches_for_the_model(self) -> None:
        told = Made().told()
        self.assertEqual(self.enrolled(told, 2)["attestation"], {"model": MODEL_ID, "root": root_of(told)})

    def test_is_checked(self) -> None:
        told = Made(signer=p256()).told()
        self.assertEqual(refusal(lambda: self.enrolled(told, 2)), "ASSERTION_INVALID signature")

    def test_is_unknown_to_rules_1(self) -> None:
        said = refusal(lambda: self.enrolled(Made().told(), 1))
        self.assertTrue(said.startswith("EVIDENCE_FORMAT"), said)


class Founding(unittest.TestCase):
    def genesis(self, bootstrap: dict, credential: dict) -> dict:
        named = {name: name for name in ("origin", "tenant", "separation", "demo", "rps")}
        member = {"kind": "credential", "id": "c", "person": "prs", "public_key": to_base64url(cose(PASSKEY)), **credential}
        rule = {"proof_classes": ["uv"], **bootstrap}
        more = {"recovery": {"quorum": 1}, "policy": {}, "log_keys": [], "members": [member]}
        return {**named, "bootstrap": rule, **more}

    def test_vouches_for_no_model(self) -> None:
        self.assertIsNone(refusal(lambda: found(self.genesis({}, {}))))
        shown = {"attestation": {"model": MODEL_ID, "root": digest("test", "some")}}
        self.assertEqual(refusal(lambda: found(self.genesis({}, shown))), "GENESIS_MISMATCH ")

    def test_asks_for_no_model(self) -> None:
        rule = {"attested": [{"root": digest("test", "some")}]}
        self.assertEqual(refusal(lambda: found(self.genesis(rule, {}))), "GENESIS_MISMATCH ")


SOME, OTHER = digest("test", "some"), digest("test", "other")


class Decision(unittest.TestCase):
    def outcome(self, credential: dict, requirement: dict, *, flags: int = 0x05) -> str | None:
        named = statement_of()
        member = {"kind": "credential", "id": named.pop("credential_id"), "person": "prs", **named, **credential}
        ledger = {"kind": "ledger", "id": "ledger", "rps": [{"id": "localhost", "origins": ["http://localhost:7420"]}]}
        authority = Authority().put(ledger).put({"kind": "person", "id": "prs", "class": "natural"}).put(member)
        needed = {"approvers": "any", "proof_classes": ["uv"], **requirement}
        binding = {"statement": {"v": "countersign.decision.v1"}, "requirement": needed, "excluded": [], "at": AT, "use_by": AT}
        own = {"rationale_digest": SOME, "person": "prs", "credential": member["id"], "not_after": AT}
        challenge = raw_digest(digest("decision", {**binding["statement"], **own}))
        client_data = {"type": "webauthn.get", "challenge": to_base64url(challenge), "origin": "http://localhost:7420"}
        raw = {
            "authenticator_data": hashlib.sha256(b"localhost").digest() + bytes([flags, 0, 0, 0, 1]),
            "client_data_json": canonical(client_data).encode(),
            "credential_id": b"credential",
        }
        signed = raw["authenticator_data"] + hashlib.sha256(raw["client_data_json"]).digest()
        raw["signature"] = sign(PASSKEY, signed)
        proof = {"kind": "webauthn", **{name: to_base64url(each) for name, each in raw.items()}}
        decision = {**own, "leaf": SOME, "proof_class": "uv", "proof": proof}
        trust = SimpleNamespace(proof_classes=["uv"])
        return refusal(lambda: _check_decision(decision, binding, authority, trust))

    def test_counts_by_a_listed_model_alone(self) -> None:
        known = {"attestation": {"model": MODEL_ID, "root": SOME}}
        one, other = {"attested": [{"root": SOME, "models": [MODEL_ID]}]}, {"attested": [{"root": OTHER}]}
        self.assertIsNone(self.outcome({}, {}))
        self.assertIsNone(self.outcome(known, one))
        refused = "AUTHENTICATOR_CLASS expected a key of a model on the list"
        self.assertEqual(self.outcome(known, other), refused)
        self.assertEqual(self.outcome({}, one), refused)

    def test_may_have_to_stay_in_its_device_too(self) -> None:
        known = {"attestation": {"model": MODEL_ID, "root": SOME}}
        both = {"device_bound": True, "attested": [{"root": SOME}]}
        self.assertIsNone(self.outcome(known, both))
        refused = "AUTHENTICATOR_CLASS expected a key that stays in its device"
        self.assertEqual(self.outcome(known, both, flags=0x0D), refused)


def rule_with(attested) -> dict:
    return {"attested": attested, "proof_classes": ["uv"]}


class Attested(unittest.TestCase):
    def test_form(self) -> None:
        many = [{"root": digest("test", str(each))} for each in range(17)]
        valid = {
            "none": {"proof_classes": ["possession"]},
            "one root": rule_with([{"root": SOME}]),
            "sixteen": rule_with(many[:16]),
            "two, one limited": rule_with([{"root": SOME, "models": [MODEL_ID]}, {"root": OTHER}]),
        }
        for name, rule in valid.items():
            with self.subTest(name):
                self.assertIsNone(refusal(lambda: check_attested(rule)))
        invalid = {
            "empty": rule_with([]),
            "no list": rule_with(True),
            "seventeen": rule_with(many),
            "a root twice": rule_with([{"root": SOME}, {"root": SOME}]),
            "no digest": rule_with([{"root": "sha256:00"}]),
            "another member": rule_with([{"root": SOME, "name": "x"}]),
            "no model": rule_with([{"root": SOME, "models": []}]),
            "a model twice": rule_with([{"root": SOME, "models": [MODEL_ID, MODEL_ID]}]),
            "65 models": rule_with([{"root": SOME, "models": [f"{MODEL_ID[:-2]}{each:02x}" for each in range(65)]}]),
            "capitals": rule_with([{"root": SOME, "models": [MODEL_ID.upper()]}]),
            "beside possession": {**rule_with([{"root": SOME}]), "proof_classes": ["uv", "possession"]},
        }
        for name, rule in invalid.items():
            with self.subTest(name):
                self.assertTrue((refusal(lambda: check_attested(rule)) or "").startswith("POLICY_MISMATCH"))

    def test_join(self) -> None:
        terms = {"approvals": 1, "approvers": "any", "proof_classes": ["uv"], "rationale": "optional"}
        times = dict.fromkeys(("decide_within_s", "use_within_s", "start_within_s", "max_uses"), 1)

        def joined(*extras: dict) -> dict:
            rules = [{"id": str(at), **terms, **times, **extra} for at, extra in enumerate(extras)]
            return requirement_of(joined_rules(rules, {}))

        some, other = {"attested": [{"root": SOME}]}, {"attested": [{"root": OTHER}]}
        self.assertEqual(joined({}, {}), {"rule": "0+1", **terms})
        for extras in ((some,), (some, {}), ({}, some), (some, some)):
            self.assertEqual(joined(*extras)["attested"], some["attested"])
        said = refusal(lambda: joined(some, {}, other))
        self.assertEqual(said, "POLICY_MISMATCH expected one list of models")

    def test_list(self) -> None:
        credential = {"attestation": {"model": MODEL_ID, "root": SOME}}
        self.assertTrue(is_of_model(credential, [{"root": OTHER}, {"root": SOME}]))
        self.assertTrue(is_of_model(credential, [{"root": SOME, "models": [MODEL_ID]}]))
        self.assertFalse(is_of_model(credential, [{"root": SOME, "models": ["00000000-0000-0000-0000-000000000000"]}]))
        self.assertFalse(is_of_model(credential, [{"root": OTHER}]))
        for unattested in ({"backup_eligible": False}, {"proof": "sshsig"}):
            self.assertFalse(is_of_model(unattested, [{"root": SOME}]))


if __name__ == "__main__":
    unittest.main()
