// SPDX-License-Identifier: Apache-2.0

/// What a function may ask for (`--limits`).
package enum LimitsProfile: String, Sendable, CaseIterable {
    /// Memory 128 to 3,072 MB in 64 MB steps, timeout 1 to 300 s, /tmp 512 MB.
    case classic
    /// AWS's limits of today: memory 128 to 10,240 MB in 1 MB steps, timeout 1 to 900 s, /tmp 512 to 10,240 MB, streamed
    /// responses at AWS's rate.
    case current

    package var memoryMiB: ClosedRange<Int> {
        switch self {
        case .classic: 128...3_072
        case .current: 128...10_240
        }
    }

    package var memoryStepMiB: Int {
        switch self {
        case .classic: 64
        case .current: 1
        }
    }

    package var timeoutSeconds: ClosedRange<Int> {
        switch self {
        case .classic: 1...300
        case .current: 1...900
        }
    }

    package var ephemeralStorageMiB: ClosedRange<Int> {
        switch self {
        case .classic: 512...512
        case .current: 512...10_240
        }
    }

    /// How fast a streamed response passes; nil for as fast as it is read.
    package var streamRate: StreamRate? {
        switch self {
        case .classic: nil
        case .current: StreamRate(burstBytes: 6 << 20, bytesPerSecond: 2 << 20)
        }
    }

    /// Request payload of a synchronous invocation.
    package static let synchronousPayloadBytesMax = 6_291_456
    /// Request payload of an asynchronous invocation.
    package static let eventPayloadBytesMax = 1_048_576
    /// Request payload of InvokeAsync.
    package static let invokeAsyncPayloadBytesMax = 262_144
    /// Response payload: 6 MiB + 100 bytes.
    package static let responsePayloadBytesMax = 6_291_556
    /// Response payload that is streamed: 200 MiB.
    package static let streamedPayloadBytesMax = 209_715_200
    /// Decoded zip in a CreateFunction, UpdateFunctionCode or PublishLayerVersion request.
    package static let zipUploadBytesMax = 52_428_800
    /// Whole CreateFunction, UpdateFunctionCode or PublishLayerVersion request.
    package static let codeRequestBytesMax = 70_167_211
    /// Unpacked code with its layers.
    package static let unzippedBytesMax = 262_144_000
    /// All zips of an account's functions, their versions and layers in a region, 75 GB, unless configured.
    package static let storedCodeBytesDefault = 80_530_636_800
    /// Layers of a function.
    package static let layersMax = 5
    /// Compact JSON of all environment variables.
    package static let environmentBytesMax = 4_096
    /// Concurrent invocations of an account, unless configured.
    package static let accountConcurrencyDefault = 1_000
    /// Threads and processes of an execution environment.
    package static let processesMax = 1_024
    /// Open file descriptors of a process.
    package static let fileDescriptorsMax = 1_024
    /// Initialisation at full speed and without charge against the timeout.
    package static let initDuration = Duration.seconds(10)
}

/// How fast a streamed response passes: the first bytes as fast as they are read, what follows at a steady rate.
///
/// Times in which less comes are made up for, by no more than the burst.
package struct StreamRate: Equatable, Sendable {
    package var burstBytes: Int
    package var bytesPerSecond: Int

    package init(burstBytes: Int, bytesPerSecond: Int) {
        self.burstBytes = burstBytes
        self.bytesPerSecond = bytesPerSecond
    }
}
