// SPDX-License-Identifier: Apache-2.0

/// The places in a JSON object that a condition asks for, as a tree: 0 is the object itself, and behind a place comes all that is below it.
struct ObjectPlaces: Equatable, Sendable {
    struct Place: Equatable, Sendable {
        var members: [Member] = []
        var elements: [Element] = []
        /// Behind the last place below it.
        var end = 0
    }

    struct Member: Equatable, Sendable {
        var name: [UInt8]
        var place: Int
    }

    struct Element: Equatable, Sendable {
        var number: Int
        var place: Int
    }

    private(set) var all: [Place] = []
    /// Where each selector leads.
    private(set) var ofSelectors: [Int]

    init(_ selectors: [Selector]) {
        ofSelectors = Array(repeating: 0, count: selectors.count)
        _ = add(selectors.enumerated().map { ($0, $1.steps[...]) })
    }

    /// A place that these selectors lead to or through, with all below it; returns its number.
    private mutating func add(_ selectors: [(index: Int, steps: ArraySlice<Selector.Step>)]) -> Int {
        let place = all.count
        all.append(Place())
        for selector in selectors where selector.steps.isEmpty { ofSelectors[selector.index] = place }
        var rest = selectors
        rest.removeAll { $0.steps.isEmpty }
        while let step = rest.first?.steps.first {
            let below = add(rest.filter { $0.steps.first == step }.map { ($0.index, $0.steps.dropFirst()) })
            rest.removeAll { $0.steps.first == step }
            switch step {
            case .member(let name): all[place].members.append(Member(name: name, place: below))
            case .element(let number): all[place].elements.append(Element(number: number, place: below))
            }
        }
        all[place].end = all.count
        return place
    }
}
