//! The kernels and what each must compute.
//!
//! The checksums come from the same sources compiled natively (`kernels/build.sh --check` prints them), so an engine
//! that agrees with all others but is wrong is found out.

use crate::workload::Class;

pub struct Kernel {
    pub name: &'static str,
    pub class: Class,
    /// What it exercises, in a few words.
    pub about: &'static str,
    pub wasm: &'static [u8],
    /// About 0.3 to 1 second under wasmi, so that loading and translating drown in it.
    pub full: Case,
    /// A few milliseconds.
    pub quick: Case,
}

#[derive(Clone, Copy)]
pub struct Case {
    pub argument: i32,
    pub checksum: i64,
}

macro_rules! kernel {
    ($name:literal, $class:ident, $full:literal => $full_sum:literal, $quick:literal => $quick_sum:literal, $about:literal) => {
        Kernel {
            name: $name,
            class: Class::$class,
            about: $about,
            wasm: include_bytes!(concat!("../kernels/", $name, ".wasm")),
            full: Case {
                argument: $full,
                checksum: $full_sum,
            },
            quick: Case {
                argument: $quick,
                checksum: $quick_sum,
            },
        }
    };
}

// build.sh reads these rows, one line each.
#[rustfmt::skip]
pub const KERNELS: &[Kernel] = &[
    kernel!("fib", Micro, 36 => 329029, 22 => 257, "recursive calls"),
    kernel!("sieve", Micro, 450 => 3214038359002308917, 2 => 392031, "byte loads and stores in short loops"),
    kernel!("nbody", Micro, 1500000 => 4643331669497991715, 5000 => 4618777875729989576, "f64 arithmetic on structures in memory"),
    kernel!("mandelbrot", Micro, 1100 => 35338940, 100 => 293083, "f64 arithmetic in locals"),
    kernel!("fannkuch", Micro, 10 => 73196038, 7 => 228016, "small integer arrays, unpredictable loops"),
    kernel!("matmul", Micro, 80 => -4573288734879301141, 1 => -4601330526800558080, "f64 loads with computed addresses"),
    kernel!("quicksort", Micro, 42 => 4425736692873317263, 1 => 8625546144145574901, "call_indirect through a comparator"),
    kernel!("crc32", Micro, 900 => -1804308310235685111, 2 => -1624065241581455565, "a state machine through br_table, table lookups"),
    kernel!("mulmod", Micro, 1000000 => 6234187307893545189, 5000 => 7228691500099325018, "64-bit multiply, divide and remainder"),
    kernel!("bits", Micro, 2000 => 3550165650059307768, 10 => -8803801724999131216, "64-bit shifts, rotations and bit counts"),
    kernel!("vm", Micro, 6000 => -2802309313000073397, 50 => 1334410381858007655, "an interpreter's loop: br_table in an unforeseeable order"),
    kernel!("virtual", Micro, 14000 => -4854293037245530957, 100 => 4455507558347378030, "virtual methods: two call_indirect per iteration"),
    kernel!("globals", Micro, 30000 => 64424855923061683, 100 => 213884744985523, "global.get and global.set"),
    kernel!("list", Micro, 14000 => -1449503830763554077, 40 => 930376448233412440, "dependent loads along a linked list"),
    kernel!("memcopy", Micro, 50000 => 1135740125187077157, 50 => -559251951195999187, "memory.copy and memory.fill, short and long"),
    kernel!("sha256", Bench, 8000 => -8628990672493147357, 20 => 8121117144492011327, "32-bit rotations and additions in straight lines"),
    kernel!("mix", Bench, 2500 => -3972699347035936885, 10 => 1534715695842114270, "lists sorted and searched, integer matrices, a state machine, a CRC"),
    kernel!("lz", Bench, 90 => 3194100366530069406, 1 => 392398745339367131, "an LZ77 compressor and its decompressor"),
    kernel!("simdmandel", Simd, 2200 => 141808786, 100 => 294321, "f32x4 arithmetic, a comparison, a test of all lanes"),
    kernel!("simdblend", Simd, 1600 => -132681350567943032, 2 => 510172936, "saturating u8x16 arithmetic over memory, a search for a byte"),
    kernel!("simdchacha", Simd, 300000 => 3694612887196801640, 100 => 6219244557614974185, "i32x4 additions and shifts, shuffles of bytes and lanes"),
    kernel!("ray", Bench, 900 => -2006504675196111782, 20 => -4814848233318331198, "a ray tracer: f64, structures, short functions"),
];
