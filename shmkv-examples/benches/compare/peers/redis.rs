//! Redis on a Unix socket: a server process of our own, and its plain protocol.
//!
//! An operation is a message and its answer; nothing is batched but `get_many`,
//! which is one `MGET`.

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
use crate::data::{Ask, BATCH, Key, Script};
use crate::store::{Outcome, Store, seen};

/// A connection, and the server if it is ours.
pub(crate) struct Redis {
    stream: UnixStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    /// What of the answer is not yet taken.
    rest: std::ops::Range<usize>,
    server: Option<Server>,
}

/// The server, and where it may run when it serves two.
struct Server {
    child: Child,
    processors: Vec<usize>,
}

/// The version of the server that is installed here, if one is.
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
    /// Starts a server that listens at `socket` and ends with this process.
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
        // SAFETY: between fork and exec one system call is made.
        unsafe { command.pre_exec(prepare) };
        // Inherits this process's processor. With one client that is where it is
        // fastest: a message wakes no other processor up.
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

    /// Adds a request of these words.
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
        // Numbers here have few digits.
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

    /// Reads until at least `wanted` bytes of the answer are there.
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

    /// The next line of the answer: its kind, and its number if it has one.
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

    /// A value in the answer, copied out.
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
            eprintln!("redis-server: {error}");
        }
    }
}

impl<K: Key, const V: usize> Store<K, V> for Redis {
    fn get(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        self.say(&[b"GET", bytemuck::bytes_of(ask.key)]);
        self.send()?;
        self.value::<V>()
    }

    fn get_many(&mut self, asks: [Ask<'_, K>; BATCH]) -> Outcome<usize> {
        self.begin(1 + BATCH);
        self.word(b"MGET");
        for ask in asks {
            self.word(bytemuck::bytes_of(ask.key));
        }
        self.send()?;
        self.line()?;
        let mut found = 0;
        for _ in 0..BATCH {
            found += usize::from(self.value::<V>()?);
        }
        Ok(found)
    }

    fn insert(&mut self, ask: Ask<'_, K>, value: &[u8; V]) -> Outcome<()> {
        self.say(&[b"SET", bytemuck::bytes_of(ask.key), value]);
        self.send()?;
        self.line()?;
        Ok(())
    }

    fn remove(&mut self, ask: Ask<'_, K>) -> Outcome<bool> {
        self.say(&[b"DEL", bytemuck::bytes_of(ask.key)]);
        self.send()?;
        Ok(self.line()?.1 == 1)
    }

    fn clear(&mut self) -> Outcome<()> {
        self.say(&[b"FLUSHALL", b"SYNC"]);
        self.send()?;
        self.line()?;
        Ok(())
    }

    /// For one client the server stays on its processor, the first; for two, the
    /// kernel chooses.
    fn lend(&mut self, users: usize) -> Outcome<()> {
        let Some(server) = &self.server else {
            return Ok(());
        };
        let all = &server.processors;
        let where_to = if users == 1 { &all[..1] } else { all };
        clock::pin_process(server.child.id(), where_to)
    }

    /// Many requests at once, then their answers.
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
