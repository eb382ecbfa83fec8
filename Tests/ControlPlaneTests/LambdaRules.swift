// SPDX-License-Identifier: Apache-2.0
import LambdaModel

/// Lambda's rules of versions, aliases, revisions and states for one function, in as few words as they can be said.
///
/// What the control plane answers is compared with it, so it knows nothing of stores and transactions.
struct LambdaRules {
    /// What a version runs.
    struct Content: Equatable {
        var code: Int
        var timeout: Int
        var description: String
    }

    struct Version: Equatable {
        var content: Content
        var isPending: Bool
    }

    struct Alias: Equatable {
        var version: String
        var description: String
        var additional: String?
    }

    struct Function: Equatable {
        var latest: Content
        /// What invocations run; nil before the first activation.
        var active: Content?
        var isPending: Bool
        var isUpdating: Bool
        var versions: [Int: Version] = [:]
        var lastNumber = 0
        /// Of `$LATEST` when the last version was made.
        var published: Content?
        var aliases: [String: Alias] = [:]
    }

    enum Refusal: Error, Equatable {
        case notFound
        case conflict
        case invalid
        case precondition
    }

    var function: Function?

    private func existing() throws(Refusal) -> Function {
        guard let function else { throw .notFound }
        return function
    }

    private func changeable() throws(Refusal) -> Function {
        let function = try existing()
        guard !function.isPending, !function.isUpdating else { throw .conflict }
        return function
    }

    mutating func create(_ content: Content, publish: Bool) throws(Refusal) -> String {
        guard function == nil else { throw .conflict }
        var made = Function(latest: content, active: nil, isPending: true, isUpdating: false)
        if publish { Self.number(&made, pending: true) }
        function = made
        return publish ? "1" : "$LATEST"
    }

    private static func number(_ function: inout Function, pending: Bool) {
        function.lastNumber += 1
        function.versions[function.lastNumber] = Version(content: function.latest, isPending: pending)
        function.published = function.latest
    }

    /// Whether the version made last is there and is what `$LATEST` is.
    private static func hasVersion(_ function: Function) -> Bool {
        function.published == function.latest && function.versions[function.lastNumber] != nil
    }

    mutating func update(
        code: Int? = nil,
        timeout: Int? = nil,
        description: String? = nil,
        publish: Bool = false,
        revisionIsCurrent: Bool = true
    ) throws(Refusal) -> String {
        var function = try changeable()
        guard revisionIsCurrent else { throw .precondition }
        function.latest.code = code ?? function.latest.code
        function.latest.timeout = timeout ?? function.latest.timeout
        function.latest.description = description ?? function.latest.description
        function.isUpdating = true
        if publish, !Self.hasVersion(function) { Self.number(&function, pending: true) }
        self.function = function
        return publish ? String(function.lastNumber) : "$LATEST"
    }

    mutating func publish(
        description: String?,
        shaIsCurrent: Bool,
        revisionIsCurrent: Bool
    ) throws(Refusal) -> String {
        var function = try changeable()
        guard revisionIsCurrent else { throw .precondition }
        guard shaIsCurrent else { throw .invalid }
        if Self.hasVersion(function) { return String(function.lastNumber) }
        Self.number(&function, pending: false)
        if let description { function.versions[function.lastNumber]?.content.description = description }
        self.function = function
        return String(function.lastNumber)
    }

    mutating func settle() {
        guard var function else { return }
        if function.isPending || function.isUpdating { function.active = function.latest }
        function.isPending = false
        function.isUpdating = false
        for number in function.versions.keys { function.versions[number]?.isPending = false }
        self.function = function
    }

    mutating func deleteVersion(_ number: Int) throws(Refusal) {
        var function = try existing()
        let name = String(number)
        guard !function.aliases.values.contains(where: { $0.version == name || $0.additional == name }) else {
            throw .conflict
        }
        function.versions[number] = nil
        self.function = function
    }

    mutating func delete() throws(Refusal) {
        _ = try existing()
        function = nil
    }

    private func check(_ alias: Alias, _ function: Function?) throws(Refusal) {
        if let additional = alias.additional {
            guard alias.version != "$LATEST", additional != alias.version else { throw .invalid }
        }
        guard let function else { throw .notFound }
        for version in [alias.version, alias.additional].compactMap(\.self) where version != "$LATEST" {
            guard let number = Int(version), function.versions[number] != nil else { throw .notFound }
        }
    }

    mutating func createAlias(_ name: String, _ alias: Alias) throws(Refusal) {
        try check(alias, function)
        var function = try existing()
        guard function.aliases[name] == nil else { throw .conflict }
        function.aliases[name] = alias
        self.function = function
    }

    mutating func updateAlias(
        _ name: String,
        version: String?,
        routing: String??,
        revisionIsCurrent: Bool
    ) throws(Refusal) {
        guard var function, var alias = function.aliases[name] else { throw .notFound }
        guard revisionIsCurrent else { throw .precondition }
        alias.version = version ?? alias.version
        if let routing { alias.additional = routing }
        try check(alias, function)
        function.aliases[name] = alias
        self.function = function
    }

    /// What a call with that qualifier may run, and the version that it is of; more than one where an alias draws.
    func invocable(_ qualifier: String) throws(Refusal) -> [(version: String, content: Content)] {
        let function = try existing()
        let alias = function.aliases[qualifier]
        let versions = alias.map { [$0.version, $0.additional].compactMap(\.self) } ?? [qualifier]
        var found: [(version: String, content: Content)] = []
        for version in versions {
            if version == "$LATEST" {
                guard let active = function.active else { throw .conflict }
                found.append((version, active))
                continue
            }
            guard let number = Int(version), let published = function.versions[number] else { throw .notFound }
            guard !published.isPending else { throw .conflict }
            found.append((version, published.content))
        }
        return found
    }
}
