//! The name section: skipped when a module is loaded, read when a trap or an inspection asks for names.
//!
//! Nothing here can fail: a name section is a hint, and what is wrong in it must not hide a trap.
//! Spec: appendix/custom.html#name-section

use wasmparser::{BinaryReader, Name, NameMap, NameSectionReader};

use crate::engine::module::{Bytes, Kind, ModuleInner};

/// Where the names stand in the file.
#[derive(Default)]
pub(crate) struct Names {
    module: Option<Bytes>,
    /// By function index, ascending.
    funcs: Vec<(u32, Bytes)>,
    /// By tag index, ascending.
    tags: Vec<(u32, Bytes)>,
}

impl Names {
    fn read(module: &ModuleInner) -> Names {
        let mut names = Names::default();
        let Some(section) = &module.name_section else {
            return names;
        };
        let range = |name: &str| {
            let start = (name.as_ptr() as usize - module.bytes.as_ptr() as usize) as u32;
            start..start + name.len() as u32
        };
        // A count from the file is not to be trusted with an allocation; the reader stops at its end.
        let named = |map: NameMap<'_>| -> Vec<(u32, Bytes)> {
            let entries = map.into_iter().map_while(Result::ok);
            entries.map(|named| (named.index, range(named.name))).collect()
        };
        let reader = BinaryReader::new(module.slice(section), u64::from(section.start));
        for part in NameSectionReader::new(reader) {
            match part {
                Ok(Name::Module { name, .. }) => names.module = Some(range(name)),
                Ok(Name::Function(map)) => names.funcs.extend(named(map)),
                Ok(Name::Tag(map)) => names.tags.extend(named(map)),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        for list in [&mut names.funcs, &mut names.tags] {
            if !list.is_sorted_by_key(|(index, _)| *index) {
                list.sort_by_key(|(index, _)| *index);
            }
        }
        names
    }
}

impl ModuleInner {
    /// The name the module gives itself.
    pub(crate) fn own_name(&self) -> Option<&str> {
        self.names().module.as_ref().map(|range| self.text(range))
    }

    /// The name of a function in the name section, or the names of its import.
    pub(crate) fn func_name(&self, func_index: u32) -> Option<&str> {
        self.name_in(&self.names().funcs, Kind::Func, func_index)
    }

    /// The same for a tag.
    pub(crate) fn tag_name(&self, tag: u32) -> Option<&str> {
        self.name_in(&self.names().tags, Kind::Tag, tag)
    }

    fn name_in(&self, names: &[(u32, Bytes)], kind: Kind, index: u32) -> Option<&str> {
        if let Ok(at) = names.binary_search_by_key(&index, |(index, _)| *index) {
            return Some(self.text(&names[at].1));
        }
        let import = self
            .imports
            .iter()
            .find(|import| (import.kind, import.index) == (kind, index));
        if let Some(import) = import {
            return Some(self.text(&import.field));
        }
        let export = self
            .exports
            .iter()
            .find(|export| (export.kind, export.index) == (kind, index))?;
        Some(self.text(&export.name))
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::read(self))
    }
}
