"""schemas/formats/evidence.md: whether the persons in an evidence file signed for exactly this action."""

from dataclasses import dataclass

from .asking import check_asking
from .attested import check_attested
from .authority import (
    Authority,
    check_descriptor,
    check_exclusions,
    fold_chain,
    is_authority_type,
    is_signed_by,
    member_leaf,
    persons_of,
    requirement_of,
)
from .batches import batched_type, check_batch, check_batched, check_item, check_items, check_items_type
from .bounds import check_bounded, check_bounds, check_chosen
from .canonical import canonical, digest, from_base64, from_base64url, is_ulid, parse, parse_canonical, raw_digest, same, time_ms
from .cedar import cited_rule, has_recent, joined_rules
from .confirmation import check_confirmation
from .decisions import check_decisions
from .delegation import check_delegation
from .entry import TERMS, Entry, logged, read_entry
from .errors import CountersignError, require
from .escalation import check_escalation, escalation_time
from .fixed import check_apart, own_rule
from .form import closed, integer, items, object_of, objects, text
from .freeze import check_epochs
from .log import NEVER, KeySpan, ReceiptReader, climb, name_of, parse_log_key, parse_receipt
from .trust import Trust
from .witness import check_witnesses

_LIMITS = {"max_bytes": 8_388_608, "max_depth": 32, "max_members": 100_000}
_USES_MAX = 100


@dataclass(frozen=True)
class Evidence:
    """A file whose form is right. Nothing in it has been verified."""

    version: int
    file: dict
    binding: Entry
    admission: Entry
    #: Canonical text; None when it was erased.
    action_text: str | None
    uses: list[Entry]
    reports: list[Entry]
    revocations: list[Entry]
    erased: Entry | None


def parse_evidence(raw: bytes) -> Evidence:
    """Raises CountersignError EVIDENCE_FORMAT, TYPE_CONFUSION, NO_HUMAN_PROOF, ASSERTION_INVALID."""
    try:
        value = parse(raw, **_LIMITS)
    except CountersignError as error:
        raise CountersignError("EVIDENCE_FORMAT", error.detail) from error
    names = "v origin binding admission content erased? display descriptor policy authority uses reports revocations"
    file = closed(value, names)
    versions = {"countersign.evidence.v1": 1, "countersign.evidence.v2": 2}
    require(file["v"] in versions, "EVIDENCE_FORMAT", "expected evidence of version 1 or 2")
    text(file, "origin")
    binding, admission = logged(file["binding"], "binding-made"), logged(file["admission"], "request-admitted")
    _check_content(file)
    _check_authority(file["authority"], versions[file["v"]])
    object_of(file["descriptor"])
    require(file["policy"] is None or isinstance(file["policy"], dict), "EVIDENCE_FORMAT")
    return Evidence(
        version=versions[file["v"]],
        file=file,
        binding=binding,
        admission=admission,
        action_text=file["content"]["action"],
        uses=_logged_list(file, "uses", "binding-used"),
        reports=_logged_list(file, "reports", "execution-reported"),
        revocations=_logged_list(file, "revocations", "binding-revoked"),
        erased=logged(file["erased"], "content-erased") if "erased" in file else None,
    )


def _logged_list(file: dict, name: str, kind: str) -> list[Entry]:
    require(len(items(file, name)) <= _USES_MAX, "EVIDENCE_FORMAT")
    return [logged(each, kind) for each in file[name]]


def _check_content(file: dict) -> None:
    content = closed(file["content"], "action rationales")
    for each in objects(content, "rationales"):
        closed(each, "decision text salt")
        _digest_of(each["decision"])
        text(each, "text")
        text(each, "salt")
    action, display = content["action"], file["display"]
    is_whole = isinstance(action, str) and isinstance(display, dict) and "erased" not in file
    is_erased = action is None and display is None and content["rationales"] == []
    require(is_whole or is_erased, "EVIDENCE_FORMAT", "expected all of the content, or none of it")


def _digest_of(name) -> bytes:
    try:
        return raw_digest(name)
    except CountersignError as error:
        raise CountersignError("EVIDENCE_FORMAT", "expected a digest") from error


def _check_authority(value, version: int) -> None:
    shown = closed(value, "size chain members" + (" later" if version == 2 else ""))
    require(integer(shown, "size") >= 0, "EVIDENCE_FORMAT")
    links = objects(shown, "chain")
    if version == 2 and shown["later"] is not None:
        later = closed(shown["later"], "chain receipt")
        text(later, "receipt")
        require(later["chain"] != [], "EVIDENCE_FORMAT")
        links = links + objects(later, "chain")
    for link in links:
        text(closed(link, "entry binding?"), "entry")
    for member in objects(shown, "members"):
        closed(member, "member index path")
        object_of(member["member"])
        require(integer(member, "index") >= 0, "EVIDENCE_FORMAT")
        items(member, "path")


class Verification:
    """The steps of evidence.md §5, in their order; the first that fails gives the code."""

    def __init__(self, evidence: Evidence, trust: Trust, allow_demo: bool) -> None:
        self.evidence = evidence
        self.trust = trust
        self.allow_demo = allow_demo
        spans = [KeySpan(key) for key in trust.log_keys]
        self.receipts = ReceiptReader(trust.origin, spans, trust.pinned)
        self.action: dict | None = None

    def run(self, level: str) -> None:
        binding = self.evidence.binding
        require(self.evidence.file["origin"] == self.trust.origin, "LOG_KEY_UNKNOWN", "expected the log of the trust file")
        if self.evidence.version == 2:
            self._check_log_keys()
        self._check_admission()
        self._check_descriptor()
        self._check_action()
        self._check_policy()
        is_real = binding["demo"] is not True or self.allow_demo or self.trust.demo
        require(is_real, "DEMO_LEDGER", "expected no demonstration")
        require(binding["separation"] in self.trust.separation, "SEPARATION_NOT_ACCEPTED")
        bound = self._check_human() if level != "sealed" else None
        if level == "witnessed":
            _, _, note = parse_receipt(binding.receipt)
            check_witnesses(self.trust.witness_policy, note, binding["at"])
        self._check_history(bound)

    def _position(self, entry: Entry) -> int:
        return self.receipts.position(entry.receipt, raw_digest(entry.leaf))

    def _check_log_keys(self) -> None:
        """§3.1: which keys the log had at which sizes, by the chain of the authority."""
        shown = self.evidence.file["authority"]
        cited = object_of(self.evidence.binding["authority"])
        past = fold_chain(shown["chain"], cited, self.trust)
        later = shown["later"]
        if later is None:
            self.receipts.spans = _spans(past, self.trust)
            return
        index, _, _ = parse_receipt(later["receipt"])
        last = _as_chain(lambda: read_entry(later["chain"][-1]["entry"], "authority-changed", later["receipt"]))
        ref = {"index": index, "leaf": last.leaf, "root": last["authority_root"]}
        every = fold_chain([*shown["chain"], *later["chain"]], ref, self.trust)
        require(same(every[len(past) - 1].ref, cited), "AUTHORITY_CHAIN_INVALID")
        self.receipts.spans = _spans(every, self.trust)
        self._position(last)

    def _check_admission(self) -> None:
        binding, admission = self.evidence.binding, self.evidence.admission
        at, admitted = self._position(binding), self._position(admission)
        is_cited = (
            binding["admission"] == admission.leaf
            and type(binding["admission_index"]) is int
            and binding["admission_index"] == admitted < at
        )
        names = ["tenant", "action_id", "start_within_s", "max_uses", *TERMS.split()]
        is_same = all(same(binding[name], admission[name]) for name in names)
        rare = ("bounds", "permits", "delegation", "batch", "confirmation", "escalates_at")
        is_same = is_same and all(same(binding.members.get(name), admission.members.get(name)) for name in rare)
        in_time = (
            admission["at"] <= binding["at"] <= admission["decide_by"]
            and binding["use_by"] <= admission["not_after"]
        )
        require(is_cited and is_same and in_time, "ADMISSION_MISMATCH", "expected the binding of this admission")

    def _check_descriptor(self) -> None:
        binding, descriptor = self.evidence.binding, self.evidence.file["descriptor"]
        kind = object_of(binding["action_type"])
        is_named = digest("descriptor", descriptor) == binding["descriptor_digest"]
        is_kind = same([descriptor.get("type"), descriptor.get("type_version")], [kind["name"], kind["version"]])
        require(is_named and is_kind, "DESCRIPTOR_MISMATCH", "expected the action type of the binding")
        check_bounded(descriptor, self.evidence.admission.members)
        check_batched(descriptor, self.evidence.admission.members)
        check_confirmation(descriptor, None, self.evidence.admission.members)

    def _check_action(self) -> None:
        binding, action_text = self.evidence.binding, self.evidence.action_text
        if action_text is None:
            self._check_erased()
            return
        try:
            self.action = parse_canonical(action_text)
        except CountersignError as error:
            raise CountersignError("ACTION_DIGEST_MISMATCH", error.detail) from error
        require(digest("action", action_text) == binding["action_digest"], "ACTION_DIGEST_MISMATCH", "expected the action of the binding")
        require(self._is_admitted(self.action, action_text), "ADMISSION_MISMATCH", "expected the action as it was admitted")
        check_bounds(self.evidence.file["descriptor"], self.action, self.evidence.admission.members)
        check_batch(self.evidence.file["descriptor"], self.action, self.evidence.admission.members)
        check_confirmation(self.evidence.file["descriptor"], self.action, self.evidence.admission.members)
        # Not rendered again here: the persons' own page did that, and @countersign/verify does.
        is_shown = digest("display", self.evidence.file["display"]) == binding["display_digest"]
        require(is_shown, "DISPLAY_MISMATCH", "expected the display that was signed for")
        self._check_rationales()

    def _is_admitted(self, action: dict, action_text: str) -> bool:
        admission = self.evidence.admission
        kind, agent, said = admission["action_type"], admission["agent"], object_of(action["agent"])
        return (
            admission.members.get("action", action_text) == action_text
            and same([action[name] for name in ("tenant", "action_id", "executor")],
                     [admission[name] for name in ("tenant", "action_id", "executor")])
            and same([action["type"], action["type_version"]], [kind["name"], kind["version"]])
            and same([said["id"], said["key_thumbprint"]], [agent["id"], agent["key_thumbprint"]])
            and same(persons_of(action), admission["acting_for"])
            and admission["not_after"] <= text(action, "not_after")
            and integer(admission.members, "max_uses") <= integer(action, "max_uses")
        )

    def _check_erased(self) -> None:
        erased, binding = self.evidence.erased, self.evidence.binding
        require(erased is not None, "CONTENT_MISSING", "expected the action or its erasure")
        self._position(erased)
        is_this = all(erased[name] == binding[name] for name in ("action_id", "tenant"))
        require(is_this and binding["action_digest"] in items(erased.members, "erased"), "CONTENT_MISSING")

    def _check_rationales(self) -> None:
        decisions = objects(self.evidence.binding.members, "decisions")
        rationales = self.evidence.file["content"]["rationales"]
        require(len(decisions) == len(rationales), "RATIONALE_MISMATCH", "expected one for each decision")
        for decision, rationale in zip(decisions, rationales):
            salt = from_base64url(rationale["salt"])
            named = digest("rationale", {"salt": rationale["salt"], "value": rationale["text"]})
            is_this = rationale["decision"] == decision.get("leaf") and named == decision.get("rationale_digest")
            require(salt is not None and len(salt) >= 16 and is_this, "RATIONALE_MISMATCH")
        is_needed = object_of(self.evidence.binding["requirement"]).get("rationale") == "required"
        for rationale in rationales:
            require(not is_needed or rationale["text"].strip() != "", "RATIONALE_REQUIRED")

    def _check_policy(self) -> None:
        binding, policy = self.evidence.binding, self.evidence.file["policy"]
        kind = binding["action_type"]["name"]
        has_permits = "permits" in binding.members or has_recent(self.evidence.admission.members)
        if is_authority_type(kind):
            require(policy is None and not has_permits, "POLICY_MISMATCH", "expected no policy")
            return
        is_named = policy is not None and digest("policy", policy) == binding["policy_digest"]
        require(is_named, "POLICY_MISMATCH", "expected the policy of the binding")
        if policy.get("v") == "countersign.policy.v3":
            rule = cited_rule(policy, self.evidence.admission.members)
            is_apart = kind.startswith("emergency.") == ("break_glass" in rule)
            require(is_apart, "POLICY_MISMATCH", "expected break_glass for an emergency alone")
            self._check_rule(rule)
            return
        require(not has_permits, "POLICY_MISMATCH", "expected no permits: the policy has none")
        is_lax = any("possession" in items(rule, "proof_classes") for rule in objects(policy, "rules"))
        version = "countersign.policy.v2" if is_lax else "countersign.policy.v1"
        require(policy.get("v") == version, "POLICY_MISMATCH", "expected a policy of that version")
        is_usual = not kind.startswith("emergency.") and all("break_glass" not in rule for rule in objects(policy, "rules"))
        require(is_usual, "POLICY_MISMATCH", "expected no emergency under such a policy")
        for rule in objects(policy, "rules"):
            is_apart = rule.get("device_bound", True) is True and "possession" not in items(rule, "proof_classes")
            is_class = rule.get("assurance", "verified") in ("verified", "gateway", "evidence-only")
            require(is_class, "POLICY_MISMATCH", "expected a known class of assurance")
            require("delegation" not in rule, "POLICY_MISMATCH", "expected delegation in version 3 alone")
            check_asking(rule)
            check_escalation(rule, policy)
            check_attested(rule)
            require("device_bound" not in rule or is_apart, "POLICY_MISMATCH", "expected device_bound true, without possession")
        kinds = [each for each in (kind, batched_type(kind)) if each is not None]
        rules = [[rule for rule in objects(policy, "rules") if each in items(rule, "types")] for each in kinds]
        require(all(rules), "NO_POLICY", "expected a rule for this type")
        self._check_rule(_joined([each[0] for each in rules], policy))

    def _check_rule(self, rule: dict) -> None:
        admission, binding = self.evidence.admission, self.evidence.binding
        decide_ms = time_ms(admission["at"]) + 1_000 * integer(rule, "decide_within_s")
        use_ms = time_ms(binding["at"]) + 1_000 * integer(rule, "use_within_s")
        is_applied = (
            same(requirement_of(rule), admission["requirement"])
            and admission.members.get("escalates_at") == escalation_time(admission.members)
            and all(same(rule[name], admission[name]) for name in ("use_within_s", "start_within_s"))
            and ("batch" in admission.members or integer(admission.members, "max_uses") <= integer(rule, "max_uses"))
            and time_ms(admission["decide_by"]) <= decide_ms
            and time_ms(binding["use_by"]) <= use_ms
        )
        require(is_applied, "POLICY_MISMATCH", "expected the terms of the rule")

    def _check_human(self) -> Authority:
        evidence, binding = self.evidence, self.evidence.binding
        past = fold_chain(evidence.file["authority"]["chain"], object_of(binding["authority"]), self.trust)
        is_told = evidence.version == 2 or not _have_keys_changed(past)
        require(is_told, "EVIDENCE_FORMAT", "expected version 2: the keys of the log have changed")
        admitted = [each for each in past if same(each.ref, evidence.admission["authority"])]
        require(bool(admitted), "AUTHORITY_CHAIN_INVALID", "expected the authority of the admission")
        self._check_members(past[-1])
        self._check_registered(admitted[0])
        check_epochs(evidence.admission.members, binding.members, admitted[0], past[-1])
        if self.action is not None:
            agent = admitted[0].get("agent", binding["agent"]["id"])
            signature = evidence.admission["request_signature"]
            is_signed = is_signed_by(agent, "request", evidence.action_text, signature)
            require(is_signed, "SIGNATURE_INVALID", "expected the signature of the agent")
        check_delegation(self.action, evidence.admission.members, admitted[0])
        check_decisions(binding.members, past[-1], self.trust)
        return past[-1]

    def _check_members(self, authority: Authority) -> None:
        shown, ordered = self.evidence.file["authority"], authority.in_order()
        require(shown["size"] == len(ordered), "MEMBERSHIP_INVALID", "expected the size of the authority")
        proven = set()
        for each in shown["members"]:
            index, path = each["index"], [from_base64(one) for one in each["path"]]
            is_member = index < len(ordered) and same(ordered[index], each["member"])
            is_path = len(path) <= 63 and all(one is not None and len(one) == 32 for one in path)
            require(is_member and is_path, "MEMBERSHIP_INVALID", "expected a member in its place")
            root = climb(member_leaf(ordered[index]), index, len(ordered), path)
            require(root is not None and name_of(root) == authority.ref["root"], "MEMBERSHIP_INVALID")
            proven.add((ordered[index]["kind"], ordered[index]["id"]))
        binding = self.evidence.binding
        needed = {("ledger", "ledger"), ("agent", binding["agent"]["id"]), ("executor", binding["executor"]["id"])}
        for decision in objects(binding.members, "decisions"):
            needed |= {("person", decision.get("person")), ("credential", decision.get("credential"))}
        # Who is not in the authority at all is refused by name in a later step.
        needed = {key for key in needed if key in authority.members}
        require(needed == proven and len(proven) == len(shown["members"]), "MEMBERSHIP_INVALID", "expected exactly these")

    def _check_registered(self, authority: Authority) -> None:
        binding, ledger = self.evidence.binding, authority.ledger
        is_here = all(same(binding[name], ledger[name]) for name in ("tenant", "demo", "separation"))
        require(is_here, "ADMISSION_MISMATCH", "expected the terms of the ledger")
        check_exclusions(binding.members, authority)
        kind, executor = binding["action_type"], binding["executor"]
        is_own = is_authority_type(kind["name"])
        known = authority.get("executor", executor["id"])
        if is_own and executor["id"] == "ledger":
            known = {"interface_digest": binding["descriptor_digest"], "audiences": [self.trust.origin]}
        require(known is not None, "EXECUTOR_UNKNOWN", "expected an enrolled executor")
        is_interface = known["interface_digest"] == executor["descriptor_digest"]
        require(is_interface, "EXECUTOR_DESCRIPTOR_MISMATCH", "expected the interface that is enrolled")
        require(executor["audience"] in known["audiences"], "EXECUTOR_MISMATCH", "expected an audience that is enrolled")
        check_descriptor(binding, authority)
        check_items_type(self.evidence.file["descriptor"], authority)
        if is_own:
            rule = own_rule(kind["name"], ledger)
            require(digest("policy", rule) == binding["policy_digest"], "POLICY_MISMATCH")
            self._check_rule(rule)
            check_apart(binding.members, self.action)
            return
        policy = authority.get("policy", "policy") or {}
        require(policy.get("digest") == binding["policy_digest"], "POLICY_MISMATCH")

    def _check_history(self, bound: Authority | None) -> None:
        evidence, binding = self.evidence, self.evidence.binding
        ids, numbers = set(), set()
        for use in evidence.uses:
            self._position(use)
            check_use(use, binding)
            self._check_signed(use, "use", use["claim"], bound)
            require(use["use_id"] not in ids and use["use_number"] not in numbers, "ALREADY_CONSUMED", "expected each use once")
            ids.add(use["use_id"])
            numbers.add(use["use_number"])
        for report in evidence.reports:
            self._position(report)
            check_report(report, binding, ids)
            self._check_signed(report, "report", report["report"], bound)
        check_items(binding.members.get("batch"), evidence.uses, evidence.reports)
        for revocation in evidence.revocations:
            self._position(revocation)
            is_this = (
                revocation["action_id"] == binding["action_id"]
                and revocation["binding"] == binding.leaf
                and revocation["admission"] == binding["admission"]
            )
            require(is_this, "NOT_BOUND", "expected a revocation of this binding")

    def _check_signed(self, by: Entry, kind: str, payload: str, bound: Authority | None) -> None:
        """A key that came after the binding is vouched for by the log alone."""
        for member in bound.of_kind("executor") if bound is not None else []:
            if member["key_thumbprint"] == by["key_thumbprint"]:
                is_own = member["id"] == self.evidence.binding["executor"]["id"]
                is_signed = is_own and is_signed_by(member, kind, payload, by["signature"])
                require(is_signed, "SIGNATURE_INVALID", "expected the signature of the executor")


def _payload(value, names: str, version: str) -> dict:
    try:
        payload = closed(parse_canonical(value if isinstance(value, str) else ""), names)
    except CountersignError as error:
        raise CountersignError("EVIDENCE_FORMAT", error.detail) from error
    require(payload["v"] == version, "EVIDENCE_FORMAT", f"expected {version}")
    return payload


def _claim(value) -> dict:
    names = "v tenant action_id use_id action_digest binding executor claimed_at"
    if isinstance(value, str) and '"v":"countersign.use.v2"' in value:
        claim = _payload(value, f"{names} chosen", "countersign.use.v2")
        is_form = all(isinstance(each, str) for each in object_of(claim["chosen"]).values())
        require(is_form, "EVIDENCE_FORMAT", "expected chosen values as texts")
        return claim
    if isinstance(value, str) and '"v":"countersign.use.v3"' in value:
        claim = _payload(value, f"{names} item", "countersign.use.v3")
        item = closed(claim["item"], "root index digest path")
        is_form = 0 <= integer(item, "index") < 64 and len(items(item, "path")) <= 6
        is_form = is_form and all(len(raw_digest(item[each])) == 32 for each in ("root", "digest"))
        require(is_form, "EVIDENCE_FORMAT", "expected an item of a batch")
        return claim
    return _payload(value, names, "countersign.use.v1")


def check_use(use: Entry, binding: Entry) -> None:
    """That a use is one of this binding, and that its entry says what the executor signed."""
    claim = _claim(use["claim"])
    expected = {
        "tenant": binding["tenant"],
        "action_id": binding["action_id"],
        "binding": binding.leaf,
        "executor": binding["executor"]["id"],
    }
    is_of_this = (
        all(use[name] == value and claim[name] == value for name, value in expected.items())
        and claim["use_id"] == use["use_id"]
        and claim["action_digest"] == binding["action_digest"]
        and is_ulid(use["use_id"])
        and use["short_id"] == short_id_of(use["use_id"])
    )
    require(is_of_this, "NOT_BOUND", "expected a use of this binding")
    check_chosen(binding.members.get("bounds"), claim.get("chosen"))
    check_item(binding.members.get("batch"), claim.get("item"))
    number = integer(use.members, "use_number")
    require(number <= integer(binding.members, "max_uses"), "ALREADY_CONSUMED", "expected fewer uses")
    require(use["at"] <= binding["use_by"], "EXPIRED", "expected a use before use_by")


def short_id_of(use_id: str) -> str:
    return f"cs-{use_id[-10:]}"


_REPORT = (
    "v tenant action_id use_id action_digest executor result exit_status? target_ref? before_digest? after_digest? "
    "outputs? started_at ended_at"
)


def report_of(report: Entry) -> dict:
    return _payload(report["report"], _REPORT, "countersign.report.v1")


def check_report(report: Entry, binding: Entry, use_ids: set) -> None:
    said = report_of(report)
    is_of_use = (
        report["use_id"] in use_ids
        and said["use_id"] == report["use_id"]
        and all(report[name] == binding[name] == said[name] for name in ("tenant", "action_id"))
        and said["action_digest"] == binding["action_digest"]
        and said["executor"] == binding["executor"]["id"]
    )
    require(is_of_use, "USE_UNKNOWN", "expected a report of a use in the file")


def _joined(rules: list[dict], policy: dict) -> dict:
    try:
        return joined_rules(rules, policy)
    except CountersignError as error:
        raise CountersignError("NO_POLICY", error.detail) from error


def _as_chain(act):
    try:
        return act()
    except CountersignError as error:
        raise CountersignError("AUTHORITY_CHAIN_INVALID", error.detail) from error


def _spans(past: list[Authority], trust: Trust) -> list[KeySpan]:
    """A founding key counts only when the trust file pins it; each that persons have added since counts."""
    pinned = {key.vkey for key in trust.log_keys}
    first: dict[str, tuple[int, str]] = {}
    last: dict[str, int] = {}
    for authority in past:
        index = integer(authority.ref, "index")
        here = {each["id"]: each["vkey"] for each in authority.of_kind("log-key")}
        for key_id in first:
            if key_id not in here:
                last.setdefault(key_id, index)
        for key_id, vkey in here.items():
            first.setdefault(key_id, (index, vkey))
    spans = []
    for key_id, (index, vkey) in first.items():
        key = parse_log_key(vkey)
        if key is not None and (index > 0 or vkey in pinned):
            spans.append(KeySpan(key, index + 1 if index > 0 else 0, last.get(key_id, NEVER)))
    return spans


def _have_keys_changed(past: list[Authority]) -> bool:
    keys = [canonical(sorted(each["id"] for each in authority.of_kind("log-key"))) for authority in past]
    return any(each != keys[0] for each in keys)
