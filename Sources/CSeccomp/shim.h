// SPDX-License-Identifier: Apache-2.0
#include <seccomp.h>

// The number of a call on this architecture; negative, and not `cseccomp_unknown`, for one that only others have.
static inline int cseccomp_syscall(const char *name) { return seccomp_syscall_resolve_name(name); }
static inline int cseccomp_unknown(void) { return __NR_SCMP_ERROR; }
