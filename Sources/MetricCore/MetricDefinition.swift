// SPDX-License-Identifier: Apache-2.0

/// One metric as Prometheus knows it.
package struct MetricDefinition: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package var name: String
    package var kind: Kind
    package var help: String
    /// In the order in which their values are given.
    package var labels: [String]

    package init(_ name: String, _ kind: Kind, _ help: String, labels: [String] = []) {
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
    }

    /// All that this server has.
    package static var all: [MetricDefinition] {
        FunctionMetric.allCases.map(\.definition) + ServerMetric.allCases.map(\.definition)
    }
}

/// What is measured of a function.
///
/// Values are in the units of AWS's namespace AWS/Lambda, times in milliseconds; Prometheus has them in seconds.
package enum FunctionMetric: Int, CaseIterable, Sendable {
    case invocations, errors, throttles, duration, concurrentExecutions, iteratorAge
    case offsetLag, messagesWaiting
    case asyncEventsReceived, asyncEventAge, asyncEventsDropped
    case deadLetterErrors, destinationDeliveryFailures, recursiveInvocationsDropped
    case provisionedConcurrencyInvocations, provisionedConcurrencySpilloverInvocations
    case provisionedConcurrentExecutions, provisionedConcurrencyUtilization
    case billedDuration, initDuration, egressBytes, ingressBytes

    package enum Unit: String, Sendable {
        case count = "Count"
        case milliseconds = "Milliseconds"
        /// As AWS gives utilisation, a share of 1.
        case share = "Percent"
        case bytes = "Bytes"
    }

    /// CloudWatch's name; nil for what its API does not have.
    package var awsName: String? {
        switch self {
        case .invocations: "Invocations"
        case .errors: "Errors"
        case .throttles: "Throttles"
        case .duration: "Duration"
        case .concurrentExecutions: "ConcurrentExecutions"
        case .iteratorAge: "IteratorAge"
        case .offsetLag: "OffsetLag"
        case .messagesWaiting: "MessagesWaiting"
        case .asyncEventsReceived: "AsyncEventsReceived"
        case .asyncEventAge: "AsyncEventAge"
        case .asyncEventsDropped: "AsyncEventsDropped"
        case .deadLetterErrors: "DeadLetterErrors"
        case .destinationDeliveryFailures: "DestinationDeliveryFailures"
        case .recursiveInvocationsDropped: "RecursiveInvocationsDropped"
        case .provisionedConcurrencyInvocations: "ProvisionedConcurrencyInvocations"
        case .provisionedConcurrencySpilloverInvocations: "ProvisionedConcurrencySpilloverInvocations"
        case .provisionedConcurrentExecutions: "ProvisionedConcurrentExecutions"
        case .provisionedConcurrencyUtilization: "ProvisionedConcurrencyUtilization"
        case .initDuration: "InitDuration"
        case .billedDuration, .egressBytes, .ingressBytes: nil
        }
    }

    /// AWS's own, and another for what AWS has in the log only, or nowhere.
    package var namespace: String {
        switch self {
        case .initDuration, .messagesWaiting: "Martlet/Lambda"
        default: "AWS/Lambda"
        }
    }

    package static let namespaces = Set(allCases.map(\.namespace))

    private static let byAWSName = Dictionary(
        uniqueKeysWithValues: allCases.compactMap { metric in metric.awsName.map { ($0, metric) } }
    )

    package init?(awsName: String) {
        guard let metric = Self.byAWSName[awsName] else { return nil }
        self = metric
    }

    package var unit: Unit {
        switch self {
        case .duration, .iteratorAge, .asyncEventAge, .billedDuration, .initDuration: .milliseconds
        case .provisionedConcurrencyUtilization: .share
        case .egressBytes, .ingressBytes: .bytes
        default: .count
        }
    }

    /// Whether percentiles of it are known.
    var hasSketch: Bool {
        switch self {
        case .duration, .initDuration, .iteratorAge, .asyncEventAge: true
        default: false
        }
    }

    /// How many of something there are at one time, of a function and of an account as a whole too.
    package var isOfLevels: Bool { self == .concurrentExecutions }

    /// What waits in sources of events: of several of a function, the most.
    static let lags = [offsetLag, messagesWaiting]

    /// Seconds.
    var bounds: [Double]? {
        switch self {
        case .duration, .initDuration: Histogram.invocationBounds
        case .asyncEventAge: Histogram.ageBounds
        default: nil
        }
    }

    package var definition: MetricDefinition {
        let (name, kind, help) = facts
        return MetricDefinition("martlet_lambda_" + name, kind, help, labels: labels)
    }

    private var labels: [String] {
        let function = ["account_id", "region", "function_name"]
        return isOfLevels ? function : function + ["resource", "executed_version"]
    }

    private var facts: (String, MetricDefinition.Kind, String) {
        switch self {
        case .invocations:
            ("invocations_total", .counter, "Times that the function's code was run, failed runs among them.")
        case .errors:
            (
                "errors_total", .counter,
                "Invocations that ended with an error of the function, of its runtime, or by timeout."
            )
        case .throttles:
            (
                "throttles_total", .counter,
                "Requests for an invocation that a limit on concurrency or scaling refused (429)."
            )
        case .duration:
            ("duration_seconds", .histogram, "How long the function's code took to process an event.")
        case .concurrentExecutions:
            ("concurrent_executions", .gauge, "Invocations in hand, those that wait for an environment among them.")
        case .iteratorAge:
            (
                "iterator_age_seconds", .gauge,
                "Age of the last record of the batch of a stream that was sent to the function last."
            )
        case .offsetLag:
            (
                "offset_lag", .gauge,
                "Records between the last one of a topic and the last one that was processed, of the partition where that is most."
            )
        case .messagesWaiting:
            (
                "messages_waiting", .gauge,
                "Messages of a RabbitMQ queue that are ready, or in hand and not processed."
            )
        case .asyncEventsReceived:
            ("async_events_received_total", .counter, "Asynchronous events that were accepted for the function.")
        case .asyncEventAge:
            (
                "async_event_age_seconds", .histogram,
                "From when an asynchronous event was accepted to each attempt to process it."
            )
        case .asyncEventsDropped:
            ("async_events_dropped_total", .counter, "Asynchronous events that came to their end without success.")
        case .deadLetterErrors:
            ("dead_letter_errors_total", .counter, "Events that could not be sent to the function's dead-letter queue.")
        case .destinationDeliveryFailures:
            (
                "destination_delivery_failures_total", .counter,
                "Records that could not be sent to a destination of the function."
            )
        case .recursiveInvocationsDropped:
            ("recursive_invocations_dropped_total", .counter, "Invocations that were stopped as part of a loop.")
        case .provisionedConcurrencyInvocations:
            (
                "provisioned_concurrency_invocations_total", .counter,
                "Invocations in environments of provisioned concurrency."
            )
        case .provisionedConcurrencySpilloverInvocations:
            (
                "provisioned_concurrency_spillover_invocations_total", .counter,
                "Invocations in other environments, while all of the provisioned concurrency was in use."
            )
        case .provisionedConcurrentExecutions:
            (
                "provisioned_concurrent_executions", .gauge,
                "Environments of provisioned concurrency that process an event now."
            )
        case .provisionedConcurrencyUtilization:
            (
                "provisioned_concurrency_utilization", .gauge,
                "Share of the provisioned concurrency that was in use at the last invocation in it, 0 to 1."
            )
        case .billedDuration:
            ("billed_duration_seconds_total", .counter, "Time that invocations are billed, as usage records have it.")
        case .initDuration:
            (
                "init_duration_seconds", .histogram,
                "How long initialisation took before an environment's first invocation."
            )
        case .egressBytes: ("egress_bytes_total", .counter, "Bytes that invocations sent over TCP.")
        case .ingressBytes: ("ingress_bytes_total", .counter, "Bytes that invocations received over TCP.")
        }
    }
}

/// What is measured of the server itself.
package enum ServerMetric: String, CaseIterable, Sendable {
    case environments = "environments"
    case invocationsWaiting = "invocations_waiting"
    case environmentStarts = "environment_starts_total"
    case blankEnvironments = "blank_environments_ready"
    case zygotes = "zygotes"
    case snapshots = "snapshots"
    case spawnerSeconds = "spawner_request_seconds"
    case memoryReckoned = "memory_reckoned_bytes"
    case memoryLimit = "memory_limit_bytes"
    case asyncWaiting = "async_events_waiting"
    case asyncAttempts = "async_attempts_running"
    case asyncOldest = "async_oldest_event_age_seconds"
    case deliveriesWaiting = "deliveries_waiting"
    case deliveriesOldest = "oldest_delivery_age_seconds"
    case asyncWaitingMax = "async_waiting_limit"
    case asyncRefused = "async_events_refused_total"
    case asyncRetries = "async_retries_total"
    case asyncDelays = "async_delays_total"
    case asyncEnded = "async_events_ended_total"
    case delivered = "deliveries_total"
    case budgetEvents = "budget_events_total"
    case eventLoopLag = "event_loop_lag_seconds"
    case egressDescriptors = "egress_descriptors"
    case egressDescriptorsMax = "egress_descriptors_limit"
    case series = "metric_series"
    case seriesMax = "metric_series_limit"
    case pointsLost = "metric_points_lost_total"
    case spansSent = "trace_spans_sent_total"
    case spansDropped = "trace_spans_dropped_total"
    case processorSeconds = "process_cpu_seconds_total"
    case residentBytes = "process_resident_memory_bytes"
    case openDescriptors = "process_open_fds"
    case descriptorsMax = "process_max_fds"
    case startTime = "process_start_time_seconds"

    package var definition: MetricDefinition {
        let (kind, help, labels) = facts
        return MetricDefinition((isOfProcess ? "" : "martlet_") + rawValue, kind, help, labels: labels)
    }

    /// Named as Prometheus's own client libraries name it.
    private var isOfProcess: Bool { rawValue.hasPrefix("process_") }

    private var facts: (MetricDefinition.Kind, String, [String]) {
        switch self {
        case .environments:
            (
                .gauge, "Execution environments, by their state: awaiting_memory, starting, idle, busy or leaving.",
                ["state"]
            )
        case .invocationsWaiting: (.gauge, "Invocations that wait for an environment.", [])
        case .environmentStarts:
            (
                .counter,
                "Environments that were made for functions, by how: fork, blank, exec or snapstart.", ["producer"]
            )
        case .blankEnvironments: (.gauge, "Blank environments that wait for a function, by runtime.", ["runtime"])
        case .zygotes: (.gauge, "Processes that blank environments are forked from.", [])
        case .snapshots: (.gauge, "Initialised versions that environments are forked from (SnapStart).", [])
        case .spawnerSeconds:
            (.histogram, "From a request to the spawner to its answer, by request.", ["request"])
        case .memoryReckoned: (.gauge, "Memory that execution environments are reckoned at together.", [])
        case .memoryLimit: (.gauge, "Memory that execution environments may have together (--memory).", [])
        case .asyncWaiting: (.gauge, "Asynchronous events that wait or are being tried.", [])
        case .asyncAttempts: (.gauge, "Asynchronous events that are being tried.", [])
        case .asyncOldest: (.gauge, "Since the oldest asynchronous event that waits was accepted; 0 for none.", [])
        case .deliveriesWaiting: (.gauge, "Messages that are not at their destination yet.", [])
        case .deliveriesOldest:
            (.gauge, "Age of the oldest message that is not at its destination yet; 0 for none.", [])
        case .asyncWaitingMax: (.gauge, "Asynchronous events of an account that may wait (--async-events).", [])
        case .asyncRefused: (.counter, "Asynchronous events that were refused: too many wait, or the disk is full.", [])
        case .asyncRetries: (.counter, "Asynchronous events that are tried again after an error of the function.", [])
        case .asyncDelays:
            (.counter, "Asynchronous events that are tried again for want of room, or after the machine failed.", [])
        case .asyncEnded: (.counter, "Asynchronous events that came to their end, by condition.", ["condition"])
        case .delivered: (.counter, "Messages that came to their destination, by service.", ["service"])
        case .budgetEvents: (.counter, "What came of budgets: reached, stopped or restored.", ["event"])
        case .eventLoopLag:
            (.gauge, "How long a task had to wait for its event loop when this was asked for.", ["loop"])
        case .egressDescriptors: (.gauge, "File descriptors that functions' connections take.", [])
        case .egressDescriptorsMax: (.gauge, "File descriptors that functions' connections may take.", [])
        case .series: (.gauge, "Combinations of labels that functions' metrics have.", [])
        case .seriesMax: (.gauge, "Combinations of labels beyond which what is new is counted under (other).", [])
        case .pointsLost: (.counter, "Data points for CloudWatch's API that could not be stored.", [])
        case .spansSent: (.counter, "Spans that the OpenTelemetry collector took (--otlp-endpoint).", [])
        case .spansDropped:
            (.counter, "Spans that were dropped: too many waited, or the collector did not take them.", [])
        case .processorSeconds: (.counter, "Time that the server's process has had of the processors.", [])
        case .residentBytes: (.gauge, "Memory of the server's process.", [])
        case .openDescriptors: (.gauge, "File descriptors that the server has open.", [])
        case .descriptorsMax: (.gauge, "File descriptors that the server may have open.", [])
        case .startTime: (.gauge, "When the server started, in seconds since 1970.", [])
        }
    }
}
