// SPDX-License-Identifier: Apache-2.0

/// What an archive unpacks to, entry by entry: the place where every rule about names and links is kept.
///
/// Pure: it touches no file. Names are bytes, as in the file system.
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
    }

    typealias Path = [[UInt8]]

    static let nameBytesMax = 255
    static let pathBytesMax = 4_095
    static let depthMax = 128
    static let linksFollowedMax = 40

    /// The first is the root.
    private(set) var nodes = [Node(kind: .directory, mode: 0o755)]
    private var links: [(path: Path, node: Int)] = []

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

    /// Whether `add` found something in the entry's place that it replaces.
    enum Addition: Equatable {
        case new
        case replacesLeaf
        case mergesDirectory
    }

    /// Adds an entry.
    ///
    /// A later file or link takes the place of an earlier one; nothing else may be in its way.
    mutating func add(_ path: Path, kind: Kind, mode: UInt32) throws(ArchiveRefusal) -> Addition {
        guard let name = path.last else {
            guard kind == .directory else { throw .unusable("a file or link would replace the root") }
            nodes[0].mode = mode
            return .mergesDirectory
        }
        var parent = 0
        for component in path.dropLast() {
            if let child = nodes[parent].children[component] {
                guard nodes[child].kind == .directory else {
                    throw .unusable("\(Self.quote(path)) is below a file or a link of the archive")
                }
                parent = child
            } else {
                parent = try insert(Node(kind: .directory, mode: 0o755), as: component, in: parent)
            }
        }
        guard let existing = nodes[parent].children[name] else {
            let node = try insert(Node(kind: kind, mode: mode), as: name, in: parent)
            if case .link = kind { links.append((path, node)) }
            return .new
        }
        guard (nodes[existing].kind == .directory) == (kind == .directory) else {
            throw .unusable("\(Self.quote(path)) is both a directory and not")
        }
        nodes[existing].kind = kind
        nodes[existing].mode = mode
        if case .link = kind { links.append((path, existing)) }
        return kind == .directory ? .mergesDirectory : .replacesLeaf
    }

    /// Refuses every link that leaves the root, by way of other links too; to be called when all entries are known.
    func checkLinks() throws(ArchiveRefusal) {
        for link in links {
            // A link that a later entry replaced is not there any more.
            guard case .link(let target) = nodes[link.node].kind else { continue }
            try resolve(target, from: link.path)
        }
    }

    private mutating func insert(_ node: Node, as name: [UInt8], in parent: Int) throws(ArchiveRefusal) -> Int {
        // Directories that are only implied count too: each costs an inode.
        guard nodes.count <= CodeArchive.entriesMax else {
            throw .unusable("there are more than \(CodeArchive.entriesMax) entries")
        }
        nodes.append(node)
        nodes[parent].children[name] = nodes.count - 1
        return nodes.count - 1
    }

    /// Walks as the kernel would (path_resolution(7)), with an error where it would leave the root.
    private func resolve(_ target: [UInt8], from link: Path) throws(ArchiveRefusal) {
        func refusal(_ reason: String) -> ArchiveRefusal {
            .unusable("the link \(Self.quote(link)) to \(ArchiveRefusal.quote(target)) \(reason)")
        }
        /// From the root to where the walk is; nil for what is not in the archive.
        var stack: [Int?] = [0]
        for component in link.dropLast() {
            stack.append(stack.last.flatMap { $0 }.flatMap { nodes[$0].children[component] })
        }
        var pending = try Self.linkComponents(target, refusal: refusal)
        var followed = 0
        while let component = pending.popLast() {
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
            pending += try Self.linkComponents(next, refusal: refusal)
        }
    }

    /// A target's components, last one first.
    private static func linkComponents(
        _ target: [UInt8],
        refusal: (String) -> ArchiveRefusal
    ) throws(ArchiveRefusal) -> [[UInt8]] {
        guard !target.isEmpty, target.count <= pathBytesMax else { throw refusal("is empty or too long") }
        guard target[0] != UInt8(ascii: "/") else { throw refusal("is absolute") }
        guard !target.contains(0), !target.contains(UInt8(ascii: "\\")) else {
            throw refusal("holds a NUL or a backslash")
        }
        return target.split(separator: UInt8(ascii: "/")).filter { $0 != [UInt8(ascii: ".")] }.map(Array.init)
            .reversed()
    }

    private static func quote(_ path: Path) -> String { ArchiveRefusal.quote(Array(path.joined(separator: [0x2F]))) }
}
