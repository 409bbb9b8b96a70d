# Tests, fuzz targets and benchmarks; included by the Makefile.

UNIT_TESTS     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
# The simulator's own tests: its objects are not in the library.
SIM_TESTS      := $(patsubst tests/unit/sim/%.c,$(BUILD)/unit/sim/%,$(wildcard tests/unit/sim/test_*.c))
SCENARIO_TESTS := $(patsubst tests/scenario/%.c,$(BUILD)/scenario/%,$(wildcard tests/scenario/test_*.c))
FUZZ_TARGETS   := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS   ?= 60
CHECK_LIBS      = $(shell pkg-config --libs check)

# Tests of every mode are built by all cores, unless the caller has said how many.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

.PHONY: tests clang scripts-test manual units bench-sched bench-key bench-cache bench-cached bench-overload \
	bench-chaos bench-busy soak

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,ld) $(CC) $(ALL_LDFLAGS) $^ $(LIBS) $(CHECK_LIBS) -o $@

$(BUILD)/unit/sim/%: $(BUILD)/tests/unit/sim/%.o $(filter-out %/main.o,$(SIM_OBJECTS)) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,ld) $(CC) $(ALL_LDFLAGS) $^ $(LIBS) $(CHECK_LIBS) -o $@

# Scenarios run the real program on a fake network: these objects replace the ones that touch the kernel.
FAKED        := loop conn conn_io dial
FAKE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/scenario/fake/*.c))
REAL_OBJECTS  = $(filter-out $(FAKED:%=$(BUILD)/src/net/%.o),$(OBJECTS))

$(BUILD)/scenario/%: $(BUILD)/tests/scenario/%.o $(FAKE_OBJECTS) $(REAL_OBJECTS)
	@mkdir -p $(@D)
	$(call say,ld) $(CC) $(ALL_LDFLAGS) $^ $(LIBS) $(CHECK_LIBS) -o $@

tests: $(UNIT_TESTS) $(SIM_TESTS) $(SCENARIO_TESTS)

unit: $(UNIT_TESTS) $(SIM_TESTS)  ## run the unit tests
	@sh tests/run-programs.sh unit$(MODE_NAME) $^

scenario: $(SCENARIO_TESTS)  ## run whole journeys on the fake network
	@sh tests/run-programs.sh scenario$(MODE_NAME) $^

# Everything that a fuzz target links is instrumented: MODE=fuzz.
$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,ld) $(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

fuzz:  ## fuzz every parser for FUZZ_SECONDS each
	@$(MAKE) --no-print-directory $(PARALLEL) MODE=fuzz CC=clang BUILD=$(BUILD)-fuzz $(FUZZ_TARGETS:%=$(BUILD)-fuzz/fuzz/%)
	@sh tests/fuzz/run.sh $(BUILD)-fuzz/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

asan:  ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory $(PARALLEL) MODE=asan BUILD=$(BUILD)-asan all tests
	@$(MAKE) --no-print-directory MODE=asan BUILD=$(BUILD)-asan unit scenario
	@sh tests/integration/run.sh "$(BUILD)-asan"

# Without a config file the connection limit is the machine's, which may want a descriptor table for each worker:
# ThreadSanitizer takes equal numbers in different tables for the same descriptor.
tsan:  ## the same under ThreadSanitizer
	@$(MAKE) --no-print-directory $(PARALLEL) MODE=tsan BUILD=$(BUILD)-tsan all tests
	@$(MAKE) --no-print-directory MODE=tsan BUILD=$(BUILD)-tsan unit scenario
	@ABORTS=2000 sh tests/integration/run.sh "$(BUILD)-tsan" --test-skip-pattern="environment alone" \
		tests/integration/*.test.mjs

clang:  ## build with the other compiler and its warnings
	@$(MAKE) --no-print-directory $(PARALLEL) CC=clang BUILD=$(BUILD)-clang all

scripts-test:  ## test the scripts
	@for test in tests/scripts/test_*.sh; do sh $$test || exit 1; done

manual: man  ## check the man pages, and that generated files are up to date
	mandoc -Tlint -Wwarning $(MANUAL)
	$(BUILD)/dsgate reference | cmp - conf/dsgate.reference.yaml
	$(BUILD)/dsgate check -c conf/dsgate.yaml

units: all man  ## check the systemd units
	@sh tests/units.sh "$(BUILD)"

integration: all  ## the real daemon, the real simulator, real SDKs
	@sh tests/integration/run.sh "$(BUILD)"

bench: all $(BUILD)/bench/streams  ## dsgate beside nginx, self-contained
	@sh scripts/install-packages.sh bench
	@python3 tests/bench/bench.py --build "$(BUILD)"

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,ld) $(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

bench-sched: $(BUILD)/bench/sched_bench  ## what a turn in the queue costs, in nanoseconds
	@$<

bench-key: $(BUILD)/bench/key_bench  ## what a cache key costs: canonical text and SHA-256, in GB/s
	@$<

bench-cache: $(BUILD)/bench/cache_bench  ## what the memory level of the cache costs, in nanoseconds
	@$<

bench-cached: all $(BUILD)/bench/streams $(BUILD)/bench/key_bench  ## what the response cache costs, and what it promises
	@sh scripts/install-packages.sh bench
	@python3 tests/bench/cached.py --build "$(BUILD)"

bench-overload: all  ## who gets what when three times as much is asked as can be served
	@python3 tests/bench/overload.py --build "$(BUILD)"

bench-chaos: all  ## upstreams are killed, hang and fail: nobody stays unanswered, and traffic comes back
	@python3 tests/bench/chaos.py --build "$(BUILD)"

bench-busy: all  ## a busy hour of bad upstreams, beside nginx and no gateway: who gets whole answers, and how soon
	@sh scripts/install-packages.sh bench
	@python3 tests/bench/busy_hour.py --build "$(BUILD)"

# BUILD=build-asan or build-tsan, once `make asan` or `make tsan` have made it.
SOAK ?= 100000
soak:  ## many requests and every fault: nothing is left behind, and sanitizers have nothing to say
	@python3 tests/bench/soak.py --build "$(BUILD)" --requests $(SOAK)

check:  ## install what is missing, build, run all tests
	@sh scripts/install-packages.sh test
	@$(MAKE) --no-print-directory $(PARALLEL) all tests
	@$(MAKE) --no-print-directory layers scripts-test manual units unit scenario
	@$(MAKE) --no-print-directory clang
	@$(MAKE) --no-print-directory asan
	@$(MAKE) --no-print-directory tsan
	@$(MAKE) --no-print-directory integration
