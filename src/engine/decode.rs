//! bytes → `Module`: drives wasmparser's parser and validator.

use super::config::Engine;
use super::error::Error;
use super::module::Module;

/// Names from the name section.
pub(crate) struct Names;

pub(crate) fn module(_engine: &Engine, _bytes: Vec<u8>, _file: Option<String>) -> Result<Module, Error> {
    todo!()
}
