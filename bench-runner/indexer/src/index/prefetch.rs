//! Asking for memory before it is needed.
#![expect(unsafe_code, reason = "the instruction takes a pointer")]

/// Has the processor bring an item's cache line near, without waiting for it. A hint: nothing is
/// read, and where there is no such instruction nothing happens.
#[inline(always)]
pub(crate) fn prefetch<T>(item: &T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction, and it may name any address at all.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = item;
}
