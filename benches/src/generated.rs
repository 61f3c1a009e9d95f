//! A module that no compiler made: 600,000 functions in 60 MB, the same bytes every time.
//!
//! Whatever an engine does per function, per byte or per call between them shows here, and so would anything that
//! grows faster than the module.

/// Functions it defines, and about how many bytes a body has.
const FUNCS: u32 = 600_000;
const BODY_BYTES: usize = 109;

/// Calls from one body go to functions this far ahead at most, and never back: `_start` ends.
const REACH: u32 = 1 << 16;

/// The module. `_start` calls one function, which calls some others.
pub fn wasm() -> Vec<u8> {
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    // (i32, i32) -> i32; () -> ()
    section(&mut wasm, 1, &[2, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 0]);
    let mut funcs = Vec::new();
    leb(&mut funcs, FUNCS + 1);
    funcs.resize(funcs.len() + FUNCS as usize, 0);
    funcs.push(1);
    section(&mut wasm, 3, &funcs);
    section(&mut wasm, 5, &[1, 0, 1]);
    let mut exports = vec![1, 6];
    exports.extend(b"_start\0");
    leb(&mut exports, FUNCS);
    section(&mut wasm, 7, &exports);
    let mut code = Vec::with_capacity(FUNCS as usize * (BODY_BYTES + 4));
    leb(&mut code, FUNCS + 1);
    let mut random = 0x9e37_79b9u32;
    let mut body = Vec::new();
    for func in 0..FUNCS {
        body.clear();
        write_body(&mut body, func, &mut random);
        leb(&mut code, body.len() as u32);
        code.extend(&body);
    }
    // i32.const 1, i32.const 2, call 0, drop
    code.extend([9, 0, 0x41, 1, 0x41, 2, 0x10, 0, 0x1a, 0x0b]);
    section(&mut wasm, 10, &code);
    wasm
}

/// Arithmetic, memory, branches, a loop, now and then a call.
fn write_body(body: &mut Vec<u8>, func: u32, random: &mut u32) {
    let mut next = || {
        *random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *random >> 8
    };
    // (local i32 i32 i64)
    body.extend([2, 2, 0x7f, 1, 0x7e]);
    while body.len() < BODY_BYTES - 26 {
        match next() % 5 {
            // local 2 = local 0 * constant + local 1
            0 => {
                body.extend([0x20, 0, 0x41]);
                signed_leb(body, next() as i32);
                body.extend([0x6c, 0x20, 1, 0x6a, 0x21, 2]);
            }
            // local 3 = memory[local 2 & 0xffff]
            1 => body.extend([0x20, 2, 0x41, 0xff, 0xff, 0, 0x71, 0x2d, 0, 0, 0x22, 3, 0x1a]),
            // if local 3 < local 0 { local 1 += 1 } else { local 1 ^= local 3 }
            2 => body.extend([
                0x20, 3, 0x20, 0, 0x49, 0x04, 0x40, 0x20, 1, 0x41, 1, 0x6a, 0x21, 1, 0x05, 0x20, 1, 0x20, 3, 0x73,
                0x21, 1, 0x0b,
            ]),
            // local 4 = i64(local 2) << constant
            3 => body.extend([0x20, 2, 0xad, 0x42, (next() % 31) as u8, 0x86, 0x21, 4]),
            // loop { local 3 >>= 1; br_if local 3 }
            _ => body.extend([0x03, 0x40, 0x20, 3, 0x41, 1, 0x76, 0x22, 3, 0x0d, 0, 0x0b]),
        }
    }
    if func.is_multiple_of(4) {
        let callee = func + 1 + next() % REACH;
        if callee < FUNCS {
            body.extend([0x20, 2, 0x20, 3, 0x10]);
            leb(body, callee);
            body.push(0x1a);
        }
    }
    body.extend([0x20, 1, 0x20, 2, 0x6a, 0x0b]);
}

fn section(wasm: &mut Vec<u8>, id: u8, contents: &[u8]) {
    wasm.push(id);
    leb(wasm, contents.len() as u32);
    wasm.extend(contents);
}

fn leb(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed_leb(out: &mut Vec<u8>, mut value: i32) {
    while !(-64..64).contains(&value) {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8 & 0x7f);
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_valid_and_as_big_as_it_should_be() {
        let wasm = super::wasm();
        assert!((55_000_000..65_000_000).contains(&wasm.len()), "{}", wasm.len());
        wasmi::Module::validate(&wasmi::Engine::default(), &wasm).unwrap();
    }
}
