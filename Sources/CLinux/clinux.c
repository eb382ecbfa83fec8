// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "clinux.h"
#include "result.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/loop.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 (Debian 12) has these, older headers do not.
#ifndef MOUNT_ATTR_RDONLY
struct mount_attr {
    uint64_t attr_set;
    uint64_t attr_clr;
    uint64_t propagation;
    uint64_t userns_fd;
};
#endif

int clinux_fork(void) { return RESULT(fork()); }

// What a user namespace uses of the kernel's limits is counted for its owner as well, the creator's effective user. Changing
// that user must leave everything else as it is: capabilities (SECBIT_NO_SETUID_FIXUP), and who opens files.
int clinux_become_effective(uid_t user) {
    if (syscall(SYS_setresuid, -1, user, -1) < 0) return -errno;
    setfsuid(0);
    // A change of user makes a process undumpable, and so its files in /proc somebody else's.
    return RESULT(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

int clinux_clone_namespaces(uint64_t flags, uid_t owner, int *pidfd) {
    if (owner != 0) {
        if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0) return -errno;
        int result = clinux_become_effective(owner);
        if (result == 0) result = clinux_clone_namespaces(flags, 0, pidfd);
        // The child's namespace has reset its bits; its user is set once its id map is there.
        if (result == 0) return 0;
        int back = clinux_become_effective(0);
        if (back == 0) back = RESULT(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
        return back == 0 ? result : back;
    }
    struct clone_args arguments = {0};
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = (uint64_t)(uintptr_t)pidfd;
    arguments.exit_signal = SIGCHLD;
    // No stack is given, so the child goes on here on a copy of this one, as after fork(2). The caller has one thread.
    return (int)RESULT(syscall(SYS_clone3, &arguments, sizeof arguments));
}

// What a user's processes have of these the kernel counts in each user namespace, and in those above it for the user that made it.
static const int counted_limits[] = {RLIMIT_NPROC, RLIMIT_MSGQUEUE, RLIMIT_SIGPENDING, RLIMIT_MEMLOCK};
#define COUNTED_LIMITS (sizeof counted_limits / sizeof *counted_limits)
static struct rlimit counted_before[COUNTED_LIMITS];

int clinux_raise_counted_limits(void) {
    int all = 1;
    for (size_t index = 0; index < COUNTED_LIMITS; index++) {
        if (getrlimit(counted_limits[index], &counted_before[index]) < 0) return -errno;
        struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
        // It takes CAP_SYS_RESOURCE.
        if (setrlimit(counted_limits[index], &most) < 0) all = 0;
    }
    return all;
}

int clinux_restore_counted_limits(int keep_processes) {
    for (size_t index = 0; index < COUNTED_LIMITS; index++) {
        if (keep_processes && counted_limits[index] == RLIMIT_NPROC) continue;
        if (setrlimit(counted_limits[index], &counted_before[index]) < 0) return -errno;
    }
    return 0;
}

int clinux_unshare(int flags) { return RESULT(unshare(flags)); }
int clinux_setresuid(uid_t user) { return RESULT(setresuid(user, user, user)); }
int clinux_setresgid(gid_t group) { return RESULT(setresgid(group, group, group)); }
int clinux_clear_groups(void) { return RESULT(setgroups(0, NULL)); }
int clinux_sethostname(const char *name) { return RESULT(sethostname(name, strlen(name))); }
int clinux_set_parent_death_signal(int signal) { return RESULT(prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)); }
int clinux_set_dumpable(int dumpable) { return RESULT(prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0)); }
int clinux_set_no_new_privileges(void) { return RESULT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

int clinux_drop_capabilities(void) {
    // EINVAL ends the walk: the kernel knows no higher capability.
    for (int capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            if (errno == EINVAL) break;
            return -errno;
        }
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    return (int)RESULT(syscall(SYS_capset, &header, data));
}

int clinux_install_seccomp(const uint8_t *program, size_t bytes) {
    if (bytes == 0 || bytes % sizeof(struct sock_filter) != 0) return -EINVAL;
    struct sock_fprog filter = {
        .len = (unsigned short)(bytes / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)program,
    };
    return (int)RESULT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
}

int clinux_close_range(unsigned first, unsigned last) { return (int)RESULT(syscall(SYS_close_range, first, last, 0)); }
int clinux_pidfd_send_signal(int pidfd, int signal) {
    return (int)RESULT(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}
int clinux_kill(pid_t pid, int signal) { return RESULT(kill(pid, signal)); }
int clinux_reap(pid_t pid, int *status) { return RESULT(waitpid(pid, status, WNOHANG)); }

int clinux_waitid_pidfd(int pidfd, int *status) {
    siginfo_t details = {0};
    int result;
    do result = waitid(P_PIDFD, (id_t)pidfd, &details, WEXITED);
    while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    *status = details.si_code == CLD_EXITED ? (details.si_status & 0xff) << 8 : details.si_status & 0x7f;
    return 0;
}

int clinux_raise_descriptor_limit(uint64_t most) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most ? most : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return (int)limit.rlim_cur;
}

int clinux_readable_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) < 0 ? -errno : count;
}

int clinux_set_limit(int resource, uint64_t value) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) return -errno;
    // A lower limit of the operator's stands: raising it would take CAP_SYS_RESOURCE.
    if (limit.rlim_max == RLIM_INFINITY || value < limit.rlim_max) limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    return RESULT(setrlimit(resource, &limit));
}

int clinux_setsid(void) { return RESULT(setsid()); }

int clinux_execve(const char *path, char *const *arguments, char *const *environment) {
    execve(path, arguments, environment);
    return -errno;
}

void clinux_exit(int status) { _exit(status); }

int clinux_signalfd_child(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
    return RESULT(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

void clinux_reset_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
}

int clinux_open(const char *path, int flags, unsigned mode) { return RESULT(open(path, flags | O_CLOEXEC, mode)); }
int clinux_openat(int directory, const char *path, int flags, unsigned mode) {
    return RESULT(openat(directory, path, flags | O_CLOEXEC, mode));
}
int clinux_zero_range(int file, off_t offset, off_t count) {
    int result;
    do result = fallocate(file, FALLOC_FL_ZERO_RANGE, offset, count);
    while (result < 0 && errno == EINTR);
    return RESULT(result);
}
int clinux_mkdirat(int directory, const char *path, unsigned mode) { return RESULT(mkdirat(directory, path, mode)); }
int clinux_rmdirat(int directory, const char *path) { return RESULT(unlinkat(directory, path, AT_REMOVEDIR)); }

int clinux_chown_root(int directory, uid_t user, gid_t group, unsigned mode) {
    if (fchown(directory, user, group) < 0) return -errno;
    return RESULT(fchmod(directory, mode));
}

int clinux_write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    size_t count = strlen(text);
    ssize_t written = write(file, text, count);
    int result = written < 0 ? -errno : (size_t)written == count ? 0 : -EIO;
    close(file);
    return result;
}

int clinux_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *options) {
    return RESULT(mount(source, target, type, flags, options));
}
int clinux_setns(int namespace_, int type) { return RESULT(setns(namespace_, type)); }
int clinux_change_root(int directory) {
    if (fchdir(directory) < 0) return -errno;
    return RESULT(chroot("."));
}
int clinux_unmount_detach(const char *target) { return RESULT(umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW)); }

int clinux_pivot_root_here(void) {
    // pivot_root(".", ".") stacks the old root on the new one; detaching "." then takes the old one away: pivot_root(2), NOTES.
    if (syscall(SYS_pivot_root, ".", ".") < 0) return -errno;
    if (umount2(".", MNT_DETACH) < 0) return -errno;
    return RESULT(chdir("/"));
}

int clinux_open_tree_clone(int directory, const char *path, int recursive) {
    unsigned flags = 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
    return (int)RESULT(syscall(SYS_open_tree, directory, path, flags));
}

int clinux_open_tree_beneath(int directory, const char *path) {
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    int found = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (found < 0) return -errno;
    unsigned flags = 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC | AT_EMPTY_PATH;
    int tree = (int)RESULT(syscall(SYS_open_tree, found, "", flags));
    close(found);
    return tree;
}

int clinux_set_mount_attributes(int tree, uint64_t attributes, int recursive) {
    struct mount_attr change = {.attr_set = attributes};
    unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    return (int)RESULT(syscall(SYS_mount_setattr, tree, "", flags, &change, sizeof change));
}

int clinux_move_mount(int tree, int directory, const char *path) {
    return (int)RESULT(syscall(SYS_move_mount, tree, "", directory, path, 4 /* MOVE_MOUNT_F_EMPTY_PATH */));
}

int clinux_new_mount(const char *type, const char *const *options, uint64_t attributes) {
    int context = (int)syscall(SYS_fsopen, type, 1 /* FSOPEN_CLOEXEC */);
    if (context < 0) return -errno;
    int result = 0;
    for (size_t index = 0; options[index] != NULL && options[index + 1] != NULL && result >= 0; index += 2) {
        const char *value = *options[index + 1] ? options[index + 1] : NULL;
        unsigned command = value ? 1 /* FSCONFIG_SET_STRING */ : 0 /* FSCONFIG_SET_FLAG */;
        result = (int)RESULT(syscall(SYS_fsconfig, context, command, options[index], value, 0));
    }
    if (result >= 0) result = (int)RESULT(syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0));
    if (result >= 0) result = (int)RESULT(syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, (unsigned)attributes));
    close(context);
    return result;
}

int clinux_attach_loop(int image) {
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0) return -errno;
    int result = -EBUSY;
    // Another process may take the free device between the two calls; the next free one is asked for then.
    for (int attempt = 0; attempt < 64; attempt++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0) {
            result = -errno;
            break;
        }
        char path[32];
        snprintf(path, sizeof path, "/dev/loop%d", number);
        int device = open(path, O_RDWR | O_CLOEXEC);
        if (device < 0) {
            result = -errno;
            break;
        }
        struct loop_config configuration = {.fd = (unsigned)image, .block_size = 4096};
        configuration.info.lo_flags = LO_FLAGS_AUTOCLEAR;
        if (ioctl(device, LOOP_CONFIGURE, &configuration) == 0) {
            // The open descriptor keeps the device alive until the caller has mounted it: with AUTOCLEAR the last close frees it.
            close(control);
            return device;
        }
        result = -errno;
        close(device);
        if (result != -EBUSY) break;
    }
    close(control);
    return result;
}

int clinux_socketpair_seqpacket(int *first, int *second) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return -errno;
    *first = pair[0];
    *second = pair[1];
    return 0;
}

#define DESCRIPTORS_MAX 16

ssize_t clinux_send(int socket, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count) {
    if (descriptor_count > DESCRIPTORS_MAX) return -EINVAL;
    struct iovec part = {(void *)bytes, count};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
        struct cmsghdr align;
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * descriptor_count);
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

ssize_t clinux_receive(int socket, void *bytes, size_t count, int *descriptors, size_t *descriptor_count) {
    struct iovec part = {bytes, count};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
        struct cmsghdr align;
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    size_t room = *descriptor_count;
    *descriptor_count = 0;
    ssize_t received;
    do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received < 0) return -errno;
    int overflow = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t arrived = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < arrived; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            if (*descriptor_count < room) {
                descriptors[(*descriptor_count)++] = descriptor;
            } else {
                close(descriptor);
                overflow = 1;
            }
        }
    }
    if (overflow) {
        for (size_t index = 0; index < *descriptor_count; index++) close(descriptors[index]);
        *descriptor_count = 0;
        return -EMSGSIZE;
    }
    return received;
}

int clinux_duplicate(int from, int to, int flags) { return RESULT(dup3(from, to, flags)); }

int clinux_pipe(int *read_end, int *write_end, int nonblocking_read) {
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) < 0) return -errno;
    if (nonblocking_read && fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
        int error = errno;
        close(pair[0]);
        close(pair[1]);
        return -error;
    }
    *read_end = pair[0];
    *write_end = pair[1];
    return 0;
}

int clinux_poll(const int *descriptors, size_t count, int timeout_milliseconds, uint64_t *ready) {
    struct pollfd sets[64];
    if (count > 64) return -EINVAL;
    for (size_t index = 0; index < count; index++) sets[index] = (struct pollfd){.fd = descriptors[index], .events = POLLIN};
    int result;
    do result = poll(sets, count, timeout_milliseconds);
    while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    *ready = 0;
    for (size_t index = 0; index < count; index++)
        if (sets[index].revents != 0) *ready |= UINT64_C(1) << index;
    return result;
}

int clinux_epoll_create(void) { return RESULT(epoll_create1(EPOLL_CLOEXEC)); }

int clinux_epoll_add(int epoll, int descriptor, uint64_t token, int once) {
    struct epoll_event event = {.events = EPOLLIN | (once ? EPOLLONESHOT : 0), .data.u64 = token};
    return RESULT(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event));
}

int clinux_epoll_rearm(int epoll, int descriptor, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = token};
    return RESULT(epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event));
}

int clinux_epoll_remove(int epoll, int descriptor) { return RESULT(epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL)); }

int clinux_epoll_wait(int epoll, uint64_t *tokens, int tokens_max, int milliseconds) {
    struct epoll_event events[64];
    int count;
    do count = epoll_wait(epoll, events, tokens_max < 64 ? tokens_max : 64, milliseconds);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    for (int index = 0; index < count; index++) tokens[index] = events[index].data.u64;
    return count;
}

int clinux_spawn(const char *path, int descriptor) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, descriptor, 3);
    posix_spawn_file_actions_addclosefrom_np(&actions, 4);
    // A process group of its own: a terminal's interrupt is for the server, which drains first.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    char *arguments[] = {(char *)path, NULL};
    char *environment[] = {NULL};
    pid_t child = 0;
    int error = posix_spawn(&child, path, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error != 0 ? -error : child;
}

int clinux_loopback_up(void) {
    int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return -errno;
    struct ifreq request = {0};
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
    int result = RESULT(ioctl(socket_, SIOCSIFFLAGS, &request));
    close(socket_);
    return result;
}

int clinux_netlink(int protocol, const uint8_t *bytes, size_t count, int acknowledgements) {
    int socket_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (socket_ < 0) return -errno;
    int result = 0;
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(socket_, bytes, count, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) result = -errno;
    while (result == 0 && acknowledgements > 0) {
        char buffer[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
        ssize_t received = recv(socket_, buffer, sizeof buffer, 0);
        if (received < 0) {
            if (errno == EINTR) continue;
            result = -errno;
            break;
        }
        int left = (int)received;
        for (struct nlmsghdr *header = (struct nlmsghdr *)buffer; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
            if (header->nlmsg_type != NLMSG_ERROR) continue;
            const struct nlmsgerr *error = NLMSG_DATA(header);
            if (error->error != 0) {
                result = error->error;
                break;
            }
            acknowledgements--;
        }
    }
    close(socket_);
    return result;
}

int clinux_bind(const char *address, uint16_t port, int stream) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int is_v6 = inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    if (!is_v6 && inet_pton(AF_INET, address, &v4.sin_addr) != 1) return -EINVAL;
    int socket_ = socket(is_v6 ? AF_INET6 : AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return -errno;
    int one = 1;
    int result = 0;
    if (is_v6 && setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0) result = -errno;
    const struct sockaddr *name = is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
    if (result == 0 && bind(socket_, name, is_v6 ? sizeof v6 : sizeof v4) < 0) result = -errno;
    if (result == 0 && stream && listen(socket_, 128) < 0) result = -errno;
    if (result < 0) {
        close(socket_);
        return result;
    }
    return socket_;
}

int clinux_tcp_socket(void) { return RESULT(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

int clinux_contains(const void *text, size_t count, const void *part, size_t part_count) {
    return memmem(text, count, part, part_count) != NULL;
}
