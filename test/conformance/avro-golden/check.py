"""Encodes and decodes the golden frames of the wire with Avro's schemas alone.

    check.py schemas/avro test/vectors/wire/golden

Prints a line for each frame, and ends with 1 unless every one is right. See schemas/formats/batch-and-wire.md, section 6.
"""

import io
import json
import sys
from pathlib import Path

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, to_parsing_canonical_form

MARKER = "c301"


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def bytes_from_hex(value):
    if isinstance(value, dict) and set(value) == {"hex"}:
        return bytes.fromhex(value["hex"])
    if isinstance(value, dict):
        return {name: bytes_from_hex(field) for name, field in value.items()}
    if isinstance(value, list):
        return [bytes_from_hex(item) for item in value]
    return value


def frame_of(schema, value):
    body = io.BytesIO()
    schemaless_writer(body, parse_schema(schema), value, strict=True)
    canonical = to_parsing_canonical_form(schema)
    return MARKER + fingerprint(canonical, "CRC-64-AVRO") + body.getvalue().hex()


def decoded(schema, frame, reader=None):
    body = io.BytesIO(bytes.fromhex(frame)[10:])
    value = schemaless_reader(body, parse_schema(schema), reader and parse_schema(reader))
    return value, body.read() == b""


def verdict(schema, versions, record):
    value, frame = bytes_from_hex(record["value"]), record["frame"]
    encoded = frame_of(schema, value)
    if encoded != frame:
        return f"encodes to {encoded}"
    if decoded(schema, frame) != (value, True):
        return "decodes to another value"
    for version in versions:
        _, is_whole = decoded(schema, frame, version)
        if not is_whole:
            return "is not read to its end by another version"
    return "OK"


def main(schemas, golden):
    is_right = True
    for path in sorted(golden.glob("*.json")):
        record, version = path.stem.split(".")
        schema = load(schemas / record / f"{version}.avsc")
        versions = [load(file) for file in sorted((schemas / record).glob("*.avsc"))]
        for index, each in enumerate(load(path)["records"]):
            said = verdict(schema, versions, each)
            is_right = is_right and said == "OK"
            print(f"{path.stem} {index} {said}")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
