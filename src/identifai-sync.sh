#!/bin/sh
# The command as it is installed. A pass makes much garbage that does not last: by default Node gives young objects so much
# room, and lets the heap grow so far, that it takes twice the memory for the same speed (docs/scaling.md).
self=$(readlink -f "$0")
exec node --max-semi-space-size=8 --heap-growing-percent=100 "${self%/*}/src/cli.js" "$@"
