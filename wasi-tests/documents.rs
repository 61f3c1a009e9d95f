//! What the documents say of tests is true: each test they name is there.

use std::path::Path;

use crate::runner::here;

/// The text of all Rust files below a directory, and the names of all files.
fn sources(dir: &Path, text: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        *text += &format!("\nfile {}\n", path.file_stem().unwrap().to_string_lossy());
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *text += &std::fs::read_to_string(&path).unwrap();
        }
    }
}

#[test]
fn every_test_that_security_md_names_exists() {
    let root = here("..");
    let mut text = String::new();
    for dir in ["src", "wasi-tests", "engine-tests"] {
        sources(&root.join(dir), &mut text);
    }
    let document = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut named = 0;
    for word in document.split('`').skip(1).step_by(2) {
        let Some((module, name)) = word.rsplit_once("::").filter(|_| word.is_ascii()) else {
            // Names that long are tests of the file named before.
            if word.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) && word.split('_').count() > 4 {
                assert!(text.contains(&format!("fn {word}(")), "there is no test {word}");
            }
            continue;
        };
        if module.is_empty() {
            continue;
        }
        named += 1;
        let module = module.trim_end_matches("::tests").rsplit("::").next().unwrap();
        assert!(
            text.contains(&format!("file {module}\n")),
            "{word}: there is no file {module}"
        );
        // `hostile::` names a whole file.
        let whole = name.is_empty() || name == "tests";
        assert!(
            whole || text.contains(&format!("fn {name}(")),
            "{word}: there is no test {name}"
        );
    }
    assert!(named > 30, "{named}");
}

#[test]
fn every_crate_we_depend_on_is_named_with_its_licence() {
    let root = here("..");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let notices = std::fs::read_to_string(root.join("THIRD-PARTY.md")).unwrap();
    let tables = manifest.split("\n[").filter(|table| {
        let name = table.lines().next().unwrap_or_default();
        name.ends_with("dependencies]") && !name.contains("dev-")
    });
    let mut crates = 0;
    for line in tables.flat_map(|table| table.lines().skip(1)) {
        let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        crates += 1;
        let named = |row: &str| row.split([' ', ',']).any(|word| word == name);
        let rows = notices
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        assert!(rows.into_iter().any(named), "THIRD-PARTY.md does not name {name}");
    }
    assert!(crates > 8, "{crates}");
}
