"""docs/http.md: asks for bindings and waits for them. A ledger that does not answer is never taken for a yes."""

import base64
import hashlib
import json
import os
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from .canonical import canonical, digest, from_base64url, new_ulid, parse, timestamp, to_base64url
from .errors import CountersignError, require

_WAIT_MS = 20_000
_ANSWER_WITHIN_S = 30
_BODY_BYTES_MAX = 16 * 1024 * 1024
_RETRY_S = 0.5
_RETRIES = 3
#: No answer is no refusal: what was sent may have arrived.
UNANSWERED = ("LEDGER_UNREACHABLE", "ANSWER_INVALID")

OnArrival = Callable[[dict], object]


class SigningKey:
    """The Ed25519 key of an agent or an executor."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.thumbprint = "sha256:" + hashlib.sha256(spki).hexdigest()

    @classmethod
    def read(cls, path: str | os.PathLike) -> "SigningKey":
        """A PEM file that its owner alone can read: KEY_FILE_PERMISSIONS, KEY_FORMAT."""
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            require(stat.S_IMODE(mode) & 0o077 == 0, "KEY_FILE_PERMISSIONS", "expected a key file of mode 600")
            pem = file.read(4_097)
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise CountersignError("KEY_FORMAT", "expected a private key in PEM") from error
        require(isinstance(key, Ed25519PrivateKey), "KEY_FORMAT", "expected an Ed25519 key")
        return cls(key)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def signed_frame(kind: str, payload: bytes, key: SigningKey) -> str:
    """entries.md §3. The text is canonical, so sending it again is the same input."""
    signature = key.sign(f"countersign/{kind}/v1\n".encode() + payload)
    return canonical({"payload": to_base64url(payload), "key": key.thumbprint, "signature": to_base64url(signature)})


def signed_payload(frame: str) -> dict:
    """What was signed in a frame that signed_frame has made."""
    return parse(from_base64url(parse(frame.encode())["payload"]))


class Ledger:
    """The way to a ledger at `url`; reads are signed with the key, which is never sent."""

    def __init__(self, url: str, key: SigningKey) -> None:
        self.url = url.rstrip("/")
        self._key = key

    def submit(self, path: str, frame: str, on_arrival: OnArrival | None = None) -> dict:
        """Sends a signed object and waits for its entry and receipt. The same frame again gets the same answer.

        `on_arrival` is given what proves that it has arrived (schemas/formats/arrival-promise.md), where the answer is
        not there at once and the ledger promises.
        """
        # A promise is worth most while nobody knows the answer: so it is not waited for.
        wait_ms = _WAIT_MS if on_arrival is None else 0
        status, answer = self._call("POST", f"/v1/{path}?wait_ms={wait_ms}", frame)
        if status == 202 and on_arrival is not None and isinstance(answer.get("arrival"), dict):
            on_arrival(answer["arrival"])
        while status == 202:
            status, answer = self._call("GET", f"/v1/inputs/{answer.get('input')}?wait_ms={_WAIT_MS}")
        answered = _answer_in(answer)
        if answered is None:
            raise CountersignError("ANSWER_INVALID", "expected an entry and its receipt")
        return answered

    def action(self, action_id: str, since: int | None = None) -> dict:
        """Where it stands; with `since` it waits for an entry beyond that index, or 20 seconds."""
        query = "" if since is None else f"?since={since}&wait_ms={_WAIT_MS}"
        view = self._call("GET", f"/v1/actions/{action_id}{query}")[1]
        is_view = isinstance(view.get("status"), str) and type(view.get("last_index")) is int
        require(is_view, "ANSWER_INVALID", "expected the state of an action")
        return view

    def evidence(self, action_id: str) -> bytes:
        """The evidence file as the ledger gives it: to be verified, never believed."""
        return self._answered("GET", f"/v1/actions/{action_id}/evidence", None)[1]

    def _call(self, method: str, path: str, body: str | None = None) -> tuple[int, dict]:
        status, raw = self._answered(method, path, body)
        return status, _object_in(raw)

    def _answered(self, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        for attempt in range(1, _RETRIES + 1):
            status, raw = self._once(method, path, body)
            if status < 400:
                return status, raw
            # Nothing happened there; the same may be sent again.
            if status not in (429, 503) or attempt == _RETRIES:
                raise _refusal(status, raw)
            time.sleep(_RETRY_S * attempt)
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        url = self.url + path
        headers = self._proof(method, url) if method == "GET" else {}
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = body.encode()
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            with _OPENER.open(request, timeout=_ANSWER_WITHIN_S) as response:
                return response.status, _read(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _read(error)
        except (OSError, ValueError, urllib.error.URLError) as error:
            raise CountersignError("LEDGER_UNREACHABLE", f"no answer from {self.url}") from error

    def _proof(self, method: str, url: str) -> dict[str, str]:
        """RFC 9421, as docs/http.md says."""
        nonce = to_base64url(os.urandom(16))
        created = int(time.time())
        params = (
            f'("@method" "@target-uri");created={created};keyid="{self._key.thumbprint}";alg="ed25519";nonce="{nonce}"'
        )
        base = f'"@method": {method}\n"@target-uri": {url}\n"@signature-params": {params}'
        signature = base64.b64encode(self._key.sign(base.encode())).decode()
        return {"signature-input": f"countersign={params}", "signature": f"countersign=:{signature}:"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args):
        return None


#: Neither redirects nor a proxy of the environment: a signed read is for one address.
_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _read(response) -> bytes:
    raw = response.read(_BODY_BYTES_MAX + 1)
    require(len(raw) <= _BODY_BYTES_MAX, "ANSWER_INVALID", "expected at most 16 MiB")
    return raw


def _answer_in(body: dict) -> dict | None:
    """The entry that answers, with its receipt; None where there is none."""
    entry = body.get("entry")
    is_proven = isinstance(entry, dict) and isinstance(entry.get("text"), str) and isinstance(body.get("receipt"), str)
    return {name: body.get(name) for name in ("input", "entry", "receipt")} if is_proven else None


def _object_in(raw: bytes) -> dict:
    try:
        value = parse(raw, _BODY_BYTES_MAX, 40, 200_000)
    except CountersignError as error:
        raise CountersignError("ANSWER_INVALID", "expected JSON from the ledger") from error
    require(isinstance(value, dict), "ANSWER_INVALID", "expected a JSON object from the ledger")
    return value


def _refusal(status: int, raw: bytes) -> CountersignError:
    try:
        problem = json.loads(raw)
        code, detail, answer = problem["code"], str(problem.get("detail", "")), _answer_in(problem)
    except (ValueError, KeyError, TypeError, AttributeError):
        return CountersignError("LEDGER_UNREACHABLE", f"expected a problem document, got HTTP {status}")
    if status >= 500 or status == 429 or not isinstance(code, str):
        return CountersignError("LEDGER_UNREACHABLE", f"the ledger takes nothing now ({code})")
    return CountersignError(code, detail, answer)


def draft_action(*, tenant: str, agent: str, key: SigningKey, executor: dict, type: str, params: dict,
                 type_version: int = 1, life_s: int = 86_400, preconditions: list | None = None, max_uses: int = 1) -> dict:
    """A complete envelope with a new id and nonce: action.md §2. Keep it until the request has ended.

    `executor` is {"id", "audience", "descriptor_digest"}; each precondition is {"name", "digest"}.
    """
    now_ms = int(time.time() * 1_000)
    return {
        "v": "countersign.action.v1",
        "tenant": tenant,
        "action_id": new_ulid(now_ms),
        "nonce": to_base64url(os.urandom(16)),
        "type": type,
        "type_version": type_version,
        "agent": {"id": agent, "key_thumbprint": key.thumbprint},
        "acting_for": [],
        "executor": executor,
        "params": params,
        "preconditions": preconditions or [],
        "not_after": timestamp(now_ms + life_s * 1_000),
        "max_uses": max_uses,
    }


@dataclass(frozen=True)
class Requested:
    action_id: str
    action_digest: str
    #: Where a person decides.
    page_url: str


def request(ledger: Ledger, key: SigningKey, action: dict, *, on_arrival: OnArrival | None = None) -> Requested:
    """Signs an action and asks for a binding of it. Safe to repeat: the same action is the same request.

    Raises CountersignError with the ledger's code; LEDGER_UNREACHABLE says that it may have arrived. `on_arrival` keeps what
    proves that it has: from then on the ledger cannot leave it out unnoticed.
    """
    text = canonical(action)
    ledger.submit("requests", signed_frame("request", text.encode(), key), on_arrival)
    action_id = action["action_id"]
    return Requested(action_id, digest("action", text), f"{ledger.url}/action/{action_id}")


@dataclass(frozen=True)
class Ended:
    """`status` is bound, denied, expired, revoked, superseded, epoch-ended or refused; only `bound` has evidence."""

    status: str
    code: str | None = None
    evidence: bytes | None = None
    decisions: list = field(default_factory=list)


_ENDS = {"denied": "DENIED", "expired": "EXPIRED", "revoked": "REVOKED", "superseded": "SUPERSEDED", "epoch-ended": "EPOCH_ENDED"}


def wait(ledger: Ledger, action_id: str, *, away_s: float = 3_600, on_waiting=None) -> Ended:
    """Waits until a request has ended; goes on by itself after a connection that broke, and when the ledger is started again.

    Whoever was killed meanwhile calls it again with the same id (attack row C18).
    """
    view = _patient(lambda: ledger.action(action_id), away_s)
    while view["status"] == "pending":
        if on_waiting is not None:
            on_waiting(view)
        since = view["last_index"]
        view = _patient(lambda: ledger.action(action_id, since), away_s)
    status = view["status"]
    decisions = [each for each in view.get("decisions") or [] if isinstance(each, dict)]
    if status == "refused":
        return Ended(status, view.get("code") or "REQUEST_REFUSED")
    if status in _ENDS:
        return Ended(status, _ENDS[status], decisions=decisions)
    return Ended("bound", evidence=_patient(lambda: ledger.evidence(action_id), away_s), decisions=decisions)


def _patient(read, away_s: float):
    until = None
    while True:
        try:
            return read()
        except CountersignError as error:
            if error.code != "LEDGER_UNREACHABLE":
                raise
            until = until if until is not None else time.monotonic() + away_s
            if time.monotonic() >= until:
                raise
            time.sleep(_RETRY_S)


