#!/bin/sh
# Builds every kernel to wasm (committed beside the sources, so running the benchmarks needs no C compiler) and,
# with --check, natively, and prints the native checksums that stand in the table of src/kernels.rs.
#
#   ./build.sh            all .wasm files
#   ./build.sh --check    the native checksums, for the arguments in src/kernels.rs
#
# Needs clang and wasm-ld (apt: clang-19 lld-19). CLANG and CC choose others.
set -eu
cd "$(dirname "$0")"
clang=${CLANG:-clang-19}
cc=${CC:-$clang}

# -ffp-contract=off: where the native target has a fused multiply-add, fusing would change the last bits, and
# wasm has none. SIMD is for the kernels named after it: elsewhere the scalar core is what is compared, and not every peer
# has SIMD.
common='-std=c11 -O3 -Wall -Wextra -Werror -ffp-contract=off -fno-math-errno'

if [ "${1:-}" != --check ]; then
    for source in *.c; do
        [ "$source" = native.c ] && continue
        case $source in simd*) vectors=-msimd128 ;; *) vectors= ;; esac
        # --strip-all drops the names: they are not executed, and weigh on no engine's start-up.
        "$clang" --target=wasm32 $common -nostdlib -mbulk-memory -msign-ext -mnontrapping-fptoint $vectors \
            -Wl,--no-entry -Wl,--export=run -Wl,--strip-all "$source" -o "${source%.c}.wasm"
        chmod 644 "${source%.c}.wasm" # the linker makes it executable
    done
    exit
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# Rows of the table: name, file, argument of a full run, argument of a quick one.
sed -n 's/^ *kernel!("\([a-z0-9]*\)", *[A-Za-z]*, *\([0-9]*\) *=> *[-0-9_a-fx]*, *\([0-9]*\) *=> .*/\1 \2 \3/p' ../src/kernels.rs |
    while read -r name full quick; do
        "$cc" $common "$name.c" native.c -o "$dir/$name" -lm
        echo "$name: $full $quick => $("$dir/$name" "$full" "$quick")"
    done
