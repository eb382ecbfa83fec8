// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "zygote.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const int kinds[ZYGOTE_NAMESPACES] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWNET,
                                             CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWPID};

// What the processes on the way have come to, in the memory that they borrow.
enum stage { STARTED, FORKING, FORKED, FAILED };

static int enter(const int namespaces[ZYGOTE_NAMESPACES]) {
    for (int i = 0; i < ZYGOTE_NAMESPACES; i++)
        if (setns(namespaces[i], kinds[i]) != 0) return -1;
    return 0;
}

// A process that borrows memory has no restartable sequences (rseq(2)), and so neither has what it forks: as the C library does when it
// starts.
static int renew_rseq(void) {
    if (__rseq_size == 0) return 0;
    const size_t least = 32;
    void *area = (char *)__builtin_thread_pointer() + __rseq_offset;
    return (int)syscall(SYS_rseq, area, __rseq_size < least ? least : __rseq_size, 0, RSEQ_SIG);
}

pid_t zygote_fork_into(const int namespaces[ZYGOTE_NAMESPACES], const struct zygote_hooks *hooks) {
    volatile enum stage stage = STARTED;
    volatile int failure = 0;
    sigset_t all, before;
    hooks->before();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    int dumpable = prctl(PR_GET_DUMPABLE);
    pid_t outside = vfork();
    if (outside == 0) {
        // Only a child of this one is inside the pid namespace, and only its child is left to that namespace's first process.
        pid_t inside = enter(namespaces) == 0 ? vfork() : -1;
        if (inside == 0) {
            stage = FORKING;
            pid_t child = fork();
            if (child == 0) {
                while (getppid() != 1) sched_yield();
                if (renew_rseq() != 0) _exit(1);
                sigprocmask(SIG_SETMASK, &before, NULL);
                hooks->child();
                return 0;
            }
            failure = errno;
            stage = child < 0 ? FAILED : FORKED;
            _exit(0);
        }
        if (inside < 0) {
            failure = errno;
            stage = FAILED;
        }
        _exit(0);
    }
    if (outside < 0) {
        failure = errno;
        stage = FAILED;
    }
    // The sandbox ended in that moment, and left the C library's locks as they were then.
    if (stage == FORKING) _exit(1);
    // What the processes on the way became may have changed it, and it is the memory's.
    prctl(PR_SET_DUMPABLE, dumpable == 1, 0, 0, 0);
    sigprocmask(SIG_SETMASK, &before, NULL);
    hooks->parent();
    if (stage == FORKED) return outside;
    if (outside > 0) waitpid(outside, NULL, 0);
    errno = stage == FAILED ? failure : EINTR;
    return -1;
}

static int limit(int which, rlim_t most) {
    struct rlimit limits;
    if (getrlimit(which, &limits) != 0) return -1;
    if (limits.rlim_max < most) most = limits.rlim_max;
    limits.rlim_cur = limits.rlim_max = most;
    return setrlimit(which, &limits);
}

static int drop_capabilities(void) {
    int capability = 0;
    while (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) capability++;
    // The kernel knows no higher one.
    if (errno != EINVAL || capability == 0) return -1;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -1;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return (int)syscall(SYS_capset, &header, none);
}

int zygote_confine(
    uid_t user, gid_t group, rlim_t processes, rlim_t data_bytes, const void *filter, size_t filter_bytes) {
    struct sock_fprog program = {.len = filter_bytes / sizeof(struct sock_filter), .filter = (struct sock_filter *)filter};
    if (unshare(CLONE_NEWCGROUP) != 0) return -1;
    if (limit(RLIMIT_NPROC, processes) != 0) return -1;
    if (data_bytes > 0 && limit(RLIMIT_DATA, data_bytes) != 0) return -1;
    if (setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0) return -1;
    if (drop_capabilities() != 0) return -1;
    // As any process is after execve(2); changes of user and capabilities made it otherwise.
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}
