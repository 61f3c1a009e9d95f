//! bytes → instance.

use std::rc::Rc;

use wasmparser::{
    ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, FunctionBody, Operator, Parser, Payload, RefType,
    TypeRef, ValType,
};

use super::{Body, Cell, Code, Func, Host, Instance, Item, Memory, Store, Table};
use crate::value::{Signature, Trap, Type};

/// Why there is no instance.
pub enum Refusal {
    Trap(Trap),
    Other(String),
}

impl From<Trap> for Refusal {
    fn from(trap: Trap) -> Refusal {
        Refusal::Trap(trap)
    }
}
impl From<wasmparser::BinaryReaderError> for Refusal {
    fn from(error: wasmparser::BinaryReaderError) -> Refusal {
        Refusal::Other(error.to_string())
    }
}

pub type Exports = Vec<(String, Item)>;

pub fn type_of(ty: ValType) -> Type {
    match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        ValType::Ref(RefType::FUNCREF) => Type::Func,
        ValType::Ref(RefType::EXTERNREF) => Type::Extern,
        _ => unreachable!("no module here has {ty}"),
    }
}

/// What is done after everything is allocated, in the order of the segments.
enum Init<'m> {
    Elem {
        segment: usize,
        table: u32,
        offset: ConstExpr<'m>,
    },
    Data {
        segment: usize,
        memory: u32,
        offset: ConstExpr<'m>,
    },
}

impl<'m> Store<'m> {
    /// Instantiates a module; `resolve` finds its imports.
    pub fn instantiate(
        &mut self,
        host: &mut dyn Host<'m>,
        wasm: &'m [u8],
        resolve: &dyn Fn(&str, &str) -> Option<Item>,
    ) -> Result<Exports, Refusal> {
        let at = self.instances.len();
        let mut instance = Instance::default();
        // Functions are allocated when their bodies are seen, but named before.
        let (mut types, mut exports, mut start, mut bodies) = (Vec::new(), Vec::new(), None, 0);
        let mut inits = Vec::new();
        let mut first_func = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(section) => {
                    for ty in section.into_iter_err_on_gc_types() {
                        let ty = ty?;
                        let of = |types: &[ValType]| types.iter().map(|&ty| type_of(ty)).collect();
                        instance.types.push(Signature {
                            params: of(ty.params()),
                            results: of(ty.results()),
                        });
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        let item = resolve(import.module, import.name);
                        match (item, import.ty) {
                            (Some(Item::Func(func)), TypeRef::Func(_)) => instance.funcs.push(func),
                            (Some(Item::Memory(memory)), TypeRef::Memory(_)) => instance.memories.push(memory),
                            (Some(Item::Table(table)), TypeRef::Table(_)) => instance.tables.push(table),
                            (Some(Item::Global(global)), TypeRef::Global(_)) => instance.globals.push(global),
                            _ => return Err(Refusal::Other(format!("no {}.{}", import.module, import.name))),
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    first_func = self.funcs.len();
                    for ty in section {
                        instance.funcs.push(self.funcs.len() + types.len());
                        types.push(ty?);
                    }
                }
                Payload::TableSection(section) => {
                    for table in section {
                        let ty = table?.ty;
                        instance.tables.push(self.tables.len());
                        let elements = vec![0; ty.initial as usize];
                        self.tables.push(Table {
                            elements,
                            max: ty.maximum.unwrap_or(u32::MAX as u64),
                        });
                    }
                }
                Payload::MemorySection(section) => {
                    for ty in section {
                        let ty = ty?;
                        instance.memories.push(self.memories.len());
                        let bytes = vec![0; (ty.initial as usize) << 16];
                        self.memories.push(Memory {
                            bytes,
                            max_pages: ty.maximum.unwrap_or(65_536),
                        });
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        let value = self.constant(&instance, &global?.init_expr)?;
                        instance.globals.push(self.globals.len());
                        self.globals.push(value);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        exports.push((export.name.to_owned(), export.kind, export.index as usize));
                    }
                }
                Payload::StartSection { func, .. } => start = Some(func),
                Payload::ElementSection(section) => {
                    for element in section {
                        let element = element?;
                        let mut cells = Vec::new();
                        match element.items {
                            ElementItems::Functions(funcs) => {
                                for func in funcs {
                                    cells.push(instance.funcs[func? as usize] as Cell + 1);
                                }
                            }
                            ElementItems::Expressions(_, exprs) => {
                                for expr in exprs {
                                    cells.push(self.constant(&instance, &expr?)?);
                                }
                            }
                        }
                        let segment = instance.elems.len();
                        match element.kind {
                            ElementKind::Passive => {}
                            ElementKind::Declared => cells.clear(),
                            ElementKind::Active {
                                table_index,
                                offset_expr,
                            } => {
                                let table = table_index.unwrap_or(0);
                                inits.push(Init::Elem {
                                    segment,
                                    table,
                                    offset: offset_expr,
                                });
                            }
                        }
                        instance.elems.push(cells);
                    }
                }
                Payload::DataSection(section) => {
                    for data in section {
                        let data = data?;
                        if let DataKind::Active {
                            memory_index,
                            offset_expr,
                        } = data.kind
                        {
                            let segment = instance.datas.len();
                            inits.push(Init::Data {
                                segment,
                                memory: memory_index,
                                offset: offset_expr,
                            });
                        }
                        instance.datas.push(data.data.to_vec());
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let signature = instance.types[types[bodies] as usize].clone();
                    bodies += 1;
                    self.funcs.push(Func {
                        signature,
                        body: Body::Code(Rc::new(code(at, &body)?)),
                    });
                }
                _ => {}
            }
        }
        debug_assert!(types.is_empty() || first_func + types.len() == self.funcs.len());
        let exports = exports.into_iter().map(|(name, kind, index)| {
            let item = match kind {
                ExternalKind::Memory => Item::Memory(instance.memories[index]),
                ExternalKind::Table => Item::Table(instance.tables[index]),
                ExternalKind::Global => Item::Global(instance.globals[index]),
                _ => Item::Func(instance.funcs[index]),
            };
            (name, item)
        });
        let exports = exports.collect();
        let start = start.map(|func| instance.funcs[func as usize]);
        self.instances.push(instance);
        for init in inits {
            self.initialise(at, init)?;
        }
        if let Some(func) = start {
            self.call(host, func, &[])?;
        }
        Ok(exports)
    }

    /// An active segment: its `init` and its `drop`.
    fn initialise(&mut self, at: usize, init: Init<'m>) -> Result<(), Refusal> {
        match init {
            Init::Elem { segment, table, offset } => {
                let to = self.constant(&self.instances[at], &offset)? as u32;
                let count = self.instances[at].elems[segment].len() as u32;
                self.table_init(at, segment, table, to, 0, count)?;
                self.instances[at].elems[segment].clear();
            }
            Init::Data {
                segment,
                memory,
                offset,
            } => {
                let to = self.constant(&self.instances[at], &offset)? as u32;
                let count = self.instances[at].datas[segment].len() as u32;
                self.memory_init(at, segment, memory, to, 0, count)?;
                self.instances[at].datas[segment].clear();
            }
        }
        Ok(())
    }

    /// The value of a constant expression.
    fn constant(&self, instance: &Instance, expr: &ConstExpr<'_>) -> Result<Cell, Refusal> {
        let mut stack: Vec<Cell> = Vec::new();
        for operator in expr.get_operators_reader() {
            let value = match operator? {
                Operator::I32Const { value } => value as u32 as Cell,
                Operator::I64Const { value } => value as Cell,
                Operator::F32Const { value } => value.bits() as Cell,
                Operator::F64Const { value } => value.bits(),
                Operator::RefNull { .. } => 0,
                Operator::RefFunc { function_index } => instance.funcs[function_index as usize] as Cell + 1,
                Operator::GlobalGet { global_index } => self.globals[instance.globals[global_index as usize]],
                Operator::End => break,
                operator => {
                    let (b, a) = (stack.pop().unwrap_or(0), stack.pop().unwrap_or(0));
                    let (x, y) = (a as u32, b as u32);
                    match operator {
                        Operator::I32Add => x.wrapping_add(y) as Cell,
                        Operator::I32Sub => x.wrapping_sub(y) as Cell,
                        Operator::I32Mul => x.wrapping_mul(y) as Cell,
                        Operator::I64Add => a.wrapping_add(b),
                        Operator::I64Sub => a.wrapping_sub(b),
                        Operator::I64Mul => a.wrapping_mul(b),
                        other => return Err(Refusal::Other(format!("{other:?} in a constant expression"))),
                    }
                }
            };
            stack.push(value);
        }
        stack
            .pop()
            .ok_or_else(|| Refusal::Other("an empty constant expression".to_owned()))
    }
}

fn code<'m>(instance: usize, body: &FunctionBody<'m>) -> Result<Code<'m>, Refusal> {
    let mut locals = 0;
    for group in body.get_locals_reader()? {
        locals += group?.0 as usize;
    }
    let operators = body
        .get_operators_reader()?
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let mut ends = vec![(0, 0); operators.len()];
    let mut open: Vec<usize> = Vec::new();
    for (at, operator) in operators.iter().enumerate() {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => open.push(at),
            Operator::Else => ends[*open.last().expect("validated: inside an if")].0 = at,
            Operator::End => {
                // The last one is the function's.
                if let Some(start) = open.pop() {
                    ends[start].1 = at;
                    let middle = ends[start].0;
                    ends[middle].1 = if middle > 0 { at } else { ends[middle].1 };
                }
            }
            _ => {}
        }
    }
    Ok(Code {
        instance,
        locals,
        operators,
        ends,
    })
}
