//! The program itself, on a socket: how soon it answers, and what it needs.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::table::Table;
use crate::{Args, ms};

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// From its start until `/` was answered.
    pub(crate) first: Duration,
}

impl Server {
    /// Starts it on a store.
    pub(crate) async fn start(database: &Path) -> Self {
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kvmark"))
            .args(["serve", "--bind", "127.0.0.1:0", "--database"])
            .arg(database)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut said).await.unwrap();
        let (_, address) = said.trim().split_once("http://").unwrap();
        let address = address.parse().unwrap();
        assert_eq!(get(address, "/").await, 200);
        Self {
            child,
            address,
            first: start.elapsed(),
        }
    }

    /// Megabytes of memory that are resident, and those among them that are no file's.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let id = self.child.id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let megabytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|text| text.trim().strip_suffix(" kB"));
            kilobytes
                .and_then(|text| text.trim().parse::<f64>().ok())
                .unwrap_or(0.0)
                * 1.024e-3
        };
        (megabytes("VmRSS:"), megabytes("RssAnon:"))
    }
}

/// A server's start on a filled store, and 50 clients that open page after page.
pub(crate) async fn browse(database: &Path, addresses: &[String], args: &Args, table: &mut Table) {
    const CLIENTS: usize = 50;
    println!("\nA server of its own");
    let server = Server::start(database).await;
    let (resident, own) = server.memory();
    table.most(
        "five years: start to the first answer",
        ms(server.first),
        "ms",
        1000.0,
    );
    println!("resident then: {resident:.1} MB, {own:.1} MB without mapped files");
    let span = Duration::from_millis(if args.measure { 20_000 } else { 50 });
    let (start, address) = (Instant::now(), server.address);
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let addresses = addresses.to_vec();
        clients.spawn(async move {
            let mut times = Vec::new();
            let mut at = client * 7;
            while start.elapsed() < span {
                // Neighbours open different pages, and every client opens all of them.
                at += 5;
                let asked = Instant::now();
                get(address, &addresses[at % addresses.len()]).await;
                times.push(asked.elapsed());
            }
            times
        });
    }
    let mut most = (0.0_f64, 0.0_f64);
    let mut times = Vec::new();
    let mut look = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            done = clients.join_next() => match done {
                Some(done) => times.extend(done.unwrap()),
                None => break,
            },
            _ = look.tick() => {
                let (resident, own) = server.memory();
                most = (most.0.max(resident), most.1.max(own));
            }
        }
    }
    times.sort();
    println!(
        "{CLIENTS} clients: {:.0} pages/s; a page waits {:.1} ms at p50, {:.1} ms at p95",
        times.len() as f64 / start.elapsed().as_secs_f64(),
        ms(times[times.len() / 2]),
        ms(times[times.len() * 95 / 100])
    );
    println!("resident without mapped files: {:.1} MB at most", most.1);
    table.most(
        "five years: resident while 50 clients browse",
        most.0,
        "MB",
        150.0,
    );
}

/// The status of an answer that was read to its end.
async fn get(address: SocketAddr, uri: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {uri} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let status = answer.get(9..12).map(String::from_utf8_lossy);
    status.and_then(|text| text.parse().ok()).unwrap_or(0)
}
