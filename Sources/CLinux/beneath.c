// SPDX-License-Identifier: Apache-2.0
// A process whose namespaces are below those of another sandbox.
#define _GNU_SOURCE
#include "clinux.h"
#include "result.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A child of the caller's parent. The signal at its end is the caller's own.
static int clone_sibling(uint64_t flags, int *pidfd) {
    struct clone_args arguments = {0};
    arguments.flags = flags | CLONE_PIDFD | CLONE_PARENT;
    arguments.pidfd = (uint64_t)(uintptr_t)pidfd;
    return (int)RESULT(syscall(SYS_clone3, &arguments, sizeof arguments));
}

// The process number of a pidfd as this /proc counts; -errno for none.
static int process_of(int pidfd) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count < 0) return -EIO;
    text[count] = 0;
    const char *line = strstr(text, "\nPid:");
    int process = line ? atoi(line + 5) : 0;
    return process > 0 ? process : -ESRCH;
}

static int write_map(int process, const char *file, const char *map) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", process, file);
    return clinux_write_file(path, map);
}

// What one of the two processes on the way tells the caller of clinux_clone_beneath, with the child's pidfd when there is one.
struct beneath {
    int error;
    int helper;
    int child;
};

static void tell_beneath(int socket, struct beneath message, int pidfd) {
    clinux_send(socket, &message, sizeof message, &pidfd, pidfd < 0 ? 0 : 1);
    _exit(0);
}

// In the second process, which is inside both namespaces: returns in the child only.
static void clone_inside(uint64_t flags, uid_t owner, const char *uid_map, const char *gid_map, int socket) {
    char self[32] = "";
    // This /proc is the machine's.
    ssize_t length = readlink("/proc/self", self, sizeof self - 1);
    struct beneath message = {.helper = length > 0 ? atoi(self) : -1};
    int pidfd = -1;
    int result = message.helper > 0 ? clone_sibling(flags, &pidfd) : -ESRCH;
    if (result == 0) return;
    if (result > 0) {
        // Whose the child's files in /proc are: root's, unless it is dumpable.
        if (owner == 0) setfsuid(geteuid());
        result = message.child = process_of(pidfd);
    }
    if (result > 0) result = write_map(message.child, "uid_map", uid_map);
    if (result == 0) result = write_map(message.child, "gid_map", gid_map);
    message.error = result;
    tell_beneath(socket, message, pidfd);
}

// In the first process: enters both namespaces, the second of which holds for its children only.
static void clone_from_outside(
    uint64_t flags, int user_namespace, int process_namespace, uid_t owner, const char *uid_map, const char *gid_map,
    int socket) {
    int result = 0;
    if (owner != 0) {
        result = RESULT(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
        // Both ids of who makes a namespace must be known in the one that it is made in; files are opened as before.
        if (result == 0) result = (int)RESULT(syscall(SYS_setresgid, -1, owner, -1));
        setfsgid(0);
        if (result == 0) result = clinux_become_effective(owner);
    }
    if (result == 0) result = RESULT(setns(user_namespace, CLONE_NEWUSER));
    if (result == 0) result = RESULT(setns(process_namespace, CLONE_NEWPID));
    // Who is inside owns what is made below, sees it in its /proc, and would have every capability over it: what is not dumpable is
    // closed to it nevertheless, from the first moment (ptrace(2), "Ptrace access mode checking"). It would be closed to a caller
    // who is an ordinary user too, which has to look at it: there, nothing that is hostile may be inside.
    if (result == 0) result = RESULT(prctl(PR_SET_DUMPABLE, owner == 0 ? 1 : 0, 0, 0, 0));
    int pidfd = -1;
    if (result == 0) result = clone_sibling(0, &pidfd);
    if (result == 0) return clone_inside(flags, owner, uid_map, gid_map, socket);
    if (result < 0) tell_beneath(socket, (struct beneath){.error = result, .helper = -1}, -1);
    _exit(0);
}

static void reap(pid_t process) {
    int status;
    while (process > 0 && waitpid(process, &status, 0) < 0 && errno == EINTR) {}
}

pid_t clinux_clone_beneath(
    uint64_t flags, int user_namespace, int process_namespace, uid_t owner, const char *uid_map, const char *gid_map,
    int *pidfd) {
    int ours, theirs;
    int result = clinux_socketpair_seqpacket(&ours, &theirs);
    if (result < 0) return result;
    pid_t outside = fork();
    if (outside == 0) {
        close(ours);
        clone_from_outside(flags, user_namespace, process_namespace, owner, uid_map, gid_map, theirs);
        close(theirs);
        return 0;
    }
    result = outside < 0 ? -errno : 0;
    close(theirs);
    struct beneath message = {.error = -EPROTO, .helper = -1};
    *pidfd = -1;
    size_t count = 1;
    if (result == 0 && clinux_receive(ours, &message, sizeof message, pidfd, &count) != sizeof message) {
        message = (struct beneath){.error = -EPROTO, .helper = -1};
    }
    close(ours);
    if (result == 0) result = message.error;
    if (result == 0 && *pidfd < 0) result = -EPROTO;
    reap(outside);
    reap(message.helper);
    if (result == 0) return message.child;
    if (*pidfd >= 0) {
        clinux_pidfd_send_signal(*pidfd, SIGKILL);
        int status;
        clinux_waitid_pidfd(*pidfd, &status);
        close(*pidfd);
    }
    return result;
}
