//! Every family of instructions, a million times each, on a native stack of 128 KiB: `cargo test --release --test torture`.
//!
//! Handlers that call the next one instead of jumping to it would use up such a stack in a few thousand instructions.
//! The results are compared with the same computation in Rust, which knows nothing of wasm. In debug builds, where
//! handlers return to a loop, fewer iterations show the same.

// Tables of name and function say more than type aliases would.
#![allow(clippy::type_complexity)]

mod families;
mod neighbours;

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use families::{ROWS, Row, Shape};
use wasmrun::{Caller, Config, Engine, Error, Instance, LinearMemory, Linker, Module, Optimizations, Store, Trap, Val};

const ITERATIONS: u32 = if cfg!(debug_assertions) { 2_000 } else { 1_000_000 };

/// Runs a test on a thread with a native stack of so many KiB.
fn on_stack<R: Send>(kib: usize, test: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(kib * 1024)
            .spawn_scoped(scope, test);
        thread.unwrap().join().unwrap()
    })
}

fn module(engine: &Engine, text: &str) -> Module {
    let wasm = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Module::new(engine, wasm).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Calls `run(iterations)` of a module without imports.
fn run_text(optimizations: Optimizations, text: &str, iterations: u32) -> u64 {
    let engine = Engine::new(Config::new().optimizations(optimizations));
    let module = module(&engine, text);
    on_stack(128, move || {
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_in(&mut store, &module).unwrap();
        call_run(&mut store, instance, iterations)
    })
}

fn call_run(store: &mut Store<()>, instance: Instance, iterations: u32) -> u64 {
    let run = instance.typed_func::<u32, u64>(store, "run").unwrap();
    run.call(store, iterations).unwrap()
}

/// Each row in a function of its own, with the translator's optimisations and, for a tenth of the time, without.
fn rows_of(shapes: &[Shape]) {
    let mut wrong = Vec::new();
    for row in ROWS.iter().filter(|row| shapes.contains(&row.shape)) {
        let text = row.module();
        for (optimizations, iterations) in [
            (Optimizations::default(), ITERATIONS),
            (Optimizations::NONE, ITERATIONS / 10),
        ] {
            let (found, expected) = (run_text(optimizations, &text, iterations), row.expected(iterations));
            if found != expected {
                wrong.push(format!(
                    "{} {optimizations:?}: {found:#x} instead of {expected:#x}",
                    row.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn binary_operations() {
    rows_of(&[Shape::Binary]);
}

#[test]
fn divisions() {
    rows_of(&[Shape::Division]);
}

#[test]
fn comparisons_and_branches_on_them() {
    rows_of(&[Shape::Compare]);
}

#[test]
fn unary_operations_and_conversions() {
    rows_of(&[Shape::Unary, Shape::Truncate]);
}

#[test]
fn every_row_has_a_name_of_its_own() {
    let mut names: Vec<&str> = ROWS.iter().map(|row: &Row| row.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), ROWS.len());
    // Without eqz, the reinterpretations and those of memory: they are in the other tests.
    assert!(ROWS.len() >= 130, "{}", ROWS.len());
}

/// One step of the generator that both sides use.
const STEP: &str = "(local.set $r (i64.add (i64.mul (local.get $r) (i64.const 6364136223846793005))
    (i64.const 1442695040888963407)))";

fn step(r: &mut u64) -> u64 {
    *r = r.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *r
}

fn mix(s: &mut u64, value: u64) {
    *s = s.rotate_left(7) ^ value;
}

/// `run(n)`: the body `n` times, with the locals `$n`, `$r`, `$s` and those given; returns `$s`.
fn looped(fields: &str, locals: &str, body: &str) -> String {
    format!(
        "(module {fields}
          (func (export \"run\") (param $n i32) (result i64) (local $r i64) (local $s i64) {locals}
            (loop $top {STEP} {body}
              (br_if $top (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $s)))"
    )
}

fn mixed(value: &str) -> String {
    format!("(local.set $s (i64.xor (i64.rotl (local.get $s) (i64.const 7)) {value}))\n")
}

/// Mnemonic, bytes, and the slot the bytes make.
type Load = (&'static str, u32, fn(&[u8]) -> u64);
const LOADS: &[Load] = &[
    ("i32.load", 4, |b| u32::from_le_bytes(b.try_into().unwrap()) as u64),
    ("i32.load8_s", 1, |b| b[0] as i8 as i32 as u32 as u64),
    ("i32.load8_u", 1, |b| b[0] as u64),
    ("i32.load16_s", 2, |b| {
        i16::from_le_bytes(b.try_into().unwrap()) as i32 as u32 as u64
    }),
    ("i32.load16_u", 2, |b| u16::from_le_bytes(b.try_into().unwrap()) as u64),
    ("i64.load", 8, |b| u64::from_le_bytes(b.try_into().unwrap())),
    ("i64.load8_s", 1, |b| b[0] as i8 as i64 as u64),
    ("i64.load8_u", 1, |b| b[0] as u64),
    ("i64.load16_s", 2, |b| {
        i16::from_le_bytes(b.try_into().unwrap()) as i64 as u64
    }),
    ("i64.load16_u", 2, |b| u16::from_le_bytes(b.try_into().unwrap()) as u64),
    ("i64.load32_s", 4, |b| {
        i32::from_le_bytes(b.try_into().unwrap()) as i64 as u64
    }),
    ("i64.load32_u", 4, |b| u32::from_le_bytes(b.try_into().unwrap()) as u64),
    ("f32.load", 4, |b| u32::from_le_bytes(b.try_into().unwrap()) as u64),
    ("f64.load", 8, |b| u64::from_le_bytes(b.try_into().unwrap())),
];
const STORES: &[(&str, usize)] = &[
    ("i32.store", 4),
    ("i32.store8", 1),
    ("i32.store16", 2),
    ("i64.store", 8),
    ("i64.store8", 1),
    ("i64.store16", 2),
    ("i64.store32", 4),
    ("f32.store", 4),
    ("f64.store", 8),
];
/// Two pages and two memories of them, for accesses at 16-bit addresses with offsets.
const MEMORIES: &str = "(memory (export \"m\") 2) (memory (export \"m1\") 2)";
const MEMORY_LEN: usize = 2 << 16;

/// Offset, address, and what the address is for 16-bit `a` and `b`.
type Form = (u32, &'static str, fn(u32, u32) -> u32);
const ADDRESSES: &[Form] = &[
    (0, "(local.get $a)", |a, _| a),
    (65545, "(local.get $a)", |a, _| a),
    (5, "(i32.add (local.get $a) (i32.const 17))", |a, _| a + 17),
    (3, "(i32.add (local.get $a) (local.get $b))", |a, b| a + b),
    (1, "(i32.shl (local.get $a) (i32.const 1))", |a, _| a * 2),
    (77, "(i32.const 500)", |_, _| 500),
];

fn addresses(r: u64) -> (u32, u32) {
    ((r >> 40) as u32 & 0x7fff, (r >> 20) as u32 & 0x7fff)
}

const SET_ADDRESSES: &str = "
    (local.set $a (i32.and (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 40))) (i32.const 0x7fff)))
    (local.set $b (i32.and (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 20))) (i32.const 0x7fff)))";

#[test]
fn loads() {
    let mut bytes = vec![0; MEMORY_LEN];
    let mut r = 1;
    bytes.fill_with(|| (step(&mut r) >> 56) as u8);
    for &(name, len, value) in LOADS {
        let body = |memory: u32| {
            let mut body = SET_ADDRESSES.to_owned();
            for (offset, address, _) in ADDRESSES {
                let load = format!("({name} {memory} offset={offset} {address})");
                body += &mixed(&match &name[..3] {
                    "i32" => format!("(i64.extend_i32_u {load})"),
                    "i64" => load,
                    "f32" => format!("(i64.extend_i32_u (i32.reinterpret_f32 {load}))"),
                    _ => format!("(i64.reinterpret_f64 {load})"),
                });
            }
            body
        };
        for memory in [0, 1] {
            let engine = Engine::default();
            let module = module(
                &engine,
                &looped(MEMORIES, "(local $a i32) (local $b i32)", &body(memory)),
            );
            let found = on_stack(128, || {
                let mut store = Store::new(&engine, ());
                let instance = Linker::new(&engine).instantiate_in(&mut store, &module).unwrap();
                for name in ["m", "m1"] {
                    let memory = instance.memory(&mut store, name).unwrap();
                    memory.data_mut(&mut store).unwrap().write(0u32, &bytes).unwrap();
                }
                call_run(&mut store, instance, ITERATIONS)
            });
            let (mut r, mut s) = (0, 0);
            for _ in 0..ITERATIONS {
                let (a, b) = addresses(step(&mut r));
                for (offset, _, at) in ADDRESSES {
                    let at = (at(a, b) + offset) as usize;
                    mix(&mut s, value(&bytes[at..at + len as usize]));
                }
            }
            assert_eq!(found, s, "{name} from memory {memory}");
        }
    }
}

#[test]
fn stores() {
    for &(name, len) in STORES {
        let ty = &name[..3];
        // The value as a local, as the result just computed, as a constant.
        let (local, computed, constant) = match ty {
            "i32" => (
                "(i32.wrap_i64 (local.get $r))",
                "(i32.rotl (local.get $v) (i32.const 5))",
                "(i32.const -77)",
            ),
            "i64" => (
                "(local.get $r)",
                "(i64.rotl (local.get $v) (i64.const 5))",
                "(i64.const -77)",
            ),
            "f32" => (
                "(f32.convert_i32_s (i32.wrap_i64 (local.get $r)))",
                "(f32.mul (local.get $v) (f32.const 1.25))",
                "(f32.const -77)",
            ),
            _ => (
                "(f64.convert_i64_s (local.get $r))",
                "(f64.mul (local.get $v) (f64.const 1.25))",
                "(f64.const -77)",
            ),
        };
        let values = |r: u64| match ty {
            "i32" => [r as u32 as u64, (r as u32).rotate_left(5) as u64, -77i32 as u32 as u64],
            "i64" => [r, r.rotate_left(5), -77i64 as u64],
            "f32" => {
                let v = r as i32 as f32;
                [v, v * 1.25, -77.0].map(|v| v.to_bits() as u64)
            }
            _ => {
                let v = r as i64 as f64;
                [v, v * 1.25, -77.0].map(f64::to_bits)
            }
        };
        for memory in [0, 1] {
            let mut body = format!("{SET_ADDRESSES} (local.set $v {local})");
            for (offset, address, _) in ADDRESSES {
                for (i, value) in ["(local.get $v)", computed, constant].into_iter().enumerate() {
                    let offset = *offset as usize + 8 * i;
                    body += &format!("({name} {memory} offset={offset} {address} {value})\n");
                }
            }
            let text = looped(
                MEMORIES,
                &format!("(local $a i32) (local $b i32) (local $v {ty})"),
                &body,
            );
            let engine = Engine::default();
            let module = module(&engine, &text);
            let found = on_stack(128, || {
                let mut store = Store::new(&engine, ());
                let instance = Linker::new(&engine).instantiate_in(&mut store, &module).unwrap();
                call_run(&mut store, instance, ITERATIONS);
                let memory = instance
                    .memory(&mut store, if memory == 0 { "m" } else { "m1" })
                    .unwrap();
                memory.data(&store).unwrap().data().to_vec()
            });
            let mut bytes = vec![0; MEMORY_LEN];
            let mut r = 0;
            for _ in 0..ITERATIONS {
                let (a, b) = addresses(step(&mut r));
                for (offset, _, at) in ADDRESSES {
                    let at = (at(a, b) + offset) as usize;
                    for (i, value) in values(r).into_iter().enumerate() {
                        bytes[at + 8 * i..][..len].copy_from_slice(&value.to_le_bytes()[..len]);
                    }
                }
            }
            assert!(found == bytes, "{name} to memory {memory}");
        }
    }
}

/// Offsets up to 2^32 - 1 and addresses up to the last byte of the largest memory, in every address form.
#[test]
fn accesses_at_the_end_of_four_gibibytes() {
    let last = |bytes: u64| (1u64 << 32) - bytes;
    let mut cases = Vec::new();
    for (name, bytes) in [
        ("i32.load8_u", 1u64),
        ("i32.load16_u", 2),
        ("i32.load", 4),
        ("i64.load", 8),
        ("f64.load", 8),
    ] {
        for short in 0..12 {
            // Offset and address add up to the last place that is inside, or to the one after it.
            let offset = last(bytes) - short;
            cases.push((name, bytes, offset, short, true));
            cases.push((name, bytes, offset, short + 1, false));
            cases.push((name, bytes, short, last(bytes) - short, true));
            cases.push((name, bytes, short, last(bytes) - short + 1, false));
        }
        cases.push((name, bytes, u32::MAX as u64, 0, bytes == 1));
        cases.push((name, bytes, u32::MAX as u64, u32::MAX as u64, false));
    }
    cases.retain(|(_, _, offset, address, _)| *offset <= u32::MAX as u64 && *address <= u32::MAX as u64);
    let mut funcs = String::new();
    for (i, (name, _, offset, address, _)) in cases.iter().enumerate() {
        // Addresses as constants are part of the instruction, the others are not.
        let a = *address as u32 as i32;
        let store = name.replace("_u", "").replace("load", "store");
        let ty = &name[..3];
        funcs += &format!(
            "(func (export \"constant{i}\") (drop ({name} offset={offset} (i32.const {a}))))
             (func (export \"local{i}\") (local $a i32) (local.set $a (i32.const {a}))
               (drop ({name} offset={offset} (local.get $a))))
             (func (export \"sum{i}\") (local $a i32) (local.set $a (i32.const {a}))
               (drop ({name} offset={offset} (i32.add (local.get $a) (i32.const 0)))))
             (func (export \"store{i}\") (local $a i32) (local.set $a (i32.const {a}))
               ({store} offset={offset} (local.get $a) ({ty}.const 1)))"
        );
    }
    let engine = Engine::default();
    let module = module(&engine, &format!("(module (memory 65536) {funcs})"));
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_in(&mut store, &module).unwrap();
    for (i, (name, _, offset, address, inside)) in cases.iter().enumerate() {
        for form in ["constant", "local", "sum", "store"] {
            let func = instance.func(&mut store, &format!("{form}{i}")).unwrap();
            let trap = func.call(&mut store, &[]).map_err(|error| error.trap());
            let expected = if *inside {
                None
            } else {
                Some(Some(Trap::MemoryOutOfBounds))
            };
            assert_eq!(trap.err(), expected, "{form} {name} offset={offset} at {address}");
        }
    }
}

#[test]
fn select_globals_and_locals() {
    let globals = "
        (global $i (mut i32) (i32.const 1)) (global $l (mut i64) (i64.const 2))
        (global $f (mut f32) (f32.const 3)) (global $d (mut f64) (f64.const 4))";
    let body = [
        "(global.set $i (i32.add (global.get $i) (i32.wrap_i64 (local.get $r))))",
        "(global.set $l (i64.xor (global.get $l) (local.get $r)))",
        "(global.set $f (f32.mul (f32.add (global.get $f) (f32.const 1)) (f32.const 0.5)))",
        "(global.set $d (f64.mul (f64.add (global.get $d) (f64.const 1)) (f64.const 0.25)))",
        &mixed("(i64.extend_i32_u (global.get $i))"),
        &mixed("(global.get $l)"),
        &mixed("(i64.extend_i32_u (i32.reinterpret_f32 (global.get $f)))"),
        &mixed("(i64.reinterpret_f64 (global.get $d))"),
        &mixed("(select (local.get $r) (local.get $s) (i64.lt_s (local.get $r) (i64.const 0)))"),
        &mixed("(select (i64.const 5) (local.get $s) (i32.and (i32.wrap_i64 (local.get $r)) (i32.const 64)))"),
        "(local.set $t (local.get $u)) (local.set $u (local.get $s))",
        &mixed("(local.get $t)"),
        // Two operands that are the same local, of which one is changed before it is used.
        "(local.get $s) (local.set $s (i64.add (local.get $s) (i64.const 3))) (local.set $t)",
        &mixed("(local.get $t)"),
    ]
    .concat();
    let expected = {
        let (mut r, mut s, mut t, mut u);
        (r, s, u) = (0u64, 0u64, 0u64);
        let (mut i, mut l, mut f, mut d) = (1u32, 2u64, 3f32, 4f64);
        for _ in 0..ITERATIONS {
            step(&mut r);
            i = i.wrapping_add(r as u32);
            l ^= r;
            f = (f + 1.0) * 0.5;
            d = (d + 1.0) * 0.25;
            for value in [i as u64, l, f.to_bits() as u64, d.to_bits()] {
                mix(&mut s, value);
            }
            let value = if (r as i64) < 0 { r } else { s };
            mix(&mut s, value);
            let value = if r & 64 != 0 { 5 } else { s };
            mix(&mut s, value);
            (t, u) = (u, s);
            mix(&mut s, t);
            t = s;
            s = s.wrapping_add(3);
            mix(&mut s, t);
        }
        s
    };
    for optimizations in [Optimizations::default(), Optimizations::NONE] {
        // Beside a memory of the instance's own, beside none, and reached through the instance because the memory is
        // imported.
        let locals = "(local $t i64) (local $u i64)";
        for fields in ["(memory 1)", ""] {
            let text = looped(&format!("{fields} {globals}"), locals, &body);
            assert_eq!(
                run_text(optimizations, &text, ITERATIONS),
                expected,
                "{fields} {optimizations:?}"
            );
        }
        let engine = Engine::new(Config::new().optimizations(optimizations));
        let owner = module(&engine, "(module (memory (export \"m\") 1))");
        let user = module(
            &engine,
            &looped(&format!("(import \"o\" \"m\" (memory 1)) {globals}"), locals, &body),
        );
        let found = on_stack(128, || {
            let mut store = Store::new(&engine, ());
            let mut linker = Linker::new(&engine);
            let owner = linker.instantiate_in(&mut store, &owner).unwrap();
            linker.instance(&mut store, "o", owner).unwrap();
            let user = linker.instantiate_in(&mut store, &user).unwrap();
            call_run(&mut store, user, ITERATIONS)
        });
        assert_eq!(found, expected, "imported memory {optimizations:?}");
    }
}

#[test]
fn exceptions_of_both_forms() {
    // Thrown here, by a callee and by one further down; caught by tag, by all, by reference and thrown again, delegated.
    let fields = "
        (tag $t (param i64)) (tag $u (param i64 f64))
        (func $odd (param i64) (result i64)
          (if (i64.eqz (i64.and (local.get 0) (i64.const 1))) (then (throw $t (local.get 0))))
          (local.get 0))
        (func $far (param i64) (result i64)
          try (result i64)
            (i64.add (call $odd (i64.shr_u (local.get 0) (i64.const 1))) (i64.const 1))
          catch $u
            (drop)
          catch $t
            (f64.const 0.5)
            (throw $u)
          end)";
    let body = format!(
        "(block $caught (result i64)
           (local.set $s (i64.rotl (local.get $s) (i64.const 1)))
           (try_table (result i64) (catch $t $caught) (i64.xor (call $odd (local.get $r)) (i64.const -1))))
         (local.set $x)
         try
           try (local.set $x (i64.add (local.get $x) (call $far (local.get $r)))) delegate 0
         catch $u
           (f64.mul (f64.const 8))
           (i64.trunc_f64_u)
           (i64.add)
           (local.set $y)
           (local.set $x (i64.sub (local.get $y) (local.get $x)))
         end
         {}",
        mixed("(local.get $x)")
    );
    let text = looped(fields, "(local $x i64) (local $y i64)", &body);
    for (optimizations, iterations) in [
        (Optimizations::default(), ITERATIONS / 2),
        (Optimizations::NONE, ITERATIONS / 10),
    ] {
        let (mut r, mut s) = (0u64, 0u64);
        for _ in 0..iterations {
            step(&mut r);
            s = s.rotate_left(1);
            let mut x = if r & 1 == 0 { r } else { !r };
            let half = r >> 1;
            x = if half & 1 == 1 {
                x.wrapping_add(half.wrapping_add(1))
            } else {
                (half + 4).wrapping_sub(x)
            };
            mix(&mut s, x);
        }
        assert_eq!(run_text(optimizations, &text, iterations), s, "{optimizations:?}");
    }
}

#[test]
fn branches_and_br_table() {
    let body = format!(
        "(local.set $k (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 61))))
         (block $out (block $c (block $b (block $a
             (br_table $a $b $c $out $a $top2 (local.get $k)))
             {} (br $out))
             {} (br $out))
             {}
             (br_if $out (i32.and (i32.wrap_i64 (local.get $r)) (i32.const 1)))
             {})
         (if (i32.eqz (local.get $k)) (then {}) (else {}))",
        mixed("(i64.const 1)"),
        mixed("(i64.const 2)"),
        mixed("(i64.const 3)"),
        mixed("(i64.const 4)"),
        mixed("(i64.const 5)"),
        mixed("(i64.const 6)"),
    );
    // A br_table that goes back, too: to a loop around the body.
    let body = format!("(loop $top2 {STEP} {body})");
    let (mut r, mut s) = (0u64, 0u64);
    for _ in 0..ITERATIONS {
        step(&mut r);
        let k = loop {
            let k = step(&mut r) >> 61;
            if k < 5 {
                break k;
            }
        };
        match k {
            0 | 4 => mix(&mut s, 1),
            1 => mix(&mut s, 2),
            2 => {
                mix(&mut s, 3);
                if r & 1 == 0 {
                    mix(&mut s, 4);
                }
            }
            _ => {}
        }
        mix(&mut s, if k == 0 { 5 } else { 6 });
    }
    let text = looped("", "(local $k i32)", &body);
    for optimizations in [Optimizations::default(), Optimizations::NONE] {
        assert_eq!(run_text(optimizations, &text, ITERATIONS), s, "{optimizations:?}");
    }
}

#[test]
fn calls_within_a_module() {
    let text = format!(
        "(module
          (type $op (func (param i64 i64) (result i64)))
          (table funcref (elem $add $sub $mul $xor))
          (func $add (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
          (func $sub (param i64 i64) (result i64) (i64.sub (local.get 0) (local.get 1)))
          (func $mul (param i64 i64) (result i64) (i64.mul (local.get 0) (local.get 1)))
          (func $xor (param i64 i64) (result i64) (i64.xor (local.get 0) (local.get 1)))
          (func $float (param f64 f32) (result f64) (f64.add (local.get 0) (f64.promote_f32 (local.get 1))))
          (func $swap (param i64 i64) (result i64 i64) (local i64 i64 i64 i64 i64 i64) (local.get 1) (local.get 0))
          (func $tail (param i64 i64) (result i64) (return_call $sub (local.get 1) (local.get 0)))
          (func $tail_indirect (param i64 i64) (result i64)
            (return_call_indirect (type $op) (local.get 1) (local.get 0) (i32.const 2)))
          (func (export \"run\") (param $n i32) (result i64)
            (local $r i64) (local $s i64) (local $d f64)
            (loop $top {STEP}
              {}{}
              (local.set $d (call $float (local.get $d) (f32.const 0.5)))
              {}
              (call $swap (local.get $s) (local.get $r))
              (local.set $s (i64.add (i64.mul (i64.const 3))))
              {}{}
              (br_if $top (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $s)))",
        mixed("(call $add (local.get $r) (local.get $s))"),
        mixed(
            "(call_indirect (type $op) (local.get $s) (local.get $r)
               (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 62))))"
        ),
        mixed("(i64.trunc_f64_u (local.get $d))"),
        mixed("(call $tail (local.get $r) (local.get $s))"),
        mixed("(call $tail_indirect (local.get $r) (local.get $s))"),
    );
    let (mut r, mut s, mut d) = (0u64, 0u64, 0f64);
    for _ in 0..ITERATIONS {
        step(&mut r);
        let value = r.wrapping_add(s);
        mix(&mut s, value);
        let value = match r >> 62 {
            0 => s.wrapping_add(r),
            1 => s.wrapping_sub(r),
            2 => s.wrapping_mul(r),
            _ => s ^ r,
        };
        mix(&mut s, value);
        d += 0.5;
        mix(&mut s, d as u64);
        s = r.wrapping_add(s.wrapping_mul(3));
        let value = s.wrapping_sub(r);
        mix(&mut s, value);
        let value = s.wrapping_mul(r);
        mix(&mut s, value);
    }
    for optimizations in [Optimizations::default(), Optimizations::NONE] {
        assert_eq!(run_text(optimizations, &text, ITERATIONS), s, "{optimizations:?}");
    }
}

/// A million tail calls deep: direct, indirect, between instances, and to host functions.
#[test]
fn tail_calls_need_no_stack() {
    let engine = Engine::default();
    let other = module(
        &engine,
        "(module
          (type $f (func (param i32 i64) (result i64)))
          (import \"o\" \"table\" (table 1 funcref))
          (func (export \"pong\") (type $f)
            (return_call_indirect (type $f) (local.get 0) (i64.xor (local.get 1) (i64.const 5)) (i32.const 0))))",
    );
    let main = module(
        &engine,
        "(module
          (type $f (func (param i32 i64) (result i64)))
          (import \"o\" \"table\" (table 1 funcref))
          (import \"o\" \"pong\" (func $pong (type $f)))
          (import \"host\" \"finish\" (func $finish (param i64) (result i64)))
          (elem (table 0) (i32.const 0) func $ping)
          (func $ping (type $f)
            (if (i32.eqz (local.get 0)) (then (return_call $finish (local.get 1))))
            (return_call $three (i64.const 1) (i64.const 2)
              (i32.sub (local.get 0) (i32.const 1)) (i64.mul (local.get 1) (i64.const 7))))
          (func $three (param i64 i64 i32 i64) (result i64) (local i64 i64 i64)
            (return_call $pong (local.get 2) (i64.add (i64.add (local.get 0) (local.get 1)) (local.get 3))))
          (func (export \"run\") (param i32) (result i64)
            (return_call $ping (local.get 0) (i64.const 9))))",
    );
    let found = on_stack(128, || {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker
            .func("host", "finish", |_: &mut LinearMemory, value: u64| value ^ 0xff)
            .unwrap();
        let ty = wasmrun::TableType::new(wasmrun::ValType::FUNCREF, 1, None);
        let table = wasmrun::Table::new(&mut store, ty, Val::FuncRef(None)).unwrap();
        linker.define(&store, "o", "table", table).unwrap();
        let other = linker.instantiate_in(&mut store, &other).unwrap();
        let pong = other.func(&mut store, "pong").unwrap();
        linker.define(&store, "o", "pong", pong).unwrap();
        let main = linker.instantiate_in(&mut store, &main).unwrap();
        call_run(&mut store, main, ITERATIONS)
    });
    let expected = (0..ITERATIONS).fold(9u64, |value, _| value.wrapping_mul(7).wrapping_add(3) ^ 5);
    assert_eq!(found, expected ^ 0xff);
}

#[test]
fn calls_of_the_host_and_of_other_instances() {
    let engine = Engine::default();
    let other = module(
        &engine,
        "(module (global $g (mut i64) (i64.const 0)) (memory 1)
          (func (export \"count\") (param i64) (result i64)
            (global.set $g (i64.add (global.get $g) (local.get 0)))
            (i64.store offset=8 (i32.const 0) (global.get $g))
            (i64.load (i32.const 8))))",
    );
    let main = module(
        &engine,
        &looped(
            "(import \"host\" \"triple\" (func $triple (param i64) (result i64)))
             (import \"host\" \"pair\" (func $pair (param f64 i32) (result i32 f64)))
             (import \"other\" \"count\" (func $count (param i64) (result i64)))
             (table funcref (elem $triple $count)) (memory 1)",
            "(local $i i32) (local $d f64)",
            &[
                mixed("(call $triple (local.get $r))"),
                mixed("(call $count (local.get $r))"),
                "(call $pair (f64.convert_i64_u (i64.shr_u (local.get $s) (i64.const 40))) (local.get $n))
                 (local.set $d) (local.set $i)"
                    .to_owned(),
                mixed("(i64.extend_i32_u (local.get $i))"),
                mixed("(i64.reinterpret_f64 (local.get $d))"),
                mixed(
                    "(call_indirect (param i64) (result i64) (local.get $s)
                       (i32.and (i32.wrap_i64 (local.get $s)) (i32.const 1)))",
                ),
            ]
            .concat(),
        ),
    );
    let found = on_stack(128, || {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker
            .func("host", "triple", |_: &mut LinearMemory, value: u64| {
                value.wrapping_mul(3)
            })
            .unwrap();
        linker
            .func_with("host", "pair", |_: &mut Caller<'_>, d: f64, n: u32| (n ^ 1, d * 2.0))
            .unwrap();
        let other = linker.instantiate_in(&mut store, &other).unwrap();
        linker.instance(&mut store, "other", other).unwrap();
        let main = linker.instantiate_in(&mut store, &main).unwrap();
        call_run(&mut store, main, ITERATIONS)
    });
    let (mut r, mut s, mut count) = (0u64, 0u64, 0u64);
    for n in (1..=ITERATIONS).rev() {
        step(&mut r);
        mix(&mut s, r.wrapping_mul(3));
        count = count.wrapping_add(r);
        mix(&mut s, count);
        let d = (s >> 40) as f64 * 2.0;
        mix(&mut s, (n ^ 1) as u64);
        mix(&mut s, d.to_bits());
        let value = if s & 1 == 0 {
            s.wrapping_mul(3)
        } else {
            count = count.wrapping_add(s);
            count
        };
        mix(&mut s, value);
    }
    assert_eq!(found, s);
}

#[test]
fn bulk_memory_tables_and_references() {
    let text = looped(
        "(memory 1) (memory $other 1) (table $t 16 funcref) (table $u 16 externref) (data $d \"\\01\\02\\03\\04\\05\\06\\07\\08\")
         (elem $e func $f $g) (func $f) (func $g)",
        "(local $a i32)",
        &[
            "(local.set $a (i32.wrap_i64 (i64.shr_u (local.get $r) (i64.const 52))))",
            "(memory.fill (local.get $a) (i32.wrap_i64 (local.get $s)) (i32.const 40))",
            "(memory.init $d (i32.add (local.get $a) (i32.const 4)) (i32.const 2) (i32.const 5))",
            "(memory.copy (i32.add (local.get $a) (i32.const 16)) (local.get $a) (i32.const 16))",
            "(memory.copy $other 0 (local.get $a) (i32.add (local.get $a) (i32.const 3)) (i32.const 32))",
            "(memory.fill $other (i32.const 60000) (local.get $a) (i32.const 3))",
            &mixed("(i64.load (i32.add (local.get $a) (i32.const 19)))"),
            &mixed("(i64.load $other (local.get $a))"),
            &mixed("(i64.extend_i32_u (i32.add (memory.size) (memory.grow (i32.const 0))))"),
            &mixed("(i64.extend_i32_u (i32.add (memory.size $other) (memory.grow $other (i32.const 0))))"),
            "(table.set $t (i32.const 3) (ref.func $f))",
            "(table.set $t (i32.const 4) (ref.null func))",
            "(table.fill $t (i32.const 5) (table.get $t (i32.const 3)) (i32.const 2))",
            "(table.init $t $e (i32.const 7) (i32.const 0) (i32.const 2))",
            "(table.copy $t $t (i32.const 9) (i32.const 4) (i32.const 4))",
            "(table.fill $u (i32.const 0) (ref.null extern) (i32.const 16))",
            &(0..16)
                .map(|at| mixed(&format!("(i64.extend_i32_u (ref.is_null (table.get $t (i32.const {at}))))")))
                .collect::<String>(),
            &mixed("(i64.extend_i32_u (i32.add (table.size $t) (table.grow $u (ref.null extern) (i32.const 0))))"),
            "(if (i32.eq (local.get $n) (i32.const 1)) (then (data.drop $d) (elem.drop $e)))",
        ]
        .concat(),
    );
    let iterations = ITERATIONS / 4;
    let found = run_text(Optimizations::default(), &text, iterations);
    let (mut r, mut s) = (0u64, 0u64);
    let (mut memory, mut other) = (vec![0u8; 1 << 16], vec![0u8; 1 << 16]);
    for _ in 0..iterations {
        step(&mut r);
        let a = (r >> 52) as usize;
        memory[a..a + 40].fill(s as u8);
        memory[a + 4..a + 9].copy_from_slice(&[3, 4, 5, 6, 7]);
        memory.copy_within(a..a + 16, a + 16);
        other[a..a + 32].copy_from_slice(&memory[a + 3..a + 35]);
        other[60000..60003].fill(a as u8);
        for value in [&memory[a + 19..a + 27], &other[a..a + 8]] {
            mix(&mut s, u64::from_le_bytes(value.try_into().unwrap()));
        }
        mix(&mut s, 2);
        mix(&mut s, 2);
        // Set: 3, 5 and 6 (filled), 7 and 8 (from the segment); 9 to 12 are copies of 4 to 7.
        for at in 0..16 {
            mix(&mut s, ![3, 5, 6, 7, 8, 10, 11, 12].contains(&at) as u64);
        }
        mix(&mut s, 32);
    }
    assert_eq!(found, s);
}

/// Wasm frames are never native ones: recursion ends at the configured depth on any native stack.
#[test]
fn recursion_ends_at_the_value_stacks_limit_on_a_small_native_stack() {
    let text = "(module
        (type $f (func (param i32) (result i32)))
        (table funcref (elem $indirect))
        (global $depth (export \"depth\") (mut i32) (i32.const 0))
        (func $direct (export \"direct\") (param i32) (result i32)
          (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
          (i32.add (call $direct (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
        (func $indirect (export \"indirect\") (param i32) (result i32)
          (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
          (i32.add (call_indirect (type $f) (local.get 0) (i32.const 0)) (i32.const 1)))
        (func (export \"fine\") (param i32) (result i32) (local.get 0)))";
    let stack = if cfg!(debug_assertions) { 1 << 20 } else { 64 << 20 };
    let engine = Engine::new(Config::new().max_stack(stack));
    let module = module(&engine, text);
    on_stack(256, || {
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_in(&mut store, &module).unwrap();
        let depth = instance.global(&mut store, "depth").unwrap();
        for name in ["direct", "indirect"] {
            depth.set(&mut store, Val::I32(0)).unwrap();
            let func = instance.func(&mut store, name).unwrap();
            let error = func.call(&mut store, &[Val::I32(0)]).unwrap_err();
            assert_eq!(error.trap(), Some(Trap::CallStackExhausted), "{name}");
            let Val::I32(depth) = depth.get(&store).unwrap() else {
                panic!("an i32")
            };
            assert!(
                depth as usize > stack / 8 / 16,
                "{name}: {depth} calls in {stack} bytes"
            );
            let fine = instance.typed_func::<i32, i32>(&mut store, "fine").unwrap();
            assert_eq!(fine.call(&mut store, 7).unwrap(), 7);
        }
    });
}

/// A guest calls the host, which calls the guest, which calls the host ...: each round takes native stack, so their
/// number is limited, by a trap.
#[test]
fn host_calls_that_call_back_end_in_a_trap() {
    static DEEPEST: AtomicU32 = AtomicU32::new(0);
    let engine = Engine::default();
    let module = module(
        &engine,
        "(module
          (import \"host\" \"again\" (func $again (param i32) (result i32)))
          (func (export \"down\") (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (i32.add (call $again (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
              (else (i32.const 0)))))",
    );
    // Unoptimised, a round takes some 6 KiB.
    on_stack(if cfg!(debug_assertions) { 1024 } else { 256 }, || {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker
            .func_with(
                "host",
                "again",
                |caller: &mut Caller<'_>, left: i32| -> Result<i32, Error> {
                    DEEPEST.fetch_add(1, Relaxed);
                    let down = caller.get_export("down").and_then(|export| export.into_func()).unwrap();
                    let result = caller.call(down, &[Val::I32(left)])?;
                    let [Val::I32(depth)] = result[..] else {
                        panic!("one i32")
                    };
                    Ok(depth)
                },
            )
            .unwrap();
        let instance = linker.instantiate_in(&mut store, &module).unwrap();
        let down = instance.typed_func::<i32, i32>(&mut store, "down").unwrap();
        assert_eq!(down.call(&mut store, 50).unwrap(), 50);
        assert_eq!(DEEPEST.swap(0, Relaxed), 50);
        let error = down.call(&mut store, 1_000_000).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::CallStackExhausted));
        assert!((90..=110).contains(&DEEPEST.load(Relaxed)), "{DEEPEST:?}");
        assert_eq!(down.call(&mut store, 50).unwrap(), 50);
    });
}
