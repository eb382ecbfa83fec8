// SPDX-License-Identifier: Apache-2.0
import EventLoops
package import InvocationCore
package import LambdaModel
import Logging
import MetricCore
import NIOCore
import Runtimes

/// Performs what `EnvironmentScheduler` decides: starts, binds and ends execution environments.
package actor EnvironmentPool {
    private let workshop: EnvironmentWorkshop
    private(set) var scheduler: EnvironmentScheduler
    private(set) var environments: [EnvironmentID: ExecutionEnvironment] = [:]
    private var configurations: [EnvironmentKey: FunctionConfiguration] = [:]
    /// Of what is to be there without an invocation.
    private(set) var provisioned: [EnvironmentKey: FunctionConfiguration] = [:]
    private var waiters: [InvocationID: Waiter] = [:]
    /// Of environments that process an event: where it is counted.
    private var serving: [EnvironmentID: Serving] = [:]
    /// Starts and ends; one of each for an environment, so bounded by their number.
    private let starts = AsyncStream<ExecutionEnvironment>.makeStream()
    private let events = EnvironmentEvents()
    private var ticking: Task<Void, Never>?
    private var watching: Task<Void, Never>?
    private var emptied: [CheckedContinuation<Void, Never>] = []

    private struct Waiter {
        var continuation: CheckedContinuation<Result<ExecutionEnvironment, LambdaError>, Never>
        var series: FunctionSeries
        var isAdmitted: Bool
    }

    private struct Serving {
        var series: FunctionSeries
        var isProvisioned: Bool

        func ended() {
            series.left()
            if isProvisioned { series.leftProvisioned() }
        }
    }

    package init(workshop: EnvironmentWorkshop, settings: EnvironmentScheduler.Settings, limits: ConcurrencyLimits) {
        self.workshop = workshop
        scheduler = EnvironmentScheduler(settings: settings, limits: limits)
    }

    /// Lives until `drain` has ended every environment.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask(executorPreference: EventLoopExecutor.of(workshop.group.any())) {
                for await _ in self.events.bell { await self.hear() }
            }
            for await environment in starts.stream {
                group.addTask { await environment.run() }
            }
        }
    }

    // MARK: - Invocations

    /// Runs the event in an environment of exactly that configuration.
    ///
    /// - Throws: `.tooManyRequests`, or `.service` when the machine failed.
    package func invoke(
        _ request: InvocationRequest,
        _ configuration: FunctionConfiguration
    ) async throws(LambdaError) -> InvocationResponse {
        try await run(request, configuration) { environment throws(LambdaError) in
            try await environment.invoke(request)
        }
    }

    /// The same for a caller that takes the payload as it comes: returns when the runtime begins to answer.
    package func stream(
        _ request: InvocationRequest,
        _ configuration: FunctionConfiguration
    ) async throws(LambdaError) -> InvocationStream {
        try await run(request, configuration) { environment throws(LambdaError) in
            try await environment.stream(request)
        }
    }

    private func run<Answer: Sendable>(
        _ request: InvocationRequest,
        _ configuration: FunctionConfiguration,
        in bound: (ExecutionEnvironment) async throws(LambdaError) -> Answer?
    ) async throws(LambdaError) -> Answer {
        let key = EnvironmentKey(configuration)
        let series = workshop.metrics.series(key.function, qualifier: request.qualifier, version: key.version)
        for _ in 0..<Self.bindingsMax {
            let environment: ExecutionEnvironment
            do {
                environment = try await self.environment(
                    for: InvocationID(request.requestID),
                    key,
                    configuration,
                    series
                )
            } catch {
                trace(error, of: request, configuration)
                throw error
            }
            if let answer = try await bound(environment) { return answer }
        }
        let lost = LambdaError.service(message: "The execution environment was lost. Request id: \(request.requestID)")
        trace(lost, of: request, configuration)
        throw lost
    }

    /// Tells a collector of spans about an invocation that is refused.
    package nonisolated func trace(
        _ refusal: LambdaError,
        of request: InvocationRequest,
        _ configuration: FunctionConfiguration
    ) {
        guard let buffer = workshop.spans else { return }
        let invocation = RefusedInvocation(
            request: request,
            configuration: configuration,
            error: refusal,
            refused: workshop.now()
        )
        if let span = invocation.span { buffer.addRefused(span) }
    }

    /// An idle environment may die in the moment in which an invocation is bound to it; so often in a row is no coincidence.
    private static let bindingsMax = 3

    private func environment(
        for id: InvocationID,
        _ key: EnvironmentKey,
        _ configuration: FunctionConfiguration,
        _ series: FunctionSeries
    ) async throws(LambdaError) -> ExecutionEnvironment {
        hear()
        // An asynchronous event has the id that it is stored with, and may be stored twice where somebody has copied it.
        guard waiters[id] == nil else {
            throw .service(message: "An invocation with this request id waits already. Request id: \(id)")
        }
        configurations[key] = configuration
        let bound = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<ExecutionEnvironment, LambdaError>, Never>) in
            let commands = scheduler.invocationArrived(
                id,
                key: key,
                demand: EnvironmentDemand(memoryMiB: configuration.memoryMiB),
                at: .now
            )
            let isAdmitted = !commands.contains { $0.refuses(id) }
            waiters[id] = Waiter(continuation: continuation, series: series, isAdmitted: isAdmitted)
            if isAdmitted { series.entered() }
            perform(commands)
        }
        return try bound.get()
    }

    /// Environments of other revisions of that function, or of that version of it, serve what they serve, and go.
    package func retire(_ function: FunctionKey, version: String?, keepingRevision revision: String?) {
        workshop.snapshots?.retire(function, version: version, keepingRevision: revision)
        perform(scheduler.retire(function, version: version, keepingRevision: revision, at: .now))
    }

    /// What is set of the concurrency of all functions, from now on; nothing of a lower turn is taken after one of a higher.
    package func setConcurrency(_ settings: ConcurrencySettings, turn: UInt64) {
        for target in settings.provisioned {
            provisioned[EnvironmentKey(target.configuration)] = target.configuration
        }
        let shares = settings.provisioned.map { target in
            ProvisionedShare(
                configuration: ProvisionedConfigurationID(
                    function: target.configuration.key,
                    qualifier: target.qualifier
                ),
                key: EnvironmentKey(target.configuration),
                demand: EnvironmentDemand(memoryMiB: target.configuration.memoryMiB),
                wanted: target.executions
            )
        }
        perform(scheduler.setConcurrency(reserved: settings.reserved, provisioned: shares, turn: turn, at: .now))
        provisioned = provisioned.filter { scheduler.isProvisioned($0.key) }
    }

    /// How much of what is provisioned is there, for each of the keys.
    package func provisionedStates(of keys: [EnvironmentKey]) -> [ProvisionedState] {
        keys.map { scheduler.provisionedState(of: $0) }
    }

    /// How many environments are in which state, and what they take.
    package var census: EnvironmentCensus { EnvironmentCensus(scheduler) }

    /// No environment is there, and nothing waits for one.
    package var isEmpty: Bool { scheduler.isEmpty }

    /// No new work; running invocations have `timeout` to end, then everything goes.
    ///
    /// Returns when nothing is left.
    package func drain(timeout: Duration) async {
        perform(scheduler.shutdown(at: .now))
        let abandoning = Task {
            guard (try? await Task.sleep(for: timeout)) != nil else { return }
            self.abandon()
        }
        if !scheduler.isEmpty { await withCheckedContinuation { emptied.append($0) } }
        abandoning.cancel()
        ticking?.cancel()
        watching?.cancel()
        starts.continuation.finish()
        events.finish()
    }

    private func abandon() {
        perform(scheduler.abandon(at: .now))
        // Where only waiters were left no environment's end will tell.
        tellIfEmptied()
    }

    // MARK: - Events

    private func hear() {
        for event in events.take() { heard(event) }
    }

    private func heard(_ event: ExecutionEnvironment.Event) {
        switch event {
        case .idle(let id, let usedKiB):
            guard environments[id] != nil else { return }
            serving.removeValue(forKey: id)?.ended()
            perform(scheduler.environmentReady(id, usedKiB: usedKiB, at: .now))
        case .lost(let id, let reason):
            guard environments.removeValue(forKey: id) != nil else { return }
            serving.removeValue(forKey: id)?.ended()
            var restoreFailure: RestoreFailure?
            if case .restoreFailed(let failure) = reason { restoreFailure = failure }
            perform(
                scheduler.environmentLost(
                    id,
                    isInitFailure: reason == .notInitialized,
                    restoreFailure: restoreFailure,
                    at: .now
                )
            )
            forgetConfigurations()
        }
        tellIfEmptied()
    }

    private func tellIfEmptied() {
        guard scheduler.isEmpty, scheduler.isShuttingDown else { return }
        for waiter in emptied { waiter.resume() }
        emptied = []
    }

    private func perform(_ commands: [EnvironmentScheduler.Command]) {
        for command in commands {
            switch command {
            case .start(let id, let key): start(id, key, configurations[key], .onDemand)
            case .startProvisioned(let id, let key): start(id, key, provisioned[key], .provisionedConcurrency)
            case .assign(let invocation, let environment):
                guard let environment = environments[environment] else {
                    preconditionFailure("only an environment that exists is assigned")
                }
                guard let waiter = waiters.removeValue(forKey: invocation) else { continue }
                serve(waiter.series, in: environment.id)
                waiter.continuation.resume(returning: .success(environment))
            case .destroy(let id):
                guard let environment = environments[id] else { continue }
                Task { await environment.shutDown() }
            case .throttle(let id, let reason): refuse(id, .tooManyRequests(reason))
            case .fail(let id, .restoreFailed(.timeout)): refuse(id, .snapStartTimeout)
            case .fail(let id, .restoreFailed(.error)): refuse(id, .snapStart)
            case .fail(let id, let failure): refuse(id, .service(message: Self.message(failure)))
            case .nextTick(let time): tick(at: time)
            }
        }
        if scheduler.needsWatching, watching == nil { watchMemory() }
        let freeMiB = scheduler.settings.memoryMiB - scheduler.memoryInUseMiB
        workshop.blanks?.setFreeMemory(freeMiB)
        workshop.snapshots?.setFreeMemory(freeMiB)
    }

    private func start(
        _ id: EnvironmentID,
        _ key: EnvironmentKey,
        _ configuration: FunctionConfiguration?,
        _ initialization: InitializationType
    ) {
        do {
            guard let configuration,
                let runtime = workshop.runtimes.definition(of: configuration.runtime)
            else { throw LambdaError.service(message: "The runtime is not available on this server any more.") }
            let environment = ExecutionEnvironment(
                id,
                configuration,
                initialization,
                runtime: runtime,
                workshop: workshop,
                tell: { [events] in events.tell($0) }
            )
            environments[id] = environment
            starts.continuation.yield(environment)
        } catch {
            workshop.logger.error(
                "environment did not start",
                metadata: ["function": "\(key.function.name)", "error": "\(error)"]
            )
            perform(scheduler.environmentLost(id, at: .now))
        }
    }

    private func refuse(_ id: InvocationID, _ error: LambdaError) {
        guard let waiter = waiters.removeValue(forKey: id) else { return }
        if waiter.isAdmitted { waiter.series.left() }
        if case .tooManyRequests = error { waiter.series.record(.throttles) }
        waiter.continuation.resume(returning: .failure(error))
    }

    private func serve(_ series: FunctionSeries, in id: EnvironmentID) {
        let environment = scheduler.environments[id]
        let isProvisioned = environment?.isProvisioned == true
        serving[id] = Serving(series: series, isProvisioned: isProvisioned)
        guard !provisioned.isEmpty, let key = environment?.key, scheduler.isProvisioned(key) else { return }
        if isProvisioned {
            series.enteredProvisioned(of: scheduler.provisionedState(of: key).allocated)
        } else {
            series.record(.provisionedConcurrencySpilloverInvocations)
        }
    }

    private static func message(_ failure: EnvironmentScheduler.Failure) -> String {
        switch failure {
        case .environmentsDoNotStart:
            "Execution environments of this function do not start on this machine; the server's log says why."
        case .memoryBeyondMachine:
            "The function's memory size is more than the server may use (--memory)."
        case .restoreFailed: "The function could not be restored."
        case .shuttingDown: "The server is shutting down."
        }
    }

    /// Looks at what the machine has left, as long as environments could take it.
    private func watchMemory() {
        watching = Task { [weak self] in
            while (try? await Task.sleep(for: Self.memoryInterval)) != nil {
                guard let available = MachineMemory.availableMiB() else { continue }
                guard await self?.machineHas(availableMiB: available) == true else { return }
            }
        }
    }

    private static let memoryInterval = Duration.milliseconds(250)

    /// False when nobody needs to look any more.
    private func machineHas(availableMiB: Int) -> Bool {
        let wasShort = scheduler.isShort
        perform(scheduler.machineHas(availableMiB: availableMiB, at: .now))
        if scheduler.isShort, !wasShort {
            workshop.logger.warning(
                "the machine runs short of memory: idle environments end, and none start",
                metadata: ["availableMiB": "\(availableMiB)", "reserveMiB": "\(scheduler.settings.reserveMiB)"]
            )
        }
        guard !scheduler.needsWatching else { return true }
        watching = nil
        return false
    }

    private func tick(at time: MonotonicTime) {
        ticking?.cancel()
        ticking = Task { [weak self] in
            guard (try? await Task.sleep(for: max(.zero, time - .now))) != nil else { return }
            await self?.ticked(time)
        }
    }

    /// While the machine slept the timer's clock went on and the scheduler's stood: it is to see the time that it asked for.
    private func ticked(_ time: MonotonicTime) { perform(scheduler.tick(at: max(time, .now))) }

    /// Configurations of keys that have neither environments nor waiters.
    private func forgetConfigurations() {
        let used = Set(scheduler.environments.values.map(\.key))
        configurations = configurations.filter { used.contains($0.key) || scheduler.waiters(of: $0.key) > 0 }
    }
}

extension EnvironmentScheduler.Command {
    fileprivate func refuses(_ id: InvocationID) -> Bool {
        switch self {
        case .throttle(id, _), .fail(id, _): true
        default: false
        }
    }
}
