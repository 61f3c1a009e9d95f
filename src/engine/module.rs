//! `Module`: what a file declares. Immutable, shared by any number of stores and threads.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::code::CodeTable;
use super::config::Engine;
use super::decode;
use super::error::{Error, IoError};
use super::initial::Initial;
use super::register::TypeInfo;
use super::stats::{LoadTimes, ModuleStats};
use super::translate::Listing;
use super::types::{ExternType, FuncType, GlobalType, MemoryType, TableType, TagType};

/// A validated module: code and declarations, without state.
///
/// With [`Config::lazy_validation`](crate::Config::lazy_validation) the bodies of functions are not validated yet.
///
/// Cloning shares it. It can be instantiated any number of times, on any thread.
///
/// Spec: syntax/modules.html
#[derive(Clone)]
pub struct Module {
    pub(crate) inner: Arc<ModuleInner>,
}

/// A range of the module's bytes.
pub(crate) type Bytes = Range<u32>;

/// What the file declares, as far as it is needed after loading.
pub(crate) struct ModuleInner {
    pub engine: Engine,
    /// The name of its file, when it has one.
    pub file: Option<String>,
    /// The whole file. Everything below refers into it.
    pub bytes: Vec<u8>,
    /// The function types by type index; an empty one stands for each type that is none.
    pub types: Vec<FuncType>,
    /// Engine-wide ids of all types; given back on drop.
    pub type_ids: Vec<u32>,
    /// What the engine knows of them.
    pub type_infos: Vec<Arc<TypeInfo>>,
    /// Type index by function index, imports first.
    pub funcs: Vec<u32>,
    pub imported_funcs: u32,
    /// The bodies of the defined functions.
    pub bodies: Vec<Bytes>,
    /// Imports first, here and in the next two.
    pub tables: Vec<TableType>,
    pub imported_tables: u32,
    pub memories: Vec<MemoryType>,
    pub imported_memories: u32,
    pub globals: Vec<GlobalType>,
    pub imported_globals: u32,
    /// By type index. Imports first.
    pub tags: Vec<u32>,
    pub imported_tags: u32,
    /// Place of each defined global below memory 0, in slots, the lowest of its slots; `None` when globals are reached through the instance.
    pub global_offsets: Option<Vec<u32>>,
    /// Initial values of the defined tables' elements.
    pub table_inits: Vec<ConstExpr>,
    /// Initial values of the defined globals.
    pub global_inits: Vec<ConstExpr>,
    pub imports: Vec<Import>,
    pub exports: Vec<Export>,
    /// Indices into `exports`, sorted by name.
    pub exports_by_name: Vec<u32>,
    pub start: Option<u32>,
    pub elems: Vec<Elem>,
    pub datas: Vec<Data>,
    /// The contents of the name section.
    pub name_section: Option<Bytes>,
    /// What validates bodies on their first calls; `None` when all are valid.
    pub unvalidated: Option<decode::Bodies>,
    pub code: CodeTable,
    pub times: LoadTimes,
    pub initial: Initial,
    pub names: OnceLock<decode::Names>,
}

/// An import: its two names, and what is imported.
pub(crate) struct Import {
    pub module: Bytes,
    pub field: Bytes,
    /// Which index space, and the index there.
    pub kind: Kind,
    pub index: u32,
}

/// An export: its name, and what is exported.
pub(crate) struct Export {
    pub name: Bytes,
    pub kind: Kind,
    pub index: u32,
}

impl Export {
    /// Whether it is the function with that index.
    pub(crate) fn is_func(&self, func_index: u32) -> bool {
        (self.kind, self.index) == (Kind::Func, func_index)
    }
}

/// The index spaces whose members can be imported and exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Func,
    Table,
    Memory,
    Global,
    Tag,
}

/// A constant expression. Nearly all are one constant.
///
/// Spec: valid/instructions.html#constant-expressions
#[derive(Debug, Clone)]
pub(crate) enum ConstExpr {
    /// A number or a null reference, as a slot.
    Value(u64),
    /// The bits of a vector; boxed, because there can be very many expressions.
    V128(Box<u128>),
    FuncRef(u32),
    GlobalGet(u32),
    /// Anything longer, in the order of evaluation.
    Ops(Box<[ConstOp]>),
}

/// An instruction of a constant expression.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ConstOp {
    Value(u64),
    FuncRef(u32),
    GlobalGet(u32),
    RefI31,
    /// Of a type of the module, here and below.
    StructNew(u32),
    StructNewDefault(u32),
    ArrayNew(u32),
    ArrayNewDefault(u32),
    /// With so many elements.
    ArrayNewFixed(u32, u32),
    I32Add,
    I32Sub,
    I32Mul,
    I64Add,
    I64Sub,
    I64Mul,
}

/// When a segment is used.
#[derive(Debug, Clone)]
pub(crate) enum Mode {
    /// At instantiation: into this table or memory, from this offset on.
    Active { index: u32, offset: ConstExpr },
    /// By `table.init` or `memory.init`.
    Passive,
    /// Not at all: it only declares references.
    Declarative,
}

/// An element segment.
pub(crate) struct Elem {
    pub mode: Mode,
    pub items: Items,
}

/// The elements of a segment.
pub(crate) enum Items {
    Funcs(Box<[u32]>),
    Exprs(Box<[ConstExpr]>),
}

impl Items {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Items::Funcs(funcs) => funcs.len(),
            Items::Exprs(exprs) => exprs.len(),
        }
    }
}

/// A data segment.
pub(crate) struct Data {
    pub mode: Mode,
    pub bytes: Bytes,
}

/// Something a module needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportType<'m> {
    /// First part of its name.
    pub module: &'m str,
    /// Second part of its name.
    pub name: &'m str,
    /// What it must be.
    pub ty: ExternType,
}

/// Something a module offers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportType<'m> {
    /// Its name.
    pub name: &'m str,
    /// What it is.
    pub ty: ExternType,
}

impl Module {
    /// Loads a module from its bytes: the binary format, or with the feature `wat` the text format.
    ///
    /// # Errors
    /// [`Error::Decode`] with the reason, its place and what to do. Without
    /// [`Config::lazy_validation`](crate::Config::lazy_validation), what it returns is valid as a whole.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module, Error> {
        decode::module(engine, bytes.as_ref().to_vec(), None)
    }

    /// Loads a module from bytes that it keeps, without copying them.
    ///
    /// # Errors
    /// As [`Module::new`].
    pub fn from_vec(engine: &Engine, bytes: Vec<u8>) -> Result<Module, Error> {
        decode::module(engine, bytes, None)
    }

    /// Loads a module from a file, whose name then stands in messages.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Decode`] when it is not a module.
    pub fn from_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| {
            Error::Io(Box::new(IoError {
                path: path.display().to_string(),
                source,
            }))
        })?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        decode::module(engine, bytes, Some(name.to_string_lossy().into_owned()))
    }

    /// What it needs, in the order of the file.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let module = &*self.inner;
        module.imports.iter().map(|import| ImportType {
            module: module.text(&import.module),
            name: module.text(&import.field),
            ty: module.extern_type(import.kind, import.index),
        })
    }

    /// What it offers, in the order of the file.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        let module = &*self.inner;
        module.exports.iter().map(|export| ExportType {
            name: module.text(&export.name),
            ty: module.extern_type(export.kind, export.index),
        })
    }

    /// The name it gives itself in its name section, else its file's name.
    pub fn name(&self) -> Option<&str> {
        self.inner.own_name().or(self.inner.file.as_deref())
    }

    /// The name of a function (imports counted first) from the name section, else from its import or export.
    pub fn func_name(&self, func_index: u32) -> Option<&str> {
        self.inner.func_name(func_index)
    }

    /// The internal code of a function (imports counted first). `None` for imports, and for a body that validation was
    /// put off for and refuses.
    pub fn listing(&self, func_index: u32) -> Option<Listing> {
        let defined = func_index.checked_sub(self.inner.imported_funcs)?;
        if defined as usize >= self.inner.bodies.len() || self.inner.validate_body(defined).is_err() {
            return None;
        }
        Some(super::translate::listing(&self.inner, defined))
    }

    /// What loading it took, and what has been translated so far.
    pub fn stats(&self) -> ModuleStats {
        ModuleStats {
            decoding: self.inner.times.decoding,
            validation: self.inner.times.validation,
            functions: self.inner.bodies.len(),
            bytes: self.inner.bytes.len(),
            translated: self.inner.code.stats(&self.inner),
        }
    }

    /// The engine it was loaded with.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }
}

impl ModuleInner {
    /// A name of the module. Validation has made sure it is text.
    pub(crate) fn text(&self, range: &Bytes) -> &str {
        std::str::from_utf8(self.slice(range)).unwrap_or("?")
    }

    /// Bytes of the file.
    pub(crate) fn slice(&self, range: &Bytes) -> &[u8] {
        &self.bytes[range.start as usize..range.end as usize]
    }

    /// The type of a function by its index, imports counted first.
    pub(crate) fn func_type(&self, func_index: u32) -> &FuncType {
        &self.types[self.funcs[func_index as usize] as usize]
    }

    /// The type of a tag by its index, imports counted first.
    pub(crate) fn tag_type(&self, tag: u32) -> TagType {
        TagType::of(self.types[self.tags[tag as usize] as usize].clone())
    }

    pub(crate) fn extern_type(&self, kind: Kind, index: u32) -> ExternType {
        let index = index as usize;
        match kind {
            Kind::Func => ExternType::Func(self.func_type(index as u32).clone()),
            Kind::Table => ExternType::Table(self.tables[index]),
            Kind::Memory => ExternType::Memory(self.memories[index]),
            Kind::Global => ExternType::Global(self.globals[index]),
            Kind::Tag => ExternType::Tag(self.tag_type(index as u32)),
        }
    }

    /// The export of that name.
    pub(crate) fn export(&self, name: &str) -> Option<&Export> {
        let find = self
            .exports_by_name
            .binary_search_by(|&at| self.text(&self.exports[at as usize].name).cmp(name));
        find.ok().map(|at| &self.exports[self.exports_by_name[at] as usize])
    }
}

impl Drop for ModuleInner {
    fn drop(&mut self) {
        self.engine.release_types(self.type_ids.iter().copied());
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module")
            .field("file", &self.inner.file)
            .finish_non_exhaustive()
    }
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<Module>();
    shared_between_threads::<Engine>();
};
