"""schemas/formats/canonical-json.md: the gate, the canonical form, digests and small formats."""

import base64
import binascii
import hashlib
import json
import os
import re
from datetime import datetime, timezone

from .errors import CountersignError, require

MAX_INTEGER = 2**53 - 1
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_SURROGATES = re.compile("[\ud800-\udfff]")


class _Gate:
    """Hooks of json.loads: it keeps the last of two equal names and reads fractions unless it is stopped."""

    def __init__(self) -> None:
        self.members = 0

    def pairs(self, pairs):
        made = dict(pairs)
        require(len(made) == len(pairs), "DUPLICATE_KEY", "expected each name once")
        return made

    @staticmethod
    def integer(text: str) -> int:
        require(bool(_NUMBER.match(text)) and text != "-0" and len(text) <= 17, "NUMBER_OUT_OF_PROFILE")
        number = int(text)
        require(-MAX_INTEGER <= number <= MAX_INTEGER, "NUMBER_OUT_OF_PROFILE")
        return number

    @staticmethod
    def refuse(_text: str):
        raise CountersignError("NUMBER_OUT_OF_PROFILE")


def parse(raw: bytes, max_bytes=1_048_576, max_depth=32, max_members=20_000):
    """Reads JSON through the gate. Raises CountersignError with the code of the gate."""
    require(len(raw) <= max_bytes, "LIMIT_EXCEEDED", f"expected at most {max_bytes} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CountersignError("TEXT_ENCODING", "expected UTF-8") from error
    require(not text.startswith("\ufeff"), "TEXT_ENCODING", "expected no byte order mark")
    gate = _Gate()
    try:
        value = json.loads(
            text,
            object_pairs_hook=gate.pairs,
            parse_int=gate.integer,
            parse_float=gate.refuse,
            parse_constant=gate.refuse,
        )
    except json.JSONDecodeError as error:
        raise CountersignError(_code_of(error), f"expected JSON at character {error.pos}") from error
    except RecursionError as error:
        raise CountersignError("LIMIT_EXCEEDED", "expected less depth") from error
    _bounded(value, max_depth, max_members)
    return value


def _code_of(error: json.JSONDecodeError) -> str:
    before, at = error.doc[: error.pos][-1:], error.doc[error.pos : error.pos + 1]
    if "control character" in error.msg or ("\0" <= at < " " and at not in "\t\n\r"):
        return "TEXT_ENCODING"
    starts_number = error.msg == "Expecting value" and at in ("+", "-", ".")
    goes_on = at.isdigit() and at.isascii() and before in ("0", "-")
    return "NUMBER_OUT_OF_PROFILE" if starts_number or goes_on else "JSON_SYNTAX"


def _bounded(value, max_depth: int, max_members: int) -> None:
    open_values, members = [(value, 0)], 0
    while open_values:
        each, depth = open_values.pop()
        if isinstance(each, str):
            _assert_text(each)
            continue
        if not isinstance(each, (dict, list)):
            continue
        require(depth < max_depth, "LIMIT_EXCEEDED", "expected less depth")
        members += len(each)
        require(members <= max_members, "LIMIT_EXCEEDED", "expected fewer members")
        if isinstance(each, dict):
            for name in each:
                _assert_text(name)
        inner = each.values() if isinstance(each, dict) else each
        open_values.extend((one, depth + 1) for one in inner)


def _assert_text(text: str) -> None:
    require("\0" not in text and not _SURROGATES.search(text), "TEXT_ENCODING", "expected scalar values")


def canonical(value) -> str:
    """The form of RFC 8785, of a value within the profile."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        require(-MAX_INTEGER <= value <= MAX_INTEGER, "NUMBER_OUT_OF_PROFILE")
        return str(value)
    if isinstance(value, str):
        _assert_text(value)
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(canonical(each) for each in value) + "]"
    require(isinstance(value, dict), "JSON_SYNTAX", "expected a JSON value")
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"


def parse_canonical(text: str, **limits):
    """The gate for an object that must already be canonical: NOT_CANONICAL."""
    value = parse(text.encode("utf-8", "surrogatepass"), **limits)
    require(isinstance(value, dict) and canonical(value) == text, "NOT_CANONICAL")
    return value


def same(a, b) -> bool:
    return canonical(a) == canonical(b)


def digest(tag: str, body) -> str:
    """`sha256:` and hex, of a text or bytes as they are, or of the canonical form of an object."""
    if not isinstance(body, (str, bytes)):
        body = canonical(body)
    raw = body.encode() if isinstance(body, str) else body
    return "sha256:" + hashlib.sha256(f"countersign/{tag}/v1\n".encode() + raw).hexdigest()


def precondition_digest(text: str) -> str:
    """Digest of live state that is a text, under the tag of preconditions."""
    return digest("precondition", canonical(text))


def raw_digest(name) -> bytes:
    require(isinstance(name, str) and bool(re.fullmatch("sha256:[0-9a-f]{64}", name)), "DIGEST_FORMAT")
    return bytes.fromhex(name[7:])


def to_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def to_base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text) -> bytes | None:
    """None for anything but the one spelling: no padding, unused bits zero."""
    if not isinstance(text, str) or not re.fullmatch("[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        return None
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return raw if to_base64url(raw) == text else None


def from_base64(text) -> bytes | None:
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def time_ms(text) -> int:
    """Milliseconds since 1970 of a timestamp."""
    require(isinstance(text, str) and bool(_TIME.fullmatch(text)), "TIMESTAMP_FORMAT")
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise CountersignError("TIMESTAMP_FORMAT") from error
    return round(at.timestamp() * 1_000)


def timestamp(ms: int) -> str:
    at = datetime.fromtimestamp(ms / 1_000, timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1_000:03d}Z"


_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid(now_ms: int) -> str:
    number = (now_ms << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join(_ULID[(number >> (5 * place)) & 31] for place in range(25, -1, -1))


def is_ulid(text) -> bool:
    return isinstance(text, str) and bool(re.fullmatch(f"[0-7][{_ULID}]{{25}}", text))
