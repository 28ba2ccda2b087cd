#!/bin/sh
# Writes the record of an action's binding to a file, with kcat alone. Ends with 1 while there is none.
#
#   kcat-binding.sh BROKERS PREFIX ACTION_ID FILE [more options of kcat]
set -eu
brokers=$1 prefix=$2 action=$3 file=$4
shift 4

kcat -C -q -e -b "$brokers" -t "${prefix}log" -o beginning -f '%p %o %k\n' "$@" |
  while read -r partition offset key; do
    case $key in binding/*) ;; *) continue ;; esac
    kcat -C -q -e -b "$brokers" -t "${prefix}log" -p "$partition" -o "$offset" -c 1 -D '' -f '%s' "$@" >"$file.part" </dev/null
    if grep -aq "\"action_id\":\"$action\"" "$file.part"; then
      mv "$file.part" "$file"
      break
    fi
  done
rm -f "$file.part"
[ -e "$file" ]
