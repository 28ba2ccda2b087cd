"""X.509 as schemas/formats/human-proof.md §8 reads it: names byte for byte, and nothing that it does not take."""

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .errors import CountersignError
from .signatures import is_valid, load_spki

#: Contents of object ids.
ECDSA_WITH_SHA256 = bytes.fromhex("2a8648ce3d040302")
RSA_WITH_SHA256 = bytes.fromhex("2a864886f70d01010b")
_BASIC_CONSTRAINTS, _KEY_USAGE, _EXT_KEY_USAGE = (bytes.fromhex(each) for each in ("551d13", "551d0f", "551d25"))
_ORGANIZATION_UNIT = bytes.fromhex("55040b")

BOOLEAN, INTEGER, BITS, OCTETS, OBJECT_ID, UTC_TIME, TIME, SEQUENCE, SET = 1, 2, 3, 4, 6, 0x17, 0x18, 0x30, 0x31
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_LENGTH_BYTES_MAX = 2
#: Of the last byte of a BIT STRING.
_UNUSED_BITS_MAX = 7
#: Far more than a chain may have, in one byte of an INTEGER that is not negative.
_PATH_LENGTH_MAX = 127
_TIME = re.compile("([0-9]{4})" + "([0-9]{2})" * 5 + "Z", re.ASCII)
#: As many as a chain may have.
_UNBOUNDED = 1 << 30


class Value(NamedTuple):
    """One value of DER: what is inside, and all of it."""

    tag: int
    content: bytes
    whole: bytes


@dataclass(frozen=True)
class Certificate:
    der: bytes
    signed: bytes
    signature: bytes
    algorithm: bytes
    issuer: bytes
    subject: bytes
    not_before_ms: int
    not_after_ms: int
    #: SubjectPublicKeyInfo.
    public_key: bytes
    is_issuer: bool
    #: Where it says what its key is for.
    may_sign: bool
    #: How many issuers may stand between it and the one that signs an attestation.
    below: int
    extensions: dict[bytes, bytes]

    def has_unit(self, unit: str) -> bool:
        """All of the subject is read before, so that where the unit stands changes nothing."""
        groups = [values_in(_content([group], 0, SET)) for group in values_in(one(self.subject, SEQUENCE))]
        attributes = [values_in(_content([each], 0, SEQUENCE)) for group in groups for each in group]
        _must(all(len(parts) == 2 for parts in attributes))
        said = [(_content(parts, 0, OBJECT_ID), parts[1].content) for parts in attributes]
        return (_ORGANIZATION_UNIT, unit.encode()) in said

    def has_signed(self, algorithm: bytes, message: bytes, signature: bytes) -> bool:
        """Under its key, which is of this algorithm and written in its one form."""
        key = load_spki(self.public_key)
        kind = ec.EllipticCurvePublicKey if algorithm == ECDSA_WITH_SHA256 else rsa.RSAPublicKey
        return isinstance(key, kind) and is_valid(key, message, signature)


def _must(holds: bool) -> None:
    if not holds:
        raise CountersignError("ASSERTION_INVALID", "certificate")


def values_in(content: bytes) -> list[Value]:
    """The values that a content has, one after the other, each with its length in the shortest form."""
    values, at = [], 0
    while at < len(content):
        head = content[at : at + 2 + _LENGTH_BYTES_MAX]
        _must(len(head) >= 2 and head[0] & 0x1F != 0x1F)
        length, size = head[1], 0
        if length >= 0x80:
            size = length & 0x7F
            _must(1 <= size <= _LENGTH_BYTES_MAX and len(head) >= 2 + size)
            length = int.from_bytes(head[2 : 2 + size], "big")
            _must(length >= (0x80, 0x100)[size - 1])
        start = at + 2 + size
        _must(start + length <= len(content))
        values.append(Value(head[0], content[start : start + length], content[at : start + length]))
        at = start + length
    return values


def one(raw: bytes, tag: int) -> bytes:
    """The content of the one value that there is."""
    values = values_in(raw)
    _must(len(values) == 1)
    return _content(values, 0, tag)


def _content(values: list[Value], at: int, tag: int) -> bytes:
    _must(at < len(values) and values[at].tag == tag)
    return values[at].content


def _is_true(value: Value) -> bool:
    _must(value.tag == BOOLEAN and value.content in (b"\x00", b"\xff"))
    return value.content == b"\xff"


def parse_certificate(der: bytes) -> Certificate:
    """Of version 3, strictly; what it says is not checked. Raises ASSERTION_INVALID."""
    parts = values_in(one(der, SEQUENCE))
    _must(len(parts) == 3)
    body = values_in(_content(parts, 0, SEQUENCE))
    algorithm, bits = _content(parts, 1, SEQUENCE), _content(parts, 2, BITS)
    _must(_content(body, 2, SEQUENCE) == algorithm and bits[:1] == b"\x00")
    _must(one(_content(body, 0, _VERSION), INTEGER) == b"\x02")
    for at, tag in ((1, INTEGER), (3, SEQUENCE), (5, SEQUENCE), (6, SEQUENCE)):
        _content(body, at, tag)
    times = values_in(_content(body, 4, SEQUENCE))
    name = _content(values_in(algorithm), 0, OBJECT_ID)
    _must(len(times) == 2 and name in (ECDSA_WITH_SHA256, RSA_WITH_SHA256))
    extensions = _extensions_in(body[7:])
    is_issuer, below = _constraints(extensions)
    return Certificate(
        der=der,
        signed=parts[0].whole,
        signature=bits[1:],
        algorithm=name,
        issuer=body[3].whole,
        subject=body[5].whole,
        not_before_ms=_time_ms(times[0]),
        not_after_ms=_time_ms(times[1]),
        public_key=body[6].whole,
        is_issuer=is_issuer,
        may_sign=_may_sign(extensions),
        below=below,
        extensions=extensions,
    )


def _extensions_in(rest: list[Value]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    wrapped = next((each for each in rest if each.tag == _EXTENSIONS), None)
    for extension in values_in(one(wrapped.content, SEQUENCE)) if wrapped else []:
        parts = values_in(_content([extension], 0, SEQUENCE))
        name = _content(parts, 0, OBJECT_ID)
        is_critical = len(parts) > 2 and _is_true(parts[1])
        is_known = name in (_BASIC_CONSTRAINTS, _KEY_USAGE, _EXT_KEY_USAGE)
        _must(len(parts) <= 3 and (is_known or not is_critical) and name not in found)
        found[name] = _content(parts, len(parts) - 1, OCTETS)
    return found


def _constraints(extensions: dict[bytes, bytes]) -> tuple[bool, int]:
    """Read wherever it stands, also where it says that nothing may be issued."""
    said = extensions.get(_BASIC_CONSTRAINTS)
    values = [] if said is None else values_in(one(said, SEQUENCE))
    has_flag = bool(values) and values[0].tag == BOOLEAN
    rest = values[1:] if has_flag else values
    _must(len(rest) <= 1)
    below = _path_length(_content(rest, 0, INTEGER)) if rest else _UNBOUNDED
    return has_flag and _is_true(values[0]), below


def _path_length(content: bytes) -> int:
    _must(len(content) == 1 and content[0] <= _PATH_LENGTH_MAX)
    return content[0]


def _may_sign(extensions: dict[bytes, bytes]) -> bool:
    usage = extensions.get(_KEY_USAGE)
    if usage is None:
        return True
    bits = one(usage, BITS)
    _must(len(bits) in (2, 3) and bits[0] <= _UNUSED_BITS_MAX)
    return bits[1] & 0x04 != 0


def _time_ms(value: Value) -> int:
    """RFC 5280 §4.1.2.5: whole seconds in UTC."""
    _must(value.tag in (UTC_TIME, TIME) and value.content.isascii())
    said = value.content.decode()
    found = _TIME.fullmatch(said if value.tag == TIME else ("20" if said < "5" else "19") + said)
    _must(found is not None)
    try:
        at = datetime(*(int(part) for part in found.groups()), tzinfo=timezone.utc)
    except ValueError as error:
        raise CountersignError("ASSERTION_INVALID", "certificate") from error
    return round(at.timestamp()) * 1_000
