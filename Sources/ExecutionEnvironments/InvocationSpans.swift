// SPDX-License-Identifier: Apache-2.0
import InvocationCore
import LambdaModel
import MetricCore

/// The phases of an invocation as spans: what it waited for, how its environment came to be, and the function's run.
struct InvocationSpans {
    /// How the environment began that its first invocation waited for.
    struct Beginning: Equatable {
        var created: Timestamp
        /// When the initialisation was over, and how long it took.
        var initialized: Timestamp
        var initDuration: Duration
    }

    let request: InvocationRequest
    let configuration: FunctionConfiguration
    let report: InvocationReport
    let assigned: Timestamp
    let beginning: Beginning?

    /// The first is the whole, whose id the function has as its parent; none where the trace can't be read.
    func spans(using random: inout some RandomNumberGenerator) -> [Span] {
        guard let place = request.span, let trace = request.traceHeader.flatMap(TraceHeader.init) else { return [] }
        let key = configuration.key
        let whole = trace.parent
        func span(_ name: String, id: String, parent: String?, _ start: Int64, _ end: Int64) -> Span {
            Span(
                traceID: trace.traceID,
                id: id.lowercased(),
                parent: parent?.lowercased(),
                name: name,
                start: start,
                end: end,
                function: key.arn,
                service: key.name
            )
        }
        let (arrived, began) = (place.arrived.nanoseconds, max(place.arrived, assigned).nanoseconds)
        let end = began + report.duration.wholeNanoseconds
        var all = [span(key.name, id: whole, parent: place.parent, arrived, end)]
        all[0].kind = .server
        all[0].attributes = attributes
        all[0].error = error
        var waiting = span("queue", id: TraceHeader.newSpan(using: &random), parent: whole, arrived, began)
        waiting.attributes = [("martlet.coldstart", .flag(report.initDuration != nil))]
        all.append(waiting)
        if let beginning, beginning.initialized.nanoseconds > arrived {
            let ended = min(beginning.initialized.nanoseconds, began)
            let initBegan = max(arrived, ended - beginning.initDuration.wholeNanoseconds)
            let created = max(arrived, min(beginning.created.nanoseconds, initBegan))
            for (name, start, end) in [("environment start", created, initBegan), ("init", initBegan, ended)] {
                all.append(span(name, id: TraceHeader.newSpan(using: &random), parent: waiting.id, start, end))
            }
        }
        var run = span("invoke", id: TraceHeader.newSpan(using: &random), parent: whole, began, end)
        run.error = error
        all.append(run)
        return all
    }

    private var attributes: [(name: String, value: Span.Value)] {
        [("faas.coldstart", .flag(report.initDuration != nil))] + configuration.attributes(of: request)
    }

    private var error: String? {
        switch report.status {
        case .success: nil
        case .functionError(let type), .runtimeError(let type): type
        case .timeout: "Sandbox.Timedout"
        case .environmentLost: "Sandbox.Failure"
        }
    }
}

/// An invocation that was refused before it had an environment: one span, whose error is the exception that the caller sees.
struct RefusedInvocation {
    let request: InvocationRequest
    let configuration: FunctionConfiguration
    let error: LambdaError
    let refused: Timestamp

    /// nil where the trace can't be read.
    var span: Span? {
        guard let place = request.span, let trace = request.traceHeader.flatMap(TraceHeader.init) else { return nil }
        let key = configuration.key
        let wire = error.wire
        var span = Span(
            traceID: trace.traceID,
            id: trace.parent.lowercased(),
            parent: place.parent?.lowercased(),
            name: key.name,
            kind: .server,
            start: place.arrived.nanoseconds,
            end: refused.nanoseconds,
            function: key.arn,
            service: key.name
        )
        span.error = wire.name
        span.attributes = configuration.attributes(of: request)
        span.attributes += [
            ("error.type", .text(wire.name)), ("http.response.status_code", .integer(wire.status)),
            ("martlet.fault", .flag(wire.status >= 500)), ("martlet.throttle", .flag(wire.status == 429)),
        ]
        if let reason = wire.reason { span.attributes.append(("martlet.throttle_reason", .text(reason))) }
        return span
    }
}

extension FunctionConfiguration {
    fileprivate func attributes(of request: InvocationRequest) -> [(name: String, value: Span.Value)] {
        [
            ("faas.invocation_id", .text(request.requestID)), ("faas.version", .text(version)),
            ("faas.max_memory", .integer(memoryMiB << 20)),
            ("cloud.resource_id", .text(key.arn(qualifier: request.qualifier))),
        ]
    }
}

extension Timestamp {
    fileprivate var nanoseconds: Int64 { millisecondsSinceEpoch * 1_000_000 }
}
