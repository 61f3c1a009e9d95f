//! Snapshots of what the translator makes of small functions.

use crate::engine::{Config, Engine, Module, Optimizations};

/// The listing of the first defined function of a module in text form.
fn listing(wat: &str) -> String {
    listing_with(Config::new(), wat)
}

fn listing_with(config: Config, wat: &str) -> String {
    let module = Module::new(&Engine::new(config), wat).expect("a valid module");
    let first = module.inner.imported_funcs;
    module.listing(first).expect("a defined function").to_string()
}

#[test]
fn a_loop_keeps_its_counter_and_sum_in_registers() {
    insta::assert_snapshot!(listing(
        "(func (param $n i32) (result i32) (local $sum i32)
           (loop $next
             (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $n) (local.get $n))))
             (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
           (local.get $sum))"
    ));
}

#[test]
fn without_optimizations_every_operand_is_a_slot() {
    let config = Config::new().optimizations(Optimizations::NONE);
    insta::assert_snapshot!(listing_with(
        config,
        "(func (param $n i32) (result i32) (local $sum i32)
           (loop $next
             (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $n) (local.get $n))))
             (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
           (local.get $sum))"
    ));
}

#[test]
fn addresses_absorb_additions_and_constants() {
    insta::assert_snapshot!(listing(
        "(memory 1)
         (func (param $p i32) (param $i i32) (result i32)
           (i32.store offset=4 (i32.add (local.get $p) (local.get $i)) (i32.load (i32.const 1024)))
           (i64.store8 (i32.add (local.get $p) (i32.const 12)) (i64.const 7))
           (i32.load16_u offset=2 (i32.add (local.get $i) (local.get $p))))"
    ));
}

#[test]
fn a_local_set_while_it_is_still_on_the_stack_is_copied_first() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (result i32)
           (local.get $x)
           (local.set $x (i32.add (local.get $x) (i32.const 1)))
           (i32.mul (local.get $x)))"
    ));
}

#[test]
fn branches_carry_values_to_where_the_block_ends() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (result i32)
           (block $done (result i32)
             (br_if $done (i32.const 3) (i32.lt_s (local.get $x) (i32.const 10)))
             (drop)
             (i32.add (i32.const 1)
               (block (result i32) (br $done (i32.mul (local.get $x) (i32.const 5)))))))"
    ));
}

#[test]
fn br_table_goes_straight_to_labels_and_by_way_of_moves() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (result i32)
           (block $outer (result i32)
             (i32.const 100)
             (block $inner (result i32)
               (br_table $inner $outer $inner (i32.const 7) (local.get $x)))
             (i32.add)))"
    ));
}

#[test]
fn calls_find_their_arguments_in_place() {
    insta::assert_snapshot!(listing(
        "(type $t (func (param i32 i32) (result i32)))
         (table 1 funcref)
         (func $f (param i32 i32) (result i32)
           (i32.sub
             (call $f (i32.add (local.get 0) (i32.const 1)) (local.get 1))
             (call_indirect (type $t) (i32.const 1) (i32.const 2) (local.get 0))))"
    ));
}

#[test]
fn floats_have_registers_of_their_own() {
    insta::assert_snapshot!(listing(
        "(func (param $x f64) (param $n i32) (result f64) (local $y f64)
           (loop $next
             (local.set $y (f64.add (f64.mul (local.get $y) (local.get $x)) (f64.const 0.5)))
             (br_if $next (f64.lt (local.get $y) (f64.convert_i32_s (local.get $n)))))
           (local.get $y))"
    ));
}

#[test]
fn results_that_are_parameters_do_not_overwrite_each_other() {
    insta::assert_snapshot!(listing(
        "(func (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))"
    ));
}

#[test]
fn metering_charges_straight_stretches() {
    insta::assert_snapshot!(listing_with(
        Config::new().metering(true),
        "(func (param $n i32)
           (loop $next
             (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"
    ));
}

// ---- neighbours that become one instruction, and those that must not ----------------------------------------------

#[test]
fn shifts_and_masks_are_rotations() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (param $y i32) (result i32 i32 i32 i32 i32)
           (i32.and (i32.shr_u (local.get $x) (i32.const 5)) (i32.const 0xff))
           (i32.and (i32.shl (local.get $x) (i32.const 35)) (i32.const 0x7fc))
           (i32.shl (i32.and (local.get $x) (i32.const -1)) (i32.const 17))
           (i32.add (local.get $y) (i32.shr_u (i32.and (local.get $x) (i32.const 0xff00)) (i32.const 8)))
           (i32.add (i32.shl (local.get $x) (i32.const 4)) (local.get $y)))"
    ));
}

#[test]
fn indices_are_scaled_by_the_access_if_the_width_is_right() {
    insta::assert_snapshot!(listing(
        "(memory 1)
         (func (param $p i32) (param $i i32) (param $d f64) (result i32 i32)
           (f64.store (i32.add (i32.shl (local.get $i) (i32.const 3)) (local.get $p)) (local.get $d))
           (i64.store32 offset=4 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 34))) (i64.const -1))
           (i32.load16_s (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 1))))
           (i32.load (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 3)))))"
    ));
}

#[test]
fn loads_masks_and_wide_constants_branch() {
    insta::assert_snapshot!(listing(
        "(memory 1)
         (func (param $p i32) (param $l i64)
           (block $out
             (br_if $out (i32.eq (i32.load8_u offset=1 (local.get $p)) (i32.const 10)))
             (br_if $out (i32.and (i32.load (local.get $p)) (i32.const -8)))
             (br_if $out (i32.ne (i32.and (local.get $p) (i32.const 7)) (i32.const 2)))
             (br_if $out (i32.eqz (i32.and (local.get $p) (i32.wrap_i64 (local.get $l)))))
             (br_if $out (i64.lt_u (local.get $l) (i64.const 0x123456789)))
             (br_if $out (i32.lt_u (i32.load8_u (local.get $p)) (i32.const 10)))
             (br_if $out (i32.eq (i32.load8_s (local.get $p)) (i32.const -1)))
             (i32.store (local.get $p) (i32.const 0))))"
    ));
}

#[test]
fn steps_of_globals_are_one_instruction() {
    insta::assert_snapshot!(listing(
        "(memory 1) (global $sp (mut i32) (i32.const 0)) (global $other (mut i32) (i32.const 0))
         (func (local $fp i32)
           (global.set $sp (local.tee $fp (i32.sub (global.get $sp) (i32.const 16))))
           (global.set $other (i32.add (global.get $sp) (i32.const 1)))
           (global.set $sp (i32.add (local.get $fp) (i32.const 16))))"
    ));
}

#[test]
fn globals_away_from_memory_have_no_steps() {
    insta::assert_snapshot!(listing(
        "(import \"m\" \"sp\" (global $sp (mut i32))) (memory 1)
         (func (local $fp i32)
           (global.set $sp (local.tee $fp (i32.sub (global.get $sp) (i32.const 16))))
           (global.set $sp (i32.add (local.get $fp) (i32.const 16))))"
    ));
}

#[test]
fn br_table_adds_to_its_index() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (result i32)
           (block $a (block $b
             (br_table $a $b (i32.sub (local.get $x) (i32.const 97))))
             (return (i32.const 1)))
           (i32.const 2))"
    ));
}

#[test]
fn copies_and_additions_go_in_pairs_or_with_a_branch() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (param $y i32) (param $l i64) (param $m i64)
           (local.set $l (local.get $m)) (local.set $x (i32.const 7))
           (local.set $x (i32.add (local.get $x) (i32.const 1))) (local.set $y (i32.add (local.get $y) (i32.const -1)))
           (block $out (loop $back
             (br_if $out (i32.eqz (local.get $x)))
             (local.set $x (i32.sub (local.get $x) (i32.const 2)))
             (br $back)))
           (block $out (loop $back
             (br_if $out (i64.eqz (local.get $l)))
             (local.set $l (local.get $m))
             (br $back))))"
    ));
}

/// The second reads what the first writes.
#[test]
fn copies_that_need_each_other_stay_apart() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (param $y i32) (param $z i32)
           (local.set $x (local.get $y)) (local.set $z (local.get $x))
           (local.set $y (i32.add (local.get $z) (i32.const 1))) (local.set $x (i32.add (local.get $y) (i32.const 2))))"
    ));
}

#[test]
fn wrapping_vanishes_where_half_is_read() {
    insta::assert_snapshot!(listing(
        "(memory 1)
         (func (param $l i64) (result i32 i32 i64)
           (i32.add (i32.wrap_i64 (local.get $l)) (i32.const 3))
           (i32.clz (i32.wrap_i64 (local.get $l)))
           (i64.extend_i32_u (i32.wrap_i64 (local.get $l)))
           (i32.store (i32.wrap_i64 (i64.shr_u (local.get $l) (i64.const 3))) (i32.const 1)))"
    ));
}

#[test]
fn subtracting_a_constant_is_an_addition() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (param $l i64) (result i32 i64 i64)
           (i32.sub (local.get $x) (i32.const 0x80000000))
           (i64.sub (local.get $l) (i64.const -0x80000000))
           (i64.sub (local.get $l) (i64.const 0x80000000)))"
    ));
}

/// A tee keeps the shifted value for a local.
#[test]
fn a_result_read_twice_is_not_joined() {
    insta::assert_snapshot!(listing(
        "(memory 1)
         (func (param $x i32) (param $p i32) (result i32 i32)
           (i32.and (local.tee $x (i32.shr_u (local.get $x) (i32.const 5))) (i32.const 0xff))
           (i32.load (i32.add (local.get $p) (local.tee $p (i32.shl (local.get $x) (i32.const 2))))))"
    ));
}

#[test]
fn a_value_kept_over_a_branch_is_not_joined() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (result i32)
           (block $out (result i32)
             (i32.and
               (br_if $out (i32.shr_u (local.get $x) (i32.const 5)) (local.get $x))
               (i32.const 0xff))))"
    ));
}

#[test]
fn a_label_between_neighbours_keeps_them_apart() {
    insta::assert_snapshot!(listing(
        "(func (param $x i32) (result i32)
           (i32.and
             (block $here (result i32)
               (br_if $here (local.get $x) (local.get $x)) (drop)
               (i32.shr_u (local.get $x) (i32.const 5)))
             (i32.const 0xff)))"
    ));
}

/// Found by the differential tests: the first branch took the parameter from the accumulator, so its slot was not
/// written, and the second read it there.
#[test]
fn both_branches_of_an_if_find_its_parameters() {
    let engine = Engine::default();
    let wat = r#"(func (export "f") (param $x i32) (param $which i32) (result i32) (local $y i32)
        (i32.mul (local.get $x) (local.get $x))
        (if (param i32) (result i32) (i32.and (local.get $which) (i32.const 1))
          (then (local.set $y) (local.get $y))
          (else (i32.const 1) (i32.add))))"#;
    let module = Module::new(&engine, wat).expect("a valid module");
    let mut app = crate::Linker::new(&engine).instantiate(&module).expect("no imports");
    let f = |app: &mut crate::Executor, args| app.func::<(i32, i32), i32>("f").expect("it is there").call(args);
    assert_eq!(f(&mut app, (5, 1)).ok(), Some(25));
    assert_eq!(f(&mut app, (5, 0)).ok(), Some(26));
}

#[test]
fn canonical_nans_cost_an_instruction_per_float_operation_and_nothing_when_off() {
    let text = "(func (param $x f64) (param $y f64) (result f64)
           (local.set $y (f64.mul (local.get $x) (local.get $y)))
           (f64.neg (f64.add (local.get $y) (f64.promote_f32 (f32.sqrt (f32.const -1))))))";
    insta::assert_snapshot!(listing_with(Config::new().canonical_nans(true), text));
    let canonical = listing(text).contains("canonical");
    assert!(!canonical);
}

#[test]
fn every_nan_that_is_computed_is_the_canonical_one_if_so_wished() {
    let unary = ["ceil", "floor", "trunc", "nearest", "sqrt"];
    let binary = ["add", "sub", "mul", "div", "min", "max"];
    let mut text = String::from("(module");
    for (float, int) in [("f32", "i32"), ("f64", "i64")] {
        let of = |operand: usize| format!("({float}.reinterpret_{int} (local.get {operand}))");
        let both = |name: &str, operation: String| {
            format!(
                "(func (export \"{float}.{name}\") (param {int} {int}) (result {int}) ({int}.reinterpret_{float} {operation}))"
            )
        };
        let one = |name: &str, operation: String| both(name, operation).replacen(&format!("{int} {int}"), int, 1);
        for name in unary.into_iter().chain(["neg", "abs"]) {
            text += &one(name, format!("({float}.{name} {})", of(0)));
        }
        for name in binary.into_iter().chain(["copysign"]) {
            text += &both(name, format!("({float}.{name} {} {})", of(0), of(1)));
        }
    }
    text += "(func (export \"demote\") (param i64) (result i32)
               (i32.reinterpret_f32 (f32.demote_f64 (f64.reinterpret_i64 (local.get 0)))))
             (func (export \"promote\") (param i32) (result i64)
               (i64.reinterpret_f64 (f64.promote_f32 (f32.reinterpret_i32 (local.get 0))))))";
    use crate::engine::{Linker, Val};
    for optimizations in [Optimizations::default(), Optimizations::NONE] {
        let engine = Engine::new(Config::new().canonical_nans(true).optimizations(optimizations));
        let module = Module::new(&engine, &text).expect("a valid module");
        let mut app = Linker::new(&engine).instantiate(&module).expect("no imports");
        let mut call = |name: &str, args: &[Val]| match app.invoke(name, args).expect("no trap")[..] {
            [Val::I32(bits)] => u64::from(bits as u32),
            [Val::I64(bits)] => bits as u64,
            ref other => panic!("{name} gave {other:?}"),
        };
        let (odd32, odd64) = (0xffa1_2345_u32, 0xfff4_0000_dead_beef_u64);
        let (nan32, nan64) = (0x7fc0_0000, 0x7ff8_0000_0000_0000);
        for name in unary.into_iter().chain(binary) {
            let operands = if unary.contains(&name) { 1 } else { 2 };
            for (a, b) in [(odd32, 1.5f32.to_bits()), (odd32, odd32)] {
                let args = &[a.into(), b.into()][..operands];
                assert_eq!(call(&format!("f32.{name}"), args), nan32, "f32.{name}");
            }
            for (a, b) in [(odd64, 1.5f64.to_bits()), (odd64, odd64)] {
                let args = &[a.into(), b.into()][..operands];
                assert_eq!(call(&format!("f64.{name}"), args), nan64, "f64.{name}");
            }
        }
        assert_eq!(call("demote", &[odd64.into()]), nan32);
        assert_eq!(call("promote", &[odd32.into()]), nan64);
        // Numbers, and what passes bits on, stay as they are.
        let one = 1f64.to_bits();
        assert_eq!(call("f64.add", &[one.into(), one.into()]), 2f64.to_bits());
        assert_eq!(call("f64.neg", &[odd64.into()]), odd64 ^ 1 << 63);
        assert_eq!(call("f64.abs", &[odd64.into()]), odd64 & !(1 << 63));
        let positive = [odd32.into(), 1f32.to_bits().into()];
        assert_eq!(call("f32.copysign", &positive), u64::from(odd32 & !(1 << 31)));
    }
}

#[test]
fn nans_of_vectors_are_canonical_too_and_relaxed_minima_those_of_the_profile() {
    use crate::engine::{Linker, Val};
    let same = ["ceil", "floor", "trunc", "nearest", "sqrt", "neg", "abs"];
    let two = [
        "add",
        "sub",
        "mul",
        "div",
        "min",
        "max",
        "pmin",
        "relaxed_min",
        "relaxed_max",
    ];
    let three = ["relaxed_madd", "relaxed_nmadd"];
    let mut text = String::from("(module");
    for shape in ["f32x4", "f64x2"] {
        let names = same
            .iter()
            .map(|name| (name, 1))
            .chain(two.iter().map(|name| (name, 2)));
        for (name, operands) in names.chain(three.iter().map(|name| (name, 3))) {
            let operands = "(i64x2.splat (local.get 0))".repeat(operands);
            text += &format!(
                "(func (export \"{shape}.{name}\") (param i64) (result i64) (i64x2.extract_lane 1 ({shape}.{name} {operands})))"
            );
        }
    }
    text += "(func (export \"demote\") (param i64) (result i64)
               (i64x2.extract_lane 0 (f32x4.demote_f64x2_zero (i64x2.splat (local.get 0)))))
             (func (export \"promote\") (param i64) (result i64)
               (i64x2.extract_lane 1 (f64x2.promote_low_f32x4 (i64x2.splat (local.get 0)))))
             (func (export \"zeros\") (result i64) (i64x2.extract_lane 0
               (f64x2.relaxed_min (f64x2.splat (f64.const 0)) (f64x2.splat (f64.const -0))))))";
    let engine = Engine::new(Config::new().canonical_nans(true));
    let module = Module::new(&engine, &text).expect("a valid module");
    let mut app = Linker::new(&engine).instantiate(&module).expect("no imports");
    let mut call = |name: &str, args: &[Val]| match app.invoke(name, args).expect("no trap")[..] {
        [Val::I64(bits)] => bits as u64,
        ref other => panic!("{name} gave {other:?}"),
    };
    // Not-a-number both as two lanes and as one.
    let odd = 0xffa1_2345_ffa1_2345_u64;
    let (nan32, nan64) = (0x7fc0_0000_7fc0_0000, 0x7ff8_0000_0000_0000);
    for name in same[..5].iter().chain(&two[..6]).chain(&two[7..]).chain(&three) {
        assert_eq!(call(&format!("f32x4.{name}"), &[odd.into()]), nan32, "f32x4.{name}");
        assert_eq!(
            call(&format!("f64x2.{name}"), &[(odd | 0x7ff0 << 48).into()]),
            nan64,
            "f64x2.{name}"
        );
    }
    assert_eq!(call("demote", &[(odd | 0x7ff0 << 48).into()]), nan32);
    assert_eq!(call("promote", &[odd.into()]), nan64);
    assert_eq!(call("f32x4.neg", &[odd.into()]), 0x7fa1_2345_7fa1_2345);
    assert_eq!(call("f32x4.pmin", &[odd.into()]), odd);
    assert_eq!(call("zeros", &[]), 1 << 63, "the smaller zero, as of f64x2.min");
}
