//! Calls that leave the instance: of another instance, and of the host.

use std::ptr::NonNull;
use std::sync::atomic::Ordering::Acquire;

use super::dispatch::word_of;
use super::handlers::control::{self, CALL_INDIRECT_WORDS};
use super::layout::{Context, Saved, VmFunc};
use super::{
    Activation, FOREIGN, HostCall, Run, Then, go_back, report, result_to_accumulators, stop_requested, take_request,
    throw, wide,
};
use crate::engine::error::Error;
use crate::engine::func::PauseReason;
use crate::engine::host::Halt;
use crate::engine::instance::InstanceId;
use crate::engine::store::StoreInner;

/// A call that leaves the instance.
pub(super) struct Call {
    pub func: *const VmFunc,
    pub slots: *mut u64,
    pub back: *const u64,
}

/// Calls a function of the host or of another instance.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) unsafe fn foreign_call(
    store: &mut StoreInner,
    run: &mut Run,
    cx: *mut Context,
    call: Call,
) -> Result<Option<PauseReason>, Error> {
    // SAFETY: functions in tables and imports are the store's; the caller's frame has room for arguments and record.
    unsafe {
        let func = &*call.func;
        if func.instance.is_null() {
            let func = NonNull::from(func);
            return host_call(
                store,
                run,
                cx,
                HostCall {
                    func,
                    slots: call.slots,
                    then: Then::Continue(call.back),
                },
            );
        }
        let sp = (*cx).saved.sp;
        run.activations.push(Activation {
            instance: (*cx).instance,
            ip: call.back,
            sp,
        });
        let record = func.params.max(func.results) as usize;
        *call.slots.add(record) = FOREIGN.ip() as u64;
        *call.slots.add(record + 1) = call.slots as u64;
        (*cx).instance = func.instance;
        (*cx).saved.sp = call.slots;
        (*cx).saved.ip = func.code.load(Acquire);
        Ok(None)
    }
}

/// A tail call of a function of the host or of another instance.
pub(super) unsafe fn foreign_return_call(
    store: &mut StoreInner,
    run: &mut Run,
    cx: *mut Context,
    func: *const VmFunc,
) -> Result<Option<PauseReason>, Error> {
    // SAFETY: as for `foreign_call`. Words: base, arguments; callee; own record, callee's record.
    unsafe {
        let func = &*func;
        let Saved { ip, sp, .. } = (*cx).saved;
        let (arguments, count) = (sp.add(wide(ip, 0)), wide(ip, 1));
        let (own, callee) = (wide(ip, 4), wide(ip, 5));
        if func.instance.is_null() {
            let then = Then::Return { record: own as u32 };
            return host_call(
                store,
                run,
                cx,
                HostCall {
                    func: NonNull::from(func),
                    slots: arguments,
                    then,
                },
            );
        }
        let (back, caller) = (*sp.add(own) as *const u64, *sp.add(own + 1));
        let caller = if back == FOREIGN.ip() {
            // This frame was called from another instance already: its activation serves the callee.
            caller
        } else {
            run.activations.push(Activation {
                instance: (*cx).instance,
                ip: back,
                sp: caller as *mut u64,
            });
            sp as u64
        };
        std::ptr::copy(arguments, sp, count);
        *sp.add(callee) = FOREIGN.ip() as u64;
        *sp.add(callee + 1) = caller;
        (*cx).instance = func.instance;
        (*cx).saved.ip = func.code.load(Acquire);
        Ok(None)
    }
}

/// Calls a function of the host. Inlined, because the call in parts is in registers then; but where nothing is optimised
/// each copy would make the driver's native frame larger, of which there is one for each run inside another.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) unsafe fn host_call(
    store: &mut StoreInner,
    run: &mut Run,
    cx: *mut Context,
    call: HostCall,
) -> Result<Option<PauseReason>, Error> {
    // SAFETY: the caller's frame has room for parameters and results, and nobody looks at it meanwhile.
    unsafe {
        let vm = call.func.as_ref();
        let count = vm.params.max(vm.results) as usize;
        let caller = NonNull::new((*cx).instance).map_or(InstanceId::NONE, |instance| InstanceId(instance.as_ref().id));
        // A run inside this call goes on above the frame that makes it.
        let outer_top = std::mem::replace(&mut store.run.top, call.slots as usize + count * 8);
        let slots = std::slice::from_raw_parts_mut(call.slots, count);
        let calling = std::mem::replace(&mut store.run.calling, &raw const run.activations);
        let result = store.call_host(call.func, caller, slots, &mut run.call_state);
        store.run.top = outer_top;
        store.run.calling = calling;
        match result {
            Ok(()) => {
                run.call_state = None;
                after_host_call(&mut (*cx).saved, call);
                Ok(None)
            }
            Err(Halt::Suspend(suspend)) => {
                run.waiting = Some(call);
                Ok(Some(PauseReason::Suspended(suspend)))
            }
            Err(Halt::Interrupted) => {
                run.waiting = Some(call);
                take_request(cx, store.run.end);
                Ok(Some(PauseReason::Interrupted))
            }
            Err(Halt::Error(Error::Exception(exception))) => {
                run.call_state = None;
                throw::from_host(store, run, cx, exception, call.then)?;
                Ok(stop_requested(cx, store.run.end))
            }
            Err(Halt::Error(error)) => Err(report::with_frames(store, run, cx, error)),
        }
    }
}

/// Goes on after a host call whose results are in its slots.
pub(super) unsafe fn after_host_call(registers: &mut Saved, call: HostCall) {
    // SAFETY: the frame that made the call is the running one.
    unsafe {
        result_to_accumulators(registers, call.slots);
        match call.then {
            Then::Continue(ip) => registers.ip = ip,
            Then::Return { record } => {
                let sp = registers.sp;
                std::ptr::copy(call.slots, sp, call.func.as_ref().results as usize);
                let (back, caller) = (*sp.add(record as usize), *sp.add(record as usize + 1));
                go_back(registers, back as *const u64, caller as *mut u64);
            }
        }
    }
}

/// Whether the indirect call at `ip`, which found the function `acc` to be of another type, may call it: its type is a
/// subtype.
pub(super) unsafe fn is_called_subtype(store: &StoreInner, ip: *const u64, acc: u64) -> bool {
    // SAFETY: the handler left the function there; word 2 begins with the type's id.
    unsafe {
        store
            .engine
            .is_subtype((*(acc as *const VmFunc)).sig, wide(ip, 2) as u32)
    }
}

/// Makes the indirect call at which the registers stand, of the function in the accumulator.
pub(super) unsafe fn call_subtype(
    store: &mut StoreInner,
    run: &mut Run,
    cx: *mut Context,
) -> Result<Option<PauseReason>, Error> {
    // SAFETY: as for `foreign_call` and `foreign_return_call`.
    unsafe {
        let Saved { ip, sp, acc, .. } = (*cx).saved;
        let func = &*(acc as *const VmFunc);
        let tail = *ip == word_of(control::return_call_indirect);
        let slots = sp.add(wide(ip, 0));
        if func.instance != (*cx).instance {
            if tail {
                return foreign_return_call(store, run, cx, func);
            }
            let back = ip.add(CALL_INDIRECT_WORDS);
            return foreign_call(store, run, cx, Call { func, slots, back });
        }
        if tail {
            let (count, own, callee) = (wide(ip, 1), wide(ip, 4), wide(ip, 5));
            let record = [*sp.add(own), *sp.add(own + 1)];
            std::ptr::copy(slots, sp, count);
            *sp.add(callee) = record[0];
            *sp.add(callee + 1) = record[1];
        } else {
            let record = sp.add(wide(ip, 1));
            *record = ip.add(CALL_INDIRECT_WORDS) as u64;
            *record.add(1) = sp as u64;
            (*cx).saved.sp = slots;
        }
        (*cx).saved.ip = func.code.load(Acquire);
        Ok(None)
    }
}
