//! How one instruction leads to the next: the only file that knows the calling convention of handlers.
//!
//! Under `cfg(tail)` a handler is a function whose arguments are the virtual machine's registers and whose last act
//! is a call, in return position and with the same signature, of the next handler. LLVM turns that call into a jump
//! wherever it optimises, so the registers never leave the machine's and the native stack never grows. x86-64 uses
//! the System V convention on every system, because it has six integer and eight float argument registers. The
//! float registers come for free; the last one carries `cx`, which only slow paths need.
//!
//! Elsewhere the same handlers run under a loop: each writes the registers back and returns.
//!
//! What keeps a handler a leaf without a stack frame (checked on the release binary by `.ci/check-handlers`): no
//! value with a destructor, no local whose address is taken, no panicking operator, no call but in return position.

use super::layout::{Context, Saved};

/// Whether handlers tail-call. Debug assertions undo the jumps, so they are looked at here as well as in build.rs.
macro_rules! tail_calls {
    ($yes:item $no:item) => {
        #[cfg(all(tail, not(debug_assertions), not(miri)))]
        $yes
        #[cfg(not(all(tail, not(debug_assertions), not(miri))))]
        $no
    };
}

tail_calls! {
    // How instructions are dispatched in this build.
    pub(crate) const KIND: &str = "tail calls";
    pub(crate) const KIND: &str = "portable loop";
}

/// The virtual machine's registers.
#[derive(Clone, Copy)]
pub(crate) struct Regs {
    /// The instruction: word 0 is its handler, the operands follow.
    pub ip: *const u64,
    /// Slot 0 of the running frame.
    pub sp: *mut u64,
    /// Byte 0 of memory 0; its length and the instance's globals lie below.
    pub mb: *mut u8,
    /// The last integer computed.
    pub acc: u64,
    /// Pinned integer locals, mirrored in their slots.
    pub l0: u64,
    pub l1: u64,
    /// The last f64 computed, and pinned f64 locals.
    pub f0: f64,
    pub d0: f64,
    pub d1: f64,
    /// The last f32 computed, and a pinned f32 local.
    pub s0: f32,
    pub s1: f32,
    /// The context, for slow paths.
    pub cx: Cx,
}

/// `cx` as it travels: in a float register on x86-64, whose integer registers are all taken.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Cx(
    #[cfg(target_arch = "x86_64")] f64,
    #[cfg(not(target_arch = "x86_64"))] *mut Context,
);

impl Cx {
    #[inline(always)]
    pub(crate) fn new(context: *mut Context) -> Cx {
        #[cfg(target_arch = "x86_64")]
        {
            Cx(f64::from_bits(context as usize as u64))
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            Cx(context)
        }
    }

    #[inline(always)]
    pub(crate) fn get(self) -> *mut Context {
        #[cfg(target_arch = "x86_64")]
        {
            self.0.to_bits() as usize as *mut Context
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self.0
        }
    }
}

impl Regs {
    /// The 16-bit field `at` (0 to 3) of operand word 1.
    ///
    /// # Safety
    /// Here and below: `ip` points at an instruction that the translator wrote, which has this operand (T1).
    #[inline(always)]
    pub(crate) unsafe fn field(&self, at: usize) -> usize {
        // SAFETY: T1.
        unsafe { *(self.ip.add(1) as *const u16).add(at) as usize }
    }

    /// The immediate in the upper half of operand word 1, sign-extended.
    #[inline(always)]
    pub(crate) unsafe fn imm(&self) -> u64 {
        // SAFETY: T1.
        unsafe { *(self.ip.add(1) as *const i32).add(1) as i64 as u64 }
    }

    /// The 32-bit field `at` counted from the start of operand word 1.
    #[inline(always)]
    pub(crate) unsafe fn wide(&self, at: usize) -> u32 {
        // SAFETY: T1.
        unsafe { *(self.ip.add(1) as *const u32).add(at) }
    }

    /// The whole word `at`.
    #[inline(always)]
    pub(crate) unsafe fn word(&self, at: usize) -> u64 {
        // SAFETY: T1.
        unsafe { *self.ip.add(at) }
    }

    /// The slot `at` of the frame.
    #[inline(always)]
    pub(crate) unsafe fn slot(&self, at: usize) -> u64 {
        // SAFETY: the translator names no slot outside the frame (F1), and `enter` checked that the frame fits (F2).
        unsafe { *self.sp.add(at) }
    }

    #[inline(always)]
    pub(crate) unsafe fn set_slot(&mut self, at: usize, value: u64) {
        // SAFETY: F1, F2.
        unsafe { *self.sp.add(at) = value }
    }

    /// Saves the registers for the driver.
    #[inline(always)]
    pub(crate) unsafe fn save(&self) {
        let saved = Saved {
            ip: self.ip,
            sp: self.sp,
            acc: self.acc,
            l0: self.l0,
            l1: self.l1,
            f0: self.f0,
            d0: self.d0,
            d1: self.d1,
            s0: self.s0,
            s1: self.s1,
        };
        // SAFETY: C1.
        unsafe { (*self.cx.get()).saved = saved }
    }

    /// Saves what lives across a call: not the accumulators, nor the float pins, which are loaded again after it.
    #[inline(always)]
    pub(crate) unsafe fn save_for_call(&self) {
        // SAFETY: C1.
        let saved = unsafe { &mut (*self.cx.get()).saved };
        (saved.ip, saved.sp) = (self.ip, self.sp);
        (saved.l0, saved.l1) = (self.l0, self.l1);
    }

    /// The registers of a run that enters the handlers again.
    ///
    /// # Safety
    /// `context` is a live store's, and what it saved belongs to frames on its value stack.
    pub(crate) unsafe fn restore(context: *mut Context) -> Regs {
        // SAFETY: promised by the caller.
        unsafe {
            let Saved {
                ip,
                sp,
                acc,
                l0,
                l1,
                f0,
                d0,
                d1,
                s0,
                s1,
            } = (*context).saved;
            let mb = (*(*context).instance).mb;
            Regs {
                ip,
                sp,
                mb,
                acc,
                l0,
                l1,
                f0,
                d0,
                d1,
                s0,
                s1,
                cx: Cx::new(context),
            }
        }
    }
}

#[cfg(all(tail, not(debug_assertions), not(miri)))]
mod kind {
    use super::*;

    // The convention is a literal in the grammar, so each has its own copy of these two items.
    #[cfg(target_arch = "x86_64")]
    mod convention {
        use super::*;
        /// A handler. Its parameters are the registers of [`Regs`].
        #[rustfmt::skip]
        pub(crate) type Handler = unsafe extern "sysv64" fn(
            *const u64, *mut u64, *mut u8, u64, u64, u64, f64, f64, f64, f32, f32, Cx,
        );
        macro_rules! handler_fn {
            ($(#[$meta:meta])* $name:ident [$($g:tt)*] $params:tt $body:block) => {
                $(#[$meta])* pub(crate) unsafe extern "sysv64" fn $name<$($g)*> $params $body
            };
        }
        pub(crate) use handler_fn;
    }
    #[cfg(not(target_arch = "x86_64"))]
    mod convention {
        use super::*;
        /// A handler. Its parameters are the registers of [`Regs`].
        #[rustfmt::skip]
        pub(crate) type Handler = unsafe extern "C" fn(
            *const u64, *mut u64, *mut u8, u64, u64, u64, f64, f64, f64, f32, f32, Cx,
        );
        macro_rules! handler_fn {
            ($(#[$meta:meta])* $name:ident [$($g:tt)*] $params:tt $body:block) => {
                $(#[$meta])* pub(crate) unsafe extern "C" fn $name<$($g)*> $params $body
            };
        }
        pub(crate) use handler_fn;
    }
    pub(crate) use convention::{Handler, handler_fn};

    /// Defines a handler over `r: Regs`, generic over operations and operand classes.
    macro_rules! handler {
        ($(#[$doc:meta])* fn $name:ident [$($g:tt)*] ($r:ident) $body:block) => {
            handler_fn! {
                $(#[$doc])*
                #[allow(unused_mut, unused_unsafe, clippy::missing_safety_doc)]
                $name [$($g)*] (
                    ip: *const u64, sp: *mut u64, mb: *mut u8, acc: u64, l0: u64, l1: u64,
                    f0: f64, d0: f64, d1: f64, s0: f32, s1: f32, cx: Cx,
                ) {
                    let mut $r = Regs { ip, sp, mb, acc, l0, l1, f0, d0, d1, s0, s1, cx };
                    // SAFETY: the invariants T1, F1, F2, C1 of docs/architecture.md: the translator wrote the instruction.
                    unsafe { $body }
                }
            }
        };
    }

    /// Goes on with the instruction at `$ip`.
    macro_rules! goto {
        ($r:ident, $ip:expr) => {{
            let ip: *const u64 = $ip;
            let next: Handler = std::mem::transmute::<usize, Handler>(*(ip as *const usize));
            return next(
                ip, $r.sp, $r.mb, $r.acc, $r.l0, $r.l1, $r.f0, $r.d0, $r.d1, $r.s0, $r.s1, $r.cx,
            );
        }};
    }

    /// Goes to another handler for the same instruction.
    macro_rules! become_handler {
        ($r:ident, $handler:expr) => {
            return $handler(
                $r.ip, $r.sp, $r.mb, $r.acc, $r.l0, $r.l1, $r.f0, $r.d0, $r.d1, $r.s0, $r.s1, $r.cx,
            )
        };
    }

    /// Saves the registers and returns to the driver. It finds `$why` in the context: a handler that returned it would
    /// be a function with a constant result, and a compiler that sees both would make "call, then return the constant"
    /// of the jumps to it.
    macro_rules! quit {
        ($r:ident, $why:expr) => {
            quit!($r, $why, save)
        };
        ($r:ident, $why:expr, $save:ident) => {{
            $r.$save();
            (*$r.cx.get()).why = $why;
            return;
        }};
    }

    /// Runs handlers until one leaves; says why.
    ///
    /// # Safety
    /// `r.ip` points at translated code whose frame `r.sp` is.
    pub(crate) unsafe fn run(r: Regs) -> u32 {
        // SAFETY: the caller's promise; word 0 of an instruction is its handler (T1).
        unsafe {
            let first = std::mem::transmute::<usize, Handler>(*(r.ip as *const usize));
            first(r.ip, r.sp, r.mb, r.acc, r.l0, r.l1, r.f0, r.d0, r.d1, r.s0, r.s1, r.cx);
            (*r.cx.get()).why
        }
    }

    pub(crate) use {become_handler, goto, handler, quit};
}

#[cfg(not(all(tail, not(debug_assertions), not(miri))))]
mod kind {
    use super::*;

    /// The registers after an instruction, and why it leaves the loop (0: it does not).
    pub(crate) struct Step {
        pub(crate) regs: Regs,
        pub(crate) why: u32,
    }

    /// A handler: takes the registers and hands them back.
    pub(crate) type Handler = unsafe fn(Regs) -> Step;

    macro_rules! handler {
        ($(#[$doc:meta])* fn $name:ident [$($g:tt)*] ($r:ident) $body:block) => {
            $(#[$doc])*
            #[allow(unused_mut, unused_unsafe, clippy::missing_safety_doc)]
            pub(crate) unsafe fn $name<$($g)*>(mut $r: Regs) -> Step {
                // SAFETY: the invariants T1, F1, F2, C1 of docs/architecture.md: the translator wrote the instruction.
                unsafe { $body }
            }
        };
    }

    macro_rules! goto {
        ($r:ident, $ip:expr) => {{
            $r.ip = $ip;
            return Step { regs: $r, why: 0 };
        }};
    }

    macro_rules! become_handler {
        ($r:ident, $handler:expr) => {
            return $handler($r)
        };
    }

    macro_rules! quit {
        ($r:ident, $why:expr) => {
            quit!($r, $why, save)
        };
        ($r:ident, $why:expr, $save:ident) => {{
            $r.$save();
            return Step { regs: $r, why: $why };
        }};
    }

    /// Runs handlers until one leaves; says why.
    ///
    /// # Safety
    /// `r.ip` points at translated code whose frame `r.sp` is.
    pub(crate) unsafe fn run(mut r: Regs) -> u32 {
        loop {
            #[cfg(feature = "stats")]
            // SAFETY: C1; handlers do not touch the profile.
            unsafe {
                (*r.cx.get()).profile.count(r.ip as usize)
            };
            // SAFETY: the caller's promise; word 0 of an instruction is its handler (T1).
            let step = unsafe { std::mem::transmute::<usize, Handler>(*(r.ip as *const usize))(r) };
            if step.why != 0 {
                return step.why;
            }
            r = step.regs;
        }
    }

    pub(crate) use {become_handler, goto, handler, quit};
}

pub(crate) use kind::*;

/// Goes on with the next instruction, `$words` further.
macro_rules! next {
    ($r:ident, $words:expr) => {
        goto!($r, $r.ip.add($words))
    };
}
pub(crate) use next;

/// Leaves through the shared cold exit for `$why`, so that each handler's slow path is one jump.
macro_rules! leave {
    ($r:ident, $why:expr) => {
        become_handler!($r, $crate::engine::run::exit::leave::<{ $why }>)
    };
}
pub(crate) use leave;

/// Does `$then`, which must not come back, if the address `$top` is above the stack limit: a frame that ends there does not
/// fit, or a stop was requested.
///
/// Written out for x86-64, because the compiler never makes one instruction of an atomic load and a comparison: so it is
/// two instructions beside the move of the context.
#[cfg(all(tail, not(debug_assertions), not(miri), target_arch = "x86_64"))]
macro_rules! if_above_limit {
    ($r:ident, $top:expr, $then:block) => {
        std::arch::asm!(
            "cmp qword ptr [{context} + {limit}], {top}",
            "jb {stop}",
            context = in(reg) $r.cx.get(),
            limit = const std::mem::offset_of!($crate::engine::run::layout::Context, limit),
            top = in(reg) $top,
            // SAFETY: the block is part of the handler, in a place where unsafety is not inherited.
            stop = label { unsafe { $then } },
            options(nostack, readonly),
        )
    };
}
#[cfg(not(all(tail, not(debug_assertions), not(miri), target_arch = "x86_64")))]
macro_rules! if_above_limit {
    ($r:ident, $top:expr, $then:block) => {
        if $top as usize > (*$r.cx.get()).limit.load(std::sync::atomic::Ordering::Relaxed) {
            $then
        }
    };
}
pub(crate) use if_above_limit;

/// Does `$then`, which must not come back, if a stop was requested: then the limit is 0, below every frame.
macro_rules! if_stop_requested {
    ($r:ident, $then:block) => {
        if_above_limit!($r, $r.sp, $then)
    };
}
pub(crate) use if_stop_requested;

/// Makes a loop's counter unforeseeable: a few iterations are the rule, and unrolled they take longer to set up.
#[cfg(all(tail, not(debug_assertions), not(miri)))]
macro_rules! not_unrolled {
    ($counter:expr) => {
        std::arch::asm!("/* {0} */", inout(reg) $counter, options(pure, nomem, nostack, preserves_flags))
    };
}
#[cfg(not(all(tail, not(debug_assertions), not(miri))))]
macro_rules! not_unrolled {
    ($counter:expr) => {};
}
pub(crate) use not_unrolled;

/// The word that names a handler in code.
pub(crate) fn word_of(handler: Handler) -> u64 {
    handler as usize as u64
}
