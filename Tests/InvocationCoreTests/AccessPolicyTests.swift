// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import Testing

private let function = "arn:aws:lambda:us-east-1:000000000000:function:f"
private let bucket = "arn:aws:s3:::bucket"

private func request(
    _ principal: AccessPrincipal,
    _ action: String = "lambda:InvokeFunction",
    on resource: String = function,
    context: [String: [String]] = [:]
) -> AccessRequest {
    AccessRequest(principal: principal, action: action, resource: resource, context: context)
}

private func user(_ name: String, of account: String = "000000000000") -> AccessPrincipal {
    .identity(AccessIdentity(accountID: account, arn: "arn:aws:iam::\(account):user/\(name)"))
}

private func policy(
    _ principal: String,
    action: String = "lambda:InvokeFunction",
    resource: String = function,
    conditions: [PolicyCondition] = []
) throws -> AccessPolicy {
    AccessPolicy(statements: [
        ResourcePolicyStatement(
            sid: "s",
            principal: try #require(ResourcePolicyPrincipal(principal)),
            action: action,
            resource: resource,
            conditions: conditions
        ).access
    ])
}

struct PolicyPatternTests {
    @Test(arguments: [
        ("", "", true), ("*", "", true), ("a*c", "abbbc", true), ("a*c", "abbb", false), ("a?c", "abc", true),
        ("a?c", "ac", false), ("*a*b*", "xaxbx", true), ("**", "x", true), ("a", "ab", false), ("?", "é", true),
        ("*ab", "aab", true), ("a*b?d*", "axxbcdbbd", true),
    ])
    func `a pattern matches whole texts`(pattern: String, text: String, matches: Bool) {
        #expect(PolicyPattern(pattern).matches(text) == matches)
    }

    @Test func `a pattern made to be slow is not`() {
        let pattern = String(repeating: "a*", count: 500) + "b"
        #expect(!PolicyPattern(pattern).matches(String(repeating: "a", count: 5_000)))
    }

    @Test(arguments: [
        ("arn:aws:s3:::*", "arn:aws:s3:::bucket/a:b", true),
        ("arn:aws:*:::bucket", "arn:aws:s3:::bucket", true),
        ("arn:aws:s3*bucket", "arn:aws:s3:::bucket", false),
        ("arn:aws:lambda", function, true),
        ("arn:aws:lambda:eu-*", function, false),
        ("*", "anything", true),
        ("arn:aws:s3:::bucket", "bucket", false),
        ("\(function):*", "\(function):1", true),
        ("\(function):*", function, false),
    ])
    func `a star in an ARN stays in its part`(pattern: String, arn: String, matches: Bool) {
        #expect(PolicyPattern(pattern).matchesARN(arn) == matches)
    }
}

struct ResourcePolicyTests {
    @Test(arguments: [
        "*", "000000000000", "arn:aws:iam::000000000000:user/u", "arn:aws:sts::000000000000:assumed-role/r/s",
        "s3.amazonaws.com", "alexa-appkit.amazon.com", "events.amazonaws.com.cn",
    ])
    func `whom a statement may name`(text: String) {
        #expect(ResourcePolicyPrincipal(text) != nil)
    }

    @Test(arguments: [
        "", "invalid.nonaws.com", "amazonaws.com", ".amazonaws.com", "00000000000", "arn:aws:iam::1:root",
        "arn:aws:s3:::b", "arn:aws:iam::000000000000:*", "arn:aws:iam::000000000000:", "someone",
    ])
    func `whom it may not`(text: String) {
        #expect(ResourcePolicyPrincipal(text) == nil)
    }

    @Test func `everybody is everybody, who is unknown included`() throws {
        let policy = try policy("*")
        #expect(policy.decision(on: request(.anonymous)) == .allow)
        #expect(policy.decision(on: request(user("u", of: "111111111111"))) == .allow)
        #expect(policy.decision(on: request(.service("s3.amazonaws.com"))) == .allow)
    }

    @Test func `an account is named for its identities to decide`() throws {
        let policy = try policy("111111111111")
        #expect(policy.decision(on: request(user("u", of: "111111111111"))) == .allowAccount)
        #expect(policy.decision(on: request(.identity(.root(of: "111111111111")))) == .allow)
        #expect(policy.decision(on: request(user("u"))) == .noMatch)
        #expect(policy.decision(on: request(.anonymous)) == .noMatch)
    }

    @Test func `an ARN names a user, a session or all sessions of a role`() throws {
        let session = AccessIdentity(
            accountID: "000000000000",
            arn: "arn:aws:sts::000000000000:assumed-role/r/s",
            roleARN: "arn:aws:iam::000000000000:role/path/r"
        )
        for principal in [session.arn, try #require(session.roleARN)] {
            #expect(try policy(principal).decision(on: request(.identity(session))) == .allow)
        }
        let other = "arn:aws:iam::000000000000:role/r"
        #expect(try policy(other).decision(on: request(.identity(session))) == .noMatch)
        #expect(try policy("arn:aws:iam::000000000000:user/u").decision(on: request(user("u"))) == .allow)
        #expect(try policy("arn:aws:iam::000000000000:user/u").decision(on: request(user("U"))) == .noMatch)
    }

    @Test func `actions are patterns without case, resources with`() throws {
        let policy = try policy("*", action: "lambda:invoke*")
        #expect(policy.decision(on: request(.anonymous, "lambda:InvokeFunctionUrl")) == .allow)
        #expect(policy.decision(on: request(.anonymous, "lambda:GetFunction")) == .noMatch)
        #expect(policy.decision(on: request(.anonymous, on: "\(function):1")) == .noMatch)
        #expect(policy.decision(on: request(.anonymous, on: function.uppercased())) == .noMatch)
    }

    @Test func `a source's ARN and account have to be those of the statement`() throws {
        let policy = try policy(
            "s3.amazonaws.com",
            conditions: [
                PolicyCondition(.stringEquals, key: "AWS:SourceAccount", values: ["000000000000"]),
                PolicyCondition(.arnLike, key: "AWS:SourceArn", values: ["arn:aws:s3:::buck*"]),
            ]
        )
        let service = AccessPrincipal.service("s3.amazonaws.com")
        func decision(_ context: [String: [String]]) -> AccessDecision {
            policy.decision(on: request(service, context: context))
        }
        #expect(decision(["aws:SourceArn": [bucket], "aws:SourceAccount": ["000000000000"]]) == .allow)
        #expect(decision(["aws:SourceArn": [bucket], "aws:SourceAccount": ["1"]]) == .noMatch)
        #expect(decision(["aws:SourceArn": ["arn:aws:s3:::other"], "aws:SourceAccount": ["000000000000"]]) == .noMatch)
        #expect(decision(["aws:SourceArn": [bucket]]) == .noMatch)
        #expect(decision([:]) == .noMatch)
    }

    @Test(arguments: [("true", AccessDecision.allow), ("True", .allow), ("false", .noMatch)])
    func `the way by a URL is a yes or no`(value: String, decision: AccessDecision) throws {
        let policy = try policy(
            "*",
            conditions: [PolicyCondition(.bool, key: "lambda:InvokedViaFunctionUrl", values: ["true"])]
        )
        #expect(
            policy.decision(on: request(.anonymous, context: ["lambda:invokedviafunctionurl": [value]])) == decision
        )
        #expect(policy.decision(on: request(.anonymous)) == .noMatch)
    }
}

struct AccessPolicyTests {
    private func statement(
        _ effect: AccessStatement.Effect,
        _ principals: AccessStatement.Principals? = nil,
        actions: AccessStatement.Names = .listed(["*"])
    ) -> AccessStatement {
        AccessStatement(effect: effect, principals: principals, actions: actions, resources: .listed(["*"]))
    }

    @Test func `a denial beats what is allowed, in any order`() {
        for statements in [[statement(.allow), statement(.deny)], [statement(.deny), statement(.allow)]] {
            #expect(AccessPolicy(statements: statements).decision(on: request(user("u"))) == .explicitDeny)
        }
        #expect(AccessPolicy(statements: []).decision(on: request(user("u"))) == .noMatch)
    }

    @Test func `a denied account has no one in it who may`() {
        let policy = AccessPolicy(statements: [
            statement(.allow, .everybody), statement(.deny, .listed([.aws("000000000000")])),
        ])
        #expect(policy.decision(on: request(user("u"))) == .explicitDeny)
        #expect(policy.decision(on: request(user("u", of: "111111111111"))) == .allow)
    }

    @Test func `all but those named`() {
        let others = statement(.allow, .allBut([.aws("000000000000")]), actions: .allBut(["lambda:Delete*"]))
        let policy = AccessPolicy(statements: [others])
        #expect(policy.decision(on: request(user("u"))) == .noMatch)
        #expect(policy.decision(on: request(user("u", of: "111111111111"))) == .allow)
        #expect(policy.decision(on: request(user("u", of: "111111111111"), "lambda:DeleteFunction")) == .noMatch)
    }

    /// Another name of a resource is denied with it, but not allowed.
    @Test func `a denial under one name holds under the other`() {
        func decision(_ effect: AccessStatement.Effect, _ resources: AccessStatement.Names) -> AccessDecision {
            let statement = AccessStatement(effect: effect, actions: .listed(["*"]), resources: resources)
            return AccessPolicy(statements: [statement]).decision(
                on: AccessRequest(
                    principal: user("u"),
                    action: "lambda:InvokeFunction",
                    resource: "\(function):$LATEST",
                    otherName: function
                )
            )
        }
        #expect(decision(.deny, .listed([function])) == .explicitDeny)
        #expect(decision(.deny, .listed(["\(function):$LATEST"])) == .explicitDeny)
        #expect(decision(.deny, .listed(["\(function):1"])) == .noMatch)
        #expect(decision(.deny, .allBut(["\(function):$LATEST"])) == .noMatch)
        #expect(decision(.deny, .allBut([function])) == .explicitDeny)
        #expect(decision(.allow, .listed([function])) == .noMatch)
        #expect(decision(.allow, .listed(["\(function):*"])) == .allow)
    }

    @Test(
        arguments: [
            (AccessDecision.allow, AccessDecision.noMatch, nil, AccessRefusal.noResourcePolicy),
            (.noMatch, .allow, nil, .noIdentityPolicy), (.noMatch, .allowAccount, .noIdentityPolicy, .noIdentityPolicy),
            (.allow, .allowAccount, nil, nil), (.allow, .allow, nil, nil),
            (.explicitDeny, .allow, .deniedByIdentityPolicy, .deniedByIdentityPolicy),
            (.allow, .explicitDeny, .deniedByResourcePolicy, .deniedByResourcePolicy),
            (.noMatch, .noMatch, .noIdentityPolicy, .noIdentityPolicy),
        ] as [(AccessDecision, AccessDecision, AccessRefusal?, AccessRefusal?)]
    )
    func `one's own policies, and those of the resource`(
        identity: AccessDecision,
        resource: AccessDecision,
        within: AccessRefusal?,
        across: AccessRefusal?
    ) {
        #expect(AccessDecision.refusal(identity: identity, resource: resource, sameAccount: true) == within)
        #expect(AccessDecision.refusal(identity: identity, resource: resource, sameAccount: false) == across)
    }
}
