// SPDX-License-Identifier: Apache-2.0

/// What archives unpack to, entry by entry: the place where every rule about names and links is kept.
///
/// Pure: it touches no file. Names are bytes, as in the file system. Of several archives a later one is laid over the earlier:
/// directories merge, and whatever else is in the way of a later entry goes, a directory with everything in it.
struct ArchiveTree {
    enum Kind: Equatable {
        case directory
        case file
        case link(target: [UInt8])
    }

    struct Node {
        var kind: Kind
        /// Permission bits, 0…0777.
        var mode: UInt32
        var children: [[UInt8]: Int] = [:]
        /// The last archive that had an entry here or below.
        var archive: Int
    }

    typealias Path = [[UInt8]]

    static let nameBytesMax = 255
    static let pathBytesMax = 4_095
    static let depthMax = 128
    static let linksFollowedMax = 40
    /// Steps of all links of an archive together: a small archive of links that lead through each other would take long.
    static let linkStepsMax = 4_000_000

    /// The first is the root.
    private(set) var nodes = [Node(kind: .directory, mode: 0o755, archive: 0)]
    private var archive = 0

    /// What is added from here on is laid over what is there.
    mutating func beginArchive() { archive += 1 }

    /// The components of an entry's name; empty for the root itself (`./`).
    static func components(of name: [UInt8]) throws(ArchiveRefusal) -> Path {
        guard !name.isEmpty else { throw .unusable("an entry has no name") }
        guard name.count <= pathBytesMax else { throw .unusable("a path is over \(pathBytesMax) bytes") }
        guard name[0] != UInt8(ascii: "/") else {
            throw .unusable("the path \(ArchiveRefusal.quote(name)) is absolute")
        }
        guard !name.contains(0), !name.contains(UInt8(ascii: "\\")) else {
            throw .unusable("the path \(ArchiveRefusal.quote(name)) holds a NUL or a backslash")
        }
        var components: Path = []
        for part in name.split(separator: UInt8(ascii: "/")) where part != [UInt8(ascii: ".")] {
            guard part != [UInt8(ascii: "."), UInt8(ascii: ".")] else {
                throw .unusable("the path \(ArchiveRefusal.quote(name)) goes up")
            }
            guard part.count <= nameBytesMax else { throw .unusable("a name is over \(nameBytesMax) bytes") }
            components.append(Array(part))
        }
        guard components.count <= depthMax else { throw .unusable("a path is over \(depthMax) levels deep") }
        return components
    }

    /// What has to go before an entry can be written.
    struct Replaced: Equatable {
        var path: Path
        var isDirectory: Bool
    }

    /// Adds an entry.
    ///
    /// A later file or link takes the place of an earlier one; within one archive nothing else may be in its way.
    /// - Returns: what it replaces, if anything.
    mutating func add(_ path: Path, kind: Kind, mode: UInt32) throws(ArchiveRefusal) -> Replaced? {
        // Before it is made: the kernel would refuse an empty or very long target in its own words.
        if case .link(let target) = kind { _ = try Self.linkComponents(target, of: path) }
        guard let name = path.last else {
            guard kind == .directory else { throw .unusable("a file or link would replace the root") }
            nodes[0].mode = mode
            return nil
        }
        var replaced: Replaced?
        var parent = 0
        for (depth, component) in path.dropLast().enumerated() {
            if let child = nodes[parent].children[component], nodes[child].kind == .directory {
                nodes[child].archive = archive
                parent = child
                continue
            }
            if let child = nodes[parent].children[component] {
                guard nodes[child].archive < archive else {
                    throw .unusable("\(Self.quote(path)) is below a file or a link of the archive")
                }
                replaced = Replaced(path: Array(path[...depth]), isDirectory: false)
            }
            parent = try insert(.directory, mode: 0o755, as: component, in: parent)
        }
        guard let existing = nodes[parent].children[name] else {
            _ = try insert(kind, mode: mode, as: name, in: parent)
            return replaced
        }
        let wasDirectory = nodes[existing].kind == .directory
        guard wasDirectory == (kind == .directory) || nodes[existing].archive < archive else {
            throw .unusable("\(Self.quote(path)) is both a directory and not")
        }
        if wasDirectory, kind == .directory {
            nodes[existing].mode = mode
            nodes[existing].archive = archive
            return nil
        }
        _ = try insert(kind, mode: mode, as: name, in: parent)
        return Replaced(path: path, isDirectory: wasDirectory)
    }

    /// Refuses every link that leaves the root, by way of other links too; to be called when all entries are known.
    func checkLinks() throws(ArchiveRefusal) {
        var steps = 0
        try checkLinks(below: 0, at: [], &steps)
    }

    private func checkLinks(below directory: Int, at path: Path, _ steps: inout Int) throws(ArchiveRefusal) {
        for (name, child) in nodes[directory].children {
            switch nodes[child].kind {
            case .link(let target): try resolve(target, from: path + [name], &steps)
            case .directory: try checkLinks(below: child, at: path + [name], &steps)
            case .file: break
            }
        }
    }

    private mutating func insert(
        _ kind: Kind,
        mode: UInt32,
        as name: [UInt8],
        in parent: Int
    ) throws(ArchiveRefusal) -> Int {
        // Directories that are only implied count too: each costs an inode. So does what is replaced, for a moment.
        guard nodes.count <= CodeArchive.entriesMax else {
            throw .unusable("there are more than \(CodeArchive.entriesMax) entries")
        }
        nodes.append(Node(kind: kind, mode: mode, archive: archive))
        nodes[parent].children[name] = nodes.count - 1
        return nodes.count - 1
    }

    /// Walks as the kernel would (path_resolution(7)), with an error where it would leave the root.
    private func resolve(_ target: [UInt8], from link: Path, _ steps: inout Int) throws(ArchiveRefusal) {
        func refusal(_ reason: String) -> ArchiveRefusal { Self.refusal(of: link, to: target, reason) }
        /// From the root to where the walk is; nil for what is not in the archive.
        var stack: [Int?] = [0]
        for component in link.dropLast() {
            stack.append(stack.last.flatMap { $0 }.flatMap { nodes[$0].children[component] })
        }
        var pending = try Self.linkComponents(target, of: link)
        var followed = 0
        steps += stack.count
        while let component = pending.popLast() {
            steps += 1
            guard steps <= Self.linkStepsMax else { throw refusal("and others go through too many directories") }
            if component == [UInt8(ascii: "."), UInt8(ascii: ".")] {
                guard stack.count > 1 else { throw refusal("leaves the root") }
                stack.removeLast()
                continue
            }
            let child = stack.last.flatMap { $0 }.flatMap { nodes[$0].children[component] }
            guard let child, case .link(let next) = nodes[child].kind else {
                stack.append(child)
                continue
            }
            followed += 1
            guard followed <= Self.linksFollowedMax else { throw refusal("goes through too many links") }
            pending += try Self.linkComponents(next, of: link)
        }
    }

    /// A target's components, last one first.
    private static func linkComponents(_ target: [UInt8], of link: Path) throws(ArchiveRefusal) -> [[UInt8]] {
        func refusal(_ reason: String) -> ArchiveRefusal { Self.refusal(of: link, to: target, reason) }
        guard !target.isEmpty, target.count <= pathBytesMax else { throw refusal("is empty or too long") }
        guard target[0] != UInt8(ascii: "/") else { throw refusal("is absolute") }
        guard !target.contains(0), !target.contains(UInt8(ascii: "\\")) else {
            throw refusal("holds a NUL or a backslash")
        }
        return target.split(separator: UInt8(ascii: "/")).filter { $0 != [UInt8(ascii: ".")] }.map(Array.init)
            .reversed()
    }

    private static func refusal(of link: Path, to target: [UInt8], _ reason: String) -> ArchiveRefusal {
        .unusable("the link \(quote(link)) to \(ArchiveRefusal.quote(target)) \(reason)")
    }

    private static func quote(_ path: Path) -> String { ArchiveRefusal.quote(Array(path.joined(separator: [0x2F]))) }
}
