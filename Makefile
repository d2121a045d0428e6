# Every target makes what it needs; on a bare machine only Python >= 3.11 and make are required.
GIVEN := PYTHON BACKEND SEEDS REHEARSE EMULATOR BUDGET ONLY A B YES KILLS STUDIES CLIENTS
# A value is its text: make expands nothing in it, and the shell reads it from its environment.
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(GIVEN)
override PYTHON := $(or $(PYTHON),python3)
override EMULATOR := $(or $(EMULATOR),$(if $(REHEARSE),auto))
override BUDGET := $(or $(BUDGET),$(if $(EMULATOR),600))
override ONLY := $(or $(ONLY),*)
override BIN := .venv/bin
SEEDED = $(if $(SEEDS),--seeds "$$SEEDS")
RUN := $(BIN)/qhu run experiments/iris.yaml $(SEEDED)
HARDWARE = experiments/iris-hw.yaml --backend "$${BACKEND:-auto}" $(SEEDED) \
	$(if $(EMULATOR),--emulator "$$EMULATOR") $(if $(BUDGET),--max-qpu-seconds "$$BUDGET")

.DEFAULT_GOAL := help
# Installs $(2), called $(1): pip writes a line per step, and in a long one a line comes every minute.
override INSTALL = echo "installing $(1)"; \
	(while sleep 60 >/dev/null 2>&1; do echo "still installing $(1): $$(date +%H:%M)"; done) & beat=$$!; \
	trap 'kill $$beat' EXIT; $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt $(2)

.PHONY: help iris iris-noisy paper evidence claims iris-hw iris-hw-plan ablation tune compare test clients soak soak-kill soak-faults bench lint docs format setup clean

help:                ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { line = sprintf("make %-14s", $$1); count = split($$2, words, " "); \
		for (i = 1; i <= count; i++) { if (length(line words[i]) > 79) { print line; line = sprintf("%19s", "") } \
		line = line words[i] " " } print line }' $(firstword $(MAKEFILE_LIST))

iris: setup          ## the Iris study on the exact backend
	$(RUN)

iris-noisy: setup    ## the same study, evaluated under the noise of a device
	$(RUN) --backend "$${BACKEND:-fake_brisbane}"

paper: setup         ## arXiv 2512.19253: released figures, its protocol, ours, on one page
	$(BIN)/qhu paper --workers 2 $(SEEDED)

evidence: setup      ## which methods forgot: pools of models on Iris and MNIST; ONLY=iris: one of them
	set -e; IFS=; for file in experiments/evidence/$$ONLY.yaml; do \
		$(BIN)/qhu evidence "$$file" --workers 2; done

claims: setup        ## every claim of arXiv 2512.19253 as a row: its test, its interval, a verdict
	$(BIN)/qhu claims --workers 2 $(SEEDED)

ablation: setup      ## what depth, noise, tasks and parts of the network do; ONLY=depth: one of them
	set -e; IFS=; for file in experiments/ablation/$$ONLY.yaml; do \
		$(BIN)/qhu ablate "$$file" $(SEEDED) --workers 2; done

tune: setup          ## tune every method of Iris alike; rankings before and after, on one page
	$(BIN)/qhu tune experiments/iris.yaml --workers 2
	$(BIN)/qhu run experiments/iris.yaml $(SEEDED) --out runs/tuned/iris/before --workers 2
	$(BIN)/qhu run experiments/tuned/iris.yaml $(SEEDED) --out runs/tuned/iris/after --workers 2
	$(BIN)/qhu rank runs/tuned/iris/before runs/tuned/iris/after

compare: setup       ## two runs of the same models: make compare A=<run folder> B=<run folder>
	$(BIN)/qhu compare -- "$$A" "$$B"

iris-hw: setup       ## a smaller study on an IBM device, price first; REHEARSE=1: on this machine
	$(BIN)/qhu run $(HARDWARE) $(if $(YES)$(EMULATOR),--yes)

iris-hw-plan: setup  ## what that would take; submits nothing
	$(BIN)/qhu plan $(HARDWARE)

test: setup          ## fast tests
	$(BIN)/pytest -n 2

clients: setup       ## rehearse with the oldest and the newest IBM client; CLIENTS=oldest: with one
	$(BIN)/python scripts/rehearse_clients.py $(if $(CLIENTS),"$$CLIENTS")

soak: setup          ## slow tests
	$(BIN)/pytest -n 2 -m slow

soak-kill: setup     ## kill -9 a rehearsal KILLS times (100): nothing lost, nothing twice
	$(BIN)/python scripts/soak_kill.py $(if $(KILLS),"$$KILLS")

soak-faults: setup   ## STUDIES (100) under random faults and kills: within budget, nothing lost or twice
	$(BIN)/python scripts/soak_faults.py $(if $(STUDIES),"$$STUDIES")

bench: setup .bench/.done  ## time qhu against its peers: benchmarks/results.json
	$(BIN)/python -m benchmarks

lint: setup          ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.docs    ## the docs site, examples and tutorials run: docs/_build/html/index.html
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html

format: setup        ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: .venv/.done   ## create .venv and install qhu into it

.venv/.done: pyproject.toml constraints.txt
	"$$PYTHON" -m venv .venv
	@$(call INSTALL,torch,torch)
	@$(call INSTALL,qhu and what it needs,-e '.[dev]')
	@touch $@

# Sphinx and its theme, only for who builds the docs.
.venv/.docs: .venv/.done
	@$(call INSTALL,what builds the docs,-e '.[docs]')
	@touch $@

# JAX, PennyLane and TensorCircuit-NG get an environment of their own; without one they are left out.
.bench/.done: benchmarks/peers.txt
	"$$PYTHON" -m venv .bench/venv
	@.bench/venv/bin/python -m pip install --disable-pip-version-check -r $< && touch $@ \
		|| echo "the peers could not be installed: they are left out"

clean:               ## forget every run and cached stage
	rm -rf runs
