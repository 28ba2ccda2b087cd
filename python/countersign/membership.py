"""Groups of the company, by ID tokens of its identity provider: schemas/formats/policy.md §7.9."""

import hashlib

from .canonical import digest, from_base64url, time_ms
from .delegation import is_signed, object_in
from .errors import CountersignError, require
from .form import closed, integer, items, object_of, text

TOKEN_MAX = 2_500
_SKEW_MS = 300_000
_ENROL_MS = 900_000
_CLAIMS = (
    "iss sub aud iat exp nonce azp? groups? acr? aio? amr? at_hash? auth_time? c_hash? idp? jti? nbf? rh? s_hash? "
    "session_state? sid? tid? typ? uti? ver?"
)


def joined_group(rules: list[dict]) -> dict | None:
    groups = [object_of(rule["member_of"]) for rule in rules if "member_of" in rule]
    are_one = len({tuple(text(each, name) for name in ("issuer", "audience", "group")) for each in groups}) <= 1
    require(are_one, "POLICY_MISMATCH", "expected one group of the company")
    return min(groups, key=lambda each: integer(each, "within_s")) if groups else None


def check_membership(decision: dict, binding: dict, authority) -> None:
    """Where the requirement asks for a group, the person's own ID token says so, until the last use."""
    needed = object_of(binding["requirement"]).get("member_of")
    if needed is None:
        return
    try:
        is_member = _is_member(object_of(needed), decision, binding, authority)
    except (CountersignError, KeyError, TypeError, AttributeError) as error:
        raise CountersignError("NOT_ELIGIBLE", str(error)) from error
    require(is_member, "NOT_ELIGIBLE", "expected a sign-in that shows the group")


def _is_member(needed: dict, decision: dict, binding: dict, authority) -> bool:
    claims = _signed_in(decision["membership"], decision["person"], authority)
    if claims is None or claims["iss"] != needed["issuer"]:
        return False
    client, azp = needed["audience"], claims.get("azp")
    aud = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    is_for_here = client in aud and (azp == client or (azp is None and len(aud) == 1))
    made = integer(claims, "iat") * 1_000
    ends = made + integer(needed, "within_s") * 1_000
    at = time_ms(binding["at"])
    is_now = made <= at + _SKEW_MS and at <= ends and time_ms(binding["use_by"]) <= ends
    groups = items(claims, "groups") if "groups" in claims else []
    return is_for_here and is_now and needed["group"] in groups


def check_account(change: dict, at: str, authority) -> None:
    """Who enrols shows the company account that the authority ties them to, where its issuer is pinned."""
    statement = object_of(change["statement"])
    tie = authority.get("identity", statement["person"])
    if tie is None or authority.get("issuer", tie["issuer"]) is None:
        return
    try:
        claims = _signed_in(change["identity"], statement["person"], authority, statement["invitation"])
        made, now = integer(claims or {}, "iat") * 1_000, time_ms(at)
    except (CountersignError, KeyError, TypeError, AttributeError) as error:
        raise CountersignError("INVITATION_INVALID", str(error)) from error
    require(made <= now + _SKEW_MS and now <= made + _ENROL_MS, "INVITATION_INVALID", "expected a sign-in of now")


def _signed_in(value, person: str, authority, invitation: str | None = None) -> dict | None:
    """The claims of a sign-in of this person, by an issuer of the authority, for this ledger and this invitation."""
    shown = closed(value, "token subject_salt nonce_salt key")
    token = text(shown, "token")
    head, body, tail = token.split(".") if token.count(".") == 2 and len(token) <= TOKEN_MAX else ("", "", "")
    header, claims = closed(object_in(head), "alg kid typ?"), closed(object_in(body), _CLAIMS)
    issuer, tie = authority.get("issuer", claims["iss"]), authority.get("identity", person)
    if issuer is None or tie is None or tie["issuer"] != claims["iss"]:
        return None
    keys = [key for key in issuer["keys"] if key["kid"] == header["kid"] and key["alg"] == header["alg"]]
    pins = [f"sha256:{hashlib.sha256(from_base64url(key['public_key'])).hexdigest()}" for key in keys]
    if pins != [shown["key"]] or not is_signed(keys[0], f"{head}.{body}".encode(), from_base64url(tail)):
        return None
    subject = {"issuer": claims["iss"], "salt": shown["subject_salt"], "subject": text(claims, "sub")}
    named = {} if invitation is None else {"invitation": invitation}
    sign_in = {"ledger": authority.ledger["origin"], "salt": shown["nonce_salt"], **named}
    is_this = tie["subject_digest"] == digest("subject", subject) and claims["nonce"] == digest("sign-in", sign_in)
    return claims if is_this else None
