// SPDX-License-Identifier: Apache-2.0
import AWSClient
import AWSWire
import CodeStore
import LambdaModel
import MetadataStore
import Synchronization
import Testing

@testable import ControlPlane

/// Objects in memory, of a bucket that can be out of order.
private final class UnreliableObjects: CodeObjects {
    struct State {
        var objects: [String: [UInt8]] = [:]
        var failure: ServiceFailure?
        /// Whether a write that fails takes place all the same.
        var writesAnyway = false
    }

    let state = Mutex(State())
    let place = "s3://bucket/ (--code-store)"

    private func checked(_ failure: ServiceFailure?) throws {
        if let failure { throw CodeStoreError.bucket(place: place, failure) }
    }

    func write(_ sealed: [UInt8], objectID: String) async throws {
        try checked(
            state.withLock { state in
                if state.failure == nil || state.writesAnyway { state.objects[objectID] = sealed }
                return state.failure
            }
        )
    }

    func read(_ objectID: String, bytesMax: Int) async throws -> [UInt8] {
        let (object, failure) = state.withLock { ($0.objects[objectID], $0.failure) }
        try checked(failure)
        guard let object else { throw CodeStoreError.notFound(objectID: objectID) }
        guard object.count <= bytesMax else { throw CodeStoreError.contentChanged(objectID: objectID) }
        return object
    }

    func delete(_ objectID: String) async throws {
        try checked(
            state.withLock { state in
                if state.failure == nil { state.objects[objectID] = nil }
                return state.failure
            }
        )
    }

    func objectIDs() async throws -> [String] {
        let (objectIDs, failure) = state.withLock { (Array($0.objects.keys), $0.failure) }
        try checked(failure)
        return objectIDs
    }

    var count: Int { state.withLock { $0.objects.count } }
    func fail(_ failure: ServiceFailure?) { state.withLock { $0.failure = failure } }
}

/// What becomes of calls and of objects while the code store is out of order, and afterwards.
struct CodeStoreOutageTests {
    private let objects = UnreliableObjects()
    private let fixture: ControlPlaneFixture
    private let away = ServiceFailure.unreachable(cause: "connection refused")

    init() throws { fixture = try ControlPlaneFixture(objects: objects) }

    private var collector: CodeCollector { fixture.controlPlane.collector }

    @Test func `a creation is refused with the option's name, and what arrived of it goes later`() async throws {
        defer { try? fixture.remove() }
        let refused = LambdaError.service(
            message: "The server's code store (--code-store) is out of order or can't be reached. Nothing was changed."
        )
        for failure in [away, .refused(status: 403, code: "AccessDenied", message: "m")] {
            objects.state.withLock { ($0.failure, $0.writesAnyway) = (failure, true) }
            #expect(try await refusal { try await fixture.create("f") } == refused)
        }
        #expect(try await refusal { try await fixture.show("f") }?.wire.status == 404)
        #expect(objects.count == 2)
        objects.fail(nil)
        fixture.advance(by: CodeCollector.grace)
        await collector.deleteDue()
        #expect(objects.count == 0)
        try await fixture.create("f")
    }

    @Test func `a deletion that fails is tried again`() async throws {
        defer { try? fixture.remove() }
        for name in ["f", "g"] { try await fixture.create(name) }
        let caller = ControlPlaneFixture.caller
        for name in ["f", "g"] {
            try await fixture.controlPlane.deleteFunction(name, qualifier: nil, caller: caller)
        }
        objects.fail(away)
        fixture.advance(by: CodeCollector.grace)
        await collector.deleteDue()
        #expect(objects.count == 2)
        objects.fail(nil)
        // The one that was tried waits again; the other one is still due.
        await collector.deleteDue()
        #expect(objects.count == 1)
        fixture.advance(by: CodeCollector.grace)
        await collector.deleteDue()
        #expect(objects.count == 0)
    }

    @Test func `a function waits for a store that is away, and fails for one that refuses`() async throws {
        defer { try? fixture.remove() }
        let activator = fixture.controlPlane.activator
        let key = FunctionVersionKey(
            function: FunctionKey(accountID: "000000000000", region: "us-east-1", name: "f"),
            version: FunctionVersionKey.latest
        )
        try await fixture.create("f")
        objects.fail(away)
        await activator.work(on: key)
        #expect(try await fixture.show("f")["State"] == .string("Pending"))
        objects.fail(.refused(status: 403, code: "AccessDenied", message: "m"))
        await activator.work(on: key)
        #expect(try await fixture.show("f")["StateReasonCode"] == .string("InternalError"))
    }

    @Test func `leftovers go, and code that is elsewhere ends the start`() async throws {
        defer { try? fixture.remove() }
        try await collector.collectLeftovers()
        try await fixture.create("f")
        let leftover = CodeStore.newObjectID()
        objects.state.withLock { $0.objects[leftover] = [1] }
        try await collector.collectLeftovers()
        #expect(objects.count == 1 && objects.state.withLock { $0.objects[leftover] } == nil)
        objects.state.withLock { $0.objects = [leftover: [1]] }
        await #expect(throws: CodeStoreError.elsewhere(place: objects.place, count: 1)) {
            try await collector.collectLeftovers()
        }
        // It may be another one's.
        #expect(objects.count == 1)
    }
}
