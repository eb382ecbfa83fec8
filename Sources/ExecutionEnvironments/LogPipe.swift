// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxSandbox

/// A pipe that processes of a sandbox write to and the server reads from.
///
/// Their own writes block, as on any terminal or file; only reading does not.
struct LogPipe: Sendable {
    let read: CInt
    let write: CInt

    /// All of them, or none.
    static func make(_ count: Int) throws(SyscallError) -> [LogPipe] {
        var pipes: [LogPipe] = []
        for _ in 0..<count {
            var (read, write): (CInt, CInt) = (-1, -1)
            let result = clinux_pipe(&read, &write, 1)
            guard result == 0 else {
                for pipe in pipes { pipe.close() }
                throw SyscallError(call: "pipe", errno: -result)
            }
            pipes.append(LogPipe(read: read, write: write))
        }
        return pipes
    }

    func close() {
        Glibc.close(read)
        Glibc.close(write)
    }
}

/// All that one environment writes to.
struct LogPipes: Sendable {
    /// Standard output and error.
    var output: LogPipe
    var telemetry: LogPipe
    /// Of external extensions.
    var extensions: LogPipe

    static func make() throws(SyscallError) -> LogPipes {
        let pipes = try LogPipe.make(3)
        return LogPipes(output: pipes[0], telemetry: pipes[1], extensions: pipes[2])
    }

    var all: [LogPipe] { [output, telemetry, extensions] }

    func close() {
        for pipe in all { pipe.close() }
    }
}
