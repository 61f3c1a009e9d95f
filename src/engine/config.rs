//! `Engine`: configuration, and the register of types (`register.rs`) that modules and stores share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limits::StoreLimits;
use super::register::{Register, TypeInfo};
use super::types::{FuncType, SubType};

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
    pub(crate) gc_stress: bool,
    pub(crate) canonical_nans: bool,
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
            gc_stress: false,
            canonical_nans: false,
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

    /// Bytes the objects of one store may take. Default 1 GiB.
    pub fn max_gc_heap(mut self, bytes: u64) -> Config {
        self.limits.gc_heap = bytes;
        self
    }

    /// Collect at every allocation of an object. For tests: an object that is freed too early is then missed at once.
    pub fn gc_stress(mut self, on: bool) -> Config {
        self.gc_stress = on;
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

    /// Make every NaN that an arithmetic instruction computes the canonical one: positive, `nan:0x8000000000000` or
    /// `nan:0x400000`. Off by default; then a NaN's sign and payload are the processor's.
    ///
    /// Relaxed vector instructions then do what the deterministic profile says, too, and two machines agree about every bit
    /// of every result. It costs an instruction per float operation. Loads, constants, reinterpretations, `neg`, `abs`,
    /// `copysign`, `pmin` and `pmax` pass bits on as they are, as the specification asks.
    ///
    /// Spec: appendix/profiles.html#deterministic-profile-small-mathrm-det
    pub fn canonical_nans(mut self, on: bool) -> Config {
        self.canonical_nans = on;
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
                // Two may stand for one flag of the validator's.
                $( flags.set(wasmparser::WasmFeatures::$flag, false); )*
                $( if self.0 & (1 << $bit) != 0 { flags |= wasmparser::WasmFeatures::$flag; } )*
                // Atomic instructions work on memory as it stands, in the guest's order.
                if cfg!(target_endian = "big") {
                    flags.remove(wasmparser::WasmFeatures::THREADS);
                }
                flags
            }
        }
    };
}

/// Which proposals beyond WebAssembly 1.0 modules may use.
///
/// The default is everything supported but shared memories (`threads`): WebAssembly 2.0, and tail calls, extended constant expressions,
/// relaxed SIMD, multiple memories, exceptions in both forms, memories of 64 bits, custom page sizes and wide arithmetic.
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
    /// Memories and tables whose addresses have 64 bits.
    memory64 = 16, MEMORY64, "memory64";
    /// Memories with pages of one byte.
    custom_page_sizes = 17, CUSTOM_PAGE_SIZES, "custom-page-sizes";
    /// `i64.add128`, `i64.mul_wide_s` and their like.
    wide_arithmetic = 18, WIDE_ARITHMETIC, "wide-arithmetic";
    /// Shared memories, and atomic instructions. The only one that is off by default.
    threads = 19, THREADS, "threads";
    /// `v128` and the instructions on it.
    simd = 20, SIMD, "simd";
    /// Instructions on `v128` whose results the specification leaves open in part. They need `simd`. Here they give the
    /// same results on every host.
    relaxed_simd = 21, RELAXED_SIMD, "relaxed-simd";
    /// Atomic instructions, on memories that need not be shared: programs built for threads use them also where they run
    /// with one.
    atomics = 22, THREADS, "atomics";
    /// References to functions of a given type, references that are never null, `call_ref`.
    function_references = 24, FUNCTION_REFERENCES, "function-references";
    /// Structs, arrays, integers of 31 bits; recursive types and subtypes.
    gc = 25, GC, "gc";
}

impl Features {
    /// Whether memories may be shared: the validator's flag stands for atomic instructions, too.
    pub(crate) fn shared_memories(self) -> bool {
        self == self.threads(true)
    }

    /// WebAssembly 1.0 as published in 2019, and nothing else.
    pub const fn wasm1() -> Features {
        Features(1)
    }

    /// WebAssembly 2.0.
    pub const fn wasm2() -> Features {
        Features(0b0011_1111 | 1 << 20)
    }

    /// WebAssembly 3.0.
    pub const fn wasm3() -> Features {
        Features(0b0011_0011_0001_0000_0011_1111_1111)
    }

    fn with(self, bit: u32, on: bool) -> Features {
        Features(if on { self.0 | 1 << bit } else { self.0 & !(1 << bit) })
    }
}

impl Default for Features {
    fn default() -> Features {
        Features(0b0011_0111_0111_0000_0111_1111_1111)
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
    types: Mutex<Register>,
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

    fn types(&self) -> MutexGuard<'_, Register> {
        self.inner.types.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of a function type that stands alone, to be given back with [`Engine::release_types`].
    ///
    /// Two types are equal exactly when their ids are.
    pub(crate) fn register_func(&self, ty: &FuncType) -> u32 {
        self.types().func(ty)
    }

    /// A recursive group of types, each to be given back with [`Engine::release_types`]. References inside the group
    /// are relative.
    pub(crate) fn register_group(&self, types: Vec<SubType>) -> Vec<Arc<TypeInfo>> {
        let len = types.len() as u32;
        let mut register = self.types();
        let first = register.group(types);
        // The group was retained once; each of its types is given back by itself.
        (1..len).for_each(|_| register.retain(first));
        let infos = (first..first + len).filter_map(|id| register.info(id).cloned());
        infos.collect()
    }

    /// An id once more, to be given back with [`Engine::release_types`].
    pub(crate) fn retain_type(&self, id: u32) -> u32 {
        self.types().retain(id);
        id
    }

    /// Gives ids back.
    pub(crate) fn release_types(&self, ids: impl IntoIterator<Item = u32>) {
        let mut register = self.types();
        for id in ids {
            register.release(id);
        }
    }

    /// What is registered under an id.
    #[cfg(test)]
    pub(crate) fn type_info(&self, id: u32) -> Option<Arc<TypeInfo>> {
        self.types().info(id).cloned()
    }

    /// Whether a type is another or a subtype of it.
    pub(crate) fn is_subtype(&self, id: u32, of: u32) -> bool {
        if id == of {
            return true;
        }
        let register = self.types();
        match (register.info(id), register.info(of)) {
            (Some(id), Some(of)) => id.is_subtype(of),
            _ => false,
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
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
        let ids = [&unary, &empty, &unary].map(|ty| engine.register_func(ty));
        assert_eq!(ids[0], ids[2]);
        assert_ne!(ids[0], ids[1]);
        assert_eq!(engine.type_info(ids[1]).unwrap().func(), Some(&empty));
        engine.release_types([ids[0]]);
        assert_eq!(engine.type_info(ids[2]).unwrap().func(), Some(&unary));
        engine.release_types([ids[1], ids[2]]);
        let other = engine.register_func(&FuncType::new([ValType::F64], []));
        assert!(ids.contains(&other), "ids are used again");
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
