//! Where processor time goes: the process's timer interrupts whatever runs, and its call stack is
//! noted.
//!
//! # Why it is safe in a signal handler
//! 1. The handler writes only into slots that were allocated before the timer was started, and takes
//!    each slot once.
//! 2. It takes no lock and allocates nothing: unwinding finds its tables by `_dl_find_object`, which
//!    glibc has since 2.35 for exactly this. Without that function there is no profile.
//! 3. Names are looked up when the timer has stopped.
//!
//! The kernel ticks more slowly than it is asked to on many machines, so a tick has no length of its
//! own: the processor time that the work took is shared out among the ticks.
#![expect(
    unsafe_code,
    reason = "signal handlers and timers are system calls without a safe form"
)]

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use thiserror::Error;

use super::cpu;

/// Microseconds of processor time between two ticks, as asked for: a prime, so that nothing that
/// happens every so many milliseconds is always hit or always missed.
const TICK_US: i64 = 997;
/// Frames of a stack that are kept, innermost first.
const DEPTH: usize = 120;
/// Frames between the handler and the interrupted code: those of unwinding and of the system.
const HANDLER: usize = 8;
/// Stacks that are kept; further ones are counted.
const SLOTS: usize = 30_000;

/// Where processor time went.
#[derive(Debug, Default)]
pub struct Ticks {
    /// A stack each, innermost first, as addresses for [`super::symbols`].
    pub stacks: Vec<Vec<usize>>,
    /// Processor time of the process meanwhile, ns.
    pub cpu_ns: u64,
    /// Ticks for which there was no room.
    pub lost: usize,
}

/// Why there is no profile.
#[derive(Debug, Error)]
pub enum TicksError {
    /// Not this system.
    #[error(
        "not available on this system: it needs Linux on x86-64 or ARM with glibc 2.35 or later, whose unwinder may be used while the program is interrupted"
    )]
    Unsupported,
    /// One at a time.
    #[error("a profile of processor time is already being taken")]
    Busy,
    /// The system refused.
    #[error("the system refuses a profiling timer: {0}")]
    Timer(std::io::Error),
}

/// A stack's room. `length` is 0 until the stack is there whole.
struct Slot {
    length: AtomicUsize,
    frames: UnsafeCell<[usize; DEPTH]>,
}

// SAFETY: `frames` is written by the one handler that took the slot's number, before it stores
// `length` with Release; it is read only after the timer has stopped and `length` was loaded.
unsafe impl Sync for Slot {}

static RUNNING: AtomicBool = AtomicBool::new(false);
static SLOTS_AT: AtomicPtr<Slot> = AtomicPtr::new(ptr::null_mut());
static NEXT: AtomicUsize = AtomicUsize::new(0);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs `work` and notes where its processor time went, that of all threads of the process.
pub fn record<T>(work: impl FnOnce() -> T) -> Result<(T, Ticks), TicksError> {
    if !is_supported() {
        return Err(TicksError::Unsupported);
    }
    let Ok(_only_one) = ONE_AT_A_TIME.try_lock() else {
        return Err(TicksError::Busy);
    };
    let slots: Vec<Slot> = (0..SLOTS)
        .map(|_| Slot {
            length: AtomicUsize::new(0),
            frames: UnsafeCell::new([0; DEPTH]),
        })
        .collect();
    // The unwinder's first use may set something up: not in a handler.
    backtrace::trace(|_| true);
    NEXT.store(0, Ordering::Relaxed);
    SLOTS_AT.store(slots.as_ptr().cast_mut(), Ordering::Release);
    RUNNING.store(true, Ordering::SeqCst);
    let before = cpu::process_time();
    let timer = Timer::start().map_err(TicksError::Timer)?;
    let value = work();
    let cpu_ns = cpu::process_time() - before;
    // The handler stays installed and does nothing: a tick that is on its way must not end the
    // process, as it would by default.
    drop(timer);
    let taken = NEXT.load(Ordering::SeqCst);
    let stacks = slots
        .iter()
        .filter_map(|slot| {
            let length = slot.length.load(Ordering::Acquire);
            // SAFETY: a length above 0 is stored when the frames are whole; nobody writes them again.
            let frames = unsafe { &*slot.frames.get() };
            (length > 0).then(|| frames[..length.min(DEPTH)].to_vec())
        })
        .collect();
    let ticks = Ticks {
        stacks,
        cpu_ns,
        lost: taken.saturating_sub(SLOTS),
    };
    Ok((value, ticks))
}

#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod system {
    use super::*;

    /// Whether this system's unwinder may be used in a handler.
    pub(super) fn is_supported() -> bool {
        // SAFETY: a lookup of a name that ends in a zero, among what is loaded.
        !unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) }.is_null()
    }

    /// The process's timer, stopped when it is dropped.
    pub(super) struct Timer;

    impl Timer {
        pub(super) fn start() -> std::io::Result<Self> {
            // SAFETY: all zeros are a valid `sigaction`: no flags, an empty mask.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = on_tick as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
            // SAFETY: the handler has the signature that SA_SIGINFO asks for.
            if unsafe { libc::sigaction(libc::SIGPROF, &raw const action, ptr::null_mut()) } != 0 {
                return Err(std::io::Error::last_os_error());
            }
            set(TICK_US)?;
            Ok(Timer)
        }
    }

    impl Drop for Timer {
        fn drop(&mut self) {
            // A timer that cannot be stopped ticks into a handler that does nothing.
            let _ = set(0);
            RUNNING.store(false, Ordering::SeqCst);
            SLOTS_AT.store(ptr::null_mut(), Ordering::SeqCst);
        }
    }

    fn set(tick_us: i64) -> std::io::Result<()> {
        let every = libc::timeval {
            tv_sec: 0,
            tv_usec: tick_us as libc::suseconds_t,
        };
        let timer = libc::itimerval {
            it_interval: every,
            it_value: every,
        };
        // SAFETY: the structure lives through the call, and nothing is asked back.
        let set = unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const timer, ptr::null_mut()) };
        if set == 0 {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error())
        }
    }

    /// The instruction at which the signal came.
    unsafe fn interrupted(context: *mut libc::c_void) -> usize {
        let context = context.cast::<libc::ucontext_t>();
        #[cfg(target_arch = "x86_64")]
        // SAFETY: with SA_SIGINFO the third argument is the thread's context.
        unsafe {
            (*context).uc_mcontext.gregs[libc::REG_RIP as usize] as usize
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        unsafe {
            (*context).uc_mcontext.pc as usize
        }
    }

    extern "C" fn on_tick(
        _signal: libc::c_int,
        _info: *mut libc::siginfo_t,
        context: *mut libc::c_void,
    ) {
        if !RUNNING.load(Ordering::SeqCst) {
            return;
        }
        // SAFETY: errno is this thread's own; what is interrupted must find it as it was.
        let errno = unsafe { *libc::__errno_location() };
        note(context);
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = errno };
    }

    fn note(context: *mut libc::c_void) {
        let slots = SLOTS_AT.load(Ordering::Acquire);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        if slots.is_null() || number >= SLOTS {
            return;
        }
        // SAFETY: `record` keeps the slots until the timer has stopped, and the number is below
        // their count.
        let slot = unsafe { &*slots.add(number) };
        // SAFETY: no other handler has this number.
        let frames = unsafe { &mut *slot.frames.get() };
        // SAFETY: this is the handler that SA_SIGINFO gave a context.
        let at = unsafe { interrupted(context) };
        // Names are looked up one before an address, as return addresses want it.
        frames[0] = at + 1;
        let (mut length, mut above, mut is_found) = (1, 0, false);
        // SAFETY: rule 2 of this file: no lock is needed, and none is taken.
        unsafe {
            backtrace::trace_unsynchronized(|frame| {
                let ip = frame.ip() as usize;
                if !is_found {
                    // The handler's own frames come first.
                    is_found = ip == at || ip == at + 1;
                    above += 1;
                    return is_found || above < HANDLER;
                }
                frames[length] = ip;
                length += 1;
                length < DEPTH
            });
        }
        slot.length.store(length, Ordering::Release);
    }
}

#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod system {
    pub(super) fn is_supported() -> bool {
        false
    }

    pub(super) struct Timer;

    impl Timer {
        pub(super) fn start() -> std::io::Result<Self> {
            Err(std::io::ErrorKind::Unsupported.into())
        }
    }
}

use system::{Timer, is_supported};

#[cfg(test)]
mod tests {
    use super::super::symbols::Symbols;
    use super::*;

    #[inline(never)]
    fn planted_spinning(until: u64) -> u64 {
        let mut sum = 0_u64;
        while cpu::thread_time() < until {
            for n in 0..10_000_u64 {
                sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(n));
            }
        }
        sum
    }

    #[test]
    fn processor_time_is_found_where_it_was_spent() {
        if !is_supported() {
            return;
        }
        let work = || planted_spinning(cpu::thread_time() + 300_000_000);
        let (_, ticks) = record(work).expect("a timer can be had");
        let mut symbols = Symbols::default();
        let within = |stack: &&Vec<usize>| {
            let names = symbols.names(stack);
            names.iter().any(|name| name.contains("planted_spinning"))
        };
        let found = ticks.stacks.iter().filter(within).count();
        // Other tests run meanwhile, in the same process; and how many ticks there are for so much
        // processor time is the system's business.
        assert!(found > 0, "{found} of {}", ticks.stacks.len());
        assert!(ticks.cpu_ns >= 300_000_000);
        assert_eq!(ticks.lost, 0);
    }
}
