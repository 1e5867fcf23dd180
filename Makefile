# `make help` lists what there is. CI runs .ci/run, which calls these targets.

SHELL := /bin/bash
GO    ?= go
BIN   := bin
LINT  := $(BIN)/golangci-lint
NAME  ?= demo
HOSTS ?= 3

export CGO_ENABLED = 0

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/ferry
	$(GO) build -trimpath -o $(BIN)/ferry ./cmd/ferry

.PHONY: demo
demo: build ## Migrate three lab hosts from CentOS to openEuler (root, Debian; installs what it needs)
	@testenv/demo.sh

.PHONY: test
test: ## All tests that need neither root nor a network
	$(GO) test -timeout 20m ./...

.PHONY: race
race: ## The same with the race detector
	CGO_ENABLED=1 $(GO) test -race -timeout 30m ./...

.PHONY: lab-test
lab-test: build ## Tests against real lab hosts (root, Debian; installs what it needs)
	$(GO) test -tags lab -count=1 -timeout 40m -p 1 ./testenv/...

.PHONY: lab-up
lab-up: ## Start a lab of HOSTS hosts called NAME
	$(GO) run ./testenv/cmd/lab up --name $(NAME) --hosts $(HOSTS)

.PHONY: lab-down
lab-down: ## Remove every lab this machine has, also after a crash
	$(GO) run ./testenv/cmd/lab down --all

.PHONY: bench
bench: ## Measure ferry beside Ansible, Mitogen and clush; writes docs/benchmarks.md (root, Debian; BENCH=--quick for a check, into dist/)
	$(GO) run ./testenv/bench $(BENCH)

.PHONY: fmt
fmt: ## Format the code
	gofmt -w $$(git ls-files '*.go')

.PHONY: lint
lint: $(LINT) ## Run the linters
	$(LINT) run ./...
	$(LINT) run --build-tags lab ./testenv/...

$(LINT): testenv/tools/go.mod
	cd testenv/tools && $(GO) build -o ../../$(LINT) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: vet
vet: ## Run go vet, also over the lab's tests
	$(GO) vet ./...
	$(GO) vet -tags lab ./testenv/...

.PHONY: generate
generate: ## Write the reference pages that are made from the code
	$(GO) test ./modules -run TestReference -update

.PHONY: man
man: build ## Write the manual pages into dist/man
	$(BIN)/ferry man dist/man

.PHONY: fuzz
fuzz: ## Fuzz every parser for FUZZTIME (default 20s) each
	@testenv/fuzz.sh $(or $(FUZZTIME),20s)

.PHONY: check
check: ## What CI runs: format, lint, vet, build, test, lab-test
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted (make fmt):"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(MAKE) vet build lint race
	@testenv/lab-or-say-why.sh

.PHONY: clean
clean: ## Remove what was built here (the lab's cache stays)
	rm -rf $(BIN) .ferry
