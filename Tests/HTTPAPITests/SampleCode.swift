// SPDX-License-Identifier: Apache-2.0

/// Three small archives, made with Python's zipfile.
enum SampleCode {
    /// `lambda_function.py`, whose handler answers with its event.
    static let echo =
        "UEsDBBQAAAAAAAAAIVC0CHBpLgAAAC4AAAASAAAAbGFtYmRhX2Z1bmN0aW9uLnB5ZGVmIGhhbmRsZXIoZXZlbnQsIGNvbnRl"
        + "eHQpOgogICAgcmV0dXJuIGV2ZW50ClBLAQIUAxQAAAAAAAAAIVC0CHBpLgAAAC4AAAASAAAAAAAAAAAAAACkgQAAAABsYW1i"
        + "ZGFfZnVuY3Rpb24ucHlQSwUGAAAAAAEAAQBAAAAAXgAAAAAA"

    /// The same file, whose handler answers 2.
    static let two =
        "UEsDBBQAAAAAAAAAIVDngavaKgAAACoAAAASAAAAbGFtYmRhX2Z1bmN0aW9uLnB5ZGVmIGhhbmRsZXIoZXZlbnQsIGNvbnRl"
        + "eHQpOgogICAgcmV0dXJuIDIKUEsBAhQDFAAAAAAAAAAhUOeBq9oqAAAAKgAAABIAAAAAAAAAAAAAAKSBAAAAAGxhbWJkYV9m"
        + "dW5jdGlvbi5weVBLBQYAAAAAAQABAEAAAABaAAAAAAA="

    /// One file, `../evil.py`.
    static let traversal =
        "UEsDBBQAAAAAAAAAIVA7ifaLBgAAAAYAAAAKAAAALi4vZXZpbC5weXggPSAxClBLAQIUAxQAAAAAAAAAIVA7ifaLBgAAAAYA"
        + "AAAKAAAAAAAAAAAAAACkgQAAAAAuLi9ldmlsLnB5UEsFBgAAAAABAAEAOAAAAC4AAAAAAA=="
}
