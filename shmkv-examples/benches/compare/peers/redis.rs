//! Redis on a Unix socket: a server that the benchmark starts, and its protocol.
//!
//! An operation is a request and its answer. Nothing is batched except `get_many`, which
//! is one `MGET`.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use crate::clock;
use crate::data::{Access, BATCH, Key, Script};
use crate::outcome::Outcome;
use crate::store::{Store, seen};

/// A connection, and the server if this process started it.
pub(crate) struct Redis {
    stream: UnixStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    /// The bytes of the answer that are not yet parsed.
    rest: std::ops::Range<usize>,
    server: Option<Server>,
}

/// The server, and the processors on which it may run when it serves two clients.
struct Server {
    child: Child,
    processors: Vec<usize>,
}

/// The version of the installed server, if there is one.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("redis-server")
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = text.split(' ').find_map(|word| word.strip_prefix("v="))?;
    Some(word.to_owned())
}

impl Redis {
    /// Starts a server that listens at `socket` and dies with this process.
    pub(crate) fn start(socket: &Path, processors: &[usize]) -> Outcome<Self> {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .args([
                "--daemonize",
                "no",
                "--logfile",
                "/dev/null",
                "--unixsocket",
            ])
            .arg(socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let prepare = || Ok(set_pdeathsig(Signal::SIGKILL)?);
        // SAFETY: between fork and exec, only one system call is made.
        unsafe { command.pre_exec(prepare) };
        // The server inherits this process's processor. With one client it is fastest
        // there: a request does not wake another processor.
        let child = command.spawn()?;
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut redis = loop {
            match Self::connect(socket) {
                Ok(redis) => break redis,
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => sleep(Duration::from_millis(10)),
            }
        };
        redis.server = Some(Server {
            child,
            processors: processors.to_vec(),
        });
        Ok(redis)
    }

    pub(crate) fn connect(socket: &Path) -> Outcome<Self> {
        Ok(Self {
            stream: UnixStream::connect(socket)?,
            request: Vec::new(),
            answer: vec![0; 1 << 16],
            rest: 0..0,
            server: None,
        })
    }

    /// Adds a request of these words to the buffer.
    fn say(&mut self, words: &[&[u8]]) {
        self.begin(words.len());
        for word in words {
            self.word(word);
        }
    }

    fn begin(&mut self, words: usize) {
        self.number(b'*', words);
    }

    fn word(&mut self, word: &[u8]) {
        self.number(b'$', word.len());
        self.request.extend_from_slice(word);
        self.request.extend_from_slice(b"\r\n");
    }

    fn number(&mut self, kind: u8, number: usize) {
        self.request.push(kind);
        // Faster than `format!`: these numbers have few digits.
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut left = number;
        loop {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.request.extend_from_slice(&digits[at..]);
        self.request.extend_from_slice(b"\r\n");
    }

    fn send(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.request)?;
        self.request.clear();
        Ok(())
    }

    /// Reads until at least `wanted` bytes of the answer are in the buffer.
    fn await_bytes(&mut self, wanted: usize) -> io::Result<()> {
        while self.rest.len() < wanted {
            if self.rest.start > 0 {
                self.answer.copy_within(self.rest.clone(), 0);
                self.rest = 0..self.rest.len();
            }
            let read = self.stream.read(&mut self.answer[self.rest.end..])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.rest.end += read;
        }
        Ok(())
    }

    /// The next line of the answer: its kind, and its number or 0.
    fn line(&mut self) -> Outcome<(u8, i64)> {
        let mut length = 3;
        loop {
            self.await_bytes(length)?;
            let seen = &self.answer[self.rest.clone()];
            let Some(end) = seen.windows(2).position(|pair| pair == b"\r\n") else {
                length = self.rest.len() + 1;
                continue;
            };
            let text = String::from_utf8_lossy(&seen[1..end]).into_owned();
            let kind = seen[0];
            self.rest.start += end + 2;
            return match kind {
                b'-' => Err(text.into()),
                b'+' => Ok((kind, 0)),
                _ => Ok((kind, text.parse()?)),
            };
        }
    }

    /// Copies a value from the answer. Returns whether there is one.
    fn value<const V: usize>(&mut self) -> Outcome<bool> {
        let (_, length) = self.line()?;
        let mut value = None;
        if length >= 0 {
            self.await_bytes(V + 2)?;
            let start = self.rest.start;
            let bytes: [u8; V] = self.answer[start..start + V].try_into()?;
            self.rest.start += V + 2;
            value = Some(bytes);
        }
        seen(&value);
        Ok(value.is_some())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server
            && let Err(error) = server.child.kill().and_then(|()| server.child.wait())
        {
            eprintln!("cannot stop redis-server: {error}");
        }
    }
}

impl<K: Key, const V: usize> Store<K, V> for Redis {
    fn get(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        self.say(&[b"GET", bytemuck::bytes_of(access.key)]);
        self.send()?;
        self.value::<V>()
    }

    fn get_many(&mut self, accesses: [Access<'_, K>; BATCH]) -> Outcome<usize> {
        self.begin(1 + BATCH);
        self.word(b"MGET");
        for access in accesses {
            self.word(bytemuck::bytes_of(access.key));
        }
        self.send()?;
        self.line()?;
        let mut found = 0;
        for _ in 0..BATCH {
            found += usize::from(self.value::<V>()?);
        }
        Ok(found)
    }

    fn insert(&mut self, access: Access<'_, K>, value: &[u8; V]) -> Outcome<()> {
        self.say(&[b"SET", bytemuck::bytes_of(access.key), value]);
        self.send()?;
        self.line()?;
        Ok(())
    }

    fn remove(&mut self, access: Access<'_, K>) -> Outcome<bool> {
        self.say(&[b"DEL", bytemuck::bytes_of(access.key)]);
        self.send()?;
        Ok(self.line()?.1 == 1)
    }

    fn clear(&mut self) -> Outcome<()> {
        self.say(&[b"FLUSHALL", b"SYNC"]);
        self.send()?;
        self.line()?;
        Ok(())
    }

    /// For one client, the server stays on the client's processor, the first; for two, the
    /// kernel chooses.
    fn lend(&mut self, users: usize) -> Outcome<()> {
        let Some(server) = &self.server else {
            return Ok(());
        };
        let all = &server.processors;
        let where_to = if users == 1 { &all[..1] } else { all };
        clock::pin_process(server.child.id(), where_to)
    }

    /// Sends many requests at once, then reads the answers.
    fn load(&mut self, script: &Script<K, V>) -> Outcome<()> {
        for part in script.entering.chunks(100) {
            for (turn, (key, _)) in part.iter().enumerate() {
                self.say(&[b"SET", bytemuck::bytes_of(key), script.value(turn)]);
            }
            self.send()?;
            for _ in part {
                self.line()?;
            }
        }
        Ok(())
    }
}
