//! Modules made by wasm-smith: everything valid, nothing in particular.

use arbitrary::Unstructured;
use wasm_encoder as enc;
use wasm_smith::{Config, MemoryOffsetChoices, Module};

use crate::case::ExportedFunc;
use crate::entropy::Rng;
use crate::host;
use crate::value::Type;

/// Calls and rounds of loops of all calls of a case together; then functions trap at their start.
const FUEL: u32 = 2000;

/// A module and the functions it exports.
pub fn module(seed: u64, entropy: &[u8]) -> Result<(Vec<u8>, Vec<ExportedFunc>), String> {
    let config = config(seed);
    let mut module = Module::new(config, &mut Unstructured::new(entropy)).map_err(|error| error.to_string())?;
    module.ensure_termination(FUEL).map_err(|error| error.to_string())?;
    let wasm = module.to_bytes();
    let exports = exported_funcs(&wasm)?;
    Ok((wasm, exports))
}

/// Everything wasmrun supports. Maxima are written into the modules, so that engines agree on when growth fails.
fn config(seed: u64) -> Config {
    let mut rng = Rng::new(seed.wrapping_mul(31));
    Config {
        available_imports: Some(available_imports()),
        max_imports: if rng.chance(3) { 0 } else { 12 },
        export_everything: true,
        allow_start_export: rng.chance(4),
        canonicalize_nans: true,
        disallow_traps: !rng.chance(3),
        max_instructions: [60, 200, 600][rng.below(3) as usize],
        max_funcs: 12,
        min_funcs: 1,
        max_types: 14,
        max_memories: 3,
        max_memory32_bytes: 6 << 16,
        memory_max_size_required: true,
        memory_offset_choices: MemoryOffsetChoices(60, 10, 1),
        max_tables: 3,
        max_table_elements: 60,
        table_max_size_required: true,
        max_globals: 14,
        max_data_segments: 5,
        max_element_segments: 6,
        max_elements: 12,
        bulk_memory_enabled: true,
        reference_types_enabled: true,
        multi_value_enabled: true,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        tail_call_enabled: true,
        extended_const_enabled: true,
        // Not there yet.
        simd_enabled: false,
        relaxed_simd_enabled: false,
        exceptions_enabled: false,
        gc_enabled: false,
        memory64_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        compact_imports_enabled: false,
        custom_page_sizes_enabled: false,
        ..Config::default()
    }
}

/// A module that imports everything there is, which is how wasm-smith learns of it.
fn available_imports() -> Vec<u8> {
    let mut types = enc::TypeSection::new();
    let mut imports = enc::ImportSection::new();
    for (at, func) in host::FUNCS.iter().enumerate() {
        types.ty().function(
            func.params.iter().map(|&ty| encoded(ty)),
            func.results.iter().map(|&ty| encoded(ty)),
        );
        imports.import("host", func.name, enc::EntityType::Function(at as u32));
    }
    for &(name, ty, mutable, _) in host::GLOBALS {
        let ty = enc::GlobalType {
            val_type: encoded(ty),
            mutable,
            shared: false,
        };
        imports.import("host", name, enc::EntityType::Global(ty));
    }
    let (name, min, max) = host::HOST_MEMORY;
    imports.import("host", name, memory_type(min, max));
    let (name, min, max) = host::HOST_TABLE;
    imports.import("host", name, table_type(enc::RefType::FUNCREF, min, max));
    let (name, min, max) = host::HOST_EXTERNS;
    imports.import("host", name, table_type(enc::RefType::EXTERNREF, min, max));
    let mut module = enc::Module::new();
    module.section(&types).section(&imports);
    module.finish()
}

pub(crate) fn memory_type(minimum: u64, maximum: u64) -> enc::MemoryType {
    enc::MemoryType {
        minimum,
        maximum: Some(maximum),
        memory64: false,
        shared: false,
        page_size_log2: None,
    }
}

pub(crate) fn table_type(element_type: enc::RefType, minimum: u64, maximum: u64) -> enc::TableType {
    enc::TableType {
        element_type,
        minimum,
        maximum: Some(maximum),
        table64: false,
        shared: false,
    }
}

pub(crate) fn encoded(ty: Type) -> enc::ValType {
    match ty {
        Type::I32 => enc::ValType::I32,
        Type::I64 => enc::ValType::I64,
        Type::F32 => enc::ValType::F32,
        Type::F64 => enc::ValType::F64,
        Type::Func => enc::ValType::FUNCREF,
        Type::Extern => enc::ValType::EXTERNREF,
    }
}

/// The exported functions, as wasmi reads the module.
pub(crate) fn exported_funcs(wasm: &[u8]) -> Result<Vec<ExportedFunc>, String> {
    let engine = wasmi::Engine::new(&crate::engines::wasmi::config());
    let module = wasmi::Module::new(&engine, wasm).map_err(|error| format!("wasmi refuses: {error}"))?;
    let funcs = module.exports().filter_map(|export| {
        let params = export
            .ty()
            .func()?
            .params()
            .iter()
            .map(|&ty| crate::engines::wasmi::type_of(ty))
            .collect();
        Some((export.name().to_owned(), params))
    });
    Ok(funcs.collect())
}
