//! Tags: what tells exceptions apart, and which values those of a kind carry.

use super::instance::InstanceId;
use super::store::{AsStore, AsStoreMut, Inner as _, InnerMut as _, StoreInner};
use super::types::TagType;
use crate::engine::error::Error;

/// A tag in a store: a handle, to be used with that store. Two are equal when they are the same tag: a module has others
/// in each of its instances.
///
/// Spec: exec/runtime.html#tag-instances
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag {
    pub(crate) store: u64,
    pub(crate) index: u32,
}

/// A tag as its store has it.
pub(crate) struct TagData {
    pub ty: TagType,
    /// Engine-wide id of the function type it was defined with.
    pub type_id: u32,
    /// The instance that defines it and its index there; `None` for one of the host.
    origin: Option<(InstanceId, u32)>,
}

impl Tag {
    /// A new tag, different from all others.
    pub fn new(store: &mut impl AsStoreMut, ty: TagType) -> Tag {
        let store = store.inner_mut();
        let type_id = store.engine.register_func(ty.func());
        let index = store.add_tag(ty, type_id, None);
        Tag { store: store.id, index }
    }

    /// Its type.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub fn ty(self, store: &impl AsStore) -> Result<TagType, Error> {
        let store = store.inner();
        store.check_handle(self.store, "tag")?;
        Ok(store.tags[self.index as usize].ty.clone())
    }
}

impl StoreInner {
    /// A new tag; `origin`: the instance that defines it, and its index there.
    pub(crate) fn add_tag(&mut self, ty: TagType, type_id: u32, origin: Option<(InstanceId, u32)>) -> u32 {
        self.tags.push(TagData { ty, type_id, origin });
        self.tags.len() as u32 - 1
    }

    /// Whether a tag is of the type with that id.
    ///
    /// # Errors
    /// [`Error::Type`] for a handle of another store.
    pub(crate) fn tag_is(&self, tag: Tag, type_id: u32) -> Result<bool, Error> {
        self.check_handle(tag.store, "tag")?;
        // Types are equal when their ids are, and tags match when each is a subtype of the other.
        // Spec: valid/matching.html#tag-types
        Ok(self.tags[tag.index as usize].type_id == type_id)
    }

    /// Gives back the ids of types of the host's tags. Those of instances belong to their modules.
    pub(crate) fn release_tag_types(&self) {
        let own = self.tags.iter().filter(|tag| tag.origin.is_none());
        self.engine.release_types(own.map(|tag| tag.type_id));
    }

    /// What the module that defines the tag calls it.
    pub(crate) fn tag_name(&self, tag: u32) -> Option<&str> {
        let (instance, index) = self.tags[tag as usize].origin?;
        self.instances.get(instance.0 as usize)?.module.inner.tag_name(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::types::ValType;
    use crate::engine::{Engine, Instance, Linker, Module, Store};

    fn instantiate(store: &mut Store<()>, linker: &Linker<()>, text: &str) -> Result<Instance, Error> {
        let module = Module::new(store.engine(), wat::parse_str(text).unwrap()).unwrap();
        linker.instantiate_in(store, &module)
    }

    #[test]
    fn each_instance_has_its_own_tags() {
        let mut store = Store::new(&Engine::default(), ());
        let linker = Linker::new(store.engine());
        let text = "(module (tag $t (export \"t\") (param i32 i64)) (export \"again\" (tag $t)))";
        let [a, b] = [(); 2].map(|()| instantiate(&mut store, &linker, text).unwrap());
        let tag = a.tag(&mut store, "t").unwrap();
        assert_eq!(tag, a.tag(&mut store, "again").unwrap());
        assert_ne!(tag, b.tag(&mut store, "t").unwrap());
        assert_eq!(tag.ty(&store).unwrap(), TagType::new([ValType::I32, ValType::I64]));
        assert!(tag.ty(&Store::new(store.engine(), ())).is_err());
        let error = a.func(&mut store, "t").unwrap_err();
        assert_eq!(
            error.to_string(),
            "export `t` is (tag (param i32 i64)), not a function: the module exports no function"
        );
    }

    #[test]
    fn a_tag_is_linked_where_its_type_is_the_one_declared() {
        let mut store = Store::new(&Engine::default(), ());
        let tag = Tag::new(&mut store, TagType::new([ValType::I32]));
        let mut linker = Linker::new(store.engine());
        linker.define(&store, "e", "t", tag).unwrap();
        let import = |ty: &str| format!("(module (import \"e\" \"t\" (tag $t {ty})) (export \"t\" (tag $t)))");
        let instance = instantiate(&mut store, &linker, &import("(param i32)")).unwrap();
        assert_eq!(instance.tag(&mut store, "t").unwrap(), tag);
        let error = instantiate(&mut store, &linker, &import("")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "incompatible import type: `e` `t` is (tag (param i32)), the module asks for (tag)"
        );
    }
}
