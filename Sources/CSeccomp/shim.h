// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>

// SCMP_ACT_ERRNO and SCMP_CMP are macros that Swift does not import.
static inline uint32_t cseccomp_errno(uint16_t number) { return SCMP_ACT_ERRNO(number); }
static inline uint32_t cseccomp_allow(void) { return SCMP_ACT_ALLOW; }
static inline uint32_t cseccomp_kill_process(void) { return SCMP_ACT_KILL_PROCESS; }
static inline int cseccomp_syscall(const char *name) { return seccomp_syscall_resolve_name(name); }
static inline int cseccomp_unknown(void) { return __NR_SCMP_ERROR; }
