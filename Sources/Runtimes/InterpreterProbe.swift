// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Why a program is no interpreter that functions can have.
struct InterpreterProbeError: Error, Equatable, CustomStringConvertible {
    var path: String
    var reason: String

    var description: String { "\(path) \(reason)" }
}

/// Finds out what an interpreter is by running it, once, without the server's environment variables.
struct InterpreterProbe: Sendable {
    /// How long it may take; a program that hangs is killed.
    var timeout = Duration.seconds(10)

    /// What a sandbox shows of the host anyway, or has its own in place of.
    private static let systemDirectories = ["/usr", "/lib", "/lib64", "/lib32", "/libx32"]
    /// Where a sandbox has something else, so that a library directory of the host can't be shown.
    private static let occupiedDirectories = [
        "/var/task", "/var/runtime", "/var/lang", "/var/rapid", "/opt", "/tmp", "/dev", "/proc", "/sys", "/etc",
    ]

    func probe(_ path: String, language: RuntimeLanguage) async throws(InterpreterProbeError) -> Interpreter {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard FileManager.default.isExecutableFile(atPath: real) else {
            throw InterpreterProbeError(path: path, reason: "is not an executable file")
        }
        guard isELF(real) else {
            throw InterpreterProbeError(
                path: path,
                reason: "is a script, not the interpreter itself (for pyenv, see `pyenv which`)"
            )
        }
        let answer = try await run(real, Self.arguments(language))
        guard let version = answer.values("version").first.flatMap({ InterpreterVersion($0) }) else {
            throw InterpreterProbeError(path: path, reason: "is not \(language.title)")
        }
        let prefix = answer.values("prefix").first ?? directory(of: directory(of: real))
        let interpreter = Interpreter(
            language: language,
            version: version,
            path: real,
            prefix: URL(fileURLWithPath: prefix).resolvingSymlinksInPath().path,
            libraryDirectories: [],
            hasSDK: answer.values("sdk").first == "true"
        )
        return try checked(interpreter, libraries: answer.values("library"))
    }

    /// Refuses what would show functions more of the host than an interpreter, or would not work for them.
    private func checked(
        _ interpreter: Interpreter,
        libraries: [String]
    ) throws(InterpreterProbeError) -> Interpreter {
        var result = interpreter
        let home = NSHomeDirectory()
        if !result.isSystem {
            guard result.path.isBelow(result.prefix) else {
                throw InterpreterProbeError(
                    path: result.path,
                    reason: "has its library in \(result.prefix), which is not the directory it is in"
                )
            }
            let components = result.prefix.split(separator: "/").count
            guard components > 1 || result.prefix.isBelow("/opt"), components > 0, !home.isBelow(result.prefix),
                !(components == 2 && result.prefix.isBelow("/home"))
            else {
                throw InterpreterProbeError(
                    path: result.path,
                    reason: "is installed in \(result.prefix) among other files, which functions would see; "
                        + "install it in a directory of its own"
                )
            }
        }
        let outside = libraries.filter { library in
            library.hasPrefix("/") && !library.isBelow(result.prefix)
                && !Self.systemDirectories.contains { library.isBelow($0) }
        }
        result.libraryDirectories = Set(outside.map { directory(of: $0) }).sorted()
        if let taken = result.libraryDirectories.first(where: { library in
            Self.occupiedDirectories.contains { library.isBelow($0) } || home.isBelow(library)
        }) {
            throw InterpreterProbeError(
                path: result.path,
                reason: "needs shared libraries in \(taken), which functions can't see"
            )
        }
        return result
    }

    /// Writes byte code beside the Python files in `directory`, so that no cold start has to compile them.
    ///
    /// The byte code is not checked against its source (PEP 552): the directory is written once and read-only after.
    func compile(
        _ files: [String],
        in directory: String,
        with interpreter: Interpreter
    )
        async throws(InterpreterProbeError)
    {
        let script = """
            import py_compile, sys
            for name in sys.argv[2:]:
                py_compile.compile(
                    sys.argv[1] + "/" + name, dfile="\(RuntimeDefinition.bootstrapsInside)/" + name, doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
            """
        _ = try await run(interpreter.path, ["-I", "-c", script, directory] + files)
    }

    // Extension modules bring the libraries that are easily forgotten: OpenSSL, SQLite, libffi.
    private static let pythonScript = """
        import sys
        from importlib.util import find_spec
        print("version", "%d.%d.%d" % sys.version_info[:3] if sys.implementation.name == "cpython" else "")
        print("prefix", sys.base_prefix)
        for name in ("_ssl", "_hashlib", "_ctypes", "_sqlite3", "zlib", "_bz2", "_lzma", "_uuid", "_socket"):
            try:
                __import__(name)
            except ImportError:
                pass
        maps = [line for line in open("/proc/self/maps") if ".so" in line and "/" in line]
        for name in sorted({line[line.index("/"):].rstrip() for line in maps}):
            print("library", name)
        print("sdk", "true" if find_spec("boto3") else "false")
        """
    private static let nodeScript = """
        console.log("version " + process.versions.node);
        const maps = require("fs").readFileSync("/proc/self/maps", "utf8").split("\\n");
        const lines = maps.filter((line) => line.includes(".so") && line.includes("/"));
        for (const name of new Set(lines.map((line) => line.slice(line.indexOf("/"))))) console.log("library " + name);
        let sdk = true;
        try { require.resolve("@aws-sdk/client-s3"); } catch { sdk = false; }
        console.log("sdk " + sdk);
        """

    private static func arguments(_ language: RuntimeLanguage) -> [String] {
        switch language {
        case .python: ["-I", "-c", pythonScript]
        case .nodejs: ["-e", nodeScript]
        }
    }

    private struct Answer {
        var lines: [Substring]

        func values(_ key: String) -> [String] {
            lines.filter { $0.hasPrefix(key + " ") }.map { String($0.dropFirst(key.count + 1)) }
        }
    }

    private func run(_ path: String, _ arguments: [String]) async throws(InterpreterProbeError) -> Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"]
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        // Read when the process has ended. One that writes more than a pipe holds (64 KiB) waits, and is killed.
        let output = Pipe()
        process.standardOutput = output
        let (endings, ending) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            ending.yield($0.terminationStatus)
            ending.finish()
        }
        do {
            try process.run()
        } catch {
            throw InterpreterProbeError(path: path, reason: "could not be run: \(error.localizedDescription)")
        }
        guard await status(endings, of: process) == 0 else {
            throw InterpreterProbeError(path: path, reason: "could not be run: it failed, or took over \(timeout)")
        }
        let bytes = available(output.fileHandleForReading.fileDescriptor)
        return Answer(lines: String(decoding: bytes, as: UTF8.self).split(separator: "\n"))
    }

    /// What is in the pipe, without waiting for more: a child of the program's may hold the other end open.
    private func available(_ descriptor: Int32) -> [UInt8] {
        let bytesMax = 1 << 20
        guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else { return [] }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < bytesMax, case let count = read(descriptor, &buffer, buffer.count), count > 0 {
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// What the process ended with; one that takes too long is killed.
    private func status(_ endings: AsyncStream<Int32>, of process: Process) async -> Int32? {
        let timeout = timeout
        return await withTaskGroup(of: Int32?.self) { group in
            group.addTask {
                do {
                    try await ContinuousClock().sleep(for: timeout)
                    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
                } catch {
                    // Cancelled: it ended in time.
                }
                return nil
            }
            // Until its end is known even when it is killed: no process is left behind.
            var iterator = endings.makeAsyncIterator()
            let status = await iterator.next()
            group.cancelAll()
            return status
        }
    }

    private func isELF(_ path: String) -> Bool {
        guard let file = FileHandle(forReadingAtPath: path) else { return false }
        defer { try? file.close() }
        return (try? file.read(upToCount: 4)) == Data([0x7f, 0x45, 0x4c, 0x46])
    }

    private func directory(of path: String) -> String {
        URL(fileURLWithPath: path).deletingLastPathComponent().path
    }
}
