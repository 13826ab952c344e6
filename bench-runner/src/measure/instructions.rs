//! Instructions that a piece of work takes, by the processor's own counter.

/// Why a processor's counter cannot be had, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no hardware counter here: {0}")]
pub struct NoCounter(String);

/// Runs `work` and counts the instructions that this thread takes for it outside the kernel.
pub fn count(work: impl FnOnce()) -> Result<u64, NoCounter> {
    let counter = counter::Counter::open().map_err(|error| NoCounter(error.to_string()))?;
    counter
        .count(work)
        .map_err(|error| NoCounter(error.to_string()))
}

#[cfg(target_os = "linux")]
mod counter {
    #![expect(
        unsafe_code,
        reason = "the kernel's counters are a system call without a safe form"
    )]

    use std::fs::File;
    use std::io::{Error, Read as _, Result};
    use std::os::fd::{AsRawFd as _, FromRawFd as _};

    /// The first 64 bytes of `perf_event_attr`, which every kernel that has counters takes:
    /// <https://man7.org/linux/man-pages/man2/perf_event_open.2.html>.
    #[repr(C)]
    #[derive(Default)]
    struct Attributes {
        kind: u32,
        size: u32,
        config: u64,
        sample_period: u64,
        sample_type: u64,
        read_format: u64,
        flags: u64,
        wakeup_events: u32,
        breakpoint_type: u32,
        config1: u64,
    }

    /// `PERF_TYPE_HARDWARE` and `PERF_COUNT_HW_INSTRUCTIONS`.
    const HARDWARE: (u32, u64) = (0, 1);
    /// `disabled`, `exclude_kernel`, `exclude_hv`.
    const FLAGS: u64 = 1 | 1 << 5 | 1 << 6;
    /// `PERF_EVENT_IOC_ENABLE` and `PERF_EVENT_IOC_DISABLE`.
    const SWITCH: (u32, u32) = (0x2400, 0x2401);

    pub(super) struct Counter(File);

    impl Counter {
        pub(super) fn open() -> Result<Self> {
            let attributes = Attributes {
                kind: HARDWARE.0,
                size: size_of::<Attributes>() as u32,
                config: HARDWARE.1,
                flags: FLAGS,
                ..Attributes::default()
            };
            // SAFETY: the attributes live through the call; 0, -1, -1, 0: this thread, wherever it
            // runs, in no group, without flags.
            let descriptor = unsafe {
                libc::syscall(
                    libc::SYS_perf_event_open,
                    &raw const attributes,
                    0,
                    -1,
                    -1,
                    0,
                )
            };
            let descriptor = i32::try_from(descriptor).unwrap_or(-1);
            if descriptor < 0 {
                return Err(Error::last_os_error());
            }
            // SAFETY: the descriptor is new, and nobody else has it.
            Ok(Self(unsafe { File::from_raw_fd(descriptor) }))
        }

        pub(super) fn count(mut self, work: impl FnOnce()) -> Result<u64> {
            self.switch(SWITCH.0)?;
            work();
            self.switch(SWITCH.1)?;
            let mut bytes = [0; 8];
            self.0.read_exact(&mut bytes)?;
            Ok(u64::from_ne_bytes(bytes))
        }

        fn switch(&self, request: u32) -> Result<()> {
            // SAFETY: these requests take no argument, and the descriptor is open.
            let done = unsafe { libc::ioctl(self.0.as_raw_fd(), request.into(), 0) };
            if done < 0 {
                Err(Error::last_os_error())
            } else {
                Ok(())
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod counter {
    use std::io::{ErrorKind, Result};

    pub(super) struct Counter;

    impl Counter {
        pub(super) fn open() -> Result<Self> {
            Err(ErrorKind::Unsupported.into())
        }

        pub(super) fn count(self, _work: impl FnOnce()) -> Result<u64> {
            Err(ErrorKind::Unsupported.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_the_work_takes_ten_times_the_instructions() {
        let work = |times: u64| {
            count(|| {
                for n in 0..times {
                    std::hint::black_box(n);
                }
            })
        };
        match (work(100_000), work(1_000_000)) {
            (Ok(few), Ok(many)) => {
                let factor = many as f64 / few as f64;
                assert!((9.0..11.0).contains(&factor), "{few} {many}");
            }
            // Where there is none, it is said why.
            (few, many) => assert!(few.is_err() && many.is_err(), "{few:?} {many:?}"),
        }
    }
}
