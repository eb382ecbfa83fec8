// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Foundation
import LambdaModel
import TestSupport
import Testing

@testable import ControlPlane

/// Random histories of API calls, each call's answer compared with `LambdaRules`.
///
/// `MARTLET_API_HISTORIES` says how many (2,000 by default), `MARTLET_API_SEED` where the seeds begin.
struct HistoryTests {
    private static func number(_ name: String, default value: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } ?? value
    }

    /// A history waits for its store after each call: so many at a time, each in a store of its own.
    private static let parts: UInt64 = 4

    @Test(arguments: 0..<parts) func `random histories of calls obey Lambda's rules`(_ part: UInt64) async throws {
        // In memory where there is such a place: each of tens of thousands of changes is synced.
        let memory = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
        let fixture = try ControlPlaneFixture(in: memory + "martlet-\(UUID().uuidString)")
        defer { try? fixture.remove() }
        let first = Self.number("MARTLET_API_SEED", default: 1)
        let count = Self.number("MARTLET_API_HISTORIES", default: 2_000)
        var calls = 0
        var refusals = 0
        for seed in first + count * part / Self.parts..<first + count * (part + 1) / Self.parts {
            var history = History(fixture: fixture, seed: seed)
            if let fault = try await history.run() {
                Issue.record("seed \(seed): \(fault)\n\(history.trace.joined(separator: "\n"))")
                return
            }
            calls += history.trace.count
            refusals += history.refusals
        }
        print("histories of the API: \(calls) calls, \(refusals) of them refused")
        #expect(count < 2_000 || (refusals > 0 && refusals < calls))
    }
}

/// One function's life.
private struct History {
    let fixture: ControlPlaneFixture
    let name: String
    /// Most are short, so that there are many; every tenth is long.
    let calls: Int
    var random: SplitMix64
    var rules = LambdaRules()
    var trace: [String] = []
    var refusals = 0
    /// As last shown.
    var revision = "none"
    var aliasRevisions: [String: String] = [:]
    /// Every revision of `$LATEST` that was seen: none comes twice.
    var revisions: Set<String> = []

    private static let aliases = ["live", "canary"]
    private static let sources = [SampleCode.echo, SampleCode.two]

    init(fixture: ControlPlaneFixture, seed: UInt64) {
        self.fixture = fixture
        name = "f\(seed)"
        calls = seed.isMultiple(of: 10) ? 40 : 8
        random = SplitMix64(seed: seed)
    }

    private var plane: ControlPlane { fixture.controlPlane }
    private var labels: [String: String] { ["FunctionName": name] }

    /// - Returns: what went wrong.
    mutating func run() async throws -> String? {
        for _ in 0..<calls {
            if let fault = try await step() { return fault }
            // Each answer is compared; reading all that is there costs three times as much as a call.
            if random.oneIn(8), let fault = try await look() { return fault }
        }
        if let fault = try await look() { return fault }
        if rules.function != nil { try await plane.call(.deleteFunction, labels) }
        return nil
    }

    private mutating func step() async throws -> String? {
        // What all the others are refused for would be most of a history.
        if rules.function == nil, random.oneIn(2) { return try await create() }
        switch random.below(15) {
        case 0, 1: return try await create()
        case 2, 3: return try await updateCode()
        case 4, 5: return try await updateConfiguration()
        case 6, 7: return try await publish()
        case 8, 9, 10:
            trace.append("settle")
            // Only so many are taken at once.
            for _ in 0..<100 {
                let keys = await plane.activator.claim()
                guard !keys.isEmpty else { break }
                for key in keys { await plane.activator.work(on: key) }
            }
            rules.settle()
            return nil
        case 11: return try await createAlias()
        case 12: return try await updateAlias()
        case 13: return try await deleteAlias()
        default: return try await delete()
        }
    }

    /// Makes a call; compares its refusal, or its answer's members, with what the rules say.
    private mutating func expect(
        _ operation: LambdaOperation,
        _ labels: [String: String],
        query: String = "",
        body: [String: JSONValue] = [:],
        _ expected: Result<[String: JSONValue], LambdaRules.Refusal>
    ) async throws -> (fault: String?, answer: JSONValue) {
        let shown = body.filter { $0.key != "Code" && $0.key != "ZipFile" }
        trace.append("\(operation.rawValue) \(query) \(JSONValue.object(shown).text) -> \(expected)")
        do {
            let answer = try await plane.call(operation, labels, query: query, body: JSONValue.object(body).bytes)
            guard case .success(let members) = expected else { return ("answered \(answer.text)", answer) }
            for (member, value) in members where answer[member] != value {
                return ("\(member) is \(answer[member]?.text ?? "absent"), not \(value.text)", answer)
            }
            return (nil, answer)
        } catch let error as LambdaError {
            refusals += 1
            guard case .failure(let refusal) = expected else { return ("refused: \(error)", .null) }
            let name =
                switch refusal {
                case .notFound: "ResourceNotFoundException"
                case .conflict: "ResourceConflictException"
                case .invalid: "InvalidParameterValueException"
                case .precondition: "PreconditionFailedException"
                }
            return (error.wire.name == name ? nil : "refused with \(error.wire.name), not \(name)", .null)
        }
    }

    private mutating func content() -> LambdaRules.Content {
        .init(code: random.below(2), timeout: 3 + random.below(2), description: "d\(random.below(2))")
    }

    private mutating func create() async throws -> String? {
        let content = content()
        let isPublished = random.oneIn(3)
        let body = ControlPlaneFixture.creation(
            name,
            [
                "Code": .object(["ZipFile": .string(Self.sources[content.code])]),
                "Timeout": .integer(content.timeout), "Description": .string(content.description),
                "Publish": .bool(isPublished),
            ]
        )
        let outcome = attempt { rules throws(LambdaRules.Refusal) in
            try rules.create(content, publish: isPublished)
        }
        let members = try JSONValue(parsing: body).object ?? [:]
        return try await expect(.createFunction, [:], body: members, version(outcome, state: "Pending")).fault
    }

    private mutating func attempt<T>(
        _ body: (inout LambdaRules) throws(LambdaRules.Refusal) -> T
    ) -> Result<T, LambdaRules.Refusal> {
        do {
            return .success(try body(&rules))
        } catch {
            return .failure(error)
        }
    }

    private func version(
        _ outcome: Result<String, LambdaRules.Refusal>,
        state: String
    ) -> Result<[String: JSONValue], LambdaRules.Refusal> {
        outcome.map { ["Version": .string($0), "State": .string(state), "FunctionName": .string(name)] }
    }

    /// The revision of `$LATEST` that is shown now; nil where there is no function.
    private func latestRevision() async throws -> String? {
        guard rules.function != nil else { return nil }
        return try await plane.call(.getFunctionConfiguration, labels)["RevisionId"]?.string
    }

    /// A condition on the revision, now and then, and whether it holds.
    private mutating func condition(
        _ current: () async throws -> String?
    ) async throws -> (members: [String: JSONValue], holds: Bool) {
        switch random.below(6) {
        case 0: (["RevisionId": .string("another")], false)
        case 1: try await current().map { (["RevisionId": .string($0)], true) } ?? ([:], true)
        default: ([:], true)
        }
    }

    private mutating func updateCode() async throws -> String? {
        let code = random.below(2)
        let isPublished = random.oneIn(3)
        let condition = try await condition(latestRevision)
        var body = condition.members
        body["ZipFile"] = .string(Self.sources[code])
        body["Publish"] = .bool(isPublished)
        let outcome = attempt { rules throws(LambdaRules.Refusal) in
            try rules.update(code: code, publish: isPublished, revisionIsCurrent: condition.holds)
        }
        // Where the code is that of the last version, the answer is that version, as far as it has come.
        let isPending = rules.function.flatMap { $0.versions[$0.lastNumber]?.isPending } ?? false
        let expected = version(outcome, state: isPublished && isPending ? "Pending" : "Active")
        return try await expect(.updateFunctionCode, labels, body: body, expected).fault
    }

    private mutating func updateConfiguration() async throws -> String? {
        let content = content()
        let condition = try await condition(latestRevision)
        var body = condition.members
        body["Timeout"] = .integer(content.timeout)
        body["Description"] = .string(content.description)
        let outcome = attempt { rules throws(LambdaRules.Refusal) in
            try rules.update(
                timeout: content.timeout,
                description: content.description,
                revisionIsCurrent: condition.holds
            )
        }
        return try await expect(.updateFunctionConfiguration, labels, body: body, version(outcome, state: "Active"))
            .fault
    }

    private mutating func publish() async throws -> String? {
        let condition = try await condition(latestRevision)
        var body = condition.members
        let hasOtherCode = random.oneIn(8)
        if hasOtherCode { body["CodeSha256"] = .string("another") }
        let description = random.oneIn(3) ? "published" : nil
        body["Description"] = description.map(JSONValue.string)
        let outcome = attempt { rules throws(LambdaRules.Refusal) in
            try rules.publish(
                description: description,
                shaIsCurrent: !hasOtherCode,
                revisionIsCurrent: condition.holds
            )
        }
        return try await expect(.publishVersion, labels, body: body, version(outcome, state: "Active")).fault
    }

    private mutating func versionName() -> String {
        random.oneIn(6) ? "$LATEST" : String(1 + random.below(max(2, rules.function?.lastNumber ?? 1)))
    }

    private mutating func createAlias() async throws -> String? {
        let name = Self.aliases[random.below(2)]
        let alias = LambdaRules.Alias(
            version: versionName(),
            description: "",
            additional: random.oneIn(2) ? String(1 + random.below(3)) : nil
        )
        var body: [String: JSONValue] = ["Name": .string(name), "FunctionVersion": .string(alias.version)]
        if let additional = alias.additional { body["RoutingConfig"] = Self.routing(additional) }
        let outcome = attempt { rules throws(LambdaRules.Refusal) in try rules.createAlias(name, alias) }
        let (fault, answer) = try await expect(
            .createAlias,
            labels,
            body: body,
            outcome.map { Self.members(name, alias) }
        )
        if let revision = answer["RevisionId"]?.string { aliasRevisions[name] = revision }
        return fault
    }

    private static func routing(_ version: String?) -> JSONValue {
        .object(["AdditionalVersionWeights": .object(version.map { [$0: .number("0.5")] } ?? [:])])
    }

    private static func members(_ name: String, _ alias: LambdaRules.Alias) -> [String: JSONValue] {
        var members: [String: JSONValue] = ["Name": .string(name), "FunctionVersion": .string(alias.version)]
        if let additional = alias.additional { members["RoutingConfig"] = routing(additional) }
        return members
    }

    private mutating func updateAlias() async throws -> String? {
        let name = Self.aliases[random.below(2)]
        let condition = try await condition { [aliasRevisions] in aliasRevisions[name] }
        var body = condition.members
        let version = random.oneIn(2) ? versionName() : nil
        body["FunctionVersion"] = version.map(JSONValue.string)
        var change: String??
        if random.oneIn(2) {
            change = .some(random.oneIn(2) ? String(1 + random.below(3)) : nil)
            body["RoutingConfig"] = Self.routing(change ?? nil)
        }
        let outcome = attempt { [change] rules throws(LambdaRules.Refusal) in
            try rules.updateAlias(name, version: version, routing: change, revisionIsCurrent: condition.holds)
        }
        let expected = outcome.map { _ in rules.function?.aliases[name].map { Self.members(name, $0) } ?? [:] }
        var labels = labels
        labels["Name"] = name
        let (fault, answer) = try await expect(.updateAlias, labels, body: body, expected)
        if let revision = answer["RevisionId"]?.string {
            if aliasRevisions[name] == revision { return "an update leaves the alias its revision" }
            aliasRevisions[name] = revision
        }
        return fault
    }

    private mutating func deleteAlias() async throws -> String? {
        let name = Self.aliases[random.below(2)]
        rules.function?.aliases[name] = nil
        aliasRevisions[name] = nil
        var labels = labels
        labels["Name"] = name
        return try await expect(.deleteAlias, labels, .success([:])).fault
    }

    private mutating func delete() async throws -> String? {
        guard random.oneIn(3) else {
            let number = 1 + random.below(4)
            let outcome = attempt { rules throws(LambdaRules.Refusal) in try rules.deleteVersion(number) }
            return try await expect(.deleteFunction, labels, query: "Qualifier=\(number)", outcome.map { [:] }).fault
        }
        let outcome = attempt { rules throws(LambdaRules.Refusal) in try rules.delete() }
        aliasRevisions = [:]
        return try await expect(.deleteFunction, labels, outcome.map { [:] }).fault
    }

    // MARK: - What is there

    /// Compares what is shown and what would run with the rules.
    private mutating func look() async throws -> String? {
        let key = FunctionKey(
            accountID: ControlPlaneFixture.caller.accountID,
            region: ControlPlaneFixture.caller.region,
            name: name
        )
        guard let function = rules.function else {
            let error = try await refusal { try await plane.call(.getFunctionConfiguration, labels) }
            return error?.wire.name == "ResourceNotFoundException" ? nil : "a deleted function is shown"
        }
        let latest = try await plane.call(.getFunctionConfiguration, labels)
        if let fault = Self.compare(latest, function.latest) { return "$LATEST: \(fault)" }
        let shownRevision = latest["RevisionId"]?.string ?? ""
        if shownRevision != revision {
            guard revisions.insert(shownRevision).inserted else { return "a revision came again" }
            revision = shownRevision
        }
        let list = try await plane.call(.listVersionsByFunction, labels)
        let numbers = list["Versions"]?.array?.compactMap { $0["Version"]?.string } ?? []
        let expected = ["$LATEST"] + function.versions.keys.sorted().map(String.init)
        if numbers != expected { return "versions are \(numbers), not \(expected)" }
        for (version, item) in zip(numbers, list["Versions"]?.array ?? []).dropFirst() {
            guard let content = Int(version).flatMap({ function.versions[$0] })?.content else { continue }
            if let fault = Self.compare(item, content) { return "version \(version): \(fault)" }
        }
        for qualifier in ["$LATEST", "1", "2"] + Self.aliases {
            if let fault = try await compareInvocable(key, qualifier) { return fault }
        }
        return nil
    }

    private mutating func compareInvocable(_ key: FunctionKey, _ qualifier: String) async throws -> String? {
        let expected = attempt { rules throws(LambdaRules.Refusal) in try rules.invocable(qualifier) }
        var configuration: FunctionConfiguration?
        let error = try await refusal { configuration = try await plane.invocable(key, qualifier: qualifier) }
        switch (expected, configuration) {
        case (.success(let versions), let configuration?):
            let runs = versions.contains {
                $0.version == configuration.version && $0.content.timeout == configuration.timeoutSeconds
                    && $0.content.description == configuration.description
            }
            return runs ? nil : "\(qualifier) runs \(configuration.version)"
        // Of an alias whose other version is not ready either may be drawn.
        case (.failure(.conflict), .some) where rules.function?.aliases[qualifier]?.additional != nil: return nil
        case (.failure(.conflict), nil):
            return error?.wire.name == "ResourceConflictException" ? nil : "\(qualifier): \(error?.wire.name ?? "-")"
        case (.failure(.notFound), nil):
            return error?.wire.name == "ResourceNotFoundException" ? nil : "\(qualifier): \(error?.wire.name ?? "-")"
        default: return "\(qualifier): \(expected), but \(configuration?.version ?? "nothing") runs"
        }
    }

    private static func compare(_ shown: JSONValue, _ content: LambdaRules.Content) -> String? {
        let sizes = sources.map { Base64.decode($0)?.count ?? 0 }
        return shown["Timeout"] == .integer(content.timeout)
            && shown["Description"] == .string(content.description)
            && shown["CodeSize"] == .integer(sizes[content.code]) ? nil : "shows \(shown.text)"
    }
}
