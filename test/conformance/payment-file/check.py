"""Checks files against the schema of pain.001.001.09 of ISO 20022, as another project carries it. Prints what is wrong."""

import sys
from importlib import resources

import xmlschema

schema = xmlschema.XMLSchema(str(resources.files("sepaxml") / "schemas" / "pain.001.001.09.xsd"))
is_valid = True
for path in sys.argv[1:]:
    for error in schema.iter_errors(path):
        is_valid = False
        print(f"{error.path}: {error.reason}")
sys.exit(0 if is_valid else 1)
