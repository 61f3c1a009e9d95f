//! The host module `spectest` that scripts may import from.

use wasmrun::{Error, Global, GlobalType, Linker, Memory, MemoryType, Store, Table, TableType, Val, ValType};

/// Defines `spectest`. What its functions are asked to print is dropped: a report consists of counts.
pub(super) fn define(store: &mut Store<()>, linker: &mut Linker<()>) -> Result<(), Error> {
    const NAME: &str = "spectest";
    linker
        .func(NAME, "print", |_: &mut _| ())?
        .func(NAME, "print_i32", |_: &mut _, _: i32| ())?
        .func(NAME, "print_i64", |_: &mut _, _: i64| ())?
        .func(NAME, "print_f32", |_: &mut _, _: f32| ())?
        .func(NAME, "print_f64", |_: &mut _, _: f64| ())?
        .func(NAME, "print_i32_f32", |_: &mut _, _: i32, _: f32| ())?
        .func(NAME, "print_f64_f64", |_: &mut _, _: f64, _: f64| ())?;
    for (name, value) in [
        ("global_i32", Val::I32(666)),
        ("global_i64", Val::I64(666)),
        ("global_f32", Val::F32(666.6)),
        ("global_f64", Val::F64(666.6)),
    ] {
        let global = Global::new(store, GlobalType::new(value.ty(), false), value)?;
        linker.define(store, NAME, name, global)?;
    }
    let table = Table::new(
        store,
        TableType::new(ValType::FUNCREF, 10, Some(20)),
        Val::FuncRef(None),
    )?;
    linker.define(store, NAME, "table", table)?;
    let memory = Memory::new(store, MemoryType::new(1, Some(2)))?;
    linker.define(store, NAME, "memory", memory)?;
    let shared = Memory::new(store, MemoryType::shared(1, 2))?;
    linker.define(store, NAME, "shared_memory", shared)?;
    let wide = Table::new(
        store,
        TableType::new64(ValType::FUNCREF, 10, Some(20)),
        Val::FuncRef(None),
    )?;
    linker.define(store, NAME, "table64", wide)?;
    Ok(())
}
