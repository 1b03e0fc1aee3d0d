/* Which system calls are left. The list was taken from what the programs, libc, libzmq and SQLite were seen
   to do (strace -f over whole fleets), with the neighbours by which other versions of them do the same. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/io/sandbox_part.h"

#define COUNT(list) (sizeof (list) / sizeof (list)[0])

/* Whatever their arguments are. */
static const int for_both[] = {
    /* memory, threads, time; mmap, mprotect and clone stand below */
    SCMP_SYS (brk), SCMP_SYS (munmap), SCMP_SYS (mremap), SCMP_SYS (madvise), SCMP_SYS (mlock),
    SCMP_SYS (munlock), SCMP_SYS (futex), SCMP_SYS (set_robust_list), SCMP_SYS (rseq), SCMP_SYS (sched_yield),
    SCMP_SYS (sched_getaffinity), SCMP_SYS (sched_getparam), SCMP_SYS (sched_getscheduler),
    SCMP_SYS (sched_setscheduler), SCMP_SYS (getcpu), SCMP_SYS (membarrier), SCMP_SYS (restart_syscall),
    SCMP_SYS (exit), SCMP_SYS (exit_group), SCMP_SYS (clock_gettime), SCMP_SYS (clock_getres),
    SCMP_SYS (gettimeofday), SCMP_SYS (time), SCMP_SYS (nanosleep), SCMP_SYS (clock_nanosleep),
    /* itself */
    SCMP_SYS (getpid), SCMP_SYS (gettid), SCMP_SYS (getppid), SCMP_SYS (getuid), SCMP_SYS (geteuid),
    SCMP_SYS (getgid), SCMP_SYS (getegid), SCMP_SYS (uname), SCMP_SYS (sysinfo), SCMP_SYS (getrandom),
    SCMP_SYS (rt_sigaction), SCMP_SYS (rt_sigprocmask), SCMP_SYS (rt_sigreturn), SCMP_SYS (sigaltstack),
    /* waiting, and bytes through descriptors */
    SCMP_SYS (epoll_create1), SCMP_SYS (epoll_ctl), SCMP_SYS (epoll_wait), SCMP_SYS (epoll_pwait),
    SCMP_SYS (poll), SCMP_SYS (ppoll), SCMP_SYS (eventfd2), SCMP_SYS (read), SCMP_SYS (write),
    SCMP_SYS (readv), SCMP_SYS (writev), SCMP_SYS (pread64), SCMP_SYS (pwrite64), SCMP_SYS (lseek),
    SCMP_SYS (_llseek), SCMP_SYS (close), SCMP_SYS (fcntl), SCMP_SYS (fcntl64),
    /* files: Landlock says which */
    SCMP_SYS (open), SCMP_SYS (openat), SCMP_SYS (fstat), SCMP_SYS (stat), SCMP_SYS (lstat),
    SCMP_SYS (newfstatat), SCMP_SYS (statx), SCMP_SYS (access), SCMP_SYS (faccessat), SCMP_SYS (faccessat2),
    SCMP_SYS (readlink), SCMP_SYS (readlinkat), SCMP_SYS (getdents64), SCMP_SYS (getcwd), SCMP_SYS (umask),
    SCMP_SYS (unlink), SCMP_SYS (unlinkat), SCMP_SYS (rename), SCMP_SYS (renameat), SCMP_SYS (renameat2),
    SCMP_SYS (ftruncate), SCMP_SYS (ftruncate64), SCMP_SYS (fallocate), SCMP_SYS (fsync),
    SCMP_SYS (fdatasync),
    /* sockets that are there; socket stands below */
    SCMP_SYS (getsockname), SCMP_SYS (getpeername), SCMP_SYS (getsockopt), SCMP_SYS (setsockopt),
    SCMP_SYS (shutdown), SCMP_SYS (sendto), SCMP_SYS (sendmsg), SCMP_SYS (sendmmsg), SCMP_SYS (recvfrom),
    SCMP_SYS (recvmsg)};

static const int for_connecting[] = {SCMP_SYS (connect)};

/* Listening, SQLite, the depot, and the end of the child that was started before. */
static const int for_listening[] = {
    SCMP_SYS (bind),     SCMP_SYS (listen),    SCMP_SYS (accept), SCMP_SYS (accept4), SCMP_SYS (mkdir),
    SCMP_SYS (mkdirat),  SCMP_SYS (rmdir),     SCMP_SYS (flock),  SCMP_SYS (chmod),   SCMP_SYS (fchmod),
    SCMP_SYS (fchmodat), SCMP_SYS (signalfd4), SCMP_SYS (waitid), SCMP_SYS (wait4)};

/* Only somebody who has broken in calls these. */
static const int hostile[] = {
    SCMP_SYS (execve),
    SCMP_SYS (execveat),
    SCMP_SYS (fork),
    SCMP_SYS (vfork),
    SCMP_SYS (ptrace),
    SCMP_SYS (process_vm_readv),
    SCMP_SYS (process_vm_writev),
    SCMP_SYS (process_madvise),
    SCMP_SYS (kcmp),
    SCMP_SYS (pidfd_open),
    SCMP_SYS (pidfd_getfd),
    SCMP_SYS (pidfd_send_signal),
    SCMP_SYS (mount),
    SCMP_SYS (umount2),
    SCMP_SYS (pivot_root),
    SCMP_SYS (move_mount),
    SCMP_SYS (open_tree),
    SCMP_SYS (fsopen),
    SCMP_SYS (chroot),
    SCMP_SYS (setns),
    SCMP_SYS (unshare),
    SCMP_SYS (bpf),
    SCMP_SYS (perf_event_open),
    SCMP_SYS (userfaultfd),
    SCMP_SYS (io_uring_setup),
    SCMP_SYS (io_uring_enter),
    SCMP_SYS (io_uring_register),
    SCMP_SYS (keyctl),
    SCMP_SYS (add_key),
    SCMP_SYS (request_key),
    SCMP_SYS (memfd_create),
    SCMP_SYS (memfd_secret),
    SCMP_SYS (pkey_mprotect),
    SCMP_SYS (init_module),
    SCMP_SYS (finit_module),
    SCMP_SYS (kexec_load),
    SCMP_SYS (kexec_file_load),
    SCMP_SYS (open_by_handle_at),
    SCMP_SYS (name_to_handle_at),
    SCMP_SYS (personality),
    SCMP_SYS (modify_ldt),
    SCMP_SYS (iopl),
    SCMP_SYS (ioperm),
    SCMP_SYS (setuid),
    SCMP_SYS (setresuid),
    SCMP_SYS (setgid),
    SCMP_SYS (setresgid),
    SCMP_SYS (setgroups),
    SCMP_SYS (capset),
    SCMP_SYS (mknod),
    SCMP_SYS (mknodat),
    SCMP_SYS (reboot),
    SCMP_SYS (swapon),
    SCMP_SYS (quotactl)};

#if SANDBOX_SANITIZED
/* What the sanitizers' own code calls: for a report, and to look for leaks at the end. */
static const int for_sanitizer[] = {SCMP_SYS (clone),     SCMP_SYS (ptrace),    SCMP_SYS (wait4),
                                    SCMP_SYS (prctl),     SCMP_SYS (kill),      SCMP_SYS (tgkill),
                                    SCMP_SYS (pipe),      SCMP_SYS (pipe2),     SCMP_SYS (personality),
                                    SCMP_SYS (ioctl),     SCMP_SYS (mincore),   SCMP_SYS (getdents),
                                    SCMP_SYS (dup),       SCMP_SYS (getrusage), SCMP_SYS (prlimit64),
                                    SCMP_SYS (getrlimit), SCMP_SYS (setrlimit), SCMP_SYS (process_vm_readv)};

static bool is_sanitizers (int call)
{
    for (size_t i = 0; i < COUNT (for_sanitizer); i++)
        if (for_sanitizer[i] == call)
            return true;
    return false;
}
#else
static bool is_sanitizers (int call)
{
    (void)call;
    return false;
}
#endif

struct filter {
    scmp_filter_ctx context;
    uint32_t standard; /* what happens to a call without a rule */
    int failed;        /* the first negative errno */
};

static void add (
    struct filter *filter, uint32_t action, int call, unsigned count, const struct scmp_arg_cmp *arguments)
{
    int failed = 0;
    if (action != filter->standard && (action == SCMP_ACT_ALLOW || !is_sanitizers (call)))
        failed = seccomp_rule_add_array (filter->context, action, call, count, arguments);
    if (failed != 0 && filter->failed == 0)
        filter->failed = failed;
}

static void add_all (struct filter *filter, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add (filter, action, calls[i], 0, NULL);
}

static struct scmp_arg_cmp equals (unsigned argument, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value};
}

static struct scmp_arg_cmp masked (unsigned argument, scmp_datum_t mask, scmp_datum_t value)
{
    return (struct scmp_arg_cmp){
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

/* Memory that is executed is there before; what is asked for later is data. A library that libc would load
   now (a name service) is refused, and libc goes on without it. */
static void add_memory (struct filter *filter)
{
    static const int calls[] = {SCMP_SYS (mmap), SCMP_SYS (mmap2), SCMP_SYS (mprotect)};
    for (size_t i = 0; i < COUNT (calls); i++) {
        const struct scmp_arg_cmp data = masked (2, PROT_EXEC, 0);
        const struct scmp_arg_cmp code = masked (2, PROT_EXEC, PROT_EXEC);
        add (filter, SCMP_ACT_ALLOW, calls[i], 1, &data);
        add (filter, SCMP_ACT_ERRNO (EACCES), calls[i], 1, &code);
    }
}

/* A filter can't look into the struct of clone3; libc takes clone where there is none. */
static void add_threads (struct filter *filter)
{
    const scmp_datum_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                CLONE_NEWPID | CLONE_NEWNET;
    const struct scmp_arg_cmp thread = masked (0, CLONE_THREAD | spaces, CLONE_THREAD);
    const struct scmp_arg_cmp child = masked (0, CLONE_THREAD, 0);
    add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0, NULL);
    add (filter, SCMP_ACT_ALLOW, SCMP_SYS (clone), 1, &thread);
    add (filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS (clone), 1, &child);
}

/* Its own name, its own limits, its own end by abort. */
static void add_itself (struct filter *filter)
{
    const struct scmp_arg_cmp name = equals (0, PR_SET_NAME);
    const struct scmp_arg_cmp itself = equals (0, (scmp_datum_t)getpid ());
    const struct scmp_arg_cmp own = equals (0, 0);
    add (filter, SCMP_ACT_ALLOW, SCMP_SYS (prctl), 1, &name);
    add (filter, SCMP_ACT_ALLOW, SCMP_SYS (tgkill), 1, &itself);
    add (filter, SCMP_ACT_ALLOW, SCMP_SYS (prlimit64), 1, &own);
    add (filter, SCMP_ACT_ERRNO (ENOTTY), SCMP_SYS (ioctl), 0, NULL);
}

static bool has_family (enum sandbox_network network, int family)
{
    return family == AF_INET || family == AF_INET6 || (network == SANDBOX_LISTENS && family == AF_UNIX);
}

static void add_family (struct filter *filter, enum sandbox_network network, int family)
{
    static const scmp_datum_t kinds = 0xF;
    const struct scmp_arg_cmp any = equals (0, (scmp_datum_t)family);
    const struct scmp_arg_cmp stream[] = {any, masked (1, kinds, SOCK_STREAM)};
    const struct scmp_arg_cmp datagram[] = {any, masked (1, kinds, SOCK_DGRAM)};
    const struct scmp_arg_cmp raw[] = {any, masked (1, kinds, SOCK_RAW)};
    if (!has_family (network, family)) {
        add (filter, SCMP_ACT_ERRNO (EOPNOTSUPP), SCMP_SYS (socket), 1, &any);
        return;
    }
    add (filter, SCMP_ACT_ALLOW, SCMP_SYS (socket), COUNT (stream), stream);
    if (network == SANDBOX_CONNECTS) /* questions to name servers */
        add (filter, SCMP_ACT_ALLOW, SCMP_SYS (socket), COUNT (datagram), datagram);
    add (filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS (socket), COUNT (raw), raw);
}

/* Other families are "not supported", which libzmq and libc understand: they ask netlink for the interfaces,
   and do without. */
static void add_sockets (struct filter *filter, enum sandbox_network network)
{
    for (int family = 0; family < AF_MAX; family++)
        add_family (filter, network, family);
}

static void fill (struct filter *filter, enum sandbox_network network)
{
    add_all (filter, SCMP_ACT_ALLOW, for_both, COUNT (for_both));
    if (network == SANDBOX_CONNECTS)
        add_all (filter, SCMP_ACT_ALLOW, for_connecting, COUNT (for_connecting));
    else
        add_all (filter, SCMP_ACT_ALLOW, for_listening, COUNT (for_listening));
    add_all (filter, SCMP_ACT_KILL_PROCESS, hostile, COUNT (hostile));
    add_memory (filter);
    add_threads (filter);
    add_itself (filter);
    add_sockets (filter, network);
#if SANDBOX_SANITIZED
    add_all (filter, SCMP_ACT_ALLOW, for_sanitizer, COUNT (for_sanitizer));
#endif
}

bool sandbox_limit_calls (enum sandbox_network network, struct error *error)
{
    struct filter filter = {
        .standard = network == SANDBOX_CONNECTS ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO (EPERM)};
    filter.context = seccomp_init (filter.standard);
    if (filter.context == NULL)
        return error_set (error, ERROR_SYSTEM, "sandbox: libseccomp can't begin a filter");
    filter.failed = seccomp_attr_set (filter.context, SCMP_FLTATR_CTL_TSYNC, 1);
    fill (&filter, network);
    if (filter.failed == 0)
        filter.failed = seccomp_load (filter.context);
    seccomp_release (filter.context);
    if (filter.failed != 0)
        return error_set (
            error, ERROR_SYSTEM,
            "sandbox: cannot limit the system calls: %s (does this kernel have seccomp?)",
            strerror (-filter.failed));
    return true;
}
