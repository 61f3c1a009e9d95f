//! Tables: references by index, and the instructions that work on many of them at once.

use super::error::Error;
use super::instance::InstanceId;
use super::limits::{MAX_TABLE_ELEMENTS, StoreLimits};
use super::memory::GrowError;
use super::module::{Items, Mode};
use super::run::layout::{Owned, VmTable};
use super::store::{AsStore, AsStoreMut, Inner as _, InnerMut as _, StoreInner};
use super::trap::Trap;
use super::types::TableType;
use super::value::Val;

/// A table in a store: a handle, to be used with that store.
///
/// Spec: exec/runtime.html#table-instances
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Table {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

impl Table {
    /// A new table with every element `init`.
    ///
    /// # Errors
    /// [`Error::Limit`] when its minimum passes the store's limit, [`Error::Type`] when `init` does not fit.
    pub fn new(store: &mut impl AsStoreMut, ty: TableType, init: Val) -> Result<Table, Error> {
        let largest = ty.maximum.unwrap_or(0).max(ty.minimum);
        let ordered = ty.maximum.is_none_or(|maximum| maximum >= ty.minimum);
        if !ty.is_64 && largest > MAX_TABLE_ELEMENTS || !ordered || !ty.element.is_ref() {
            return Err(Error::type_error(format!("{ty} is not a valid table type")));
        }
        let store = store.inner_mut();
        let init = fitting_slot(store, ty, &init)?;
        let index = store.add_table(ty, init)?;
        Ok(Table { store: store.id, index })
    }

    /// Its type, with its present size as the minimum.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<TableType, Error> {
        let store = store.inner();
        store.check_handle(self.store, "table")?;
        Ok(store.tables[self.index as usize].present_type())
    }

    /// Elements it has.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn size(self, store: &impl AsStore) -> Result<u64, Error> {
        Ok(self.ty(store)?.minimum)
    }

    /// An element.
    ///
    /// # Errors
    /// [`Error::Trap`] outside the table, [`Error::Type`] for a handle of another store.
    pub fn get(self, store: &impl AsStore, index: u64) -> Result<Val, Error> {
        let store = store.inner();
        store.check_handle(self.store, "table")?;
        let table = &store.tables[self.index as usize];
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let slot = *table.elements.get(index).ok_or(Trap::TableOutOfBounds)?;
        Ok(Val::from_slots(&[slot], table.ty.element, &store.refs))
    }

    /// Sets an element.
    ///
    /// # Errors
    /// [`Error::Trap`] outside the table, [`Error::Type`] when the value does not fit.
    pub fn set(self, store: &mut impl AsStoreMut, index: u64, value: Val) -> Result<(), Error> {
        let store = store.inner_mut();
        store.check_handle(self.store, "table")?;
        let ty = store.tables[self.index as usize].ty;
        let slot = fitting_slot(store, ty, &value)?;
        store.tables[self.index as usize].fill(index, slot, 1)?;
        Ok(())
    }

    /// Grows by `delta` elements, all `init`, and returns the old size.
    ///
    /// # Errors
    /// [`Error::Host`] with a [`GrowError`]; [`Error::Type`] when `init` does not fit.
    pub fn grow(self, store: &mut impl AsStoreMut, delta: u64, init: Val) -> Result<u64, Error> {
        let store = store.inner_mut();
        store.check_handle(self.store, "table")?;
        let ty = store.tables[self.index as usize].ty;
        let slot = fitting_slot(store, ty, &init)?;
        let limit = store.limits.table_elements;
        Ok(store.tables[self.index as usize].grow(delta, slot, limit)?)
    }
}

fn fitting_slot(store: &mut StoreInner, ty: TableType, value: &Val) -> Result<u64, Error> {
    let misfit = || Error::type_error(format!("a value of type {} does not fit {ty}", value.ty()));
    let [slot, _] = value.to_slots_of(ty.element, store)?.ok_or_else(misfit)?;
    Ok(slot)
}

/// A table as its store has it.
pub(crate) struct TableData {
    pub ty: TableType,
    /// What handlers see: always the address and length of `elements`.
    vm: Owned<VmTable>,
    elements: Vec<u64>,
    /// The instance whose active segments are still to be copied here, all of which fit. Nothing but `call_indirect` of
    /// that instance comes here before they are.
    unfilled: Option<InstanceId>,
}

impl TableData {
    pub(crate) fn vm(&self) -> *mut VmTable {
        self.vm.as_ptr()
    }

    /// The elements, as slots.
    pub(crate) fn slots(&self) -> &[u64] {
        &self.elements
    }

    pub(crate) fn len(&self) -> u64 {
        self.elements.len() as u64
    }

    pub(crate) fn present_type(&self) -> TableType {
        TableType {
            minimum: self.len(),
            ..self.ty
        }
    }

    /// Spec: exec/modules.html#grow-table
    pub(crate) fn grow(&mut self, delta: u64, init: u64, limit: u64) -> Result<u64, GrowError> {
        let old = self.len();
        let maximum = self.ty.maximum.unwrap_or(MAX_TABLE_ELEMENTS).min(MAX_TABLE_ELEMENTS);
        let len = old
            .checked_add(delta)
            .filter(|&len| len <= maximum)
            .ok_or(GrowError::Maximum)?;
        if len > limit {
            return Err(GrowError::Limit);
        }
        if delta > 0 {
            let len = usize::try_from(len).map_err(|_| GrowError::Host)?;
            if len > self.elements.capacity() {
                // Twice the size, so that growing one by one does not copy everything each time; else what is needed.
                let more =
                    (len - self.elements.len()).max(self.elements.len().min(limit as usize - self.elements.len()));
                let roomy = self.elements.try_reserve_exact(more);
                roomy
                    .or_else(|_| self.elements.try_reserve_exact(len - old as usize))
                    .map_err(|_| GrowError::Host)?;
            }
            self.elements.resize(len, init);
            *self.vm.get_mut() = VmTable {
                base: self.elements.as_mut_ptr(),
                len: len as u64,
            };
        }
        Ok(old)
    }

    /// Spec: exec/instructions.html#exec-table-fill
    fn fill(&mut self, dst: u64, value: u64, n: u64) -> Result<(), Trap> {
        let range = range(dst, n, self.len())?;
        self.elements[range].fill(value);
        Ok(())
    }
}

/// Indices of `n` elements from `start` on, if there are so many.
fn range(start: u64, n: u64, len: u64) -> Result<std::ops::Range<usize>, Trap> {
    match start.checked_add(n) {
        Some(end) if end <= len => Ok(start as usize..end as usize),
        _ => Err(Trap::TableOutOfBounds),
    }
}

impl StoreInner {
    /// A new table of `init`s.
    pub(crate) fn add_table(&mut self, ty: TableType, init: u64) -> Result<u32, Error> {
        StoreLimits::check_count("tables", self.tables.len(), self.limits.tables)?;
        let limit = self.limits.table_elements.min(MAX_TABLE_ELEMENTS);
        if ty.minimum > limit {
            let hint = "raise it with `Config::max_table_elements` or `StoreLimits::table_elements`";
            return Err(Error::limit("table", "elements", limit, ty.minimum, hint));
        }
        let len = ty.minimum as usize;
        let mut elements = Vec::new();
        if init == 0 {
            // Fresh zeroed pages cost nothing until they are touched, and `vec!` gets them; a failure to get them ends
            // the process, so it is asked first whether there is room.
            let room = elements.try_reserve_exact(len);
            drop(elements);
            room.map_err(|_| no_room(len))?;
            elements = vec![0; len];
        } else {
            elements.try_reserve_exact(len).map_err(|_| no_room(len))?;
            elements.resize(len, init);
        }
        let vm = Owned::new(VmTable {
            base: elements.as_mut_ptr(),
            len: len as u64,
        });
        self.tables.push(TableData {
            ty,
            vm,
            elements,
            unfilled: None,
        });
        Ok(self.tables.len() as u32 - 1)
    }

    /// Puts off filling a table an instance defines: its handlers find null in it, and the driver fills it then.
    pub(crate) fn fill_later(&mut self, instance: InstanceId, table: u32) {
        self.table_of(instance, table).unfilled = Some(instance);
    }

    /// Copies the active segments that were put off into a table of an instance; whether there were any.
    ///
    /// Spec: exec/modules.html#instantiation, step 14
    pub(crate) fn fill_now(&mut self, instance: InstanceId, table: u32) -> bool {
        let index = self.instances[instance.0 as usize].tables[table as usize] as usize;
        let Some(owner) = self.tables[index].unfilled.take() else {
            return false;
        };
        let data = &self.instances[owner.0 as usize];
        let module = data.module.clone();
        let own = data.tables.iter().position(|&at| at as usize == index);
        for (segment, elem) in module.inner.elems.iter().enumerate() {
            let Mode::Active { index: target, offset } = &elem.mode else {
                continue;
            };
            if Some(*target as usize) != own {
                continue;
            }
            let start = self.eval_offset(owner, offset, self.tables[index].ty.is_64) as usize;
            for at in 0..elem.items.len() {
                self.tables[index].elements[start + at] = self.item_slot(owner, segment as u32, &elem.items, at);
            }
        }
        true
    }

    /// Fills all tables of an instance; whether there was anything to do.
    pub(crate) fn fill_all_now(&mut self, instance: InstanceId) -> bool {
        let tables = self.instances[instance.0 as usize].tables.len() as u32;
        (0..tables).fold(false, |any, table| self.fill_now(instance, table) | any)
    }

    /// An element of a segment, as a slot. Function references are made when they are first needed; the values of
    /// constant expressions do not depend on when they are looked at.
    pub(crate) fn item_slot(&mut self, instance: InstanceId, segment: u32, items: &Items, at: usize) -> u64 {
        let data = &self.instances[instance.0 as usize];
        if let Some(value) = data.elem_values.get(segment as usize).and_then(|values| values.get(at)) {
            return *value;
        }
        match items {
            Items::Funcs(funcs) => self.func_slot(instance, funcs[at]),
            Items::Exprs(exprs) => {
                let value = self.eval(instance, &exprs[at]);
                value.expect("what may fail was computed when the instance was made")[0]
            }
        }
    }

    /// Elements of a segment: none once it is dropped.
    pub(crate) fn elem_len(&self, instance: InstanceId, segment: u32) -> u64 {
        let data = &self.instances[instance.0 as usize];
        match data.dropped_elems[segment as usize] {
            true => 0,
            false => data.module.inner.elems[segment as usize].items.len() as u64,
        }
    }

    /// `table.grow`: the old size, or `None` if it stays.
    pub(crate) fn table_grow(&mut self, instance: InstanceId, table: u32, init: u64, delta: u64) -> Option<u64> {
        let limit = self.limits.table_elements;
        self.table_of(instance, table).grow(delta, init, limit).ok()
    }

    /// `table.fill`.
    pub(crate) fn table_fill(
        &mut self,
        instance: InstanceId,
        table: u32,
        dst: u64,
        value: u64,
        n: u64,
    ) -> Result<(), Trap> {
        self.table_of(instance, table).fill(dst, value, n)
    }

    /// `table.copy`. Spec: exec/instructions.html#exec-table-copy
    pub(crate) fn table_copy(
        &mut self,
        instance: InstanceId,
        dst_table: u32,
        src_table: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Trap> {
        let data = &self.instances[instance.0 as usize];
        let (to, from) = (
            data.tables[dst_table as usize] as usize,
            data.tables[src_table as usize] as usize,
        );
        let src = range(src, n, self.tables[from].len())?;
        let dst = range(dst, n, self.tables[to].len())?;
        match self.tables.get_disjoint_mut([to, from]) {
            Ok([to, from]) => to.elements[dst].copy_from_slice(&from.elements[src]),
            // The same table under one index or two.
            Err(_) => self.tables[to].elements.copy_within(src, dst.start),
        }
        Ok(())
    }

    /// `table.init`. Spec: exec/instructions.html#exec-table-init
    pub(crate) fn table_init(
        &mut self,
        instance: InstanceId,
        table: u32,
        segment: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Trap> {
        let data = &self.instances[instance.0 as usize];
        let module = data.module.clone();
        let table = data.tables[table as usize] as usize;
        let dropped = data.dropped_elems[segment as usize];
        let items = &module.inner.elems[segment as usize].items;
        let len = if dropped { 0 } else { items.len() };
        let src = range(src, n, len as u64)?;
        let dst = range(dst, n, self.tables[table].len())?;
        for (dst, src) in dst.zip(src) {
            self.tables[table].elements[dst] = self.item_slot(instance, segment, items, src);
        }
        Ok(())
    }

    fn table_of(&mut self, instance: InstanceId, table: u32) -> &mut TableData {
        let index = self.instances[instance.0 as usize].tables[table as usize];
        &mut self.tables[index as usize]
    }
}

#[cold]
fn no_room(len: usize) -> Error {
    Error::instantiate(format!("the host has no room for a table of {len} elements"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::types::ValType;
    use crate::engine::{Config, Engine, ExternRef, Store};

    #[test]
    fn a_table_grows_to_its_maximum_and_not_past_the_limit() {
        let engine = Engine::new(Config::new().max_table_elements(10));
        let mut store = Store::new(&engine, ());
        let null = || Val::ExternRef(None);
        let table = Table::new(&mut store, TableType::new(ValType::EXTERNREF, 2, Some(5)), null()).unwrap();
        assert_eq!(table.grow(&mut store, 3, ExternRef::new(9u8).into()).unwrap(), 2);
        assert!(table.grow(&mut store, 1, null()).is_err());
        assert_eq!(table.grow(&mut store, 0, null()).unwrap(), 5);
        let Val::ExternRef(Some(value)) = table.get(&store, 4).unwrap() else {
            panic!("grown elements are set")
        };
        assert_eq!(value.downcast_ref(), Some(&9u8));
        assert_eq!(table.get(&store, 5).unwrap_err().trap(), Some(Trap::TableOutOfBounds));

        let unbounded = Table::new(
            &mut store,
            TableType::new(ValType::FUNCREF, 8, None),
            Val::FuncRef(None),
        )
        .unwrap();
        assert!(unbounded.grow(&mut store, 3, Val::FuncRef(None)).is_err());
        assert!(unbounded.grow(&mut store, 1 << 31, Val::FuncRef(None)).is_err());
        assert_eq!(unbounded.size(&store).unwrap(), 8);
        let error = Table::new(
            &mut store,
            TableType::new(ValType::FUNCREF, 11, None),
            Val::FuncRef(None),
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "table limit reached: 11 elements asked for, the limit is 10 elements: \
             raise it with `Config::max_table_elements` or `StoreLimits::table_elements`"
        );
    }
}
