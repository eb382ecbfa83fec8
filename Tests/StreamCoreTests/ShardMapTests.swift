// SPDX-License-Identifier: Apache-2.0
import LambdaModel
import StreamCore
import TestSupport
import Testing

struct ShardMapTests {
    private let stream = StreamKey(accountID: "000000000000", region: "us-east-1", name: "s")
    private let start = Timestamp(millisecondsSinceEpoch: 1_700_000_000_000)

    private func refusal(_ body: () throws -> Void) throws -> StreamError? {
        do {
            try body()
            return nil
        } catch let error as StreamError { return error }
    }

    /// Each hash key has one open shard, each closed one has children that take its keys, and numbers and times only rise.
    private func check(_ map: ShardMap, _ note: Comment) {
        var next: UInt128? = 0
        for shard in map.open {
            #expect(shard.range.first == next, note)
            next = shard.range.last == .max ? nil : shard.range.last + 1
        }
        #expect(next == nil, note)
        // Told once for all: a macro for each of thousands takes its time.
        var children: [Int: Int] = [:]
        for (number, shard) in map.shards.enumerated() {
            var isRight = shard.number == number && map[number] == shard && shard.parents.count <= 2
            for parent in shard.parents.compactMap({ map[$0] }) {
                children[parent.number, default: 0] += 1
                isRight = isRight && shard.created > parent.created && shard.number > parent.number
                isRight = isRight && shard.range.first <= parent.range.last && parent.range.first <= shard.range.last
            }
            if !isRight { Issue.record("\(note): shard \(number)") }
        }
        let childless = map.shards.filter { children[$0.number] == nil }.map(\.number)
        #expect(childless == map.shards.filter(\.isOpen).map(\.number), note)
        #expect(map.open == map.shards.filter(\.isOpen).sorted { $0.range.first < $1.range.first }, note)
    }

    @Test func `shards of a new stream are as AWS cuts them`() {
        #expect(ShardMap(count: 1, now: start).open.map(\.range) == [.all])
        // As Kinesis shows those of a stream of three.
        let third: UInt128 = 113_427_455_640_312_821_154_458_202_477_256_070_485
        let three = ShardMap(count: 3, now: start)
        #expect(three.open.map(\.range.first) == [0, third, 2 * third])
        #expect(three.open.map(\.range.last) == [third - 1, 2 * third - 1, .max])
        #expect(three.shards.map(\.id) == ["shardId-000000000000", "shardId-000000000001", "shardId-000000000002"])
        #expect(ShardMap(count: 4, now: start).open.map(\.range.first) == [0, 1 << 126, 1 << 127, 3 << 126])
        for count in [1, 2, 3, 5, 7, 64, 1_000] { check(ShardMap(count: count, now: start), "\(count)") }
    }

    @Test(
        arguments: [
            ("0", 0), ("shardId-000000000012", 12), ("x-7", 7), ("shardId-2147483647", 2_147_483_647),
            ("shardId-2147483648", nil), ("shardId-", nil), ("", nil), ("shardId-1-2", nil), ("shardId-٣", nil),
        ] as [(String, Int?)]
    )
    func `ids of shards`(id: String, number: Int?) {
        #expect(Shard.number(id) == number)
    }

    @Test func `a map that lacks a key, or has one twice, is none`() {
        func shard(_ number: Int, _ first: UInt128, _ last: UInt128) -> Shard {
            Shard(number: number, range: HashKeyRange(first, last), created: 0, opened: start)
        }
        #expect(ShardMap([shard(0, 0, 5), shard(1, 6, .max)]).isWhole && ShardMap(count: 7, now: start).isWhole)
        for shards in [
            [], [shard(0, 0, 5)], [shard(0, 1, .max)], [shard(0, 0, 5), shard(1, 7, .max)],
            [shard(0, 0, 5), shard(1, 5, .max)], [shard(0, 0, .max), shard(1, 0, .max)],
            [shard(0, 0, 5), shard(0, 6, .max)],
        ] { #expect(!ShardMap(shards).isWhole) }
    }

    @Test func `a split closes a shard for two`() throws {
        var map = ShardMap(count: 1, now: start)
        let later = start.advanced(by: .seconds(5))
        try map.split("shardId-000000000000", at: 1 << 127, of: stream, now: later)
        check(map, "split")
        #expect(map.open.map(\.parents) == [[0], [0]] && map[0]?.closed == later)
        #expect(map.owner(of: 1 << 127).number == 2 && map.owner(of: 1 << 127 - 1).number == 1)
        let again = try refusal { try map.split("0", at: 1 << 100, of: stream, now: later) }
        #expect(again?.kind == .invalidArgument && again?.message.contains("already been merged or split") == true)
        #expect(try refusal { try map.split("7", at: 1, of: stream, now: later) } == .noShard("7", stream))
    }

    @Test(arguments: [0, 1, UInt128.max])
    func `a split leaves two keys to the first, and one to the second`(key: UInt128) throws {
        var map = ShardMap(count: 1, now: start)
        let error = try refusal { try map.split("0", at: key, of: stream, now: start) }
        #expect(error?.kind == .invalidArgument && error?.message.contains("NewStartingHashKey \(key)") == true)
    }

    @Test func `only neighbours are merged`() throws {
        var map = ShardMap(count: 4, now: start)
        let error = try refusal { try map.merge("0", "2", of: stream, now: start) }
        #expect(
            error?.message
                == "Shards shardId-000000000000 and shardId-000000000002 in stream s under account 000000000000 are not an adjacent pair of "
                + "shards eligible for merging"
        )
        #expect(try refusal { try map.merge("0", "0", of: stream, now: start) }?.kind == .invalidArgument)
        try map.merge("2", "1", of: stream, now: start)
        check(map, "merge")
        #expect(map[4]?.parents == [2, 1] && map[4]?.range == HashKeyRange(1 << 126, 3 << 126 - 1))
    }

    @Test(arguments: UInt64(0)..<64)
    func `whatever is split, merged and scaled, each key has one shard`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var map = ShardMap(count: Int.random(in: 1...9, using: &random), now: start)
        for step in 0..<60 {
            let now = start.advanced(by: .milliseconds(step))
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let shard = map.open.randomElement(using: &random) ?? map.open[0]
                let key = UInt128.random(in: shard.range.first...shard.range.last, using: &random)
                _ = try refusal { try map.split(shard.id, at: key, of: stream, now: now) }
            case 1 where map.open.count > 1:
                let index = Int.random(in: 1..<map.open.count, using: &random)
                try map.merge(map.open[index - 1].id, map.open[index].id, of: stream, now: now)
            default:
                let count = Int.random(in: 1...20, using: &random)
                try map.scale(to: count, now: now)
                let starts = HashKeyRange.uniform(count)
                #expect(map.open.count == count, "seed \(seed), step \(step)")
                for (shard, start) in zip(map.open, starts) {
                    let distance = shard.range.first > start ? shard.range.first - start : start - shard.range.first
                    #expect(distance < 20, "seed \(seed), step \(step)")
                }
            }
            check(map, "seed \(seed), step \(step)")
            let key = UInt128.random(in: 0...UInt128.max, using: &random)
            #expect(map.owner(of: key).range.contains(key), "seed \(seed), step \(step)")
        }
    }

    @Test(arguments: [1, 3, 5, 10, 500])
    func `doubling and halving only splits and only merges`(count: Int) throws {
        var map = ShardMap(count: count, now: start)
        try map.scale(to: 2 * count, now: start)
        #expect(map.shards.count == 3 * count)
        try map.scale(to: count, now: start)
        #expect(map.shards.count == 4 * count)
        check(map, "\(count)")
    }

    @Test func `listings show what was open when`() throws {
        var map = ShardMap(count: 2, now: start)
        let split = start.advanced(by: .seconds(100))
        try map.split("0", at: 1 << 120, of: stream, now: split)
        func numbers(_ filter: ShardMap.Filter, horizon: Duration = .zero) -> [Int] {
            map.listed(filter, horizon: start.advanced(by: horizon)).map(\.number)
        }
        func at(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }
        #expect(numbers(.all) == [0, 1, 2, 3] && numbers(.after(1)) == [2, 3] && numbers(.latest) == [1, 2, 3])
        #expect(
            numbers(.at(at(50))) == [0, 1] && numbers(.at(at(100))) == [1, 2, 3] && numbers(.at(at(-9))) == [0, 1]
        )
        #expect(numbers(.from(at(50))) == [0, 1, 2, 3] && numbers(.from(at(100))) == [1, 2, 3])
        #expect(numbers(.atTrimHorizon, horizon: .seconds(-86_400)) == [0, 1])
        #expect(numbers(.at(at(-9)), horizon: .seconds(-86_400)) == [0, 1])
        #expect(numbers(.atTrimHorizon) == [0, 1] && numbers(.atTrimHorizon, horizon: .seconds(100)) == [1, 2, 3])
        // What is too old is not shown, and can be forgotten.
        #expect(numbers(.all, horizon: .seconds(100)) == [1, 2, 3])
        map.expire(horizon: split)
        #expect(map.shards.map(\.number) == [1, 2, 3] && map[0] == nil && map[2]?.parents == [0])
    }

    @Test func `a stream has no more shards than it may`() throws {
        var map = ShardMap(count: 1_000, now: start)
        var last: StreamError?
        for _ in 0..<20 where last == nil {
            last = try refusal {
                var next = map
                try next.scale(to: map.open.count == 1_000 ? 500 : 1_000, now: start)
                map = next
            }
        }
        #expect(last?.kind == .limitExceeded && map.shards.count <= StreamLimits.shardsMax)
    }
}

struct StreamSettingsTests {
    private let start = Timestamp(millisecondsSinceEpoch: 1_700_000_000_000)

    @Test func `what is too old stays so when more is kept`() {
        var settings = StreamSettings()
        let day = Duration.seconds(86_400)
        #expect(settings.horizon(now: start) == start.advanced(by: .seconds(-86_400)))
        settings.retain(hours: 48, now: start)
        #expect(settings.horizon(now: start) == start.advanced(by: .seconds(-86_400)))
        #expect(settings.horizon(now: start.advanced(by: day)) == start.advanced(by: .seconds(-86_400)))
        #expect(settings.horizon(now: start.advanced(by: day + day)) == start)
        settings.retain(hours: 24, now: start)
        #expect(settings.horizon(now: start.advanced(by: day)) == start)
    }

    @Test func `ARNs name streams, and nothing else does`() {
        let key = StreamKey(accountID: "123456789012", region: "eu-west-1", name: "a_b.c-D")
        #expect(key.arn == "arn:aws:kinesis:eu-west-1:123456789012:stream/a_b.c-D" && StreamKey(arn: key.arn) == key)
        for text in [
            "", "arn:aws:kinesis:eu-west-1:123456789012:stream/", "arn:aws:kinesis:eu-west-1:123456789012:a",
            "arn:aws:kinesis:eu-west-1:1:stream/a", "arn:aws:sqs:eu-west-1:123456789012:stream/a",
            "arn:aws:kinesis::123456789012:stream/a", "arn:aws:kinesis:eu-west-1:123456789012:stream/a/consumer/b:1",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/ä",
        ] { #expect(StreamKey(arn: text) == nil, "\(text)") }
    }

    @Test func `contents come back from their bytes`() {
        for content in [
            RecordContent(partitionKey: "", data: []), RecordContent(partitionKey: "ключ", data: [0, 255, 1]),
            RecordContent(partitionKey: String(repeating: "😀", count: 256), data: Array(repeating: 7, count: 100_000)),
        ] { #expect(RecordContent(bytes: content.bytes) == content) }
        for bytes in [[], [1], [1, 0], [1, 0, 2, 65], [2, 0, 0], [1, 0, 1, 0xFF]] as [[UInt8]] {
            #expect(RecordContent(bytes: bytes) == nil)
        }
    }
}
