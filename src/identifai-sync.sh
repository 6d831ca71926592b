#!/bin/sh
# The command as it is installed. A run makes much garbage that does not last. By default Node gives young objects so much room that
# it takes half as much memory again for the same speed. The allocator of glibc keeps freed memory for each thread (docs/scaling.md).
self=$(readlink -f "$0")
MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-2} exec node --max-semi-space-size=8 "${self%/*}/src/main.js" "$@"
