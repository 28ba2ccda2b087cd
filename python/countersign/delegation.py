"""schemas/formats/delegation.md: on whose behalf an agent acts, link by link."""

import base64
import hashlib
import re

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils

from .batches import batched_type
from .canonical import digest, from_base64url, parse, same, time_ms
from .errors import CountersignError, require
from .form import closed, integer, items, object_of, objects, text
from .signatures import is_valid, load_spki

LINKS_MAX = 4
TOKEN_MAX = 8_192
_VISIBLE = re.compile(r"[!-~]{1,200}")
_ISSUER = re.compile(r"https://[!-~]{1,190}")
_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", re.ASCII)
_POINTER = re.compile(r"(/[A-Za-z0-9_]{1,64}){1,8}", re.ASCII)
_LIMIT = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?", re.ASCII)
_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


def _valid(condition: bool, expected: str) -> None:
    require(condition, "DELEGATION_INVALID", f"expected {expected}")


def issuer_member(issuer: dict, authority) -> dict:
    closed(issuer, "id keys persons services?")
    keys, persons = objects(issuer, "keys"), objects(issuer, "persons")
    is_form = _ISSUER.fullmatch(text(issuer, "id")) and 1 <= len(keys) <= 4 and len(persons) <= 64
    require(bool(is_form), "SCHEMA_INVALID", "expected an issuer")
    for key in keys:
        closed(key, "kid alg public_key")
        require(key["alg"] in ("ES256", "EdDSA", "RS256"), "SCHEMA_INVALID", "expected a known algorithm")
    subjects = [text(closed(each, "sub person"), "sub") for each in persons]
    are_once = all(len(set(each)) == len(each) for each in ([text(key, "kid") for key in keys], subjects))
    is_service = "services" in issuer and any(sub.startswith(text(issuer, "services")) for sub in subjects)
    require(are_once and not is_service, "SCHEMA_INVALID", "expected each once, and no person who is a service")
    are_known = all(authority.get("person", text(each, "person")) is not None for each in persons)
    require(are_known, "MEMBER_UNKNOWN", "expected persons of the authority")
    return {"kind": "issuer", **issuer}


def check_delegation(action: dict | None, admission: dict, authority) -> None:
    """The chain leads to the agent, as of the admission, and the admission says what it says."""
    said = admission.get("delegation")
    is_needed = "delegation" in object_of(admission["requirement"])
    _valid(not is_needed or said is not None, "a chain")
    if action is None:
        return
    if "delegation" not in action:
        _valid(said is None, "no links")
        return
    tokens = items(action, "delegation")
    _valid(1 <= len(tokens) <= LINKS_MAX, "1 to 4 links")
    try:
        links = [_proven(token, authority) for token in tokens]
    except (CountersignError, KeyError, TypeError, AttributeError) as error:
        raise CountersignError("DELEGATION_INVALID", str(error)) from error
    _judge(links, action, admission, authority)
    grants = [{"issuer": link["iss"], "digest": digest("grant", token)} for link, token in zip(links, tokens)]
    ends = min(link["exp"] for link in links) * 1_000
    _valid(said is not None and same(grants, said) and time_ms(admission["not_after"]) <= ends, "the links and their end")


def _proven(token, authority) -> dict:
    """The claims of a link whose signature is that of the pinned key."""
    _valid(isinstance(token, str) and len(token) <= TOKEN_MAX and token.count(".") == 2, "a token")
    head, body, tail = token.split(".")
    header, claims = closed(object_in(head), "alg kid typ?"), object_in(body)
    _check_claims(claims)
    issuer = authority.get("issuer", claims["iss"])
    _valid(issuer is not None, "an enrolled issuer")
    keys = [key for key in issuer["keys"] if key["kid"] == header["kid"] and key["alg"] == header["alg"]]
    _valid(bool(keys), "a key of the issuer")
    holds = is_signed(keys[0], f"{head}.{body}".encode(), from_base64url(tail))
    _valid(holds, "a signature of the issuer")
    return claims


def object_in(part: str) -> dict:
    raw = from_base64url(part)
    _valid(raw is not None, "base64url")
    return object_of(parse(raw))


def is_signed(pinned: dict, message: bytes, signature: bytes | None) -> bool:
    key = load_spki(from_base64url(pinned["public_key"]))
    kinds = {"ES256": ec.EllipticCurvePublicKey, "EdDSA": ed25519.Ed25519PublicKey, "RS256": rsa.RSAPublicKey}
    if not isinstance(key, kinds[pinned["alg"]]) or signature is None:
        return False
    if pinned["alg"] == "ES256":
        if len(signature) != 64:
            return False
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        signature = utils.encode_dss_signature(r, s)
    return is_valid(key, message, signature)


def _check_claims(claims: dict) -> None:
    are_named = all(_VISIBLE.fullmatch(text(claims, name)) for name in ("iss", "sub"))
    _valid(are_named and integer(claims, "exp") >= 0, "iss, sub and exp")
    _valid("nbf" not in claims or integer(claims, "nbf") >= 0, "nbf")
    actor, depth = claims.get("act"), 1
    while actor is not None:
        closed(actor, "sub act?")
        _valid(depth <= LINKS_MAX and _VISIBLE.fullmatch(text(actor, "sub")) is not None, "actors")
        actor, depth = actor.get("act"), depth + 1
    _valid(depth > 1, "an actor")
    types = text(claims, "scope").split(" ")
    are_types = all(_TYPE.fullmatch(name) for name in types) and len(set(types)) == len(types) <= 32
    _valid(are_types, "types in scope")
    details = objects(claims, "authorization_details") if "authorization_details" in claims else []
    limited = [text(closed(each, "type max? only?"), "type") for each in details]
    _valid(len(set(limited)) == len(limited) and set(limited) <= set(types), "limits of the scope")
    for each in details:
        for name in ("max", "only"):
            limits = object_of(each.get(name, {}))
            _valid(len(limits) <= 8 and all(_POINTER.fullmatch(at) for at in limits), "pointers")
        _valid(all(isinstance(one, str) and _LIMIT.fullmatch(one) for one in each.get("max", {}).values()), "amounts")
        _valid(all(isinstance(one, list) and 1 <= len(one) <= 64 for one in each.get("only", {}).values()), "texts")


def _judge(links: list[dict], action: dict, admission: dict, authority) -> None:
    ledger, at_ms = authority.ledger, time_ms(admission["at"])
    for link, before in zip(links, [None, *links]):
        aud = link.get("aud")
        aud = aud if isinstance(aud, list) else [aud]
        _valid(ledger["origin"] in aud or ledger["tenant"] in aud, "a link for this ledger")
        _valid(link.get("nbf", 0) * 1_000 <= at_ms < link["exp"] * 1_000, "a link of this time")
        earlier = before["act"] if before is not None else None
        _valid(same(link["act"].get("act"), earlier), "act to hold the actors before")
        _valid(before is None or _is_within(link, before), "a link within the one before")
    last, agent = links[-1], authority.get("agent", action["agent"]["id"])
    jkt = object_of(last.get("cnf", {})).get("jkt") if isinstance(last.get("cnf", {}), dict) else None
    is_this = agent is not None and last["act"]["sub"] == agent["id"] and jkt == jwk_thumbprint(agent["public_key"])
    _valid(is_this, "a last link for this agent and its key")
    tokens = action["delegation"]
    named = [{**each, "grant_digest": digest("grant", token)} for each, token in zip(_named(links, authority), tokens)]
    _valid(same(named, action["acting_for"]), "acting_for to name who the chain names")
    is_allowed = all(_allows(link, each) for link in links for each in _asked_for(action))
    require(is_allowed, "DELEGATION_EXCEEDED", "expected an action within each link")


def _limits(link: dict, name: str) -> dict:
    found = [each for each in link.get("authorization_details", []) if each["type"] == name]
    return found[0] if found else {}


def _is_within(link: dict, before: dict) -> bool:
    types, known = link["scope"].split(" "), before["scope"].split(" ")
    if link["exp"] > before["exp"] or not set(types) <= set(known):
        return False
    for name in types:
        inner, outer = _limits(link, name), _limits(before, name)
        for at, amount in inner.get("max", {}).items():
            if at in outer.get("max", {}) and not _is_at_most(amount, outer["max"][at]):
                return False
        for at, values in inner.get("only", {}).items():
            if at in outer.get("only", {}) and not set(values) <= set(outer["only"][at]):
                return False
    return True


def _asked_for(action: dict) -> list[dict]:
    """A batch asks for itself and for each of its items, as the actions that they would be alone."""
    inner = batched_type(action["type"])
    if inner is None:
        return [action]
    batched = objects(object_of(action["params"]), "items")
    return [action, *({"type": inner, "params": object_of(item.get("params"))} for item in batched)]


def _allows(link: dict, action: dict) -> bool:
    if action["type"] not in link["scope"].split(" "):
        return False
    limits = _limits(link, action["type"])
    at_most = all(_is_at_most(_value_at(action["params"], at), top) for at, top in limits.get("max", {}).items())
    return at_most and all(_value_at(action["params"], at) in each for at, each in limits.get("only", {}).items())


def _value_at(value, pointer: str) -> str:
    for name in pointer[1:].split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _is_at_most(amount: str, top: str) -> bool:
    scales = [len(each.partition(".")[2]) for each in (amount, top)]
    if _DIGITS.fullmatch(amount) is None or scales[0] != scales[1]:
        return False
    return int(amount.replace(".", "")) <= int(top.replace(".", ""))


def _named(links: list[dict], authority) -> list[dict]:
    subjects = [_principal(link["iss"], link["sub"], authority) for link in links]
    _valid(all(same(each, subjects[0]) for each in subjects), "links for one subject")
    actors = [_principal(link["iss"], link["act"]["sub"], authority) for link in links[:-1]]
    return [subjects[0], *actors]


def _principal(iss: str, sub: str, authority) -> dict:
    issuer = authority.get("issuer", iss)
    for each in issuer["persons"]:
        if each["sub"] == sub:
            return {"kind": "person", "sub": each["person"]}
    _valid("services" in issuer and sub.startswith(issuer["services"]), "a subject that is known")
    return {"kind": "service", "sub": sub}


def jwk_thumbprint(public_key: str) -> str:
    """RFC 7638, of an Ed25519 key."""
    key = load_spki(from_base64url(public_key))
    _valid(isinstance(key, ed25519.Ed25519PublicKey), "an Ed25519 key")
    x = base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode()
    made = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
