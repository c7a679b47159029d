VENV := .venv
PYTHON := $(VENV)/bin/python
export TF_USE_LEGACY_KERAS := 0
export TF_CPP_MIN_LOG_LEVEL := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-test run test unit e2e power-loss check rehearse format doctor bench bench-scale bench-growth bench-quality lock image image-check fresh clean
.PHONY: help setup setup-test run test unit e2e check rehearse bucket format doctor bench bench-scale bench-growth bench-quality lock image-check fresh clean

help: ## this menu
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv from requirements/main.lock; nothing to do the second time
	@bash bootstrap/setup.sh $(VENV) requirements/main.lock

setup-test:
	@bash bootstrap/setup.sh $(VENV) requirements/test.lock
	@bash bootstrap/services.sh

run: setup ## set up, then run the pipeline on the bundled taxi trips
	@$(PYTHON) local_runner.py run

test: setup-test ## set up, then pass all tests, two files at a time
	@$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

unit: setup-test ## the tests that take seconds
	@$(PYTHON) -m pytest tests/unit

e2e: setup-test ## the tests that run the pipeline
	@$(PYTHON) -m pytest tests/e2e

power-loss: setup-test ## 200 losses of power in runs, on an ext4 image; root, minutes
	@POWER_LOSS_INSTANTS=200 $(PYTHON) -m pytest tests/e2e/test_power_loss.py

check: setup-test ## style, types and import directions, as pre-commit runs them
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy
	@$(VENV)/bin/lint-imports

rehearse: setup ## run the job for Vertex here, container by container
	@$(PYTHON) vertex_runner.py rehearse --set output_root=output/rehearsal

bucket: setup-test ## the default job on Cloud Storage's own protocol, thrice; minutes, root
	@$(PYTHON) -m pytest tests/e2e/whole_on_a_bucket.py

format: setup-test ## rewrite the code in the house style
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

doctor: ## print what this machine offers: Python, glibc, disk, cores, Keras
	@bash bootstrap/doctor.sh $(VENV)

bench: setup-test ## speed: the same work through stock TFX and Millrace, in turns
	@$(PYTHON) -m benchmarks.bench_pipeline

bench-scale: setup-test ## Millrace alone on 0.3, 1 and 3 million rows
	@$(PYTHON) -m benchmarks.bench_scale

bench-growth: setup-test ## a node's start and an audit after 10, 1,000 and 10,000 runs
	@$(PYTHON) -m benchmarks.bench_growth

bench-quality: setup-test ## held-out AUC of each model beside gradient boosting
	@$(PYTHON) -m benchmarks.bench_quality

lock: setup ## resolve pyproject.toml again into requirements/*.lock
	@bash bootstrap/lock.sh $(VENV)/bootstrap/bin/uv

image-check: ## the image's contents, without Docker: the lock by its hashes, our wheel, minutes
	@bash bootstrap/image_check.sh

image: ## the Dockerfile built and started without Docker: a job's tasks, a worker of Beam; root on Debian
	@bash bootstrap/image.sh $(FOLDER)

fresh: ## both commands on a minimal Debian in a folder, an hour; root on Debian
	@bash bootstrap/fresh.sh 'make run && make test'

clean: ## remove .venv and caches; never your output
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache *.egg-info
