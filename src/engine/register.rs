//! The register of types an engine has: each distinct type once, with an id and what it is a subtype of.
//!
//! Types come in recursive groups, and two types are the same when their groups are, with references inside the group
//! taken by position, and they stand at the same place in it. A group's key is written that way, so equality is equality of keys; then
//! whatever compares types afterwards compares ids.
//! Spec: valid/conventions.html#defined-types, valid/matching.html#defined-types

use std::collections::BTreeMap;
use std::sync::Arc;

use super::types::{Composite, FieldType, FuncType, StorageType, SubType, TypeId};

/// A registered type, with all that is asked about it when code runs.
#[derive(Debug)]
pub(crate) struct TypeInfo {
    pub id: TypeId,
    /// What it is a subtype of, from the top down, itself last. So `b` is a supertype exactly if it stands here at
    /// the place at which it stands in its own.
    pub supers: Box<[u32]>,
    /// It is a function type that is no subtype, has none and is a group of its own: what a host function's type is.
    pub plain: bool,
    /// With ids of this engine.
    pub ty: SubType,
    pub layout: Layout,
}

/// How objects of a type lie in memory, from the object's address on: its header, then the fields.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Bytes of a struct, or of one element of an array.
    pub bytes: usize,
    /// Where each field of a struct is. A subtype has its supertype's fields at the same places, because each place
    /// depends on the fields before alone.
    pub fields: Box<[u32]>,
    /// Where the references of a struct to other objects are.
    pub refs: Box<[u32]>,
    /// The elements of an array are references to objects.
    pub ref_elements: bool,
}

/// Bytes of an object before its first field: the address of its `TypeInfo`.
pub(crate) const OBJECT_HEADER: usize = 8;
/// Bytes of an array before its first element: the header, the number of elements (32 bits), and 4 that are not used.
pub(crate) const ARRAY_HEADER: usize = 16;

impl Layout {
    fn of(ty: &Composite) -> Layout {
        match ty {
            Composite::Func(_) => Layout::default(),
            Composite::Struct(fields) => {
                let mut at = OBJECT_HEADER;
                let mut places = Vec::with_capacity(fields.len());
                let mut refs = Vec::new();
                for FieldType { storage, .. } in fields.iter() {
                    let bytes = storage.bytes();
                    at = at.next_multiple_of(bytes.min(8));
                    if storage.is_traced() {
                        refs.push(at as u32);
                    }
                    places.push(at as u32);
                    at += bytes;
                }
                Layout {
                    bytes: at,
                    fields: places.into(),
                    refs: refs.into(),
                    ref_elements: false,
                }
            }
            Composite::Array(element) => Layout {
                bytes: element.storage.bytes(),
                ref_elements: element.storage.is_traced(),
                ..Layout::default()
            },
        }
    }
}

impl TypeInfo {
    pub(crate) fn func(&self) -> Option<&FuncType> {
        match &self.ty.composite {
            Composite::Func(ty) => Some(ty),
            _ => None,
        }
    }

    /// The fields of a struct, or what every element of an array is.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &FieldType> {
        let fields: &[FieldType] = match &self.ty.composite {
            Composite::Func(_) => &[],
            Composite::Struct(fields) => fields,
            Composite::Array(element) => std::slice::from_ref(element),
        };
        fields.iter()
    }

    /// The type of a struct's field, or of an array's elements.
    pub(crate) fn storage(&self, field: u32) -> Option<StorageType> {
        match &self.ty.composite {
            Composite::Func(_) => None,
            Composite::Struct(fields) => fields.get(field as usize).map(|field| field.storage),
            Composite::Array(element) => Some(element.storage),
        }
    }

    /// Whether it is `of` or a subtype of it.
    #[inline]
    pub(crate) fn is_subtype(&self, of: &TypeInfo) -> bool {
        self.supers.get(of.supers.len() - 1) == Some(&of.id.index)
    }
}

/// What the engine keeps behind its lock.
#[derive(Default)]
pub(crate) struct Register {
    // Not hash tables, here and elsewhere on the way to a first call: their seed is a call of the system.
    /// Nearly all groups are one function type that is no subtype and has none: they are found by it alone.
    funcs: BTreeMap<FuncType, u32>,
    /// The first id of every other group.
    groups: BTreeMap<Arc<[SubType]>, u32>,
    entries: Vec<Option<Entry>>,
    /// The first ids of groups that were given back, by their length: the next group of that length takes one.
    free: BTreeMap<u32, Vec<u32>>,
}

struct Entry {
    info: Arc<TypeInfo>,
    /// The first id of its group, and how many there are.
    group: u32,
    len: u32,
    /// Of the whole group, kept at its first entry.
    uses: usize,
    /// The key, kept at the first entry; `None` for those of `funcs`.
    key: Option<Arc<[SubType]>>,
}

impl Register {
    /// The ids of a group: the first, and it has as many as types are given.
    pub(crate) fn group(&mut self, types: Vec<SubType>) -> u32 {
        if let [only] = &types[..]
            && let Some(id) = self.plain(only)
        {
            return id;
        }
        let key: Arc<[SubType]> = types.into();
        if let Some(&first) = self.groups.get(&key) {
            self.entry(first).uses += 1;
            return first;
        }
        let first = self.add(&key, Some(key.clone()));
        self.groups.insert(key, first);
        first
    }

    /// The id of a function type that is no subtype and has none.
    pub(crate) fn func(&mut self, ty: &FuncType) -> u32 {
        if let Some(&id) = self.funcs.get(ty) {
            self.entry(id).uses += 1;
            return id;
        }
        let first = self.add(&[SubType::func(ty.clone())], None);
        self.funcs.insert(ty.clone(), first);
        first
    }

    fn plain(&mut self, ty: &SubType) -> Option<u32> {
        match &ty.composite {
            Composite::Func(func) if ty.is_final && ty.supertype.is_none() => {
                let recursive = func
                    .types()
                    .any(|ty| ty.type_id().is_some_and(|id| id.relative().is_some()));
                (!recursive).then(|| self.func(func))
            }
            _ => None,
        }
    }

    fn add(&mut self, types: &[SubType], key: Option<Arc<[SubType]>>) -> u32 {
        let len = types.len() as u32;
        let first = match self.free.get_mut(&len).and_then(Vec::pop) {
            Some(first) => first,
            None => {
                let first = self.entries.len() as u32;
                self.entries.resize_with(self.entries.len() + types.len(), || None);
                first
            }
        };
        for (at, ty) in types.iter().enumerate() {
            let ty = ty.map(&mut |id| match id.relative() {
                Some(at) => TypeId::new(first + at, id.kind()),
                None => id,
            });
            // Supertypes stand before their subtypes, so theirs are known.
            let above = ty.supertype.map(|id| self.entry(id.index).info.clone());
            let index = first + at as u32;
            let supers = above.iter().flat_map(|above| above.supers.iter().copied());
            let info = Arc::new(TypeInfo {
                id: TypeId::new(index, ty.kind()),
                supers: supers.chain([index]).collect(),
                plain: key.is_none(),
                layout: Layout::of(&ty.composite),
                ty,
            });
            self.entries[index as usize] = Some(Entry {
                info,
                group: first,
                len,
                uses: usize::from(at == 0),
                key: key.clone().filter(|_| at == 0),
            });
        }
        // A type keeps those it mentions; groups mention earlier ones only, so there are no cycles.
        for id in outside(types) {
            self.retain(id);
        }
        first
    }

    fn entry(&mut self, id: u32) -> &mut Entry {
        self.entries[id as usize]
            .as_mut()
            .expect("a type id is only held while it is registered")
    }

    /// What is registered under an id somebody holds.
    pub(crate) fn info(&self, id: u32) -> Option<&Arc<TypeInfo>> {
        Some(&self.entries.get(id as usize)?.as_ref()?.info)
    }

    /// One more holder of an id.
    pub(crate) fn retain(&mut self, id: u32) {
        let group = self.entry(id).group;
        self.entry(group).uses += 1;
    }

    /// One holder less.
    pub(crate) fn release(&mut self, id: u32) {
        let mut gone = vec![id];
        while let Some(id) = gone.pop() {
            let first = self.entry(id).group;
            let entry = self.entry(first);
            entry.uses -= 1;
            if entry.uses > 0 {
                continue;
            }
            let (len, key) = (entry.len, entry.key.take());
            let mut types = Vec::with_capacity(len as usize);
            for at in first..first + len {
                types.extend(self.entries[at as usize].take().map(|entry| entry.info));
            }
            self.free.entry(len).or_default().push(first);
            match key {
                Some(key) => {
                    self.groups.remove(&key);
                    gone.extend(outside(&key));
                }
                None => {
                    if let Some(func) = types.first().and_then(|info| info.func()) {
                        self.funcs.remove(func);
                        gone.extend(func.types().filter_map(|ty| ty.type_id()).map(|id| id.index));
                    }
                }
            }
        }
    }
}

/// The ids of types outside the group that its types mention, each as often as it is mentioned.
fn outside(types: &[SubType]) -> Vec<u32> {
    let mut ids = Vec::new();
    for ty in types {
        ty.for_each_id(|id| {
            if id.relative().is_none() {
                ids.push(id.index);
            }
        });
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::types::{HeapType, RefType, TypeKind, ValType};

    fn list(to: TypeId, element: ValType) -> SubType {
        let link = ValType::Ref(RefType::new(true, HeapType::Concrete(to)));
        let fields = [element, link].map(|ty| FieldType {
            storage: StorageType::Val(ty),
            mutable: true,
        });
        SubType {
            is_final: false,
            supertype: None,
            composite: Composite::Struct(fields.into()),
        }
    }

    const SELF: TypeId = TypeId::new(TypeId::RELATIVE, TypeKind::Struct);

    #[test]
    fn recursive_types_are_equal_by_position_and_given_back() {
        let mut register = Register::default();
        let a = register.group(vec![list(SELF, ValType::I32)]);
        let b = register.group(vec![list(SELF, ValType::I32)]);
        let c = register.group(vec![list(SELF, ValType::I64)]);
        let outer = register.group(vec![list(TypeId::new(a, TypeKind::Struct), ValType::I32)]);
        assert_eq!(a, b);
        assert!(a != c && a != outer);
        for id in [a, b, c] {
            register.release(id);
        }
        assert!(register.info(a).is_some(), "another type refers to it");
        register.release(outer);
        assert!(register.info(a).is_none() && register.groups.is_empty());
    }

    #[test]
    fn the_place_in_its_group_is_part_of_a_type() {
        let mut register = Register::default();
        let pair = vec![list(SELF, ValType::I32), list(SELF, ValType::I32)];
        let first = register.group(pair.clone());
        assert_eq!(register.group(pair), first);
        assert_ne!(register.group(vec![list(SELF, ValType::I32)]), first);
        let (a, b) = (register.info(first).unwrap(), register.info(first + 1).unwrap());
        assert!(!a.is_subtype(b) && !b.is_subtype(a));
    }

    #[test]
    fn subtypes_know_all_their_supertypes() {
        let mut register = Register::default();
        let base = register.group(vec![list(SELF, ValType::I32)]);
        let mut above = base;
        for _ in 0..3 {
            let id = TypeId::new(above, TypeKind::Struct);
            above = register.group(vec![SubType {
                supertype: Some(id),
                ..list(id, ValType::I32)
            }]);
        }
        let (base, lowest) = (register.info(base).unwrap(), register.info(above).unwrap());
        assert_eq!(lowest.supers.len(), 4);
        assert!(lowest.is_subtype(base) && !base.is_subtype(lowest));
        assert_eq!((&*base.layout.fields, &*base.layout.refs), (&[8, 16][..], &[16][..]));
    }
}
