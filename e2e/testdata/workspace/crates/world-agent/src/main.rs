//! An agent that answers and does nothing else.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::io::FromRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;
use std::{env, io, process};

/// The listener that systemd has opened, else one of our own.
fn listener() -> io::Result<UnixListener> {
    let ours = env::var("LISTEN_PID").map_or(false, |pid| pid == process::id().to_string());
    if ours && env::var("LISTEN_FDS").map_or(false, |count| count == "1") {
        // Safe: systemd hands exactly this descriptor to this process, and nobody else has taken it.
        return Ok(unsafe { UnixListener::from_raw_fd(3) });
    }
    UnixListener::bind(env::var("SUBSTRATE_WORLD_SOCKET").unwrap_or_else(|_| "/run/substrate.sock".into()))
}

fn answer(stream: UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(&stream).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = answers::to(&request);
    write!(
        &stream,
        "HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}\n",
        status,
        body.len() + 1,
        body
    )
}

fn main() -> io::Result<()> {
    for stream in listener()?.incoming() {
        if let Err(error) = stream.and_then(answer) {
            eprintln!("{}", error);
        }
    }
    Ok(())
}
