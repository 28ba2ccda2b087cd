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
from countersign.certificate import BITS, BOOLEAN, INTEGER, OBJECT_ID, OCTETS, SEQUENCE, SET, TIME, one, values_in
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


def rsa_key_of(exponent: int):
    """Such keys are not made for anybody."""
    primes = rsa_key().private_numbers()
    p, q = primes.p, primes.q
    try:
        d = pow(exponent, -1, (p - 1) * (q - 1))
    except ValueError:
        return rsa_key_of(exponent)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(exponent, p * q)
    )
    return numbers.private_key()


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


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length, size = len(content), (len(content).bit_length() + 7) // 8
    head = bytes([length]) if length < 0x80 else bytes([0x80 | size]) + length.to_bytes(size, "big")
    return bytes([tag]) + head + content


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
    #: What is written in place of parts of what is signed, by where they stand.
    instead: dict[int, bytes] = field(default_factory=dict)

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
        return self._with_other_parts(made.sign(issuer_key, self.hash).public_bytes(Encoding.DER), issuer_key)

    def _with_other_parts(self, raw: bytes, issuer_key) -> bytes:
        if not self.instead:
            return raw
        signed, algorithm, _ = values_in(one(raw, SEQUENCE))
        parts = [self.instead.get(at, each.whole) for at, each in enumerate(values_in(signed.content))]
        body = der(SEQUENCE, *parts)
        return der(SEQUENCE, body, algorithm.whole, der(BITS, b"\0", sign(issuer_key, body)))


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


VERSION, VALIDITY, SUBJECT, EXTENSIONS = 0, 4, 5, 7
CONSTRAINTS, USAGE, OTHER_EXTENSION, UNIT, NAME = (
    der(OBJECT_ID, bytes.fromhex(each)) for each in ("551d13", "551d0f", "551d0e", "55040b", "550403")
)
NULL, NO, YES, ZERO, TWO = der(5), der(BOOLEAN, b"\0"), der(BOOLEAN, b"\xff"), der(INTEGER, b"\0"), der(INTEGER, b"\2")


def extension(name: bytes, value: bytes) -> bytes:
    return der(SEQUENCE, name, der(OCTETS, value))


def having(*extensions: bytes) -> dict[int, bytes]:
    return {EXTENSIONS: der(0xA3, der(SEQUENCE, *extensions))}


def valid_at(*said: str) -> dict[int, bytes]:
    return {VALIDITY: der(SEQUENCE, *(der(TIME, each.encode()) for each in said))}


def bits(text: str) -> bytes:
    return der(BITS, bytes.fromhex(text))


class WrittenCertificate(unittest.TestCase):
    """Section 8: what three verifiers would read in three ways, if it were not said."""

    def outcome(self, *, leaf: dict | None = None, root: dict | None = None, root_key=ROOT_KEY) -> str:
        made = Made(leaf=replace(LEAF, instead=leaf or {}), root=replace(ROOT, instead=root or {}), root_key=root_key)
        return refusal(lambda: attested_model(made.told(), statement_of(), AT)) or "VALID"

    def check(self, cases: dict[str, dict], expected: str) -> None:
        for name, spoiled in cases.items():
            with self.subTest(name):
                self.assertEqual(self.outcome(**spoiled), expected)

    def test_value_has_a_tag_of_one_byte_and_a_short_length(self) -> None:
        self.assertEqual(len(values_in(der(OCTETS, bytes(0xFFFF)))[0].content), 0xFFFF)
        spoiled = {
            "a longer tag": b"\x1f\x81\0\0",
            "a length of three bytes": der(OCTETS, bytes(0x1_0000)),
            "a longer length": b"\4\x82\0\x80" + bytes(0x80),
            "no length": b"\4",
            "half a length": b"\4\x82\1",
            "less than it says": b"\4\2\0",
        }
        for name, raw in spoiled.items():
            with self.subTest(name):
                self.assertEqual(refusal(lambda: values_in(raw)), "ASSERTION_INVALID certificate")

    def test_version_is_one_number(self) -> None:
        version = {"alone": TWO, "with another value": TWO + NULL, "another number": ZERO}
        told = {name: self.outcome(leaf={VERSION: der(0xA0, each)}) for name, each in version.items()}
        refused = "ASSERTION_INVALID certificate"
        self.assertEqual(told, {"alone": "VALID", "with another value": refused, "another number": refused})

    def test_validity_is_two_times_of_the_years_1_to_9999(self) -> None:
        first, last = "00010101000000Z", "99991231235959Z"
        self.check({"all years": {"root": valid_at(first, last)}}, "VALID")
        spoiled = {
            "the year 0": valid_at("00000101000000Z", last),
            "three": valid_at(first, last, last),
            "one": valid_at(first),
        }
        self.check({name: {"root": each} for name, each in spoiled.items()}, "ASSERTION_INVALID certificate")

    def test_subject_is_read_to_its_end(self) -> None:
        unit = der(SEQUENCE, UNIT, der(0x0C, b"Authenticator Attestation"))
        name = der(SEQUENCE, NAME, der(0x0C, b"Leaf"))
        valid = {"unit last": (der(SET, name), der(SET, unit)), "unit first": (der(SET, unit, name),)}
        self.check({each: {"leaf": {SUBJECT: der(SEQUENCE, *sets)}} for each, sets in valid.items()}, "VALID")
        unit_set = der(SET, unit)
        spoiled = {
            "no SET after it": (unit_set, ZERO),
            "no SEQUENCE after it": (der(SET, unit, ZERO),),
            "three values": (unit_set, der(SET, der(SEQUENCE, NAME, NULL, NULL))),
            "one value": (unit_set, der(SET, der(SEQUENCE, NAME))),
            "no object id": (unit_set, der(SET, der(SEQUENCE, NULL, NULL))),
            "a longer tag": (unit_set, der(SET, der(SEQUENCE, NAME, b"\x1f\x81\0\0"))),
        }
        cases = {each: {"leaf": {SUBJECT: der(SEQUENCE, *sets)}} for each, sets in spoiled.items()}
        self.check(cases, "ASSERTION_INVALID certificate")

    def test_extension_has_two_parts_or_three(self) -> None:
        value = der(OCTETS, b"x")
        valid = {"two": (value,), "three": (NO, value)}
        self.check({name: {"leaf": having(der(SEQUENCE, OTHER_EXTENSION, *each))} for name, each in valid.items()}, "VALID")
        spoiled = {
            "one": (),
            "four": (NO, NULL, value),
            "three without BOOLEAN": (NULL, value),
            "a BOOLEAN of another form": (der(BOOLEAN, b"\1"), value),
            "critical": (YES, value),
        }
        cases = {name: {"leaf": having(der(SEQUENCE, OTHER_EXTENSION, *each))} for name, each in spoiled.items()}
        twice = extension(OTHER_EXTENSION, b"x") * 2
        self.check({**cases, "twice": {"leaf": having(twice)}}, "ASSERTION_INVALID certificate")

    def test_constraints_are_read_of_whoever_issues_none_too(self) -> None:
        valid = {"nothing": (), "a flag": (NO,), "a flag and a length": (NO, ZERO), "a length": (ZERO,)}
        cases = {name: {"leaf": having(extension(CONSTRAINTS, der(SEQUENCE, *each)))} for name, each in valid.items()}
        self.check(cases, "VALID")
        spoiled = {
            "another first value": (NULL,),
            "a flag and no length": (NO, NULL),
            "two lengths": (ZERO, ZERO),
            "three values": (NO, ZERO, ZERO),
            "no byte": (der(INTEGER),),
            "two bytes": (der(INTEGER, b"\0\x80"),),
            "negative": (der(INTEGER, b"\x80"),),
            "a BOOLEAN of another form": (der(BOOLEAN, b"\1"),),
        }
        values = {name: der(SEQUENCE, *each) for name, each in spoiled.items()}
        values |= {"no SEQUENCE": NULL, "empty": b"", "two of them": der(SEQUENCE) * 2}
        cases = {name: {"leaf": having(extension(CONSTRAINTS, each))} for name, each in values.items()}
        self.check(cases, "ASSERTION_INVALID certificate")

    def test_path_length_of_an_issuer_is_one_byte(self) -> None:
        valid = {"0": (YES, ZERO), "127": (YES, der(INTEGER, b"\x7f"))}
        spoiled = {
            "00 02": (YES, der(INTEGER, b"\0\2")),
            "128": (YES, der(INTEGER, b"\0\x80")),
            "negative": (YES, der(INTEGER, b"\x80")),
            "without a flag": (ZERO,),
        }
        for cases, expected in ((valid, "VALID"), (spoiled, "ASSERTION_INVALID certificate")):
            made = {name: having(extension(CONSTRAINTS, der(SEQUENCE, *each))) for name, each in cases.items()}
            self.check({name: {"root": each} for name, each in made.items()}, expected)

    def test_usage_is_read_of_whoever_issues_none_too(self) -> None:
        valid = {"one byte": bits("0780"), "two bytes": bits("070080"), "no bit": bits("0000")}
        spoiled = {
            "empty": bits(""),
            "no byte of them": bits("00"),
            "three bytes": bits("00800000"),
            "eight unused": bits("0880"),
            "no BIT STRING": NULL,
            "two of them": bits("0780") * 2,
        }
        for cases, expected in ((valid, "VALID"), (spoiled, "ASSERTION_INVALID certificate")):
            self.check({name: {"leaf": having(extension(USAGE, each))} for name, each in cases.items()}, expected)

    def test_usage_lets_an_issuer_sign_whatever_is_said_to_be_unused(self) -> None:
        constraints = extension(CONSTRAINTS, der(SEQUENCE, YES))
        self.check({"unused": {"root": having(constraints, extension(USAGE, bits("0304")))}}, "VALID")

    def test_key_is_in_its_one_form(self) -> None:
        point = ROOT_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        kind = der(SEQUENCE, der(OBJECT_ID, bytes.fromhex("2a8648ce3d0201")), der(OBJECT_ID, bytes.fromhex("2a8648ce3d030107")))
        compressed = ROOT_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        self.check({"plain": {"root": {6: der(SEQUENCE, kind, der(BITS, b"\0", point))}}}, "VALID")
        spoiled = {
            "hybrid": der(SEQUENCE, kind, der(BITS, b"\0", bytes([6 + point[-1] % 2]), point[1:])),
            "compressed": der(SEQUENCE, kind, der(BITS, b"\0", compressed)),
            "with another value": der(SEQUENCE, kind, der(BITS, b"\0", point), NULL),
        }
        self.check({name: {"root": {6: each}} for name, each in spoiled.items()}, "ASSERTION_INVALID signature")

    def test_exponent_of_an_rsa_key_is_odd_and_less_than_2_to_the_31(self) -> None:
        self.check({"3": {"root_key": rsa.generate_private_key(3, 2_048)}}, "VALID")
        self.check({"2^31 + 11": {"root_key": rsa_key_of((1 << 31) + 11)}}, "ASSERTION_INVALID signature")

    def test_signature_is_of_whole_bytes(self) -> None:
        told = Made().told()
        signed, algorithm, signature = values_in(one(from_base64url(told["root"]), SEQUENCE))
        spoiled = der(SEQUENCE, signed.whole, algorithm.whole, der(BITS, b"\1", signature.content[1:]))
        said = refusal(lambda: attested_model({**told, "root": to_base64url(spoiled)}, statement_of(), AT))
        self.assertEqual(said, "ASSERTION_INVALID certificate")


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
