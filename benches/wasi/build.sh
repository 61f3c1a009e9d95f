#!/bin/sh
# Builds the guest of `wasi`; the result is committed. Needs what the guests of wasi-tests need, see their build.sh.
set -eu
cd "$(dirname "$0")"
cc=${WASI_CC:-clang-19 --target=wasm32-wasi --sysroot=/usr}
# shellcheck disable=SC2086
$cc -std=gnu17 -Wall -Wextra -Werror -O2 -Wl,--strip-all io.c -o io.wasm
chmod 644 io.wasm
