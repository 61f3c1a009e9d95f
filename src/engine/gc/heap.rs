//! The memory of a store's objects: cells of equal size in blocks, found live by marking, and never moved.
//!
//! A block is 64 KiB, aligned to that, with two maps at its start: which cells are in use, and which ones marking has
//! reached. Sweeping is taking the second map for the first; nothing is done for an object that is gone. What is larger than an eighth of a block
//! has a block of its own.

use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeSet;
use std::ptr::NonNull;
use std::sync::Weak;

/// Bytes of a block, and its alignment.
const BLOCK: usize = 64 << 10;
/// Bytes before the first cell.
const HEAD: usize = size_of::<Block>();
/// The largest object that shares a block with others, in bytes.
const SMALL: usize = BLOCK / 8;
/// Sizes of cells, in bytes: at most a fifth is lost.
const SIZES: [u32; 27] = [
    16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 2048,
    3072, 4096, 6144, 8192,
];
/// Words of a map of cells, of the smallest size there is.
const MAP: usize = BLOCK / 16 / 64;
/// Bytes in blocks before the first collection is due.
const FIRST_COLLECTION: usize = 4 << 20;

/// The start of a block.
#[repr(C, align(16))]
struct Block {
    /// Bytes of a cell, and how many there are.
    cell: u32,
    cells: u32,
    /// Bytes of the whole block.
    bytes: usize,
    live: [u64; MAP],
    marked: [u64; MAP],
}

impl Block {
    /// The block of an object.
    fn of(object: u64) -> *mut Block {
        std::ptr::with_exposed_provenance_mut(object as usize & !(BLOCK - 1))
    }

    /// The words of the maps that have cells.
    fn words(&self) -> usize {
        (self.cells as usize).div_ceil(64)
    }

    /// The cell that begins at an address of the block, if one does.
    fn cell_at(&self, address: u64) -> Option<usize> {
        let offset = (address as usize & (BLOCK - 1)).checked_sub(HEAD)?;
        let (at, rest) = (offset / self.cell as usize, offset % self.cell as usize);
        (rest == 0 && at < self.cells as usize).then_some(at)
    }
}

/// The blocks of one size, and where the search for a free cell has come.
#[derive(Default)]
struct Class {
    blocks: Vec<NonNull<Block>>,
    /// The next block and the next word in it.
    block: usize,
    word: usize,
    /// Free cells of the word before, one bit each, and the address of the first of its cells.
    free: u64,
    first: usize,
}

/// The objects of a store.
pub(crate) struct Heap {
    classes: Vec<Class>,
    large: Vec<NonNull<Block>>,
    /// Blocks without objects, to be used again.
    empty: Vec<NonNull<Block>>,
    /// The addresses of all blocks with objects.
    known: BTreeSet<usize>,
    /// Bytes of all blocks.
    bytes: usize,
    /// Bytes of blocks at which the next collection is due.
    due: usize,
    collections: u64,
    /// Objects that were marked and whose fields are not yet looked at.
    pub(super) grey: Vec<u64>,
    /// Slots that Rust code works on, which may be references.
    pub(crate) held: Vec<u64>,
    pub(super) paused: Vec<Weak<[u64]>>,
}

impl Default for Heap {
    fn default() -> Heap {
        Heap {
            classes: Vec::new(),
            large: Vec::new(),
            empty: Vec::new(),
            known: BTreeSet::new(),
            bytes: 0,
            due: FIRST_COLLECTION,
            collections: 0,
            grey: Vec::new(),
            held: Vec::new(),
            paused: Vec::new(),
        }
    }
}

impl Heap {
    /// Whether there may be objects.
    pub(crate) fn in_use(&self) -> bool {
        !self.known.is_empty()
    }

    /// Bytes taken from the system.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Collections so far.
    pub(crate) fn collections(&self) -> u64 {
        self.collections
    }

    /// Memory of at least `bytes` for an object: what is in it is not said. `None` when that needs a block and none may
    /// be had: because a collection is due, or, after one (`forced`), because of the limit, in bytes, or of the system.
    #[inline]
    pub(super) fn alloc(&mut self, bytes: usize, limit: usize, forced: bool) -> Option<NonNull<u8>> {
        if bytes > SMALL {
            return self.alloc_large(bytes, limit, forced);
        }
        if self.classes.is_empty() {
            self.classes.resize_with(SIZES.len(), Class::default);
        }
        let size = class_of(bytes);
        loop {
            let class = &mut self.classes[size];
            if class.free != 0 {
                let bit = class.free.trailing_zeros();
                class.free &= class.free - 1;
                let at = class.first + bit as usize * SIZES[size] as usize;
                // SAFETY: the word before the next one of the block before the next one, or the same block.
                unsafe { (*Block::of(at as u64)).live[class.word - 1] |= 1 << bit };
                return NonNull::new(std::ptr::with_exposed_provenance_mut(at));
            }
            if !self.next_word(size) && !self.add_block(size, limit, forced) {
                return None;
            }
        }
    }

    /// Goes on to a word with free cells of a size, if there is one.
    fn next_word(&mut self, size: usize) -> bool {
        let class = &mut self.classes[size];
        while let Some(&block) = class.blocks.get(class.block) {
            // SAFETY: blocks in lists are allocated and nothing is borrowed from them.
            let block = unsafe { block.as_ref() };
            while class.word < block.words() {
                let word = class.word;
                class.word += 1;
                let cells = block.cells as usize - word * 64;
                let all = if cells >= 64 { u64::MAX } else { (1 << cells) - 1 };
                class.free = !block.live[word] & all;
                if class.free != 0 {
                    class.first = (&raw const *block).expose_provenance() + HEAD + word * 64 * block.cell as usize;
                    return true;
                }
            }
            class.block += 1;
            class.word = 0;
        }
        false
    }

    fn add_block(&mut self, size: usize, limit: usize, forced: bool) -> bool {
        let block = match self.empty.pop() {
            Some(block) => block,
            None => match self.take(BLOCK, limit, forced) {
                Some(block) => block,
                None => return false,
            },
        };
        let cell = SIZES[size];
        self.begin(block, cell, (BLOCK - HEAD) as u32 / cell, BLOCK);
        self.classes[size].blocks.push(block);
        true
    }

    fn alloc_large(&mut self, bytes: usize, limit: usize, forced: bool) -> Option<NonNull<u8>> {
        let bytes = HEAD.checked_add(bytes)?.checked_next_multiple_of(16)?;
        let block = self.take(bytes, limit, forced)?;
        self.begin(block, u32::MAX, 1, bytes);
        self.large.push(block);
        // SAFETY: the block has just been made, and has so many bytes.
        unsafe {
            (*block.as_ptr()).live[0] = 1;
            Some(block.cast::<u8>().add(HEAD))
        }
    }

    /// A block from the system.
    fn take(&mut self, bytes: usize, limit: usize, forced: bool) -> Option<NonNull<Block>> {
        while self.bytes.saturating_add(bytes) > limit {
            // What lies empty counts too.
            let empty = self.empty.pop()?;
            self.give_back(empty);
        }
        if !forced && self.bytes + bytes > self.due {
            return None;
        }
        // SAFETY: the layout is not empty.
        let block = NonNull::new(unsafe { alloc(layout(bytes)?) })?.cast::<Block>();
        self.bytes += bytes;
        Some(block)
    }

    fn begin(&mut self, block: NonNull<Block>, cell: u32, cells: u32, bytes: usize) {
        // SAFETY: the block is allocated, with room for a head, and in no list.
        unsafe {
            block.write(Block {
                cell,
                cells,
                bytes,
                live: [0; MAP],
                marked: [0; MAP],
            });
        }
        self.known.insert(block.as_ptr().expose_provenance());
    }

    /// Gives a block that is in no list back to the system.
    fn give_back(&mut self, block: NonNull<Block>) {
        // SAFETY: it was allocated with this layout and nobody knows it any more.
        unsafe {
            let bytes = block.as_ref().bytes;
            self.bytes -= bytes;
            if let Some(layout) = layout(bytes) {
                dealloc(block.as_ptr().cast(), layout);
            }
        }
    }

    /// Whether an object begins at an address. Anything may be asked.
    pub(super) fn is_object(&self, address: u64) -> bool {
        if !self.known.contains(&(address as usize & !(BLOCK - 1))) {
            return false;
        }
        // SAFETY: it is a block of this heap.
        let block = unsafe { &*Block::of(address) };
        let cell = block.cell_at(address);
        cell.is_some_and(|at| block.live[at / 64] & 1 << (at % 64) != 0)
    }

    /// Marks an object, which is to be looked at if it was not marked before.
    pub(super) fn mark(&mut self, object: u64) {
        // SAFETY: the caller has an object of this heap (G1), and that lies in a block.
        let block = unsafe { &mut *Block::of(object) };
        let at = ((object as usize & (BLOCK - 1)) - HEAD) as u32 / block.cell;
        let (word, bit) = (at as usize / 64, 1 << (at % 64));
        if block.marked[word] & bit == 0 {
            block.marked[word] |= bit;
            self.grey.push(object);
        }
    }

    /// Frees what is not marked.
    pub(super) fn sweep(&mut self) {
        let mut live = 0;
        for (class, &size) in self.classes.iter_mut().zip(&SIZES) {
            (class.block, class.word, class.free) = (0, 0, 0);
            let empty = &mut self.empty;
            let known = &mut self.known;
            class.blocks.retain(|&block| {
                let used = sweep(block);
                live += used * size as usize;
                if used == 0 {
                    known.remove(&block.addr().get());
                    empty.push(block);
                }
                used > 0
            });
        }
        let mut gone = Vec::new();
        self.large.retain(|&block| {
            let used = sweep(block) > 0;
            if used {
                // SAFETY: blocks in lists are allocated.
                live += unsafe { block.as_ref().bytes };
            } else {
                gone.push(block);
            }
            used
        });
        for block in gone {
            self.known.remove(&block.addr().get());
            self.give_back(block);
        }
        self.collections += 1;
        // A heap in use may grow by half before it is looked through again. What lies empty is kept up to that.
        self.due = (live + live / 2 + FIRST_COLLECTION).max(FIRST_COLLECTION);
        while self.bytes > self.due
            && let Some(block) = self.empty.pop()
        {
            self.give_back(block);
        }
        // Where objects lie scattered, blocks are more than they need; else those that are empty do for what comes next.
        let scattered = self.empty.len() * BLOCK < self.bytes / 4;
        self.due = self.due.max(if scattered {
            self.bytes + self.bytes / 4
        } else {
            self.bytes
        });
    }
}

/// Takes the marked cells of a block for the live ones, and says how many they are.
fn sweep(mut block: NonNull<Block>) -> usize {
    // SAFETY: blocks in lists are allocated and nothing is borrowed from them.
    let block = unsafe { block.as_mut() };
    let words = block.words();
    let mut used = 0;
    for (live, marked) in block.live[..words].iter_mut().zip(&mut block.marked[..words]) {
        *live = std::mem::take(marked);
        used += live.count_ones() as usize;
    }
    used
}

/// The size of cells for so many bytes, at most [`SMALL`].
#[inline]
fn class_of(bytes: usize) -> usize {
    if bytes <= 128 {
        return bytes.saturating_sub(1) / 16;
    }
    SIZES.partition_point(|&size| (size as usize) < bytes)
}

fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes, BLOCK).ok()
}

impl Drop for Heap {
    fn drop(&mut self) {
        let classes = std::mem::take(&mut self.classes);
        let blocks = classes.into_iter().flat_map(|class| class.blocks);
        let all: Vec<_> = blocks.chain(self.large.drain(..)).chain(self.empty.drain(..)).collect();
        for block in all {
            self.give_back(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_used_again_when_nothing_marks_them() {
        let mut heap = Heap::default();
        let alloc = |heap: &mut Heap, bytes| heap.alloc(bytes, usize::MAX, true).unwrap().addr().get() as u64;
        let all: Vec<u64> = (0..10_000).map(|_| alloc(&mut heap, 40)).collect();
        let large = alloc(&mut heap, 100_000);
        assert!(all.iter().chain([&large]).all(|&at| heap.is_object(at)));
        for near in [all[0] + 8, all[0] + 16, large + 16, 0, 1, u64::MAX] {
            assert!(!heap.is_object(near), "{near:#x}");
        }
        heap.mark(all[77]);
        heap.sweep();
        assert_eq!(heap.grey, [all[77]]);
        assert!(heap.is_object(all[77]) && !heap.is_object(all[78]) && !heap.is_object(large));
        let before = heap.bytes();
        let again: Vec<u64> = (0..9_000).map(|_| alloc(&mut heap, 40)).collect();
        assert!(!again.contains(&all[77]));
        assert_eq!(heap.bytes(), before);
        heap.sweep();
        assert!(!heap.in_use());
    }

    #[test]
    fn the_limit_and_the_need_to_collect_are_two_things() {
        let mut heap = Heap::default();
        assert!(heap.alloc(2 * FIRST_COLLECTION, usize::MAX, false).is_none());
        assert!(heap.alloc(2 * FIRST_COLLECTION, FIRST_COLLECTION, true).is_none());
        assert!(heap.alloc(2 * FIRST_COLLECTION, usize::MAX, true).is_some());
        assert!(heap.alloc(usize::MAX - 8, usize::MAX, true).is_none());
    }

    #[test]
    fn every_size_has_a_class_that_holds_it() {
        for bytes in 1..=SMALL {
            let size = SIZES[class_of(bytes)] as usize;
            assert!(size >= bytes && size < bytes + bytes / 2 + 16, "{bytes} {size}");
        }
    }
}
