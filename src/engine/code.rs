//! The translated code of a module, shared by every instance of it on every thread.
//!
//! Each defined function has a cell with the address of its first instruction. It is empty at first, then a stub
//! that translates the function when it is reached, then its code. Code never moves and lives as long as the module.
//! Of its words only the callee addresses in calls change, from stub to code: they are written with release and
//! read with acquire order, and either value is right.

#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::catches::{Catches, Clause};
use super::error::Error;
use super::module::ModuleInner;
use super::offsets::OffsetMap;
use super::run::dispatch::word_of;
use super::run::handlers::control::{self, ENTER_WORDS};
use super::stats::Translations;
use super::translate::{self, RootMap, Want};

/// A translated function.
struct Code {
    /// Its words, owned: made by `Box::into_raw`.
    words: *mut [u64],
    defined: u32,
    record: u32,
    /// What it catches; most functions have nothing.
    catches: Option<Box<Catches>>,
}

impl Code {
    /// Bytes of the function's frames.
    fn frame(&self) -> u32 {
        // SAFETY: a function begins with an `enter`, whose word 1 has the size in its lower half; it does not change.
        unsafe { *(self.words as *const u64).add(1) as u32 }
    }
}

/// Where an address in code belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Index among the defined functions.
    pub defined: u32,
    /// Slot of the return record in frames of that function.
    pub record: u32,
    /// Bytes of its frames.
    pub frame: u32,
    /// Word within the function.
    pub word: u32,
}

/// What an exception finds in a function it comes to.
pub(crate) enum Landing {
    /// A clause that catches it.
    Caught {
        /// The instruction to go on at.
        target: *const u64,
        clause: Clause,
        /// As in [`Catches`].
        pins: [u32; 5],
        /// Bytes of the function's frames.
        frame: usize,
    },
    /// Nothing: it goes to the caller.
    Passes {
        /// Slot of the return record in frames of that function.
        record: u32,
    },
}

/// Code that translates a function when it is reached. All code begins with an `enter`, because calls do its work and go
/// on behind it: this one is of a frame without locals.
#[repr(C)]
struct Stub {
    enter: [u64; ENTER_WORDS],
    handler: u64,
    /// The function's index.
    defined: u64,
}

/// The function whose stub's last instruction is at `ip`, and where the stub begins.
///
/// # Safety
/// `ip` is there.
pub(crate) unsafe fn stub_at(ip: *const u64) -> (u32, *const u64) {
    // SAFETY: the caller's promise.
    unsafe { (*ip.add(1) as u32, ip.sub(ENTER_WORDS)) }
}

#[derive(Default)]
struct Translated {
    /// By address of the first word.
    codes: BTreeMap<usize, Code>,
    /// What all of it took.
    time: Duration,
    stubs: Vec<*mut Stub>,
    /// By defined function: which slots hold references, for those a collection has met.
    roots: BTreeMap<u32, Arc<RootMap>>,
}

/// The code of all functions a module defines.
pub(crate) struct CodeTable {
    /// By defined function: 0, or the address of a stub or of code.
    entries: Box<[AtomicUsize]>,
    translated: Mutex<Translated>,
}

// SAFETY: the pointers are owned memory that is shared as the module documentation says.
unsafe impl Send for CodeTable {}
// SAFETY: as above.
unsafe impl Sync for CodeTable {}

impl CodeTable {
    /// For a module whose functions are not counted yet.
    pub(crate) fn new() -> CodeTable {
        CodeTable {
            entries: Box::default(),
            translated: Mutex::default(),
        }
    }

    /// Makes room for so many functions, of which none is translated yet.
    pub(crate) fn set_len(&mut self, defined: usize) {
        // Zeroed by the system on first touch: modules with hundreds of thousands of functions use few.
        let entries = Box::into_raw(vec![0usize; defined].into_boxed_slice()) as *mut [AtomicUsize];
        // SAFETY: an atomic has the layout of its integer, and the slice was made here.
        self.entries = unsafe { Box::from_raw(entries) };
    }

    /// First code word of a defined function, or of a stub that translates it.
    pub(crate) fn entry(&self, defined: u32) -> *mut u64 {
        let cell = &self.entries[defined as usize];
        let entry = cell.load(Acquire);
        if entry != 0 {
            return entry as *mut u64;
        }
        let mut translated = self.lock();
        let entry = cell.load(Acquire);
        if entry != 0 {
            return entry as *mut u64;
        }
        let stub = Box::into_raw(Box::new(Stub {
            enter: [word_of(control::ENTER[0][0]), 0, 0],
            handler: word_of(control::translate),
            defined: defined as u64,
        }));
        translated.stubs.push(stub);
        cell.store(stub as usize, Release);
        stub as *mut u64
    }

    /// The cell that holds the entry, for calls that look there each time.
    pub(crate) fn entry_cell(&self, defined: u32) -> *const AtomicPtr<u64> {
        (&raw const self.entries[defined as usize]).cast()
    }

    /// The function's code, translated now unless it was before.
    ///
    /// # Errors
    /// [`Error::Decode`] for a body that loading left unvalidated, and that is not valid.
    pub(crate) fn translate(&self, module: &ModuleInner, defined: u32) -> Result<*mut u64, Error> {
        // A stub may be reached long after: by a reference made before the function was translated.
        let entry = self.entries[defined as usize].load(Acquire);
        if entry != 0 && self.lock().codes.contains_key(&entry) {
            return Ok(entry as *mut u64);
        }
        // The translator relies on it: nothing unvalidated gets past this line.
        module.validate_body(defined)?;
        // Outside the lock: translating asks for stubs of callees. Two threads may do it at once; one wins.
        let begun = Instant::now();
        let translated = translate::translate(module, defined, Want::Code);
        let time = begun.elapsed();
        let words = Box::into_raw(translated.words.into_boxed_slice());
        let base = words as *mut u64;
        let mut table = self.lock();
        let cell = &self.entries[defined as usize];
        let known = cell.load(Acquire);
        if known != 0 && table.codes.contains_key(&known) {
            // SAFETY: nobody else has seen the words.
            drop(unsafe { Box::from_raw(words) });
            return Ok(known as *mut u64);
        }
        for at in translated.relocations {
            // SAFETY: the words are not shared yet, and relocations are indices of words.
            unsafe {
                let word = base.add(at as usize);
                *word = base.add(*word as usize) as u64;
            }
        }
        table.codes.insert(
            base as usize,
            Code {
                words,
                defined,
                record: translated.record,
                catches: translated.catches.map(Box::new),
            },
        );
        table.time += time;
        cell.store(base as usize, Release);
        Ok(base)
    }

    /// What was translated so far.
    pub(crate) fn stats(&self, module: &ModuleInner) -> Translations {
        let table = self.lock();
        let mut stats = Translations {
            functions: table.codes.len(),
            time: table.time,
            ..Translations::default()
        };
        for code in table.codes.values() {
            stats.body_bytes += module.bodies[code.defined as usize].len();
            stats.code_bytes += code.words.len() * 8;
        }
        stats
    }

    /// Translates everything that is not translated yet.
    ///
    /// # Errors
    /// As [`CodeTable::translate`].
    pub(crate) fn translate_all(&self, module: &ModuleInner) -> Result<(), Error> {
        (0..self.entries.len() as u32).try_for_each(|defined| self.translate(module, defined).map(|_| ()))
    }

    fn lock(&self) -> MutexGuard<'_, Translated> {
        self.translated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which slots of a function's frames hold references.
    pub(crate) fn root_map(&self, module: &ModuleInner, defined: u32) -> Arc<RootMap> {
        if let Some(map) = self.lock().roots.get(&defined) {
            return map.clone();
        }
        let map = Arc::new(translate::translate(module, defined, Want::Roots).roots);
        self.lock().roots.insert(defined, map.clone());
        map
    }

    /// The function whose stub an address lies in.
    pub(crate) fn find_stub(&self, ip: *const u64) -> Option<u32> {
        let table = self.lock();
        let at = ip as usize;
        let stub = table
            .stubs
            .iter()
            .find(|&&stub| (stub as usize..stub as usize + size_of::<Stub>()).contains(&at))?;
        // SAFETY: stubs live as long as the table and are not changed.
        Some(unsafe { (**stub).defined as u32 })
    }

    /// What an exception finds that is thrown in, or comes to, the instruction at an address; `is_tag` says whether its
    /// tag is the module's tag of that index.
    pub(crate) fn landing(&self, at: *const u64, is_tag: impl FnMut(u32) -> bool) -> Landing {
        let table = self.lock();
        let (&start, code) = table
            .codes
            .range(..=at as usize)
            .next_back()
            .expect("an address in code");
        let Some(catches) = &code.catches else {
            return Landing::Passes { record: code.record };
        };
        let base = code.words as *const u64;
        match catches.find(((at as usize - start) / 8) as u32, is_tag) {
            Some(clause) => Landing::Caught {
                // SAFETY: targets are words of the code.
                target: unsafe { base.add(clause.target as usize) },
                clause: *clause,
                pins: catches.pins,
                frame: code.frame() as usize,
            },
            None => Landing::Passes { record: code.record },
        }
    }

    /// The function an address lies in.
    pub(crate) fn find(&self, ip: *const u64) -> Option<Place> {
        let table = self.lock();
        let (&start, code) = table.codes.range(..=ip as usize).next_back()?;
        let word = (ip as usize - start) / 8;
        (word < code.words.len()).then_some(Place {
            defined: code.defined,
            record: code.record,
            frame: code.frame(),
            word: word as u32,
        })
    }
}

impl Drop for CodeTable {
    fn drop(&mut self) {
        let table = self.translated.get_mut().unwrap_or_else(PoisonError::into_inner);
        for code in table.codes.values() {
            // SAFETY: made by `Box::into_raw`; no run uses the module any more, because runs keep it alive.
            drop(unsafe { Box::from_raw(code.words) });
        }
        for &stub in &table.stubs {
            // SAFETY: as above.
            drop(unsafe { Box::from_raw(stub) });
        }
    }
}

/// Where the instructions of a function came from, for backtraces. The map is made anew each time, by translating
/// again: traps are rare, and keeping it for every function would cost memory.
pub(crate) fn offset_map(module: &ModuleInner, defined: u32) -> OffsetMap {
    OffsetMap::new(translate::translate(module, defined, Want::Offsets).offsets)
}
