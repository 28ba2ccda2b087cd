"""schemas/formats/checkpoint-and-receipt.md: tree, verifier keys, checkpoints, receipts."""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from .canonical import MAX_INTEGER, from_base64
from .errors import require
from .signatures import is_valid, load_spki

NEVER = 2**63


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def name_of(hashed: bytes) -> str:
    return "sha256:" + hashed.hex()


def climb(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to; None when it is too long or too short. RFC 9162 §2.1.3.2"""
    if not 0 <= index < size:
        return None
    node, last, hashed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            hashed = node_hash(sibling, hashed)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        node, last = node >> 1, last >> 1
    return hashed if last == 0 else None


@dataclass(frozen=True)
class LogKey:
    name: str
    id: str
    vkey: str
    key: object


_ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")


def load_ed25519(raw: bytes):
    return load_spki(_ED25519_SPKI + raw)


def parse_log_key(vkey) -> LogKey | None:
    """Of type 1 or 2; None for any other."""
    parts = vkey.split("+", 2) if isinstance(vkey, str) else []
    typed = from_base64(parts[2]) if len(parts) == 3 else None
    if typed is None or len(typed) < 2:
        return None
    name, key_id, _ = parts
    if typed[0] == 1 and len(typed) == 33:
        covered, key = f"{name}\n".encode() + typed, load_ed25519(typed[1:])
        is_kind = isinstance(key, ed25519.Ed25519PublicKey)
    elif typed[0] == 2 and len(typed) == 92:
        covered, key = typed[1:], load_spki(typed[1:])
        is_kind = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    else:
        return None
    is_named = bool(name) and hashlib.sha256(covered).hexdigest()[:8] == key_id
    return LogKey(name, key_id, vkey, key) if is_named and is_kind else None


@dataclass(frozen=True)
class KeySpan:
    """A key, and the sizes of heads that it may sign."""

    key: LogKey
    first: int = 0
    last: int = NEVER


@dataclass(frozen=True)
class Head:
    size: int
    root: bytes


def parse_receipt(receipt: str) -> tuple[int, list[bytes], str]:
    """Index, path and checkpoint. It verifies nothing."""
    top, found, note = receipt.partition("\n\n")
    lines = top.split("\n")
    is_form = bool(found) and note != "" and 2 <= len(lines) <= 65 and lines[0] == "c2sp.org/tlog-proof@v1"
    require(is_form and lines[1].startswith("index "), "NOT_LOGGED", "expected a receipt")
    index = _decimal(lines[1][6:])
    path = [from_base64(line) for line in lines[2:]]
    is_path = index is not None and all(each is not None and len(each) == 32 for each in path)
    require(is_path, "NOT_LOGGED", "expected a receipt")
    return index, path, note


def _decimal(text: str) -> int | None:
    is_form = text.isascii() and text.isdigit() and len(text) <= 16 and str(int(text)) == text
    return int(text) if is_form and int(text) <= MAX_INTEGER else None


class ReceiptReader:
    """Checks receipts under the keys that count for a head of each size."""

    def __init__(self, origin: str, spans: list[KeySpan], pinned: Head | None) -> None:
        self.origin = origin
        self.spans = spans
        self.pinned = pinned
        self._heads: dict[str, Head] = {}

    def position(self, receipt: str, leaf: bytes) -> int:
        """Where the entry stands in the log."""
        index, path, note = parse_receipt(receipt)
        head = self._heads.get(note)
        if head is None:
            head = self._heads[note] = self._open(note)
        require(climb(leaf, index, head.size, path) == head.root, "NOT_LOGGED", "expected the entry under the root")
        return index

    def _open(self, note: str) -> Head:
        split = note.rfind("\n\n")
        is_form = split >= 0 and note.endswith("\n") and not any(c < " " and c != "\n" for c in note)
        require(is_form and len(note) <= 1_000_000, "CHECKPOINT_INVALID")
        text, lines = note[: split + 1], note[split + 2 : -1].split("\n")
        head = self._head(text)
        require(len(lines) <= 100, "CHECKPOINT_INVALID")
        signers = [span for line in lines for span in self._signers(line, text)]
        require(bool(signers), "LOG_KEY_UNKNOWN", "expected a signature of the log")
        may_sign = any(span.first <= head.size <= span.last for span in signers)
        require(may_sign, "SIGNING_KEY_NOT_VALID_AT", "expected a key that may sign a head of this size")
        if self.pinned is not None and self.pinned.size == head.size:
            require(self.pinned.root == head.root, "EQUIVOCATION", "expected the root that was pinned")
        return head

    def _signers(self, line: str, text: str) -> list[KeySpan]:
        name, space, encoded = line[2:].partition(" ")
        raw = from_base64(encoded)
        is_form = line.startswith("— ") and name != "" and space != "" and raw is not None and len(raw) >= 5
        require(is_form, "CHECKPOINT_INVALID")
        known = [span for span in self.spans if span.key.name == name and span.key.id == raw[:4].hex()]
        for span in known:
            require(is_valid(span.key.key, text.encode(), raw[4:]), "CHECKPOINT_INVALID")
        return known

    def _head(self, text: str) -> Head:
        lines = text[:-1].split("\n")
        require(len(lines) >= 3 and lines[0] == self.origin and all(lines), "CHECKPOINT_INVALID")
        size, root = _decimal(lines[1]), from_base64(lines[2])
        require(size is not None and root is not None and len(root) == 32, "CHECKPOINT_INVALID")
        require(size > 0 or root == root_of([]), "CHECKPOINT_INVALID")
        return Head(size, root)
