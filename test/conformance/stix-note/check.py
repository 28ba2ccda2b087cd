"""Reads a bundle with the library of OASIS, by the rules of STIX 2.1 and nothing beyond them. Prints what is wrong."""

import sys

import stix2
from stix2.exceptions import STIXError

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
try:
    stix2.parse(text, allow_custom=False, version="2.1")
except (STIXError, ValueError) as error:
    print(f"{type(error).__name__}: {error}")
    sys.exit(1)
