//! Memory of the process at a moment.

/// Bytes that the program holds from its allocator; `None` where the system does not tell.
pub fn heap_bytes() -> Option<u64> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(
            unsafe_code,
            reason = "the C library tells of its allocator by a call without a safe form"
        )]
        // SAFETY: it takes nothing and returns numbers; it locks the allocator's own arenas.
        let info = unsafe { libc::mallinfo2() };
        Some((info.uordblks + info.hblkhd) as u64)
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    None
}

/// Bytes of the process that lie in memory; `None` where the system does not tell.
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_and_touched_is_seen() {
        const BYTES: usize = 256 << 20;
        let before = (heap_bytes(), resident_bytes());
        let kept = std::hint::black_box(vec![1_u8; BYTES]);
        let after = (heap_bytes(), resident_bytes());
        drop(kept);
        // Other tests allocate and free meanwhile, far less than this.
        let grew = |before: Option<u64>, after: Option<u64>| {
            before
                .zip(after)
                .is_some_and(|(before, after)| after > before + BYTES as u64 / 2)
        };
        assert!(grew(before.0, after.0), "{before:?} {after:?}");
        assert!(grew(before.1, after.1), "{before:?} {after:?}");
    }
}
