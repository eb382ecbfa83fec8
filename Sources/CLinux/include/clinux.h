// SPDX-License-Identifier: Apache-2.0
// System calls that Swift cannot make through Glibc's module: those without a libc wrapper, the variadic ones, and those whose
// arguments are C unions. Every function returns a value >= 0 or -errno, and keeps nothing of what it is given.
#ifndef CLINUX_H
#define CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The kernel's numbers that Glibc's module leaves out (linux/sched.h, asm-generic/resource.h).
static const int CLINUX_NEWNS = 0x00020000;
static const int CLINUX_NEWCGROUP = 0x02000000;
static const int CLINUX_NEWUTS = 0x04000000;
static const int CLINUX_NEWIPC = 0x08000000;
static const int CLINUX_NEWUSER = 0x10000000;
static const int CLINUX_NEWPID = 0x20000000;
static const int CLINUX_NEWNET = 0x40000000;
static const int CLINUX_LIMIT_DATA = 2;
static const int CLINUX_LIMIT_STACK = 3;
static const int CLINUX_LIMIT_CORE = 4;
static const int CLINUX_LIMIT_PROCESSES = 6;
static const int CLINUX_LIMIT_DESCRIPTORS = 7;
static const int CLINUX_LIMIT_LOCKED_MEMORY = 8;
static const int CLINUX_LIMIT_MESSAGE_QUEUES = 12;
static const int CLINUX_LIMIT_NICE = 13;
static const int CLINUX_LIMIT_REALTIME_PRIORITY = 14;

// Processes and namespaces.
int clinux_fork(void);
// clone3(2) as a fork into new namespaces; `flags` are CLONE_NEW*. *pidfd receives the child's descriptor in the parent.
int clinux_clone_namespaces(uint64_t flags, uid_t owner, int *pidfd);
// The same as a child of the caller whose user and pid namespaces are below those given, with its id maps written: only a process
// inside can do that, and one is made for it. `owner` is mapped in the outer user namespace, and of the map's outer ids `uid` and
// `gid` are that namespace's. Unless `owner` is 0, no process inside may look at the child. Returns the child's pid, or 0 in the child, where *pidfd is not set.
pid_t clinux_clone_beneath(
    uint64_t flags, int user_namespace, int process_namespace, uid_t owner, const char *uid_map, const char *gid_map,
    int *pidfd);
int clinux_unshare(int flags);
int clinux_setresuid(uid_t user);
int clinux_setresgid(gid_t group);
int clinux_clear_groups(void);
int clinux_sethostname(const char *name);
int clinux_set_parent_death_signal(int signal);
int clinux_set_dumpable(int dumpable);
int clinux_set_no_new_privileges(void);
// Empties the bounding, ambient, permitted, effective and inheritable sets of the calling thread.
int clinux_drop_capabilities(void);
int clinux_install_seccomp(const uint8_t *program, size_t bytes);
int clinux_close_range(unsigned first, unsigned last);
int clinux_pidfd_send_signal(int pidfd, int signal);
int clinux_kill(pid_t pid, int signal);
// waitpid(2) without waiting: 0 when nothing is to be reaped, -ECHILD when there is no child.
int clinux_reap(pid_t pid, int *status);
int clinux_waitid_pidfd(int pidfd, int *status);
int clinux_set_limit(int resource, uint64_t value);
int clinux_raise_descriptor_limit(uint64_t most);
// Limits that the kernel counts in the user namespaces above as well: none for the caller and for the sum of those below a namespace
// that it makes. Returns 0 where some stay as they were. A child of the caller's takes those back that there
// were, but for the number of processes when that is to be kept.
int clinux_raise_counted_limits(void);
int clinux_restore_counted_limits(int keep_processes);
int clinux_readable_bytes(int descriptor);
int clinux_setsid(void);
int clinux_execve(const char *path, char *const *arguments, char *const *environment);
void clinux_exit(int status) __attribute__((noreturn));
int clinux_signalfd_child(void);
void clinux_reset_signals(void);

// Files and mounts.
int clinux_open(const char *path, int flags, unsigned mode);
int clinux_openat(int directory, const char *path, int flags, unsigned mode);
int clinux_mkdirat(int directory, const char *path, unsigned mode);
int clinux_rmdirat(int directory, const char *path);
int clinux_chown_root(int directory, uid_t user, gid_t group, unsigned mode);
int clinux_write_file(const char *path, const char *text);
int clinux_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *options);
int clinux_unmount_detach(const char *target);
// Joins the namespace of the caller's kind `type` (CLONE_NEW*); for a mount namespace the root and the working directory become
// that namespace's. The caller has one thread.
int clinux_setns(int namespace_, int type);
// Makes the directory the caller's root and working directory.
int clinux_change_root(int directory);
int clinux_pivot_root_here(void);
// A clone of the mount (and the mounts below it, when `recursive`) at `path`, detached.
int clinux_open_tree_clone(int directory, const char *path, int recursive);
// The same of a directory below `directory`, in its file system, with no symbolic link on the way (openat2(2)); not recursive.
int clinux_open_tree_beneath(int directory, const char *path);
// mount_setattr(2) on a detached tree before it is attached, so that nobody ever sees it writable.
int clinux_set_mount_attributes(int tree, uint64_t attributes, int recursive);
int clinux_move_mount(int tree, int directory, const char *path);
// A new file system, detached: fsopen, fsconfig for each key and value of a NULL-terminated array (an empty value sets a flag),
// fsmount.
int clinux_new_mount(const char *type, const char *const *options, uint64_t attributes);
// Attaches `image` to a free loop device that goes when its last user does; returns the device, open.
int clinux_attach_loop(int image);

// Sockets and descriptors.
int clinux_socketpair_seqpacket(int *first, int *second);
// One message with up to 16 descriptors. Returns the bytes sent, or -errno.
ssize_t clinux_send(int socket, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count);
// Returns the bytes received (0 at the end), or -errno; -EMSGSIZE when the message or its descriptors did not fit. Descriptors are close-on-exec.
ssize_t clinux_receive(int socket, void *bytes, size_t count, int *descriptors, size_t *descriptor_count);
int clinux_duplicate(int from, int to, int flags);
// Close-on-exec; the read end does not block when `nonblocking_read`.
int clinux_pipe(int *read_end, int *write_end, int nonblocking_read);
// Waits for readability or hang-up of up to 64 descriptors; bit i of *ready is set for the i-th.
int clinux_poll(const int *descriptors, size_t count, int timeout_milliseconds, uint64_t *ready);

// epoll(7), level-triggered; `token` comes back when `descriptor` is readable or hung up; where `once` is not 0, once until it is rearmed.
int clinux_epoll_create(void);
int clinux_epoll_add(int epoll, int descriptor, uint64_t token, int once);
int clinux_epoll_rearm(int epoll, int descriptor, uint64_t token);
int clinux_epoll_remove(int epoll, int descriptor);
// Waits for so many milliseconds, or with -1 for ever.
int clinux_epoll_wait(int epoll, uint64_t *tokens, int tokens_max, int milliseconds);
// Starts a program with `descriptor` as its descriptor 3, /dev/null as its input, and nothing else open but output and error.
int clinux_spawn(const char *path, int descriptor);

// Network namespace of the caller.
int clinux_loopback_up(void);
// Sends one netlink message (or batch) and waits for `acknowledgements` ACKs; the first error is returned.
int clinux_netlink(int protocol, const uint8_t *bytes, size_t count, int acknowledgements);
// A listening TCP socket or a bound UDP socket; `address` is numeric, IPv4 or IPv6.
int clinux_bind(const char *address, uint16_t port, int stream);

// A TCP socket of the calling process's network namespace, not connected and not blocking.
int clinux_tcp_socket(void);

// fallocate(2) with FALLOC_FL_ZERO_RANGE: so much of a file is zeros from here on, on blocks that it has or gets; it gives none back.
int clinux_zero_range(int file, off_t offset, off_t count);

// memmem(3), which glibc's module map leaves out: whether `part` is in `text`, in time linear in both.
int clinux_contains(const void *text, size_t count, const void *part, size_t part_count);

#endif
