//! What instances of a module begin with, as far as it is known before there is one: whether active segments can trap,
//! and memory 0 with its data in it.
//!
//! Where no active segment can trap, nobody can see in which order or when they are copied. So tables are filled when
//! something first looks at them, and memory 0 of every instance but the first begins as a copy-on-write image.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::memory::Image;
use super::module::{ConstExpr, Mode, ModuleInner};

#[derive(Default)]
pub(crate) struct Initial {
    certain: OnceLock<Certain>,
    /// An instance was made before.
    used: AtomicBool,
    image: OnceLock<Option<Arc<Image>>>,
}

/// Which active segments are known to be copied without a trap.
#[derive(Clone, Copy)]
pub(crate) struct Certain {
    /// All element segments.
    pub elems: bool,
    /// All element and data segments.
    pub datas: bool,
}

impl Initial {
    pub(crate) fn certain(&self, module: &ModuleInner) -> Certain {
        *self.certain.get_or_init(|| {
            let elems = elems_are_certain(module);
            Certain {
                elems,
                datas: elems && datas_are_certain(module),
            }
        })
    }

    /// The image for the memory 0 of one more instance: it has all active data segments. None for the first instance,
    /// whose start it would make later (not in debug builds, so that every test uses it), and where there is none.
    pub(crate) fn image(&self, module: &ModuleInner) -> Option<&Arc<Image>> {
        let first = !self.used.swap(true, Relaxed) && !cfg!(debug_assertions);
        if first || !self.certain(module).datas {
            return None;
        }
        let image = self.image.get_or_init(|| {
            let segments = module.datas.iter().filter_map(|data| match data.mode {
                Mode::Active { index, ref offset } => {
                    let offset = constant(offset, module.memories[index as usize].is_64)?;
                    Some((offset, module.slice(&data.bytes)))
                }
                _ => None,
            });
            Image::new(module.memories[0].min_bytes(), segments)
        });
        image.as_ref()
    }
}

/// Whether all element segments go to tables defined here, empty at first and large enough.
fn elems_are_certain(module: &ModuleInner) -> bool {
    module.elems.iter().all(|elem| match &elem.mode {
        Mode::Active { index, offset } => {
            let Some(defined) = index.checked_sub(module.imported_tables) else {
                return false;
            };
            let null = matches!(module.table_inits[defined as usize], ConstExpr::Value(0));
            let table = &module.tables[*index as usize];
            null && !elem.items.allocate()
                && constant(offset, table.is_64).is_some_and(|offset| fits(offset, elem.items.len(), table.minimum))
        }
        _ => true,
    })
}

/// Whether there is a memory 0 defined here, and all data segments go there and fit.
fn datas_are_certain(module: &ModuleInner) -> bool {
    if module.imported_memories > 0 || module.memories.first().is_none_or(|memory| memory.shared) {
        return false;
    }
    let memory = &module.memories[0];
    module.datas.iter().all(|data| match &data.mode {
        Mode::Active { index, offset } => {
            let offset = constant(offset, memory.is_64);
            *index == 0 && offset.is_some_and(|offset| fits(offset, data.bytes.len(), memory.min_bytes()))
        }
        _ => true,
    })
}

fn fits(offset: u64, len: usize, room: u64) -> bool {
    offset.checked_add(len as u64).is_some_and(|end| end <= room)
}

/// The offset, if it does not depend on the instance.
fn constant(offset: &ConstExpr, is_64: bool) -> Option<u64> {
    match offset {
        ConstExpr::Value(offset) if is_64 => Some(*offset),
        ConstExpr::Value(offset) => Some(u64::from(*offset as u32)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::{Engine, Executor, Linker, Module, Trap, Val};

    fn instances(text: &str) -> impl Iterator<Item = Executor> {
        let engine = Engine::default();
        let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let linker = Linker::new(&engine);
        std::iter::repeat_with(move || linker.instantiate(&module).unwrap())
    }

    fn i32_of(executor: &mut Executor, name: &str, arg: i32) -> Result<i32, crate::Error> {
        executor.func::<i32, i32>(name)?.call(arg)
    }

    #[test]
    fn every_instance_begins_alike_whatever_those_before_it_did() {
        let text = "(module (memory (export \"m\") 3 9) (global $g (mut i32) (i32.const 5))
            (data (i32.const 70000) \"abc\") (data $p \"XY\") (data (i32.const 70002) \"d\") (data (i32.const 196605) \"end\")
            (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))
            (func (export \"init\") (param i32) (result i32)
                (memory.init $p (local.get 0) (i32.const 0) (i32.const 2)) (i32.const 0))
            (func (export \"again\") (param i32) (result i32)
                (global.set $g (i32.add (global.get $g) (local.get 0))) (global.get $g)))";
        let mut make = instances(text);
        let mut kept = make.next().unwrap();
        kept.memory().unwrap().write(70_000u32, b"kept").unwrap();
        for round in 0..5 {
            let mut executor = make.next().unwrap();
            let memory = executor.memory().unwrap();
            assert_eq!(memory.size(), 3 << 16);
            let mut expected = vec![0; 3 << 16];
            expected[70_000..70_003].copy_from_slice(b"abd");
            expected[196_605..].copy_from_slice(b"end");
            assert!(memory.data() == expected, "round {round}");
            memory.data_mut().fill(0xee);
            assert_eq!(i32_of(&mut executor, "again", 1).unwrap(), 6);
            assert_eq!(i32_of(&mut executor, "grow", 2).unwrap(), 3);
            let memory = executor.memory().unwrap();
            assert!(memory.data()[3 << 16..].iter().all(|&byte| byte == 0));
            memory.data_mut().fill(0xdd);
            i32_of(&mut executor, "init", 70_000).unwrap();
            assert_eq!(executor.memory().unwrap().slice(70_000u32, 3u32).unwrap(), b"XY\xdd");
        }
        assert_eq!(kept.memory().unwrap().slice(70_000u32, 4u32).unwrap(), b"kept");
    }

    #[test]
    fn instances_on_several_threads_share_an_image() {
        let engine = Engine::default();
        let text = "(module (memory (export \"m\") 1) (data (i32.const 9) \"shared\"))";
        let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let linker = Linker::new(&engine);
                    let mut alive = Vec::new();
                    for round in 0..100 {
                        let mut executor = linker.instantiate(&module).unwrap();
                        let memory = executor.memory().unwrap();
                        assert_eq!(memory.slice(8u32, 8u32).unwrap(), b"\0shared\0");
                        memory.write(0u32, &[7; 4096]).unwrap();
                        if round % 3 == 0 {
                            alive.push(executor);
                        }
                    }
                });
            }
        });
    }

    /// Functions that look at a table in every way there is, with elements 1 to 3 of table 0 set, two of them twice.
    const TABLES: &str = "(module (type $t (func (result i32)))
        (table $a 6 funcref) (table $b 4 funcref)
        (func $one (type $t) (i32.const 1)) (func $two (type $t) (i32.const 2)) (func $three (type $t) (i32.const 3))
        (elem (i32.const 1) $three $three $three) (elem (i32.const 1) $one $two) (elem (table $b) (i32.const 0) func $two)
        (func (export \"call\") (param i32) (result i32) (call_indirect $a (type $t) (local.get 0)))
        (func (export \"tail\") (param i32) (result i32) (return_call_indirect $a (type $t) (local.get 0)))
        (func (export \"null\") (param i32) (result i32) (ref.is_null (table.get $a (local.get 0))))
        (func (export \"clear\") (param i32) (result i32)
            (table.set $a (local.get 0) (ref.null func)) (call_indirect $a (type $t) (local.get 0)))
        (func (export \"copy\") (param i32) (result i32)
            (table.copy $b $a (i32.const 1) (i32.const 1) (i32.const 3)) (call_indirect $b (type $t) (local.get 0)))
        (func (export \"grown\") (param i32) (result i32)
            (drop (table.grow $a (ref.func $one) (i32.const 2))) (call_indirect $a (type $t) (local.get 0)))
        (func (export \"filled\") (param i32) (result i32)
            (table.fill $a (i32.const 0) (ref.func $two) (i32.const 2)) (call_indirect $a (type $t) (local.get 0)))
        (func (export \"size\") (param i32) (result i32) (table.size $a))
        (export \"table\" (table $a)))";

    #[test]
    fn whoever_looks_at_a_table_first_finds_it_filled() {
        let mut make = instances(TABLES);
        for (name, arg, expected) in [
            ("call", 1, 1),
            ("call", 2, 2),
            ("call", 3, 3),
            ("tail", 3, 3),
            ("null", 0, 1),
            ("null", 2, 0),
            ("copy", 3, 3),
            ("copy", 0, 2),
            ("grown", 2, 2),
            ("grown", 7, 1),
            ("filled", 1, 2),
            ("filled", 3, 3),
            ("size", 0, 6),
        ] {
            let mut executor = make.next().unwrap();
            assert_eq!(i32_of(&mut executor, name, arg).unwrap(), expected, "{name} {arg}");
            assert_eq!(i32_of(&mut executor, "call", 3).unwrap(), 3, "{name} {arg}");
        }
        for (name, arg) in [("call", 0), ("tail", 5), ("clear", 2)] {
            let mut executor = make.next().unwrap();
            for _ in 0..2 {
                let error = i32_of(&mut executor, name, arg).unwrap_err();
                assert_eq!(error.trap(), Some(Trap::UninitializedElement), "{name} {arg}");
            }
        }
        let mut executor = make.next().unwrap();
        let instance = executor.instance();
        let table = instance.table(executor.store_mut(), "table").unwrap();
        let Val::FuncRef(Some(three)) = table.get(executor.store(), 3).unwrap() else {
            panic!("it is filled")
        };
        assert_eq!(three.call(executor.store_mut(), &[]).unwrap()[0].i32(), Some(3));
    }
}
