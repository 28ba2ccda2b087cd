"""Many actions of one type under one approval: schemas/formats/batch-of-actions.md."""

from .canonical import digest, from_base64, parse_canonical, raw_digest, same, to_base64
from .errors import require
from .form import closed, integer, items, object_of, objects, text
from .log import climb, leaf_hash, name_of, root_of

_TAG = b"countersign/batch-leaf/v1\n"


def _is_batch(descriptor: dict) -> bool:
    return descriptor.get("v") == "countersign.batch-descriptor.v1"


def batched_type(kind: str) -> str | None:
    return kind.removeprefix("batch.") if kind.startswith("batch.") else None


def items_of(descriptor: dict, action: dict) -> list[dict]:
    """Each item as the action that it is, to be used once."""
    of = object_of(descriptor.get("of"))
    own = {"type": of.get("type"), "type_version": of.get("type_version"), "max_uses": 1}
    return [
        {**action, **own, "params": item.get("params"), "preconditions": item.get("preconditions", [])}
        for item in objects(object_of(action["params"]), "items")
    ]


def item_digest(item: dict, index: int) -> str:
    return digest("batch-item", {"index": index, "action": item})


def _leaf(named: str) -> bytes:
    return leaf_hash(_TAG + raw_digest(named))


def batch_of(descriptor: dict, action: dict) -> dict:
    all_items = items_of(descriptor, action)
    leaves = [_leaf(item_digest(item, index)) for index, item in enumerate(all_items)]
    order = object_of(action["params"]).get("order")
    return {"root": name_of(root_of(leaves)), "count": len(leaves), "order": order}


def check_batched(descriptor: dict, admission: dict) -> None:
    """Erased or not, the admission of a batch froze its items, and each of them has one use."""
    is_there = _is_batch(descriptor) == ("batch" in admission)
    require(is_there, "ADMISSION_MISMATCH", "expected the items of a batch, and of nothing else")
    if "batch" not in admission:
        return
    batch = closed(admission["batch"], "root count order")
    raw_digest(batch["root"])
    is_form = batch["order"] in ("any", "listed") and 1 <= integer(batch, "count") <= 64
    require(is_form, "EVIDENCE_FORMAT", "expected a batch")
    require(batch["count"] == admission["max_uses"], "ADMISSION_MISMATCH", "expected one use for each item")


def check_batch(descriptor: dict, action: dict, admission: dict) -> None:
    if _is_batch(descriptor):
        is_same = same(batch_of(descriptor, action), admission["batch"])
        require(is_same, "ADMISSION_MISMATCH", "expected the items that the action has")


def check_items_type(descriptor: dict, authority) -> None:
    """Whatever may not be asked for alone may not be asked for many times."""
    if not _is_batch(descriptor):
        return
    of = object_of(descriptor.get("of"))
    known = authority.get("descriptor", f"{of.get('type')}/{of.get('type_version')}") or {}
    require(known.get("digest") == digest("descriptor", of), "DESCRIPTOR_MISMATCH", "expected a known type of items")


def check_item(batch, item) -> None:
    """A use is of one of the items that were approved."""
    require((batch is None) == (item is None), "NOT_IN_BATCH", "expected an item of a batch, and of nothing else")
    if batch is None:
        return
    if item["root"] != batch["root"]:
        code = "PLAN_DIGEST_MISMATCH" if batch["order"] == "listed" else "NOT_IN_BATCH"
        require(False, code, "expected the items that were approved")
    path = [from_base64(each) for each in items(item, "path")]
    require(all(each is not None and len(each) == 32 for each in path), "NOT_IN_BATCH", "expected hashes")
    root = climb(_leaf(text(item, "digest")), integer(item, "index"), integer(batch, "count"), path)
    is_in = root is not None and name_of(root) == batch["root"]
    require(is_in, "NOT_IN_BATCH", "expected an item of what was approved")


def item_to_run(descriptor: dict, batch, action: dict, number: int | None) -> dict | None:
    """The item with this number, from 1, as the action that it is, and its proof; None for a single action."""
    require((batch is None) == (number is None), "NOT_IN_BATCH", "expected an item of a batch, and of nothing else")
    if number is None:
        return None
    all_items = items_of(descriptor, action)
    require(1 <= number <= len(all_items), "NOT_IN_BATCH", "expected an item of what was approved")
    index = number - 1
    digests = [item_digest(item, at) for at, item in enumerate(all_items)]
    path = [to_base64(each) for each in _path([_leaf(each) for each in digests], index)]
    proof = {"root": batch_of(descriptor, action)["root"], "index": index, "digest": digests[index], "path": path}
    check_item(batch, proof)
    return {"action": all_items[index], "proof": proof}


def _path(leaves: list[bytes], index: int) -> list[bytes]:
    """RFC 6962 §2.1.1, from the leaf upwards."""
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*_path(leaves[:split], index), root_of(leaves[split:])]
    return [*_path(leaves[split:], index - split), root_of(leaves[:split])]


def check_items(batch, uses: list, reports: list) -> None:
    """Each item once; of a plan, each after the one before it was reported to have succeeded."""
    if batch is None:
        return
    used = {}
    for use in uses:
        index = parse_canonical(use["claim"])["item"]["index"]
        require(index not in used, "ALREADY_CONSUMED", "expected each item once")
        used[index] = use
    for index, use in used.items() if batch["order"] == "listed" else []:
        before = used.get(index - 1)
        is_done = index == 0 or any(
            before is not None
            and report["use_id"] == before["use_id"]
            and parse_canonical(report["report"])["result"] == "succeeded"
            and report["at"] <= use["at"]
            for report in reports
        )
        require(is_done, "PLAN_ORDER", f"expected item {index} to have succeeded")
