// SPDX-License-Identifier: Apache-2.0
// Makes system calls by their numbers and tells how each one went: name, result, errno, signal, one line each.
// Each is made by a child of its own, since a refused call may end its process.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// `{number, "name"}` of every call that the filter does not allow; made by the test.
#include "denied.h"

struct outcome {
    long result;
    int error;
};

typedef long (*attempt)(const long *);

static void tell(const char *name, attempt function, const long *arguments) {
    int ends[2];
    if (pipe(ends) != 0) exit(2);
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) exit(3);
    if (child == 0) {
        errno = 0;
        struct outcome outcome = {function(arguments), 0};
        outcome.error = errno;
        if (write(ends[1], &outcome, sizeof outcome) < 0) _exit(4);
        _exit(0);
    }
    close(ends[1]);
    struct outcome outcome = {0, 0};
    int status = 0;
    ssize_t count = read(ends[0], &outcome, sizeof outcome);
    close(ends[0]);
    waitpid(child, &status, 0);
    int signal = count == (ssize_t)sizeof outcome ? 0 : WIFSIGNALED(status) ? WTERMSIG(status) : -1;
    printf("%s\t%ld\t%d\t%d\n", name, outcome.result, outcome.error, signal);
}

static long by_number(const long *a) { return syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]); }

static void denied(void) {
    for (size_t i = 0; i < sizeof DENIED / sizeof *DENIED; i++) {
        long zero[7] = {DENIED[i].number};
        long full[7] = {DENIED[i].number, -1, -1, -1, -1, -1, -1};
        tell(DENIED[i].name, by_number, zero);
        tell(DENIED[i].name, by_number, full);
    }
}

#ifdef __x86_64__
// The calls of 32-bit programs, which have numbers and a table of their own.
static long by_interrupt(const long *a) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(a[0]), "b"(0), "c"(0), "d"(0), "S"(0), "D"(0) : "memory", "r8", "r9", "r10", "r11");
    if (result < 0) errno = (int)-result;
    return result < 0 ? -1 : result;
}

static void compat(void) {
    for (long number = 0; number < 470; number++) {
        char name[32];
        snprintf(name, sizeof name, "int80_%ld", number);
        tell(name, by_interrupt, (long[7]){number});
    }
}

static void x32(void) {
    for (long number = 0; number < 560; number++) {
        char name[32];
        snprintf(name, sizeof name, "x32_%ld", number);
        tell(name, by_number, (long[7]){number | 0x40000000});
    }
}
#else
static void compat(void) {}
static void x32(void) {}
#endif

static void clones(void) {
    const long flags[] = {0x00000080, 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x7e020000};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        char name[48];
        // In clone(2) itself the lowest byte is the signal: time namespaces are clone3's and unshare's only.
        if (flags[i] != 0x80) {
            snprintf(name, sizeof name, "clone_%lx", flags[i]);
            tell(name, by_number, (long[7]){SYS_clone, flags[i] | SIGCHLD});
            snprintf(name, sizeof name, "clone_%lx_high", flags[i]);
            tell(name, by_number, (long[7]){SYS_clone, flags[i] | SIGCHLD | 1L << 40});
        }
        snprintf(name, sizeof name, "unshare_%lx", flags[i]);
        tell(name, by_number, (long[7]){SYS_unshare, flags[i]});
        uint64_t arguments[11] = {(uint64_t)flags[i], 0, 0, 0, SIGCHLD};
        snprintf(name, sizeof name, "clone3_%lx", flags[i]);
        tell(name, by_number, (long[7]){SYS_clone3, (long)arguments, sizeof arguments});
    }
}

// What getaddrinfo(3), getifaddrs(3) and every program may open is not tried.
static int is_ordinary(int family, int type, int protocol) {
    if (family == AF_NETLINK) return protocol == 0;
    if (family != AF_UNIX && family != AF_INET && family != AF_INET6) return 0;
    return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET;
}

static void sockets(void) {
    const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET};
    for (long family = 0; family < 64; family++) {
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            for (int protocol = 0; protocol < (family == AF_NETLINK ? 32 : 2); protocol++) {
                if (is_ordinary((int)family, types[i], protocol)) continue;
                char name[64];
                snprintf(name, sizeof name, "socket_%ld_%d_%d", family, types[i], protocol);
                tell(name, by_number, (long[7]){SYS_socket, family, types[i], protocol});
                snprintf(name, sizeof name, "socket_%ld_%d_%d_high", family, types[i], protocol);
                tell(name, by_number, (long[7]){SYS_socket, family | 1L << 32, types[i] | 1L << 32, protocol | 1L << 32});
            }
        }
    }
    const int protocols[] = {1, 58, 132, 33, 136, 255, 262};
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
            char name[64];
            snprintf(name, sizeof name, "socket_inet_%d_%d", type, protocols[i]);
            // TCP with another way of steering (262, MPTCP) is TCP.
            if (protocols[i] == 262 && type == SOCK_STREAM) continue;
            tell(name, by_number, (long[7]){SYS_socket, AF_INET, type, protocols[i]});
        }
    }
}

static void terminals(void) {
    // TIOCSTI, TIOCLINUX: with and without bits that the kernel does not look at. No descriptor is open at -1: EBADF would
    // mean that the kernel got as far as looking for it.
    const long commands[] = {0x5412, 0x541c};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        for (long high = 0; high < 4; high++) {
            char name[48];
            snprintf(name, sizeof name, "ioctl_%lx_%ld", commands[i], high);
            tell(name, by_number, (long[7]){SYS_ioctl, -1, commands[i] | high << 32, (long)"x"});
        }
    }
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    // A child that waits for something must not hold the test up.
    alarm(120);
    if (strcmp(what, "denied") == 0) denied();
    if (strcmp(what, "compat") == 0) compat();
    if (strcmp(what, "x32") == 0) x32();
    if (strcmp(what, "clones") == 0) clones();
    if (strcmp(what, "sockets") == 0) sockets();
    if (strcmp(what, "terminals") == 0) terminals();
    return 0;
}
