//! Do `prefault` and `huge_pages` have the promised effect, and no worse one?
//!
//! The kernel counts the page faults (`getrusage`) while every entry of a map is written or read, and the
//! pages that are resident, with the huge ones among them (`/proc/self/smaps`).
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

#[path = "../support/mod.rs"]
mod support;

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use shmkv_core::{Options, ShmMap, ShmReader};
use support::directory::Directory;
use support::environment;
use support::proc::{SegmentName, fork_child};
use support::report::Report;
use support::seccomp::{POPULATION, refuse};
use support::shared::SharedWords;

/// Five megabytes: more than a thousand pages, two huge ones.
type Map = ShmMap<40_000, 8, 64>;
type Reader = ShmReader<40_000, 8, 64>;

const LONG: Duration = Duration::from_secs(60);
const HUGE: usize = 2 << 20;

/// How many page faults the program itself may cause meanwhile.
const FEW: i64 = 8;

fn main() {
    let mut args = Arguments::from_args();
    args.test_threads = Some(1);
    // Mounts need root.
    let root = environment::is_root();
    let huge = kernel_has_huge_pages();
    let trials = vec![
        Trial::test("prefaulted", each_way),
        Trial::test("prefaulted_on_disk", prefaulted_on_disk),
        Trial::test("prefaulted_by_old_kernels", prefaulted_by_old_kernels),
        Trial::test("huge_pages", huge_pages).with_ignored_flag(!root || !huge),
        Trial::test("huge_pages_while_others_write", while_others_write),
        Trial::test("small_maps", small_maps),
    ];
    libtest_mimic::run(&args, trials).exit();
}

/// Whether the kernel can collapse pages of shared memory to huge ones (Linux 6.1), and is allowed to.
fn kernel_has_huge_pages() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map(str::parse::<u32>);
    let recent = matches!(
        (numbers.next(), numbers.next()),
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (6, 1)
    );
    let enabled = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
    recent && enabled.is_ok_and(|it| !it.contains("[deny]"))
}

enum Opened {
    Map(Map),
    Reader(Reader),
}

impl Opened {
    fn reader(&self) -> &Reader {
        match self {
            Self::Map(map) => map,
            Self::Reader(reader) => reader,
        }
    }

    /// Writes every entry, or reads it through a read-only handle.
    fn use_all(&self) {
        match self {
            Self::Map(map) => fill(map),
            Self::Reader(reader) => read(reader),
        }
    }
}

fn fill(map: &Map) {
    for i in 0..map.capacity() as u64 {
        map.insert(i.to_ne_bytes(), value(i)).unwrap();
    }
}

fn read(reader: &Reader) {
    for i in 0..reader.capacity() as u64 {
        let found = reader.get(i.to_ne_bytes()).unwrap();
        assert!(found.is_none_or(|found| found == value(i)));
    }
}

fn value(i: u64) -> [u8; 64] {
    [i as u8; 64]
}

fn faults() -> i64 {
    getrusage(UsageWho::RUSAGE_SELF)
        .unwrap()
        .minor_page_faults()
}

/// How many page faults `use_all` takes.
fn faults_of(use_all: impl FnOnce()) -> i64 {
    let before = faults();
    use_all();
    faults() - before
}

/// How many bytes of shared memory are resident in this process.
fn resident() -> usize {
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut shared = false;
    let mut bytes = 0;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        match (words.next().unwrap(), words.next().unwrap()) {
            ("Rss:", kilobytes) if shared => bytes += kilobytes.parse::<usize>().unwrap() << 10,
            (name, _) if name.ends_with(':') => {}
            (_, permissions) => shared = permissions.ends_with('s'),
        }
    }
    bytes
}

type Way = (&'static str, Box<dyn Fn(&Options<Map>) -> Opened>);

fn ways() -> Vec<Way> {
    fn way(name: &'static str, open: impl Fn(&Options<Map>) -> Opened + 'static) -> Way {
        (name, Box::new(open))
    }
    /// An empty directory, which is removed while the map is open.
    fn new() -> Directory {
        Directory::under(Path::new("/dev/shm"))
    }
    /// A directory with a full map, which no process has open.
    fn old() -> Directory {
        let directory = new();
        fill(&Map::create_at(directory.file("map")).unwrap());
        directory
    }
    fn name() -> SegmentName {
        let name = SegmentName::unique();
        fill(&Map::create(name.as_str()).unwrap());
        name
    }
    fn descriptor() -> OwnedFd {
        let map = Map::create_anonymous().unwrap();
        fill(&map);
        map.as_fd().try_clone_to_owned().unwrap()
    }
    vec![
        way("create", |options| {
            Opened::Map(options.create(SegmentName::unique().as_str()).unwrap())
        }),
        way("open", |options| {
            Opened::Map(options.open(name().as_str()).unwrap())
        }),
        way("open_or_create, new", |options| {
            let name = SegmentName::unique();
            Opened::Map(options.open_or_create(name.as_str()).unwrap())
        }),
        way("open_or_create, old", |options| {
            Opened::Map(options.open_or_create(name().as_str()).unwrap())
        }),
        way("open_read_only", |options| {
            Opened::Reader(options.open_read_only(name().as_str()).unwrap())
        }),
        way("create_at", |options| {
            Opened::Map(options.create_at(new().file("map")).unwrap())
        }),
        way("open_at", |options| {
            Opened::Map(options.open_at(old().file("map")).unwrap())
        }),
        way("open_or_create_at", |options| {
            Opened::Map(options.open_or_create_at(new().file("map")).unwrap())
        }),
        way("open_read_only_at", |options| {
            Opened::Reader(options.open_read_only_at(old().file("map")).unwrap())
        }),
        way("create_anonymous", |options| {
            Opened::Map(options.create_anonymous().unwrap())
        }),
        way("from_fd", |options| {
            Opened::Map(options.from_fd(descriptor()).unwrap())
        }),
        way("from_fd_read_only", |options| {
            Opened::Reader(options.from_fd_read_only(descriptor()).unwrap())
        }),
    ]
}

/// Opens a map in each way, with and without `prefault`, and uses all of it.
fn each_way() -> Result<(), Failed> {
    let mut violations = Vec::new();
    let (mut most_without, mut most_with) = (0, 0);
    let ways = ways();
    for (name, open) in &ways {
        let without = {
            let map = open(&Map::options());
            faults_of(|| map.use_all())
        };
        let map = open(&Map::options().prefault(true));
        let resident = resident();
        let with = faults_of(|| map.use_all());
        let all = map.reader().stats().bytes;
        if with > FEW || without <= with {
            violations.push(format!("{name}: {without} page faults, prefaulted {with}"));
        }
        if resident < all {
            violations.push(format!("{name}: {resident} bytes of {all} are resident"));
        }
        most_without = most_without.max(without);
        most_with = most_with.max(with);
    }
    Report::new("pages", "prefaulted")
        .count("ways to open", ways.len())
        .count("page faults at most", most_without)
        .count("prefaulted", most_with)
        .require(&violations)
}

/// Reading takes no page faults. Writing does, since the kernel must learn which pages change.
fn prefaulted_on_disk() -> Result<(), Failed> {
    let directory = Directory::new();
    fill(&Map::create_at(directory.file("map"))?);
    let without = Map::open_at(directory.file("map"))?;
    let without = faults_of(|| read(&without));
    let with = Map::options()
        .prefault(true)
        .open_at(directory.file("map"))?;
    let with = faults_of(|| read(&with));
    let report = Report::new("pages", "on disk");
    let report = report.count("page faults", without);
    let wrong = (without <= FEW || with > FEW).then_some("the number of page faults");
    report.count("prefaulted", with).require(wrong.as_slice())
}

/// Kernels before 5.14 do not know `MADV_POPULATE_READ` and `MADV_POPULATE_WRITE`.
fn prefaulted_by_old_kernels() -> Result<(), Failed> {
    let child = fork_child(|| {
        refuse(POPULATION, Errno::EINVAL);
        match each_way() {
            Ok(()) => 0,
            Err(failed) => {
                eprintln!("{failed:?}");
                1
            }
        }
    });
    match child.exit_code(LONG)? {
        0 => Ok(()),
        _ => Err("see above".into()),
    }
}

/// A map that asks for huge pages gets them, whatever the mount option and the way to open, and keeps its
/// contents.
fn huge_pages() -> Result<(), Failed> {
    for mount in ["never", "advise", "within_size", "always"] {
        let child = environment::fork_with_huge_tmpfs("/dev/shm", 64 << 20, mount, || {
            let asking = Map::options().huge_pages(true);
            let all =
                |map: &Reader| map.huge_page_bytes().unwrap() / HUGE == map.stats().bytes / HUGE;

            // A map that another handle made, without huge pages.
            let plain = Map::create("/plain").unwrap();
            fill(&plain);
            let huge = plain.huge_page_bytes().unwrap();
            assert!(huge == 0 || !matches!(mount, "never" | "advise"));
            let reader = asking.open_read_only("/plain").unwrap();
            assert!(all(&reader), "open_read_only");
            assert_eq!(plain.check(), []);
            read(&reader);
            drop(reader);
            assert!(all(&asking.open("/plain").unwrap()), "open");

            let new = asking.create("/new").unwrap();
            assert!(all(&new), "create");
            fill(&new);
            assert!(all(&new), "full");
            assert_eq!(new.check(), []);

            let prefaulted = asking.clone().prefault(true).create("/all").unwrap();
            assert!(all(&prefaulted), "prefaulted");
            let faults = faults_of(|| fill(&prefaulted));
            assert!(faults <= FEW, "{faults} page faults");

            let anonymous = asking.create_anonymous().unwrap();
            assert!(all(&anonymous), "anonymous");
            let fd = anonymous.as_fd().try_clone_to_owned().unwrap();
            assert!(all(&asking.from_fd(fd).unwrap()), "from_fd");

            assert!(
                all(&asking.create_at("/dev/shm/file").unwrap()),
                "create_at"
            );
            assert!(all(&asking.open_at("/dev/shm/file").unwrap()), "open_at");
            0
        });
        match child.exit_code(LONG)? {
            0 => {}
            code => return Err(format!("huge={mount}: {code}, see above").into()),
        }
    }
    Ok(())
}

/// The kernel copies the pages of a map while another process writes to it.
fn while_others_write() -> Result<(), Failed> {
    let words = SharedWords::new(1);
    let end = &words[0];
    let mut huge = 0;
    let rounds = 20;
    for _ in 0..rounds {
        let map = Map::create_anonymous()?;
        fill(&map);
        // Relaxed: the child is forked afterwards, and nothing depends on when it sees the end.
        end.store(0, Relaxed);
        let writer = fork_child(|| {
            let mut random = fastrand::Rng::with_seed(7);
            while end.load(Relaxed) == 0 {
                let i = random.u64(..map.capacity() as u64);
                map.insert(i.to_ne_bytes(), value(i)).unwrap();
                assert_eq!(map.get(i.to_ne_bytes()).unwrap(), Some(value(i)));
            }
            0
        });
        let begin = map.version();
        let start = Instant::now();
        while map.version() == begin {
            assert!(start.elapsed() < LONG, "the writer has not started");
        }
        let fd = map.as_fd().try_clone_to_owned()?;
        let opened = Map::options().huge_pages(true).from_fd(fd)?;
        huge += opened.huge_page_bytes()?;
        read(&opened);
        end.store(1, Relaxed);
        assert_eq!(writer.exit_code(LONG)?, 0);
        assert_eq!(opened.check(), []);
        assert_eq!(opened.len(), opened.capacity());
        read(&map);
    }
    Report::new("pages", "while others write")
        .count("rounds", rounds)
        .count("huge pages", huge / HUGE)
        .print();
    Ok(())
}

/// Asking for huge pages is no error for a map smaller than one.
fn small_maps() -> Result<(), Failed> {
    let options = ShmMap::<10, 8, 16>::options()
        .huge_pages(true)
        .prefault(true);
    let map = options.create_anonymous()?;
    map.insert([1; 8], [2; 16])?;
    assert_eq!(map.get([1; 8])?, Some([2; 16]));
    assert_eq!(map.huge_page_bytes()?, 0);
    Ok(())
}
