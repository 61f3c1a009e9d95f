#!/bin/sh
# Builds the example. The result is committed, so that trying it needs no compiler.
#
# Needs a clang that knows wasm32, lld, compiler-rt's builtins for wasm32, and wasi-libc. On Debian:
#   apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc
# Elsewhere set WASI_CC, for example to "python3 -m ziglang cc -target wasm32-wasi".
set -eu
cd "$(dirname "$0")"
cc=${WASI_CC:-clang-19 --target=wasm32-wasi --sysroot=/usr}
# shellcheck disable=SC2086
$cc -std=gnu17 -Wall -Wextra -Werror -O2 -Wl,--strip-debug wordcount.c -o wordcount.wasm
chmod 644 wordcount.wasm
