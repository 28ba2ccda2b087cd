"""Flips a bit in the evidence in many places: prints how often it was still VALID, which must be never."""

import random
import sys
from pathlib import Path

from countersign import Verifier

evidence, verifier = Path(sys.argv[1]).read_bytes(), Verifier(Path(sys.argv[2]).read_bytes())
assert verifier.verify(evidence).outcome == "VALID"
places = random.Random(7).sample(range(len(evidence)), 400)
still_valid = []
for place in places:
    spoiled = bytearray(evidence)
    spoiled[place] ^= 1 << (place % 7)
    if verifier.verify(bytes(spoiled)).outcome == "VALID":
        still_valid.append(place)
print(len(still_valid), still_valid)
