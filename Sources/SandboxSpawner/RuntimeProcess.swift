// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxSandbox

/// The last steps of the runtime's process before it becomes the function's: descriptors, limits, execve(2).
///
/// Walls, identity, capabilities and filter come from its parent, the sandbox's init.
struct RuntimeProcess {
    let plan: ProcessPlan
    /// As they came with the plan: output and error; telemetry; assignment, or what is waited for.
    let descriptors: [CInt]
    /// Where an errno goes when execve(2) fails; close-on-exec.
    let report: CInt

    /// Limits of Lambda's own processes (RLIMIT_CORE aside, which the spawner has set).
    private static let limits: [(CInt, UInt64)] = [
        (CLINUX_LIMIT_DESCRIPTORS, 1_024),
        (CLINUX_LIMIT_PROCESSES, 1_024),
        (CLINUX_LIMIT_STACK, 8 << 20),
        (CLINUX_LIMIT_LOCKED_MEMORY, 64 << 10),
        (CLINUX_LIMIT_MESSAGE_QUEUES, 819_200),
        (CLINUX_LIMIT_NICE, 0),
        (CLINUX_LIMIT_REALTIME_PRIORITY, 0),
    ]

    /// Those that the program will have.
    private var inherited: ArraySlice<CInt> { descriptors.dropLast(plan.waits ? 1 : 0) }

    /// The first number that no descriptor of the program has.
    private var reportNumber: CInt { CInt(inherited.count) + 2 }

    private var waitNumber: CInt { reportNumber + 1 }

    func execute() -> Never {
        do throws(SyscallError) {
            try arrange()
            if plan.waits { try awaitFiles() }
            // SAFETY: the path outlives the call.
            try check("chdir", plan.workingDirectory, unsafe chdir(plan.workingDirectory) == 0 ? 0 : -errno)
            clinux_reset_signals()
            fail(try launch())
        } catch {
            fail(error.errno)
        }
    }

    private func arrange() throws(SyscallError) {
        try check("setsid", clinux_setsid())
        // Moved out of the way first: the numbers wanted may be taken by what is to be moved.
        let first: CInt = 64
        let moved = try check("dup", fcntl(report, F_DUPFD_CLOEXEC, first))
        let awaited = plan.waits ? try check("dup", fcntl(descriptors[inherited.endIndex], F_DUPFD_CLOEXEC, first)) : -1
        var wanted: [(from: CInt, to: CInt)] = []
        // The numbers after those of the standard streams are the telemetry log's and the assignment's, in that order.
        for (index, descriptor) in inherited.enumerated() {
            let from = try check("dup", fcntl(descriptor, F_DUPFD_CLOEXEC, first))
            if index == 0 { wanted.append((from, 1)) }
            wanted.append((from, CInt(index) + 2))
        }
        // SAFETY: the path outlives the call.
        let null = try check("open", "/dev/null", unsafe clinux_open("/dev/null", O_RDONLY, 0))
        for (from, to) in [(null, 0)] + wanted { try check("dup2", "\(to)", dup2(from, to)) }
        try check("dup3", clinux_duplicate(moved, reportNumber, O_CLOEXEC))
        if plan.waits { try check("dup3", clinux_duplicate(awaited, waitNumber, O_CLOEXEC)) }
        let last = plan.waits ? waitNumber : reportNumber
        try check("close_range", clinux_close_range(UInt32(last + 1), UInt32.max))
        // For a zygote all processes below it would count, which have limits of their own.
        for (resource, value) in Self.limits where !plan.isZygote || resource != CLINUX_LIMIT_PROCESSES {
            try check("setrlimit", "\(resource)", clinux_set_limit(resource, value))
        }
        if plan.dataMiB > 0 {
            try check("setrlimit", "data", clinux_set_limit(CLINUX_LIMIT_DATA, UInt64(plan.dataMiB) << 20))
        }
    }

    /// Returns when what is to be executed is there; ends the process when nobody is left to say so.
    private func awaitFiles() throws(SyscallError) {
        while true {
            var word: UInt8 = 0
            // SAFETY: one byte is read into one byte, the rest of the message is dropped.
            let count = unsafe read(waitNumber, &word, 1)
            if count == 1 { return }
            if count == 0 { clinux_exit(0) }
            guard errno == EINTR else { throw SyscallError(call: "read", errno: errno, subject: "files") }
        }
    }

    /// Returns the errno of the last candidate; does not return when one of them was executed.
    private func launch() throws(SyscallError) -> Int32 {
        // SAFETY: strdup's copies live until the process is replaced or ends.
        var environment: [UnsafeMutablePointer<CChar>?] = unsafe plan.environment.map { unsafe strdup($0) }
        unsafe environment.append(nil)
        var last = ENOENT
        for executable in plan.executables {
            var arguments: [UnsafeMutablePointer<CChar>?] = unsafe ([executable] + plan.arguments).map {
                unsafe strdup($0)
            }
            unsafe arguments.append(nil)
            // SAFETY: both arrays end in NULL and outlive the call.
            last = -(unsafe clinux_execve(executable, arguments, environment))
            guard last == ENOENT else { break }
        }
        return last
    }

    private func fail(_ errno: Int32) -> Never {
        var number = errno
        // SAFETY: four bytes are written from four bytes.
        _ = unsafe withUnsafeBytes(of: &number) { unsafe write(reportNumber, $0.baseAddress, $0.count) }
        clinux_exit(127)
    }
}
