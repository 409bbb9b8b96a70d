# Tests, fuzz targets and benchmarks; included by the Makefile.

UNIT_TESTS     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
SCENARIO_TESTS := $(patsubst tests/scenario/%.c,$(BUILD)/scenario/%,$(wildcard tests/scenario/test_*.c))
FUZZ_TARGETS   := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS   ?= 60

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -lcheck -lsubunit -lrt -o $@

# Scenarios run the real program on a fake network: these objects replace the ones that touch the kernel.
FAKED        := loop conn dial dns listen tls
FAKE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/scenario/fake/*.c))
REAL_OBJECTS  = $(filter-out $(FAKED:%=$(BUILD)/src/net/%.o),$(OBJECTS))

$(BUILD)/scenario/%: $(BUILD)/tests/scenario/%.o $(FAKE_OBJECTS) $(REAL_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -lcheck -lsubunit -lrt -o $@

unit: $(UNIT_TESTS)  ## run the unit tests
	@sh tests/run-programs.sh unit $^

scenario: $(SCENARIO_TESTS)  ## run whole journeys on the fake network
	@sh tests/run-programs.sh scenario $^

# A fuzz target is built from the sources it covers, all instrumented.
$(BUILD)/fuzz/%: tests/fuzz/%.c $(SOURCES) $(BUILD)/gen/presets_data.c
	@mkdir -p $(@D)
	clang $(COMMON) $(WARNINGS) -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -pie \
	  -mavx2 -mbmi -mpclmul $^ $(LIBS) -pthread -o $@

fuzz:  ## fuzz every parser for FUZZ_SECONDS each
	@$(MAKE) --no-print-directory BUILD=build-fuzz MODE=fuzz $(FUZZ_TARGETS:%=build-fuzz/fuzz/%)
	@sh tests/fuzz/run.sh build-fuzz/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

asan:  ## unit and scenario tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory MODE=asan unit scenario

tsan:  ## the threaded tests under ThreadSanitizer
	@$(MAKE) --no-print-directory MODE=tsan unit

integration: all  ## the real daemon, the real simulator, real SDKs
	@sh tests/integration/run.sh "$(BUILD)"

bench: all  ## dsgate beside nginx, self-contained
	@sh tests/bench/run.sh "$(BUILD)"

check:  ## install what is missing, build, run all tests
	@sh scripts/install-packages.sh test
	@$(MAKE) --no-print-directory all layers
	@$(MAKE) --no-print-directory unit scenario asan tsan integration
