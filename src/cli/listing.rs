//! `wasmrun listing`: the internal code of functions beside their WebAssembly.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use wasmrun::{Engine, ExternType, Listing, Module};

use super::args::ListingArgs;
use super::exit::Ending;
use super::report;

/// Characters of the left column, at most: what is longer pushes the right one away.
const MAX_COLUMN: usize = 64;

/// Runs the command and says on stderr what went wrong, if anything did.
pub fn run(args: &ListingArgs) -> Ending {
    let module = match Loaded::new(&args.file) {
        Ok(module) => module,
        Err(message) => {
            report::error(&message);
            return Ending::Failure;
        }
    };
    let functions = match module.choose(&args.functions) {
        Ok(functions) => functions,
        Err(message) => {
            report::error(&message);
            return Ending::Usage;
        }
    };
    let printed = module.text().and_then(|text| {
        let mut stdout = std::io::stdout().lock();
        let mut print = |text: String| stdout.write_all(text.as_bytes());
        functions
            .into_iter()
            .filter_map(|func| Some((func, module.module.listing(func)?)))
            .try_for_each(|(func, listing)| print(beside(&module.title(func), &text, &listing)))
            .and_then(|()| stdout.flush())
            .map_err(|error| format!("cannot write the listing: {error}"))
    });
    match printed {
        Ok(()) => Ending::Done,
        Err(message) => {
            report::error(&message);
            Ending::Failure
        }
    }
}

/// A module with its bytes.
struct Loaded {
    module: Module,
    binary: Vec<u8>,
    /// Functions it imports, whose indices come first.
    imported: u32,
}

/// Lines of the text format with where they begin in the binary.
type Lines = Vec<(u64, String)>;

impl Loaded {
    fn new(file: &OsStr) -> Result<Loaded, String> {
        let name = file.to_string_lossy();
        let mut bytes = Vec::new();
        let read = if file == "-" {
            std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
        } else {
            std::fs::read(file).map(|read| bytes = read)
        };
        read.map_err(|error| format!("cannot read `{name}`: {error}"))?;
        let binary = wat::parse_bytes(&bytes)
            .map_err(|error| format!("{name}: {error}"))?
            .into_owned();
        let module = Module::new(&Engine::default(), &binary).map_err(|error| format!("{name}: {error}"))?;
        let imported = module
            .imports()
            .filter(|import| matches!(import.ty, ExternType::Func(_)));
        Ok(Loaded {
            imported: imported.count() as u32,
            module,
            binary,
        })
    }

    /// The functions asked for: all the module defines, or those of an index or a name.
    fn choose(&self, asked: &[String]) -> Result<Vec<u32>, String> {
        let end = self.imported + self.module.stats().functions as u32;
        if asked.is_empty() {
            return Ok((self.imported..end).collect());
        }
        let find = |word: &String| {
            let by_name = || (0..end).find(|&func| self.module.func_name(func) == Some(word));
            match word.parse::<u32>().ok().or_else(by_name) {
                Some(func) if (self.imported..end).contains(&func) => Ok(func),
                Some(func) if func < end => Err(format!("function {func} is an import: it has no code here")),
                Some(func) => Err(format!(
                    "there is no function {func}: the module has {end}, imports included"
                )),
                None => Err(format!(
                    "no function is called `{word}`: give an index below {end}, or a name from the name section"
                )),
            }
        };
        asked.iter().map(find).collect()
    }

    fn title(&self, func: u32) -> String {
        let name = self.module.func_name(func).map(|name| format!(" `{name}`"));
        report::one_line(&format!("function {func}{}", name.unwrap_or_default()))
    }

    /// The module as text.
    fn text(&self) -> Result<Lines, String> {
        let mut storage = String::new();
        let lines = wasmprinter::Config::new()
            .offsets_and_lines(&self.binary, &mut storage)
            .map_err(|error| format!("cannot print the module as text: {error}"))?;
        Ok(lines
            .filter_map(|(offset, line)| Some((offset?, line.trim_end().to_string())))
            .collect())
    }
}

/// Both columns. The left one has the lines of the text that lie in the function's body.
fn beside(title: &str, text: &Lines, listing: &Listing) -> String {
    let mut out = format!("{title}, {:#x} to {:#x}\n", listing.body.start, listing.body.end);
    let first = text.partition_point(|(offset, _)| *offset < listing.body.start);
    let count = text[first..].partition_point(|(offset, _)| *offset < listing.body.end);
    let source = &text[first..first + count];
    let indent = source
        .iter()
        .map(|(_, line)| line.len() - line.trim_start().len())
        .min();
    let indent = indent.unwrap_or(0);
    let left = |(offset, text): &(u64, String)| format!("{offset:#8x}  {}", report::one_line(&text[indent..]));
    let source: Vec<(u64, String)> = source.iter().map(|line| (line.0, left(line))).collect();
    let widths = source.iter().map(|(_, line)| line.chars().count());
    let column = widths.filter(|&width| width <= MAX_COLUMN).max().unwrap_or(0);
    let mut source = source.into_iter().peekable();
    for line in &listing.lines {
        // What comes before the instruction stands alone; the last of it, beside the instruction.
        let mut last: Option<String> = None;
        while let Some((_, text)) = source.next_if(|(offset, _)| line.offset.is_some_and(|to| *offset <= to)) {
            if let Some(alone) = last.replace(text) {
                let _ = writeln!(out, "{alone}");
            }
        }
        let _ = writeln!(
            out,
            "{:column$} | {}",
            last.unwrap_or_default(),
            report::one_line(&line.text)
        );
    }
    for (_, text) in source {
        let _ = writeln!(out, "{text}");
    }
    out.push('\n');
    out
}
