#!/usr/bin/env bash
# Builds and runs the comparison with the B+tree. Usage: native/bench/run.sh [entries ...]
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
${CC:-cc} -std=gnu11 -O2 -Wall -Wextra compare.c btree.c ../arena.c ../epoch.c ../block.c \
  ../skiplist.c ../skiplist_seek.c ../skiplist_read.c ../skiplist_pack.c -o "$out/compare"
"$out/compare" "$@"
