//! What the figures depend on: the machine, the kernel and the compiler.

use std::fmt;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) virtual_machine: bool,
    pub(crate) processors: usize,
    pub(crate) last_level_cache: String,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    pub(crate) compiler: String,
    pub(crate) clock: String,
    pub(crate) huge_pages: String,
    pub(crate) huge_pages_shmem: String,
    pub(crate) dev_shm: String,
}

impl Machine {
    pub(crate) fn this(processors: usize) -> Self {
        let cpu = read("/proc/cpuinfo");
        let system = "/sys/devices/system";
        let thp = "/sys/kernel/mm/transparent_hugepage";
        Self {
            processor: field(&cpu, "model name").unwrap_or_else(unknown),
            virtual_machine: field(&cpu, "flags")
                .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            processors,
            last_level_cache: last_level_cache(),
            memory_gib: memory("MemTotal").unwrap_or_default() >> 30,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            compiler: compiler(),
            clock: read(&format!(
                "{system}/clocksource/clocksource0/current_clocksource"
            ))
            .trim()
            .to_owned(),
            huge_pages: chosen(&read(&format!("{thp}/enabled"))),
            huge_pages_shmem: chosen(&read(&format!("{thp}/shmem_enabled"))),
            dev_shm: mount_options("/dev/shm").unwrap_or_else(unknown),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.virtual_machine {
            ", virtual machine"
        } else {
            ""
        };
        writeln!(
            f,
            "processor     {}, {} used{kind}, last-level cache {}",
            self.processor, self.processors, self.last_level_cache
        )?;
        writeln!(
            f,
            "memory        {} GiB, /dev/shm: {}",
            self.memory_gib, self.dev_shm
        )?;
        writeln!(
            f,
            "huge pages    private memory: {}, shared memory: {} (4 KiB pages unless \"always\")",
            self.huge_pages, self.huge_pages_shmem
        )?;
        writeln!(
            f,
            "software      Linux {}, {}, clock {}",
            self.kernel, self.compiler, self.clock
        )
    }
}

/// How many bytes of memory are available.
pub(crate) fn available_memory() -> Option<u64> {
    memory("MemAvailable")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// The value of the first line `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = pairs.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

fn memory(name: &str) -> Option<u64> {
    let value = field(&read("/proc/meminfo"), name)?;
    let kib: u64 = value.strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

fn last_level_cache() -> String {
    let size = |index| {
        let path = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size");
        let size = read(&path).trim().to_owned();
        (!size.is_empty()).then_some(size)
    };
    (0..5).rev().find_map(size).unwrap_or_else(unknown)
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    let words: Vec<_> = text.split_whitespace().take(2).collect();
    if words.is_empty() {
        unknown()
    } else {
        words.join(" ")
    }
}

/// The word in brackets: `always [madvise] never`.
fn chosen(text: &str) -> String {
    let inside = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    inside.map_or_else(unknown, |(word, _)| word.to_owned())
}

/// The type and options of the file system mounted at `path`.
fn mount_options(path: &str) -> Option<String> {
    let mounts = read("/proc/mounts");
    let mut lines = mounts.lines().map(|line| line.split(' '));
    let mut found = lines.rfind(|line| line.clone().nth(1) == Some(path))?;
    let kind = found.nth(2)?;
    let options = found.next()?;
    let huge = options
        .split(',')
        .find(|option| option.starts_with("huge="));
    Some(format!("{kind}, {}", huge.unwrap_or("no huge= option")))
}
