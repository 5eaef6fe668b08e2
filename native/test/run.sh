#!/usr/bin/env bash
# Builds and runs the C tests: under AddressSanitizer with UndefinedBehaviorSanitizer,
# and under ThreadSanitizer; with blocks of the real size, and with tiny ones.
# Usage: native/test/run.sh [address|thread|plain ...]
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

warnings='-std=c11 -g -O1 -Wall -Wextra -Wpedantic -Werror'
list='../arena.c ../epoch.c ../block.c ../skiplist.c ../skiplist_seek.c ../skiplist_read.c ../skiplist_pack.c ../image.c ../skiplist_check.c ../pages.c'
tiny='-DBLOCK_ENTRIES_MAX=6 -DBLOCK_HEAP_MAX=200 -DLEVEL_BITS=1'

run() { # name, flags, test
  printf -- '-- %s, %s\n' "$3" "$1"
  # The flags are lists of words.
  # shellcheck disable=SC2086
  ${CC:-cc} $warnings $2 "$3.c" $list -o "$out/$3" -lpthread
  "$out/$3"
}

for kind in "${@:-address thread}"; do
  for name in $kind; do
    case $name in
      address) flags='-fsanitize=address,undefined -fno-sanitize-recover=all' ;;
      thread) flags='-fsanitize=thread -DCOMMITS=20000' ;;
      plain) flags='' ;;
      *) echo "expected address, thread or plain, got $name" >&2; exit 2 ;;
    esac
    if [ "$name" != thread ]; then
      run "$name" "$flags" arena_test
      run "$name" "$flags" skiplist_test
      run "$name, tiny blocks" "$flags $tiny" skiplist_test
    fi
    if [ "$name" != thread ]; then
      run "$name" "$flags" pages_test
      run "$name" "$flags" image_test
      run "$name, tiny blocks" "$flags $tiny" image_test
    fi
    run "$name" "$flags" threads_test
    run "$name, tiny blocks" "$flags $tiny" threads_test
  done
done
