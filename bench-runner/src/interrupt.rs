//! Ctrl-C: what runs stops as soon as it can, and what was measured is kept.

use std::sync::Arc;

use crate::suite::Stop;

/// Asks `stop` at the first interrupt or termination; a second one ends the program at once. The
/// listening thread sleeps until then.
pub fn on_interrupt(stop: Arc<Stop>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    std::thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                if interrupted().await.is_ok() {
                    stop.ask();
                    eprintln!("\nbench-runner: stopping after this sample; again to stop at once");
                    if interrupted().await.is_ok() {
                        // 128 and the signal's number, as shells have it.
                        std::process::exit(130);
                    }
                }
            });
        })?;
    Ok(())
}

/// Comes back at an interrupt or a request to terminate.
#[cfg(unix)]
pub(crate) async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Comes back at an interrupt.
#[cfg(not(unix))]
pub(crate) async fn interrupted() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
