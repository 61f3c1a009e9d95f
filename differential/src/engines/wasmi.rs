//! wasmi, which says what is right.

use wasmi::{
    Caller, Config, Engine, Error, Extern, ExternRef, F32, F64, Func, FuncType, Global, Instance, Linker, Memory,
    MemoryType, Module, Mutability, Nullable, Ref, RefType, Store, Table, TableType, TrapCode, Val, ValType,
};

use super::Guest;
use crate::case::{Call, Unit};
use crate::host::{self, Deed, HostFunc, Log};
use crate::value::{Ending, Item, State, Trap, Type, Value, hash, mix};

pub fn config() -> Config {
    let mut config = Config::default();
    config
        .wasm_multi_memory(true)
        .wasm_tail_call(true)
        .wasm_extended_const(true);
    config.set_max_recursion_depth(20_000).set_max_stack_height(64 << 20);
    config
}

pub struct Wasmi {
    store: Store<Log>,
    instances: Vec<Instance>,
    items: Vec<(String, Extern)>,
}

impl Wasmi {
    pub fn new(units: &[Unit]) -> Result<Wasmi, Ending> {
        let engine = Engine::new(&config());
        let mut store = Store::new(&engine, Log::default());
        let mut linker = Linker::new(&engine);
        for func in host::FUNCS {
            let ty = FuncType::new(
                func.params.iter().map(|&ty| ty_to(ty)),
                func.results.iter().map(|&ty| ty_to(ty)),
            );
            let body = move |caller: Caller<'_, Log>, args: &[Val], results: &mut [Val]| {
                host_call(func, caller, args, results)
            };
            linker
                .func_new("host", func.name, ty, body)
                .expect("names are different");
        }
        let mut items = Vec::new();
        for (name, item) in host_items(&mut store) {
            linker.define("host", name, item).expect("names are different");
            items.push((format!("host.{name}"), item));
        }
        let mut instances = Vec::new();
        for unit in units {
            let module = Module::new(&engine, &unit.wasm[..]).map_err(|error| Ending::Failed(error.to_string()))?;
            let instance = linker
                .instantiate_and_start(&mut store, &module)
                .map_err(|error| ending(&error))?;
            linker
                .instance(&mut store, &unit.name, instance)
                .expect("names are different");
            let exports = instance
                .exports(&store)
                .map(|export| (export.name().to_owned(), export.into_extern()));
            items.extend(exports.map(|(name, item)| (format!("{}.{name}", unit.name), item)));
            instances.push(instance);
        }
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Wasmi {
            store,
            instances,
            items,
        })
    }
}

impl Guest for Wasmi {
    fn call(&mut self, call: &Call) -> Ending {
        let instance = self.instances[call.unit];
        for instance in &self.instances {
            if let Some(fuel) = instance.get_global(&self.store, host::FUEL_GLOBAL) {
                fuel.set(&mut self.store, Val::I32(host::FUEL as i32))
                    .expect("the global is a mutable i32");
            }
        }
        let func = instance
            .get_func(&self.store, &call.func)
            .expect("the function is exported");
        let args: Vec<Val> = call.args.iter().map(|&arg| val(&mut self.store, arg)).collect();
        let ty = func.ty(&self.store);
        let mut results: Vec<Val> = ty.results().iter().map(|&ty| Val::default_for_ty(ty)).collect();
        match func.call(&mut self.store, &args, &mut results) {
            Ok(()) => Ending::Returned(results.iter().map(|result| value(&self.store, result)).collect()),
            Err(error) => ending(&error),
        }
    }

    fn state(&mut self) -> State {
        let store = &self.store;
        let item = |(name, item): &(String, Extern)| {
            let item = match item {
                Extern::Func(_) => return None,
                Extern::Memory(memory) => Item::Memory {
                    pages: memory.size(store),
                    hash: hash(memory.data(store)),
                },
                Extern::Table(table) => Item::Table {
                    len: table.size(store),
                    hash: table_hash(store, table),
                },
                Extern::Global(global) => Item::Global(value(store, &global.get(store))),
            };
            Some((name.clone(), item))
        };
        State {
            items: self.items.iter().filter_map(item).collect(),
            host_calls: store.data().sum(),
        }
    }
}

fn table_hash(store: &Store<Log>, table: &Table) -> u64 {
    (0..table.size(store)).fold(0, |hash, at| {
        let element = match table.get(store, at).expect("the index is below the size") {
            Ref::Func(func) => Val::FuncRef(func),
            Ref::Extern(value) => Val::ExternRef(value),
        };
        mix(hash, value(store, &element).bits())
    })
}

/// The memory, tables and globals of the host.
fn host_items(store: &mut Store<Log>) -> Vec<(&'static str, Extern)> {
    let mut items: Vec<(&str, Extern)> = Vec::new();
    let (name, min, max) = host::HOST_MEMORY;
    let memory = Memory::new(&mut *store, MemoryType::new(min as u32, Some(max as u32)));
    items.push((name, memory.expect("a small memory").into()));
    for ((name, min, max), ty) in [(host::HOST_TABLE, RefType::Func), (host::HOST_EXTERNS, RefType::Extern)] {
        let ty = TableType::new(ty, min as u32, Some(max as u32));
        let table = Table::new(&mut *store, ty, Ref::default_for_ty(ty.element()));
        items.push((name, table.expect("a small table").into()));
    }
    for &(name, ty, mutable, bits) in host::GLOBALS {
        let value = match ty {
            Type::I32 => Val::I32(bits as i32),
            Type::I64 => Val::I64(bits as i64),
            Type::F32 => Val::F32(F32::from_bits(bits as u32)),
            Type::F64 => Val::F64(F64::from_bits(bits)),
            _ => Val::default_for_ty(ty_to(ty)),
        };
        let mutability = if mutable { Mutability::Var } else { Mutability::Const };
        items.push((name, Global::new(&mut *store, value, mutability).into()));
    }
    items
}

fn host_call(func: &HostFunc, mut caller: Caller<'_, Log>, args: &[Val], results: &mut [Val]) -> Result<(), Error> {
    let args: Vec<Value> = args.iter().map(|arg| value(&caller, arg)).collect();
    caller.data_mut().note(func, &args);
    let memory = caller.get_export(host::MEMORY).and_then(Extern::into_memory);
    let answers = match func.deed {
        Deed::Answer => host::answers(func, &args),
        Deed::Poke => {
            let (at, add) = host::poke_place(args[0]);
            let word = memory.and_then(|memory| memory.data_mut(&mut caller).get_mut(at..at + 4));
            let old = word.map_or(0, |word| {
                let old = u32::from_le_bytes((&*word).try_into().expect("4 bytes"));
                word.copy_from_slice(&old.wrapping_add(add).to_le_bytes());
                old
            });
            vec![Value::I32(old)]
        }
        Deed::Grow => {
            let old = memory.and_then(|memory| memory.grow(&mut caller, 1).ok());
            vec![Value::I32(old.map_or(u32::MAX, |old| old as u32))]
        }
        Deed::CallBack => {
            let callee = caller.get_export(host::CALLBACK).and_then(Extern::into_func);
            match callee.filter(|_| caller.data().depth < host::MAX_DEPTH) {
                None => vec![Value::I32(0)],
                Some(callee) => vec![call_back(callee, &mut caller, args[0])?],
            }
        }
    };
    for (result, answer) in results.iter_mut().zip(answers) {
        *result = val(&mut caller, answer);
    }
    Ok(())
}

fn call_back(callee: Func, caller: &mut Caller<'_, Log>, arg: Value) -> Result<Value, Error> {
    let mut result = [Val::I32(0)];
    caller.data_mut().depth += 1;
    let arg = val(&mut *caller, arg);
    let outcome = callee.call(&mut *caller, &[arg], &mut result);
    caller.data_mut().depth -= 1;
    outcome?;
    Ok(value(&*caller, &result[0]))
}

fn ty_to(ty: Type) -> ValType {
    match ty {
        Type::I32 => ValType::I32,
        Type::I64 => ValType::I64,
        Type::F32 => ValType::F32,
        Type::F64 => ValType::F64,
        Type::Func => ValType::FuncRef,
        Type::Extern => ValType::ExternRef,
    }
}

pub(crate) fn type_of(ty: ValType) -> Type {
    match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        ValType::FuncRef => Type::Func,
        ValType::ExternRef => Type::Extern,
        ValType::V128 => unreachable!("no module here has vectors"),
    }
}

fn val(store: impl wasmi::AsContextMut, value: Value) -> Val {
    match value {
        Value::I32(v) => Val::I32(v as i32),
        Value::I64(v) => Val::I64(v as i64),
        Value::F32(v) => Val::F32(F32::from_bits(v)),
        Value::F64(v) => Val::F64(F64::from_bits(v)),
        Value::Func { .. } => Val::FuncRef(Nullable::Null),
        Value::Extern(None) => Val::ExternRef(Nullable::Null),
        Value::Extern(Some(v)) => Val::ExternRef(Nullable::Val(ExternRef::new(store, v))),
    }
}

fn value<'s>(store: impl Into<wasmi::StoreContext<'s, Log>>, val: &Val) -> Value {
    match val {
        Val::I32(v) => Value::I32(*v as u32),
        Val::I64(v) => Value::I64(*v as u64),
        Val::F32(v) => Value::F32(v.to_bits()),
        Val::F64(v) => Value::F64(v.to_bits()),
        Val::FuncRef(func) => Value::Func { null: func.is_null() },
        Val::ExternRef(value) => Value::Extern(
            value
                .val()
                .map(|value| *value.data(store).downcast_ref().expect("ours are numbers")),
        ),
        Val::V128(_) => unreachable!("no module here has vectors"),
    }
}

fn ending(error: &Error) -> Ending {
    Ending::Trapped(match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) => Trap::Unreachable,
        Some(TrapCode::MemoryOutOfBounds) => Trap::MemoryOutOfBounds,
        Some(TrapCode::TableOutOfBounds) => Trap::TableOutOfBounds,
        Some(TrapCode::IndirectCallToNull) => Trap::NullElement,
        Some(TrapCode::IntegerDivisionByZero) => Trap::DivisionByZero,
        Some(TrapCode::IntegerOverflow) => Trap::IntegerOverflow,
        Some(TrapCode::BadConversionToInteger) => Trap::BadConversion,
        Some(TrapCode::StackOverflow) => Trap::StackExhausted,
        Some(TrapCode::BadSignature) => Trap::WrongSignature,
        _ => return Ending::Failed(error.to_string()),
    })
}
