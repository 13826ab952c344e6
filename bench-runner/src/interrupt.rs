//! Ctrl-C: what runs stops as soon as it can, and what was measured is kept.
//!
//! The process has one [`Stop`], which the first interrupt or termination asks; a second one ends
//! everything at once. What is started meanwhile ([`start`], [`output`]) leads a process group of its
//! own: a terminal's Ctrl-C then reaches it once, by way of this program, as a signal from elsewhere
//! does, and whatever it started in turn ends with it.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use crate::suite::Stop;

/// Somebody stopped the program before it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("stopped before it was done")]
pub struct Stopped;

static STOP: Mutex<Option<Arc<Stop>>> = Mutex::new(None);
/// The groups of what runs.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// What the process is asked to stop by; from the first call on, signals are listened for. The
/// listening thread sleeps until then.
pub fn stop() -> io::Result<Arc<Stop>> {
    let mut stop = STOP.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(stop) = stop.as_ref() {
        return Ok(Arc::clone(stop));
    }
    let new = Arc::new(Stop::default());
    listen(Arc::clone(&new))?;
    Ok(Arc::clone(stop.insert(new)))
}

/// Whether to go on.
pub fn check() -> Result<(), Stopped> {
    let stop = STOP.lock().unwrap_or_else(PoisonError::into_inner);
    match stop.as_ref() {
        Some(stop) if stop.is_asked() => Err(Stopped),
        _ => Ok(()),
    }
}

/// As long as it lives, signals are passed on to a program that was started.
#[derive(Debug)]
pub struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        running().retain(|group| *group != self.0);
    }
}

/// Starts a program that ends with this one.
pub fn start(command: &mut Command) -> io::Result<(Child, Group)> {
    stop()?;
    let child = command.process_group(0).spawn()?;
    let group = Group(Pid::from_child(&child));
    running().push(group.0);
    if check().is_err() {
        // The signal came before the group was known, and was not passed on.
        tell(group.0, Signal::TERM);
    }
    Ok((child, group))
}

/// Starts a program that ends with this one, and gives what it prints.
pub fn output(command: &mut Command) -> io::Result<Output> {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (child, _group) = start(command.stdin(Stdio::null()))?;
    child.wait_with_output()
}

/// Comes back at an interrupt or a request to terminate.
pub(crate) async fn interrupted() -> io::Result<()> {
    Signals::new()?.next().await;
    Ok(())
}

/// Interrupts and requests to terminate.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on; within a runtime.
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next that comes.
    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
        }
    }
}

fn listen(stop: Arc<Stop>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    // Here and not on the thread: from now on no signal ends the program by itself.
    let mut signals = {
        let _within = runtime.enter();
        Signals::new()?
    };
    let heed = async move {
        let first = signals.next().await;
        stop.ask();
        eprintln!("\nbench-runner: stopping as soon as it can; again to stop at once");
        running().iter().for_each(|group| tell(*group, first));
        let second = signals.next().await;
        running()
            .iter()
            .for_each(|group| tell(*group, Signal::KILL));
        // 128 and the signal's number, as shells have it.
        std::process::exit(128 + second.as_raw());
    };
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || runtime.block_on(heed))?;
    Ok(())
}

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(group: Pid, signal: Signal) {
    // One that has ended meanwhile needs no telling.
    let _ = kill_process_group(group, signal);
}
