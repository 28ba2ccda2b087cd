"""schemas/formats/trust-file.md, witness policy, and the step witnesses of evidence.md §5: whether witnesses have seen a head."""

import hashlib
from dataclasses import dataclass

from .canonical import MAX_INTEGER, from_base64, time_ms
from .errors import require
from .log import load_ed25519
from .signatures import is_valid

_NAMES_MAX = 64
_LAST_SECOND = 253_402_300_799
_SKEW_MS = 60_000


@dataclass(frozen=True)
class Witness:
    vkey: str
    name: str
    id: str
    raw: bytes


class WitnessPolicy:
    """Which witnesses must have cosigned a head. Raises CountersignError TRUST_FORMAT."""

    def __init__(self, value) -> None:
        is_text = isinstance(value, str) and not any(c < " " and c != "\n" for c in value)
        require(is_text, "TRUST_FORMAT", "expected a witness policy")
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, tuple[list[str], int]] = {}
        self.quorum: str | None = None
        self._free: set[str] = set()
        for line in value.split("\n"):
            words = [word for word in line.split(" ") if word]
            if words and not words[0].startswith("#"):
                self._read(words)
        require(self.quorum is not None, "TRUST_FORMAT", "expected a quorum")

    def _read(self, words: list[str]) -> None:
        kind, named = words[0], words[1:]
        if kind == "witness" and len(named) in (2, 3):
            witness = _witness(named[1])
            require(all(each.raw != witness.raw for each in self.witnesses.values()), "TRUST_FORMAT")
            self._define(named[0])
            self.witnesses[named[0]] = witness
        elif kind == "group" and len(named) >= 3:
            name, word, *members = named
            for member in members:
                require(member in self._free, "TRUST_FORMAT", "expected members defined before, each once")
                self._free.remove(member)
            self._define(name)
            self.groups[name] = (members, _threshold(word, len(members)))
        else:
            is_quorum = kind == "quorum" and len(named) == 1 and self.quorum is None
            require(is_quorum and (named[0] in self.witnesses or named[0] in self.groups), "TRUST_FORMAT")
            self.quorum = named[0]

    def _define(self, name: str) -> None:
        is_new = name != "none" and name not in self.witnesses and name not in self.groups
        require(is_new and len(self.witnesses) + len(self.groups) < _NAMES_MAX, "TRUST_FORMAT")
        self._free.add(name)

    def quorum_time(self, times: dict[str, int]) -> int | None:
        """By when a quorum had cosigned, given the times by verifier key."""
        return next((until for until in sorted(times.values()) if self._holds(self.quorum, times, until)), None)

    def _holds(self, name: str, times: dict[str, int], until: int) -> bool:
        if name in self.groups:
            members, threshold = self.groups[name]
            return sum(self._holds(member, times, until) for member in members) >= threshold
        return times.get(self.witnesses[name].vkey, until + 1) <= until

    def times(self, note: str) -> dict[str, int]:
        """Of a head that was opened before. A known witness whose cosignature does not verify spoils it."""
        split = note.rfind("\n\n")
        text, found = note[: split + 1], {}
        for line in note[split + 2 : -1].split("\n"):
            name, _, encoded = line[2:].partition(" ")
            raw = from_base64(encoded)
            for witness in self.witnesses.values():
                if (witness.name, witness.id) == (name, raw[:4].hex()) and witness.vkey not in found:
                    found[witness.vkey] = _verified_time(witness, text, raw[4:])
        return found


def _verified_time(witness: Witness, text: str, signed: bytes) -> int:
    require(len(signed) == 72, "CHECKPOINT_INVALID")
    time = int.from_bytes(signed[:8], "big")
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    is_good = time <= MAX_INTEGER and is_valid(load_ed25519(witness.raw), message, signed[8:])
    require(is_good, "CHECKPOINT_INVALID", "expected the cosignature of the witness")
    return time


def _witness(vkey: str) -> Witness:
    parts = vkey.split("+", 2)
    typed = from_base64(parts[2]) if len(parts) == 3 else None
    require(typed is not None and len(typed) == 33 and typed[0] == 4, "TRUST_FORMAT", "expected the key of a witness")
    name, key_id, _ = parts
    is_named = bool(name) and not any(c.isspace() for c in name)
    is_its = hashlib.sha256(f"{name}\n".encode() + typed).hexdigest()[:8] == key_id
    require(is_named and is_its, "TRUST_FORMAT", "expected the key id of the witness")
    return Witness(vkey, name, key_id, typed[1:])


def _threshold(word: str, members: int) -> int:
    if word in ("any", "all"):
        return 1 if word == "any" else members
    is_form = word.isascii() and word.isdigit() and len(word) <= 2 and str(int(word)) == word
    require(is_form and 1 <= int(word) <= members, "TRUST_FORMAT", "expected any, all or a number of members")
    return int(word)


def check_witnesses(policy: WitnessPolicy | None, note: str, at: str) -> int:
    """By when, in milliseconds since 1970, a quorum had seen the head of a binding made `at`."""
    require(policy is not None, "WITNESS_POLICY_MISSING", "expected a trust file with a witness policy")
    time = policy.quorum_time(policy.times(note))
    require(time is not None, "WITNESS_QUORUM", "expected cosignatures of a quorum")
    is_before = time <= _LAST_SECOND and time_ms(at) <= time * 1_000 + _SKEW_MS
    require(is_before, "WITNESS_TIME", "expected a binding made before witnesses saw it")
    return time * 1_000
