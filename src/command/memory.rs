//! How the allocator of glibc deals with a server's memory.
//!
//! By itself it keeps up to eight arenas a processor, each with what its threads once needed: 50 clients
//! that browse five years of 500 series then leave 187 MB resident where two arenas that give back
//! what is free leave 142 MB, at the same speed.
#![cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(
        unsafe_code,
        reason = "the allocator's settings have no safe interface"
    )
)]

/// As many arenas as a small machine has processors.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS: i32 = 2;
/// Bytes free at an arena's end that are given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TRIM: i32 = 1_000_000;
/// Bytes from which on a piece of memory is the system's own, and given back with its last use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const APART: i32 = 256 << 10;

/// Tells the allocator, before the first thread is started.
pub fn settle() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the calls only set numbers; each says whether it did, and memory works either way.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM);
        libc::mallopt(libc::M_MMAP_THRESHOLD, APART);
    }
}
