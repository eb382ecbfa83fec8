// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ServerConfiguration

@Suite struct RabbitMQAccessTests {
    @Test func `brokers are where the option, the variable or the file says`() async throws {
        let fixture = try ConfigurationFixture()
        #expect(try await fixture.configuration().rabbitMQ == RabbitMQAccess())
        let file = "rabbitmq-endpoint: [\"amqp://one.example\", \"b=amqp://two.example:1\"]\n"
        _ = try fixture.write("martlet.yaml", file)
        let both = try await fixture.configuration().rabbitMQ
        #expect(both.other == .init(host: "one.example", port: 5_672, hasTLS: false))
        #expect(both.named == ["b": .init(host: "two.example", port: 1, hasTLS: false)])
        let variable = ["MARTLET_RABBITMQ_ENDPOINT": "amqp://[::1]:5;b=AMQP://127.0.0.1/"]
        let second = try await fixture.configuration([:], variable).rabbitMQ
        #expect(second.other == .init(host: "::1", port: 5, hasTLS: false))
        #expect(second.named == ["b": .init(host: "127.0.0.1", port: 5_672, hasTLS: false)])
        let third = try await fixture.configuration([.rabbitMQEndpoint: ["c=amqp://three.example"]], variable).rabbitMQ
        #expect(third.other == nil && third.named.keys.sorted() == ["c"])
    }

    @Test func `who vouches for certificates has to be there`() async throws {
        let fixture = try ConfigurationFixture()
        let file = try fixture.write("ca.pem", "")
        let options: [Setting: [String]] = [.rabbitMQEndpoint: ["amqps://one.example"]]
        let named = try await fixture.configuration(options.merging([.rabbitMQAuthorities: [file]]) { $1 }).rabbitMQ
        #expect(named.authorities == file)
        #expect(named.other == .init(host: "one.example", port: 5_671, hasTLS: true))
        let refusal = try await fixture.refusal(options.merging([.rabbitMQAuthorities: ["/none.pem"]]) { $1 })
        #expect(refusal.contains("/none.pem") && refusal.contains("--rabbitmq-ca"))
        // Nobody's certificate is looked at.
        let plain: [Setting: [String]] = [
            .rabbitMQEndpoint: ["amqp://one.example"], .rabbitMQAuthorities: ["/none.pem"],
        ]
        #expect(try await fixture.configuration(plain).rabbitMQ.authorities == "/none.pem")
    }

    @Test(arguments: [
        "http://a.example", "amqp://", "amqp://u:p@a.example", "amqp://a.example/host", "amqp://a.example:0",
        "amqp://a.example:70000", "=amqp://a.example", "a.example:5672", "b=", "amqp://a.example?x=y", "amqp://a b",
    ])
    func `what is no broker's address is refused, with the option's name`(_ text: String) async throws {
        let fixture = try ConfigurationFixture()
        let refusal = try await fixture.refusal([.rabbitMQEndpoint: [text]])
        #expect(refusal.contains("is not the address of a broker") && refusal.contains("--rabbitmq-endpoint"))
    }

    @Test(arguments: [["amqp://a.example", "amqp://b.example"], ["a=amqp://a.example", "a=amqp://b.example"]])
    func `a broker is in one place`(_ texts: [String]) async throws {
        let fixture = try ConfigurationFixture()
        #expect(try await fixture.refusal([.rabbitMQEndpoint: texts]).contains("a second time"))
    }
}
