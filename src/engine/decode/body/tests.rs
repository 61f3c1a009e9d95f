//! That everything usual is accepted, and nothing that wasmparser refuses.

use wasmparser::{FuncToValidate, FuncValidatorAllocations, FunctionBody};

use super::*;
use crate::engine::Engine;
use crate::engine::decode::Decoder;

/// Gives `each` the module's bodies, with a function that asks wasmparser.
fn bodies(wasm: &[u8], mut each: impl FnMut(&mut Checker<'_>, u32, &[u8], &dyn Fn(&[u8]) -> wasmparser::Result<()>)) {
    let engine = Engine::default();
    let features = engine.config().features.for_validator();
    let mut decoder = Decoder::new(&engine, wasm);
    let mut found = None;
    decoder.sections(&mut found).map_err(|_| "a valid module").unwrap();
    let resources = found.unwrap().resources;
    let module = &decoder.module;
    let mut checker = Checker::new(module, features);
    for (at, range) in module.bodies.iter().enumerate() {
        let index = module.imported_funcs + at as u32;
        let ty = module.funcs[index as usize];
        let ask = |body: &[u8]| {
            let func = FuncToValidate {
                resources: &resources,
                index,
                ty,
                features,
            };
            let body = FunctionBody::new(wasmparser::BinaryReader::new_features(body, 0, features));
            func.into_validator(FuncValidatorAllocations::default()).validate(&body)
        };
        each(&mut checker, ty, &wasm[range.start as usize..range.end as usize], &ask);
    }
}

/// Every kind of operator this file knows, with blocks that take and give values, and code that is not reached.
const SAMPLES: &str = r#"(module
    (type $pair (func (param i32 i64) (result i64 i32)))
    (memory 1) (table 4 funcref) (table 1 externref)
    (global $m (mut i64) (i64.const 0)) (global $c f32 (f32.const 1))
    (func $swap (type $pair) local.get 1 local.get 0)
    (func (param i32 f64) (result i32) (local i64 i64 f32 funcref externref)
        local.get 0 (if (result i32) (then i32.const -1) (else i32.const 300000))
        local.tee 0 i64.extend_i32_s local.set 2
        local.get 0 local.get 2 (block (param i32 i64) (result i64 i32) call $swap)
        (loop (param i64 i32) (result i64 i32) (br_if 0 (i32.const 0)))
        drop global.set $m global.get $m i32.wrap_i64
        (br_table 0 0 0 (i32.const 1)))
    (func (param i32) (result f64)
        (block (block (br_table 0 1 (local.get 0)) (i64.add) (drop) (unreachable)) (br 0) (select) (drop))
        (return (f64.load offset=70000 (local.get 0))) (br_if 0) (drop) (i32.eqz) (if (then)))
    (func (param i32 i64 f32 f64) (result i64)
        (i32.store8 (local.get 0) (i32.const 7)) (i64.store16 align=1 (local.get 0) (i64.const -9223372036854775808))
        (f32.store (local.get 0) (f32.add (local.get 2) (global.get $c))) (f64.store (local.get 0) (local.get 3))
        (memory.copy (i32.const 0) (i32.const 1) (memory.size))
        (memory.fill (i32.const 0) (i32.const 1) (memory.grow (i32.const 0)))
        (i64.load32_u (i32.trunc_sat_f64_u (local.get 3))) (drop (i64.trunc_sat_f32_s (local.get 2)))
        (if (param i64) (result i64) (f64.lt (local.get 3) (f64.const 2.5)) (then (i64.rotl (local.get 1))) (else))
        (drop (call_indirect (type $pair) (i32.const 1) (i64.const 5) (i32.const 0)))
        drop drop (select (local.get 1) (i64.extend8_s (i64.reinterpret_f64 (local.get 3))) (local.get 0)))
    (func (result i32) (local f32)
        (block (result i32) (nop) (block (result i32) (br 1 (i32.const 3)) (i32.trunc_f32_u)) (return)))
)"#;

#[test]
fn usual_bodies_are_accepted() {
    let mut count = 0;
    bodies(&wat::parse_str(SAMPLES).unwrap(), |checker, ty, body, ask| {
        count += 1;
        ask(body).unwrap();
        assert!(checker.accepts(ty, body), "body {count}");
    });
    assert_eq!(count, 5);
}

#[test]
fn no_damaged_body_is_accepted_that_wasmparser_refuses() {
    let rounds = std::env::var("ROUNDS").map_or(4_000, |rounds| rounds.parse().unwrap());
    let (mut accepted, mut strict) = (0, 0);
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    bodies(&wat::parse_str(SAMPLES).unwrap(), |checker, ty, body, ask| {
        for _ in 0..rounds {
            let mut damaged = body.to_vec();
            let mut next = |below: usize| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random >> 16) as usize % below
            };
            for _ in 0..=next(3) {
                let (at, from) = (next(damaged.len()), next(damaged.len()));
                match next(5) {
                    0 => damaged[at] = next(256) as u8,
                    1 => damaged[at] = damaged[from],
                    2 => damaged.insert(at, damaged[from]),
                    3 => damaged.insert(at, next(256) as u8),
                    _ if damaged.len() > 1 => drop(damaged.remove(at)),
                    _ => {}
                }
            }
            let valid = ask(&damaged).is_ok();
            if checker.accepts(ty, &damaged) {
                accepted += 1;
                assert!(valid, "{damaged:02x?} of type {ty}");
            } else if valid {
                strict += 1;
            }
        }
    });
    // What is valid and not accepted: operators this file leaves to wasmparser, and few of them.
    assert!(
        accepted > 100 && strict < accepted / 10,
        "{accepted} accepted, {strict} not"
    );
}
