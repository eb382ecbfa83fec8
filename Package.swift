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
let asyncHTTPClient = product("AsyncHTTPClient", "async-http-client")
let nioSSL = product("NIOSSL", "swift-nio-ssl")

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["Server"]),
        .executable(name: "martlet-spawner", targets: ["SandboxSpawner"]),
        .executable(name: "hummingbird-echo", targets: ["HummingbirdEcho"]),
        // Loaded by interpreters, inside sandboxes.
        .library(name: "martlet-zygote", type: .dynamic, targets: ["CZygote"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
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
        .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CRDKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),

        // Decisions and formats.
        .target(name: "InvocationCore", dependencies: ["LambdaModel"], swiftSettings: swift),
        .target(name: "QueueCore", dependencies: ["LambdaModel"], swiftSettings: swift),
        .target(name: "StreamCore", dependencies: ["LambdaModel"], swiftSettings: swift),
        .target(name: "ScheduleCore", dependencies: ["LambdaModel"], swiftSettings: swift),
        .target(name: "MetricCore", dependencies: ["LambdaModel"], swiftSettings: swift),
        .target(name: "AWSWire", dependencies: ["LambdaModel", "CPCRE2", crypto], swiftSettings: swift),
        .target(name: "EventPattern", dependencies: ["AWSWire"], swiftSettings: swift),
        .target(name: "LogPattern", dependencies: ["AWSWire", "CLinux"], swiftSettings: swift),
        .target(name: "EnvelopeEncryption", dependencies: [crypto], swiftSettings: swift),

        // One machine or store each.
        .target(name: "LinuxSandbox", dependencies: ["CLinux"], swiftSettings: strict),
        .target(
            name: "SandboxPolicy",
            dependencies: ["LinuxSandbox", "CSeccomp", "CNftnl"],
            resources: [.embedInCode("Resources/syscalls.json")],
            swiftSettings: swift
        ),
        .executableTarget(
            name: "SandboxSpawner",
            dependencies: ["LinuxSandbox", "CLinux"],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-static-executable"])]
        ),
        // Embedded: nothing of Swift's own library is linked to what is C alone.
        .target(
            name: "CZygote",
            linkerSettings: [.unsafeFlags(["-enable-experimental-feature", "Embedded", "-wmo"])]
        ),
        .target(name: "DatabaseFile", dependencies: [grdb], swiftSettings: swift),
        .target(
            name: "MetadataStore",
            dependencies: ["DatabaseFile", "LambdaModel", "EnvelopeEncryption", grdb],
            swiftSettings: swift
        ),
        .target(
            name: "CodeStore",
            dependencies: ["AWSClient", "AWSWire", "LambdaModel", "EnvelopeEncryption", "CArchive", crypto],
            swiftSettings: swift
        ),
        .target(
            name: "EventStore",
            dependencies: ["DatabaseFile", "LambdaModel", "EnvelopeEncryption", grdb],
            swiftSettings: swift
        ),
        .target(
            name: "QueueStore",
            dependencies: ["DatabaseFile", "EnvelopeEncryption", "LambdaModel", "QueueCore", crypto, grdb],
            swiftSettings: swift
        ),
        .target(
            name: "StreamStore",
            dependencies: ["DatabaseFile", "EnvelopeEncryption", "LambdaModel", "StreamCore", grdb],
            swiftSettings: swift
        ),
        .target(
            name: "ScheduleStore",
            dependencies: ["DatabaseFile", "EnvelopeEncryption", "LambdaModel", "ScheduleCore", grdb],
            swiftSettings: swift
        ),
        .target(
            name: "MetricStore",
            dependencies: ["DatabaseFile", "LambdaModel", "MetricCore", grdb],
            swiftSettings: swift
        ),
        .target(
            name: "LogStore",
            dependencies: [
                "CLinux", "CZlib", "DatabaseFile", "LambdaModel", grdb, product("GRDBSQLite", "GRDB.swift"),
            ],
            swiftSettings: swift
        ),
        .target(
            name: "AWSClient",
            dependencies: nio + ["AWSWire", "LambdaModel", nioHTTP1, asyncHTTPClient],
            swiftSettings: swift
        ),
        .target(
            name: "Runtimes",
            dependencies: ["LambdaModel"],
            resources: [
                .embedInCode("Bootstraps/python/bootstrap.py"), .embedInCode("Bootstraps/python/_martlet_runtime.py"),
                .embedInCode("Bootstraps/python/_martlet_log.py"), .embedInCode("Bootstraps/python/_martlet_blank.py"),
                .embedInCode("Bootstraps/python/_martlet_zygote.py"),
                .embedInCode("Bootstraps/python/_martlet_snapshot.py"),
                .embedInCode("Bootstraps/python/snapstart/snapshot_restore_py.py"),
                .embedInCode("Bootstraps/nodejs/index.cjs"), .embedInCode("Bootstraps/nodejs/blank.cjs"),
                .embedInCode("Bootstraps/nodejs/practice.cjs"),
                .embedInCode("Bootstraps/nodejs/connection.cjs"), .embedInCode("Bootstraps/nodejs/errors.cjs"),
                .embedInCode("Bootstraps/nodejs/handler.cjs"), .embedInCode("Bootstraps/nodejs/log.cjs"),
                .embedInCode("Bootstraps/nodejs/stream.cjs"),
            ],
            swiftSettings: swift
        ),
        .target(name: "EventLoops", dependencies: [product("NIOCore", "swift-nio")], swiftSettings: swift),
        .target(
            name: "RuntimeAPI",
            dependencies: nio + [nioHTTP1, logging, "EventLoops", "InvocationCore", "LambdaModel"],
            swiftSettings: swift
        ),
        .target(name: "Egress", dependencies: nio + [logging], swiftSettings: swift),

        // Services.
        .target(
            name: "ExecutionEnvironments",
            dependencies: nio + [
                "CLinux", "EventLoops", "LinuxSandbox", "InvocationCore", "RuntimeAPI", "Egress", "Runtimes",
                "CodeStore", "LogStore",
                "AWSWire", "LambdaModel", "MetricCore", logging,
            ],
            swiftSettings: swift
        ),
        .target(
            name: "Invoker",
            dependencies: [
                "AWSClient", "AWSWire", "EventStore", "ExecutionEnvironments", "InvocationCore", "LambdaModel",
                "MetricCore",
                lifecycle,
                logging,
            ],
            swiftSettings: swift
        ),
        .target(
            name: "EventSources",
            dependencies: [
                "AWSClient", "AWSWire", "CRDKafka", "CRabbitMQ", "EventPattern", "InvocationCore", "Invoker",
                "LambdaModel", lifecycle, logging,
            ],
            swiftSettings: swift
        ),
        .target(
            name: "ControlPlane",
            dependencies: [
                "AWSClient", "AWSWire", "EventPattern", "InvocationCore", "MetadataStore", "CodeStore", "LogStore",
                "LambdaModel",
                crypto,
                logging,
                lifecycle,
            ],
            swiftSettings: swift
        ),

        .target(
            name: "Queues",
            dependencies: [
                "AWSWire", "EnvelopeEncryption", "LambdaModel", "QueueCore", "QueueStore", crypto, lifecycle, logging,
            ],
            swiftSettings: swift
        ),
        .target(
            name: "Streams",
            dependencies: [
                "AWSWire", "EnvelopeEncryption", "LambdaModel", "StreamCore", "StreamStore", crypto, lifecycle,
                logging,
            ],
            swiftSettings: swift
        ),
        .target(
            name: "Schedules",
            dependencies: [
                "AWSWire", "EventPattern", "LambdaModel", "ScheduleCore", "ScheduleStore", lifecycle, logging,
            ],
            swiftSettings: swift
        ),
        .target(
            name: "Logs",
            dependencies: ["AWSWire", "LambdaModel", "LogPattern", "LogStore", lifecycle, logging],
            swiftSettings: swift
        ),

        .target(
            name: "Monitoring",
            dependencies: [
                "AWSWire", "LambdaModel", "MetricCore", "MetricStore", asyncHTTPClient, nioHTTP1, lifecycle, logging,
            ] + nio,
            swiftSettings: swift
        ),

        // Edges.
        .target(
            name: "Console",
            dependencies: ["AWSWire", "InvocationCore", crypto],
            resources: [
                .embedInCode("Page/index.html"), .embedInCode("Page/console.css"), .embedInCode("Page/main.js"),
                .embedInCode("Page/api.js"), .embedInCode("Page/dom.js"), .embedInCode("Page/format.js"),
                .embedInCode("Page/charts.js"), .embedInCode("Page/reports.js"), .embedInCode("Page/archive.js"),
                .embedInCode("Page/functions.js"), .embedInCode("Page/function.js"), .embedInCode("Page/deploy.js"),
                .embedInCode("Page/invoke.js"), .embedInCode("Page/logs.js"), .embedInCode("Page/monitor.js"),
                .embedInCode("Page/configuration.js"), .embedInCode("Page/sources.js"), .embedInCode("Page/usage.js"),
                .embedInCode("Page/environments.js"), .embedInCode("Page/icon.svg"),
            ],
            swiftSettings: swift
        ),
        .target(
            name: "HTTPAPI",
            dependencies: nio + [
                "Console", "ControlPlane", "EventLoops", "LogStore", "Logs", "AWSWire", "InvocationCore", "LambdaModel",
                "MetadataStore", "MetricCore", "Monitoring", "QueueCore", "Queues", "ScheduleCore", "Schedules",
                "StreamCore", "Streams",
                hummingbird,
                hummingbirdCore, nioHTTP1, nioSSL, logging, product("AsyncHTTPClient", "async-http-client"),
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
                "AWSWire", "CArchive", "LambdaModel", "ServerConfiguration", argumentParser, nioHTTP1, nioSSL, crypto,
                asyncHTTPClient,
            ],
            swiftSettings: swift
        ),

        // Composition root.
        .executableTarget(
            name: "Server",
            dependencies: nio + [
                "AWSClient", "AWSWire", "CodeStore", "CommandLineClient", "Console", "ControlPlane", "Egress",
                "EnvelopeEncryption", "EventSources", "EventStore",
                "ExecutionEnvironments", "HTTPAPI", "InvocationCore", "Invoker", "LambdaModel", "LinuxSandbox",
                "LogStore", "Logs", "MetadataStore", "MetricCore", "MetricStore", "Monitoring", "QueueCore",
                "QueueStore", "Queues", "Runtimes", "SandboxPolicy",
                "ScheduleCore", "ScheduleStore", "Schedules", "ServerConfiguration", "StreamCore", "StreamStore",
                "Streams",
                argumentParser,
                asyncHTTPClient, crypto, hummingbird, lifecycle, logging,
                product("UnixSignals", "swift-service-lifecycle"),
            ],
            swiftSettings: swift
        ),

        // What `make bench` measures the server beside.
        .executableTarget(
            name: "HummingbirdEcho",
            dependencies: [hummingbird],
            path: "Benchmarks/echo",
            swiftSettings: swift
        ),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: ["InvocationCore", "LambdaModel", "QueueCore"],
            swiftSettings: swift
        ),
        .testTarget(name: "LambdaModelTests", dependencies: ["LambdaModel"], swiftSettings: swift),
        .testTarget(
            name: "InvocationCoreTests",
            dependencies: ["InvocationCore", "LambdaModel", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "ScheduleCoreTests",
            dependencies: ["ScheduleCore", "LambdaModel", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "EventLoopsTests",
            dependencies: ["EventLoops"] + nio,
            swiftSettings: swift
        ),
        .testTarget(name: "QueueCoreTests", dependencies: ["QueueCore", "TestSupport"], swiftSettings: swift),
        .testTarget(
            name: "StreamCoreTests",
            dependencies: ["StreamCore", "LambdaModel", "TestSupport"],
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
            name: "EventPatternTests",
            dependencies: ["EventPattern", "AWSWire", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "AWSClientTests",
            dependencies: nio + ["AWSClient", "AWSWire", "LambdaModel", nioHTTP1, asyncHTTPClient],
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
            dependencies: ["CodeStore", "AWSClient", "LambdaModel", "EnvelopeEncryption", "CArchive", crypto],
            swiftSettings: swift
        ),
        .testTarget(
            name: "EventSourcesTests",
            dependencies: [
                "EventSources", "AWSWire", "CRabbitMQ", "EventPattern", "InvocationCore", "Invoker", "LambdaModel",
                "TestSupport", logging,
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "EventStoreTests",
            dependencies: ["EventStore", "LambdaModel", "EnvelopeEncryption"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "QueueStoreTests",
            dependencies: ["QueueStore", "QueueCore", "LambdaModel", "EnvelopeEncryption", "TestSupport", grdb],
            swiftSettings: swift
        ),
        .testTarget(
            name: "StreamStoreTests",
            dependencies: ["StreamStore", "StreamCore", "LambdaModel", "EnvelopeEncryption", "TestSupport", grdb],
            swiftSettings: swift
        ),
        .testTarget(
            name: "StreamsTests",
            dependencies: [
                "Streams", "StreamStore", "StreamCore", "AWSWire", "LambdaModel", "EnvelopeEncryption", "TestSupport",
                logging,
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "ScheduleStoreTests",
            dependencies: ["ScheduleStore", "ScheduleCore", "LambdaModel", "EnvelopeEncryption", grdb],
            swiftSettings: swift
        ),
        .testTarget(
            name: "SchedulesTests",
            dependencies: [
                "Schedules", "ScheduleStore", "ScheduleCore", "AWSWire", "LambdaModel", "EnvelopeEncryption", grdb,
                logging,
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "QueuesTests",
            dependencies: [
                "Queues", "QueueStore", "QueueCore", "AWSWire", "LambdaModel", "EnvelopeEncryption", logging,
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "InvokerTests",
            dependencies: [
                "Invoker", "AWSClient", "AWSWire", "EventStore", "EnvelopeEncryption", "InvocationCore", "LambdaModel",
                logging,
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "LogStoreTests",
            dependencies: ["LogStore", "LambdaModel", "TestSupport", grdb],
            swiftSettings: swift
        ),
        .testTarget(
            name: "MetricCoreTests",
            dependencies: ["MetricCore", "LambdaModel", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "MetricStoreTests",
            dependencies: ["MetricStore", "MetricCore", "LambdaModel", grdb],
            swiftSettings: swift
        ),
        .testTarget(
            name: "MonitoringTests",
            dependencies: [
                "Monitoring", "MetricStore", "MetricCore", "AWSWire", "LambdaModel", "TestSupport", logging,
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "LogPatternTests",
            dependencies: ["LogPattern", "AWSWire", "TestSupport"],
            swiftSettings: swift
        ),
        .testTarget(
            name: "LogsTests",
            dependencies: ["Logs", "LogStore", "AWSWire", "LambdaModel", "TestSupport", logging],
            swiftSettings: swift
        ),
        .testTarget(
            name: "ControlPlaneTests",
            dependencies: [
                "ControlPlane", "AWSClient", "AWSWire", "InvocationCore", "LambdaModel", "MetadataStore", "CodeStore",
                "LogStore",
                "EnvelopeEncryption",
                "TestSupport",
                crypto, logging,
            ],
            swiftSettings: swift
        ),
        .testTarget(name: "ConsoleTests", dependencies: ["Console", "InvocationCore"], swiftSettings: swift),
        .testTarget(
            name: "HTTPAPITests",
            dependencies: nio + [
                "Console", "HTTPAPI", "ControlPlane", "AWSWire", "InvocationCore", "LambdaModel", "MetadataStore",
                "CodeStore",
                "LogStore", "Logs", "MetricCore", "MetricStore", "Monitoring", "EnvelopeEncryption", crypto, logging,
                hummingbird, lifecycle,
                product("HummingbirdTesting", "hummingbird"), product("HTTPTypes", "swift-http-types"),
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
                "ExecutionEnvironments", "CodeStore", "EnvelopeEncryption", "InvocationCore", "LambdaModel",
                "LinuxSandbox", "LogStore", "MetricCore",
                "Runtimes",
            ],
            swiftSettings: swift
        ),
        .testTarget(
            name: "RuntimeAPITests",
            dependencies: nio + ["RuntimeAPI", "InvocationCore", "LambdaModel", nioHTTP1, logging],
            swiftSettings: swift
        ),
        .testTarget(name: "EgressTests", dependencies: nio + ["Egress", logging], swiftSettings: swift),
        .testTarget(name: "RuntimesTests", dependencies: ["Runtimes", "LambdaModel"], swiftSettings: swift),
        .testTarget(
            name: "SandboxPolicyTests",
            dependencies: ["CSeccomp", "LinuxSandbox", "SandboxPolicy"],
            swiftSettings: swift
        ),
        .target(name: "CTracer", path: "Tests/CTracer"),
        .testTarget(
            name: "SandboxTests",
            dependencies: [
                "CSeccomp", "CTracer", "ExecutionEnvironments", "InvocationCore", "LinuxSandbox", "Runtimes",
                "SandboxPolicy", logging,
            ],
            exclude: ["Programs/Everything.java"],
            resources: [
                .embedInCode("Programs/compiled.c.txt"), .embedInCode("Programs/cost.c.txt"),
                .embedInCode("Programs/foreign.c.txt"), .embedInCode("Programs/node_all.js"),
                .embedInCode("Programs/python_all.py"), .embedInCode("Programs/shell.sh"),
            ],
            swiftSettings: swift
        ),
    ]
)
