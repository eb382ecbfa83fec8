// SPDX-License-Identifier: Apache-2.0
// What a process that others are forked from does between the walls, for the interpreter that it runs: a library that is loaded there, and
// not part of the server. Functions return -1 and set errno where they fail.
#ifndef MARTLET_ZYGOTE_H
#define MARTLET_ZYGOTE_H

#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

// User, mount, network, IPC, UTS, pid: setns(2) takes them in this order, since the first gives what the others ask for.
#define ZYGOTE_NAMESPACES 6

// What the interpreter does before a fork, and after it in the parent and in the child.
struct zygote_hooks {
    void (*before)(void);
    void (*parent)(void);
    void (*child)(void);
};

// Forks a process that is in those namespaces and a child of the pid namespace's first process. Returns 0 there, and here the number of a
// process that has ended or is about to, for waitpid(2).
//
// Memory is copied once: the two processes on the way borrow the caller's, which waits for them. No signal is handled meanwhile.
pid_t zygote_fork_into(const int namespaces[ZYGOTE_NAMESPACES], const struct zygote_hooks *hooks);

// Leaves nothing of what entering the sandbox brought, as for a process that was executed there: the control group that it is in is the root of
// those it sees, it has that user and group, no capability, the limits and the filter. `data_bytes` bounds RLIMIT_DATA; 0 leaves it.
int zygote_confine(
    uid_t user, gid_t group, rlim_t processes, rlim_t data_bytes, const void *filter, size_t filter_bytes);

#endif
