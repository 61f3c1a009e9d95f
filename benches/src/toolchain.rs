//! Builds the real programs (to wasm and natively) and the kernels (natively), once: results lie in the cache under a
//! name that says what went into them.
//!
//! The compiler is clang as `zig cc`, because it brings WASI's libc with it and one command installs it anywhere: the
//! PyPI package `ziglang` in a virtual environment in the cache. `ZIG=/path/to/zig` chooses another. The sources are
//! those that crates bundle, fetched and checked by cargo.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::external;

const ZIGLANG: &str = "ziglang==0.17.1";
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/programs");
const KERNELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels");

/// How a program is built from the sources a crate bundles and `programs/<name>/main.c`.
#[derive(Hash)]
pub struct Recipe {
    pub package: &'static str,
    /// The folder in the package that includes are relative to.
    pub include: &'static str,
    /// Files in it; a name that ends in `/` stands for all C files of that folder.
    pub sources: &'static [&'static str],
    /// Paths in them are relative to `programs/`.
    pub flags: &'static [&'static str],
}

/// For both: wasm has no fused multiply-add, so the native build must not have it either.
const COMMON: &[&str] = &["-O3", "-DNDEBUG", "-ffp-contract=off", "-fno-sanitize=all", "-w"];
/// What every engine here supports, and no SIMD: the scalar core is what is compared, and not every peer has SIMD.
const WASM: &[&str] = &[
    "-target",
    "wasm32-wasi",
    "-mcpu=mvp+bulk_memory+sign_ext+nontrapping_fptoint+mutable_globals",
    "-Wl,-z,stack-size=1048576",
    // Names are not executed, and weigh on no engine's start-up.
    "-Wl,--strip-all",
];
/// What a distribution would build for any machine of the kind.
const NATIVE: &[&str] = &["-mcpu=baseline"];

pub struct Toolchain {
    cache: PathBuf,
}

impl Toolchain {
    /// Nothing is fetched before something must be built.
    pub fn new(cache: &Path) -> Result<Toolchain> {
        fs::create_dir_all(cache)?;
        Ok(Toolchain {
            cache: fs::canonicalize(cache)?,
        })
    }

    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The module of the program called `name`.
    pub fn wasm(&self, name: &str, recipe: &Recipe) -> Result<PathBuf> {
        self.program(name, recipe, WASM, ".wasm")
    }

    /// The same program, built natively.
    pub fn native(&self, name: &str, recipe: &Recipe) -> Result<PathBuf> {
        self.program(name, recipe, NATIVE, ".native")
    }

    /// The kernel called `name` behind `kernels/native.c`.
    pub fn native_kernel(&self, name: &str) -> Result<PathBuf> {
        let sources = [format!("{name}.c"), "native.c".into()].map(|file| Path::new(KERNELS).join(file));
        let key = key_of(&sources, (COMMON, NATIVE, ZIGLANG))?;
        let output = self.cache.join(format!("{name}-{key:016x}.native"));
        if !output.exists() {
            let flags = ["-std=c11", "-fno-math-errno"].map(String::from);
            self.compile(NATIVE, &flags, &sources, &output)?;
        }
        Ok(output)
    }

    fn program(&self, name: &str, recipe: &Recipe, target: &[&str], suffix: &str) -> Result<PathBuf> {
        let programs = Path::new(PROGRAMS);
        let own = ["text.h", "include/setjmp.h", "lua/errors.h", "sources/Cargo.lock"].map(|file| programs.join(file));
        let main = programs.join(name).join("main.c");
        let key = key_of(own.iter().chain([&main]), (recipe, COMMON, target, ZIGLANG))?;
        let output = self.cache.join(format!("{name}-{key:016x}{suffix}"));
        if output.exists() {
            return Ok(output);
        }
        let include = self.sources()?.join(recipe.package).join(recipe.include);
        let mut sources = vec![main];
        for source in recipe.sources {
            match source.strip_suffix('/') {
                None => sources.push(include.join(source)),
                Some(folder) => sources.extend(c_files(&include.join(folder))?),
            }
        }
        let mut flags = vec![format!("-I{}", include.display())];
        flags.extend(recipe.flags.iter().map(ToString::to_string));
        self.compile(target, &flags, &sources, &output)?;
        Ok(output)
    }

    fn compile(&self, target: &[&str], flags: &[String], sources: &[PathBuf], output: &Path) -> Result<()> {
        let mut zig = self.zig()?;
        eprintln!("building {}", output.display());
        // A rename at the very end: the file is either whole or not there.
        let unfinished = output.with_extension("unfinished");
        zig.current_dir(PROGRAMS)
            .env("ZIG_GLOBAL_CACHE_DIR", self.cache.join("zig"))
            .env("ZIG_LOCAL_CACHE_DIR", self.cache.join("zig"))
            .arg("cc")
            .args(target)
            .args(COMMON)
            .args(flags)
            .args(sources)
            .args(["-lm", "-o"])
            .arg(&unfinished);
        external::run(&mut zig)?;
        fs::rename(&unfinished, output)?;
        Ok(())
    }

    fn zig(&self) -> Result<Command> {
        if let Some(zig) = std::env::var_os("ZIG") {
            return Ok(Command::new(zig));
        }
        let folder = self.cache.join(ZIGLANG.replace("==", "-"));
        let python = folder.join("bin/python");
        let done = folder.join("installed");
        if !done.exists() {
            eprintln!("installing {ZIGLANG} into {}", folder.display());
            external::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            external::run(Command::new(&python).args(["-m", "pip", "install", "--quiet", ZIGLANG]))?;
            fs::write(done, "")?;
        }
        let mut zig = Command::new(python);
        zig.args(["-m", "ziglang"]);
        Ok(zig)
    }

    /// The crates that bundle the sources, one folder each.
    fn sources(&self) -> Result<PathBuf> {
        let manifest = Path::new(PROGRAMS).join("sources/Cargo.toml");
        let key = key_of([&manifest.with_extension("lock")], ())?;
        let folder = self.cache.join(format!("sources-{key:016x}"));
        if !folder.exists() {
            eprintln!("fetching sources into {}", folder.display());
            let unfinished = folder.with_extension("unfinished");
            external::run(
                Command::new("cargo")
                    .args(["vendor", "--locked", "--quiet", "--manifest-path"])
                    .arg(&manifest)
                    .arg(&unfinished),
            )?;
            fs::rename(&unfinished, &folder)?;
        }
        Ok(folder)
    }
}

fn c_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "c") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// What tells one build from another: the contents of `files` and whatever else matters.
fn key_of<'a>(files: impl IntoIterator<Item = &'a PathBuf>, rest: impl Hash) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    for file in files {
        let content = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        content.hash(&mut hasher);
    }
    rest.hash(&mut hasher);
    Ok(hasher.finish())
}
