//! wasmrun, in one of several configurations.

use std::sync::Arc;

use wasmrun::{
    AsStoreMut, Caller, Config, Engine, Error, Extern, ExternRef, Func, FuncType, Global, GlobalType, Halt, Instance,
    InterruptHandle, Linker, Memory, MemoryType, Module, Optimizations, Outcome, Pause, PauseReason, Store, Suspend,
    Table, TableType, Val, ValType,
};

use super::Guest;
use crate::case::{Call, Unit};
use crate::entropy::Rng;
use crate::host::{self, Deed, HostFunc, Log};
use crate::value::{Ending, Item, State, Trap, Type, Value, hash, mix};

/// How calls are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Plain,
    /// Fuel is counted, and there is enough.
    Metered,
    /// There is never enough: runs pause, get some more, and go on.
    Starved,
    /// Runs are asked to stop at their calls and loops, host calls suspend; they go on each time.
    Stopped,
}

/// A configuration.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub name: &'static str,
    pub optimizations: Optimizations,
    pub mode: Mode,
    pub eager: bool,
}

const ALL: Optimizations = Optimizations {
    fusion: true,
    registers: true,
    pins: true,
};

const fn setup(name: &'static str, optimizations: Optimizations, mode: Mode) -> Setup {
    Setup {
        name,
        optimizations,
        mode,
        eager: false,
    }
}

/// Every case runs in each of them.
pub static SETUPS: &[Setup] = &[
    setup("all", ALL, Mode::Plain),
    setup("fusion off", Optimizations { fusion: false, ..ALL }, Mode::Plain),
    setup(
        "registers off",
        Optimizations {
            registers: false,
            ..ALL
        },
        Mode::Plain,
    ),
    setup("pins off", Optimizations { pins: false, ..ALL }, Mode::Plain),
    Setup {
        eager: true,
        ..setup("all off", Optimizations::NONE, Mode::Plain)
    },
    setup("metered", ALL, Mode::Metered),
    setup("starved", ALL, Mode::Starved),
    setup("stopped", ALL, Mode::Stopped),
];

/// What host functions find in the store.
struct Data {
    log: Log,
    mode: Mode,
    rng: Rng,
    interrupt: Option<InterruptHandle>,
    /// Requests to stop still to be made in this call.
    requests: u32,
}

/// Pauses of one call; after that many it is left alone, because some calls are long.
const MAX_PAUSES: u32 = 400;
const PLENTY: u64 = 1 << 50;
/// Frames whose operands are far from their base take half a megabyte.
const STACK_BYTES: usize = 64 << 20;

pub struct Wasmrun {
    store: Store<Data>,
    instances: Vec<Instance>,
    items: Vec<(String, Extern)>,
}

impl Wasmrun {
    pub fn new(setup: Setup, seed: u64, units: &[Unit]) -> Result<Wasmrun, Ending> {
        let metering = matches!(setup.mode, Mode::Metered | Mode::Starved);
        let config = Config::new()
            .optimizations(setup.optimizations)
            .eager_translation(setup.eager)
            .max_stack(STACK_BYTES)
            .validation_threads(1)
            .metering(metering);
        let engine = Engine::new(config);
        let data = Data {
            log: Log::default(),
            mode: setup.mode,
            rng: Rng::new(seed),
            interrupt: None,
            requests: 0,
        };
        let mut store = Store::new(&engine, data);
        store.set_fuel(PLENTY);
        let mut linker = Linker::with_data(&engine);
        for func in host::FUNCS {
            let ty = FuncType::new(
                func.params.iter().map(|&ty| ty_to(ty)),
                func.results.iter().map(|&ty| ty_to(ty)),
            );
            let body = move |caller: &mut Caller<'_, Data>, args: &[Val], results: &mut [Val]| {
                host_call(func, caller, args, results)
            };
            linker
                .func_raw("host", func.name, ty, body)
                .expect("names are different");
        }
        let mut items = Vec::new();
        for (name, item) in host_items(&mut store) {
            linker.define(&store, "host", name, item).expect("names are different");
            items.push((format!("host.{name}"), item));
        }
        let mut instances = Vec::new();
        for unit in units {
            let module = Module::new(&engine, &unit.wasm).map_err(|error| Ending::Failed(error.to_string()))?;
            let instance = linker
                .instantiate_in(&mut store, &module)
                .map_err(|error| ending(&error))?;
            linker
                .instance(&mut store, &unit.name, instance)
                .expect("names are different");
            let exports = instance.exports(&mut store).expect("the instance is the store's");
            items.extend(
                exports
                    .into_iter()
                    .map(|(name, item)| (format!("{}.{name}", unit.name), item)),
            );
            instances.push(instance);
        }
        store.data_mut().interrupt = Some(store.interrupt_handle());
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Wasmrun {
            store,
            instances,
            items,
        })
    }

    /// Calls and goes on after each pause.
    fn call_with_pauses(&mut self, func: Func, args: &[Val]) -> Result<Vec<Val>, Error> {
        let store = &mut self.store;
        store.data_mut().requests = MAX_PAUSES;
        if store.data().mode == Mode::Starved {
            let fuel = store.data_mut().rng.below(40) as u64;
            store.set_fuel(fuel);
        } else if store.data_mut().rng.chance(2) {
            request(store.data_mut());
        }
        let mut outcome = func.call_resumable(store, args)?;
        for pauses in 0.. {
            match outcome {
                Outcome::Returned(results) => return Ok(results),
                Outcome::Paused(pause) => outcome = go_on(store, pause, pauses)?,
            }
        }
        unreachable!("pauses are counted forever")
    }
}

/// Asks the run in the store to stop.
fn request(data: &mut Data) {
    if data.requests > 0 {
        data.requests -= 1;
        data.interrupt.as_ref().expect("set before the first call").interrupt();
    }
}

fn go_on(store: &mut Store<Data>, pause: Pause, pauses: u32) -> Result<Outcome, Error> {
    match pause.reason() {
        PauseReason::OutOfFuel => {
            let more = store.data_mut().rng.below(64) as u64;
            let more = if pauses < MAX_PAUSES {
                more
            } else {
                more + 1 << (pauses - MAX_PAUSES).min(40)
            };
            store.set_fuel(store.fuel().expect("fuel is counted") + more);
            pause.resume(store)
        }
        PauseReason::Interrupted => {
            if !store.data_mut().rng.chance(6) {
                request(store.data_mut());
            }
            pause.resume(store)
        }
        PauseReason::Suspended(suspend) => {
            let results: Arc<Vec<Val>> = suspend.payload::<Arc<Vec<Val>>>().expect("ours").clone();
            if store.data_mut().rng.chance(3) {
                request(store.data_mut());
            }
            if store.data_mut().rng.chance(2) {
                pause.resume_with(store, &results)
            } else {
                pause.resume(store)
            }
        }
        reason => panic!("unknown reason to pause: {reason:?}"),
    }
}

impl Guest for Wasmrun {
    fn call(&mut self, call: &Call) -> Ending {
        let instance = self.instances[call.unit];
        for &instance in &self.instances {
            if let Ok(fuel) = instance.global(&mut self.store, host::FUEL_GLOBAL) {
                fuel.set(&mut self.store, Val::I32(host::FUEL as i32))
                    .expect("the global is a mutable i32");
            }
        }
        let func = instance
            .func(&mut self.store, &call.func)
            .expect("the function is exported");
        let args: Vec<Val> = call.args.iter().map(|&arg| val(arg)).collect();
        let outcome = match self.store.data().mode {
            Mode::Plain | Mode::Metered => func.call(&mut self.store, &args),
            Mode::Starved | Mode::Stopped => self.call_with_pauses(func, &args),
        };
        match outcome {
            Ok(results) => Ending::Returned(results.iter().map(value).collect()),
            Err(error) => ending(&error),
        }
    }

    fn state(&mut self) -> State {
        let store = &self.store;
        let item = |(name, item): &(String, Extern)| {
            let item = match item {
                Extern::Func(_) => return None,
                Extern::Memory(memory) => {
                    let data = memory.data(store).expect("it is the store's");
                    Item::Memory {
                        pages: data.pages(),
                        hash: hash(data.data()),
                    }
                }
                Extern::Table(table) => {
                    let len = table.size(store).expect("it is the store's");
                    let element = |at| value(&table.get(store, at).expect("the index is below the size"));
                    Item::Table {
                        len,
                        hash: (0..len).fold(0, |hash, at| mix(hash, element(at).bits())),
                    }
                }
                Extern::Global(global) => Item::Global(value(&global.get(store).expect("it is the store's"))),
                other => panic!("unknown export: {other:?}"),
            };
            Some((name.clone(), item))
        };
        State {
            items: self.items.iter().filter_map(item).collect(),
            host_calls: store.data().log.sum(),
        }
    }
}

/// The memory, tables and globals of the host.
fn host_items(store: &mut Store<Data>) -> Vec<(&'static str, Extern)> {
    let mut items: Vec<(&str, Extern)> = Vec::new();
    let (name, min, max) = host::HOST_MEMORY;
    let memory = Memory::new(store, MemoryType::new(min, Some(max)));
    items.push((name, memory.expect("a small memory").into()));
    for ((name, min, max), ty) in [
        (host::HOST_TABLE, ValType::FUNCREF),
        (host::HOST_EXTERNS, ValType::EXTERNREF),
    ] {
        let table = Table::new(store, TableType::new(ty, min, Some(max)), Val::default_for(ty));
        items.push((name, table.expect("a small table").into()));
    }
    for &(name, ty, mutable, bits) in host::GLOBALS {
        let value = match ty {
            Type::I32 => Val::I32(bits as i32),
            Type::I64 => Val::I64(bits as i64),
            Type::F32 => Val::F32(f32::from_bits(bits as u32)),
            Type::F64 => Val::F64(f64::from_bits(bits)),
            _ => Val::default_for(ty_to(ty)),
        };
        let global = Global::new(store, GlobalType::new(ty_to(ty), mutable), value);
        items.push((name, global.expect("the value is of the type").into()));
    }
    items
}

/// What a host call that suspended or was interrupted remembers: it has been noted.
struct Noted;

fn host_call(func: &HostFunc, caller: &mut Caller<'_, Data>, args: &[Val], results: &mut [Val]) -> Result<(), Halt> {
    let args: Vec<Value> = args.iter().map(value).collect();
    let again = caller.call_state().is_some();
    if !again {
        caller.data_mut().log.note(func, &args);
    }
    // A call by the embedder itself has no run that could pause, and start functions cannot.
    let started = caller.data().interrupt.is_some();
    if caller.data().mode == Mode::Stopped && started && caller.instance().is_some() {
        let data = caller.data_mut();
        if data.rng.chance(4) {
            request(data);
        }
        if !again && data.rng.chance(3) {
            *caller.call_state() = Some(Box::new(Noted));
            if func.deed != Deed::Answer || caller.data_mut().rng.chance(3) {
                return Err(Halt::Interrupted);
            }
            let answers: Vec<Val> = host::answers(func, &args).into_iter().map(val).collect();
            return Err(Suspend::new(Arc::new(answers)).into());
        }
    }
    let answers = match func.deed {
        Deed::Answer => host::answers(func, &args),
        Deed::Poke => {
            let (at, add) = host::poke_place(args[0]);
            let old = match exported_memory(caller) {
                Some(memory) => poke(memory, caller, at, add),
                None => 0,
            };
            vec![Value::I32(old)]
        }
        Deed::Grow => {
            let old = exported_memory(caller).and_then(|memory| memory.grow(caller, 1).ok());
            vec![Value::I32(old.map_or(u32::MAX, |old| old as u32))]
        }
        Deed::CallBack => {
            let callee = caller.get_export(host::CALLBACK).and_then(Extern::into_func);
            match callee.filter(|_| caller.data().log.depth < host::MAX_DEPTH) {
                None => vec![Value::I32(0)],
                Some(callee) => {
                    caller.data_mut().log.depth += 1;
                    let outcome = caller.call(callee, &[val(args[0])]);
                    caller.data_mut().log.depth -= 1;
                    outcome?.iter().map(value).collect()
                }
            }
        }
    };
    for (result, answer) in results.iter_mut().zip(answers) {
        *result = val(answer);
    }
    Ok(())
}

fn exported_memory(caller: &mut Caller<'_, Data>) -> Option<Memory> {
    caller.get_export(host::MEMORY).and_then(Extern::into_memory)
}

fn poke(memory: Memory, store: &mut impl AsStoreMut, at: usize, add: u32) -> u32 {
    let memory = memory.data_mut(store).expect("it is the store's");
    let Ok(old) = memory.read_u32(at as u64) else {
        return 0;
    };
    memory
        .write_u32(at as u64, old.wrapping_add(add))
        .expect("it was just read");
    old
}

fn ty_to(ty: Type) -> ValType {
    match ty {
        Type::I32 => ValType::I32,
        Type::I64 => ValType::I64,
        Type::F32 => ValType::F32,
        Type::F64 => ValType::F64,
        Type::Func => ValType::FUNCREF,
        Type::Extern => ValType::EXTERNREF,
    }
}

fn val(value: Value) -> Val {
    match value {
        Value::I32(v) => Val::I32(v as i32),
        Value::I64(v) => Val::I64(v as i64),
        Value::F32(v) => Val::F32(f32::from_bits(v)),
        Value::F64(v) => Val::F64(f64::from_bits(v)),
        Value::Func { .. } => Val::FuncRef(None),
        Value::Extern(v) => Val::ExternRef(v.map(ExternRef::new)),
    }
}

fn value(val: &Val) -> Value {
    match val {
        Val::I32(v) => Value::I32(*v as u32),
        Val::I64(v) => Value::I64(*v as u64),
        Val::F32(v) => Value::F32(v.to_bits()),
        Val::F64(v) => Value::F64(v.to_bits()),
        Val::FuncRef(func) => Value::Func { null: func.is_none() },
        Val::ExternRef(value) => Value::Extern(
            value
                .as_ref()
                .map(|value| *value.downcast_ref().expect("ours are numbers")),
        ),
        other => panic!("unknown value: {other:?}"),
    }
}

fn ending(error: &Error) -> Ending {
    use wasmrun::Trap as T;
    Ending::Trapped(match error.trap() {
        Some(T::Unreachable) => Trap::Unreachable,
        Some(T::MemoryOutOfBounds) => Trap::MemoryOutOfBounds,
        Some(T::TableOutOfBounds | T::UndefinedElement) => Trap::TableOutOfBounds,
        Some(T::UninitializedElement) => Trap::NullElement,
        Some(T::IntegerDivideByZero) => Trap::DivisionByZero,
        Some(T::IntegerOverflow) => Trap::IntegerOverflow,
        Some(T::InvalidConversionToInteger) => Trap::BadConversion,
        Some(T::CallStackExhausted) => Trap::StackExhausted,
        Some(T::IndirectCallTypeMismatch) => Trap::WrongSignature,
        _ => return Ending::Failed(error.to_string()),
    })
}
