//! Bytes that other threads may read and write at the same time: every access here is a relaxed atomic one, so that a race
//! of guests is a wrong value for them and nothing worse for us. No reference to such bytes exists.
//!
//! Values that stand at an address of their own size are read and written whole, others byte by byte.
//!
//! # Safety
//! For all functions: the bytes lie in one shared memory (or in one that nobody else uses meanwhile) and stay mapped.

#![allow(unsafe_code)]

/// An integer, or a vector's two, that is read and written as one.
pub(crate) trait Word: Copy {
    /// # Safety
    /// See the module.
    unsafe fn load(from: *const Self) -> Self;
    /// # Safety
    /// See the module.
    unsafe fn store(to: *mut Self, value: Self);
}

/// Written out where an access is one machine instruction at any address: handlers that look at alignment first run out of
/// registers. What it does is what some sequence of relaxed accesses to bytes could do, and at an aligned address what one
/// to the whole does.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
mod native {
    use std::arch::asm;

    use super::Word;

    macro_rules! words {
        ($($int:ident $class:ident $load:literal $store:literal;)*) => {
            $(impl Word for $int {
                #[inline(always)]
                unsafe fn load(from: *const $int) -> $int {
                    let value: u64;
                    // SAFETY: the caller's promise. It reads memory, and writes all of the register.
                    unsafe {
                        asm!($load, value = out(reg) value, at = in(reg) from, options(nostack, preserves_flags, readonly));
                    }
                    value as $int
                }
                #[inline(always)]
                unsafe fn store(to: *mut $int, value: $int) {
                    // SAFETY: the caller's promise.
                    unsafe { asm!($store, value = in($class) value, at = in(reg) to, options(nostack, preserves_flags)) }
                }
            })*
        };
    }
    #[cfg(target_arch = "x86_64")]
    words! {
        u8 reg_byte "movzx {value:e}, byte ptr [{at}]" "mov byte ptr [{at}], {value}";
        u16 reg "movzx {value:e}, word ptr [{at}]" "mov word ptr [{at}], {value:x}";
        u32 reg "mov {value:e}, dword ptr [{at}]" "mov dword ptr [{at}], {value:e}";
        u64 reg "mov {value}, qword ptr [{at}]" "mov qword ptr [{at}], {value}";
    }
    #[cfg(target_arch = "aarch64")]
    words! {
        u8 reg "ldrb {value:w}, [{at}]" "strb {value:w}, [{at}]";
        u16 reg "ldrh {value:w}, [{at}]" "strh {value:w}, [{at}]";
        u32 reg "ldr {value:w}, [{at}]" "str {value:w}, [{at}]";
        u64 reg "ldr {value:x}, [{at}]" "str {value:x}, [{at}]";
    }

    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::__m128i as Vector;

    #[cfg(target_arch = "aarch64")]
    use std::arch::aarch64::uint64x2_t as Vector;

    macro_rules! vectors {
        ($class:ident $load:literal $store:literal) => {
            impl Word for [u64; 2] {
                #[inline(always)]
                unsafe fn load(from: *const [u64; 2]) -> [u64; 2] {
                    let value: Vector;
                    // SAFETY: the caller's promise. A vector is as many bytes as two numbers.
                    unsafe {
                        asm!($load, value = out($class) value, at = in(reg) from, options(nostack, preserves_flags, readonly));
                        std::mem::transmute(value)
                    }
                }
                #[inline(always)]
                unsafe fn store(to: *mut [u64; 2], value: [u64; 2]) {
                    // SAFETY: as above.
                    unsafe {
                        let value: Vector = std::mem::transmute(value);
                        asm!($store, value = in($class) value, at = in(reg) to, options(nostack, preserves_flags))
                    }
                }
            }
        };
    }
    #[cfg(target_arch = "x86_64")]
    vectors! { xmm_reg "movdqu {value}, xmmword ptr [{at}]" "movdqu xmmword ptr [{at}], {value}" }
    #[cfg(target_arch = "aarch64")]
    vectors! { vreg "ldr {value:q}, [{at}]" "str {value:q}, [{at}]" }
}

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
mod portable {
    use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

    use super::Word;

    macro_rules! words {
        ($($int:ident $atomic:ident;)*) => {
            $(impl Word for $int {
                #[inline(always)]
                unsafe fn load(from: *const $int) -> $int {
                    // SAFETY: the caller's promise; the alignment was looked at.
                    unsafe {
                        if from.addr() % size_of::<$int>() == 0 {
                            return $atomic::from_ptr(from.cast_mut()).load(Relaxed);
                        }
                        let bytes = std::array::from_fn(|at| byte(from.cast(), at).load(Relaxed));
                        $int::from_ne_bytes(bytes)
                    }
                }
                #[inline(always)]
                unsafe fn store(to: *mut $int, value: $int) {
                    // SAFETY: the caller's promise; the alignment was looked at.
                    unsafe {
                        if to.addr() % size_of::<$int>() == 0 {
                            return $atomic::from_ptr(to).store(value, Relaxed);
                        }
                        for (at, part) in value.to_ne_bytes().into_iter().enumerate() {
                            byte(to.cast(), at).store(part, Relaxed);
                        }
                    }
                }
            })*
        };
    }
    words! { u8 AtomicU8; u16 AtomicU16; u32 AtomicU32; u64 AtomicU64; }

    impl Word for [u64; 2] {
        #[inline(always)]
        unsafe fn load(from: *const [u64; 2]) -> [u64; 2] {
            // SAFETY: the caller's promise.
            unsafe { [u64::load(from.cast()), u64::load(from.cast::<u64>().add(1))] }
        }
        #[inline(always)]
        unsafe fn store(to: *mut [u64; 2], [low, high]: [u64; 2]) {
            // SAFETY: the caller's promise.
            unsafe {
                u64::store(to.cast(), low);
                u64::store(to.cast::<u64>().add(1), high);
            }
        }
    }

    #[inline(always)]
    unsafe fn byte<'a>(from: *const u8, at: usize) -> &'a AtomicU8 {
        // SAFETY: the caller's promise.
        unsafe { AtomicU8::from_ptr(from.add(at).cast_mut()) }
    }
}

/// Bytes that fit a word.
const WORD: usize = size_of::<u64>();

/// Copies out of a shared memory.
///
/// # Safety
/// See the module.
pub(crate) unsafe fn copy_out(from: *const u8, to: &mut [u8]) {
    let (head, rest) = to.split_at_mut(from.align_offset(WORD).min(to.len()));
    let (words, tail) = rest.as_chunks_mut::<WORD>();
    let (words_at, tail_at) = (head.len(), head.len() + words.len() * WORD);
    // SAFETY: the caller's promise, for each part.
    unsafe {
        for (at, part) in head.iter_mut().enumerate() {
            *part = u8::load(from.add(at));
        }
        for (at, part) in words.iter_mut().enumerate() {
            *part = u64::load(from.add(words_at + at * WORD).cast()).to_ne_bytes();
        }
        for (at, part) in tail.iter_mut().enumerate() {
            *part = u8::load(from.add(tail_at + at));
        }
    }
}

/// Copies into a shared memory.
///
/// # Safety
/// See the module.
pub(crate) unsafe fn copy_in(from: &[u8], to: *mut u8) {
    let (head, rest) = from.split_at(to.align_offset(WORD).min(from.len()));
    let (words, tail) = rest.as_chunks::<WORD>();
    let (words_at, tail_at) = (head.len(), head.len() + words.len() * WORD);
    // SAFETY: the caller's promise, for each part.
    unsafe {
        for (at, &part) in head.iter().enumerate() {
            u8::store(to.add(at), part);
        }
        for (at, &part) in words.iter().enumerate() {
            u64::store(to.add(words_at + at * WORD).cast(), u64::from_ne_bytes(part));
        }
        for (at, &part) in tail.iter().enumerate() {
            u8::store(to.add(tail_at + at), part);
        }
    }
}

/// Bytes that are copied or filled at a time.
const CHUNK: usize = 4096;

/// Copies between shared memories or within one; the ranges may overlap.
///
/// # Safety
/// See the module, for both ranges.
pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, len: usize) {
    let mut buffer = [0; CHUNK];
    let up = to.addr() <= from.addr();
    let mut done = 0;
    while done < len {
        let n = CHUNK.min(len - done);
        let at = if up { done } else { len - done - n };
        // SAFETY: the caller's promise. In this order no chunk is overwritten before it is read.
        unsafe {
            copy_out(from.add(at), &mut buffer[..n]);
            copy_in(&buffer[..n], to.add(at));
        }
        done += n;
    }
}

/// Sets bytes of a shared memory.
///
/// # Safety
/// See the module.
pub(crate) unsafe fn fill(to: *mut u8, value: u8, len: usize) {
    let buffer = [value; CHUNK];
    let mut done = 0;
    while done < len {
        let n = CHUNK.min(len - done);
        // SAFETY: the caller's promise.
        unsafe { copy_in(&buffer[..n], to.add(done)) };
        done += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written_at_any_address() {
        let mut words = [0u64; 4];
        let base = words.as_mut_ptr().cast::<u8>();
        for at in 0..16 {
            // SAFETY: the array has 32 bytes, and nobody else uses it.
            unsafe {
                u64::store(base.add(at).cast(), 0x0807_0605_0403_0201);
                assert_eq!(u64::load(base.add(at).cast()), 0x0807_0605_0403_0201);
                u32::store(base.add(at).cast(), 0xddcc_bbaa);
                assert_eq!(u32::load(base.add(at).cast()), 0xddcc_bbaa);
                u16::store(base.add(at).cast(), 0xbeef);
                assert_eq!(u16::load(base.add(at).cast()), 0xbeef);
                assert_eq!(
                    u8::load(base.add(at)),
                    if cfg!(target_endian = "little") { 0xef } else { 0xbe }
                );
            }
        }
    }

    #[test]
    fn copies_are_right_at_every_offset_and_length_and_when_they_overlap() {
        let pattern: Vec<u8> = (0..3 * CHUNK).map(|at| (at * 7 + at / 256) as u8).collect();
        let mut bytes = pattern.clone();
        for (from, to, len) in [
            (1, 2, 9000),
            (2, 1, 9000),
            (3, 11, 20),
            (11, 3, 20),
            (0, 4096, 8192),
            (5, 5, 77),
        ] {
            bytes.copy_from_slice(&pattern);
            let mut expected = pattern.clone();
            expected.copy_within(from..from + len, to);
            let base = bytes.as_mut_ptr();
            // SAFETY: both ranges lie inside, and nobody else uses them.
            unsafe { copy(base.add(from), base.add(to), len) };
            assert!(bytes == expected, "{from} {to} {len}");
        }
        for len in 0..40 {
            let mut out = vec![0; len];
            // SAFETY: as above.
            unsafe { copy_out(pattern.as_ptr().add(3 + len), &mut out) };
            assert_eq!(out, pattern[3 + len..][..len]);
        }
    }
}
