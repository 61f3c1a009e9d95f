#!/bin/sh
# Builds the guests written in C. The results are committed, so that tests need no compiler.
#
# Needs a clang that knows wasm32, lld, compiler-rt's builtins for wasm32, and wasi-libc. On Debian:
#   apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc
# Elsewhere set WASI_CC, for example to "python3 -m ziglang cc -target wasm32-wasi".
set -eu
cd "$(dirname "$0")"
cc=${WASI_CC:-clang-19 --target=wasm32-wasi --sysroot=/usr}
for source in *.c; do
    echo "$source"
    output=${source%.c}.wasm
    # shellcheck disable=SC2086
    $cc -std=gnu17 -Wall -Wextra -Werror -Oz -Wl,--strip-all "$source" -o "$output"
    chmod 644 "$output"
done
