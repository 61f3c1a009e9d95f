//! A plain interpreter, written after the specification with nothing in mind but being right: it decides where wasmi
//! and wasmrun differ.
//!
//! It walks the operators with a stack of 64-bit cells and a stack of labels, and calls itself for calls. Modules
//! were validated by the engines before it sees them. It knows what modules here can contain, and no more.

mod exec;
mod load;
mod numeric;

use std::rc::Rc;

pub use load::Refusal;
use wasmparser::Operator;

use crate::value::{Signature, Trap};

/// A reference in a cell: 0 is null, a function is its index in the store plus one, an externref its number plus one.
pub type Cell = u64;

/// Everything that exists, by index.
#[derive(Default)]
pub struct Store<'m> {
    pub funcs: Vec<Func<'m>>,
    pub memories: Vec<Memory>,
    pub tables: Vec<Table>,
    pub globals: Vec<Cell>,
    instances: Vec<Instance>,
    stack: Vec<Cell>,
    depth: u32,
    /// Instructions executed so far.
    steps: u64,
    /// The instance whose code runs.
    pub running: usize,
}

pub struct Func<'m> {
    pub signature: Signature,
    pub body: Body<'m>,
}

pub enum Body<'m> {
    /// Index among the functions of the host.
    Host(usize),
    Code(Rc<Code<'m>>),
}

pub struct Code<'m> {
    instance: usize,
    /// Declared locals.
    locals: usize,
    operators: Vec<Operator<'m>>,
    /// By position of a `block`, `loop`, `if` or `else`: of its `else` if it has one, and of its `end`.
    ends: Vec<(usize, usize)>,
}

pub struct Memory {
    pub bytes: Vec<u8>,
    pub max_pages: u64,
}

impl Memory {
    /// Grows by `delta` pages; gives the old number of them.
    pub fn grow(&mut self, delta: u32) -> Option<u32> {
        let old = self.bytes.len() as u64 >> 16;
        let new = old + delta as u64;
        if new > self.max_pages {
            return None;
        }
        self.bytes.resize((new as usize) << 16, 0);
        Some(old as u32)
    }
}

pub struct Table {
    pub elements: Vec<Cell>,
    pub max: u64,
}

/// By index in its module: indices in the store.
#[derive(Default)]
struct Instance {
    types: Vec<Signature>,
    funcs: Vec<usize>,
    memories: Vec<usize>,
    tables: Vec<usize>,
    globals: Vec<usize>,
    /// Segments that are dropped are empty.
    elems: Vec<Vec<Cell>>,
    datas: Vec<Vec<u8>>,
}

/// What an import or export is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    Func(usize),
    Memory(usize),
    Table(usize),
    Global(usize),
}

/// Host functions, as the store's owner has them.
pub trait Host<'m> {
    /// Calls the host function with that index: arguments to results.
    fn call(&mut self, store: &mut Store<'m>, func: usize, args: &[Cell]) -> Result<Vec<Cell>, Trap>;
}

impl<'m> Store<'m> {
    /// Calls a function of the store.
    pub fn call(&mut self, host: &mut dyn Host<'m>, func: usize, args: &[Cell]) -> Result<Vec<Cell>, Trap> {
        let (height, depth, running) = (self.stack.len(), self.depth, self.running);
        self.stack.extend(args);
        let ended = self.invoke(host, func);
        (self.depth, self.running) = (depth, running);
        let results = self.stack.split_off(height);
        ended.map(|()| results)
    }
}
