//! Random modules under wasmrun's configurations and under wasmi, which must agree.
//!
//! seed → `entropy` → `case` (by `smith` or `aimed`) → `engines` → `compare`. See README.md.

pub mod aimed;
pub mod case;
pub mod compare;
pub mod engines;
pub mod entropy;
pub mod host;
pub mod reference;
pub mod shrink;
pub mod smith;
pub mod value;
