// SPDX-License-Identifier: Apache-2.0
import AWSWire
import InvocationCore
import LambdaModel
import MetadataStore

/// What says which function is to get the records of which source; its id is a UUID.
///
/// Belongs to the account: it stays when its function is deleted, as on AWS.
struct EventSourceMapping: AccountDocument, Equatable {
    static let kind = "eventSourceMapping"

    var function: FunctionKey
    /// As the caller named the function: a version, an alias, `$LATEST`, or nil for none.
    var qualifier: String?
    /// What the caller wants, which is not yet what is done: see `State`.
    var isEnabled: Bool
    var modified: Timestamp
    var tags: [String: String]
    /// JSON: what answers show of it, but for its state and names.
    private var text: String

    var functionARN: String { function.arn(qualifier: qualifier) }
    /// By the function that is to be invoked.
    var lookup: String? { functionARN }

    init(
        function: FunctionKey,
        qualifier: String?,
        isEnabled: Bool,
        modified: Timestamp,
        tags: [String: String],
        settings: API.EventSourceMappingConfiguration
    ) {
        self.function = function
        self.qualifier = qualifier
        self.isEnabled = isEnabled
        self.modified = modified
        self.tags = tags
        text = settings.wire.text
    }

    /// - Throws: where the stored text is not what this type writes.
    func settings() throws -> API.EventSourceMappingConfiguration {
        var members = try JSONValue(parsing: Array(text.utf8)).object ?? [:]
        // The request's type reads what the answer's type writes; it wants a name.
        members["FunctionName"] = .string(function.name)
        var settings = API.EventSourceMappingConfiguration()
        try EventSourceChange(API.CreateEventSourceMappingRequest(wire: .object(members))).apply(to: &settings)
        return settings
    }

    mutating func replace(settings: API.EventSourceMappingConfiguration) { text = settings.wire.text }

    /// What an answer says of how far a mapping is.
    enum State {
        case creating, enabling, disabling, updating, deleting
        /// Nothing changes.
        case settled
    }

    /// What an answer shows; a mapping whose source nobody reads is never `Enabled`.
    func answer(
        _ uuid: String,
        _ state: State,
        _ sources: EventSourceReading
    ) throws -> API.EventSourceMappingConfiguration {
        var answer = try settings()
        let kind = try EventSourceKind(answer.eventSourceArn, answer.selfManagedEventSource)
        let obstacle = sources.obstacle(kind, answer)
        let status = sources.board.status(key(uuid))
        answer.uuid = uuid
        answer.eventSourceMappingArn = Self.arn(uuid, accountID: function.accountID, region: function.region)
        answer.functionArn = functionARN
        answer.lastModified = modified
        if let problem = status?.problem {
            answer.lastProcessingResult = "PROBLEM: \(problem)"
        } else if !kind.isQueue {
            answer.lastProcessingResult = status?.hasProcessed == true ? "OK" : "No records processed"
        }
        answer.state =
            switch state {
            case .creating: "Creating"
            case .enabling: "Enabling"
            case .disabling: "Disabling"
            case .updating: "Updating"
            case .deleting: "Deleting"
            case .settled where isEnabled && obstacle == nil: status?.phase == .reading ? "Enabled" : "Enabling"
            case .settled: status == nil ? "Disabled" : "Disabling"
            }
        answer.stateTransitionReason =
            switch state {
            case .deleting, .disabling: kind.userAction
            case .creating, .enabling, .updating, .settled: isEnabled ? obstacle ?? kind.userAction : kind.userAction
            }
        return answer
    }

    func key(_ uuid: String) -> EventSourceKey {
        EventSourceKey(accountID: function.accountID, region: function.region, id: uuid)
    }

    static func arn(_ uuid: String, accountID: String, region: String) -> String {
        ARN.lambda("event-source-mapping:\(uuid)", accountID: accountID, region: region).description
    }

    static let notFound = LambdaError.resourceNotFound(message: "The resource you requested does not exist.")
}

extension MetadataTransaction {
    /// - Throws: `LambdaError.resourceNotFound` where the account has no such mapping in the region.
    func mapping(_ uuid: String, _ caller: Caller) throws -> EventSourceMapping {
        let mapping = try document(
            EventSourceMapping.self,
            accountID: caller.accountID,
            region: caller.region,
            id: uuid
        )
        guard let mapping else { throw EventSourceMapping.notFound }
        return mapping
    }

    /// The function that a mapping is to invoke.
    ///
    /// - Throws: `LambdaError.invalidParameterValue`, with the text that AWS has for this, where it is not there.
    func target(of mapping: EventSourceMapping) throws -> FunctionRecord {
        do {
            return try resolve(mapping.function, qualifier: mapping.qualifier)
        } catch LambdaError.resourceNotFound {
            throw LambdaError.invalidParameterValue(message: "Function does not exist")
        }
    }

    /// Throws where another mapping has the same source and function.
    func checkUnique(_ mapping: EventSourceMapping, _ uuid: String, _ kind: EventSourceKind) throws {
        let settings = try mapping.settings()
        let others = try documents(
            EventSourceMapping.self,
            accountID: mapping.function.accountID,
            region: mapping.function.region,
            lookup: mapping.lookup
        )
        for other in others where other.id != uuid {
            guard let text = try Self.conflict(settings, other.document.settings(), mapping, kind) else { continue }
            throw LambdaError.resourceConflict(
                message: "\(text) already exists. Please update or delete the existing mapping with UUID \(other.id)"
            )
        }
    }

    /// What the two have in common, in AWS's words, which differ by the kind; nil where they don't collide.
    private static func conflict(
        _ settings: API.EventSourceMappingConfiguration,
        _ other: API.EventSourceMappingConfiguration,
        _ mapping: EventSourceMapping,
        _ kind: EventSourceKind
    ) -> String? {
        func servers(_ settings: API.EventSourceMappingConfiguration) -> [String] {
            settings.selfManagedEventSource?.endpoints?["KAFKA_BOOTSTRAP_SERVERS"]
                ?? [settings.eventSourceArn].compactMap(\.self)
        }
        guard !Set(servers(settings)).isDisjoint(with: servers(other)) else { return nil }
        let (arn, name) = (settings.eventSourceArn ?? "", mapping.function.name)
        switch kind {
        case .queue, .fifoQueue:
            return "An event source mapping with SQS arn (\" \(arn) \") and function (\" \(name) \")"
        case .managedKafka, .selfManagedKafka:
            guard !Set(settings.topics ?? []).isDisjoint(with: other.topics ?? []) else { return nil }
            return "An event source mapping with event source (\"\(servers(settings).joined(separator: ","))\"), "
                + "function (\"\(mapping.functionARN)\"), topics (\"\((settings.topics ?? []).joined(separator: ","))\")"
        case .broker where settings.queues != other.queues: return nil
        case .documentDB
        where settings.documentDBEventSourceConfig?.wire != other.documentDBEventSourceConfig?.wire:
            return nil
        case .kinesis, .dynamoDB, .broker, .documentDB:
            return "The event source arn (\" \(arn) \") and function (\" \(name) \") provided mapping"
        }
    }
}
