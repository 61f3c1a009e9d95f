//! The plain interpreter under the interface of the engines.

use super::Guest;
use crate::case::{Call, Unit};
use crate::host::{self, Deed, Log};
use crate::reference::{Body, Cell, Func, Host, Item as Index, Memory, Refusal, Store, Table};
use crate::value::{Ending, Item, Signature, State, Trap, Type, Value, hash, mix};

pub struct Reference<'m> {
    store: Store<'m>,
    host: Functions,
    items: Vec<(String, Index, Option<Type>)>,
    /// By unit: the functions it exports.
    funcs: Vec<Vec<(String, usize)>>,
    fuel: Vec<usize>,
}

/// What host functions know.
#[derive(Default)]
struct Functions {
    log: Log,
    /// By instance: what it exports as memory and to be called back.
    exports: Vec<(Option<usize>, Option<usize>)>,
}

impl<'m> Reference<'m> {
    pub fn new(units: &'m [Unit]) -> Result<Reference<'m>, Ending> {
        let mut this = Reference {
            store: Store::default(),
            host: Functions::default(),
            items: Vec::new(),
            funcs: Vec::new(),
            fuel: Vec::new(),
        };
        let mut known: Vec<(String, Index)> = this.host_items();
        for unit in units {
            // Its instance is the next one; host functions may be called while it is made.
            let resolve = |module: &str, name: &str| {
                let name = format!("{module}.{name}");
                known.iter().find(|(known, _)| *known == name).map(|&(_, item)| item)
            };
            this.host.exports.push((None, None));
            let exports = this
                .store
                .instantiate(&mut this.host, &unit.wasm, &resolve)
                .map_err(refusal)?;
            let func = |name: &str| {
                exports.iter().find_map(|(known, item)| match item {
                    Index::Func(func) if known == name => Some(*func),
                    _ => None,
                })
            };
            let memory = exports.iter().find_map(|(known, item)| match item {
                Index::Memory(memory) if known == host::MEMORY => Some(*memory),
                _ => None,
            });
            *this.host.exports.last_mut().expect("just pushed") = (memory, func(host::CALLBACK));
            let types = global_types(&unit.wasm);
            let mut funcs = Vec::new();
            for (name, item) in exports {
                match item {
                    Index::Func(func) => funcs.push((name.clone(), func)),
                    Index::Global(global) if name == host::FUEL_GLOBAL => this.fuel.push(global),
                    _ => {}
                }
                let ty = types.iter().find(|(known, _)| *known == name).map(|&(_, ty)| ty);
                let name = format!("{}.{name}", unit.name);
                this.items.push((name.clone(), item, ty));
                known.push((name, item));
            }
            this.funcs.push(funcs);
        }
        this.items.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        Ok(this)
    }

    fn host_items(&mut self) -> Vec<(String, Index)> {
        let mut items: Vec<(&str, Index, Option<Type>)> = Vec::new();
        for (at, func) in host::FUNCS.iter().enumerate() {
            items.push((func.name, Index::Func(self.store.funcs.len()), None));
            self.store.funcs.push(Func {
                signature: func.signature(),
                body: Body::Host(at),
            });
        }
        let (name, min, max_pages) = host::HOST_MEMORY;
        items.push((name, Index::Memory(0), None));
        self.store.memories.push(Memory {
            bytes: vec![0; (min as usize) << 16],
            max_pages,
        });
        for ((name, min, max), ty) in [(host::HOST_TABLE, Type::Func), (host::HOST_EXTERNS, Type::Extern)] {
            items.push((name, Index::Table(self.store.tables.len()), Some(ty)));
            self.store.tables.push(Table {
                elements: vec![0; min as usize],
                max,
            });
        }
        for &(name, ty, _, bits) in host::GLOBALS {
            items.push((name, Index::Global(self.store.globals.len()), Some(ty)));
            self.store.globals.push(bits);
        }
        let named = |(name, item, ty): (&str, Index, Option<Type>)| (format!("host.{name}"), item, ty);
        let items: Vec<(String, Index, Option<Type>)> = items.into_iter().map(named).collect();
        let known = items.iter().map(|(name, item, _)| (name.clone(), *item)).collect();
        self.items.extend(items);
        known
    }
}

impl Guest for Reference<'_> {
    fn call(&mut self, call: &Call) -> Ending {
        for &fuel in &self.fuel {
            self.store.globals[fuel] = host::FUEL as Cell;
        }
        let func = self.funcs[call.unit]
            .iter()
            .find(|(name, _)| *name == call.func)
            .expect("it is exported")
            .1;
        let args: Vec<Cell> = call.args.iter().map(|&arg| cell(arg)).collect();
        let results = self.store.funcs[func].signature.results.clone();
        match self.store.call(&mut self.host, func, &args) {
            Ok(cells) => Ending::Returned(values(&results, &cells)),
            Err(trap) => Ending::Trapped(trap),
        }
    }

    fn state(&mut self) -> State {
        let item = |(name, item, ty): &(String, Index, Option<Type>)| {
            let item = match *item {
                Index::Func(_) => return None,
                Index::Memory(memory) => {
                    let bytes = &self.store.memories[memory].bytes;
                    Item::Memory {
                        pages: bytes.len() as u64 >> 16,
                        hash: hash(bytes),
                    }
                }
                Index::Table(table) => {
                    let elements = &self.store.tables[table].elements;
                    let ty = ty.expect("tables have one");
                    let fold = |hash, &element: &Cell| mix(hash, value(ty, element).bits());
                    Item::Table {
                        len: elements.len() as u64,
                        hash: elements.iter().fold(0, fold),
                    }
                }
                Index::Global(global) => Item::Global(value(ty.expect("globals have one"), self.store.globals[global])),
            };
            Some((name.clone(), item))
        };
        State {
            items: self.items.iter().filter_map(item).collect(),
            host_calls: self.host.log.sum(),
        }
    }
}

impl<'m> Host<'m> for Functions {
    fn call(&mut self, store: &mut Store<'m>, func: usize, args: &[Cell]) -> Result<Vec<Cell>, Trap> {
        let func = &host::FUNCS[func];
        let Signature { params, results } = func.signature();
        let args = values(&params, args);
        self.log.note(func, &args);
        let (memory, callback) = self.exports.get(store.running).copied().unwrap_or_default();
        let answers = match func.deed {
            Deed::Answer => host::answers(func, &args),
            Deed::Poke => {
                let (at, add) = host::poke_place(args[0]);
                let word = memory.and_then(|memory| store.memories[memory].bytes.get_mut(at..at + 4));
                let old = word.map_or(0, |word| {
                    let old = u32::from_le_bytes((&*word).try_into().expect("4 bytes"));
                    word.copy_from_slice(&old.wrapping_add(add).to_le_bytes());
                    old
                });
                vec![Value::I32(old)]
            }
            Deed::Grow => {
                let old = memory.and_then(|memory| store.memories[memory].grow(1));
                vec![Value::I32(old.unwrap_or(u32::MAX))]
            }
            Deed::CallBack => match callback.filter(|_| self.log.depth < host::MAX_DEPTH) {
                None => vec![Value::I32(0)],
                Some(callback) => {
                    self.log.depth += 1;
                    let outcome = store.call(self, callback, &[cell(args[0])]);
                    self.log.depth -= 1;
                    values(&results, &outcome?)
                }
            },
        };
        Ok(answers.into_iter().map(cell).collect())
    }
}

fn refusal(refusal: Refusal) -> Ending {
    match refusal {
        Refusal::Trap(trap) => Ending::Trapped(trap),
        Refusal::Other(error) => Ending::Failed(error),
    }
}

/// Types of exported tables and globals, which the store does not keep.
fn global_types(wasm: &[u8]) -> Vec<(String, Type)> {
    let engine = wasmi::Engine::new(&super::wasmi::config());
    let Ok(module) = wasmi::Module::new(&engine, wasm) else {
        return Vec::new();
    };
    let types = module.exports().filter_map(|export| {
        let ty = match (export.ty().global(), export.ty().table()) {
            (Some(global), _) => super::wasmi::type_of(global.content()),
            (_, Some(table)) => match table.element() {
                wasmi::RefType::Func => Type::Func,
                wasmi::RefType::Extern => Type::Extern,
            },
            _ => return None,
        };
        Some((export.name().to_owned(), ty))
    });
    types.collect()
}

fn values(types: &[Type], cells: &[Cell]) -> Vec<Value> {
    types.iter().zip(cells).map(|(&ty, &cell)| value(ty, cell)).collect()
}

fn value(ty: Type, cell: Cell) -> Value {
    match ty {
        Type::I32 => Value::I32(cell as u32),
        Type::I64 => Value::I64(cell),
        Type::F32 => Value::F32(cell as u32),
        Type::F64 => Value::F64(cell),
        Type::Func => Value::Func { null: cell == 0 },
        Type::Extern => Value::Extern(cell.checked_sub(1).map(|cell| cell as u32)),
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::I32(v) | Value::F32(v) => v as Cell,
        Value::I64(v) | Value::F64(v) => v,
        Value::Func { .. } => 0,
        Value::Extern(v) => v.map_or(0, |v| v as Cell + 1),
    }
}
