# SPDX-License-Identifier: Apache-2.0
# Every target may be run again. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what building and testing need (asks for sudo when not root)
	@Scripts/setup.sh

build: setup ## Build the server and the spawner, for debugging
	swift build

release: setup ## Build the server and the spawner, optimised
	Scripts/build-release.sh

demo: setup ## Start a server, deploy two functions, invoke them, show the bill, clean up
	@Scripts/demo.sh

lint: setup ## Check format, imports, the tree's own rules, and that what was generated is current
	swift format lint --strict --recursive --parallel --configuration .swift-format Package.swift Sources Tests Fuzz
	Scripts/check-imports.sh
	Scripts/check-tree.sh
	Scripts/check-model.sh
	Scripts/check-manual.sh

test: setup ## Everything: unit, simulation, sandbox and acceptance tests
	Scripts/test.sh

unit: setup ## Only the tests that need neither root nor a server
	Scripts/test.sh unit

acceptance: setup ## Only the tests that drive a running server with boto3 and the AWS CLI
	Scripts/test.sh acceptance

sandbox-table: release ## Write what a function sees into docs/sandbox.md, as root
	MARTLET_BIN=$$PWD/.build/release/martlet .venv/bin/python Tests/acceptance/sandbox_table.py

hostile: setup ## Only the functions that try to get out of the sandbox, or to hurt the server or a neighbour
	Scripts/test.sh hostile

fuzz: setup ## Fuzz each parser for FUZZ_SECONDS (30); only some with FUZZERS="JSON DNS"
	Scripts/fuzz.sh $(FUZZERS)

fuzz-seeds: setup ## Make the inputs that the fuzzers begin with anew
	.venv/bin/python Scripts/make-fuzz-seeds.py

test-vm: setup ## Sandboxes and servers on cgroup v2, and power cuts, in an emulated machine (downloads a kernel and qemu)
	Scripts/test-vm.sh

bench: setup release ## Measure the server beside its floors and peers; only some with BENCHMARKS="functions"
	@Scripts/setup.sh bench
	MARTLET_BIN=$$(swift build -c release --show-bin-path)/martlet .venv/bin/python Benchmarks/bench.py $(BENCHMARKS)

neighbour: setup release ## Measure what a function at its limits does to another one's latency
	MARTLET_BIN=$$(swift build -c release --show-bin-path)/martlet .venv/bin/python Scripts/measure-neighbour.py

model: setup ## Make the types and constraints of the Lambda API anew, from botocore's service model
	.venv/bin/python Scripts/make-model.py

manual: build ## Make the manual page and docs/reference.md anew, from what the program says of itself
	python3 Scripts/make-manual.py "$$(swift build --show-bin-path)/martlet"

vectors: setup ## Make the signature test vectors anew, with botocore
	.venv/bin/python Scripts/make-sigv4-vectors.py

clean: ## Remove what was built
	rm -rf .build .venv .venv-peers

.PHONY: bench help setup build release demo lint test unit acceptance hostile test-vm fuzz fuzz-seeds manual model vectors clean neighbour sandbox-table
