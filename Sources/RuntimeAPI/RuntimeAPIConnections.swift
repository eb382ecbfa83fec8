// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import NIOCore

extension MonotonicTime {
    /// The loop's clock.
    static func now(of loop: any EventLoop) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(loop.now.uptimeNanoseconds))
    }
}

/// The connections of one execution environment, and the memory that they share.
///
/// Lives on one event loop.
final class RuntimeAPIConnections {
    static let connectionsMax = 64
    /// Bodies that have arrived, wholly or in part, and are not answered yet.
    ///
    /// A connection over it is not read until another one is done. Two whole bodies, so that one connection alone
    /// never waits. It may be passed by one read of each connection.
    static let inboundBytesMax = 2 * LimitsProfile.responsePayloadBytesMax
    /// Answers that clients have not read yet; one more closes its connection.
    static let outboundBytesMax = 3 * LimitsProfile.synchronousPayloadBytesMax

    /// Calls a second, and at once, that are no part of an invocation: refused ones, `ping`, one more subscription, the same event again.
    ///
    /// They cost the function less than the event loop, which others share. With more its connections are read no faster than that.
    static let idleTalkRate = 200
    static let idleTalkMax = 1_000
    /// As many bytes of what is no part of an invocation count as one more call.
    static let idleTalkBytes = 16_384
    /// What a connection counts as, in such bytes.
    static let connectionBytes = 2_048
    /// What a read counts as that brings neither a request's head nor its end, nor as many bytes of its body: it costs the loop no less than a
    /// large one.
    static let smallReadBytes = 1_024

    private var open: [ObjectIdentifier: any Channel] = [:]
    private var whenEmpty: [EventLoopPromise<Void>] = []
    private var inboundBytes = 0
    private var outboundBytes = 0
    private var waiting: [ObjectIdentifier: () -> Void] = [:]
    private var idleTalk: TokenBucket
    /// Bytes that do not count as a call yet.
    private var idleBytes = 0
    /// The invocation whose event was given out last.
    private var lastEvent: String?
    /// It has its response.
    private var isResponded = true

    init(at now: MonotonicTime) { idleTalk = TokenBucket(rate: Self.idleTalkRate, capacity: Self.idleTalkMax, at: now) }

    var channels: [any Channel] { Array(open.values) }

    /// False if there are too many already.
    func add(_ channel: any Channel, at now: MonotonicTime) -> Bool {
        noteIdleBytes(Self.connectionBytes, at: now)
        guard open.count < Self.connectionsMax else { return false }
        open[ObjectIdentifier(channel)] = channel
        return true
    }

    func remove(_ channel: any Channel) {
        open[ObjectIdentifier(channel)] = nil
        if open.isEmpty {
            for promise in whenEmpty { promise.succeed() }
            whenEmpty = []
        }
        waiting[ObjectIdentifier(channel)] = nil
    }

    /// Succeeds when the last connection is closed and its last call answered.
    func emptied(on loop: any EventLoop) -> EventLoopFuture<Void> {
        guard !open.isEmpty else { return loop.makeSucceededVoidFuture() }
        let promise = loop.makePromise(of: Void.self)
        whenEmpty.append(promise)
        return promise.futureResult
    }

    /// True if the connection may read on; else `resume` is called when it may try again.
    func mayRead(_ channel: any Channel, resume: @escaping () -> Void) -> Bool {
        if inboundBytes < Self.inboundBytesMax { return true }
        waiting[ObjectIdentifier(channel)] = resume
        return false
    }

    func hold(_ bytes: Int) {
        inboundBytes += bytes
    }

    func release(_ bytes: Int) {
        inboundBytes -= bytes
        guard inboundBytes < Self.inboundBytesMax, !waiting.isEmpty else { return }
        let resumed = waiting
        waiting = [:]
        for resume in resumed.values { resume() }
    }

    /// Counts a call, unless it is one of those that an invocation consists of: its event once, and its response once.
    ///
    /// `isResponse`: it said how an invocation ended. `heldBytes` is the size of its body, as far as that was not thrown away.
    func note(_ answer: RuntimeAPIAnswer, isResponse: Bool, heldBytes: Int = 0, at now: MonotonicTime) {
        switch answer {
        case .accepted where isResponse && !isResponded: isResponded = true
        case .invocation(let invocation) where isResponded || invocation.requestID != lastEvent:
            lastEvent = invocation.requestID
            isResponded = false
        case .invocation(let invocation): noteIdleTalk(bytes: heldBytes + invocation.payload.count, at: now)
        case .extensionEvent: noteIdleBytes(heldBytes, at: now)
        case .accepted, .restored, .registered, .subscribed, .refused: noteIdleTalk(bytes: heldBytes, at: now)
        }
    }

    func noteIdleTalk(bytes: Int = 0, at now: MonotonicTime) {
        idleTalk.spend(1, at: now)
        noteIdleBytes(bytes, at: now)
    }

    /// Bytes that are read to be thrown away, for example.
    func noteIdleBytes(_ bytes: Int, at now: MonotonicTime) {
        idleBytes += bytes
        idleTalk.spend(idleBytes / Self.idleTalkBytes, at: now)
        idleBytes %= Self.idleTalkBytes
    }

    /// How long nothing is read of any connection.
    func pause(at now: MonotonicTime) -> Duration { idleTalk.wait(at: now) }

    /// False if the clients have too much unread already.
    func holdOutbound(_ bytes: Int) -> Bool {
        guard outboundBytes + bytes <= Self.outboundBytesMax else { return false }
        outboundBytes += bytes
        return true
    }

    func releaseOutbound(_ bytes: Int) {
        outboundBytes -= bytes
    }
}
