//! Memory in large pages: a walk through an index of millions of blocks asks for a line here and a line
//! there, and with small pages the processor looks for the page as long as for the line.
#![expect(
    unsafe_code,
    reason = "memory is asked for, and advised on, by address"
)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};

/// Two mebibytes of memory, not initialised, aligned to their size. Where the system has no pages as
/// large, or none left, it is memory like any.
#[derive(Debug)]
pub(crate) struct LargePage(*mut u8);

impl LargePage {
    pub(crate) const BYTES: usize = 2 << 20;
    const LAYOUT: Layout = match Layout::from_size_align(Self::BYTES, Self::BYTES) {
        Ok(layout) => layout,
        Err(_) => panic!("a power of two below isize::MAX is a layout"),
    };

    /// A new page.
    pub(crate) fn new() -> Self {
        // SAFETY: the layout's size is not 0.
        let memory = unsafe { alloc(Self::LAYOUT) };
        if memory.is_null() {
            handle_alloc_error(Self::LAYOUT);
        }
        #[cfg(all(target_os = "linux", not(miri)))]
        {
            use rustix::mm::{Advice, madvise};
            // SAFETY: the memory is ours, and the advice changes nothing that is in it. Where it is
            // not taken, pages are small.
            let _ = unsafe { madvise(memory.cast(), Self::BYTES, Advice::LinuxHugepage) };
        }
        Self(memory)
    }

    /// The memory, which nobody frees from now on.
    pub(crate) fn into_raw(self) -> *mut u8 {
        std::mem::ManuallyDrop::new(self).0
    }

    /// The page again, to be freed.
    ///
    /// # Safety
    /// The pointer came from [`LargePage::into_raw`], is given back once, and nothing looks into the
    /// memory any more.
    pub(crate) unsafe fn from_raw(memory: *mut u8) -> Self {
        Self(memory)
    }
}

impl Drop for LargePage {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and only `into_raw` gives it away.
        unsafe { dealloc(self.0, Self::LAYOUT) };
    }
}
