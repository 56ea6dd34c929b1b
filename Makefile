# Everything a clone needs: python3 (3.11 to 3.13) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test test-all test-oldest test-system lint mirror clean

run: $(READY)
	$(BIN)/zoo run digits/activation --arms tanh,relu,relu_he

# Every behaviour once.
test: $(READY)
	$(BIN)/pytest

# Every combination of it, too: all arms of all recipes, every command of the pages, ...
test-all: test
	$(BIN)/pytest -m 'combination and not system'

# The numeric tests once more, each library held to the oldest instructions that it still has; those
# of TensorFlow's Eigen were chosen when it was built. Its operations are Eigen's here, as bfloat16 is
# on most processors; oneDNN, held back, would crash on the bfloat16 that TensorFlow still asks it for.
OLDEST := TF_ENABLE_ONEDNN_OPTS=0 ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Prescott \
	GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2 XLA_FLAGS=--xla_cpu_max_isa=SSE4_2 \
	NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
test-oldest: $(READY)
	$(OLDEST) $(BIN)/pytest $(addprefix tests/,theory probe training mitigations models results evidence \
		pretrained/test_weights.py pretrained/test_bundled.py)

# What needs more than the package index: apt-get install dataset-fashion-mnist, mount namespaces.
test-system: $(READY)
	$(BIN)/pytest -m system

# A folder that any web server can serve: the trained models of all evidence. It says how long.
mirror: $(READY)
	$(BIN)/python scripts/reference.py --publish mirror

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy zoo
	$(BIN)/lint-imports --no-cache

# The locked versions first, by hash; then this checkout on top of them.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) and sys.version_info < (3, 14) else "Gradient Zoo needs Python 3.11 to 3.13: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf $(VENV) zoo-results
