# SPDX-License-Identifier: Apache-2.0
# Every target may be run again. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what building and testing need (asks for sudo when not root)
	@Scripts/setup.sh

build: setup ## Build the server and the spawner, for debugging
	swift build

release: setup ## Build the server and the spawner, optimised
	Scripts/build-release.sh

demo: setup ## Start a server, deploy two functions, invoke them, show the bill, clean up
	@Scripts/demo.sh

lint: setup ## Check format, imports and the tree's own rules
	swift format lint --strict --recursive --parallel --configuration .swift-format Package.swift Sources Tests
	Scripts/check-imports.sh
	Scripts/check-tree.sh

test: setup ## Everything: unit, simulation, sandbox and acceptance tests
	Scripts/test.sh

unit: setup ## Only the tests that need neither root nor a server
	Scripts/test.sh unit

acceptance: setup ## Only the tests that drive a running server with boto3 and the AWS CLI
	Scripts/test.sh acceptance

vectors: setup ## Make the signature test vectors anew, with botocore
	.venv/bin/python Scripts/make-sigv4-vectors.py

clean: ## Remove what was built
	rm -rf .build .venv

.PHONY: help setup build release demo lint test unit acceptance vectors clean
