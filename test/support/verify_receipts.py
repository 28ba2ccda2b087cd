"""Has scitt-cose judge receipts: {key, receipts: [{receipt, entry}]} in hex on stdin, a list of what it says on stdout."""

import json
import sys

from scitt_cose import verify_receipt


def judged(one, key):
    result = verify_receipt(
        bytes.fromhex(one["receipt"]),
        leaf_entry_hex=one["entry"],
        log_public_key_pem=key.encode(),
    )
    names = ("ok", "tree_size", "leaf_index", "issuer", "failed_at")
    return {name: getattr(result, name) for name in names}


asked = json.load(sys.stdin)
json.dump([judged(one, asked["key"]) for one in asked["receipts"]], sys.stdout)
