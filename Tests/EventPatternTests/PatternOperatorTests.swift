// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Testing

@testable import EventPattern

/// Each comparison on a field `a`: values that it matches, and values that it doesn't.
@Suite struct PatternOperatorTests {
    struct Row: CustomTestStringConvertible, Sendable {
        var leaf: String
        var matching: [String]
        var others: [String]

        init(_ leaf: String, _ matching: [String], not others: [String]) {
            (self.leaf, self.matching, self.others) = (leaf, matching, others)
        }

        var testDescription: String { leaf }
    }

    static let values = [
        Row(#"["x"]"#, [#""x""#], not: [#""X""#, #""xx""#, #""""#, "null", "1", "true", "{}", "[]", #"{"x":"x"}"#]),
        Row(#"[""]"#, [#""""#, #"["a",""]"#], not: [#"" ""#, "null", "0", "[]", "false"]),
        Row("[null]", ["null", "[1,null]"], not: [#""""#, "0", "false", #""null""#, "[]"]),
        Row("[true]", ["true", "[false,true]"], not: ["false", #""true""#, "1"]),
        Row("[false,null]", ["false", "null"], not: ["true", "0"]),
        // Two spellings of é are two texts.
        Row("[\"\u{E9}\"]", ["\"\u{E9}\"", #""\u00e9""#], not: ["\"e\u{301}\"", #""e""#]),
        Row(#"["1"]"#, [#""1""#], not: ["1"]),
        // An address is a text like any other.
        Row(#"["::1"]"#, [#""::1""#], not: [#""0:0:0:0:0:0:0:1""#]),
        Row(
            #"["x","y",5]"#,
            [#""x""#, #""y""#, "5", #"["z","y"]"#, "[[5]]"],
            not: [#""z""#, #"["z",6]"#, #"[{"a":5}]"#]
        ),
    ]

    static let numbers = [
        Row("[300]", ["300", "300.0", "3.0e2", "3E+2", "30000e-2"], not: ["301", #""300""#, "300.000001"]),
        Row("[3.0e2]", ["300"], not: ["30"]),
        Row("[0]", ["0", "-0", "0.0", "0e9", "-0.000000000"], not: ["0.000001", "false", #""""#]),
        Row("[-1.5]", ["-1.5", "-15e-1", "-1.50"], not: ["1.5", "-1.6"]),
        // Beyond ±5e9 and six decimals, digits are compared.
        Row("[123456789012]", ["123456789012"], not: ["123456789012.0", "1.23456789012e11"]),
        Row("[0.1234567]", ["0.1234567"], not: ["0.12345670", "1.234567e-1"]),
        Row("[1e999999999999999999999]", ["1e999999999999999999999"], not: ["1e99", "1"]),
        Row(#"[{"numeric":["=",300]}]"#, ["300", "3.0e2", "300.00"], not: ["300.1", #""300""#, "null"]),
        Row(#"[{"numeric":["<",10]}]"#, ["9.999999", "-5e9", "-5000000000"], not: ["10", "-5000000001", "9.9999999"]),
        Row(#"[{"numeric":["<=",10]}]"#, ["10", "10.0", "-1"], not: ["10.000001", #""10""#]),
        Row(#"[{"numeric":[">",0]}]"#, ["0.000001", "5e9"], not: ["0", "-1", "5000000000.000001", "1e-7"]),
        Row(#"[{"numeric":[">=",0]}]"#, ["0", "-0", "1"], not: ["-0.000001"]),
        Row(#"[{"numeric":[">",0,"<=",5]}]"#, ["0.1", "5"], not: ["0", "5.1"]),
        Row(#"[{"numeric":[">=",-5e9,"<",5e9]}]"#, ["-5e9", "4999999999.999999"], not: ["5e9"]),
    ]

    static let texts = [
        Row(
            #"[{"prefix":"us-"}]"#,
            [#""us-east-1""#, #""us-""#, #"["eu","us-x"]"#],
            not: [#""US-x""#, #""us""#, "1"]
        ),
        Row(#"[{"prefix":""}]"#, [#""""#, #""x""#], not: ["1", "null", "true"]),
        Row("[{\"prefix\":\"e\"}]", ["\"e\u{301}\""], not: ["\"\u{E9}\""]),
        Row(#"[{"suffix":".png"}]"#, [#""a.png""#, #"".png""#], not: [#""a.PNG""#, #""png""#, #""a.png.""#]),
        Row(
            #"[{"prefix":{"equals-ignore-case":"EventB"}}]"#,
            [#""eventbridge""#, #""EVENTB""#],
            not: [#""event""#, #""xeventb""#]
        ),
        Row(
            #"[{"suffix":{"equals-ignore-case":"tBridge"}}]"#,
            [#""EvenTBRIDGE""#, #""tbridge""#],
            not: [#""bridge""#, #""tbridges""#]
        ),
        Row(#"[{"equals-ignore-case":"alice"}]"#, [#""Alice""#, #""ALICE""#], not: [#""alice ""#, #""alic""#, "1"]),
        Row(
            "[{\"equals-ignore-case\":\"\u{DF}\u{2C65}\u{10428}\"}]",
            ["\"\u{DF}\u{2C65}\u{10428}\"", "\"SS\u{23A}\u{10400}\""],
            not: ["\"ss\u{23A}\u{10400}\""]
        ),
        Row(#"[{"equals-ignore-case":""}]"#, [#""""#], not: [#""x""#, "null"]),
        Row(
            #"[{"wildcard":"Simple*Service"}]"#,
            [#""SimpleService""#, #""Simple Queue Service""#],
            not: [#""SimpleServices""#, #""simpleService""#, #""Simple""#]
        ),
        Row(#"[{"wildcard":"*"}]"#, [#""""#, #""x*y""#], not: ["1", "null"]),
        Row(
            #"[{"wildcard":"dir/*.png"}]"#,
            [#""dir/a.png""#, #""dir/b/c.png""#],
            not: [#""dir/a.pn""#, #""adir/a.png""#]
        ),
        Row(#"[{"wildcard":"*ab*ab*"}]"#, [#""abab""#, #""xabyabz""#], not: [#""aba""#, #""ab""#]),
        Row(#"[{"wildcard":"ab*ba"}]"#, [#""abba""#, #""abxba""#], not: [#""aba""#]),
        Row(#"[{"wildcard":"*aab*"}]"#, [#""aaab""#, #""aabaab""#], not: [#""abab""#]),
        Row(#"[{"wildcard":"a\\*b\\\\*"}]"#, [#""a*b\\""#, #""a*b\\x""#], not: [#""axb\\""#, #""a*bx""#]),
        Row(#"[{"wildcard":"plain"}]"#, [#""plain""#], not: [#""plainer""#, #""""#]),
        Row(#"[{"wildcard":""}]"#, [#""""#], not: [#""x""#]),
    ]

    static let addresses = [
        Row(
            #"[{"cidr":"10.0.0.0/24"}]"#,
            [#""10.0.0.0""#, #""10.0.0.255""#, #""010.0.0.7""#, #""::ffff:a00:5""#],
            not: [
                #""10.0.1.0""#, #""10.0.0""#, #""10.0.0.256""#, #""10.0.0.1/32""#, #""10.0.0.+1""#, #""a""#, "10",
                #""""#,
            ]
        ),
        Row(
            #"[{"cidr":"220.160.153.171/31"}]"#,
            [#""220.160.153.170""#, #""220.160.153.171""#],
            not: [#""220.160.153.172""#]
        ),
        Row(#"[{"cidr":"0.0.0.0/0"}]"#, [#""1.2.3.4""#], not: [#""::1""#, #""1.2.3.4.5""#]),
        Row(
            #"[{"cidr":"2001:db8::/33"}]"#,
            [#""2001:db8::1""#, #""2001:DB8:7fff:0:0:0:0:1""#],
            not: [
                #""2001:db8:8000::""#, #""2001:db8:::1""#, #""2001:db8:1:2:3:4:5:6:7""#, #""32.1.13.184""#,
                #""2001:db8::g""#,
            ]
        ),
        Row(
            #"[{"cidr":"::/0"}]"#,
            [#""::""#, #""1::""#, #""::1""#],
            not: [#"":""#, #"":::""#, #""1:2""#, #""::1.2.3.4""#]
        ),
    ]

    static let exclusions = [
        Row(
            #"[{"anything-but":"x"}]"#,
            [#""y""#, "1", "null", "true", #"["x","y"]"#],
            not: [#""x""#, #"["x"]"#, "[]", "{}", #"{"b":1}"#]
        ),
        Row(#"[{"anything-but":["x","y"]}]"#, [#""z""#, "5", #"["x","z"]"#], not: [#""x""#, #""y""#, #"["x","y"]"#]),
        Row(#"[{"anything-but":123}]"#, ["124", #""123""#, "null", "123.0000001"], not: ["123", "123.0", "1.23e2"]),
        Row(#"[{"anything-but":[100,200]}]"#, ["300", #""100""#], not: ["100", "2e2", "[100,200]"]),
        Row(#"[{"anything-but":{"prefix":"init"}}]"#, [#""x""#, "1", "null"], not: [#""initializing""#, #""init""#]),
        Row(#"[{"anything-but":{"prefix":["a","b"]}}]"#, [#""c""#, #""A""#], not: [#""ax""#, #""b""#]),
        Row(#"[{"anything-but":{"suffix":".png"}}]"#, [#""a.txt""#, "1"], not: [#""a.png""#]),
        Row(#"[{"anything-but":{"suffix":["x","y"]}}]"#, [#""xz""#], not: [#""zx""#, #""y""#]),
        Row(#"[{"anything-but":{"equals-ignore-case":"x"}}]"#, [#""y""#, "1"], not: [#""x""#, #""X""#]),
        Row(#"[{"anything-but":{"equals-ignore-case":["x","y"]}}]"#, [#""z""#], not: [#""X""#, #""Y""#]),
        Row(#"[{"anything-but":{"wildcard":"*/lib/*"}}]"#, [#""/usr/bin""#, "1"], not: [#""/usr/lib/x""#]),
        Row(#"[{"anything-but":{"wildcard":["a*","*b"]}}]"#, [#""c""#], not: [#""ac""#, #""cb""#]),
    ]

    static let existence = [
        Row(
            #"[{"exists":true}]"#,
            ["1", #""""#, "null", "false", "[1]", "[[null]]", #"[{"b":1},2]"#],
            not: ["{}", #"{"b":1}"#, "[]", "[[]]", #"[{"b":1}]"#]
        ),
        Row(
            #"[{"exists":false}]"#,
            ["{}", #"{"b":1}"#, "[]", "[[]]", #"[{"b":1}]"#],
            not: ["1", "null", "[1]", #""""#]
        ),
        Row(#"[{"exists":false},"x"]"#, ["[]", "{}", #""x""#, #"["y","x"]"#], not: [#""y""#, "null"]),
    ]

    static let rows = values + numbers + texts + addresses + exclusions + existence

    @Test(arguments: rows)
    func `a comparison matches what it should and nothing else`(_ row: Row) throws {
        let pattern = try EventPattern(parsing: #"{"a":\#(row.leaf)}"#)
        for value in row.matching { #expect(try pattern.matches(json(#"{"a":\#(value)}"#)), "\(value)") }
        for value in row.others { #expect(try !pattern.matches(json(#"{"a":\#(value)}"#)), "\(value)") }
        // Where the field isn't there at all.
        let absence = row.leaf.contains(#""exists":false"#)
        #expect(pattern.matches(.object([:])) == absence)
        #expect(try pattern.matches(json(#"{"b":"x"}"#)) == absence)
    }

    /// Else the first spelling that fits might be the wrong one.
    @Test func `no spelling of a character begins or ends another one of it`() {
        for code in UInt32(0)...0x1_FFFF {
            guard let scalar = Unicode.Scalar(code) else { continue }
            let spellings = CaselessText.spellings(of: scalar)
            guard spellings.count > 1 else { continue }
            for (place, spelling) in spellings.enumerated() {
                for (other, longer) in spellings.enumerated() where other != place {
                    #expect(!longer.starts(with: spelling), "\(code)")
                    #expect(!longer.reversed().starts(with: spelling.reversed()), "\(code)")
                }
            }
        }
    }
}

func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }
