//! Code → outcome: the driver. Handlers run until something is theirs no longer: a return to the host, a host call,
//! a trap, a stub to translate, an instruction too slow for a handler. The driver does it and enters them again.
//!
//! Everything a run needs to go on later is in its [`Run`] (value stack, registers, activations, the host call it
//! waits for), so pausing is returning. The native stack holds one driver frame per host call that called back.

#![allow(unsafe_code)]

pub(crate) mod dispatch;
pub(crate) mod exit;
mod foreign;
pub(crate) mod frames;
mod gc;
pub(crate) mod handlers;
pub(crate) mod layout;
pub(crate) mod operand;
#[cfg(feature = "stats")]
pub(crate) mod profile;
mod report;
pub(crate) mod roots;
mod slow;
mod stack;
mod throw;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Release, SeqCst};
use std::sync::{Arc, Weak};

use self::dispatch::{Handler, Regs, word_of};
use self::exit::*;
use self::foreign::{Call, after_host_call, foreign_call, foreign_return_call, host_call};
pub(crate) use self::gc::{SIGNED, test_words};
use self::handlers::control::{self, CALL_INDIRECT_WORDS, CALL_WORDS};
use self::layout::{Context, Saved, VmFunc, VmInstance};
use self::stack::{Shared, ValueStack};
use super::code;
use super::error::Error;
use super::func::PauseReason;
use super::gc::PausedRoots;
use super::host::CallState;
use super::instance::InstanceId;
use super::store::StoreInner;
use super::trap::Trap;
use super::types::FuncType;
use super::value::Refs;

/// Runs inside host calls of runs, at most: each takes native stack.
const MAX_NESTING: usize = 100;

/// What the driver keeps in a store between runs.
pub(crate) struct StoreState {
    /// The value stack of the run that no other is inside of, and of the next one. A run that pauses takes it along.
    stack: Option<ValueStack>,
    /// Runs that are going on, each inside a host call of the one before.
    depth: usize,
    /// Where frames of a nested run may begin, and where the stack they share ends.
    top: usize,
    end: usize,
    /// The slots of the last run's results.
    results: Vec<u64>,
    /// The activations of the run that a host function was called from, or that collects.
    calling: *const Vec<Activation>,
    /// The runs around the one that goes on.
    outer: Vec<roots::Outer>,
    /// The values of the exception on its way.
    payload: Vec<u64>,
    /// The stacks of runs that paused, as long as there are such.
    paused: Vec<Weak<Shared>>,
}

impl Default for StoreState {
    fn default() -> StoreState {
        StoreState {
            stack: None,
            depth: 0,
            top: 0,
            end: 0,
            results: Vec::new(),
            calling: std::ptr::null(),
            outer: Vec::new(),
            payload: Vec::new(),
            paused: Vec::new(),
        }
    }
}

impl StoreState {
    /// What the run that has just returned gives back.
    pub(crate) fn results(&self) -> &[u64] {
        &self.results
    }

    /// Where the value stack of the runs that go on ends.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// Tells `each` every slot that may be in use on a value stack. `top`: where the running frame ends, if one runs.
    pub(crate) fn roots(&self, top: Option<usize>, mut each: impl FnMut(u64)) {
        let top = top.unwrap_or(self.top);
        if self.depth > 0
            && let Some(stack) = &self.stack
        {
            stack.shared().slots_below(top, &mut each);
        }
        for stack in self.paused.iter().filter_map(Weak::upgrade) {
            stack.slots_below(top, &mut each);
        }
    }
}

/// A run: all of it that is not in the store.
pub(crate) struct Run {
    /// Only of runs that have paused: others have the store's, and inside another's host call they go on above its
    /// frames.
    stack: Option<ValueStack>,
    /// Slot 0 of the first frame: parameters, then results.
    base: *mut u64,
    results: usize,
    registers: Saved,
    instance: *mut VmInstance,
    activations: Vec<Activation>,
    call_state: CallState,
    /// The host call that suspended or was interrupted.
    waiting: Option<HostCall>,
    /// What it refers to while it is paused.
    roots: Option<PausedRoots>,
}

// SAFETY: its addresses point into its own stack and into the store it belongs to, with which alone it can be
// resumed; nothing in them is tied to a thread.
unsafe impl Send for Run {}

impl Run {
    /// The type of the host function that suspended it.
    pub(crate) fn suspended_in<'s>(&self, store: &'s StoreInner) -> &'s FuncType {
        let call = self.waiting.expect("only suspended runs are asked");
        store.func_type(call.func)
    }
}

/// A call from one instance to another: what to go back to.
#[derive(Clone, Copy)]
struct Activation {
    instance: *mut VmInstance,
    ip: *const u64,
    sp: *mut u64,
}

/// A host call in progress.
#[derive(Clone, Copy)]
struct HostCall {
    func: NonNull<VmFunc>,
    slots: *mut u64,
    then: Then,
}

/// What follows a host call.
#[derive(Clone, Copy)]
enum Then {
    /// The instruction at this address.
    Continue(*const u64),
    /// The caller's return, to this record: it was a tail call.
    Return { record: u32 },
}

/// How a run left the driver, when not by an error.
pub(crate) enum Ended {
    /// With what [`StoreState::results`] has until the next run.
    Returned,
    /// It can be resumed.
    Paused(Box<Run>, PauseReason),
}

/// Code that is not a function's: the word before it is read as a call's pins, the words before that as its site.
#[repr(C)]
struct Stub {
    before: [u64; 5],
    handler: Handler,
}
static STOP: Stub = Stub {
    before: [0; 5],
    handler: exit::stop,
};
static FOREIGN: Stub = Stub {
    before: [0; 5],
    handler: control::foreign_returned,
};

impl Stub {
    fn ip(&'static self) -> *const u64 {
        (&raw const self.handler).cast()
    }
}

/// Calls a function; `write` puts the slots of its arguments where it gets them.
pub(crate) fn start(
    store: &mut StoreInner,
    func: NonNull<VmFunc>,
    write: impl FnOnce(&mut [u64], &mut Refs) -> Result<(), Error>,
) -> Result<Ended, Error> {
    // SAFETY: handles to functions are checked to be the store's, where they live as long as it.
    let vm = unsafe { func.as_ref() };
    let (params, results) = (vm.params as usize, vm.results as usize);
    let record = params.max(results);
    let base = room_for(store, record + 2)?;
    let mut run = Run {
        stack: None,
        base,
        results,
        registers: Saved::EMPTY,
        instance: vm.instance,
        activations: Vec::new(),
        call_state: None,
        waiting: None,
        roots: None,
    };
    // SAFETY: the stack has room for the frame's parameters, results and record, and nobody else uses it.
    let slots = unsafe { std::slice::from_raw_parts_mut(base, params) };
    write(slots, &mut store.refs)?;
    // SAFETY: as above.
    unsafe {
        *base.add(record) = STOP.ip() as u64;
        *base.add(record + 1) = base as u64;
    }
    let ip = if vm.instance.is_null() {
        run.waiting = Some(HostCall {
            func,
            slots: base,
            then: Then::Continue(STOP.ip()),
        });
        STOP.ip()
    } else {
        vm.code.load(Acquire)
    };
    match enter(store, &mut run, Some(ip))? {
        None => Ok(Ended::Returned),
        Some(reason) => Ok(paused(store, Box::new(run), reason)),
    }
}

/// Where the first frame of a new run begins: so many slots fit at least.
fn room_for(store: &mut StoreInner, slots: usize) -> Result<*mut u64, Error> {
    if store.run.depth >= MAX_NESTING {
        return Err(Trap::CallStackExhausted.into());
    }
    if store.run.depth == 0 {
        let bytes = store.limits.stack;
        let stack = match &store.run.stack {
            Some(stack) if stack.bytes() == (bytes / 8).max(64) * 8 => stack,
            _ => store.run.stack.insert(ValueStack::new(bytes).ok_or(Trap::OutOfMemory)?),
        };
        (store.run.top, store.run.end) = (stack.base() as usize, stack.end());
    }
    if store.run.top + slots * 8 > store.run.end {
        return Err(Trap::CallStackExhausted.into());
    }
    Ok(store.run.top as *mut u64)
}

/// Goes on with a paused run. `results`: what the suspended host call gives back; `None` to make it again, or for
/// the other reasons.
pub(crate) fn resume(store: &mut StoreInner, mut run: Box<Run>, results: Option<&[u64]>) -> Result<Ended, Error> {
    run.roots = None;
    if let Some(stack) = &run.stack {
        stack.shared().set_end(usize::MAX);
    }
    // Without results the call stays waiting, and is made again before anything else.
    if let Some(results) = results
        && let Some(call) = run.waiting.take()
    {
        // SAFETY: the call's slots have room for its results; the caller checked their number.
        unsafe { std::ptr::copy_nonoverlapping(results.as_ptr(), call.slots, results.len()) };
        run.call_state = None;
        // SAFETY: the run is paused at this call.
        unsafe { after_host_call(&mut run.registers, call) };
    }
    match enter(store, &mut run, None)? {
        None => Ok(Ended::Returned),
        Some(reason) => Ok(paused(store, run, reason)),
    }
}

/// A run that pauses, with what must be kept meanwhile.
fn paused(store: &mut StoreInner, mut run: Box<Run>, reason: PauseReason) -> Ended {
    if store.heap.in_use() {
        let slots = roots::of_paused(store, &run);
        run.roots = Some(store.keep_for_pause(slots));
    }
    Ended::Paused(run, reason)
}

/// Runs until the end or a pause, and brings the store back in order. The run is to be kept if it pauses. It begins at
/// `first` with its first frame, or goes on with its registers.
fn enter(store: &mut StoreInner, run: &mut Run, first: Option<*const u64>) -> Result<Option<PauseReason>, Error> {
    let cx = store.context();
    let nested = store.run.depth > 0;
    if !nested {
        store.observers().iter().for_each(|observer| observer.entered());
    }
    // SAFETY: the context is the store's, which nobody else uses now, but for its atomics.
    let outer = nested.then(|| unsafe { ((*cx).saved, (*cx).instance, store.run.end, store.run.top) });
    let calling = store.run.calling;
    if let Some((saved, instance, ..)) = outer {
        store.run.outer.push(roots::Outer {
            ip: saved.ip,
            sp: saved.sp,
            instance,
            activations: calling,
        });
    }
    store.run.depth += 1;
    if let Some(stack) = &run.stack {
        store.run.end = stack.end();
    }
    // SAFETY: as above; the run's addresses are into its stack and this store.
    let outcome = unsafe {
        (*cx).saved = match first {
            Some(ip) => Saved {
                ip,
                sp: run.base,
                ..Saved::EMPTY
            },
            None => run.registers,
        };
        (*cx).instance = run.instance;
        arm(cx, store.run.end);
        // A host function may panic and its embedder go on with the store: then this run is gone, and what is around
        // it must not find its stack.
        let outcome = catch_unwind(AssertUnwindSafe(|| drive(store, run, cx)));
        if let Ok(Ok(Some(_))) = outcome {
            run.registers = (*cx).saved;
            run.instance = (*cx).instance;
            if !nested && run.stack.is_none() {
                run.stack = store.run.stack.take();
                let stack = run.stack.as_ref().expect("a run uses the store's stack");
                store.run.paused.retain(|stack| stack.strong_count() > 0);
                store.run.paused.push(Arc::downgrade(stack.shared()));
            }
            if let Some(stack) = &run.stack {
                stack.shared().set_end(end_of_frames(store, run));
            }
        }
        if let Some(outer) = outer {
            ((*cx).saved, (*cx).instance, store.run.end, store.run.top) = outer;
            store.run.outer.pop();
            // A run resumed inside another's host call has a stack of its own, and so another limit.
            arm(cx, store.run.end);
        }
        outcome
    };
    store.run.depth -= 1;
    store.run.calling = calling;
    if !nested {
        store.observers().iter().for_each(|observer| observer.left());
    }
    match outcome.unwrap_or_else(|panic| resume_unwind(panic)) {
        Ok(None) => {
            // SAFETY: results stand at the base of the first frame.
            let results = unsafe { std::slice::from_raw_parts(run.base, run.results) };
            store.run.results.clear();
            match results {
                // The usual cases, without a call of memcpy.
                [] => {}
                [result] => store.run.results.push(*result),
                results => store.run.results.extend_from_slice(results),
            }
            keep_stack(store, run);
            Ok(None)
        }
        Ok(Some(reason)) if nested => Err(match reason {
            PauseReason::Interrupted => Error::Interrupted,
            PauseReason::OutOfFuel => Error::OutOfFuel,
            PauseReason::Suspended(_) => Error::Suspended,
        }),
        Ok(Some(reason)) => Ok(Some(reason)),
        Err(error) => {
            keep_stack(store, run);
            Err(error)
        }
    }
}

/// Where the innermost frame of a paused run ends.
unsafe fn end_of_frames(store: &StoreInner, run: &Run) -> usize {
    let Saved { ip, sp, .. } = run.registers;
    // SAFETY: instances live as long as their store.
    let Some(instance) = (unsafe { run.instance.as_ref() }) else {
        return usize::MAX;
    };
    let place = store.instances[instance.id as usize].module.inner.code.find(ip);
    place.map_or(usize::MAX, |place| sp as usize + place.frame as usize)
}

/// Keeps the stack of a run that was paused once and has ended for the next one, unless one is using the store's.
fn keep_stack(store: &mut StoreInner, run: &mut Run) {
    if store.run.depth == 0
        && let Some(stack) = run.stack.take()
    {
        stack.shared().set_end(stack.base() as usize);
        store.run.stack = Some(stack);
    }
}

/// Sets the stack limit, or 0 if a stop is requested already.
///
/// The order makes every interleaving with a request right: it sets the flag, then the limit to 0; here the limit is
/// set, then the flag read. A limit that is set already has not been moved since by a request, and one that is about to
/// will find it: so nothing is to be done, and runs need not pay for the barrier.
unsafe fn arm(cx: *mut Context, end: usize) {
    // SAFETY: the context is the running store's; both are atomic.
    unsafe {
        if (*cx).limit.load(SeqCst) == end {
            return;
        }
        (*cx).limit.store(end, SeqCst);
        if (*cx).requested.load(SeqCst) {
            (*cx).limit.store(0, SeqCst);
        }
    }
}

/// Takes the request to stop, if there is one.
unsafe fn take_request(cx: *mut Context, end: usize) -> bool {
    // SAFETY: as for `arm`.
    unsafe {
        let requested = (*cx).requested.swap(false, SeqCst);
        arm(cx, end);
        requested
    }
}

/// A pause, if a stop was requested: asked where an exception is caught, because a loop may be closed by nothing else.
unsafe fn stop_requested(cx: *mut Context, end: usize) -> Option<PauseReason> {
    // SAFETY: as for `arm`.
    let requested = unsafe { (*cx).requested.load(SeqCst) && take_request(cx, end) };
    requested.then_some(PauseReason::Interrupted)
}

/// `Ok(None)`: returned. `Ok(Some)`: paused, with the registers in the context.
///
/// # Safety
/// The context holds the registers of `run`, whose addresses are into its stack and this store.
unsafe fn drive(store: &mut StoreInner, run: &mut Run, cx: *mut Context) -> Result<Option<PauseReason>, Error> {
    // SAFETY: for the whole function: the caller's promise, and the translator's for every instruction (T1, F1).
    unsafe {
        if let Some(call) = run.waiting.take()
            && let Some(reason) = host_call(store, run, cx, call)?
        {
            return Ok(Some(reason));
        }
        if (*cx).instance.is_null() {
            // The run was one host function.
            return Ok(None);
        }
        loop {
            let why = dispatch::run(Regs::restore(cx));
            let Saved { ip, sp, acc, .. } = (*cx).saved;
            // The frequent one before the others.
            if why == CALL_IMPORT {
                let func = *(*(*cx).instance).imports.add(*ip.add(2) as usize);
                let call = Call {
                    func,
                    slots: sp.add(wide(ip, 0)),
                    back: ip.add(CALL_WORDS),
                };
                if let Some(reason) = foreign_call(store, run, cx, call)? {
                    return Ok(Some(reason));
                }
                continue;
            }
            match why {
                RETURNED => return Ok(None),
                TRANSLATE => translate(store, cx)?,
                CALL_FOREIGN => {
                    let func = acc as *const VmFunc;
                    let call = Call {
                        func,
                        slots: sp.add(wide(ip, 0)),
                        back: ip.add(CALL_INDIRECT_WORDS),
                    };
                    if let Some(reason) = foreign_call(store, run, cx, call)? {
                        return Ok(Some(reason));
                    }
                }
                FOREIGN_RETURNED => {
                    let back = run.activations.pop().expect("a foreign call pushed it");
                    (*cx).instance = back.instance;
                    go_back(&mut (*cx).saved, back.ip, back.sp);
                }
                RETURN_CALL_IMPORT => {
                    let func = *(*(*cx).instance).imports.add(*ip.add(2) as usize);
                    if let Some(reason) = foreign_return_call(store, run, cx, func)? {
                        return Ok(Some(reason));
                    }
                }
                RETURN_CALL_FOREIGN => {
                    if let Some(reason) = foreign_return_call(store, run, cx, acc as *const VmFunc)? {
                        return Ok(Some(reason));
                    }
                }
                LIMIT => {
                    if take_request(cx, store.run.end) {
                        return Ok(Some(PauseReason::Interrupted));
                    }
                    // The request was taken between the handler's look and ours, or the frame really does not fit.
                    let entering = *ip != 0 && is_enter(ip);
                    if entering && sp as usize + wide(ip, 0) > store.run.end {
                        return Err(report::trap(store, run, cx, Trap::CallStackExhausted));
                    }
                }
                THROW | THROW_REF => {
                    if why == THROW {
                        throw::throw(store, run, cx)?;
                    } else {
                        throw::throw_ref(store, run, cx)?;
                    }
                    if let Some(reason) = stop_requested(cx, store.run.end) {
                        return Ok(Some(reason));
                    }
                }
                OUT_OF_FUEL => return Ok(Some(PauseReason::OutOfFuel)),
                SLOW => match slow::execute(store, run, cx) {
                    Ok(None) => {}
                    Ok(Some(reason)) => return Ok(Some(reason)),
                    Err(trap) => return Err(report::trap(store, run, cx, trap)),
                },
                // A subtype of the type that is asked for will do.
                INDIRECT_CALL_TYPE if foreign::is_called_subtype(store, ip, acc) => {
                    if let Some(reason) = foreign::call_subtype(store, run, cx)? {
                        return Ok(Some(reason));
                    }
                }
                // The table is not filled yet: the call is made again.
                UNINITIALIZED_ELEMENT if store.fill_all_now(InstanceId((*(*cx).instance).id)) => {}
                trap => return Err(report::trap(store, run, cx, trap_of(trap))),
            }
        }
    }
}

/// The 32-bit field `at`, counted from operand word 1.
unsafe fn wide(ip: *const u64, at: usize) -> usize {
    // SAFETY: the caller's instruction has the field.
    unsafe { *(ip.add(1) as *const u32).add(at) as usize }
}

/// Whether the instruction is a function's `enter`.
unsafe fn is_enter(ip: *const u64) -> bool {
    // SAFETY: word 0 of an instruction is its handler.
    let handler = unsafe { *ip };
    control::ENTER.iter().flatten().any(|&enter| word_of(enter) == handler)
}

/// Returns to a call: the word before the address names the caller's pins.
unsafe fn go_back(registers: &mut Saved, ip: *const u64, sp: *mut u64) {
    // SAFETY: `ip` follows a call of the function whose frame `sp` is, or is a stub.
    unsafe {
        let pins = ip.sub(1) as *const u16;
        registers.l0 = *sp.add(*pins as usize);
        registers.l1 = *sp.add(*pins.add(1) as usize);
    }
    registers.ip = ip;
    registers.sp = sp;
}

/// Puts the first result where a return leaves it: in the accumulators.
unsafe fn result_to_accumulators(registers: &mut Saved, slots: *const u64) {
    // SAFETY: every frame has a slot 0.
    let value = unsafe { *slots };
    registers.acc = value;
    registers.f0 = f64::from_bits(value);
    registers.s0 = f32::from_bits(value as u32);
}

/// Translates the function whose stub was reached, and writes its address where the stub's was.
///
/// # Errors
/// As [`CodeTable::translate`](super::code::CodeTable::translate).
unsafe fn translate(store: &mut StoreInner, cx: *mut Context) -> Result<(), Error> {
    // SAFETY: the registers stand at a stub, entered by a call or by the driver.
    unsafe {
        let (defined, stub) = code::stub_at((*cx).saved.ip);
        let instance = &store.instances[(*(*cx).instance).id as usize];
        let module = &*instance.module.inner;
        let func = module.imported_funcs + defined;
        let code = module.code.translate(module, defined)?;
        let record = super::translate::record_slot(module.func_type(func)) as usize;
        let back = *(*cx).saved.sp.add(record) as *mut u64;
        // A direct call of this module, if that is what led here, holds the stub's address.
        let site = back.sub(CALL_WORDS);
        if *site == word_of(control::call) && *site.add(2) == stub as u64 {
            (*(site.add(2) as *const std::sync::atomic::AtomicPtr<u64>)).store(code, Release);
        }
        if let Some(vm) = NonNull::new(instance.funcs[func as usize]) {
            vm.as_ref().code.store(code, Release);
        }
        (*cx).saved.ip = code;
        Ok(())
    }
}
