//! Makes the kernel refuse certain system calls for the rest of this process's life, by a seccomp
//! filter, as a sandbox does.
//!
//! Unlike [`inject`](super::inject) it refuses every such call, and needs no tracer; the two can be
//! combined. Call it in a child.

use nix::errno::Errno;
use nix::libc;

/// Calls of `call` whose argument number `argument`, masked with `mask`, is `value`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) call: libc::c_long,
    pub(crate) argument: u32,
    pub(crate) mask: u32,
    pub(crate) value: u32,
}

/// `fcntl(F_OFD_SETLK)`.
pub(crate) const OFD_LOCKS: Rule = Rule {
    call: libc::SYS_fcntl,
    argument: 1,
    mask: u32::MAX,
    value: libc::F_OFD_SETLK.cast_unsigned(),
};
/// `openat(O_TMPFILE)`.
pub(crate) const UNNAMED_FILES: Rule = Rule {
    call: libc::SYS_openat,
    argument: 2,
    mask: libc::O_TMPFILE.cast_unsigned(),
    value: libc::O_TMPFILE.cast_unsigned(),
};
/// `fallocate` with any mode.
pub(crate) const RESERVATION: Rule = Rule {
    call: libc::SYS_fallocate,
    argument: 1,
    mask: 0,
    value: 0,
};

/// `madvise(MADV_POPULATE_READ)` and `madvise(MADV_POPULATE_WRITE)`, which differ in the last bit.
pub(crate) const POPULATION: Rule = Rule {
    call: libc::SYS_madvise,
    argument: 2,
    mask: !1,
    value: libc::MADV_POPULATE_READ.cast_unsigned(),
};

/// Makes the kernel answer such calls with `errno` from here on.
pub(crate) fn refuse(rule: Rule, errno: Errno) {
    // Where the kernel puts the call's number and the low half of its arguments, on a little-endian machine.
    let number = 0;
    let argument = 16 + 8 * rule.argument;
    let load = |at| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at);
    let and = |mask| statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, mask);
    let answer = |what| statement(libc::BPF_RET | libc::BPF_K, what);
    let unless_equal = |value: u32, skip| libc::sock_filter {
        jf: skip,
        ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value)
    };
    let call = u32::try_from(rule.call).expect("a call number");
    let mut program = [
        load(number),
        unless_equal(call, 4),
        load(argument),
        and(rule.mask),
        unless_equal(rule.value, 1),
        answer(libc::SECCOMP_RET_ERRNO | errno as u32),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: PR_SET_NO_NEW_PRIVS takes numbers and touches no memory.
    let set = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(set, 0, "PR_SET_NO_NEW_PRIVS");
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: `program` is a valid filter that outlives the call, which copies it.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
    assert_eq!(set, 0, "PR_SET_SECCOMP: {}", Errno::last());
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    }
}
