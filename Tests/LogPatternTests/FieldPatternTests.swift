// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LogPattern

/// The user guide's examples ("Using filter patterns to match terms in space-delimited log events").
struct FieldPatternTests {
    private let lines = [
        #"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#,
        #"127.0.0.1 - frank [10/Oct/2000:13:35:22 -0700] "GET /apache_pb.gif HTTP/1.0" 500 5324"#,
        #"127.0.0.1 - frank [10/Oct/2000:13:50:35 -0700] "GET /apache_pb.gif HTTP/1.0" 200 4355"#,
    ]

    @Test(
        arguments: [
            ("[ip, user, username, timestamp, request, status_code, bytes]", [0, 1, 2]),
            ("[ip, user, username, timestamp, request, status_code]", []),
            ("[..., status_code, bytes]", [0, 1, 2]), ("[ip, user, ...]", [0, 1, 2]),
            ("[ip, user, ..., status_code = 4*, bytes]", [0]),
            ("[ip, user, username, timestamp, request, status_code, bytes > 4000]", [1, 2]),
            ("[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]", [0]),
            ("[..., request=*.html*, status_code=4*,]", [0]),
            ("[ip, user, username, timestamp, request, status_code = 4* && bytes > 1000, bytes]", nil),
            ("[a, b, c, d, e, status_code = 4* && status_code != 404, bytes]", []),
            ("[a, b, c, d, e, status_code = 200 || status_code = 404, bytes]", [0, 2]),
            ("[a, b, c, d, e, s = 200 || s = 5* && s != 500, n]", [2]),
            ("[a, b, user = frank, ...]", [0, 1, 2]), ("[a, b, user != frank, ...]", []),
            ("[ip = %127\\.0\\.0\\.[1-9]%, ...]", [0, 1, 2]), ("[..., e = \"GET /index.html HTTP/1.0\", s, n]", [0]),
            ("[...]", [0, 1, 2]), ("[..., a, b, c, d, e, f, g, h]", []), ("[..., n <= 1534]", [0]),
            ("[...,..., a]", nil), ("[a", nil), ("[a, b] x", nil), ("[a = ]", nil), ("[= 1]", []), ("[a > b]", nil),
        ] as [(String, [Int]?)]
    )
    func `fields`(text: String, found: [Int]?) throws {
        guard let found else {
            #expect(throws: LogPatternFailure.self) { try LogPattern(text) }
            return
        }
        let pattern = try LogPattern(text)
        #expect(lines.indices.filter { pattern.matches(lines[$0]) } == found)
    }

    @Test func `alternatives of one word`() throws {
        let lines = ["ERROR message", "WARN message", "INFO message"]
        func found(_ text: String) throws -> [Int] {
            let pattern = try LogPattern(text)
            return lines.indices.filter { pattern.matches(lines[$0]) }
        }
        #expect(try found("[w1=ERROR, w2]") == [0])
        #expect(try found("[w1=ERROR || w1=WARN, w2]") == [0, 1])
        #expect(try found("[w1=!ERROR&&w1=!WARN, w2]") == [2])
        #expect(try found("[w1=%ERROR|WARN%, w2]") == [0, 1])
    }

    @Test func `marks without an end are like other characters, and take no longer`() throws {
        let pattern = try LogPattern("[first, ..., last]")
        #expect(pattern.matches("[a \"b"))
        #expect(try LogPattern("[a = \"[x\", b]").matches("[x y"))
        let hostile = String(repeating: "[ \" ", count: 60_000)
        #expect(pattern.matches(hostile + "]x"))
        #expect(try !LogPattern("[a]").matches(hostile))
        #expect(try !LogPattern("[a]").matches(""))
        #expect(try LogPattern("[a, b]").matches("[] \"\""))
    }
}
