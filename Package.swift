// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let swift: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]
/// What runs beside the customer's code: the compiler asks for `unsafe`, and the reader for its reason.
let strict = swift + [.strictMemorySafety()]

func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

let nio = ["NIOCore", "NIOPosix"].map { product($0, "swift-nio") }
let nioHTTP1 = product("NIOHTTP1", "swift-nio")
let crypto = product("Crypto", "swift-crypto")
let logging = product("Logging", "swift-log")
let lifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let grdb = product("GRDB", "GRDB.swift")
let argumentParser = product("ArgumentParser", "swift-argument-parser")
let hummingbird = product("Hummingbird", "hummingbird")
let hummingbirdCore = product("HummingbirdCore", "hummingbird")

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["Server"]),
        .executable(name: "martlet-spawner", targets: ["SandboxSpawner"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["JSON", "YAML"]),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // Words.
        .target(name: "LambdaModel", swiftSettings: swift),
        .target(name: "CLinux"),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CNftnl", pkgConfig: "libnftnl", providers: [.apt(["libnftnl-dev", "libmnl-dev"])]),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),

        // Decisions and formats.
        .target(name: "InvocationCore", dependencies: ["LambdaModel"], swiftSettings: swift),
        .target(name: "AWSWire", dependencies: ["LambdaModel", crypto], swiftSettings: swift),
        .target(name: "EnvelopeEncryption", dependencies: [crypto], swiftSettings: swift),

        // One machine or store each.
        .target(name: "LinuxSandbox", dependencies: ["CLinux"], swiftSettings: strict),
        .target(
            name: "SandboxPolicy",
            dependencies: ["LinuxSandbox", "CLinux", "CSeccomp", "CNftnl"],
            resources: [.embedInCode("Resources/syscalls.json")],
            swiftSettings: swift
        ),
        .executableTarget(
            name: "SandboxSpawner",
            dependencies: ["LinuxSandbox", "CLinux"],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-static-executable"])]
        ),
        .target(
            name: "MetadataStore",
            dependencies: ["LambdaModel", "EnvelopeEncryption", grdb],
            swiftSettings: swift
        ),
        .target(
            name: "CodeStore",
            dependencies: ["LambdaModel", "EnvelopeEncryption", "CArchive", crypto],
            swiftSettings: swift
        ),
        .target(name: "LogStore", dependencies: ["LambdaModel", grdb], swiftSettings: swift),
        .target(
            name: "Runtimes",
            dependencies: ["LambdaModel"],
            resources: [
                .embedInCode("Bootstraps/python/bootstrap.py"), .embedInCode("Bootstraps/python/_martlet_runtime.py"),
                .embedInCode("Bootstraps/python/_martlet_log.py"), .embedInCode("Bootstraps/nodejs/index.cjs"),
                .embedInCode("Bootstraps/nodejs/connection.cjs"), .embedInCode("Bootstraps/nodejs/errors.cjs"),
                .embedInCode("Bootstraps/nodejs/handler.cjs"), .embedInCode("Bootstraps/nodejs/log.cjs"),
                .embedInCode("Bootstraps/nodejs/stream.cjs"),
            ],
            swiftSettings: swift
        ),
        .target(name: "RuntimeAPI", dependencies: nio + [nioHTTP1, logging, "LambdaModel"], swiftSettings: swift),
        .target(name: "Egress", dependencies: nio + [logging], swiftSettings: swift),

        // Services.
        .target(
            name: "ExecutionEnvironments",
            dependencies: nio + [
                "CLinux", "LinuxSandbox", "InvocationCore", "RuntimeAPI", "Egress", "Runtimes", "CodeStore", "LogStore",
                "AWSWire", "LambdaModel", logging,
            ],
            swiftSettings: swift
        ),
        .target(name: "Invoker", dependencies: ["ExecutionEnvironments", "LambdaModel"], swiftSettings: swift),
        .target(
            name: "ControlPlane",
            dependencies: [
                "AWSWire", "MetadataStore", "CodeStore", "LambdaModel", crypto, logging, lifecycle,
            ],
            swiftSettings: swift
        ),

        // Edges.
        .target(
            name: "HTTPAPI",
            dependencies: nio + [
                "ControlPlane", "LogStore", "AWSWire", "LambdaModel", hummingbird, hummingbirdCore, nioHTTP1, logging,
                product("HTTPTypes", "swift-http-types"),
            ],
            swiftSettings: swift
        ),
        .target(
            name: "ServerConfiguration",
            dependencies: ["LambdaModel", argumentParser, product("Configuration", "swift-configuration")],
            swiftSettings: swift
        ),
        .target(
            name: "CommandLineClient",
            dependencies: nio + [
                "AWSWire", "CArchive", "LambdaModel", "ServerConfiguration", argumentParser, nioHTTP1, crypto,
                product("AsyncHTTPClient", "async-http-client"),
            ],
            swiftSettings: swift
        ),

        // Composition root.
        .executableTarget(
            name: "Server",
            dependencies: nio + [
                "AWSWire", "CodeStore", "CommandLineClient", "ControlPlane", "Egress", "EnvelopeEncryption",
                "ExecutionEnvironments", "HTTPAPI", "InvocationCore", "Invoker", "LambdaModel", "LinuxSandbox",
                "LogStore", "MetadataStore", "Runtimes", "SandboxPolicy", "ServerConfiguration", argumentParser,
                crypto, hummingbird, lifecycle, logging, product("UnixSignals", "swift-service-lifecycle"),
            ],
            swiftSettings: swift
        ),

        // Tests.
        .target(name: "TestSupport", dependencies: ["InvocationCore", "LambdaModel"], swiftSettings: swift),
        .testTarget(name: "LambdaModelTests", dependencies: ["LambdaModel"], swiftSettings: swift),
        .testTarget(
            name: "InvocationCoreTests",
            dependencies: ["InvocationCore", "LambdaModel", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["InvocationCore", "LambdaModel", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "AWSWireTests",
            dependencies: ["AWSWire", "LambdaModel", crypto],
            resources: [.copy("Vectors")],
            swiftSettings: swift
        ),
        .testTarget(
            name: "EnvelopeEncryptionTests",
            dependencies: ["EnvelopeEncryption", crypto],
            swiftSettings: swift
        ),
        .testTarget(
            name: "MetadataStoreTests",
            dependencies: ["MetadataStore", "LambdaModel", "EnvelopeEncryption", grdb],
            swiftSettings: swift
        ),
        .testTarget(
            name: "CodeStoreTests",
            dependencies: ["CodeStore", "LambdaModel", "EnvelopeEncryption", "CArchive", crypto],
            swiftSettings: swift
        ),
        .testTarget(name: "LogStoreTests", dependencies: ["LogStore", "LambdaModel", grdb], swiftSettings: swift),
        .testTarget(
            name: "ControlPlaneTests",
            dependencies: [
                "ControlPlane", "AWSWire", "LambdaModel", "MetadataStore", "CodeStore", "EnvelopeEncryption", crypto,
                logging,
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "HTTPAPITests",
            dependencies: nio + [
                "HTTPAPI", "ControlPlane", "AWSWire", "LambdaModel", "MetadataStore", "CodeStore", "LogStore",
                "EnvelopeEncryption", crypto, logging, hummingbird, product("HummingbirdTesting", "hummingbird"),
                product("HTTPTypes", "swift-http-types"),
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "ServerConfigurationTests",
            dependencies: ["ServerConfiguration", "LambdaModel", argumentParser],
            swiftSettings: swift
        ),
        .testTarget(
            name: "CommandLineClientTests",
            dependencies: [
                "CommandLineClient", "AWSWire", "CArchive", "LambdaModel", "ServerConfiguration", argumentParser,
            ],
            swiftSettings: swift
        ),
        .testTarget(name: "LinuxSandboxTests", dependencies: ["LinuxSandbox"], swiftSettings: swift),
        .testTarget(
            name: "ExecutionEnvironmentsTests",
            dependencies: [
                "ExecutionEnvironments", "CodeStore", "EnvelopeEncryption", "LambdaModel", "LogStore", "Runtimes",
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "RuntimeAPITests",
            dependencies: nio + ["RuntimeAPI", "LambdaModel", nioHTTP1, logging],
            swiftSettings: swift
        ),
        .testTarget(name: "EgressTests", dependencies: nio + ["Egress", logging], swiftSettings: swift),
        .testTarget(name: "RuntimesTests", dependencies: ["Runtimes", "LambdaModel"], swiftSettings: swift),
        .testTarget(
            name: "SandboxTests",
            dependencies: [
                "CSeccomp", "ExecutionEnvironments", "InvocationCore", "LinuxSandbox", "SandboxPolicy", logging,
            ],
            swiftSettings: swift
        ),
    ]
)
