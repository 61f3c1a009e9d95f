//! bytes → `Module`: drives wasmparser's parser and validator, and keeps what the engine needs of the declarations.
//!
//! Sections are validated in the order of the file, so a module that needs an unsupported proposal is refused at the
//! first section that shows it; function bodies are validated last, in parallel (`validate`), or on their first calls.
//! Nothing is allocated per function.
//! Spec: binary/modules.html

mod const_expr;
mod names;
#[cfg(test)]
mod tests;
mod types;
mod validate;

use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use wasmparser::{
    BinaryReader, Chunk, ElementItems, ElementKind, ExternalKind, Imports, Parser, Payload, SectionLimited, TableInit,
    TypeRef, Validator, WasmFeatures,
};

pub(crate) use self::names::Names;
pub(crate) use self::validate::Bodies;

use super::code::CodeTable;
use super::config::Engine;
use super::error::{DecodeError, DecodeReason, Error};
use super::initial::Initial;
use super::module::{Bytes, ConstExpr, Data, Elem, Export, Import, Items, Kind, Mode, Module, ModuleInner};
use super::stats::LoadTimes;
use super::types::GlobalType;

/// Globals that are placed below memory 0. Further ones would make its header big; their module uses the slower form.
const MAX_HEADER_GLOBALS: usize = 4096;

/// Loads a module; `file` is its file's name, for messages.
pub(crate) fn module(engine: &Engine, bytes: Vec<u8>, file: Option<String>) -> Result<Module, Error> {
    let refuse = |refusal: Refusal| {
        let Refusal { offset, reason } = refusal;
        Error::Decode(Box::new(DecodeError {
            name: file.clone(),
            offset,
            reason,
        }))
    };
    let bytes = binary(bytes, file.as_deref()).map_err(refuse)?;
    let mut decoder = Decoder::new(engine, &bytes);
    decoder.run().map_err(refuse)?;
    let mut inner = decoder.module;
    inner.file = file;
    inner.bytes = bytes;
    inner.sort_exports();
    if engine.config().eager_translation {
        inner.code.translate_all(&inner)?;
    }
    Ok(Module { inner: Arc::new(inner) })
}

/// Why bytes are refused, before the file's name is known.
pub(crate) struct Refusal {
    offset: Option<u64>,
    reason: DecodeReason,
}

impl Refusal {
    fn invalid(offset: u64, message: impl Into<String>) -> Refusal {
        Refusal {
            offset: Some(offset),
            reason: DecodeReason::Invalid(message.into()),
        }
    }
}

impl From<wasmparser::Error> for Refusal {
    #[cold]
    fn from(error: wasmparser::Error) -> Refusal {
        let missing = error.missing_wasm_feature().or_else(|| match error.message() {
            "multiple memories" => Some(WasmFeatures::MULTI_MEMORY),
            "multiple tables" => Some(WasmFeatures::REFERENCE_TYPES),
            _ => None,
        });
        let reason = match missing.and_then(proposal) {
            Some((proposal, hint)) => DecodeReason::Unsupported { proposal, hint },
            None => DecodeReason::Invalid(error.message().to_string()),
        };
        Refusal {
            offset: Some(error.offset()),
            reason,
        }
    }
}

/// The name of a proposal the validator misses, and what to do about it.
fn proposal(missing: WasmFeatures) -> Option<(&'static str, &'static str)> {
    const SWITCHED_OFF: &str = "it is switched off in the engine's `Features`";
    const NAMES: &[(WasmFeatures, &str, &str)] = &[
        (WasmFeatures::SIMD, "simd", SWITCHED_OFF),
        (WasmFeatures::RELAXED_SIMD, "relaxed-simd", SWITCHED_OFF),
        (WasmFeatures::LEGACY_EXCEPTIONS, "legacy-exceptions", SWITCHED_OFF),
        (WasmFeatures::EXCEPTIONS, "exceptions", SWITCHED_OFF),
        (WasmFeatures::GC, "gc", SWITCHED_OFF),
        (WasmFeatures::FUNCTION_REFERENCES, "function-references", SWITCHED_OFF),
        (
            WasmFeatures::THREADS,
            "threads",
            "it is switched off in the engine's `Features`, unless `wasmrun exec --threads` asks for it",
        ),
        (
            WasmFeatures::SHARED_EVERYTHING_THREADS,
            "shared-everything-threads",
            "rebuild it for one thread",
        ),
        (WasmFeatures::MEMORY64, "memory64", SWITCHED_OFF),
        (WasmFeatures::CUSTOM_PAGE_SIZES, "custom-page-sizes", SWITCHED_OFF),
        (
            WasmFeatures::STACK_SWITCHING,
            "stack-switching",
            "rebuild it for WebAssembly 2.0",
        ),
        (WasmFeatures::WIDE_ARITHMETIC, "wide-arithmetic", SWITCHED_OFF),
        (WasmFeatures::MULTI_MEMORY, "multi-memory", SWITCHED_OFF),
        (WasmFeatures::TAIL_CALL, "tail-call", SWITCHED_OFF),
        (WasmFeatures::EXTENDED_CONST, "extended-const", SWITCHED_OFF),
        (WasmFeatures::REFERENCE_TYPES, "reference-types", SWITCHED_OFF),
        (WasmFeatures::BULK_MEMORY, "bulk-memory-operations", SWITCHED_OFF),
        (WasmFeatures::MULTI_VALUE, "multi-value", SWITCHED_OFF),
        (WasmFeatures::SIGN_EXTENSION, "sign-extension-ops", SWITCHED_OFF),
        (
            WasmFeatures::SATURATING_FLOAT_TO_INT,
            "nontrapping-float-to-int-conversions",
            SWITCHED_OFF,
        ),
        (WasmFeatures::MUTABLE_GLOBAL, "mutable-global", SWITCHED_OFF),
    ];
    NAMES
        .iter()
        .find(|(flags, ..)| missing.intersects(*flags))
        .map(|&(_, name, hint)| (name, hint))
}

/// The binary form of what may be text.
fn binary(bytes: Vec<u8>, file: Option<&str>) -> Result<Vec<u8>, Refusal> {
    if bytes.starts_with(b"\0asm") {
        // The version word of a component: layer 1 in its upper half.
        if bytes.get(6..8) == Some(&[1, 0]) {
            let hint = "it is a component; only core modules run here (for Rust, build for wasm32-wasip1)";
            let reason = DecodeReason::Unsupported {
                proposal: "component-model",
                hint,
            };
            return Err(Refusal {
                offset: Some(4),
                reason,
            });
        }
        return Ok(bytes);
    }
    let is_text = std::str::from_utf8(&bytes).is_ok_and(|text| text.trim_start().starts_with(['(', ';']));
    if !is_text {
        let message = match bytes.len() {
            0 => "the file is empty".to_string(),
            _ => "magic header not detected: a module starts with the bytes 00 61 73 6d".to_string(),
        };
        return Err(Refusal::invalid(0, message));
    }
    #[cfg(feature = "wat")]
    return wat::parse_bytes(&bytes)
        .map(|binary| binary.into_owned())
        .map_err(|mut error| {
            if let Some(file) = file {
                error.set_path(file);
            }
            Refusal {
                offset: None,
                reason: DecodeReason::Text(error.to_string()),
            }
        });
    #[cfg(not(feature = "wat"))]
    let _ = file;
    #[cfg(not(feature = "wat"))]
    return Err(Refusal::invalid(
        0,
        "magic header not detected: the text format needs the feature `wat`",
    ));
}

/// Section by section from bytes to declarations.
struct Decoder<'b> {
    bytes: &'b [u8],
    threads: usize,
    /// Bodies are left to be validated on their first call.
    lazy: bool,
    features: WasmFeatures,
    validator: Validator,
    module: ModuleInner,
}

impl<'b> Decoder<'b> {
    fn new(engine: &Engine, bytes: &'b [u8]) -> Decoder<'b> {
        let for_validator = engine.config().features.for_validator();
        let module = ModuleInner {
            engine: engine.clone(),
            file: None,
            bytes: Vec::new(),
            types: Vec::new(),
            type_ids: Vec::new(),
            type_infos: Vec::new(),
            funcs: Vec::new(),
            imported_funcs: 0,
            bodies: Vec::new(),
            tables: Vec::new(),
            imported_tables: 0,
            memories: Vec::new(),
            imported_memories: 0,
            globals: Vec::new(),
            imported_globals: 0,
            tags: Vec::new(),
            imported_tags: 0,
            global_offsets: None,
            table_inits: Vec::new(),
            global_inits: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            exports_by_name: Vec::new(),
            start: None,
            elems: Vec::new(),
            datas: Vec::new(),
            name_section: None,
            unvalidated: None,
            code: CodeTable::new(),
            times: LoadTimes::default(),
            initial: Initial::default(),
            names: OnceLock::new(),
        };
        Decoder {
            bytes,
            threads: engine.config().validation_threads,
            lazy: engine.config().lazy_validation,
            features: for_validator,
            validator: Validator::new_with_features(for_validator),
            module,
        }
    }

    fn run(&mut self) -> Result<(), Refusal> {
        if u32::try_from(self.bytes.len()).is_err() {
            return Err(Refusal::invalid(
                0,
                format!("the file has {} bytes: less than 4 GiB fit", self.bytes.len()),
            ));
        }
        let mut bodies = None;
        let begun = Instant::now();
        let sections = self.sections(&mut bodies);
        let decoded = Instant::now();
        self.module.times.decoding = decoded - begun;
        // Bodies stand before whatever of the sections is wrong, if the sections got that far.
        match bodies {
            Some(bodies) if self.lazy => self.module.unvalidated = Some(bodies),
            Some(bodies) => {
                validate::bodies(&bodies, self.bytes, &self.module, self.threads)?;
                self.module.times.validation = decoded.elapsed();
            }
            None => {}
        }
        sections?;
        self.module.code.set_len(self.module.bodies.len());
        self.module.global_offsets = self.global_offsets();
        Ok(())
    }

    /// All sections, with everything validated except the function bodies.
    fn sections(&mut self, bodies: &mut Option<validate::Bodies>) -> Result<(), Refusal> {
        let mut parser = Parser::new(0);
        parser.set_features(self.features);
        let mut at = 0;
        loop {
            let Chunk::Parsed { consumed, payload } = parser.parse(&self.bytes[at..], true)? else {
                return Err(Refusal::invalid(at as u64, "unexpected end of the file"));
            };
            at += consumed;
            match payload {
                Payload::CodeSectionStart { count, range, size } => {
                    self.validator.code_section_start(&range)?;
                    let end = at + size as usize;
                    if end > self.bytes.len() {
                        return Err(Refusal::invalid(
                            at as u64,
                            "unexpected end-of-file: the code section is cut off",
                        ));
                    }
                    *bodies = self.code(count, at..end)?;
                    parser.skip_section();
                    at = end;
                }
                Payload::End(offset) => {
                    self.validator.end(offset)?;
                    return Ok(());
                }
                Payload::CustomSection(section) => {
                    if section.name() == "name" && self.module.name_section.is_none() {
                        self.module.name_section = Some(self.range(section.data()));
                    }
                }
                payload => {
                    self.validator.payload(&payload)?;
                    self.section(payload)?;
                }
            }
        }
    }

    /// Keeps what a section declares. The validator has seen it.
    fn section(&mut self, payload: Payload<'b>) -> Result<(), Refusal> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.rec_group(group?)?;
                }
            }
            Payload::ImportSection(section) => self.imports(section)?,
            Payload::FunctionSection(section) => {
                self.module.funcs.reserve_exact(section.count() as usize);
                for ty in section {
                    self.module.funcs.push(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    self.module.tables.push(self.module.table_type(&table.ty)?);
                    self.module.table_inits.push(match table.init {
                        TableInit::RefNull => ConstExpr::Value(0),
                        TableInit::Expr(expr) => const_expr::read(&expr)?,
                    });
                }
            }
            Payload::MemorySection(section) => {
                for ty in section.into_iter_with_offsets() {
                    let (offset, ty) = ty?;
                    self.memory(offset, &ty)?;
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.module.globals.push(self.module.global_type(&global.ty)?);
                    self.module.global_inits.push(const_expr::read(&global.init_expr)?);
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    self.module.tags.push(tag?.func_type_idx);
                }
            }
            Payload::ExportSection(section) => {
                self.module.exports.reserve_exact(section.count() as usize);
                for export in section {
                    let export = export?;
                    let kind = match export.kind {
                        ExternalKind::Func | ExternalKind::FuncExact => Kind::Func,
                        ExternalKind::Table => Kind::Table,
                        ExternalKind::Memory => Kind::Memory,
                        ExternalKind::Global => Kind::Global,
                        ExternalKind::Tag => Kind::Tag,
                    };
                    let name = self.range(export.name.as_bytes());
                    self.module.exports.push(Export {
                        name,
                        kind,
                        index: export.index,
                    });
                }
            }
            Payload::StartSection { func, .. } => self.module.start = Some(func),
            Payload::ElementSection(section) => {
                for elem in section {
                    self.elem(elem?)?;
                }
            }
            Payload::DataSection(section) => {
                self.module.datas.reserve_exact(section.count() as usize);
                for data in section {
                    let data = data?;
                    let bytes = self.range(data.data);
                    let mode = match data.kind {
                        wasmparser::DataKind::Passive => Mode::Passive,
                        wasmparser::DataKind::Active {
                            memory_index,
                            offset_expr,
                        } => Mode::Active {
                            index: memory_index,
                            offset: const_expr::read(&offset_expr)?,
                        },
                    };
                    self.module.datas.push(Data { mode, bytes });
                }
            }
            // The header, the data count: nothing to keep.
            _ => {}
        }
        Ok(())
    }

    /// A memory, at that byte of the module.
    fn memory(&mut self, offset: u64, ty: &wasmparser::MemoryType) -> Result<(), Refusal> {
        if ty.shared && !self.module.engine.config().features.shared_memories() {
            // What the validator says where atomic instructions are switched off, too.
            let (proposal, hint) = proposal(WasmFeatures::THREADS).expect("a proposal with a name");
            return Err(Refusal {
                offset: Some(offset),
                reason: DecodeReason::Unsupported { proposal, hint },
            });
        }
        self.module.memories.push(types::memory_type(ty));
        Ok(())
    }

    fn imports(&mut self, section: SectionLimited<'b, Imports<'b>>) -> Result<(), Refusal> {
        for import in section.into_imports_with_offsets() {
            let (offset, import) = import?;
            if let TypeRef::Memory(ty) = import.ty {
                self.memory(offset, &ty)?;
            }
            let module = &mut self.module;
            let (kind, index) = match import.ty {
                TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                    module.funcs.push(ty);
                    module.imported_funcs += 1;
                    (Kind::Func, module.imported_funcs - 1)
                }
                TypeRef::Table(ty) => {
                    module.tables.push(module.table_type(&ty)?);
                    module.imported_tables += 1;
                    (Kind::Table, module.imported_tables - 1)
                }
                TypeRef::Memory(_) => {
                    module.imported_memories += 1;
                    (Kind::Memory, module.imported_memories - 1)
                }
                TypeRef::Global(ty) => {
                    module.globals.push(module.global_type(&ty)?);
                    module.imported_globals += 1;
                    (Kind::Global, module.imported_globals - 1)
                }
                TypeRef::Tag(ty) => {
                    module.tags.push(ty.func_type_idx);
                    module.imported_tags += 1;
                    (Kind::Tag, module.imported_tags - 1)
                }
            };
            let (module, field) = (self.range(import.module.as_bytes()), self.range(import.name.as_bytes()));
            self.module.imports.push(Import {
                module,
                field,
                kind,
                index,
            });
        }
        Ok(())
    }

    fn elem(&mut self, elem: wasmparser::Element<'b>) -> Result<(), Refusal> {
        let mode = match elem.kind {
            ElementKind::Passive => Mode::Passive,
            ElementKind::Declared => Mode::Declarative,
            ElementKind::Active {
                table_index,
                offset_expr,
            } => Mode::Active {
                index: table_index.unwrap_or(0),
                offset: const_expr::read(&offset_expr)?,
            },
        };
        let items = match elem.items {
            // A declarative segment is dropped before anything can read it.
            _ if matches!(mode, Mode::Declarative) => Items::Funcs(Box::default()),
            ElementItems::Functions(funcs) => {
                Items::Funcs(funcs.into_iter().collect::<Result<Vec<u32>, _>>()?.into_boxed_slice())
            }
            ElementItems::Expressions(_, exprs) => {
                let exprs = exprs.into_iter().map(|expr| const_expr::read(&expr?));
                Items::Exprs(exprs.collect::<Result<Vec<ConstExpr>, Refusal>>()?.into_boxed_slice())
            }
        };
        self.module.elems.push(Elem { mode, items });
        Ok(())
    }

    /// Finds the bodies of a code section.
    fn code(&mut self, count: u32, range: Range<usize>) -> Result<Option<validate::Bodies>, Refusal> {
        self.module.bodies.reserve_exact((count as usize).min(range.len()));
        let mut reader = BinaryReader::new_features(&self.bytes[range.clone()], range.start as u64, self.features);
        let mut first = None;
        for _ in 0..count {
            let body = wasmparser::FunctionBody::new(reader.read_reader()?);
            let func = self.validator.code_section_entry(&body)?;
            first.get_or_insert(func);
            let body = body.range();
            self.module.bodies.push(body.start as u32..body.end as u32);
        }
        if !reader.eof() {
            let message = "section size mismatch: unexpected data at the end of the section";
            return Err(Refusal::invalid(reader.original_position(), message));
        }
        Ok(first.map(|func| validate::Bodies {
            resources: func.resources,
            features: self.features,
        }))
    }

    /// Where the defined globals stand below memory 0, if they do: see the contract of `LinearMemory`.
    fn global_offsets(&self) -> Option<Vec<u32>> {
        let module = &self.module;
        let defined = module.globals.len() - module.imported_globals as usize;
        // Elsewhere than on unix memories move when they grow, and globals must not.
        let fixed = cfg!(all(unix, not(miri))) || module.memories.is_empty();
        // A shared memory may be left when the instance is gone.
        let ours = module.imported_memories == 0 && module.memories.first().is_none_or(|memory| !memory.shared);
        (fixed && ours && defined <= MAX_HEADER_GLOBALS).then(|| {
            // Upwards from the lowest of their slots, downwards from one global to the next.
            let mut slots = 0;
            let place = |ty: &GlobalType| {
                slots += ty.content.slots() as u32;
                slots - 1
            };
            module.globals[module.imported_globals as usize..]
                .iter()
                .map(place)
                .collect()
        })
    }

    /// Where a part of the file stands in it.
    fn range(&self, part: &[u8]) -> Bytes {
        let start = part.as_ptr() as usize - self.bytes.as_ptr() as usize;
        start as u32..(start + part.len()) as u32
    }
}

impl ModuleInner {
    fn sort_exports(&mut self) {
        let mut order: Vec<u32> = (0..self.exports.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| {
            let [a, b] = [a, b].map(|at| self.slice(&self.exports[at as usize].name));
            a.cmp(b)
        });
        self.exports_by_name = order;
    }
}
