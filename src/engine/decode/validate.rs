//! Validation of function bodies by wasmparser, on all processors when there is enough to do, or each on its first call.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use wasmparser::{
    BinaryReader, FuncToValidate, FuncValidatorAllocations, FunctionBody, ValidatorResources, WasmFeatures,
};

use super::Refusal;
use crate::engine::error::{DecodeError, DecodeReason, Error};
use crate::engine::module::ModuleInner;
use crate::engine::trap::Escaped;

/// What the validator knows of the module its function bodies belong to.
pub(crate) struct Bodies {
    pub(super) resources: ValidatorResources,
    pub(super) features: WasmFeatures,
}

impl Bodies {
    /// Validates one body of a module that keeps its bytes.
    pub(super) fn one(&self, module: &ModuleInner, defined: u32) -> wasmparser::Result<()> {
        self.body(
            &module.bytes,
            module,
            defined as usize,
            &mut FuncValidatorAllocations::default(),
        )
    }

    fn body(
        &self,
        bytes: &[u8],
        module: &ModuleInner,
        defined: usize,
        allocations: &mut FuncValidatorAllocations,
    ) -> wasmparser::Result<()> {
        let features = self.features;
        let range = &module.bodies[defined];
        let bytes = &bytes[range.start as usize..range.end as usize];
        let index = module.imported_funcs + defined as u32;
        let ty = module.funcs[index as usize];
        let body = FunctionBody::new(BinaryReader::new_features(bytes, u64::from(range.start), features));
        let func = FuncToValidate {
            resources: &self.resources,
            index,
            ty,
            features,
        };
        let mut validator = func.into_validator(std::mem::take(allocations));
        let result = validator.validate(&body);
        *allocations = validator.into_allocations();
        result
    }
}

/// Bytes of code a thread takes at a time: small enough to share the work evenly, big enough to take seldom.
const CHUNK_BYTES: usize = 64 << 10;

/// Bytes of code from which on a further thread pays. Processors may be two halves of one core: then a module of 1.3 MB
/// loads no sooner with two, and takes a quarter more of their time.
const BYTES_PER_THREAD: usize = 2 << 20;

/// Validates every body; of several errors the one with the lowest offset is reported.
///
/// Spec: valid/modules.html#functions
pub(super) fn bodies(validated: &Bodies, bytes: &[u8], module: &ModuleInner, threads: usize) -> Result<(), Refusal> {
    let work = Work {
        validated,
        bytes,
        module,
        next: AtomicUsize::new(0),
        error: Mutex::new(None),
        chunks: chunks(module),
    };
    let code_bytes = match (module.bodies.first(), module.bodies.last()) {
        (Some(first), Some(last)) => (last.end - first.start) as usize,
        _ => 0,
    };
    let useful = (code_bytes / BYTES_PER_THREAD + 1).min(work.chunks.len());
    let available = match threads {
        // Asking the system takes longer than validating a small module.
        0 if useful > 1 => std::thread::available_parallelism().map_or(1, |count| count.get()),
        count => count.max(1),
    };
    let helpers = available.min(useful) - 1;
    if helpers == 0 {
        work.run();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..helpers {
                // Where no thread can be had, the others do its part.
                let _ = std::thread::Builder::new().spawn_scoped(scope, || work.run());
            }
            work.run();
        });
    }
    let error = work.error.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    error.map_or(Ok(()), |error| Err(error.into()))
}

/// Defined functions, cut into ranges of about the same number of bytes.
fn chunks(module: &ModuleInner) -> Vec<std::ops::Range<usize>> {
    let mut chunks = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (at, body) in module.bodies.iter().enumerate() {
        size += body.len();
        if size >= CHUNK_BYTES {
            chunks.push(start..at + 1);
            (start, size) = (at + 1, 0);
        }
    }
    chunks.push(start..module.bodies.len());
    chunks
}

/// What the threads share.
struct Work<'m> {
    validated: &'m Bodies,
    bytes: &'m [u8],
    module: &'m ModuleInner,
    chunks: Vec<std::ops::Range<usize>>,
    /// The first chunk nobody has taken.
    next: AtomicUsize,
    /// The error with the lowest offset so far.
    error: Mutex<Option<wasmparser::Error>>,
}

impl Work<'_> {
    /// Takes chunks until none is left.
    fn run(&self) {
        let mut allocations = FuncValidatorAllocations::default();
        while let Some(chunk) = self.chunks.get(self.next.fetch_add(1, Relaxed)) {
            for defined in chunk.clone() {
                if let Err(error) = self.validated.body(self.bytes, self.module, defined, &mut allocations) {
                    // Chunks are taken in order, so everything with a lower offset is taken already.
                    self.next.store(self.chunks.len(), Relaxed);
                    let mut first = self.error.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    if first.as_ref().is_none_or(|first| error.offset() < first.offset()) {
                        *first = Some(error);
                    }
                    break;
                }
            }
        }
    }
}

impl ModuleInner {
    /// Makes sure of a body that loading has left unvalidated, before it is translated.
    pub(crate) fn validate_body(&self, defined: u32) -> Result<(), Error> {
        let Some(unvalidated) = &self.unvalidated else {
            return Ok(());
        };
        unvalidated
            .one(self, defined)
            .map_err(|error| self.invalid_body(defined, error.into()))
    }

    #[cold]
    fn invalid_body(&self, defined: u32, refusal: Refusal) -> Error {
        let index = self.imported_funcs + defined;
        let name = self
            .func_name(index)
            .map(|name| format!(" `{}`", Escaped(name)))
            .unwrap_or_default();
        let reason = match refusal.reason {
            DecodeReason::Invalid(message) => DecodeReason::Invalid(format!("function {index}{name}: {message}")),
            other => other,
        };
        Error::Decode(Box::new(DecodeError {
            name: self.file.clone(),
            offset: refusal.offset,
            reason,
        }))
    }
}
