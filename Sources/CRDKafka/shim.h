// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <sys/eventfd.h>

// What wakes a thread that waits for it, or -errno; glibc's module map lacks the header.
static inline int crdkafka_wake_descriptor(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}
