"""schemas/formats/human-proof.md: WebAuthn assertions. Every refusal is ASSERTION_INVALID; `detail` says why."""

import hashlib
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from .canonical import canonical, from_base64url, parse, to_base64url
from .errors import CountersignError
from .signatures import is_rsa_size, is_valid

_MEMBERS = ("authenticator_data", "client_data_json", "credential_id", "signature")
_P = 2**255 - 19
_SMALL_ORDER = {
    0,
    1,
    _P - 1,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
}


def _refuse(why: str):
    raise CountersignError("ASSERTION_INVALID", why)


def _must(holds: bool, why: str) -> None:
    if not holds:
        _refuse(why)


def proof_bytes(proof) -> dict[str, bytes]:
    """Section 1: exactly five members, in base64url."""
    is_form = isinstance(proof, dict) and set(proof) == {"kind", *_MEMBERS} and proof["kind"] == "webauthn"
    _must(is_form and all(isinstance(each, str) for each in proof.values()), "proof")
    _must(len(canonical(proof).encode()) <= 3_000, "size")
    raw = {name: from_base64url(proof[name]) for name in _MEMBERS}
    _must(all(each is not None for each in raw.values()), "proof")
    _must(1 <= len(raw["credential_id"]) <= 1_023, "proof")
    return raw


def verify_assertion(proof, *, challenge: bytes, credential_id: str, public_key: str,
                     origins: list[str], rp_ids: list[str], only_uv: bool) -> str:
    """The class of a valid proof: `uv`, or `up` for a touch alone."""
    raw = proof_bytes(proof)
    _must(proof["credential_id"] == credential_id, "credential")
    _check_client_data(raw["client_data_json"], challenge, origins)
    flags = read_authenticator_data(raw["authenticator_data"], rp_ids).flags
    _must(flags & 0x01 != 0, "user-present")
    _must(flags & 0x04 != 0 or not only_uv, "user-verified")
    message = raw["authenticator_data"] + hashlib.sha256(raw["client_data_json"]).digest()
    _must(is_valid(cose_key(public_key), message, raw["signature"]), "signature")
    return "uv" if flags & 0x04 else "up"


def is_synced(proof) -> bool:
    """Whether the key of an assertion may be on other devices, too: flag BE."""
    return proof_bytes(proof)["authenticator_data"][32] & 0x08 != 0


def check_registration(raw: bytes) -> None:
    """Client data of a registration. For whom and where it was, the authenticator signs beside it."""
    data = _client_data(raw)
    _must(data.get("type") == "webauthn.create", "type")
    _check_top_level(data)


def _check_client_data(raw: bytes, challenge: bytes, origins: list[str]) -> None:
    data = _client_data(raw)
    _must(data.get("type") == "webauthn.get", "type")
    _must(data.get("challenge") == to_base64url(challenge), "challenge")
    _check_top_level(data)
    _must(data.get("origin") in origins, "origin")


def _client_data(raw: bytes) -> dict:
    _must(len(raw) <= 1_024, "client-data")
    try:
        data = parse(raw)
    except CountersignError:
        _refuse("client-data")
    _must(isinstance(data, dict) and "tokenBinding" not in data, "client-data")
    return data


def _check_top_level(data: dict) -> None:
    _must(data.get("crossOrigin", False) is False and "topOrigin" not in data, "cross-origin")


class AuthenticatorData(NamedTuple):
    flags: int
    #: Of a registration; an assertion has none of the three, or repeats them.
    model: bytes | None = None
    credential_id: bytes | None = None
    public_key: bytes | None = None


def read_authenticator_data(raw: bytes, rp_ids: list[str]) -> AuthenticatorData:
    _must(len(raw) >= 37, "authenticator-data")
    flags, rest = raw[32], raw[37:]
    data = AuthenticatorData(flags)
    if flags & 0x40:
        key_at = 18 + int.from_bytes(rest[16:18], "big")
        _must(len(rest) >= key_at, "authenticator-data")
        after = read_map(rest[key_at:], "authenticator-data")[1]
        data = AuthenticatorData(flags, rest[:16], rest[18:key_at], rest[key_at : len(rest) - len(after)])
        rest = after
    if flags & 0x80:
        rest = read_map(rest, "authenticator-data")[1]
    _must(rest == b"", "authenticator-data")
    _must(not flags & 0x10 or bool(flags & 0x08), "backup-state")
    _must(any(hashlib.sha256(each.encode()).digest() == raw[:32] for each in rp_ids), "rp-id")
    return data


def cose_key(text: str):
    members, rest = read_map(from_base64url(text) or b"", "key")
    _must(rest == b"", "key")
    kind = (members.get(1), members.get(3))
    if kind == (2, -7) and members.get(-1) == 1:
        x, y = members.get(-2), members.get(-3)
        _must(len(members) == 5 and _is_bytes(x, 32) and _is_bytes(y, 32), "key")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + x + y)
        except ValueError:
            _refuse("key")
    if kind == (1, -8) and members.get(-1) == 6:
        point = members.get(-2)
        _must(len(members) == 4 and _is_bytes(point, 32) and is_safe_point(point), "key")
        return ed25519.Ed25519PublicKey.from_public_bytes(point)
    if kind == (3, -257):
        _must(len(members) == 4, "key")
        return rsa_key(members.get(-1), members.get(-2))
    _refuse("algorithm")


def _is_bytes(value, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def is_safe_point(raw: bytes) -> bool:
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    return y < _P and y not in _SMALL_ORDER


def rsa_key(n, e):
    is_form = isinstance(n, bytes) and isinstance(e, bytes)
    _must(is_form and n[:1] not in (b"", b"\0") and e[:1] not in (b"", b"\0"), "key")
    modulus, exponent = int.from_bytes(n, "big"), int.from_bytes(e, "big")
    _must(is_rsa_size(modulus, exponent), "key")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


class _NoCbor(Exception):
    pass


def read_map(raw: bytes, why: str) -> tuple[dict, bytes]:
    """One map, and what stands behind it."""
    try:
        value, rest = _item(raw, 0)
    except _NoCbor:
        _refuse(why)
    _must(isinstance(value, dict), why)
    return value, rest


def _item(raw: bytes, depth: int):
    """Strict: shortest forms, no indefinite lengths, tags, floats, or simple values but false, true and null."""
    if not raw or depth > 8:
        raise _NoCbor
    major, info, rest = raw[0] >> 5, raw[0] & 31, raw[1:]
    number = info
    if info >= 24:
        width = 1 << (info - 24)
        if info > 27 or len(rest) < width or major == 7:
            raise _NoCbor
        number, rest = int.from_bytes(rest[:width], "big"), rest[width:]
        if number < {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[width] or number >= 2**53 - 1:
            raise _NoCbor
    if major in (0, 1):
        return (number if major == 0 else -1 - number), rest
    if major in (2, 3):
        if number > len(rest):
            raise _NoCbor
        value = rest[:number]
        try:
            return (value if major == 2 else value.decode("utf-8")), rest[number:]
        except UnicodeDecodeError as error:
            raise _NoCbor from error
    if major == 4:
        return _array(number, rest, depth)
    if major == 5:
        return _pairs(number, rest, depth)
    if major == 7 and number in (20, 21, 22):
        return {20: False, 21: True, 22: None}[number], rest
    raise _NoCbor


def _array(count: int, rest: bytes, depth: int):
    made = []
    for _ in range(count):
        value, rest = _item(rest, depth + 1)
        made.append(value)
    return made, rest


def _pairs(count: int, rest: bytes, depth: int):
    made: dict = {}
    for _ in range(count):
        name, rest = _item(rest, depth + 1)
        if type(name) not in (int, str) or name in made:
            raise _NoCbor
        made[name], rest = _item(rest, depth + 1)
    return made, rest


