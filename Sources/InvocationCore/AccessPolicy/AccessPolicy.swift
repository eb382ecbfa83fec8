// SPDX-License-Identifier: Apache-2.0

/// What a policy says to a request.
package enum AccessDecision: Equatable, Sendable {
    /// Whatever others say.
    case explicitDeny
    /// To the principal itself, or to everybody.
    case allow
    /// To the principal's account only: a policy of the account's has to allow it as well.
    case allowAccount
    case noMatch

    /// What two policies say together.
    package func combined(with other: AccessDecision) -> AccessDecision { rank >= other.rank ? self : other }

    private var rank: Int {
        switch self {
        case .explicitDeny: 3
        case .allow: 2
        case .allowAccount: 1
        case .noMatch: 0
        }
    }

    /// Whether something may be done, by what the principal's own policies and the resource's policy say.
    ///
    /// Within an account either of them is enough, from one account to another both are needed. `identity` is `.allow`
    /// for an account's root, and `.noMatch` for those who have no policies: services and strangers.
    ///
    /// - Returns: nil where it is permitted.
    package static func refusal(
        identity: AccessDecision,
        resource: AccessDecision,
        sameAccount: Bool
    ) -> AccessRefusal? {
        if identity == .explicitDeny { return .deniedByIdentityPolicy }
        if resource == .explicitDeny { return .deniedByResourcePolicy }
        if sameAccount { return identity == .allow || resource == .allow ? nil : .noIdentityPolicy }
        if identity != .allow { return .noIdentityPolicy }
        return resource == .noMatch ? .noResourcePolicy : nil
    }
}

/// Why something may not be done: the policy that AWS names in its answer, where there are several.
package enum AccessRefusal: Equatable, Sendable {
    case deniedByIdentityPolicy
    case deniedByResourcePolicy
    case noIdentityPolicy
    case noResourcePolicy

    /// The end of AWS's sentence.
    package func reason(action: String) -> String {
        switch self {
        case .deniedByIdentityPolicy: "with an explicit deny in an identity-based policy"
        case .deniedByResourcePolicy: "with an explicit deny in a resource-based policy"
        case .noIdentityPolicy: "because no identity-based policy allows the \(action) action"
        case .noResourcePolicy: "because no resource-based policy allows the \(action) action"
        }
    }
}

/// Whom a statement names.
package enum PrincipalPattern: Hashable, Sendable, Codable {
    /// An account's number, or an ARN; `…:root` is the whole account.
    case aws(String)
    case service(String)
    case federated(String)
    case canonicalUser(String)

    fileprivate enum Match: Int, Comparable {
        case none
        case account
        case principal

        static func < (left: Match, right: Match) -> Bool { left.rawValue < right.rawValue }
    }

    fileprivate func match(_ principal: AccessPrincipal) -> Match {
        switch (self, principal) {
        case (.aws("*"), _): return .principal
        case (.aws(let text), .identity(let identity)):
            let root = AccessIdentity.root(of: identity.accountID).arn
            if text == identity.accountID || text == root { return identity.arn == root ? .principal : .account }
            return text == identity.arn || text == identity.roleARN ? .principal : .none
        case (.service(let name), .service(let service)): return name == service ? .principal : .none
        default: return .none
        }
    }
}

/// One statement of a policy.
package struct AccessStatement: Hashable, Sendable, Codable {
    package enum Effect: String, Sendable, Codable {
        case allow = "Allow"
        case deny = "Deny"
    }

    package enum Principals: Hashable, Sendable, Codable {
        /// `*`, who is unknown included.
        case everybody
        case listed([PrincipalPattern])
        /// `NotPrincipal`.
        case allBut([PrincipalPattern])
    }

    package enum Names: Hashable, Sendable, Codable {
        case listed([String])
        /// `NotAction`, `NotResource`.
        case allBut([String])
    }

    package var sid: String?
    package var effect: Effect
    /// nil in a policy of an identity, which speaks of whoever has it.
    package var principals: Principals?
    /// Patterns; their case makes no difference.
    package var actions: Names
    /// Patterns of ARNs.
    package var resources: Names
    /// All of them have to hold.
    package var conditions: [PolicyCondition]

    package init(
        sid: String? = nil,
        effect: Effect,
        principals: Principals? = nil,
        actions: Names,
        resources: Names,
        conditions: [PolicyCondition] = []
    ) {
        self.sid = sid
        self.effect = effect
        self.principals = principals
        self.actions = actions
        self.resources = resources
        self.conditions = conditions
    }

    package func decision(on request: AccessRequest) -> AccessDecision {
        let match = principalMatch(request.principal)
        guard match > .none, matchesAction(request.action), matchesResource(request),
            conditions.allSatisfy({ $0.holds(for: request) })
        else { return .noMatch }
        switch effect {
        case .deny: return .explicitDeny
        case .allow: return match == .principal ? .allow : .allowAccount
        }
    }

    private func principalMatch(_ principal: AccessPrincipal) -> PrincipalPattern.Match {
        switch principals {
        case nil, .everybody: .principal
        case .listed(let patterns): patterns.map { $0.match(principal) }.max() ?? .none
        case .allBut(let patterns): patterns.contains { $0.match(principal) > .none } ? .none : .principal
        }
    }

    private func matchesAction(_ action: String) -> Bool {
        let action = action.lowercased()
        func isNamed(_ pattern: String) -> Bool { PolicyPattern(pattern.lowercased()).matches(action) }
        return switch actions {
        case .listed(let patterns): patterns.contains(where: isNamed)
        case .allBut(let patterns): !patterns.contains(where: isNamed)
        }
    }

    private func matchesResource(_ request: AccessRequest) -> Bool {
        func isNamed(_ resource: String, _ pattern: String) -> Bool {
            PolicyPattern(pattern, for: request)?.matchesARN(resource) == true
        }
        switch resources {
        case .listed(let patterns):
            // What is denied under one of its names can't be had under the other.
            let names = effect == .deny ? [request.resource, request.otherName].compactMap(\.self) : [request.resource]
            return patterns.contains { pattern in names.contains { isNamed($0, pattern) } }
        case .allBut(let patterns): return !patterns.contains { isNamed(request.resource, $0) }
        }
    }
}

/// Statements that are looked at together: a `Deny` beats every `Allow`, whatever their order.
package struct AccessPolicy: Hashable, Sendable, Codable {
    package var statements: [AccessStatement]

    package init(statements: [AccessStatement]) {
        self.statements = statements
    }

    package func decision(on request: AccessRequest) -> AccessDecision {
        statements.reduce(.noMatch) { decision, statement in
            decision.combined(with: statement.decision(on: request))
        }
    }
}
