//! `Linker`: (module, name) → what an import of that name gets.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::config::Engine;
use super::error::Error;
use super::executor::Executor;
use super::func::Func;
use super::host::{self, Caller, Halt, HostFunc, IntoFunc, IntoFuncWith};
use super::instance::{Extern, Instance};
use super::instantiate::{self, import_problem, link_error};
use super::memory::{Memory, SharedMemory};
use super::module::{Kind, Module, ModuleInner};
use super::store::{AsStore, AsStoreMut, Inner as _, InnerMut as _, RunObserver, Store, StoreInner};
use super::types::{ExternType, FuncType};
use super::value::Val;

/// What imports are resolved to, by their two names.
///
/// Functions defined by closures work in any store; what belongs to a store ([`Linker::define`], [`Linker::instance`])
/// works in that one. `T` is the type of the data in those stores.
pub struct Linker<T = ()> {
    engine: Option<Engine>,
    /// By module, then by name.
    names: Names<Names<Definition>>,
    observers: Vec<Arc<dyn RunObserver>>,
    shadowing: bool,
    /// Modules that were linked with these names, the last one last.
    linked: Mutex<Vec<Arc<Linked>>>,
    data: PhantomData<fn() -> T>,
}

/// Modules whose imports a linker remembers.
const MAX_LINKED: usize = 8;

/// Functions of the host that all imports of a module are resolved to: looked up once for all its instances.
pub(crate) struct Linked {
    engine: Engine,
    /// Weak, so that a linker keeps no module alive.
    module: Weak<ModuleInner>,
    /// Each once, with the id of its type, which is retained.
    pub(super) funcs: Vec<(Arc<HostFunc>, u32)>,
    /// By import: which of them.
    imports: Vec<u32>,
}

impl Linked {
    /// What was `found` for the imports of a module; `None` if something else than functions of the host is among it.
    fn new(module: &Module, found: &[(&Definition, Option<u32>)]) -> Option<Linked> {
        let mut linked = Linked {
            engine: module.engine().clone(),
            module: Arc::downgrade(&module.inner),
            funcs: Vec::new(),
            imports: Vec::with_capacity(found.len()),
        };
        let mut known = BTreeMap::new();
        for found in found {
            let &(Definition::Host(func), Some(type_id)) = found else {
                return None;
            };
            let at = *known.entry(Arc::as_ptr(func)).or_insert(linked.funcs.len() as u32);
            if at as usize == linked.funcs.len() {
                linked.funcs.push((func.clone(), linked.engine.retain_type(type_id)));
            }
            linked.imports.push(at);
        }
        Some(linked)
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        self.engine.release_types(self.funcs.iter().map(|(_, id)| *id));
    }
}

/// By name, as bytes, as names stand in modules: looking one up need not make sure that it is text.
type Names<V> = BTreeMap<Arc<[u8]>, V>;

#[derive(Clone)]
enum Definition {
    Host(Arc<HostFunc>),
    Item(Extern),
    /// In every store the same.
    Shared(SharedMemory),
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        let Linker {
            engine,
            names,
            observers,
            shadowing,
            linked: _,
            data,
        } = self;
        Linker {
            engine: engine.clone(),
            names: names.clone(),
            observers: observers.clone(),
            shadowing: *shadowing,
            linked: Mutex::default(),
            data: *data,
        }
    }
}

/// Without an engine: the one of the module that is instantiated counts.
impl<T> Default for Linker<T> {
    fn default() -> Self {
        Linker {
            engine: None,
            names: BTreeMap::new(),
            observers: Vec::new(),
            shadowing: false,
            linked: Mutex::default(),
            data: PhantomData,
        }
    }
}

impl<T> std::fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut names: Vec<_> = self
            .names
            .iter()
            .flat_map(|(module, names)| {
                names
                    .keys()
                    .map(move |name| [module, name].map(|part| String::from_utf8_lossy(part)))
            })
            .collect();
        names.sort();
        f.debug_struct("Linker").field("names", &names).finish_non_exhaustive()
    }
}

impl Linker {
    /// An empty linker for modules of `engine` and stores without data.
    ///
    /// Only for these, so that nobody has to write the type; see [`Linker::with_data`] for others.
    pub fn new(engine: &Engine) -> Linker {
        Linker::with_data(engine)
    }
}

impl<T: Send + 'static> Linker<T> {
    /// An empty linker for modules of `engine` and stores whose data is a `T`: `Linker::<T>::with_data(&engine)`.
    pub fn with_data(engine: &Engine) -> Linker<T> {
        Linker {
            engine: Some(engine.clone()),
            ..Linker::default()
        }
    }

    /// Defines a function by a closure that sees memory 0 of the caller.
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken.
    pub fn func<Params>(
        &mut self,
        module: &str,
        name: &str,
        closure: impl IntoFunc<Params>,
    ) -> Result<&mut Self, Error> {
        self.add(module, name, Definition::Host(closure.into_func()))
    }

    /// Defines a function by a closure that sees the whole store through [`Caller`].
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken.
    pub fn func_with<Params>(
        &mut self,
        module: &str,
        name: &str,
        closure: impl IntoFuncWith<T, Params>,
    ) -> Result<&mut Self, Error> {
        self.add(module, name, Definition::Host(closure.into_func_with()))
    }

    /// Defines a function of a type known only at run time. The closure gets the arguments and writes the results,
    /// which are zero or null at first.
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken.
    pub fn func_raw<F>(&mut self, module: &str, name: &str, ty: FuncType, closure: F) -> Result<&mut Self, Error>
    where
        F: Fn(&mut Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Halt> + Send + Sync + 'static,
    {
        self.add(module, name, Definition::Host(host::raw(ty, closure)))
    }

    /// Defines a name as something of a store; only modules instantiated in that store can then use it.
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken or the thing is of another store.
    pub fn define(
        &mut self,
        store: &impl AsStore<Data = T>,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self, Error> {
        let item = item.into();
        store.inner().extern_type(item)?;
        self.add(module, name, Definition::Item(item))
    }

    /// Defines a name as a memory that threads share; modules in any store can use it.
    ///
    /// # Errors
    /// [`Error::Type`] when the name is taken.
    pub fn define_shared(&mut self, module: &str, name: &str, memory: &SharedMemory) -> Result<&mut Self, Error> {
        self.add(module, name, Definition::Shared(memory.clone()))
    }

    /// Defines all exports of an instance under `module`. Names taken before are replaced.
    ///
    /// # Errors
    /// [`Error::Type`] for an instance of another store.
    pub fn instance(
        &mut self,
        store: &mut impl AsStoreMut<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self, Error> {
        self.forget_linked();
        let names = self.names.entry(module.as_bytes().into()).or_default();
        for (name, item) in instance.exports(store)? {
            names.insert(name.as_bytes().into(), Definition::Item(item));
        }
        Ok(self)
    }

    /// Gives everything under `module` also under `as_module`. Names taken before are replaced.
    ///
    /// # Errors
    /// [`Error::Type`] when there is nothing under `module`.
    pub fn alias(&mut self, module: &str, as_module: &str) -> Result<&mut Self, Error> {
        let Some(names) = self.names.get(module.as_bytes()).cloned() else {
            return Err(Error::type_error(format!("nothing is defined under `{module}`")));
        };
        self.forget_linked();
        self.names.entry(as_module.as_bytes().into()).or_default().extend(names);
        Ok(self)
    }

    /// What a name is defined as, in that store. `None` also for something of another store.
    pub fn get(&self, store: &mut impl AsStoreMut<Data = T>, module: &str, name: &str) -> Option<Extern> {
        let store = store.inner_mut();
        let item = match self.definition(module, name)? {
            Definition::Host(func) => host_item(store, func, None),
            Definition::Item(item) => *item,
            Definition::Shared(memory) => shared_item(store, memory),
        };
        store.extern_type(item).is_ok().then_some(item)
    }

    /// Defines every function the module imports and the linker lacks as one that traps when called; the message names
    /// the import.
    ///
    /// # Errors
    /// None at present.
    pub fn stub_unknown_imports(&mut self, module: &Module) -> Result<&mut Self, Error> {
        for import in module.imports() {
            if let ExternType::Func(ty) = import.ty
                && self.definition(import.module, import.name).is_none()
            {
                let stub = host::stub(ty, import.module, import.name);
                self.add(import.module, import.name, Definition::Host(stub))?;
            }
        }
        Ok(self)
    }

    /// Has `observer` told about runs in the stores in which modules are instantiated with this linker: see
    /// [`Store::observe_runs`].
    pub fn observe_runs(&mut self, observer: Arc<dyn RunObserver>) -> &mut Self {
        self.observers.push(observer);
        self
    }

    /// Whether later definitions may replace earlier ones. Off at first.
    pub fn allow_shadowing(&mut self, on: bool) -> &mut Self {
        self.shadowing = on;
        self
    }

    /// Instantiates a module in a store of its own and runs its start function.
    ///
    /// # Errors
    /// As [`Linker::instantiate_in`].
    pub fn instantiate(&self, module: &Module) -> Result<Executor<T>, Error>
    where
        T: Default,
    {
        let mut store = Store::new(module.engine(), T::default());
        let instance = self.instantiate_in(&mut store, module)?;
        Ok(Executor::new(store, instance))
    }

    /// Instantiates a module in a store and runs its start function.
    ///
    /// # Errors
    /// [`Error::Link`] with all imports that are missing or of another type, [`Error::Limit`], [`Error::Instantiate`],
    /// and whatever ends the start function. [`Error::Type`] when module, store and linker are of different engines.
    pub fn instantiate_in(&self, store: &mut impl AsStoreMut<Data = T>, module: &Module) -> Result<Instance, Error> {
        if self.engine.as_ref().is_some_and(|engine| !engine.same(module.engine())) {
            return Err(Error::type_error(
                "the linker was made for another engine than the module was loaded with",
            ));
        }
        let store = store.inner_mut();
        let imports = self.resolve(store, module)?;
        for observer in &self.observers {
            store.observe_runs(observer.clone());
        }
        let index = instantiate::instance(store, module, &imports)?.0;
        Ok(Instance { store: store.id, index })
    }

    fn forget_linked(&mut self) {
        self.linked.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What the module's imports are resolved to.
    fn resolve(&self, store: &mut StoreInner, module: &Module) -> Result<Vec<Extern>, Error> {
        let inner = &*module.inner;
        // A module of another engine is refused later, and its ids mean nothing here.
        let same_engine = inner.engine.same(&store.engine);
        let before = same_engine.then(|| self.linked_before(module)).flatten();
        // Functions of the host have the same address in all of a store: where there are some already, these are looked up.
        if let Some(linked) = &before
            && !store.has_host_funcs()
        {
            let funcs = store.host_funcs(linked);
            let item = |&at: &u32| Extern::Func(Func::new(store.id, funcs.get(at)));
            return Ok(linked.imports.iter().map(item).collect());
        }
        let mut found: Vec<(&Definition, Option<u32>)> = Vec::with_capacity(inner.imports.len());
        let mut problems = Vec::new();
        // First by type alone, so that a module that cannot be linked leaves nothing in the store, and the message
        // has everything that is wrong.
        for import in &inner.imports {
            let names = self.names.get(inner.slice(&import.module));
            let definition = names.and_then(|names| names.get(inner.slice(&import.field)));
            let given = match definition {
                None => None,
                Some(definition @ Definition::Host(func))
                    if import.kind == Kind::Func && func.ty == *inner.func_type(import.index) =>
                {
                    let ty = inner.funcs[import.index as usize] as usize;
                    // Types that are subtypes, or not final, are others than those of host functions.
                    if inner.type_infos[ty].plain {
                        found.push((definition, same_engine.then(|| inner.type_ids[ty])));
                        continue;
                    }
                    Some(ExternType::Func(func.ty.clone()))
                }
                Some(definition @ Definition::Item(Extern::Func(func))) if import.kind == Kind::Func => {
                    let want = inner.type_ids[inner.funcs[import.index as usize] as usize];
                    if same_engine && store.engine.is_subtype(store.func_sig(*func)?, want) {
                        found.push((definition, None));
                        continue;
                    }
                    Some(store.extern_type(Extern::Func(*func))?)
                }
                Some(definition @ Definition::Item(Extern::Tag(tag))) if import.kind == Kind::Tag => {
                    let want = inner.type_ids[inner.tags[import.index as usize] as usize];
                    if same_engine && store.tag_is(*tag, want)? {
                        found.push((definition, None));
                        continue;
                    }
                    Some(store.extern_type(Extern::Tag(*tag))?)
                }
                Some(Definition::Host(func)) => Some(ExternType::Func(func.ty.clone())),
                Some(Definition::Item(item)) => Some(store.extern_type(*item)?),
                Some(Definition::Shared(memory)) => Some(ExternType::Memory(memory.present_type())),
            };
            let expected = inner.extern_type(import.kind, import.index);
            match (definition, given) {
                (Some(definition), Some(given)) if given.matches(&expected, &store.engine) => {
                    found.push((definition, None))
                }
                (_, given) => problems.push(import_problem(inner, import, expected, given)),
            }
        }
        if !problems.is_empty() {
            return Err(link_error(inner, problems));
        }
        if same_engine
            && before.is_none()
            && let Some(linked) = Linked::new(module, &found)
        {
            let mut known = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() == MAX_LINKED {
                known.remove(0);
            }
            known.push(Arc::new(linked));
        }
        store.reserve_host_funcs(found.len());
        let item = |(definition, type_id): (&Definition, Option<u32>)| match definition {
            Definition::Host(func) => host_item(store, func, type_id),
            Definition::Item(item) => *item,
            Definition::Shared(memory) => shared_item(store, memory),
        };
        Ok(found.into_iter().map(item).collect())
    }

    /// What the module was linked to before, if that is known.
    fn linked_before(&self, module: &Module) -> Option<Arc<Linked>> {
        let linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        let of_module = |linked: &&Arc<Linked>| std::ptr::eq(linked.module.as_ptr(), &*module.inner);
        linked.iter().find(of_module).cloned()
    }

    fn definition(&self, module: &str, name: &str) -> Option<&Definition> {
        self.names.get(module.as_bytes())?.get(name.as_bytes())
    }

    fn add(&mut self, module: &str, name: &str, definition: Definition) -> Result<&mut Self, Error> {
        if !self.shadowing && self.definition(module, name).is_some() {
            let hint = "use another name, or `allow_shadowing`";
            return Err(Error::type_error(format!(
                "`{module}` `{name}` is already defined: {hint}"
            )));
        }
        self.forget_linked();
        let names = match self.names.get_mut(module.as_bytes()) {
            Some(names) => names,
            None => self.names.entry(module.as_bytes().into()).or_default(),
        };
        names.insert(name.as_bytes().into(), definition);
        Ok(self)
    }
}

fn shared_item(store: &mut StoreInner, memory: &SharedMemory) -> Extern {
    let index = store.share_memory(memory);
    Extern::Memory(Memory { store: store.id, index })
}

fn host_item(store: &mut StoreInner, func: &Arc<HostFunc>, type_id: Option<u32>) -> Extern {
    Extern::Func(Func::new(store.id, store.host_func(func, type_id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Global, GlobalType, LinearMemory, Memory, MemoryType, Table, TableType, Trap, ValType};

    fn module(engine: &Engine, text: &str) -> Module {
        Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
    }

    #[test]
    fn all_imports_in_the_way_are_listed_and_nothing_is_left_in_the_store() {
        let engine = Engine::default();
        let module = module(
            &engine,
            "(module (import \"env\" \"log\" (func (param i32 i32))) (import \"env\" \"now\" (func (result i64)))
                (import \"env\" \"mem\" (memory 2)) (import \"env\" \"ok\" (func)))",
        );
        let mut store = Store::new(&engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
        let mut linker = Linker::new(&engine);
        linker.func("env", "now", |_: &mut LinearMemory| 1i32).unwrap();
        linker.func("env", "ok", |_: &mut LinearMemory| ()).unwrap();
        linker.define(&store, "env", "mem", memory).unwrap();
        let error = linker.instantiate_in(&mut store, &module).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown import: `env` `log` (func (param i32 i32))\n\
             incompatible import type: `env` `now` is (func (result i32)), the module asks for (func (result i64))\n\
             incompatible import type: `env` `mem` is (memory 1), the module asks for (memory 2)\n  \
             the module has 4 imports; 3 are provided, 1 are not"
        );
        assert_eq!(store.inner().instances.len(), 0);

        linker
            .allow_shadowing(true)
            .func("env", "now", |_: &mut LinearMemory| 1i64)
            .unwrap();
        linker.stub_unknown_imports(&module).unwrap();
        memory.grow(&mut store, 1).unwrap();
        linker.instantiate_in(&mut store, &module).unwrap();
        let stub = linker
            .get(&mut store, "env", "log")
            .and_then(Extern::into_func)
            .unwrap();
        let error = stub.call(&mut store, &[Val::I32(1), Val::I32(2)]).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::UnknownImport));
        assert_eq!(error.to_string(), "unknown import: `env` `log`");
    }

    #[test]
    fn names_are_taken_once_unless_shadowing_is_allowed() {
        let mut linker = Linker::<()>::default();
        linker.func("a", "f", |_: &mut LinearMemory| ()).unwrap();
        let error = linker.func("a", "f", |_: &mut LinearMemory| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`a` `f` is already defined: use another name, or `allow_shadowing`"
        );
        linker.alias("a", "b").unwrap();
        assert!(linker.definition("b", "f").is_some());
        assert!(linker.alias("c", "d").is_err());
    }

    #[test]
    fn what_belongs_to_another_store_or_engine_is_refused() {
        let engine = Engine::default();
        let (mut a, mut b) = (Store::new(&engine, ()), Store::new(&engine, ()));
        let global = Global::new(&mut a, GlobalType::new(ValType::I32, false), Val::I32(1)).unwrap();
        let table = Table::new(&mut a, TableType::new(ValType::FUNCREF, 0, None), Val::FuncRef(None)).unwrap();
        let mut linker = Linker::new(&engine);
        assert!(matches!(linker.define(&b, "e", "g", global), Err(Error::Type(_))));
        linker
            .define(&a, "e", "g", global)
            .unwrap()
            .define(&a, "e", "t", table)
            .unwrap();
        let uses = module(
            &engine,
            "(module (import \"e\" \"g\" (global i32)) (import \"e\" \"t\" (table 0 funcref)))",
        );
        linker.instantiate_in(&mut a, &uses).unwrap();
        assert!(matches!(linker.instantiate_in(&mut b, &uses), Err(Error::Type(_))));
        assert!(linker.get(&mut b, "e", "g").is_none());

        let other = module(&Engine::default(), "(module)");
        assert!(matches!(linker.instantiate_in(&mut a, &other), Err(Error::Type(_))));
        assert!(matches!(
            Linker::default().instantiate_in(&mut a, &other),
            Err(Error::Type(_))
        ));
    }

    #[test]
    fn a_clone_outlives_its_original() {
        let engine = Engine::default();
        let mut linker = Linker::<u32>::with_data(&engine);
        linker
            .func_with("e", "f", |caller: &mut Caller<'_, u32>, by: u32| {
                *caller.data_mut() += by;
                *caller.data()
            })
            .unwrap();
        let copy = linker.clone();
        drop(linker);
        let mut store = Store::new(&engine, 40);
        let func = copy.get(&mut store, "e", "f").and_then(Extern::into_func).unwrap();
        drop(copy);
        let func = func.typed::<u32, u32>(&store).unwrap();
        assert_eq!(func.call(&mut store, 2).unwrap(), 42);
        assert_eq!(*store.data(), 42);
    }

    #[test]
    fn what_a_module_was_linked_to_before_is_the_same_functions() {
        let engine = Engine::default();
        let module = module(
            &engine,
            "(module (import \"e\" \"f\" (func $f (result i32))) (import \"e\" \"again\" (func $g (result i32)))
                (import \"e\" \"h\" (func $h (param i32) (result i32)))
                (table (export \"t\") funcref (elem $f $g $h))
                (func (export \"sum\") (result i32) (i32.add (call $f) (i32.add (call $g) (call $h (i32.const 100))))))",
        );
        let mut linker = Linker::new(&engine);
        linker.func("e", "f", |_: &mut LinearMemory| 1i32).unwrap();
        let same = linker.names[&b"e"[..]][&b"f"[..]].clone();
        linker.add("e", "again", same).unwrap();
        linker.func("e", "h", |_: &mut LinearMemory, by: i32| by).unwrap();
        for round in 0..4 {
            // Also when there are functions of the host in the store already, and of another instance.
            let mut store = Store::new(&engine, ());
            let before =
                (round % 2 == 1).then(|| linker.get(&mut store, "e", "h").and_then(Extern::into_func).unwrap());
            for _ in 0..2 {
                let instance = linker.instantiate_in(&mut store, &module).unwrap();
                let sum = instance.typed_func::<(), i32>(&mut store, "sum").unwrap();
                assert_eq!(sum.call(&mut store, ()).unwrap(), 102);
                let table = instance.table(&mut store, "t").unwrap();
                let elements = [0, 1, 2].map(|at| format!("{:?}", table.get(&store, at).unwrap()));
                assert_eq!(elements[0], elements[1]);
                assert_ne!(elements[0], elements[2]);
                let f = linker.get(&mut store, "e", "f").and_then(Extern::into_func);
                assert_eq!(elements[0], format!("{:?}", Val::FuncRef(f)));
                let h = linker.get(&mut store, "e", "h").and_then(Extern::into_func);
                assert_eq!(elements[2], format!("{:?}", Val::FuncRef(h)));
                assert!(before.is_none() || elements[2] == format!("{:?}", Val::FuncRef(before)));
            }
        }
        assert_eq!(linker.linked.lock().unwrap().len(), 1, "a module is remembered once");
        // A change of the names is seen.
        linker
            .allow_shadowing(true)
            .func("e", "f", |_: &mut LinearMemory| 5i32)
            .unwrap();
        let mut executor = linker.instantiate(&module).unwrap();
        assert_eq!(executor.func::<(), i32>("sum").unwrap().call(()).unwrap(), 106);
        linker.func("e", "f", |_: &mut LinearMemory| 5i64).unwrap();
        assert!(linker.instantiate(&module).is_err());
    }
}
