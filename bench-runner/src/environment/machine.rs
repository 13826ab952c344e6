//! What the machine says about itself. Every reader takes the root of the file system, so that
//! tests bring their own.

use std::fs;
use std::path::Path;

use bench_report::report::{Conditions, Environment};

use crate::measure::{alloc, cpu, sampler};

/// Installed memory is rounded to this: the kernel keeps a little for itself, how much changes with
/// its version, and that is no other machine.
const MEMORY_STEP: u64 = 256 << 20;

/// What identifies this machine, and this build.
pub fn environment(name: Option<String>) -> Environment {
    let kernel = rustix::system::uname();
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let root = Path::new("/");
    let mut environment = Environment {
        name,
        os: Some(std::env::consts::OS.to_owned()),
        arch: Some(std::env::consts::ARCH.to_owned()),
        kernel: known(&kernel.release().to_string_lossy()),
        cpu_model: cpu_model(root),
        cpu_count: u32::try_from(cpu::allowed().len()).ok(),
        smt: flag(root, "sys/devices/system/cpu/smt/active"),
        memory_bytes: meminfo(root, "MemTotal").map(rounded),
        governor: text(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        turbo: turbo(root),
        virtualization: virtualization(root),
        compiler: known(env!("KVMARK_COMPILER")),
        flags: known(env!("KVMARK_FLAGS")),
        // Only of this one it is known what stands behind it.
        allocator: alloc::is_installed().then(|| "system".to_owned()),
        ..Environment::default()
    };
    if let Some(quota) = cpu_quota(root) {
        environment
            .other
            .insert("cpu_quota".to_owned(), quota.into());
    }
    environment
}

/// What describes the machine at this moment.
pub fn conditions() -> Conditions {
    let root = Path::new("/");
    let hostname = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    Conditions {
        hostname: (!hostname.is_empty()).then_some(hostname),
        load_1m: sampler::load_1m(),
        steal_percent: None,
        frequency_mhz: sampler::frequency_mhz(),
        memory_available_bytes: meminfo(root, "MemAvailable"),
        memory_limit_bytes: memory_limit(root),
    }
}

fn text(root: &Path, path: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(path)).ok()?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

fn flag(root: &Path, path: &str) -> Option<bool> {
    match text(root, path)?.as_str() {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

fn cpuinfo<'a>(text: &'a str, keys: &[&str]) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find_map(|(key, value)| {
            (keys.contains(&key.trim()) && !value.trim().is_empty()).then(|| value.trim())
        })
}

fn cpu_model(root: &Path) -> Option<String> {
    let info = text(root, "proc/cpuinfo")?;
    cpuinfo(&info, &["model name", "Model", "cpu model"]).map(str::to_owned)
}

/// A value of `/proc/meminfo` in bytes.
fn meminfo(root: &Path, key: &str) -> Option<u64> {
    let info = text(root, "proc/meminfo")?;
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1_024)
}

fn rounded(bytes: u64) -> u64 {
    ((bytes + MEMORY_STEP / 2) / MEMORY_STEP * MEMORY_STEP).max(MEMORY_STEP)
}

fn turbo(root: &Path) -> Option<bool> {
    flag(root, "sys/devices/system/cpu/intel_pstate/no_turbo")
        .map(|off| !off)
        .or_else(|| flag(root, "sys/devices/system/cpu/cpufreq/boost"))
}

/// The hypervisor by its own name for itself; `none` where the processor says that there is none;
/// `vm` where there is one that does not say which.
fn virtualization(root: &Path) -> Option<String> {
    let info = text(root, "proc/cpuinfo")?;
    // Only x86 has a flag that says so.
    let flags = cpuinfo(&info, &["flags"])?;
    if !flags.split_whitespace().any(|flag| flag == "hypervisor") {
        return Some("none".to_owned());
    }
    let vendor = text(root, "sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let known = [
        ("QEMU", "qemu"),
        ("Amazon EC2", "amazon"),
        ("Google", "google"),
        ("Microsoft", "microsoft"),
        ("VMware", "vmware"),
        ("innotek", "virtualbox"),
        ("Xen", "xen"),
        ("Parallels", "parallels"),
    ];
    let name = known
        .iter()
        .find(|(start, _)| vendor.starts_with(start))
        .map(|known| known.1);
    Some(name.unwrap_or("vm").to_owned())
}

/// Processors that the container may use, where it may use less than there are.
fn cpu_quota(root: &Path) -> Option<f64> {
    let limit = text(root, "sys/fs/cgroup/cpu.max")?;
    let (quota, period) = limit.split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then(|| quota / period)
}

fn memory_limit(root: &Path) -> Option<u64> {
    let limit = text(root, "sys/fs/cgroup/memory.max")
        .or_else(|| text(root, "sys/fs/cgroup/memory/memory.limit_in_bytes"))?;
    // Version 1 says "no limit" by the largest number of whole pages.
    limit.parse().ok().filter(|&bytes: &u64| bytes < 1 << 60)
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a test may fail where its own files cannot be written"
)]
mod tests {
    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    #[test]
    fn what_the_system_does_not_tell_is_absent() {
        let root = root(&[]);
        let root = root.path();
        assert_eq!(cpu_model(root), None);
        assert_eq!(virtualization(root), None);
        assert_eq!(turbo(root), None);
        assert_eq!(meminfo(root, "MemTotal"), None);
        assert_eq!((memory_limit(root), cpu_quota(root)), (None, None));
    }

    #[test]
    fn reads_a_virtual_machine() {
        let root = root(&[
            (
                "proc/cpuinfo",
                "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu hypervisor\n",
            ),
            (
                "proc/meminfo",
                "MemTotal:       24679012 kB\nMemAvailable:   20000000 kB\n",
            ),
            ("sys/class/dmi/id/sys_vendor", "QEMU\n"),
            ("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"),
            ("sys/fs/cgroup/memory.max", "max\n"),
            ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
        ]);
        let root = root.path();
        assert_eq!(cpu_model(root).as_deref(), Some("AMD EPYC"));
        assert_eq!(virtualization(root).as_deref(), Some("qemu"));
        assert_eq!(turbo(root), Some(false));
        assert_eq!(
            meminfo(root, "MemTotal").map(rounded),
            Some(94 * MEMORY_STEP)
        );
        assert_eq!(memory_limit(root), None);
        assert_eq!(cpu_quota(root), Some(1.5));
    }

    #[test]
    fn bare_metal_has_no_hypervisor() {
        let root = root(&[("proc/cpuinfo", "model name : Xeon\nflags : fpu vme\n")]);
        assert_eq!(virtualization(root.path()).as_deref(), Some("none"));
    }

    #[test]
    fn this_machine_has_processors_and_the_build_a_compiler() {
        let environment = environment(Some("here".to_owned()));
        assert!(environment.cpu_count.is_some_and(|count| count > 0));
        assert!(
            environment
                .compiler
                .is_some_and(|compiler| compiler.starts_with("rustc "))
        );
        assert!(
            environment
                .flags
                .is_some_and(|flags| flags.starts_with("opt-level="))
        );
    }
}
