# Two commands: `make up` sets everything up and runs the dev stack on the sandbox; `make test` tests it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
RUN := ./sandbox/run
STACK := $(RUN) sandbox stack
# Without a sandbox nothing runs: in the shell's own environment `pulumi` may be somebody's production.
IN_ENV := exports=$$($(STACK) env) && eval "$$exports" &&
# In the third run of the end-to-end tests, so that all three last as long.
THIRD := $(addprefix tests/e2e/test_,existing_masters.py drill.py dev_stack.py detection.py bad_input.py)

.PHONY: help up down outputs shell env files verify status prepare prepare-tests drill drill-all test test-unit test-go test-hosts test-e2e test-e2e-endpoint test-e2e-around test-e2e-sandbox lint format docs lock

help: ## Show this help
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Toolchain, sandbox and dev stack, until the VIP answers (idempotent)
	@$(STACK) up

down: ## Destroy the dev stack and the sandbox; leave nothing but the cache
	@$(STACK) down

outputs: ## The stack's outputs as one JSON object (make -s outputs)
	@$(STACK) outputs

shell: ## A shell in which plain `pulumi` works on the dev stack
	@$(STACK) shell

env: ## Print what `make shell` exports: source <(make -s env)
	@$(STACK) env

files: ## Every file as it will land on each host, before an up; ARGS=--diff for what changes
	@$(IN_ENV) python -m components files $(ARGS)

verify: ## Whether the VIP answers from everywhere, and hosts and cloud are as the stack says; ARGS=--repair mends them
	@$(IN_ENV) python -m components verify $(ARGS)

status: ## What the sandbox holds: hosts, addresses, who has the VIP
	@$(RUN) sandbox status

drill: ## Break the dev stack in the ways that matter most; milliseconds of outage into build/drill (10 min)
	@$(RUN) drill

drill-all: ## Every fault there is (30 min)
	@$(RUN) drill --all

test: lint test-unit test-go test-hosts test-e2e ## Every tier

prepare: ## Toolchain, host image and package mirror into the cache (make up and make test do it too)
	@$(RUN) sandbox prepare

prepare-tests: # and the other images: no test is late because one has to be made first
	@$(RUN) sandbox prepare --every-image

test-unit: ## Seconds, no network
	@$(RUN) pytest -m unit

test-go: ## The command plugin's own tests; they need Go, whichever toolchain there is
	@cd sandbox/toolchain/command && go vet ./... && go test ./...

test-hosts: prepare-tests ## The real haproxy and keepalived judge what is rendered
	@$(RUN) pytest -m hosts

test-e2e: prepare-tests ## The real engine on the sandbox, and the sandbox itself: three runs side by side
	@$(MAKE) --no-print-directory --jobs=3 test-e2e-endpoint test-e2e-around test-e2e-sandbox

# pytest takes the place of the shell, so that what ends make ends it, with its hosts; its last words still get their label.
labelled = > >(trap '' INT TERM; exec sed -u 's/^/$(1) | /')

test-e2e-endpoint: # one endpoint that is changed under load
	@exec $(RUN) pytest -v -m "e2e and endpoint" $(addprefix --ignore=,$(THIRD)) --durations=30 $(call labelled,endpoint)

test-e2e-around: # SSH, examples, other images, changes behind the stack's back
	@exec $(RUN) pytest -v -m "e2e and not endpoint" tests/e2e $(addprefix --ignore=,$(THIRD)) --durations=30 $(call labelled,around  )

test-e2e-sandbox: # hosts, packets, packages and faults, without the engine; then the rest
	@exec $(RUN) pytest -v -m e2e tests/sandbox $(THIRD) --durations=30 $(call labelled,sandbox )

lint: ## ruff, mypy, shellcheck and gofmt
	@$(RUN) tests.lint

format: ## Rewrite Python and Go the way lint wants it
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .
	@gofmt -w sandbox/toolchain

docs: ## Write what the code can tell: docs/options.md, docs/api-coverage.md, provider/schema.json, the READMEs' table
	@$(RUN) docs.generate

lock: ## Resolve pyproject.toml again into requirements.lock (needs uv on PATH)
	uv lock && uv export --quiet --no-emit-project --all-groups -o requirements.lock
