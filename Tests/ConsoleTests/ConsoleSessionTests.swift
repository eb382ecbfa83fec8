// SPDX-License-Identifier: Apache-2.0
import Console
import InvocationCore
import Testing

struct ConsoleSessionTests {
    private static func at(_ seconds: Int) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(seconds) * 1_000_000_000)
    }

    private static func session(_ key: String = "AKIA1") -> ConsoleSession {
        ConsoleSession(accessKeyID: key, secret: "secret", region: "us-east-1")
    }

    @Test func `a session ends when nobody has used it for half an hour, whatever the page asks by itself`() {
        var table = ConsoleSessionTable()
        table.start(Self.session(), digest: [1], at: Self.at(0))
        #expect(table.use([1], isByUser: true, at: Self.at(1_799)) == Self.session())
        #expect(table.use([1], isByUser: false, at: Self.at(3_598)) == Self.session())
        #expect(table.use([1], isByUser: false, at: Self.at(3_599)) == nil)
        #expect(table.count == 0)
    }

    @Test func `a session ends twelve hours after it began, however it is used`() {
        var table = ConsoleSessionTable()
        table.start(Self.session(), digest: [1], at: Self.at(0))
        for minute in 1..<720 { #expect(table.use([1], isByUser: true, at: Self.at(minute * 60)) != nil) }
        #expect(table.use([1], isByUser: true, at: Self.at(43_200)) == nil)
    }

    @Test func `what was ended is over, and nobody else's is`() {
        var table = ConsoleSessionTable()
        table.start(Self.session(), digest: [1], at: Self.at(0))
        table.start(Self.session(), digest: [2], at: Self.at(0))
        table.end([1])
        #expect(table.use([1], isByUser: true, at: Self.at(1)) == nil)
        #expect(table.use([2], isByUser: true, at: Self.at(1)) != nil)
    }

    @Test func `sessions are bounded, of a key and of all keys: the stalest makes room`() {
        var limits = ConsoleSessionTable.Limits()
        (limits.sessionsMax, limits.sessionsOfKeyMax) = (4, 2)
        var table = ConsoleSessionTable(limits: limits)
        for number in 0..<3 { table.start(Self.session(), digest: [UInt8(number)], at: Self.at(number)) }
        #expect(table.count == 2)
        #expect(table.use([0], isByUser: true, at: Self.at(3)) == nil)
        #expect(table.use([1], isByUser: true, at: Self.at(4)) != nil)
        for number in 10..<20 {
            table.start(Self.session("AKIA\(number)"), digest: [UInt8(number)], at: Self.at(number))
        }
        #expect(table.count == 4)
        #expect(table.use([1], isByUser: true, at: Self.at(20)) == nil)
        #expect(table.use([19], isByUser: true, at: Self.at(20)) != nil)
    }

    @Test func `a session knows the secret it was started with, and no other`() {
        #expect(Self.session().wasStarted(with: "secret"))
        #expect(!Self.session().wasStarted(with: "secret2"))
        #expect(!Self.session().wasStarted(with: ""))
    }

    @Test func `secrets are tried ten times at once and then once a second, from each address`() {
        var rate = SignInRate(at: Self.at(0))
        #expect((0..<20).map { _ in rate.admit("a", at: Self.at(0)) }.count { $0 } == SignInRate.triesMax)
        let later = ["b", "a", "a"].map { rate.admit($0, at: Self.at(1)) }
        #expect(later == [true, true, false])
    }

    @Test func `all addresses together have a limit, and so has the number of those that are known`() {
        var rate = SignInRate(at: Self.at(0))
        #expect((0..<100).count { rate.admit("\($0)", at: Self.at(0)) } == SignInRate.triesOfAllMax)
        let fresh = (0..<5_000).count { rate.admit("n\($0)", at: Self.at(3_600)) }
        #expect(fresh == SignInRate.triesOfAllMax)
        let last = rate.admit("later", at: Self.at(3_700))
        #expect(last)
    }

    @Test func `tokens are of 256 bits, and end when they are told to`() throws {
        let sessions = ConsoleSessions { Self.at(0) }
        let tokens = (0..<3).map { _ in sessions.start(Self.session()) }
        #expect(Set(tokens).count == 3)
        #expect(tokens.allSatisfy { $0.utf8.count == 43 })
        #expect(sessions.session(tokens[0], isByUser: true) == Self.session())
        sessions.end(tokens[0])
        #expect(sessions.session(tokens[0], isByUser: true) == nil)
        #expect(sessions.session("", isByUser: true) == nil)
    }

    @Test func `the page is carried whole, and brings nothing from elsewhere`() throws {
        let page = try #require(ConsoleFile.all["index.html"])
        let text = String(decoding: page.bytes, as: UTF8.self)
        for (name, file) in ConsoleFile.all where name != "index.html" {
            #expect(!file.bytes.isEmpty)
            #expect(file.entityTag != page.entityTag)
        }
        for piece in text.split(separator: "\"") where piece.hasPrefix("/console/") {
            #expect(ConsoleFile.all[String(piece.dropFirst("/console/".count))] != nil)
        }
        for file in ConsoleFile.all.values {
            let text = String(decoding: file.bytes, as: UTF8.self).replacing("http://www.w3.org/2000/svg", with: "")
            #expect(!text.contains("http://") && !text.contains("https://"))
            #expect(!text.contains("innerHTML") && !text.contains("eval("))
        }
    }
}
