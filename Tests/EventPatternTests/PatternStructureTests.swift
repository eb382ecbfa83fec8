// SPDX-License-Identifier: Apache-2.0
import AWSWire
import Testing

@testable import EventPattern

/// Fields, objects, arrays of objects, `$or` and `exists: false` together.
@Suite struct PatternStructureTests {
    private func matches(_ pattern: String, _ event: String) throws -> Bool {
        try EventPattern(parsing: pattern).matches(json(event))
    }

    /// The event of event-ruler's README.
    private static let instance = #"""
        {"version":"0","id":"ddddd4-aaaa-7777-4444-345dd43cc333","detail-type":"EC2 Instance State-change Notification",
        "source":"aws.ec2","account":"012345679012","time":"2017-10-02T16:24:49Z","region":"us-east-1",
        "resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
        "detail":{"c-count":5,"d-count":3,"x-limit":301.8,"source-ip":"10.0.0.33","instance-id":"i-000000aaaaaa00000",
        "state":"running"}}
        """#

    @Test(arguments: [
        #"""
        {"resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-000000aaaaaa00000"],
        "detail":{"state":["initializing","running"]}}
        """#,
        #"{"time":[{"prefix":"2017-10-02"}]}"#, #"{"source":[{"suffix":"ec2"}]}"#,
        #"{"source":[{"equals-ignore-case":"AWS.EC2"}]}"#, #"{"source":[{"wildcard":"a*.*2"}]}"#,
        #"{"detail":{"state":[{"anything-but":"initializing"}]}}"#, #"{"detail":{"x-limit":[{"anything-but":123}]}}"#,
        #"{"detail":{"state":[{"anything-but":["stopped","overloaded"]}]}}"#,
        #"{"detail":{"x-limit":[{"anything-but":[100,200,300]}]}}"#,
        #"{"detail":{"state":[{"anything-but":{"prefix":"init"}}]}}"#,
        #"""
        {"detail":{"c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],
        "x-limit":[{"numeric":["=",3.018e2]}]}}
        """#,
        #"{"detail":{"source-ip":[{"cidr":"10.0.0.0/24"}]}}"#, #"{"detail":{"c-count":[{"exists":true}]}}"#,
        #"{"detail":{"nothing":[{"exists":false}]}}"#,
        #"""
        {"time":[{"prefix":"2017-10-02"}],"detail":{"state":[{"anything-but":"initializing"}],
        "c-count":[{"numeric":[">",0,"<=",5]}],"d-count":[{"numeric":["<",10]}],
        "x-limit":[{"anything-but":[100,200,300]}],"source-ip":[{"cidr":"10.0.0.0/8"}]}}
        """#,
    ])
    func `the examples of event-ruler's README match its event`(_ pattern: String) throws {
        #expect(try matches(pattern, Self.instance))
    }

    @Test func `all fields have to match, and others don't matter`() throws {
        let pattern = #"{"a":[1],"b":{"c":["x"],"d":["y"]}}"#
        #expect(try matches(pattern, #"{"a":1,"b":{"c":"x","d":"y","e":1},"f":[]}"#))
        #expect(try !matches(pattern, #"{"a":1,"b":{"c":"x"}}"#))
        #expect(try !matches(pattern, #"{"b":{"c":"x","d":"y"}}"#))
        #expect(try !matches(pattern, #"{"a":1,"b":"x"}"#))
        #expect(try !matches(pattern, #"[{"a":1,"b":{"c":"x","d":"y"}}]"#))
        for event in ["1", "\"a\"", "null", "[]"] { #expect(try !matches(#"{"a":[{"exists":false}]}"#, event)) }
    }

    @Test func `names are literal`() throws {
        #expect(try matches(#"{"a.b":[1]}"#, #"{"a.b":1}"#))
        #expect(try !matches(#"{"a.b":[1]}"#, #"{"a":{"b":1}}"#))
        #expect(try !matches(#"{"a":{"b":[1]}}"#, #"{"a.b":1}"#))
        #expect(try matches("{\"\u{E9}\":[1]}", "{\"\u{E9}\":1}"))
        #expect(try !matches("{\"\u{E9}\":[1]}", "{\"e\u{301}\":1}"))
        #expect(try matches(#"{"":[1]}"#, #"{"":1}"#))
    }

    private static let employees = #"""
        {"employees":[{"first":"John","last":"Doe"},{"first":"Anna","last":"Smith"},{"first":"Peter","last":"Jones"}]}
        """#
    private static let nested = #"""
        {"employees":[[{"first":"John","last":"Doe"},{"first":"Anna","last":"Smith"}],
        [{"first":"Peter","last":"Jones"}]]}
        """#
    private static let songs = #"""
        {"Year":1966,"Genres":[{"Pop":true},{"Classical":false}],"Songs":[
        {"Name":"Paperback Writer","Writers":[{"First":"John","Last":"Lennon"},{"First":"Paul","Last":"McCartney"}]},
        {"Name":"Paint It Black","Writers":[{"First":"Mick","Last":"Jagger"},{"First":"Keith","Last":"Richards"}]}]}
        """#

    /// README, "JSON Array Matching", and `songsACTest`.
    @Test(arguments: [
        (employees, #"{"employees":{"first":["Anna"]}}"#, true),
        (nested, #"{"employees":{"first":["Anna"]}}"#, true),
        (employees, #"{"employees":{"first":["Anna"],"last":["Smith"]}}"#, true),
        (employees, #"{"employees":{"first":["Anna"],"last":["Jones"]}}"#, false),
        (nested, #"{"employees":{"first":["Anna"],"last":["Doe"]}}"#, false),
        (
            songs,
            #"{"Year":[1966],"Songs":{"Name":["Paperback Writer"],"Writers":{"First":["Paul"],"Last":["McCartney"]}}}"#,
            true
        ),
        (songs, #"{"Genres":{"Pop":[true]},"Songs":{"Name":["Paint It Black"]}}"#, true),
        (songs, #"{"Genres":{"Pop":[true],"Classical":[false]}}"#, false),
        (songs, #"{"Songs":{"Name":["Paperback Writer"],"Writers":{"First":["Mick"]}}}"#, false),
        (songs, #"{"Songs":{"Writers":{"First":["Mick"],"Last":["McCartney"]}}}"#, false),
        (songs, #"{"Songs":{"Writers":{"First":["Mick"],"Last":["Jagger"]}}}"#, true),
    ])
    func `fields below an array match in one element of it`(_ event: String, _ pattern: String, _ expected: Bool) throws
    {
        #expect(try matches(pattern, event) == expected)
    }

    @Test(arguments: [
        // Nothing has matched in an element: the field has to be missing from all.
        (#"{"a":{"b":[{"exists":false}]}}"#, #"{"a":[{"b":1},{"c":2}]}"#, false),
        (#"{"a":{"b":[{"exists":false}]}}"#, #"{"a":[{"c":1},{"c":2}]}"#, true),
        (#"{"a":{"b":[{"exists":false}]}}"#, #"{"a":[]}"#, true),
        (#"{"a":{"b":[{"exists":false}]}}"#, #"{"a":1}"#, true),
        (#"{"a":{"b":[{"exists":false}]}}"#, #"{"c":1}"#, true),
        // `c` has chosen the element before `d` is looked for, but not before `b` is.
        (#"{"a":{"c":[1],"d":[{"exists":false}]}}"#, #"{"a":[{"c":2,"d":1},{"c":1}]}"#, true),
        (#"{"a":{"c":[1],"d":[{"exists":false}]}}"#, #"{"a":[{"c":1,"d":1},{"c":2}]}"#, false),
        (#"{"a":{"b":[{"exists":false}],"c":[1]}}"#, #"{"a":[{"b":1,"c":2},{"c":1}]}"#, false),
        (#"{"a":{"b":[{"exists":false}],"c":[1]}}"#, #"{"a":[{"c":2},{"c":1}]}"#, true),
        // So has what is deeper in the element.
        (#"{"a":{"b":{"c":[1]},"d":[{"exists":false}]}}"#, #"{"a":[{"d":1},{"b":[{"c":2},{"c":1}]}]}"#, true),
        (#"{"a":{"b":{"c":[{"exists":false}]},"d":[1]}}"#, #"{"a":[{"b":{"c":1}},{"d":1}]}"#, false),
        (#"{"a":{"b":{"c":[{"exists":false},1]},"d":[{"exists":false}]}}"#, #"{"a":[{"d":1},{"b":[{"c":1}]}]}"#, true),
        (#"{"a":{"b":{"c":[{"exists":false},1]},"d":[{"exists":false}]}}"#, #"{"a":[{"d":1},{"b":[{"c":2}]}]}"#, false),
        (#"{"a":[{"exists":false}],"b":[1]}"#, #"{"b":1}"#, true),
        // The order is that of paths: `b.a-` comes before `b.a.c`, and what is in a `$or` is not behind it.
        (#"{"b":{"a":{"c":[1]},"a-":[{"exists":false}]}}"#, #"{"b":[{"a-":1},{"a":{"c":1}}]}"#, false),
        (#"{"a":{"c":[1],"$or":[{"b":[{"exists":false}]},{"x":[2]}]}}"#, #"{"a":[{"b":1,"c":2},{"c":1}]}"#, false),
        (#"{"a":{"c":[1],"$or":[{"d":[{"exists":false}]},{"x":[2]}]}}"#, #"{"a":[{"c":2,"d":1},{"c":1}]}"#, true),
        // Of two ways to match, the one that chooses an element.
        (
            #"{"o":{"a":{"$or":[{"c":[{"exists":false}]},{"x":[1]}]},"d":[{"exists":false}]}}"#,
            #"{"o":[{"d":1},{"a":{"x":1}}]}"#, true
        ),
        (
            #"{"o":{"a":{"$or":[{"c":[{"exists":false}]},{"x":[1]}]},"d":[{"exists":false}]}}"#,
            #"{"o":[{"d":1},{"a":[{"y":1},{"x":1}]}]}"#, true
        ),
    ])
    func `a field is missing from what goes with the matches before it`(
        _ pattern: String,
        _ event: String,
        _ expected: Bool
    ) throws {
        #expect(try matches(pattern, event) == expected)
    }

    @Test(arguments: [
        (
            #"{"$or":[{"a":[1]},{"b":[2]}]}"#, [#"{"a":1}"#, #"{"b":2}"#, #"{"a":1,"b":2}"#],
            [#"{"a":2}"#, "{}", #"{"a":2,"b":1}"#]
        ),
        (
            #"{"s":["x"],"$or":[{"a":[1]},{"b":[2],"c":[3]},{"d":[4]}]}"#,
            [#"{"s":"x","a":1}"#, #"{"s":"x","b":2,"c":3}"#, #"{"s":"x","d":4}"#],
            [#"{"a":1}"#, #"{"s":"x","b":2}"#, #"{"s":"x"}"#]
        ),
        (
            #"{"$or":[{"a":[1]},{"b":[2]}],"e":{"$or":[{"a":[1]},{"b":[2]}]}}"#,
            [#"{"a":1,"e":{"b":2}}"#, #"{"b":2,"e":{"a":1}}"#],
            [#"{"a":1}"#, #"{"e":{"b":2}}"#]
        ),
        (
            #"{"$or":[{"a":[1]},{"b":[2],"$or":[{"c":[3]},{"d":[4]}]}]}"#,
            [#"{"a":1}"#, #"{"b":2,"c":3}"#, #"{"b":2,"d":4}"#],
            [#"{"b":2}"#, #"{"c":3}"#]
        ),
        (
            #"{"$or":[{"a":{"b":[1]}},{"a":{"c":[2]}}],"a":{"d":[3]}}"#,
            [#"{"a":{"b":1,"d":3}}"#, #"{"a":[{"d":1},{"c":2,"d":3}]}"#],
            [#"{"a":[{"b":1},{"d":3}]}"#, #"{"a":{"d":3}}"#]
        ),
        (
            #"{"$or":[{"a":[{"exists":false}]},{"a":[1]}]}"#, ["{}", #"{"a":1}"#, #"{"a":{}}"#], [#"{"a":2}"#]
        ),
    ])
    func `one alternative of each $or has to match`(_ pattern: String, _ matching: [String], _ others: [String]) throws
    {
        for event in matching { #expect(try matches(pattern, event), "\(event)") }
        for event in others { #expect(try !matches(pattern, event), "\(event)") }
    }

    /// README, "The backward compatibility of using $or".
    @Test func `what is called $or is a field's name unless two objects or more are listed`() throws {
        #expect(try matches(#"{"$or":{"a":[1],"b":[2]}}"#, #"{"$or":{"a":1,"b":2}}"#))
        #expect(try !matches(#"{"$or":{"a":[1],"b":[2]}}"#, #"{"a":1,"b":2}"#))
        #expect(try matches(#"{"$or":["x",2]}"#, #"{"$or":2}"#))
        #expect(try matches(#"{"$or":[{"prefix":"x"},{"suffix":"y"}]}"#, #"{"$or":"xz"}"#))
        #expect(try matches(#"{"$or":[{"prefix":"x"}]}"#, #"{"$or":"xz"}"#))
    }

    @Test func `patterns are equal when they ask for the same`() throws {
        let pattern = try EventPattern(parsing: #"{"a":[1,{"prefix":"x"}],"b":{"c":[{"wildcard":"x*"}]}}"#)
        #expect(try pattern == EventPattern(parsing: #" {"b":{"c":[{"wildcard":"x*"}]},"a":[1,{"prefix":"x"}]} "#))
        #expect(try pattern != EventPattern(parsing: #"{"a":[1,{"prefix":"x"}],"b":{"c":[{"wildcard":"*x"}]}}"#))
        #expect(try EventPattern(parsing: "{\"a\":[\"\u{E9}\"]}") != EventPattern(parsing: "{\"a\":[\"e\u{301}\"]}"))
    }
}
