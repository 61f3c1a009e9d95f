//! The real programs: what each is built from and what it must print.
//!
//! Their sources and modules come from registries when the benchmark runs (`toolchain.rs`, `fetch.rs`); here are only
//! our own main functions and scripts, in `../programs`. Each does the same work `times` times and prints the same
//! lines each time: those its native build prints.

use crate::Result;
use crate::fetch;
use crate::toolchain::{Recipe, Toolchain};

pub struct Program {
    pub name: &'static str,
    pub about: &'static str,
    /// What it reads from its standard input.
    pub script: &'static str,
    /// What it prints for each time.
    pub expected: &'static str,
    /// Arguments before the number of times.
    pub arguments: &'static [&'static str],
    /// One to two seconds under wasmi.
    pub times: u32,
    /// How it is built; without, its module is fetched as it is.
    pub recipe: Option<Recipe>,
}

impl Program {
    pub fn wasm(&self, toolchain: &Toolchain) -> Result<Vec<u8>> {
        let file = match &self.recipe {
            Some(recipe) => toolchain.wasm(self.name, recipe)?,
            None => fetch::module(self.name, toolchain.cache())?,
        };
        Ok(std::fs::read(file)?)
    }
}

pub const PROGRAMS: &[Program] = &[
    Program {
        name: "lua",
        about: "Lua 5.4: objects, backtracking, strings, sorting, floats",
        script: include_str!("../programs/lua/script.lua"),
        expected: include_str!("../programs/lua/expected.txt"),
        arguments: &[],
        times: 3,
        recipe: Some(Recipe {
            package: "lua-src",
            include: "lua-5.4.9",
            sources: &[
                "lapi.c",
                "lauxlib.c",
                "lbaselib.c",
                "lcode.c",
                "lctype.c",
                "ldebug.c",
                "ldo.c",
                "ldump.c",
                "lfunc.c",
                "lgc.c",
                "llex.c",
                "lmathlib.c",
                "lmem.c",
                "lobject.c",
                "lopcodes.c",
                "lparser.c",
                "lstate.c",
                "lstring.c",
                "lstrlib.c",
                "ltable.c",
                "ltablib.c",
                "ltm.c",
                "lundump.c",
                "lvm.c",
                "lzio.c",
            ],
            flags: &["-D_WASI_EMULATED_SIGNAL", "-Iinclude", "-include", "lua/errors.h"],
        }),
    },
    Program {
        name: "quickjs",
        about: "QuickJS-ng: classes, maps, regular expressions, typed arrays, generators",
        script: include_str!("../programs/quickjs/script.js"),
        expected: include_str!("../programs/quickjs/expected.txt"),
        arguments: &[],
        times: 2,
        recipe: Some(Recipe {
            package: "rquickjs-sys",
            include: "quickjs",
            sources: &["quickjs.c", "dtoa.c", "libregexp.c", "libunicode.c"],
            flags: &["-D_GNU_SOURCE"],
        }),
    },
    Program {
        name: "sqlite",
        about: "SQLite in memory: inserts, indexes, joins, aggregates, window functions",
        script: include_str!("../programs/sqlite/script.sql"),
        expected: include_str!("../programs/sqlite/expected.txt"),
        arguments: &[],
        times: 4,
        recipe: Some(Recipe {
            package: "libsqlite3-sys",
            include: "sqlite3",
            sources: &["sqlite3.c"],
            flags: &[
                "-DSQLITE_OS_OTHER=1",
                "-DSQLITE_THREADSAFE=0",
                "-DSQLITE_OMIT_LOAD_EXTENSION",
                "-DSQLITE_TEMP_STORE=3",
            ],
        }),
    },
    Program {
        name: "zstd",
        about: "zstd 1.5.7: a megabyte of text at levels 1, 3 and 9 and back",
        script: "",
        expected: include_str!("../programs/zstd/expected.txt"),
        arguments: &[],
        times: 3,
        recipe: Some(Recipe {
            package: "zstd-sys",
            include: "zstd/lib",
            sources: &["common/", "compress/", "decompress/"],
            flags: &["-DZSTD_DISABLE_ASM"],
        }),
    },
    Program {
        name: "bzip2",
        about: "bzip2 1.0.8: a megabyte of text and back",
        script: "",
        expected: include_str!("../programs/bzip2/expected.txt"),
        arguments: &[],
        times: 2,
        recipe: Some(Recipe {
            package: "bzip2-sys",
            include: "bzip2-1.0.8",
            sources: &[
                "blocksort.c",
                "huffman.c",
                "crctable.c",
                "randtable.c",
                "compress.c",
                "decompress.c",
                "bzlib.c",
            ],
            flags: &["-DBZ_NO_STDIO"],
        }),
    },
    Program {
        name: "cpython",
        about: "CPython 3.12, a module built by others: starts, then containers, strings, json, re, big integers",
        script: include_str!("../programs/cpython/script.py"),
        expected: include_str!("../programs/cpython/expected.txt"),
        arguments: &["-"],
        times: 1,
        recipe: None,
    },
];
