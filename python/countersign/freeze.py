"""schemas/formats/authority.md §12: the kill switch, and the epochs that it ends."""

from .canonical import parse_canonical
from .errors import require
from .form import closed, integer, object_of

FREEZE_TYPE = "authority.freeze"

_WORKS_FROZEN = (
    "frozen",
    "thawed",
    "credential-revoked",
    "agent-revoked",
    "executor-revoked",
    "issuer-revoked",
    "deputy-revoked",
    "recovery-started",
    "recovery-cancelled",
)


def _freeze(authority) -> tuple[int, bool]:
    member = authority.get("freeze", "freeze") or {"epoch": 0, "frozen": False}
    return member["epoch"], member["frozen"]


def frozen_member(change: dict, before) -> dict:
    epoch, is_frozen = _freeze(before)
    if change["kind"] == "frozen":
        closed(change, "kind")
        require(not is_frozen, "MEMBER_EXISTS", "expected a ledger that is not frozen")
        epoch += 1
    else:
        closed(change, "kind epoch")
        is_this = is_frozen and integer(change, "epoch") == epoch
        require(is_this, "MEMBER_UNKNOWN", "expected the freeze that is in force")
    return {"kind": "freeze", "id": "freeze", "epoch": epoch, "frozen": not is_frozen}


def check_epoch(said: int, authority, asked: tuple[int, object]) -> None:
    """That an entry is of the epoch of its authority, and what was asked for is, too, unless it works frozen."""
    epoch, is_frozen = _freeze(authority)
    require(said == epoch, "EPOCH_ENDED", "expected the epoch of the authority")
    if asked[1] in _WORKS_FROZEN:
        return
    require(not is_frozen, "FROZEN", "expected a ledger that is not frozen")
    require(asked[0] == epoch, "EPOCH_ENDED", "expected what was asked for in this epoch")


def check_epochs(admission: dict, binding: dict, admitted, bound) -> None:
    epoch = integer(admission, "epoch") if "epoch" in admission else 0
    require("epoch" not in admission or epoch > 0, "EVIDENCE_FORMAT", "expected an epoch above 0")
    kind = None
    if "action" in admission:
        action = parse_canonical(admission["action"])
        kind = object_of(object_of(action.get("params", {})).get("change", {})).get("kind")
    check_epoch(epoch, admitted, (epoch, kind))
    check_epoch(integer(binding, "epoch"), bound, (epoch, kind))
