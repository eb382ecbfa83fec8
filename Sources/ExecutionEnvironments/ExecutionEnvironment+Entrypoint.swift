// SPDX-License-Identifier: Apache-2.0
import Glibc
import InvocationCore
import LambdaModel
import LinuxSandbox
import Runtimes

/// How a runtime's process is started, and why it could not be.
extension ExecutionEnvironment {
    var runtimePlan: ProcessPlan {
        let command = runtime.arguments(
            executable: runtime.executables[0],
            memoryMiB: configuration.memoryMiB,
            customerEnvironment: configuration.environment ?? [:]
        )
        return ProcessPlan(
            executables: runtime.managed ? [command[0]] : runtime.executables,
            arguments: Array(command.dropFirst()),
            environment: processEnvironment.list,
            workingDirectory: "/var/task",
            hasTelemetry: runtime.managed,
            dataMiB: dataMiB
        )
    }

    func entrypointFailure(_ errno: Int32) -> InvocationFailure {
        let executables = runtime.executables
        if let wrapper = runtime.wrapper(configuration.environment ?? [:]) { return wrapperFailure(wrapper, errno) }
        if !runtime.managed, errno == ENOENT { return .noBootstrap(tried: executables) }
        return .notExecutable(executables[0], reason: String(cString: strerror(errno)))
    }

    /// What the shell script that starts a managed runtime on Lambda says and does when the wrapper is not to be run.
    private func wrapperFailure(_ wrapper: String, _ errno: Int32) -> InvocationFailure {
        switch errno {
        case ENOENT, ENOTDIR:
            log.collector.add(platformLine: "\(wrapper): does not exist\n")
            return .exited(.exited(code: 127))
        case EACCES:
            log.collector.add(platformLine: "\(wrapper): is not an executable\n")
            return .exited(.exited(code: 126))
        default: return .notExecutable(wrapper, reason: String(cString: strerror(errno)))
        }
    }
}
