"""schemas/formats/authority.md: who may ask, decide and run, folded from genesis on."""

import hashlib
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .attestation import attested_model
from .canonical import canonical, digest, from_base64url, parse_canonical, same
from .decisions import check_decisions
from .deputies import deputy_member
from .entry import Entry, read_entry
from .delegation import issuer_member
from .errors import CountersignError, require
from .fixed import EXCLUDES_NOBODY, check_apart, own_rule
from .form import closed, integer, items, object_of, objects, text
from .freeze import check_epoch, frozen_member
from .log import leaf_hash, name_of, parse_log_key, root_of
from .membership import check_account
from .passkey import cose_key
from .recovery import is_recovery, recovery_of, with_recovery, without_recovery
from .signatures import is_valid, load_spki
from .sshsig import credential_id_of, fingerprint_of, parse_ssh_key
from .trust import Trust

SHARD_MAX = 99_999
KEY_HOLDERS = ("credential", "agent", "executor")


@dataclass(frozen=True)
class Authority:
    """The members as of one entry. `ref` is how entries cite it."""

    members: dict = field(default_factory=dict)
    ref: dict = field(default_factory=dict)
    #: Keys of the log that were removed, homes that were left, credentials that were revoked and their keys: none of
    #: them comes back.
    gone: frozenset = frozenset()

    def get(self, kind: str, name) -> dict | None:
        return self.members.get((kind, name)) if isinstance(name, str) else None

    @property
    def ledger(self) -> dict:
        return self.members[("ledger", "ledger")]

    def of_kind(self, kind: str) -> list[dict]:
        return [member for (each, _), member in self.members.items() if each == kind]

    def in_order(self) -> list[dict]:
        keys = sorted(self.members, key=lambda key: [part.encode("utf-16-be") for part in key])
        return [self.members[key] for key in keys]

    def root(self) -> str:
        return name_of(root_of([member_leaf(member) for member in self.in_order()]))

    def put(self, member: dict) -> "Authority":
        key = (text(member, "kind"), text(member, "id"))
        return replace(self, members={**self.members, key: member})

    def add(self, member: dict) -> "Authority":
        known = self.get(text(member, "kind"), text(member, "id"))
        require(known is None, "MEMBER_EXISTS", "expected a new member")
        if member["kind"] in KEY_HOLDERS:
            _refuse_taken(member, self)
        return _with_issuer(member, self) if member["kind"] == "issuer" else self.put(member)

    def drop(self, kind: str, name: str) -> "Authority":
        require(self.get(kind, name) is not None, "MEMBER_UNKNOWN", "expected a member")
        return replace(self, members={key: each for key, each in self.members.items() if key != (kind, name)})


def member_leaf(member: dict) -> bytes:
    return leaf_hash(b"countersign/authority-member/v1\n" + canonical(member).encode())


def is_authority_type(name) -> bool:
    return isinstance(name, str) and name.startswith("authority.")


def is_signed_by(member: dict, kind: str, payload: str, signature) -> bool:
    """By the Ed25519 key of an agent or an executor: entries.md §3."""
    key = load_spki(from_base64url(member.get("public_key")))
    message = f"countersign/{kind}/v1\n{payload}".encode()
    return isinstance(key, ed25519.Ed25519PublicKey) and is_valid(key, message, from_base64url(signature))


def check_exclusions(binding: dict, authority: Authority) -> None:
    claimed = object_of(binding["agent"])
    agent = authority.get("agent", claimed.get("id"))
    require(agent is not None, "AGENT_UNKNOWN", "expected an enrolled agent")
    is_enrolled = all(agent.get(name) == claimed.get(name) for name in ("key_thumbprint", "owner", "person", "sponsor"))
    require(is_enrolled, "AGENT_MISMATCH", "expected the agent as it is enrolled")
    if object_of(binding["action_type"]).get("name") in EXCLUDES_NOBODY:
        return
    excluded = {text(each, "person") for each in objects(binding, "excluded")}
    persons = [agent.get("person"), *items(binding, "acting_for")]
    if authority.ledger["separation"] == "full":
        persons += [agent["owner"], agent.get("sponsor")]
    missing = [person for person in persons if person is not None and person not in excluded]
    require(not missing, "ADMISSION_MISMATCH", "expected everybody near the agent to be excluded")


def persons_of(action: dict) -> list:
    """The persons that an action says it is for."""
    return [each["sub"] for each in objects(action, "acting_for") if each["kind"] == "person"]


def check_descriptor(binding: Entry, authority: Authority) -> None:
    """What persons were shown follows from it."""
    kind = binding["action_type"]
    descriptor = authority.get("descriptor", f"{kind['name']}/{kind['version']}") or {}
    require(descriptor.get("digest") == binding["descriptor_digest"], "DESCRIPTOR_MISMATCH")


def requirement_of(rule: dict) -> dict:
    names = ("approvals", "approvers", "proof_classes", "rationale")
    extras = {name: rule[name] for name in ("device_bound", "attested", "assurance", "delegation", "break_glass", "escalation", "seats", "ordered", "window_s", "confirm", "member_of") if name in rule}
    return {"rule": rule.get("id"), **{name: rule.get(name) for name in names}, **extras}


def fold_chain(chain: list[dict], cited: dict, trust: Trust) -> list[Authority]:
    """Every authority from genesis to the one that is cited: evidence.md §5, step 12."""
    require(bool(chain), "AUTHORITY_MISSING", "expected a chain of the authority")
    genesis = _in_chain(lambda: read_entry(chain[0].get("entry"), "ledger-founded"))
    is_pinned = genesis.leaf == trust.genesis and genesis["origin"] == trust.origin
    require(is_pinned, "GENESIS_MISMATCH", "expected the founding that is pinned")
    return _in_chain(lambda: _fold(genesis, chain, cited, trust))


def _in_chain(act):
    """Whatever is wrong in a chain has one code."""
    try:
        return act()
    except (CountersignError, KeyError, TypeError, AttributeError) as error:
        raise CountersignError("AUTHORITY_CHAIN_INVALID", str(error)) from error


def _fold(genesis: Entry, chain: list[dict], cited: dict, trust: Trust) -> list[Authority]:
    state = found(genesis.members)
    is_whole = "binding" not in chain[0] and state.root() == genesis["authority_root"]
    require(is_whole, "GENESIS_MISMATCH")
    past: list[Authority] = []

    def place(ref: dict, leaf: str, after: int) -> Authority:
        closed(ref, "index leaf root")
        is_next = ref["index"] == 0 if not past else integer(ref, "index") > after
        require(is_next and ref["leaf"] == leaf and ref["root"] == state.root(), "AUTHORITY_CHAIN_INVALID")
        past.append(replace(state, ref=ref))
        return past[-1]

    leaf, after, at = genesis.leaf, -1, ""
    spent: set[str] = set()
    for link in chain[1:]:
        entry = read_entry(link.get("entry"), "authority-changed")
        before = place(object_of(entry["previous"]), leaf, after)
        state, after = _changed(entry, link, before, trust, integer(genesis.members, "rules_version"))
        at = _in_turn(entry, link, at, spent)
        leaf = entry.leaf
        require(state.root() == entry["authority_root"], "AUTHORITY_CHAIN_INVALID")
    place(object_of(cited), leaf, after)
    return past


def found(genesis: dict) -> Authority:
    bootstrap = object_of(genesis["bootstrap"])
    is_bare = "possession" not in items(bootstrap, "proof_classes") and bootstrap.get("device_bound", True) is True
    require(is_bare and not {"attested", "assurance", "break_glass", "delegation"} & set(bootstrap), "GENESIS_MISMATCH")
    ledger = {name: genesis[name] for name in ("origin", "tenant", "separation", "demo", "rps", "bootstrap")}
    state = Authority().add({"kind": "ledger", "id": "ledger", **ledger, **recovery_of(genesis)})
    state = state.add({"kind": "policy", "id": "policy", "digest": digest("policy", genesis["policy"])})
    for vkey in items(genesis, "log_keys"):
        key = parse_log_key(vkey)
        require(key is not None, "GENESIS_MISMATCH")
        state = state.add({"kind": "log-key", "id": key.id, "vkey": vkey})
    for member in objects(genesis, "members"):
        is_founder = member["kind"] not in ("ledger", "policy", "log-key", "freeze", "deputy") and not is_recovery(member)
        # Nothing shows of a founder's passkey what its maker says of it.
        require(is_founder and "attestation" not in member, "GENESIS_MISMATCH")
        state = state.add(member)
    require(len(state.of_kind("home")) <= 1, "GENESIS_MISMATCH")
    return state


def _in_turn(entry: Entry, link: dict, since: str, spent: set[str]) -> str:
    """What was approved for one authority is not carried out again in a later one, nor for the first time."""
    at = text(entry.members, "at")
    require(at >= since, "AUTHORITY_CHAIN_INVALID", "expected times that do not go back")
    if object_of(entry["change"]).get("change") == "bound":
        binding = read_entry(link.get("binding"), "binding-made")
        is_between = since <= text(binding.members, "at") <= at
        require(is_between, "AUTHORITY_CHAIN_INVALID", "expected a change to be bound between the one before and itself")
        is_first = text(binding.members, "action_id") not in spent
        require(is_first, "AUTHORITY_CHAIN_INVALID", "expected an approval of its own for each change")
        spent.add(text(binding.members, "action_id"))
    return at


def _changed(entry: Entry, link: dict, before: Authority, trust: Trust, rules: int) -> tuple[Authority, int]:
    """Who allowed a change, and what it leads to; the entry stands behind the index that is answered."""
    change = object_of(entry["change"])
    require(entry["tenant"] == before.ledger["tenant"], "AUTHORITY_CHAIN_INVALID")
    if change.get("change") == "bound":
        closed(change, "change action binding binding_index")
        return _bound(entry, link, before, trust), integer(change, "binding_index")
    require(change.get("change") == "credential-enrolled" and "binding" not in link, "AUTHORITY_CHAIN_INVALID")
    return _enrolled(entry, closed(change, "change statement signature identity?"), before, rules), integer(before.ref, "index")


def _enrolled(entry: Entry, change: dict, before: Authority, rules: int) -> Authority:
    names = "v ledger tenant person invitation credential_id public_key rp_id backup_eligible nonce"
    said = closed(change["statement"], names + (" attestation?" if rules > 1 else ""))
    invitation = before.get("invitation", said["invitation"])
    require(invitation is not None and invitation["person"] == said["person"], "INVITATION_INVALID")
    is_here = (
        said["v"] == "countersign.enrolment.v1"
        and said["ledger"] == before.ledger["origin"]
        and said["tenant"] == before.ledger["tenant"]
        and invitation["not_after"] >= entry["at"]
    )
    require(is_here, "INVITATION_INVALID")
    is_due = not is_recovery(invitation) or invitation["not_before"] <= entry["at"]
    require(is_due, "RECOVERY_NOT_DUE", "expected the delay to be over")
    key = load_spki(from_base64url(invitation["public_key"]))
    message = b"countersign/enrolment/v1\n" + canonical(said).encode()
    is_signed = isinstance(key, ec.EllipticCurvePublicKey) and is_valid(
        key, message, from_base64url(change["signature"])
    )
    require(is_signed, "SIGNATURE_INVALID")
    if rules > 1:
        check_account(change, entry["at"], before)
    member = {name: said[name] for name in ("person", "public_key", "rp_id", "backup_eligible")}
    credential = {"kind": "credential", "id": said["credential_id"], **member}
    if "attestation" in said:
        credential["attestation"] = attested_model(said["attestation"], said, entry["at"])
    if is_recovery(invitation):
        return _without_keys_of(said["person"], before).add(credential)
    return before.drop("invitation", said["invitation"]).add(credential)


def _bound(entry: Entry, link: dict, before: Authority, trust: Trust) -> Authority:
    """A change that persons of the authority before it have signed for, by the rule of its type."""
    change = object_of(entry["change"])
    binding = read_entry(link.get("binding"), "binding-made")
    action_text = text(change, "action")
    action = parse_canonical(action_text)
    require(digest("action", action_text) == binding["action_digest"], "ACTION_DIGEST_MISMATCH")
    agent, said = object_of(binding["agent"]), object_of(action["agent"])
    is_this = (
        binding.leaf == change["binding"]
        and change["binding_index"] > integer(before.ref, "index")
        and binding["tenant"] == before.ledger["tenant"]
        and same(binding["authority"], before.ref)
        and is_authority_type(action["type"])
        and all(action[name] == binding[name] for name in ("tenant", "action_id"))
        and all(said[name] == agent[name] for name in ("id", "key_thumbprint"))
    )
    require(is_this, "NOT_BOUND")
    kind = object_of(binding["action_type"])
    is_said = kind["name"] == action["type"] and same(kind["version"], action["type_version"])
    require(is_said and same(persons_of(action), binding["acting_for"]), "NOT_BOUND")
    check_descriptor(binding, before)
    rule = own_rule(kind["name"], before.ledger)
    is_rule = digest("policy", rule) == binding["policy_digest"] and same(requirement_of(rule), binding["requirement"])
    require(is_rule and binding["separation"] == before.ledger["separation"], "POLICY_MISMATCH")
    check_exclusions(binding.members, before)
    check_apart(binding.members, action)
    check_decisions(binding.members, before, trust)
    effect = object_of(object_of(action["params"])["change"])
    epoch = integer(binding.members, "epoch")
    check_epoch(epoch, before, (epoch, effect.get("kind")))
    return _apply(effect, before, text(entry.members, "at"))


def _apply(change: dict, before: Authority, at: str) -> Authority:
    kind = text(change, "kind")
    if kind == "recovery-started":
        return with_recovery(change, before, at)
    if kind == "recovery-cancelled":
        return without_recovery(change, before)
    if kind == "person-invited":
        return _invited(change, before)
    if kind == "credential-revoked":
        return _revoked(text(change, "credential_id"), before)
    if kind in ("agent-enrolled", "executor-enrolled"):
        return _with_machine(kind.removesuffix("-enrolled"), change, before)
    if kind in ("agent-revoked", "executor-revoked"):
        return before.drop(kind.removesuffix("-revoked"), text(change, "id"))
    if kind == "policy-set":
        return before.put({"kind": "policy", "id": "policy", "digest": digest("policy", change["policy"])})
    if kind == "descriptor-enrolled":
        name = f"{text(change, 'type')}/{integer(change, 'type_version')}"
        return before.add({"kind": "descriptor", "id": name, "digest": change["digest"]})
    if kind == "agent-sponsored":
        return _sponsored(closed(change, "kind agent sponsor?"), before)
    if kind == "deputy-named":
        named = closed(change, "kind principal deputy types not_before not_after")
        return before.put(deputy_member(named, before))
    if kind == "deputy-revoked":
        return before.drop("deputy", text(closed(change, "kind principal"), "principal"))
    if kind == "issuer-enrolled":
        return _with_issuer(issuer_member(object_of(closed(change, "kind issuer")["issuer"]), before), before)
    if kind == "issuer-revoked":
        return before.drop("issuer", text(closed(change, "kind id"), "id"))
    if kind == "ssh-key-enrolled":
        return _with_ssh_key(change, before)
    if kind == "person-tied":
        return _tied(closed(change, "kind person issuer subject_digest invited?"), before)
    if kind == "reviewed":
        closed(change, "kind action_id action_type action_digest approvers concerned result verdict remarks")
        return before
    if kind in ("frozen", "thawed"):
        return before.put(frozen_member(change, before))
    if kind == "home-moved":
        return _moved(closed(change, "kind tenant from to"), before)
    if kind == "log-key-added":
        return _with_log_key(closed(change, "kind vkey"), before)
    require(kind == "log-key-removed", "SCHEMA_INVALID")
    after = before.drop("log-key", text(closed(change, "kind id"), "id"))
    require(bool(after.of_kind("log-key")), "WOULD_LOCK_OUT")
    return replace(after, gone=before.gone | {change["id"]})


def _revoked(name: str, before: Authority) -> Authority:
    after = before.drop("credential", name)
    key = _key_of(before.members["credential", name]).hex()
    return replace(after, gone=before.gone | {f"credential {name}", f"credential key {key}"})


def _without_keys_of(person: str, before: Authority) -> Authority:
    """Whoever is recovered keeps none of their keys, and no other link."""
    after = before
    for credential in before.of_kind("credential"):
        after = _revoked(credential["id"], after) if credential["person"] == person else after
    for invitation in before.of_kind("invitation"):
        after = after.drop("invitation", invitation["id"]) if invitation["person"] == person else after
    return after


def _moved(change: dict, before: Authority) -> Authority:
    """The log ends on one shard, and goes on in another one, where it never was: authority.md §9."""
    left, to = integer(change, "from"), integer(change, "to")
    require(0 <= left <= SHARD_MAX and 0 <= to <= SHARD_MAX and left != to, "SCHEMA_INVALID")
    require(change["tenant"] == before.ledger["tenant"], "TENANT_UNKNOWN")
    homes = [home["id"] for home in before.of_kind("home")]
    require(homes in ([], [str(left)]), "MEMBER_UNKNOWN")
    require(f"home {to}" not in before.gone, "MEMBER_EXISTS")
    after = before.drop("home", str(left)) if homes else before
    return replace(after.add({"kind": "home", "id": str(to)}), gone=before.gone | {f"home {left}"})


def _sponsored(change: dict, before: Authority) -> Authority:
    """For whom an agent works, or nobody from now on."""
    agent = before.get("agent", text(change, "agent"))
    require(agent is not None, "MEMBER_UNKNOWN")
    sponsor = {"sponsor": text(change, "sponsor")} if "sponsor" in change else {}
    require(not sponsor or before.get("person", change["sponsor"]) is not None, "MEMBER_UNKNOWN")
    return before.put({**{name: each for name, each in agent.items() if name != "sponsor"}, **sponsor})


def _invited(change: dict, before: Authority) -> Authority:
    person = {"kind": "person", "id": text(change, "person"), "class": change["class"]}
    known = before.get("person", change["person"])
    require(known is None or same(known, person), "MEMBER_EXISTS")
    invitation = closed(change["invitation"], "id public_key not_after")
    return before.put(person).add({"kind": "invitation", "person": change["person"], **invitation})


def _tied(change: dict, before: Authority) -> Authority:
    """Whom of a company a person is; the same change may invite them: authority.md §10."""
    if "invited" in change:
        before = _invited({"person": change["person"], **closed(change["invited"], "class invitation")}, before)
    require(before.get("person", change["person"]) is not None, "MEMBER_UNKNOWN")
    tie = {"kind": "identity", "id": change["person"]}
    return before.put({**tie, "issuer": change["issuer"], "subject_digest": change["subject_digest"]})


def _with_machine(kind: str, change: dict, before: Authority) -> Authority:
    given = object_of(change[kind])
    require("kind" not in given and "key_thumbprint" not in given, "SCHEMA_INVALID")
    spki = from_base64url(given["public_key"])
    require(spki is not None, "SCHEMA_INVALID")
    thumbprint = "sha256:" + hashlib.sha256(spki).hexdigest()
    return before.add({"kind": kind, "key_thumbprint": thumbprint, **given})


def _with_ssh_key(change: dict, before: Authority) -> Authority:
    """What was shown of the key must be what it is."""
    closed(change, "kind person key_type fingerprint application? public_key")
    blob = from_base64url(change["public_key"])
    require(blob is not None, "SCHEMA_INVALID")
    key = parse_ssh_key(blob)
    is_shown = (
        change["key_type"] == key.kind
        and change["fingerprint"] == fingerprint_of(blob)
        and ("application" in change) == key.is_hardware
        and change.get("application", "") == key.application
    )
    require(is_shown, "SCHEMA_INVALID")
    require(before.get("person", change["person"]) is not None, "MEMBER_UNKNOWN")
    member = {"kind": "credential", "id": credential_id_of(blob), "person": change["person"], "proof": "sshsig"}
    return before.add({**member, "public_key": change["public_key"]})


def _refuse_taken(member: dict, before: Authority) -> None:
    """Nobody may have its key yet, in whatever form, and no credential that was revoked comes back."""
    key = _key_of(member)
    is_revoked = member["kind"] == "credential" and f"credential {member['id']}" in before.gone
    require(not is_revoked and f"credential key {key.hex()}" not in before.gone, "DUPLICATE_KEY")
    pinned = {from_base64url(each["public_key"]) for issuer in before.of_kind("issuer") for each in issuer["keys"]}
    require(key not in _keys_of_members(before) | pinned, "DUPLICATE_KEY")


def _keys_of_members(before: Authority) -> set[bytes]:
    return {_key_of(each) for kind in KEY_HOLDERS for each in before.of_kind(kind)}


def _with_issuer(member: dict, before: Authority) -> Authority:
    """Nobody who asks, runs or decides has one of its keys."""
    pinned = {from_base64url(each["public_key"]) for each in objects(member, "keys")}
    are_revoked = any(f"credential key {key.hex()}" in before.gone for key in pinned if key is not None)
    require(not are_revoked and not pinned & _keys_of_members(before), "MEMBER_EXISTS")
    return before.put(member)


def _key_of(member: dict) -> bytes:
    """One form of a key, so that two spellings or uses of one key are seen to be the same."""
    if member["kind"] != "credential":
        key = load_spki(from_base64url(member["public_key"]))
    elif member.get("proof") == "sshsig":
        blob = from_base64url(member["public_key"])
        require(blob is not None and credential_id_of(blob) == member["id"], "SCHEMA_INVALID")
        key = parse_ssh_key(blob).public
    else:
        key = cose_key(member["public_key"])
    require(key is not None, "SCHEMA_INVALID")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _with_log_key(change: dict, before: Authority) -> Authority:
    key = parse_log_key(change["vkey"])
    require(key is not None and key.name == before.ledger["origin"], "SCHEMA_INVALID")
    require(key.id not in before.gone, "MEMBER_EXISTS")
    require(len(before.of_kind("log-key")) < 4, "LIMIT_EXCEEDED")
    return before.add({"kind": "log-key", "id": key.id, "vkey": change["vkey"]})


