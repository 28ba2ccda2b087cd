"""Asks for an action on Kafka, and waits for its binding there: no server of the ledger between.

    countersign_producer.py frame   --schemas DIR --key KEY.pem ACTION.json > frame.avro
    countersign_producer.py publish --schemas DIR --key KEY.pem --brokers HOST:PORT --prefix countersign. [--partition N] ACTION.json
    countersign_producer.py binding --schemas DIR --brokers HOST:PORT --prefix countersign. ACTION_ID > binding.avro

Needs confluent-kafka, cryptography and fastavro. DIR is schemas/avro of Countersign, KEY.pem the Ed25519 key of an enrolled agent,
ACTION.json an action as schemas/formats/action.md describes it. --config FILE names settings of librdkafka, one NAME=VALUE a line.
"""

import argparse
import base64
import hashlib
import io
import json
import sys
import time
import uuid
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, to_parsing_canonical_form

MARKER = bytes.fromhex("c301")
TIMEOUT_S = 60


def canonical(value):
    """RFC 8785, for what an action holds: names in ASCII, and no number but integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(kind, payload, key_file):
    """An object with the signature of its sender: the tag of its kind, a line feed, its bytes."""
    key = load_pem_private_key(key_file.read_bytes(), password=None)
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    message = f"countersign/{kind}/v1\n".encode() + payload
    return canonical(
        {
            "payload": base64url(payload),
            "key": f"sha256:{hashlib.sha256(spki).hexdigest()}",
            "signature": base64url(key.sign(message)),
        }
    )


class Record:
    """Avro's single-object encoding: a marker, the fingerprint of the schema, the body."""

    def __init__(self, schemas, name):
        schema = json.loads((schemas / name / "v1.avsc").read_text(encoding="utf-8"))
        digest = fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")
        self.head = MARKER + bytes.fromhex(digest)
        self.schema = parse_schema(schema)

    def encode(self, value):
        body = io.BytesIO()
        schemaless_writer(body, self.schema, value, strict=True)
        return self.head + body.getvalue()

    def decode(self, frame):
        if frame is None or not frame.startswith(self.head):
            return None
        return schemaless_reader(io.BytesIO(frame[len(self.head) :]), self.schema)


def request_frame(args):
    action = json.loads(args.action.read_text(encoding="utf-8"))
    return Record(args.schemas, "action-requested").encode(
        {
            "tenant": action["tenant"],
            "action_id": action["action_id"],
            "payload": signed("request", canonical(action), args.key),
        }
    )


def settings(args):
    lines = args.config.read_text(encoding="utf-8").splitlines() if args.config else []
    return {"bootstrap.servers": args.brokers, **dict(line.split("=", 1) for line in lines if line)}


def frame(args):
    sys.stdout.buffer.write(request_frame(args))


def publish(args):
    failures = []
    producer = Producer({**settings(args), "acks": "all", "enable.idempotence": True})
    # Any key and any partition: they mean nothing to the ledger.
    place = {} if args.partition is None else {"partition": args.partition}
    producer.produce(
        f"{args.prefix}action-requested",
        value=request_frame(args),
        on_delivery=lambda error, _: error and failures.append(error),
        **place,
    )
    waiting = producer.flush(TIMEOUT_S)
    if failures or waiting:
        sys.exit(f"not published: {failures[0].name() if failures else 'no answer'}")


def binding(args):
    """Writes the record of the binding as it is: the signature in it is what counts, not who sent it."""
    record = Record(args.schemas, "binding-sealed")
    # Partitions are assigned by hand, so the group is never joined; the client wants a name for it all the same.
    group = {"group.id": f"producer-{uuid.uuid4()}", "enable.auto.commit": False}
    consumer = Consumer({**settings(args), **group})
    topic = f"{args.prefix}log"
    partitions = consumer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        value = record.decode(message.value())
        if value and json.loads(value["entry"])["action_id"] == args.action_id:
            sys.stdout.buffer.write(message.value())
            return
    sys.exit("no binding yet")


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for run in (frame, publish, binding):
        command = commands.add_parser(run.__name__)
        command.set_defaults(run=run)
        command.add_argument("--schemas", type=Path, required=True)
        if run is not frame:
            command.add_argument("--brokers", required=True)
            command.add_argument("--prefix", required=True)
            command.add_argument("--config", type=Path)
        if run is binding:
            command.add_argument("action_id")
        else:
            command.add_argument("--key", type=Path, required=True)
            command.add_argument("action", type=Path)
    commands.choices["publish"].add_argument("--partition", type=int)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
