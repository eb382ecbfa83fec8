// SPDX-License-Identifier: Apache-2.0

/// The runtimes' programs that are ours, carried inside the executable.
///
/// The server writes them to a directory that every sandbox sees, read-only, as /var/rapid.
package enum Bootstraps {
    /// The library of zygotes, beside the executable; sandboxes see it beside the Python files.
    package static let zygoteLibrary = "libmartlet-zygote.so"

    /// Path below /var/rapid, and content.
    package static let files: [(path: String, bytes: [UInt8])] = [
        ("python/bootstrap.py", PackageResources.bootstrap_py),
        ("python/_martlet_runtime.py", PackageResources._martlet_runtime_py),
        ("python/_martlet_log.py", PackageResources._martlet_log_py),
        ("python/_martlet_blank.py", PackageResources._martlet_blank_py),
        ("python/_martlet_zygote.py", PackageResources._martlet_zygote_py),
        ("python/_martlet_snapshot.py", PackageResources._martlet_snapshot_py),
        ("python/snapstart/snapshot_restore_py.py", PackageResources.snapshot_restore_py_py),
        ("nodejs/index.cjs", PackageResources.index_cjs),
        ("nodejs/blank.cjs", PackageResources.blank_cjs),
        ("nodejs/practice.cjs", PackageResources.practice_cjs),
        ("nodejs/connection.cjs", PackageResources.connection_cjs),
        ("nodejs/errors.cjs", PackageResources.errors_cjs),
        ("nodejs/handler.cjs", PackageResources.handler_cjs),
        ("nodejs/log.cjs", PackageResources.log_cjs),
        ("nodejs/stream.cjs", PackageResources.stream_cjs),
    ]
}
