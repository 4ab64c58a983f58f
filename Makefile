# Everything that a developer or CI runs. `make` alone prints the list.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check lint unit bench-join bench-heal dist setup daemons

export PATH := $(PATH):$(HOME)/.cargo/bin:/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin

# The lab's tests wait for daemons more than they compute: three at once suit two cores.
TEST_THREADS ?= 3
NATIVE := $(shell uname -m)
TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

demo: setup daemons ## Join three nodes in the lab, show pods reaching each other and two faults that heal
	@cargo build --bin moorline
	@cargo build -p testenv --bin demo
	@cargo run --quiet -p testenv --bin demo -- $(TARGET)/debug/moorline

test: setup daemons lint ## Everything CI runs: check, then every test, the lab's too (needs root)
	cargo test --workspace --no-fail-fast -- --test-threads=$(TEST_THREADS)

check: lint unit ## What needs no root: fmt, clippy, rustdoc, unit tests, the command's, the house's rules

lint:
	@scripts/setup build
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items

unit:
	cargo test --workspace --lib --bins
	cargo test --test arrows --test cli --test reference

bench-join: setup daemons ## Time and weigh `up` and `status` beside the tailscale CLI: a table and target/bench/join.json
	@scripts/dist $(NATIVE)
	cargo run --quiet -p testenv --bin bench-join -- \
		dist/moorline-$(NATIVE) "$$(testenv/daemons/build tailscale)/tailscale"

bench-heal: setup daemons ## Time what `moorline run` mends, beside k3s's way, and weigh it idle: a table and target/bench/heal.json
	@scripts/dist $(NATIVE)
	@testenv/daemons/build flannel >/dev/null
	cargo run --quiet -p testenv --bin bench-heal -- dist/moorline-$(NATIVE)

dist: ## Static binaries for x86_64 and aarch64, completions, man pages, checksums: in dist/
	@scripts/dist x86_64 aarch64

setup: ## Install what the lab needs and this machine lacks (Debian packages, said before)
	@scripts/setup lab

daemons: ## Build the lab's tailscaled and headscale, once for each pin
	@testenv/daemons/build tailscale >/dev/null
	@testenv/daemons/build headscale >/dev/null
