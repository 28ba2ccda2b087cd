"""Prints, for each vector of signed statements, whether securesystemslib verifies its envelope with its key."""

import base64
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.serialization import load_der_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey


def outcome(vector: dict) -> str:
    spki = base64.b64decode(vector["key"]["public_key"])
    keyid = hashlib.sha256(spki).hexdigest()
    key = SSlibKey.from_crypto(load_der_public_key(spki), keyid=keyid)
    try:
        envelope = Envelope.from_dict(json.loads(vector["file"]))
        envelope.verify([key], 1)
    except VerificationError:
        return "REFUSED"
    except (KeyError, ValueError):
        return "MALFORMED"
    return f"SIGNED {envelope.payload_type} {hashlib.sha256(envelope.payload).hexdigest()}"


for path in sorted(pathlib.Path(sys.argv[1]).glob("*/*.json")):
    vector = json.loads(path.read_text())
    print(f"{path.parent.name}/{path.name}\t{outcome(vector)}")
