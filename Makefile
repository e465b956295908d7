# The short way in: `make demo`, `make test`. Everything here is also plain CMake: see CMakePresets.json.

PYTHON ?= /usr/bin/python3
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
CMAKE_ARGUMENTS ?=
CLANG_FORMAT ?= $(firstword $(foreach name,clang-format-14 clang-format,$(shell command -v $(name))))
CLANG_TIDY ?= $(firstword $(foreach name,clang-tidy-14 clang-tidy,$(shell command -v $(name))))

ifneq ($(shell command -v ninja),)
export CMAKE_GENERATOR ?= Ninja
endif

# $(call build,PRESET[,TARGET])
cuda = AUTO
build = cmake --preset $(1) -D LANGEVO_CUDA=$(cuda) $(CMAKE_ARGUMENTS) && cmake --build --preset $(1) -j $(JOBS) $(if $(2),--target $(2))
sources = $(shell git ls-files -co --exclude-standard '*.hpp' '*.cpp' '*.cuh' '*.cu')
# clang knows no quadmath.h; tests/package is a project of its own.
tidy_sources = $(filter-out tests/package/%,$(filter %.cpp,$(sources)))

.PHONY: help
help:
	@echo 'make demo                  build, run a small version of the paper'"'"'s Fig. 1: run.nc, run.png'
	@echo 'make test                  build and run all tests'
	@echo 'make install-dependencies  install the Debian packages that are missing'
	@echo 'make sanitize              tests under the address and undefined-behaviour sanitizers'
	@echo 'make thread-sanitize       tests under the thread sanitizer'
	@echo 'make emulated-cuda         all tests of the backends on an emulated CUDA device, in every order of threads'
	@echo 'make emulated-cuda-races   look for races between CUDA threads on the emulated device'
	@echo 'make format                format all sources'
	@echo 'make tidy                  clang-tidy on all sources; its warnings are errors'
	@echo 'make clean                 remove build/, run.nc, run.png'

# The demo compiles code for a GPU only where there is one, as that takes longer than all the rest; the tests compile
# everything.
ifeq ($(shell nvidia-smi -L 2>/dev/null),)
demo: cuda = OFF
endif

.PHONY: demo
demo:
	@echo 'langevo: looking for what is missing, building the program (about two minutes on two cores), running a small'
	@echo '         version of the paper'"'"'s Fig. 1 (a minute at most), and drawing it: run.nc, run.png'
	@$(MAKE) --no-print-directory install-dependencies
	$(call build,release,langevo)
	build/release/langevo run --preset fig1 --quick -o run.nc --overwrite
	PYTHONPATH=python $(PYTHON) -m langevo plot run.nc -o run.png

.PHONY: test sanitize thread-sanitize
test: PRESET = release
sanitize: PRESET = sanitize
thread-sanitize: PRESET = thread-sanitize
test sanitize thread-sanitize: install-dependencies
	$(call build,$(PRESET))
	ctest --preset $(PRESET)

# The emulated device: see tests/emulated_cuda. All of test_backends takes about a quarter of an hour of one core for each
# order of threads and streams; emulated_tests chooses some of it.
emulated = build/release/tests/emulated_cuda
emulated_turns = ascending-eager descending-late random-random
emulated_tests = */cuda

.PHONY: emulated-cuda emulated-cuda-races
emulated-cuda: install-dependencies
	$(call build,release,emulated_cuda_test_backends)
	printf '%s\n' $(emulated_turns) | xargs -P $(JOBS) -I{} sh -c 'turn={}; EMULATED_CUDA_ORDER=$${turn%-*} \
	  EMULATED_CUDA_STREAMS=$${turn#*-} $(emulated)/test_backends --gtest_filter="$(emulated_tests)" --gtest_brief=1'
emulated-cuda-races: install-dependencies
	$(call build,release,emulated_cuda_races_test_small_ensembles)
	$(emulated)/races/test_small_ensembles

.PHONY: install-dependencies
install-dependencies:
	@PYTHON=$(PYTHON) .ci/install-dependencies

.PHONY: format
format:
	$(CLANG_FORMAT) -i $(sources)

.PHONY: tidy
tidy: install-dependencies
	cmake --preset release $(CMAKE_ARGUMENTS)
	printf '%s\n' $(tidy_sources) | xargs -P $(JOBS) -n 1 \
	  $(CLANG_TIDY) -p build/release --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option \
	  --extra-arg=-idirafter$(shell $(CXX) -print-file-name=include)

.PHONY: clean
clean:
	rm -rf build run.nc run.png
