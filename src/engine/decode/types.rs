//! Types: from the validator's, which name defined types by their index in the module, to the engine's, which name them
//! by their id. Groups of types are registered as they are read, because later ones refer to them.

use wasmparser::{AbstractHeapType, CompositeInnerType, PackedIndex, UnpackedIndex};

use super::{Decoder, Refusal};
use crate::engine::module::ModuleInner;
use crate::engine::types::{
    Composite, FieldType, FuncType, GlobalType, HeapType, MemoryType, PAGE_BYTES, RefType, StorageType, SubType,
    TableType, TypeId, TypeKind, ValType,
};

impl Decoder<'_> {
    /// Registers a group of types, which get the next type indices.
    pub(super) fn rec_group(&mut self, group: wasmparser::RecGroup) -> Result<(), Refusal> {
        let types: Vec<wasmparser::SubType> = group.into_types().collect();
        let kinds = types.iter().map(kind).collect::<Result<Vec<TypeKind>, Refusal>>()?;
        let names = TypeNames {
            module: &self.module,
            group: &kinds,
        };
        let types = types.iter().map(|ty| names.sub_type(ty));
        let types = types.collect::<Result<Vec<SubType>, Refusal>>()?;
        for info in self.module.engine.register_group(types) {
            self.module.type_ids.push(info.id.index);
            let func = info.func().cloned().unwrap_or_else(|| FuncType::new([], []));
            self.module.types.push(func);
            self.module.type_infos.push(info);
        }
        Ok(())
    }
}

fn kind(ty: &wasmparser::SubType) -> Result<TypeKind, Refusal> {
    Ok(match ty.composite_type.inner {
        CompositeInnerType::Func(_) => TypeKind::Func,
        CompositeInnerType::Struct(_) => TypeKind::Struct,
        CompositeInnerType::Array(_) => TypeKind::Array,
        CompositeInnerType::Cont(_) => return Err(unsupported("a continuation type")),
    })
}

/// What indices of types mean: those of the module, and from then on those of the group being read.
struct TypeNames<'m> {
    module: &'m ModuleInner,
    group: &'m [TypeKind],
}

impl TypeNames<'_> {
    fn id(&self, index: UnpackedIndex) -> Result<TypeId, Refusal> {
        let known = &self.module.type_infos;
        let of_group = |at: usize| {
            let kind = self.group.get(at).ok_or_else(|| unsupported("an unknown type"))?;
            Ok(TypeId::new(TypeId::RELATIVE | at as u32, *kind))
        };
        match index {
            UnpackedIndex::Module(index) => match known.get(index as usize) {
                Some(info) => Ok(info.id),
                None => of_group(index as usize - known.len()),
            },
            UnpackedIndex::RecGroup(at) => of_group(at as usize),
            UnpackedIndex::Id(_) => Err(unsupported("a type known to the validator alone")),
        }
    }

    fn sub_type(&self, ty: &wasmparser::SubType) -> Result<SubType, Refusal> {
        let composite = match &ty.composite_type.inner {
            CompositeInnerType::Func(ty) => {
                let all = |types: &[wasmparser::ValType]| {
                    types.iter().map(|ty| self.val_type(ty)).collect::<Result<Vec<_>, _>>()
                };
                Composite::Func(FuncType::new(all(ty.params())?, all(ty.results())?))
            }
            CompositeInnerType::Struct(ty) => {
                let fields = ty.fields.iter().map(|field| self.field(field));
                Composite::Struct(fields.collect::<Result<_, Refusal>>()?)
            }
            CompositeInnerType::Array(ty) => Composite::Array(self.field(&ty.0)?),
            CompositeInnerType::Cont(_) => return Err(unsupported("a continuation type")),
        };
        let supertype = ty.supertype_idx.as_ref().map(PackedIndex::unpack);
        Ok(SubType {
            is_final: ty.is_final,
            supertype: supertype.map(|index| self.id(index)).transpose()?,
            composite,
        })
    }

    fn field(&self, field: &wasmparser::FieldType) -> Result<FieldType, Refusal> {
        let storage = match &field.element_type {
            wasmparser::StorageType::I8 => StorageType::I8,
            wasmparser::StorageType::I16 => StorageType::I16,
            wasmparser::StorageType::Val(ty) => StorageType::Val(self.val_type(ty)?),
        };
        Ok(FieldType {
            storage,
            mutable: field.mutable,
        })
    }

    fn val_type(&self, ty: &wasmparser::ValType) -> Result<ValType, Refusal> {
        Ok(match ty {
            wasmparser::ValType::I32 => ValType::I32,
            wasmparser::ValType::I64 => ValType::I64,
            wasmparser::ValType::F32 => ValType::F32,
            wasmparser::ValType::F64 => ValType::F64,
            wasmparser::ValType::V128 => ValType::V128,
            wasmparser::ValType::Ref(ty) => ValType::Ref(RefType {
                nullable: ty.is_nullable(),
                heap: self.heap_type(ty.heap_type())?,
            }),
        })
    }

    fn heap_type(&self, ty: wasmparser::HeapType) -> Result<HeapType, Refusal> {
        Ok(match ty {
            wasmparser::HeapType::Concrete(index) => HeapType::Concrete(self.id(index)?),
            wasmparser::HeapType::Abstract { shared: false, ty } => match ty {
                AbstractHeapType::Func => HeapType::Func,
                AbstractHeapType::NoFunc => HeapType::NoFunc,
                AbstractHeapType::Extern => HeapType::Extern,
                AbstractHeapType::NoExtern => HeapType::NoExtern,
                AbstractHeapType::Any => HeapType::Any,
                AbstractHeapType::Eq => HeapType::Eq,
                AbstractHeapType::I31 => HeapType::I31,
                AbstractHeapType::Struct => HeapType::Struct,
                AbstractHeapType::Array => HeapType::Array,
                AbstractHeapType::None => HeapType::None,
                AbstractHeapType::Exn => HeapType::Exn,
                AbstractHeapType::NoExn => HeapType::NoExn,
                AbstractHeapType::Cont | AbstractHeapType::NoCont => {
                    return Err(unsupported("a reference to a continuation"));
                }
            },
            other => return Err(unsupported(&format!("a reference to {other:?}"))),
        })
    }
}

/// The validator refuses what gets here, with a better message.
#[cold]
fn unsupported(what: &str) -> Refusal {
    Refusal::invalid(0, format!("{what} is not supported"))
}

impl ModuleInner {
    fn type_names(&self) -> TypeNames<'_> {
        TypeNames {
            module: self,
            group: &[],
        }
    }

    /// The engine's name for a type the validator has let through.
    pub(crate) fn val_type(&self, ty: &wasmparser::ValType) -> Result<ValType, Refusal> {
        self.type_names().val_type(ty)
    }

    /// As [`ModuleInner::val_type`].
    pub(crate) fn heap_type(&self, ty: wasmparser::HeapType) -> Result<HeapType, Refusal> {
        self.type_names().heap_type(ty)
    }

    pub(super) fn table_type(&self, ty: &wasmparser::TableType) -> Result<TableType, Refusal> {
        Ok(TableType {
            element: self.val_type(&wasmparser::ValType::Ref(ty.element_type))?,
            minimum: ty.initial,
            maximum: ty.maximum,
            is_64: ty.table64,
        })
    }

    pub(super) fn global_type(&self, ty: &wasmparser::GlobalType) -> Result<GlobalType, Refusal> {
        Ok(GlobalType {
            content: self.val_type(&ty.content_type)?,
            mutable: ty.mutable,
        })
    }
}

pub(super) fn memory_type(ty: &wasmparser::MemoryType) -> MemoryType {
    MemoryType {
        minimum: ty.initial,
        maximum: ty.maximum,
        is_64: ty.memory64,
        page_bytes: ty.page_size_log2.map_or(PAGE_BYTES, |log2| 1 << log2),
        shared: ty.shared,
    }
}
