// SPDX-License-Identifier: Apache-2.0
#ifndef CLINUX_RESULT_H
#define CLINUX_RESULT_H

#include <errno.h>
#include <sys/types.h>

#define RESULT(call)                                                                                                   \
    ({                                                                                                                 \
        __typeof__(call) result_ = (call);                                                                             \
        result_ < 0 ? -errno : result_;                                                                                \
    })

// Changes the caller's effective user and nothing else: its capabilities stay, and files are opened as before. Needs
// SECBIT_NO_SETUID_FIXUP.
int clinux_become_effective(uid_t user);

#endif
