//! The types of the specification: values, functions, tables, memories, globals, and what a module imports or exports.
//!
//! Their `Display` is the text format's notation, because that is what error messages print.
//! Spec: syntax/types.html.

mod defined;
mod reference;

use std::fmt;
use std::sync::Arc;

use super::config::Engine;
use super::limits::MAX_PAGES;

pub(crate) use self::defined::{Composite, FieldType, StorageType, SubType};
pub use self::reference::{HeapType, RefType, TypeId, TypeKind};

/// Bytes in a WebAssembly page: memories are sized in these, unless their type has another size.
pub(crate) const PAGE_BYTES: u64 = 65_536;

/// The type of a value.
///
/// Spec: syntax/types.html#value-types
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ValType {
    /// 32-bit integer; its sign is given by the instruction that uses it.
    I32,
    /// 64-bit integer.
    I64,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
    /// 128 bits; the instruction that uses them says which lanes they are.
    V128,
    /// A reference.
    Ref(RefType),
}

impl ValType {
    /// A reference to a function, or null.
    pub const FUNCREF: ValType = ValType::Ref(RefType::new(true, HeapType::Func));
    /// A reference to something of the host, or null.
    pub const EXTERNREF: ValType = ValType::Ref(RefType::new(true, HeapType::Extern));
    /// A reference to something of the guest (a struct, an array, an integer of 31 bits), or null.
    pub const ANYREF: ValType = ValType::Ref(RefType::new(true, HeapType::Any));

    /// A reference to an exception, or null.
    pub const EXNREF: ValType = ValType::Ref(RefType::new(true, HeapType::Exn));

    /// Slots of 64 bits a value of this type takes on the value stack.
    pub(crate) const fn slots(self) -> usize {
        match self {
            ValType::V128 => 2,
            _ => 1,
        }
    }

    /// Whether it is a reference type, one that tables can hold.
    pub const fn is_ref(self) -> bool {
        matches!(self, ValType::Ref(_))
    }

    /// What it refers to and whether it may be null, if it is a reference type.
    pub const fn as_ref_type(self) -> Option<RefType> {
        match self {
            ValType::Ref(ty) => Some(ty),
            _ => None,
        }
    }

    /// Whether every value of this type is one of type `other`: they are equal, or reference types of which one is a
    /// subtype of the other.
    ///
    /// Spec: valid/matching.html#value-types
    pub fn matches(self, other: ValType, engine: &Engine) -> bool {
        match (self, other) {
            (ValType::Ref(ty), ValType::Ref(of)) => ty.matches(of, engine),
            _ => self == other,
        }
    }

    /// Whether its values may refer to what a collection frees: objects and exceptions.
    pub(crate) const fn is_traced(self) -> bool {
        match self {
            ValType::Ref(ty) => !matches!(ty.heap.top(), HeapType::Func),
            _ => false,
        }
    }

    /// The defined type it mentions.
    pub(crate) const fn type_id(self) -> Option<TypeId> {
        match self {
            ValType::Ref(RefType {
                heap: HeapType::Concrete(id),
                ..
            }) => Some(id),
            _ => None,
        }
    }
}

impl fmt::Display for ValType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValType::I32 => "i32",
            ValType::I64 => "i64",
            ValType::F32 => "f32",
            ValType::F64 => "f64",
            ValType::V128 => "v128",
            ValType::Ref(ty) => return ty.fmt(f),
        })
    }
}

/// The type of a function: what it takes and what it gives back. Cheap to clone.
///
/// Spec: syntax/types.html#function-types
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FuncType {
    /// Parameters, then results.
    types: Arc<[ValType]>,
    params: u32,
}

impl FuncType {
    /// The type `[params] -> [results]`.
    pub fn new(params: impl IntoIterator<Item = ValType>, results: impl IntoIterator<Item = ValType>) -> FuncType {
        let mut types: Vec<ValType> = params.into_iter().collect();
        let params = types.len() as u32;
        types.extend(results);
        FuncType {
            types: types.into(),
            params,
        }
    }

    /// The types of the parameters, in order.
    pub fn params(&self) -> &[ValType] {
        &self.types[..self.params as usize]
    }

    /// The types of the results, in order.
    pub fn results(&self) -> &[ValType] {
        &self.types[self.params as usize..]
    }

    /// Parameters and results.
    pub(crate) fn types(&self) -> impl Iterator<Item = ValType> {
        self.types.iter().copied()
    }

    /// Slots the parameters take.
    pub(crate) fn param_slots(&self) -> usize {
        self.params().iter().map(|ty| ty.slots()).sum()
    }

    /// Slots the results take.
    pub(crate) fn result_slots(&self) -> usize {
        self.results().iter().map(|ty| ty.slots()).sum()
    }
}

impl fmt::Debug for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `(func (param i32 i32) (result i32))`.
impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (params, results) = (Types("param", self.params()), Types("result", self.results()));
        write!(f, "(func{params}{results})")
    }
}

/// ` (param i32 i32)`, or nothing.
struct Types<'t>(&'static str, &'t [ValType]);

impl fmt::Display for Types<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Types(word, types) = self;
        if types.is_empty() {
            return Ok(());
        }
        write!(f, " ({word}")?;
        for ty in *types {
            write!(f, " {ty}")?;
        }
        f.write_str(")")
    }
}

/// The type of a table: what it holds and how many of them, in elements.
///
/// Spec: syntax/types.html#table-types
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableType {
    /// The type of the elements, a reference type.
    pub element: ValType,
    /// Elements it starts with.
    pub minimum: u64,
    /// Elements it may grow to; `None` for no bound of its own.
    pub maximum: Option<u64>,
    /// Whether indices are i64, not i32.
    pub is_64: bool,
}

impl TableType {
    /// A table of `minimum` to `maximum` elements of type `element`.
    pub const fn new(element: ValType, minimum: u64, maximum: Option<u64>) -> TableType {
        TableType {
            element,
            minimum,
            maximum,
            is_64: false,
        }
    }

    /// The same with indices of type i64.
    pub const fn new64(element: ValType, minimum: u64, maximum: Option<u64>) -> TableType {
        TableType {
            is_64: true,
            ..TableType::new(element, minimum, maximum)
        }
    }

    /// The type of its indices.
    pub(crate) fn index(&self) -> ValType {
        index_type(self.is_64)
    }
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = Bounds(self.is_64, self.minimum, self.maximum);
        write!(f, "(table {bounds} {})", self.element)
    }
}

fn index_type(is_64: bool) -> ValType {
    if is_64 { ValType::I64 } else { ValType::I32 }
}

/// The type of a memory: its size in pages, of 64 KiB or of one byte.
///
/// Spec: syntax/types.html#memory-types
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryType {
    /// Pages it starts with.
    pub minimum: u64,
    /// Pages it may grow to; `None` for no bound of its own.
    pub maximum: Option<u64>,
    /// Whether addresses are i64, not i32.
    pub is_64: bool,
    /// Bytes of a page: 65,536 or 1.
    pub page_bytes: u64,
    /// Whether several threads can have it at once; it then has a maximum.
    pub shared: bool,
}

impl MemoryType {
    /// A memory of `minimum` to `maximum` pages (64 KiB each) with addresses of type i32.
    pub const fn new(minimum: u64, maximum: Option<u64>) -> MemoryType {
        MemoryType {
            minimum,
            maximum,
            is_64: false,
            page_bytes: PAGE_BYTES,
            shared: false,
        }
    }

    /// A memory of `minimum` to `maximum` pages (64 KiB each) that threads can share.
    pub const fn shared(minimum: u64, maximum: u64) -> MemoryType {
        MemoryType {
            shared: true,
            ..MemoryType::new(minimum, Some(maximum))
        }
    }

    /// The same with addresses of type i64.
    pub const fn new64(minimum: u64, maximum: Option<u64>) -> MemoryType {
        MemoryType {
            is_64: true,
            ..MemoryType::new(minimum, maximum)
        }
    }

    /// The same with pages of that many bytes, 65,536 or 1.
    #[must_use]
    pub const fn with_page_bytes(self, page_bytes: u64) -> MemoryType {
        MemoryType { page_bytes, ..self }
    }

    /// The type of its addresses.
    pub(crate) fn index(&self) -> ValType {
        index_type(self.is_64)
    }

    /// The most pages such a memory can have, whatever its maximum.
    ///
    /// Spec: valid/types.html#memory-types
    pub(crate) fn max_pages(&self) -> u64 {
        match (self.is_64, self.page_bytes) {
            (false, PAGE_BYTES) => MAX_PAGES,
            // A number of pages must fit an i32.
            (false, _) => u32::MAX as u64,
            (true, PAGE_BYTES) => 1 << 48,
            (true, _) => u64::MAX,
        }
    }

    /// Bytes it starts with; the greatest number when there are more than 64 bits can say.
    pub(crate) fn min_bytes(&self) -> u64 {
        self.minimum.saturating_mul(self.page_bytes)
    }

    /// Bytes it can grow to, likewise.
    pub(crate) fn max_bytes(&self) -> u64 {
        let most = self.max_pages();
        let pages = self.maximum.unwrap_or(most).min(most);
        pages.saturating_mul(self.page_bytes)
    }

    /// Bytes of such a memory of `bytes` bytes that grows by `pages`, if it can.
    pub(crate) fn grown(&self, bytes: u64, pages: u64) -> Option<u64> {
        let more = pages.checked_mul(self.page_bytes)?;
        bytes.checked_add(more).filter(|&bytes| bytes <= self.max_bytes())
    }

    /// Whether there can be such a memory.
    pub(crate) fn is_valid(&self) -> bool {
        let largest = self.maximum.unwrap_or(0).max(self.minimum);
        largest <= self.max_pages()
            && self.maximum.is_none_or(|maximum| maximum >= self.minimum)
            && matches!(self.page_bytes, 1 | PAGE_BYTES)
            && (!self.shared || self.maximum.is_some())
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(memory {}", Bounds(self.is_64, self.minimum, self.maximum))?;
        if self.shared {
            f.write_str(" shared")?;
        }
        if self.page_bytes != PAGE_BYTES {
            write!(f, " (pagesize {})", self.page_bytes)?;
        }
        f.write_str(")")
    }
}

/// The type of a global: what it holds and whether it can be written.
///
/// Spec: syntax/types.html#global-types
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalType {
    /// The type of its value.
    pub content: ValType,
    /// Whether `global.set` is allowed.
    pub mutable: bool,
}

impl GlobalType {
    /// A global that holds a `content`.
    pub const fn new(content: ValType, mutable: bool) -> GlobalType {
        GlobalType { content, mutable }
    }
}

impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mutable {
            write!(f, "(global (mut {}))", self.content)
        } else {
            write!(f, "(global {})", self.content)
        }
    }
}

/// The type of a tag: the values an exception of that tag carries. Cheap to clone.
///
/// Spec: syntax/types.html#tag-types
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagType {
    func: FuncType,
}

impl TagType {
    /// A tag whose exceptions carry values of these types.
    pub fn new(params: impl IntoIterator<Item = ValType>) -> TagType {
        TagType {
            func: FuncType::new(params, []),
        }
    }

    /// From the function type a module gives for it, which validation has seen to have no results.
    pub(crate) fn of(func: FuncType) -> TagType {
        TagType { func }
    }

    /// The types of the values, in order.
    pub fn params(&self) -> &[ValType] {
        self.func.params()
    }

    /// The function type without results that stands for it.
    pub(crate) fn func(&self) -> &FuncType {
        &self.func
    }

    /// Slots the values take.
    pub(crate) fn slots(&self) -> usize {
        self.func.param_slots()
    }
}

/// `(tag (param i32))`.
impl fmt::Display for TagType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(tag{})", Types("param", self.params()))
    }
}

/// The type of something imported or exported.
///
/// Spec: syntax/types.html#external-types
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag of exceptions.
    Tag(TagType),
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternType::Func(ty) => ty.fmt(f),
            ExternType::Table(ty) => ty.fmt(f),
            ExternType::Memory(ty) => ty.fmt(f),
            ExternType::Global(ty) => ty.fmt(f),
            ExternType::Tag(ty) => ty.fmt(f),
        }
    }
}

impl ExternType {
    /// Whether something of type `self` may stand where `required` is imported: a subtype for what is only read, equal
    /// for what is written too, and for tables and memories within the bounds asked for. Functions and tags are looked at by
    /// what their types were defined as (`Engine::is_subtype`) and not here.
    ///
    /// `self` must carry the *current* size as its minimum: growth counts.
    /// Spec: valid/matching.html#external-types
    pub(crate) fn matches(&self, required: &ExternType, engine: &Engine) -> bool {
        match (self, required) {
            (ExternType::Global(have), ExternType::Global(want)) => {
                have == want || !have.mutable && !want.mutable && have.content.matches(want.content, engine)
            }
            (ExternType::Table(have), ExternType::Table(want)) => {
                have.element == want.element
                    && have.is_64 == want.is_64
                    && limits_match(have.minimum, have.maximum, want.minimum, want.maximum)
            }
            (ExternType::Memory(have), ExternType::Memory(want)) => {
                (have.is_64, have.page_bytes, have.shared) == (want.is_64, want.page_bytes, want.shared)
                    && limits_match(have.minimum, have.maximum, want.minimum, want.maximum)
            }
            _ => false,
        }
    }
}

/// Spec: valid/matching.html#limits
fn limits_match(min: u64, max: Option<u64>, want_min: u64, want_max: Option<u64>) -> bool {
    min >= want_min
        && match (max, want_max) {
            (_, None) => true,
            (Some(max), Some(want)) => max <= want,
            (None, Some(_)) => false,
        }
}

/// `1` or `1 2`, after `i64` if that is the type of indices.
struct Bounds(bool, u64, Option<u64>);

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 {
            f.write_str("i64 ")?;
        }
        match self.2 {
            Some(maximum) => write!(f, "{} {maximum}", self.1),
            None => write!(f, "{}", self.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_print_as_in_the_text_format() {
        let ty = FuncType::new([ValType::I32, ValType::I32], [ValType::F64]);
        assert_eq!(ty.to_string(), "(func (param i32 i32) (result f64))");
        assert_eq!(FuncType::new([], []).to_string(), "(func)");
        assert_eq!(TagType::new([ValType::I32]).to_string(), "(tag (param i32))");
        assert_eq!(TagType::new([]).to_string(), "(tag)");
        assert_eq!(MemoryType::new(1, Some(2)).to_string(), "(memory 1 2)");
        assert_eq!(MemoryType::new64(1, None).to_string(), "(memory i64 1)");
        assert_eq!(
            MemoryType::new(1, Some(2)).with_page_bytes(1).to_string(),
            "(memory 1 2 (pagesize 1))"
        );
        assert_eq!(MemoryType::shared(1, 2).to_string(), "(memory 1 2 shared)");
        assert_eq!(
            TableType::new64(ValType::FUNCREF, 3, Some(4)).to_string(),
            "(table i64 3 4 funcref)"
        );
        assert_eq!(
            TableType::new(ValType::FUNCREF, 3, None).to_string(),
            "(table 3 funcref)"
        );
        assert_eq!(GlobalType::new(ValType::I64, true).to_string(), "(global (mut i64))");
    }

    #[test]
    fn params_and_results_are_told_apart() {
        let a = FuncType::new([ValType::I32], []);
        let b = FuncType::new([], [ValType::I32]);
        assert_ne!(a, b);
        assert_eq!((a.params().len(), a.results().len()), (1, 0));
    }

    #[test]
    fn a_memory_matches_when_it_is_inside_the_bounds_asked_for() {
        let engine = &Engine::default();
        let memory = |min, max| ExternType::Memory(MemoryType::new(min, max));
        assert!(memory(2, None).matches(&memory(1, None), engine));
        assert!(memory(2, Some(3)).matches(&memory(1, Some(3)), engine));
        assert!(!memory(0, None).matches(&memory(1, None), engine));
        assert!(!memory(1, None).matches(&memory(1, Some(3)), engine));
        assert!(!memory(1, Some(4)).matches(&memory(1, Some(3)), engine));
        let wide = ExternType::Memory(MemoryType::new64(1, None));
        let bytes = ExternType::Memory(MemoryType::new(1, None).with_page_bytes(1));
        let shared = ExternType::Memory(MemoryType::shared(1, 1));
        for other in [wide, bytes, shared] {
            assert!(!other.matches(&memory(1, None), engine));
            assert!(!memory(1, None).matches(&other, engine));
        }
    }
}
