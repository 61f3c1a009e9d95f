//! Module + imports → instance, by the steps of the specification.
//!
//! Spec: exec/modules.html#instantiation. The steps are numbered as in version 2.0, with two liberties it allows: values
//! of element segments are computed when they are used, which for constants is the same; and segments are copied by the
//! engine itself instead of by `memory.init` and `table.init` in a made-up frame.

#![allow(unsafe_code)]

use std::ptr::NonNull;
use std::sync::Arc;

use super::error::{Error, ImportProblem, LinkError};
use super::func::Func;
use super::global::GlobalData;
use super::instance::{Extern, InstanceData, InstanceId};
use super::limits::StoreLimits;
use super::memory::{Image, header_global};
use super::module::{Items, Kind, Mode, Module, ModuleInner};
use super::run::layout::{Owned, VmFunc, VmInstance};
use super::store::StoreInner;
use super::types::{ExternType, GlobalType};

/// Instantiates a module with the imports it lists, in its order, and runs its start function.
pub(crate) fn instance(store: &mut StoreInner, module: &Module, imports: &[Extern]) -> Result<InstanceId, Error> {
    // 1. The module is valid: there is no other way to have a `Module`.
    if !module.inner.engine.same(&store.engine) {
        return Err(Error::type_error(
            "the module was loaded with another engine than the store was made with",
        ));
    }
    // 2. The types of its imports are in `ModuleInner`.
    // 3. There are as many imports as the module lists.
    let declared = &module.inner.imports;
    if declared.len() != imports.len() {
        let (want, have) = (declared.len(), imports.len());
        return Err(Error::type_error(format!(
            "the module has {want} imports, {have} were given"
        )));
    }
    // 4. Each import has a type that matches the one declared.
    check_imports(store, module, imports)?;
    StoreLimits::check_count("instances", store.instances.len(), store.limits.instances)?;

    // 5.-10. Nothing to do: globals and element expressions are evaluated in the instance itself, which no guest can
    //        see before it is complete.
    // 11. The instance is allocated; if a limit forbids it, what was allocated before goes again.
    let (memories, tables) = (store.memories.len(), store.tables.len());
    let certain = module.inner.initial.certain(&module.inner);
    let image = module.inner.initial.image(&module.inner);
    let id = allocate(store, module, imports, image).inspect_err(|_| {
        store.memories.truncate(memories);
        store.tables.truncate(tables);
    });
    let id = id?;
    // 12., 13. Nothing to do: frames live in `run`.
    // 14., 15. Active element segments are copied, in order, and dropped, as declarative ones are. A trap leaves what
    //          was written before. Where none can trap, tables are filled when something looks at them.
    for (segment, elem) in module.inner.elems.iter().enumerate() {
        let segment = segment as u32;
        match &elem.mode {
            Mode::Active { index, .. } if certain.elems => {
                store.fill_later(id, *index);
                store.elem_drop(id, segment);
            }
            Mode::Active { index, offset } => {
                let offset = store.eval_offset(id, offset, module.inner.tables[*index as usize].is_64);
                let len = elem.items.len() as u64;
                store.table_init(id, *index, segment, offset, 0, len)?;
                store.elem_drop(id, segment);
            }
            Mode::Declarative => store.elem_drop(id, segment),
            Mode::Passive => {}
        }
    }
    // 16. Active data segments likewise. An image has them already.
    for (segment, data) in module.inner.datas.iter().enumerate() {
        let segment = segment as u32;
        if let Mode::Active { index, offset } = &data.mode {
            if image.is_none() {
                let offset = store.eval_offset(id, offset, module.inner.memories[*index as usize].is_64);
                store.memory_init(id, *index, segment, offset, 0, data.bytes.len() as u64)?;
            }
            store.data_drop(id, segment);
        }
    }
    // 17. The start function is called.
    if let Some(start) = module.inner.start {
        let start = Func::new(store.id, store.func_ref(id, start));
        start.call_in(store, &[])?;
    }
    // 18., 19. Nothing to do: see 12.
    Ok(id)
}

/// Collects everything that is wrong with the imports, so that one message says it.
fn check_imports(store: &StoreInner, module: &Module, imports: &[Extern]) -> Result<(), Error> {
    let inner = &*module.inner;
    let mut problems = Vec::new();
    for (import, given) in inner.imports.iter().zip(imports) {
        if let (Kind::Func, Extern::Func(func)) = (import.kind, given) {
            let want = inner.type_ids[inner.funcs[import.index as usize] as usize];
            if store.engine.is_subtype(store.func_sig(*func)?, want) {
                continue;
            }
        }
        if let (Kind::Tag, Extern::Tag(tag)) = (import.kind, given)
            && store.tag_is(*tag, inner.type_ids[inner.tags[import.index as usize] as usize])?
        {
            continue;
        }
        let expected = inner.extern_type(import.kind, import.index);
        let given = store.extern_type(*given)?;
        if !given.matches(&expected, &store.engine) {
            problems.push(import_problem(inner, import, expected, Some(given)));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(link_error(inner, problems))
    }
}

pub(crate) fn import_problem(
    module: &ModuleInner,
    import: &super::module::Import,
    expected: ExternType,
    given: Option<ExternType>,
) -> ImportProblem {
    let (module, field) = (
        module.text(&import.module).to_string(),
        module.text(&import.field).to_string(),
    );
    ImportProblem {
        module,
        field,
        expected,
        given,
    }
}

#[cold]
pub(crate) fn link_error(module: &ModuleInner, problems: Vec<ImportProblem>) -> Error {
    Error::Link(Box::new(LinkError {
        name: module.file.clone(),
        imports: module.imports.len(),
        problems,
    }))
}

/// Allocates what the module defines, and the instance.
///
/// Spec: exec/modules.html#modules, `allocmodule`
fn allocate(
    store: &mut StoreInner,
    module: &Module,
    imports: &[Extern],
    image: Option<&Arc<Image>>,
) -> Result<InstanceId, Error> {
    let inner = &*module.inner;
    let id = InstanceId(store.instances.len() as u32);
    let defined_globals = inner.globals.len() - inner.imported_globals as usize;

    // 1. The imports, by kind. Every handle was checked to be of this store, and of the kind declared.
    let mut funcs: Vec<*mut VmFunc> = vec![std::ptr::null_mut(); inner.funcs.len()];
    let (mut tables, mut memories, mut globals, mut tags) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (import, given) in inner.imports.iter().zip(imports) {
        match *given {
            Extern::Func(func) => funcs[import.index as usize] = store.vm_func(func)?.as_ptr(),
            Extern::Table(table) => tables.push(table.index),
            Extern::Memory(memory) => memories.push(memory.index),
            Extern::Global(global) => globals.push(global.index),
            Extern::Tag(tag) => tags.push(tag.index),
        }
    }
    // 2. Functions: references to them are made when they are needed.
    // 4. Memories (before tables, since both can fail and this is the likelier). The first may have the globals below it.
    let global_slots = |ty: &GlobalType| ty.content.slots();
    let defined_slots: usize = inner.globals[inner.imported_globals as usize..]
        .iter()
        .map(global_slots)
        .sum();
    let in_header = match inner.global_offsets {
        Some(_) => defined_slots,
        None => 0,
    };
    for (at, ty) in inner.memories[inner.imported_memories as usize..].iter().enumerate() {
        let header_globals = if at == 0 && inner.imported_memories == 0 {
            in_header
        } else {
            0
        };
        let image = image.filter(|_| at == 0);
        memories.push(store.add_memory(*ty, header_globals, image)?);
    }
    let empty_memory = match memories.is_empty() {
        true => Some(store.empty_memory_with(in_header)?),
        false => None,
    };
    // 3. Tables, null at first: their initial values may refer to functions of the instance.
    for ty in &inner.tables[inner.imported_tables as usize..] {
        tables.push(store.add_table(*ty, 0)?);
    }

    let vm_tables: Vec<_> = tables.iter().map(|&at| store.tables[at as usize].vm()).collect();
    let vm_memories: Vec<_> = memories.iter().map(|&at| store.memories[at as usize].base()).collect();
    let memory_0 = match &empty_memory {
        Some(empty) => empty.base(),
        None => store.memories[memories[0] as usize].base(),
    };
    let mut cells = vec![
        0u64;
        if inner.global_offsets.is_some() {
            0
        } else {
            defined_slots
        }
    ];
    let mut next_cell = cells.as_mut_ptr();
    let mut vm_globals: Vec<_> = globals.iter().map(|&at| store.globals[at as usize].cell()).collect();
    vm_globals.reserve_exact(defined_globals);
    for (at, ty) in inner.globals[inner.imported_globals as usize..].iter().enumerate() {
        vm_globals.push(match &inner.global_offsets {
            Some(offsets) => header_global(memory_0, offsets[at] as usize),
            None => next_cell,
        });
        next_cell = next_cell.wrapping_add(ty.content.slots());
    }
    let vm = Owned::new(VmInstance {
        mb: memory_0,
        globals: vm_globals.as_ptr(),
        tables: vm_tables.as_ptr(),
        memories: vm_memories.as_ptr(),
        imports: funcs.as_ptr().cast(),
        id: id.0,
    });
    for (ty, &cell) in inner
        .globals
        .iter()
        .zip(&vm_globals)
        .skip(inner.imported_globals as usize)
    {
        globals.push(store.globals.len() as u32);
        // SAFETY: the cell stands below a memory or in `cells`, both of which the store keeps in place until it is
        // dropped, and there is a cell for each global, of its size.
        store.globals.push(unsafe { GlobalData::at(*ty, cell) });
    }
    // Tags: each instance has its own, so that its exceptions are told from those of another.
    for tag in inner.imported_tags..inner.tags.len() as u32 {
        let type_id = inner.type_ids[inner.tags[tag as usize] as usize];
        tags.push(store.add_tag(inner.tag_type(tag), type_id, Some((id, tag))));
    }
    store.instances.push(InstanceData {
        module: module.clone(),
        vm,
        funcs,
        tables,
        memories,
        globals,
        tags,
        vm_tables,
        vm_memories,
        vm_globals,
        dropped_elems: vec![false; inner.elems.len()],
        dropped_datas: vec![false; inner.datas.len()],
        elem_values: Vec::new(),
        empty_memory,
        cells,
    });

    // Values, now that there is an instance to evaluate them in: globals in order, since later ones may read earlier
    // ones, then tables.
    for (at, init) in inner.global_inits.iter().enumerate() {
        let value = store.eval(id, init)?;
        let index = store.instances[id.0 as usize].globals[inner.imported_globals as usize + at];
        store.globals[index as usize].set(value);
    }
    for (at, init) in inner.table_inits.iter().enumerate() {
        let [value, _] = store.eval(id, init)?;
        if value != 0 {
            let table = inner.imported_tables + at as u32;
            store.table_fill(id, table, 0, value, inner.tables[table as usize].minimum)?;
        }
    }
    // Of element segments only those that make objects: which ones they are must be settled once.
    if inner.elems.iter().any(|elem| elem.items.allocate()) {
        for elem in &inner.elems {
            let mut values = Vec::new();
            if let Items::Exprs(exprs) = &elem.items
                && elem.items.allocate()
            {
                let base = store.heap.held.len();
                for expr in exprs {
                    let [value, _] = store.eval(id, expr)?;
                    store.heap.held.push(value);
                }
                values.extend(store.heap.held.drain(base..));
            }
            store.instances[id.0 as usize].elem_values.push(values.into());
        }
    }
    Ok(id)
}

impl StoreInner {
    /// The type of something of this store, with the present size of tables and memories as their minimum.
    pub(crate) fn extern_type(&self, item: Extern) -> Result<ExternType, Error> {
        Ok(match item {
            Extern::Func(func) => ExternType::Func(self.func_type(self.vm_func(func)?).clone()),
            Extern::Table(table) => {
                self.check_handle(table.store, "table")?;
                ExternType::Table(self.tables[table.index as usize].present_type())
            }
            Extern::Memory(memory) => {
                self.check_handle(memory.store, "memory")?;
                ExternType::Memory(self.memories[memory.index as usize].present_type())
            }
            Extern::Global(global) => {
                self.check_handle(global.store, "global")?;
                ExternType::Global(self.globals[global.index as usize].ty)
            }
            Extern::Tag(tag) => {
                self.check_handle(tag.store, "tag")?;
                ExternType::Tag(self.tags[tag.index as usize].ty.clone())
            }
        })
    }

    /// The function of a handle of this store.
    pub(crate) fn vm_func(&self, func: Func) -> Result<NonNull<VmFunc>, Error> {
        let slot = func.slot_in(self.id)?;
        Ok(VmFunc::from_slot(slot).expect("a handle is never null"))
    }

    /// The engine-wide id of a function's type.
    pub(crate) fn func_sig(&self, func: Func) -> Result<u32, Error> {
        // SAFETY: the functions of a store live in its arena as long as the store, at addresses that stay.
        Ok(unsafe { self.vm_func(func)?.as_ref() }.sig)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Config, Engine, Global, Instance, Linker, Store, Trap, Val};

    fn module(engine: &Engine, text: &str) -> Module {
        Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
    }

    #[test]
    fn globals_tables_and_memories_get_their_initial_values() {
        let engine = Engine::default();
        let module = module(
            &engine,
            "(module (import \"e\" \"a\" (global $a i32)) (export \"a\" (global $a))
                (memory (export \"m\") 1) (table (export \"t\") 3 funcref)
                (global (export \"b\") i64 (i64.mul (i64.add (i64.const 1) (i64.const 2)) (i64.const -3)))
                (global (export \"c\") f32 (f32.const -0.5))
                (global (export \"d\") (mut i32) (i32.sub (global.get $a) (i32.const 8)))
                (func $f) (elem (i32.const 1) $f $f)
                (data (i32.const 2) \"abc\") (data (i32.const 3) \"X\"))",
        );
        let mut store = Store::new(&engine, ());
        let a = Global::new(
            &mut store,
            crate::GlobalType::new(crate::ValType::I32, false),
            Val::I32(7),
        )
        .unwrap();
        let instance = Instance::new(&mut store, &module, &[a.into()]).unwrap();
        let mut global = |name| instance.global(&mut store, name).unwrap().get(&store).unwrap();
        assert_eq!(global("a").i32(), Some(7));
        assert_eq!(global("b").i64(), Some(-9));
        assert_eq!(global("c").f32(), Some(-0.5));
        assert_eq!(global("d").i32(), Some(-1));
        let memory = instance.memory(&mut store, "m").unwrap();
        assert_eq!(memory.data(&store).unwrap().read_str(2u32, 3u32).unwrap(), "aXc");
        let table = instance.table(&mut store, "t").unwrap();
        let funcs: Vec<Val> = (0..3).map(|at| table.get(&store, at).unwrap()).collect();
        let [Val::FuncRef(None), Val::FuncRef(Some(a)), Val::FuncRef(Some(b))] = funcs[..] else {
            panic!("{funcs:?}")
        };
        assert_eq!(a, b, "a function has one reference");
    }

    #[test]
    fn segments_before_the_one_that_traps_stay_written() {
        let engine = Engine::default();
        let mut store = Store::new(&engine, ());
        let owner = module(
            &engine,
            "(module (memory (export \"m\") 1) (table (export \"t\") 2 funcref))",
        );
        let owner = Instance::new(&mut store, &owner, &[]).unwrap();
        let mut linker = Linker::new(&engine);
        linker.instance(&mut store, "o", owner).unwrap();
        let memory = owner.memory(&mut store, "m").unwrap();
        for (text, trap) in [
            (
                "(data (i32.const 0) \"hi\") (data (i32.const 65535) \"xy\")",
                Trap::MemoryOutOfBounds,
            ),
            (
                "(data (i32.const 0) \"ho\") (data (i32.const 65537) \"\")",
                Trap::MemoryOutOfBounds,
            ),
            (
                "(func $f) (elem (i32.const 0) $f) (elem (i32.const 1) $f $f)",
                Trap::TableOutOfBounds,
            ),
        ] {
            let text =
                format!("(module (import \"o\" \"m\" (memory 1)) (import \"o\" \"t\" (table 2 funcref)) {text})");
            let error = linker.instantiate_in(&mut store, &module(&engine, &text)).unwrap_err();
            assert_eq!(error.trap(), Some(trap));
        }
        assert_eq!(memory.data(&store).unwrap().read_str(0u32, 2u32).unwrap(), "ho");
        assert_eq!(memory.data(&store).unwrap().read_u8(0xffffu32).unwrap(), 0);
        let table = owner.table(&mut store, "t").unwrap();
        assert!(matches!(table.get(&store, 0).unwrap(), Val::FuncRef(Some(_))));
    }

    #[test]
    fn a_global_shared_by_two_instances_is_one_cell() {
        let engine = Engine::default();
        for owner in ["(memory 1)", "", "(import \"e\" \"m\" (memory 1))"] {
            let mut store = Store::new(&engine, ());
            let memory = crate::Memory::new(&mut store, crate::MemoryType::new(1, None)).unwrap();
            let mut linker = Linker::new(&engine);
            linker.define(&store, "e", "m", memory).unwrap();
            let owner = format!("(module {owner} (global (export \"g\") (mut i64) (i64.const 5)))");
            let owner = linker.instantiate_in(&mut store, &module(&engine, &owner)).unwrap();
            linker.instance(&mut store, "o", owner).unwrap();
            let user = module(
                &engine,
                "(module (import \"o\" \"g\" (global $g (mut i64))) (export \"h\" (global $g)))",
            );
            let user = linker.instantiate_in(&mut store, &user).unwrap();
            let [g, h]: [Global; 2] = [
                owner.global(&mut store, "g").unwrap(),
                user.global(&mut store, "h").unwrap(),
            ];
            g.set(&mut store, Val::I64(6)).unwrap();
            assert_eq!(h.get(&store).unwrap().i64(), Some(6));
            assert_eq!(g, h);
        }
    }

    #[test]
    fn limits_are_named_when_they_forbid_an_instance() {
        let engine = Engine::new(Config::new().max_memory(1 << 20).max_table_elements(100));
        let mut store = Store::new(&engine, ());
        for (text, message) in [
            (
                "(memory 17)",
                "memory limit reached: 1114112 bytes asked for, the limit is 1048576 bytes: raise it with",
            ),
            (
                "(table 101 funcref)",
                "table limit reached: 101 elements asked for, the limit is 100 elements: raise it",
            ),
        ] {
            let error = Instance::new(&mut store, &module(&engine, &format!("(module {text})")), &[]).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
        }
        let small = module(&engine, "(module (memory 10))");
        let refused = module(&engine, "(module (memory 10) (table 101 funcref))");
        assert!(Instance::new(&mut store, &refused, &[]).is_err());
        Instance::new(&mut store, &small, &[]).expect("a refused instance gives its memory back");
        store.limits_mut().instances = 1;
        let error = Instance::new(&mut store, &module(&engine, "(module)"), &[]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("instances limit reached: 2 instances asked for"),
            "{error}"
        );
    }

    #[test]
    fn segments_are_used_until_they_are_dropped() {
        let engine = Engine::default();
        let text = "(module (memory 1) (table 4 funcref) (data \"abc\") (elem func $f $f) (func $f)
            (elem declare func $f))";
        let mut store = Store::new(&engine, ());
        Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
        let (store, id) = (crate::engine::store::InnerMut::inner_mut(&mut store), InstanceId(0));
        assert_eq!(store.memory_init(id, 0, 0, 65533, 0, 3), Ok(()));
        assert_eq!(store.memory_init(id, 0, 0, 65534, 0, 3), Err(Trap::MemoryOutOfBounds));
        assert_eq!(store.memory_init(id, 0, 0, 0, 1, 3), Err(Trap::MemoryOutOfBounds));
        assert_eq!(
            store.memory_init(id, 0, 0, 0, u64::MAX, 3),
            Err(Trap::MemoryOutOfBounds)
        );
        store.data_drop(id, 0);
        assert_eq!(store.memory_init(id, 0, 0, 0, 0, 1), Err(Trap::MemoryOutOfBounds));
        assert_eq!(store.memory_init(id, 0, 0, 0, 0, 0), Ok(()));

        assert_eq!(store.table_init(id, 0, 0, 2, 0, 2), Ok(()));
        assert_eq!(store.table_init(id, 0, 0, 3, 0, 2), Err(Trap::TableOutOfBounds));
        assert_eq!(store.table_copy(id, 0, 0, 0, 1, 3), Ok(()));
        assert_eq!(store.table_copy(id, 0, 0, 2, 0, 3), Err(Trap::TableOutOfBounds));
        assert_eq!(store.table_fill(id, 0, 3, 0, 1), Ok(()));
        assert_eq!(store.table_grow(id, 0, 0, 1), Some(4));
        assert_eq!(store.table_grow(id, 0, 0, u64::from(u32::MAX)), None);
        store.elem_drop(id, 0);
        assert_eq!(store.table_init(id, 0, 0, 0, 0, 1), Err(Trap::TableOutOfBounds));
        assert_eq!(
            store.table_init(id, 0, 1, 0, 0, 1),
            Err(Trap::TableOutOfBounds),
            "declarative"
        );
    }
}
