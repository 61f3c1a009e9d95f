//! What a module is made of besides the bodies of its functions, and its encoding.

use wasm_encoder as enc;
use wasm_encoder::{ConstExpr, Instruction};

use crate::entropy::Dice;
use crate::host;
use crate::smith::{encoded, memory_type, table_type};
use crate::value::{Signature, Type};

/// Where an import comes from.
pub type Import = Option<(String, String)>;

pub struct FuncPlan {
    pub ty: u32,
    pub import: Import,
}
pub struct MemoryPlan {
    pub pages: u64,
    pub import: Import,
}
pub struct TablePlan {
    pub ty: Type,
    pub len: u64,
    pub import: Import,
}
pub struct GlobalPlan {
    pub ty: Type,
    pub mutable: bool,
    pub bits: u64,
    pub import: Import,
}

/// Functions of one type in a row of the table of groups.
#[derive(Clone, Copy)]
pub struct Group {
    pub ty: u32,
    pub start: u32,
}
/// Elements of a group.
pub const GROUP: u32 = 4;
/// Elements of that table for the groups of each module that shares it.
const GROUPS_ROOM: u32 = 64;
pub const MORE_PAGES: u64 = 2;

#[derive(Default)]
pub struct Shape {
    /// The types a body may add to, for its blocks.
    pub types: Vec<Signature>,
    pub funcs: Vec<FuncPlan>,
    pub memories: Vec<MemoryPlan>,
    pub tables: Vec<TablePlan>,
    pub globals: Vec<GlobalPlan>,
    pub groups: Vec<Group>,
    /// The table of the groups, which nothing changes.
    pub group_table: u32,
    /// Groups of this module; the others are of the module it shares the table with.
    own_groups: std::ops::Range<usize>,
    /// Passive data segments: their lengths.
    pub data: Vec<u32>,
    /// Elements of each of the two passive segments, of functions and of nulls for externref tables.
    pub elems: u32,
    pub fuel: u32,
    pub calls_back: bool,
}

impl Shape {
    pub fn type_index(&mut self, params: &[Type], results: &[Type]) -> u32 {
        let known = self
            .types
            .iter()
            .position(|ty| ty.params == params && ty.results == results);
        known.unwrap_or_else(|| {
            self.types.push(Signature {
                params: params.to_vec(),
                results: results.to_vec(),
            });
            self.types.len() - 1
        }) as u32
    }

    pub fn signature(&self, func: u32) -> &Signature {
        &self.types[self.funcs[func as usize].ty as usize]
    }

    pub fn imported_funcs(&self) -> usize {
        self.funcs.iter().filter(|func| func.import.is_some()).count()
    }

    /// A module that may import from `host` and from the module `first`.
    pub fn new(dice: &mut Dice<'_>, first: Option<(&str, &Shape)>) -> Shape {
        let mut shape = Shape::default();
        if let Some((_, first)) = first {
            // The same indices, so that groups of a shared table mean the same.
            shape.types.clone_from(&first.types);
        }
        let callback = shape.type_index(&[Type::I32], &[Type::I32]);
        for func in host::FUNCS {
            let chance = if func.deed == host::Deed::CallBack { 40 } else { 90 };
            if dice.chance(chance) {
                let ty = shape.type_index(func.params, func.results);
                shape.funcs.push(FuncPlan {
                    ty,
                    import: from("host", func.name),
                });
                shape.calls_back |= func.deed == host::Deed::CallBack;
            }
        }
        if let Some((name, first)) = first {
            for (at, func) in first.funcs.iter().enumerate().filter(|(_, func)| func.import.is_none()) {
                if dice.chance(128) {
                    shape.funcs.push(FuncPlan {
                        ty: func.ty,
                        import: from(name, &format!("f{at}")),
                    });
                }
            }
            shape.calls_back |= first.calls_back;
        }
        let mut types = vec![callback];
        types.extend((0..1 + dice.below(6)).map(|_| random_type(&mut shape, dice)));
        for at in 0..2 + dice.below(6) {
            shape.funcs.push(FuncPlan {
                ty: types[at % types.len()],
                import: None,
            });
        }
        shape.plan_memories(dice, first);
        shape.plan_tables(dice, first);
        shape.plan_globals(dice, first);
        shape.data = vec![16 + dice.below(200) as u32, if dice.chance(60) { 70_000 } else { 9 }];
        shape.elems = 6;
        shape
    }

    fn plan_memories(&mut self, dice: &mut Dice<'_>, first: Option<(&str, &Shape)>) {
        let mut imported = |import: Import, pages| self.memories.push(MemoryPlan { pages, import });
        match (dice.below(6), first) {
            (1 | 2, Some((name, first))) if !first.memories.is_empty() => {
                imported(from(name, "m0"), first.memories[0].pages);
            }
            (3, _) => imported(from("host", host::HOST_MEMORY.0), host::HOST_MEMORY.1),
            _ => {}
        }
        // One in some has no memory of its own, one in some has three.
        let own = [1, 1, 1, 1, 2, 3, 0][dice.below(7)];
        for _ in 0..own {
            self.memories.push(MemoryPlan {
                pages: dice.pick(&[1, 1, 2, 4]),
                import: None,
            });
        }
    }

    fn plan_tables(&mut self, dice: &mut Dice<'_>, first: Option<(&str, &Shape)>) {
        let shared = first.filter(|_| dice.chance(150));
        self.tables.push(TablePlan {
            ty: Type::Func,
            len: 2 * GROUPS_ROOM as u64,
            import: shared.and_then(|(name, first)| from(name, &format!("t{}", first.group_table))),
        });
        if let Some((_, first)) = shared {
            self.groups.clone_from(&first.groups);
        }
        let mut start = if shared.is_some() { GROUPS_ROOM } else { 0 };
        let theirs = self.groups.len();
        let mut types: Vec<u32> = self.funcs.iter().map(|func| func.ty).collect();
        types.sort();
        types.dedup();
        for ty in types.into_iter().take((GROUPS_ROOM / GROUP) as usize) {
            self.groups.push(Group { ty, start });
            start += GROUP;
        }
        self.own_groups = theirs..self.groups.len();
        for ty in [Type::Func, Type::Extern] {
            let host = if ty == Type::Func {
                host::HOST_TABLE
            } else {
                host::HOST_EXTERNS
            };
            if dice.chance(50) {
                self.tables.push(TablePlan {
                    ty,
                    len: host.1,
                    import: from("host", host.0),
                });
            }
            self.tables.push(TablePlan {
                ty,
                len: 8 + dice.below(8) as u64,
                import: None,
            });
        }
        // Imports come first in a module.
        self.tables.sort_by_key(|table| table.import.is_none());
        let is_groups = |table: &TablePlan| table.len == 2 * GROUPS_ROOM as u64;
        self.group_table = self.tables.iter().position(is_groups).expect("pushed first") as u32;
    }

    fn plan_globals(&mut self, dice: &mut Dice<'_>, first: Option<(&str, &Shape)>) {
        for &(name, ty, mutable, bits) in host::GLOBALS {
            if dice.chance(60) {
                self.globals.push(GlobalPlan {
                    ty,
                    mutable,
                    bits,
                    import: from("host", name),
                });
            }
        }
        if let Some((name, first)) = first {
            for (at, global) in first
                .globals
                .iter()
                .enumerate()
                .filter(|(_, global)| global.import.is_none())
            {
                // Whoever can write the fuel can recurse for ever.
                if at as u32 != first.fuel && dice.chance(60) {
                    let GlobalPlan { ty, mutable, bits, .. } = *global;
                    self.globals.push(GlobalPlan {
                        ty,
                        mutable,
                        bits,
                        import: from(name, &format!("g{at}")),
                    });
                }
            }
        }
        self.fuel = self.globals.len() as u32;
        self.globals.push(GlobalPlan {
            ty: Type::I32,
            mutable: true,
            bits: host::FUEL as u64,
            import: None,
        });
        for ty in [Type::I32, Type::I64, Type::F32, Type::F64, Type::Func, Type::Extern] {
            for _ in 0..1 + dice.below(2) {
                let bits = dice.below(1000) as u64;
                self.globals.push(GlobalPlan {
                    ty,
                    mutable: !dice.chance(30),
                    bits,
                    import: None,
                });
            }
        }
    }

    /// The module with these bodies of its own functions.
    pub fn encode(&self, bodies: Vec<enc::Function>) -> Vec<u8> {
        let mut types = enc::TypeSection::new();
        for ty in &self.types {
            let encode = |types: &[Type]| types.iter().map(|&ty| encoded(ty)).collect::<Vec<_>>();
            types.ty().function(encode(&ty.params), encode(&ty.results));
        }
        let (mut imports, mut exports) = (enc::ImportSection::new(), enc::ExportSection::new());
        let (mut funcs, mut code) = (enc::FunctionSection::new(), enc::CodeSection::new());
        for (at, func) in (0..).zip(&self.funcs) {
            match &func.import {
                Some((module, name)) => {
                    imports.import(module, name, enc::EntityType::Function(func.ty));
                }
                None => {
                    funcs.function(func.ty);
                }
            }
            exports.export(&format!("f{at}"), enc::ExportKind::Func, at);
        }
        exports.export(host::CALLBACK, enc::ExportKind::Func, self.imported_funcs() as u32);
        for body in &bodies {
            code.function(body);
        }
        let mut memories = enc::MemorySection::new();
        for (at, memory) in (0..).zip(&self.memories) {
            let ty = memory_type(memory.pages, memory.pages + MORE_PAGES);
            match &memory.import {
                Some((module, name)) => {
                    imports.import(module, name, ty);
                }
                None => {
                    memories.memory(ty);
                }
            }
            exports.export(&format!("m{at}"), enc::ExportKind::Memory, at);
        }
        let mut tables = enc::TableSection::new();
        for (at, table) in (0..).zip(&self.tables) {
            let ref_type = if table.ty == Type::Func {
                enc::RefType::FUNCREF
            } else {
                enc::RefType::EXTERNREF
            };
            let ty = table_type(ref_type, table.len, table.len + 10);
            match &table.import {
                Some((module, name)) => {
                    imports.import(module, name, ty);
                }
                None => {
                    tables.table(ty);
                }
            }
            exports.export(&format!("t{at}"), enc::ExportKind::Table, at);
        }
        let mut globals = enc::GlobalSection::new();
        for (at, global) in (0..).zip(&self.globals) {
            let ty = enc::GlobalType {
                val_type: encoded(global.ty),
                mutable: global.mutable,
                shared: false,
            };
            match &global.import {
                Some((module, name)) => {
                    imports.import(module, name, ty);
                }
                None => {
                    globals.global(ty, &initial(global));
                }
            }
            exports.export(&format!("g{at}"), enc::ExportKind::Global, at);
        }
        exports.export(host::FUEL_GLOBAL, enc::ExportKind::Global, self.fuel);
        let mut data = enc::DataSection::new();
        for &len in &self.data {
            data.passive((0..len).map(|at| (at * 7 + len) as u8));
        }
        if !self.memories.is_empty() {
            let offset =
                ConstExpr::extended([Instruction::I32Const(30), Instruction::I32Const(2), Instruction::I32Mul]);
            data.active(0, &offset, (0..200u32).map(|at| (at * 5 ^ at >> 3) as u8));
        }
        let mut module = enc::Module::new();
        module
            .section(&types)
            .section(&imports)
            .section(&funcs)
            .section(&tables)
            .section(&memories);
        module.section(&globals).section(&exports).section(&self.elements());
        module
            .section(&enc::DataCountSection { count: data.len() })
            .section(&code)
            .section(&data);
        module.finish()
    }

    /// Two passive segments, then the groups, then a declaration of all functions for `ref.func`.
    fn elements(&self) -> enc::ElementSection {
        let mut elements = enc::ElementSection::new();
        let count = self.funcs.len() as u32;
        let some: Vec<u32> = (0..self.elems).map(|at| at % count).collect();
        elements.passive(enc::Elements::Functions(some.into()));
        let nulls = vec![ConstExpr::ref_null(enc::HeapType::EXTERN); self.elems as usize];
        elements.passive(enc::Elements::Expressions(enc::RefType::EXTERNREF, nulls.into()));
        for group in &self.groups[self.own_groups.clone()] {
            let members = (0..count).filter(|&func| self.funcs[func as usize].ty == group.ty);
            let members: Vec<u32> = members.cycle().take(GROUP as usize).collect();
            let offset = ConstExpr::i32_const(group.start as i32);
            elements.active(
                Some(self.group_table),
                &offset,
                enc::Elements::Functions(members.into()),
            );
        }
        elements.declared(enc::Elements::Functions((0..count).collect::<Vec<_>>().into()));
        elements
    }
}

fn from(module: &str, name: &str) -> Import {
    Some((module.to_owned(), name.to_owned()))
}

fn initial(global: &GlobalPlan) -> ConstExpr {
    match global.ty {
        Type::I32 => ConstExpr::extended([
            Instruction::I32Const(global.bits as i32 + 5),
            Instruction::I32Const(5),
            Instruction::I32Sub,
        ]),
        Type::I64 => ConstExpr::i64_const(global.bits as i64),
        Type::F32 => ConstExpr::f32_const((global.bits as f32 / 4.0).into()),
        Type::F64 => ConstExpr::f64_const((global.bits as f64 / 4.0).into()),
        Type::Func => ConstExpr::ref_null(enc::HeapType::FUNC),
        Type::Extern => ConstExpr::ref_null(enc::HeapType::EXTERN),
    }
}

/// Few lists of results, so that functions can tail-call each other, and many of parameters.
fn random_type(shape: &mut Shape, dice: &mut Dice<'_>) -> u32 {
    use Type::*;
    const RESULTS: [&[Type]; 7] = [
        &[I32],
        &[],
        &[F64],
        &[I64, I32],
        &[I32, F64, F32],
        &[F32, I64, F64, I32, I32, I64],
        &[I64],
    ];
    const PARAMS: [Type; 9] = [I32, I64, F64, F32, I32, I32, F64, Extern, Func];
    let results = RESULTS[dice.below(RESULTS.len())];
    // Now and then the results are the parameters in another order, and more.
    let params: Vec<Type> = if dice.chance(60) {
        results
            .iter()
            .rev()
            .copied()
            .chain((0..dice.below(3)).map(|_| dice.pick(&PARAMS)))
            .collect()
    } else {
        (0..dice.below(8)).map(|_| dice.pick(&PARAMS)).collect()
    };
    shape.type_index(&params, results)
}
