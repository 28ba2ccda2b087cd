#!/bin/sh
# Lets each service of a ledger do what it does on Kafka, and nothing else. Running it again changes nothing.
#
#   acls.sh BOOTSTRAP_SERVER ADMIN_CLIENT_PROPERTIES
#
# Kafka's bin folder is in PATH. PREFIX is that of the topics; the others are principals, one or more of each with spaces between.
set -eu
server=$1 admin=$2
: "${PREFIX:=countersign.}"
: "${PRODUCERS:=User:producer}"
: "${READERS:=User:reader}"
: "${GATEWAY:=User:gateway}"
: "${LEDGER:=User:ledger}"
: "${PROJECTOR:=User:projector}"

public="action-requested decision-made use-claimed execution-reported finding-submitted"

allow() { # principals, operations, topics
  set -- "$1" "$2" "$3" --add
  for principal in $1; do set -- "$@" --allow-principal "$principal"; done
  for operation in $2; do set -- "$@" --operation "$operation"; done
  for topic in $3; do set -- "$@" --topic "$PREFIX$topic"; done
  shift 3
  kafka-acls.sh --bootstrap-server "$server" --command-config "$admin" "$@"
}

allow_prefixed() { # principals, operations, --topic or --group
  set -- "$1" "$2" "$3" --add --resource-pattern-type prefixed "$3" "$PREFIX"
  for principal in $1; do set -- "$@" --allow-principal "$principal"; done
  for operation in $2; do set -- "$@" --operation "$operation"; done
  shift 3
  kafka-acls.sh --bootstrap-server "$server" --command-config "$admin" "$@"
}

# Whoever asks, decides, claims, reports and tells findings without the gateway: what they write is nothing until the ledger has checked it.
allow "$PRODUCERS" "Write" "$public"
# Executors and auditors: what they read, they verify.
allow "$READERS" "Read" "log"

allow "$GATEWAY" "Write" "intake"
# That the log is the one which it answers for.
allow "$GATEWAY" "Read" "log"
allow "$LEDGER" "Read" "$public"
allow "$LEDGER" "Read Write" "intake log content quarantine"
allow "$PROJECTOR" "Read" "log content quarantine"

# Each of them checks the settings of all topics at its start.
allow_prefixed "$GATEWAY $LEDGER $PROJECTOR" "Describe DescribeConfigs" --topic
# Who works on which partition, and how far the public topics were moved; a gateway asks whether anybody works at all.
allow_prefixed "$LEDGER" "Read" --group
allow_prefixed "$GATEWAY" "Describe" --group
