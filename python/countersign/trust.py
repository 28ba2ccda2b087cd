"""schemas/formats/trust-file.md: what a verifier takes on trust, and nothing else."""

from dataclasses import dataclass

from .canonical import from_base64, parse, raw_digest
from .errors import CountersignError, require
from .form import closed, integer, items, text
from .log import Head, LogKey, parse_log_key
from .witness import WitnessPolicy


@dataclass(frozen=True)
class Trust:
    origin: str
    genesis: str
    log_keys: tuple[LogKey, ...]
    proof_classes: tuple[str, ...]
    separation: tuple[str, ...]
    demo: bool
    pinned: Head | None
    witness_policy: WitnessPolicy | None = None


def parse_trust(raw: bytes) -> Trust:
    """Raises CountersignError TRUST_FORMAT."""
    try:
        return _trust(raw)
    except CountersignError as error:
        raise CountersignError("TRUST_FORMAT", error.detail) from error


def _trust(raw: bytes) -> Trust:
    file = closed(parse(raw, 65_536, 8, 200), "v origin log_keys genesis accept pinned_head? witness_policy?")
    accept = closed(file["accept"], "proof_classes separation demo")
    require(file["v"] == "countersign.trust.v1" and isinstance(accept["demo"], bool), "TRUST_FORMAT")
    raw_digest(file["genesis"])
    return Trust(
        origin=text(file, "origin"),
        genesis=file["genesis"],
        log_keys=_log_keys(items(file, "log_keys"), text(file, "origin")),
        proof_classes=_words(items(accept, "proof_classes"), ("uv", "up", "possession")),
        separation=_words(items(accept, "separation"), ("full", "solo")),
        demo=accept["demo"],
        pinned=_pinned(file["pinned_head"]) if "pinned_head" in file else None,
        witness_policy=WitnessPolicy(file["witness_policy"]) if "witness_policy" in file else None,
    )


def _log_keys(vkeys: list, origin: str) -> tuple[LogKey, ...]:
    keys = [parse_log_key(vkey) for vkey in vkeys]
    require(1 <= len(keys) <= 16, "TRUST_FORMAT")
    require(all(key is not None and key.name == origin for key in keys), "TRUST_FORMAT")
    require(len({key.id for key in keys}) == len(keys), "TRUST_FORMAT")
    return tuple(keys)


def _words(chosen: list, known: tuple[str, ...]) -> tuple[str, ...]:
    is_form = all(isinstance(word, str) and word in known for word in chosen)
    require(bool(chosen) and is_form and len(set(chosen)) == len(chosen), "TRUST_FORMAT")
    return tuple(chosen)


def _pinned(value) -> Head:
    pinned = closed(value, "size root")
    root = from_base64(pinned["root"])
    require(integer(pinned, "size") >= 0 and root is not None and len(root) == 32, "TRUST_FORMAT")
    return Head(pinned["size"], root)
