.DEFAULT_GOAL := help
.PHONY: help setup setup-build setup-demo setup-fuzz build demo test simulate fuzz fuzz-corpus \
	kills hostile trials matrix bench size docs screenshots clean

help: ## Print this
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing (build and test do it by themselves)
	@tools/setup.sh test

setup-build:
	@tools/setup.sh build

setup-demo:
	@tools/setup.sh $(if $(filter otlp,$(FORMAT)),otlp,$(if $(CHECK),demo,build))

setup-fuzz:
	@tools/setup.sh fuzz

build: setup-build ## Build the npm package into pkg/dist; DEBUG=1: not optimized
	@node tools/build.mjs $(if $(DEBUG),--debug)

demo: setup-demo ## Run the demo; PORT=8080: on that port; FORMAT=otlp: through an OpenTelemetry collector; CHECK=1: check it in Chromium and end
	@node tools/build.mjs
	@node tools/demo.mjs $(if $(PORT),--port $(PORT)) $(if $(FORMAT),--format $(FORMAT)) $(if $(CHECK),--check)

test: setup ## Run every check and test
	@node tools/test.mjs

test-%: setup ## One part: format lint size native instructions fuzz simulator wasm package matrix node cli otlp hostile collector browser inspector guides docs trials demo
	@node tools/test.mjs $*

test-clickhouse: build ## The documented way into ClickHouse, by its own engine; installs 560 MB
	@tools/setup.sh clickhouse
	@node --test --test-reporter=spec tests/clickhouse/pipeline.test.mjs

simulate: setup-build ## Simulate faults; MINUTES=60: for so long; SEEDS=10000: that many runs; SEED=7: that one
	@$(if $(SEED),SIM_SEED=$(SEED)) $(if $(DOINGS),SIM_DOINGS=$(DOINGS)) $(if $(FIRST),SIM_FIRST=$(FIRST)) \
		$(if $(SEEDS),SIM_SEEDS=$(SEEDS)) $(if $(MINUTES),SIM_MINUTES=$(MINUTES)) \
		cargo test --profile sim --test simulator -- --nocapture

kills: build ## Kill processes that log, at random moments; ROUNDS=500: so many; SEED=7: with these dice
	@KILLS=$(or $(ROUNDS),500) SEED=$(or $(SEED),fresh) \
		node --test --test-reporter=spec tests/node/kills.test.mjs

hostile: build ## A hostile world around the package, with other dice; WORLDS=100: so many; SEED=7: with these
	@tools/setup.sh demo
	@HOSTILE_WORLDS=$(or $(WORLDS),100) HOSTILE_CALLS=$(or $(CALLS),600) SEED=$(or $(SEED),fresh) \
		node --test --test-reporter=spec tests/hostile/*.test.mjs

fuzz: setup-fuzz ## Fuzz each target, guided by coverage; MINUTES=5: for so long; TARGET=record: that one
	@node tools/fuzz.mjs $(if $(MINUTES),--minutes $(MINUTES)) $(TARGET)

fuzz-corpus: setup-fuzz ## Renew the saved corpus from what fuzzing found; TARGET=record: that one
	@node tools/fuzz.mjs --corpus $(TARGET)

trials: build ## Leave, kill and outlast what logs, and print what arrived as a table
	@tools/setup.sh demo
	@node tools/trials.mjs

matrix: build ## Run the packed package in every bundler, runtime and browser; ARGS='--only vite': there; ARGS=--help: more
	@tools/setup.sh matrix
	@node tools/matrix.mjs $(ARGS)

fleet: setup-build ## What 100,000 clients do to an endpoint that is down for an hour; CLIENTS=5000 MINUTES=10: smaller
	@cargo bench --locked --bench fleet --features ablation -- \
		$(if $(CLIENTS),--clients $(CLIENTS)) $(if $(MINUTES),--minutes $(MINUTES)) \
		--plot $(if $(CLIENTS)$(MINUTES),target/fleet.svg,docs/fleet.svg)

size: build ## What each part of the package costs in bytes
	@node tools/size.mjs --parts

bench: build ## Measure it beside other SDKs, in Node and in Chromium; ARGS=--quick: in 5 minutes; ARGS=--help: more
	@tools/setup.sh demo
	@node benches/peers/main.mjs $(ARGS)

docs: setup-build ## Write docs/api.md from the declarations
	@node tools/api.mjs

screenshots: build ## Take the pictures in the documentation
	@tools/setup.sh demo
	@node tests/demo/pictures.mjs

load: build ## Load the endpoint on the loopback and kill it meanwhile; ARGS='--batches 2000': more
	@node benches/endpoint/main.mjs $(ARGS)

clean: ## Remove what was built
	rm -rf target fuzz/target pkg/dist pkg/README.md pkg/LICENSE-MIT pkg/LICENSE-APACHE www/dist .demo
