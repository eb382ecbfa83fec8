// SPDX-License-Identifier: Apache-2.0
// Reads another process's seccomp filters, for tests run by root.
#ifndef TRACER_H
#define TRACER_H

#include <stdint.h>
#include <sys/types.h>

// The program of the filter with that index (0 is the newest) as struct sock_filter, up to `instructions_max` of them.
// Returns their number, -ENOENT when there is no filter with that index, or -errno. The process is stopped meanwhile.
int tracer_filter(pid_t pid, unsigned index, uint8_t *program, unsigned instructions_max);

#endif
