//! Runs a case: one guest, what it is given, and what must come of it.
//!
//! A case is a TOML file whose values are all JSON as well: strings, numbers, booleans, arrays.
//! ```toml
//! guest = "fsop.wasm"                       # in guests/
//! args = ["fsop", "cat", "/d/a.txt"]        # argv[0] first
//! env = [["A", "1"]]
//! files = [["a.txt", "text"], ["sub/", ""]] # put into a fresh directory; a name with a slash at its end is one
//! links = [["from", "to"]]                  # symbolic links in it; {out} is the directory beside it
//! dirs = ["/d"]                             # that directory, granted under these names
//! read_only = true                          # ... to look at only
//! stdin = "text"
//! exit = 1                                  # 0 unless given
//! trap = "unreachable"                      # instead
//! signal = "TERM"                           # or this
//! stdout = "text"                           # a snapshot in snapshots/ unless given
//! stderr = ""                               # empty unless given
//! left = [["a.txt", "text"]]                # files there afterwards
//! gone = ["b.txt"]                          # and those that must not be
//! ```

use std::path::{Path, PathBuf};

use serde_json::Value;
use wasmrun::{Engine, Error, Linker, Module, WasiEnv};

/// A path in this directory.
pub fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("wasi-tests").join(path)
}

/// A guest by its file name in `guests/`.
pub fn guest(engine: &Engine, name: &str) -> Module {
    Module::from_file(engine, here("guests").join(name)).unwrap()
}

/// What a case says.
struct Case(Vec<(String, Value)>);

impl Case {
    fn read(name: &str) -> Case {
        let text = std::fs::read_to_string(here("cases").join(format!("{name}.toml"))).unwrap();
        let pairs = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                let (key, value) = line
                    .split_once('=')
                    .unwrap_or_else(|| panic!("{name}: no `=` in: {line}"));
                let value = serde_json::from_str(value).unwrap_or_else(|err| panic!("{name}: {err} in: {line}"));
                (key.trim().to_owned(), value)
            });
        let case = Case(pairs.collect());
        let known = [
            "guest",
            "args",
            "env",
            "files",
            "links",
            "dirs",
            "read_only",
            "stdin",
            "exit",
            "trap",
            "signal",
            "stdout",
            "stderr",
            "left",
            "gone",
        ];
        let unknown = case.0.iter().find(|(key, _)| !known.contains(&key.as_str()));
        assert!(unknown.is_none(), "{name}: unknown key in {unknown:?}");
        case
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.get(key).map(|value| value.as_str().unwrap())
    }

    fn list(&self, key: &str) -> Vec<String> {
        let list = self.get(key).map_or(&[] as &[Value], |value| value.as_array().unwrap());
        list.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    }

    fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let list = self.get(key).map_or(&[] as &[Value], |value| value.as_array().unwrap());
        list.iter()
            .map(|pair| {
                (
                    pair[0].as_str().unwrap().to_owned(),
                    pair[1].as_str().unwrap().to_owned(),
                )
            })
            .collect()
    }
}

/// Runs the case of that name.
pub fn run(name: &str) {
    let case = Case::read(name);
    // The granted directory lies in another one, so that there is something beside it to escape to.
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("granted");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(outer.path().join("secret"), "canary").unwrap();
    for (path, text) in case.pairs("files") {
        let path = inner.join(path);
        if path.to_str().unwrap().ends_with('/') {
            std::fs::create_dir_all(path).unwrap();
        } else {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }
    for (from, to) in case.pairs("links") {
        let to = to.replace("{out}", outer.path().to_str().unwrap());
        std::os::unix::fs::symlink(to, inner.join(from)).unwrap();
    }

    let mut builder = WasiEnv::builder().args(case.list("args")).envs(case.pairs("env"));
    builder = builder
        .stdin(case.text("stdin").unwrap_or_default())
        .capture_stdout()
        .capture_stderr();
    for name in case.list("dirs") {
        builder = match case.get("read_only") {
            Some(Value::Bool(true)) => builder.dir_read_only(&inner, name).unwrap(),
            _ => builder.dir(&inner, name).unwrap(),
        };
    }
    let env = builder.build();
    let engine = Engine::default();
    let module = guest(&engine, case.text("guest").unwrap());
    let mut linker = Linker::new(&engine);
    linker.wasi(&env).unwrap();
    let outcome = linker.instantiate(&module).unwrap().run();

    let stdout = env.get_stdout().escape_ascii().to_string().replace("\\n", "\n");
    let stderr = env.get_stderr().escape_ascii().to_string().replace("\\n", "\n");
    let ended = match &outcome {
        Ok(()) => String::from("exit 0"),
        Err(Error::Exit(code)) => format!("exit {code}"),
        Err(Error::Trap(report)) => format!("trap {}", report.trap),
        Err(Error::Signal(signal)) => format!("signal {signal}"),
        Err(other) => format!("error {other}"),
    };
    let expected = match (case.text("trap"), case.text("signal")) {
        (Some(trap), _) => format!("trap {trap}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => format!("exit {}", case.get("exit").unwrap_or(&Value::from(0))),
    };
    assert_eq!(ended, expected, "stdout: {stdout}\nstderr: {stderr}");
    assert_eq!(stderr, case.text("stderr").unwrap_or_default());
    match case.text("stdout") {
        Some(expected) => assert_eq!(stdout, expected),
        None => insta::assert_snapshot!(name, stdout),
    }
    for (path, text) in case.pairs("left") {
        assert_eq!(
            std::fs::read_to_string(inner.join(&path)).ok().as_deref(),
            Some(text.as_str()),
            "{path}"
        );
    }
    for path in case.list("gone") {
        assert!(std::fs::symlink_metadata(inner.join(&path)).is_err(), "{path}");
    }
    let mut beside: Vec<_> = std::fs::read_dir(outer.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    beside.sort();
    assert_eq!(beside, ["granted", "secret"], "nothing was made outside");
    assert_eq!(std::fs::read(outer.path().join("secret")).unwrap(), b"canary");
}
