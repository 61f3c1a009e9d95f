//! `Engine`: configuration, and the register of function types that modules and stores share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::StoreLimits;
use super::types::FuncType;

/// How an [`Engine`] loads and runs modules. Start from [`Config::new`], change what matters.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) features: Features,
    pub(crate) optimizations: Optimizations,
    pub(crate) metering: bool,
    pub(crate) fuel: u64,
    pub(crate) limits: StoreLimits,
    pub(crate) eager_translation: bool,
    pub(crate) validation_threads: usize,
    pub(crate) lazy_validation: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}

impl Config {
    /// The defaults: all supported proposals, no fuel, the limits of [`StoreLimits`], translation on first call.
    pub fn new() -> Config {
        Config {
            features: Features::default(),
            optimizations: Optimizations::default(),
            metering: false,
            fuel: 0,
            limits: StoreLimits::default(),
            eager_translation: false,
            validation_threads: 0,
            lazy_validation: false,
        }
    }

    /// Switches metering on and gives each new store that much fuel. One unit is about one instruction.
    pub fn fuel(mut self, fuel: u64) -> Config {
        self.metering = true;
        self.fuel = fuel;
        self
    }

    /// Whether code counts fuel. It costs some speed; stores start with the amount of [`Config::fuel`], or none.
    pub fn metering(mut self, on: bool) -> Config {
        self.metering = on;
        self
    }

    /// Bytes the memories of one store may have together. Default 4 GiB.
    pub fn max_memory(mut self, bytes: u64) -> Config {
        self.limits.memory = bytes;
        self
    }

    /// Bytes of the value stack of one run, which bounds the depth of calls. Default 8 MiB.
    pub fn max_stack(mut self, bytes: usize) -> Config {
        self.limits.stack = bytes;
        self
    }

    /// Elements any one table may have. Default 10,000,000.
    pub fn max_table_elements(mut self, elements: u64) -> Config {
        self.limits.table_elements = elements;
        self
    }

    /// All limits a new store starts with.
    pub fn limits(mut self, limits: StoreLimits) -> Config {
        self.limits = limits;
        self
    }

    /// Which proposals modules may use.
    pub fn features(mut self, features: Features) -> Config {
        self.features = features;
        self
    }

    /// Translate all functions when a module is loaded, not each on its first call.
    pub fn eager_translation(mut self, on: bool) -> Config {
        self.eager_translation = on;
        self
    }

    /// Which optimisations the translator applies. Results never depend on them.
    pub fn optimizations(mut self, optimizations: Optimizations) -> Config {
        self.optimizations = optimizations;
        self
    }

    /// Validate each function's body on its first call, not all of them when a module is loaded. Off by default.
    ///
    /// Loading then takes a fraction of the time. The consequence: a module may be loaded, instantiated and partly run
    /// that is not valid as a whole. A body that is not valid never runs; the call that would have been its first ends
    /// the run with [`Error::Decode`](crate::Error::Decode), which names the function and the offset in the file, and
    /// so does every later one. Everything else of the module is validated when it is loaded, as always.
    pub fn lazy_validation(mut self, on: bool) -> Config {
        self.lazy_validation = on;
        self
    }

    /// Threads that validate function bodies of big modules. 0, the default: one per processor.
    pub fn validation_threads(mut self, threads: usize) -> Config {
        self.validation_threads = threads;
        self
    }
}

/// What the translator may do to make code faster. Switching one off is for finding faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Optimizations {
    /// Join frequent sequences of instructions into one.
    pub fusion: bool,
    /// Keep intermediate results in machine registers.
    pub registers: bool,
    /// Keep much-used locals in machine registers.
    pub pins: bool,
}

impl Optimizations {
    /// None of them.
    pub const NONE: Optimizations = Optimizations {
        fusion: false,
        registers: false,
        pins: false,
    };
}

impl Default for Optimizations {
    fn default() -> Optimizations {
        Optimizations {
            fusion: true,
            registers: true,
            pins: true,
        }
    }
}

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $bit:expr, $flag:ident, $proposal:literal;)*) => {
        impl Features {
            $( $(#[$doc])*
            #[must_use]
            pub fn $name(self, on: bool) -> Features {
                self.with($bit, on)
            } )*

            /// The proposals that are on, by name.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$(($bit, $proposal)),*].into_iter().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| name)
            }

            /// The same for the validator.
            pub(crate) fn for_validator(self) -> wasmparser::WasmFeatures {
                let mut flags = wasmparser::WasmFeatures::FLOATS | wasmparser::WasmFeatures::GC_TYPES;
                $( flags.set(wasmparser::WasmFeatures::$flag, self.0 & (1 << $bit) != 0); )*
                flags
            }
        }
    };
}

/// Which proposals beyond WebAssembly 1.0 modules may use.
///
/// The default is everything supported: WebAssembly 2.0 without SIMD, and tail calls, extended constant expressions,
/// multiple memories, and exceptions in both forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Features(u32);

features! {
    /// Import and export of mutable globals.
    mutable_global = 0, MUTABLE_GLOBAL, "mutable-global";
    /// Conversions of floats to integers that saturate.
    saturating_float_to_int = 1, SATURATING_FLOAT_TO_INT, "nontrapping-float-to-int-conversions";
    /// `i32.extend8_s` and its like.
    sign_extension = 2, SIGN_EXTENSION, "sign-extension-ops";
    /// Several results, and parameters of blocks.
    multi_value = 3, MULTI_VALUE, "multi-value";
    /// `memory.copy`, `memory.fill`, passive segments and their like for tables.
    bulk_memory = 4, BULK_MEMORY, "bulk-memory-operations";
    /// `externref`, several tables, `table.get` and its like.
    reference_types = 5, REFERENCE_TYPES, "reference-types";
    /// `return_call` and `return_call_indirect`.
    tail_call = 6, TAIL_CALL, "tail-call";
    /// Arithmetic in constant expressions.
    extended_const = 7, EXTENDED_CONST, "extended-const";
    /// More than one memory.
    multi_memory = 8, MULTI_MEMORY, "multi-memory";
    /// Exceptions as in WebAssembly 3.0: `throw`, `throw_ref`, `try_table`, `exnref`.
    exceptions = 9, EXCEPTIONS, "exceptions";
    /// Exceptions as compilers emitted them before 3.0: `try`, `catch`, `catch_all`, `delegate`, `rethrow`. Tags and
    /// `throw` belong to [`Features::exceptions`], which it needs.
    legacy_exceptions = 10, LEGACY_EXCEPTIONS, "legacy-exceptions";
}

impl Features {
    /// WebAssembly 1.0 as published in 2019, and nothing else.
    pub const fn wasm1() -> Features {
        Features(1)
    }

    /// WebAssembly 2.0 except SIMD.
    pub const fn wasm2() -> Features {
        Features(0b0011_1111)
    }

    fn with(self, bit: u32, on: bool) -> Features {
        Features(if on { self.0 | 1 << bit } else { self.0 & !(1 << bit) })
    }
}

impl Default for Features {
    fn default() -> Features {
        Features(0b111_1111_1111)
    }
}

/// Where modules are loaded and stores are made: the configuration they share.
///
/// Cheap to clone; may be used from any number of threads. Modules and stores work together when their engine is the
/// same one.
#[derive(Clone, Default)]
pub struct Engine {
    inner: Arc<EngineInner>,
}

#[derive(Default)]
struct EngineInner {
    config: Config,
    types: Mutex<TypeRegistry>,
}

impl Engine {
    /// An engine with the given configuration.
    pub fn new(config: Config) -> Engine {
        Engine {
            inner: Arc::new(EngineInner {
                config,
                types: Mutex::default(),
            }),
        }
    }

    /// What it was made with.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Whether both are the same engine.
    pub(crate) fn same(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The ids of `types` in this engine, each to be given back with [`Engine::release_types`].
    ///
    /// Two types are equal exactly when their ids are.
    pub(crate) fn register_types<'t>(&self, types: impl IntoIterator<Item = &'t FuncType>) -> Vec<u32> {
        let mut registry = self.inner.types.lock().unwrap_or_else(PoisonError::into_inner);
        types.into_iter().map(|ty| registry.register(ty)).collect()
    }

    /// An id once more, to be given back with [`Engine::release_types`].
    pub(crate) fn retain_type(&self, id: u32) -> u32 {
        let mut registry = self.inner.types.lock().unwrap_or_else(PoisonError::into_inner);
        registry.entries[id as usize].uses += 1;
        id
    }

    /// Gives ids back.
    pub(crate) fn release_types(&self, ids: &[u32]) {
        let mut registry = self.inner.types.lock().unwrap_or_else(PoisonError::into_inner);
        for &id in ids {
            registry.release(id);
        }
    }

    /// The type with an id that is registered.
    #[cfg(test)]
    pub(crate) fn func_type(&self, id: u32) -> FuncType {
        let registry = self.inner.types.lock().unwrap_or_else(PoisonError::into_inner);
        registry.entries[id as usize]
            .ty
            .clone()
            .expect("a type id is only held while it is registered")
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}

/// Function types by id, counted, so that an indirect call compares one number whatever module the callee is from.
#[derive(Default)]
struct TypeRegistry {
    // Not a hash table, here and elsewhere on the way to a first call: its seed is a call of the system.
    ids: BTreeMap<FuncType, u32>,
    entries: Vec<TypeEntry>,
    free: Vec<u32>,
}

struct TypeEntry {
    ty: Option<FuncType>,
    uses: usize,
}

impl TypeRegistry {
    fn register(&mut self, ty: &FuncType) -> u32 {
        if let Some(&id) = self.ids.get(ty) {
            self.entries[id as usize].uses += 1;
            return id;
        }
        let entry = TypeEntry {
            ty: Some(ty.clone()),
            uses: 1,
        };
        let id = match self.free.pop() {
            Some(id) => {
                self.entries[id as usize] = entry;
                id
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        self.ids.insert(ty.clone(), id);
        id
    }

    fn release(&mut self, id: u32) {
        let entry = &mut self.entries[id as usize];
        entry.uses -= 1;
        if entry.uses == 0 {
            if let Some(ty) = entry.ty.take() {
                self.ids.remove(&ty);
            }
            self.free.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::types::ValType;

    #[test]
    fn type_ids_are_equal_exactly_when_types_are_and_are_given_back() {
        let engine = Engine::default();
        let unary = FuncType::new([ValType::I32], [ValType::I32]);
        let empty = FuncType::new([], []);
        let ids = engine.register_types([&unary, &empty, &unary]);
        assert_eq!(ids[0], ids[2]);
        assert_ne!(ids[0], ids[1]);
        assert_eq!(engine.func_type(ids[1]), empty);
        engine.release_types(&ids[..1]);
        assert_eq!(engine.func_type(ids[2]), unary);
        engine.release_types(&ids[1..]);
        let other = engine.register_types([&FuncType::new([ValType::F64], [])]);
        assert!(ids.contains(&other[0]), "ids are used again");
    }

    #[test]
    fn features_name_what_is_on() {
        assert_eq!(Features::wasm1().names().collect::<Vec<_>>(), ["mutable-global"]);
        assert!(Features::default().names().any(|name| name == "tail-call"));
        assert!(
            Features::default()
                .tail_call(false)
                .names()
                .all(|name| name != "tail-call")
        );
    }
}
