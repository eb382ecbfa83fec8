// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "tracer.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int tracer_filter(pid_t pid, unsigned index, uint8_t *program, unsigned instructions_max) {
    // Seized and not attached to: no SIGSTOP that the process, or its parent, would see.
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0) return -errno;
    int result = 0;
    int status = 0;
    if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0) result = -errno;
    if (result == 0 && waitpid(pid, &status, __WALL) != pid) result = -errno;
    if (result == 0 && !WIFSTOPPED(status)) result = -ESRCH;
    // Without a place to write to it answers with the number of instructions (ptrace(2)).
    if (result == 0) {
        long count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)(uintptr_t)index, NULL);
        result = count < 0 ? -errno : (int)count;
    }
    if (result > (int)instructions_max) result = -ENOSPC;
    if (result > 0) {
        struct sock_filter instructions[BPF_MAXINSNS];
        long count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, (void *)(uintptr_t)index, instructions);
        result = count < 0 ? -errno : (int)count;
        if (count > 0) memcpy(program, instructions, (size_t)count * sizeof *instructions);
    }
    ptrace(PTRACE_DETACH, pid, 0, 0);
    return result;
}
