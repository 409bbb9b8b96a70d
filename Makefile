# dsgate - see README.md. `make help` lists the targets.
#
# Variables: CC (gcc or clang), MODE (release asan tsan fuzz), BUILD (output folder), PREFIX, DESTDIR, V=1 (show commands).

CC      ?= cc
MODE    ?= release
BUILD   ?= build$(if $(filter-out release,$(MODE)),-$(MODE))
PREFIX  ?= /usr/local
VERSION := 0.1.0

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wundef -Wvla \
            -Wformat=2 -Wno-unused-parameter -Wno-missing-field-initializers
# Reproducible: no absolute paths in the output, no build time.
COMMON   := -std=c11 -D_GNU_SOURCE -Iinclude -I$(BUILD)/gen -DDSGATE_VERSION='"$(VERSION)"' -g -pthread -fPIE \
            -ffile-prefix-map=$(CURDIR)=. -fno-strict-aliasing
MACHINE  := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
HARDEN_x86_64  := -fcf-protection
HARDEN_aarch64 := -mbranch-protection=standard
HARDEN   := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fstack-clash-protection $(HARDEN_$(MACHINE))
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed -Wl,--build-id=sha1

FLAGS_release := -O2 $(HARDEN)
FLAGS_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -fsanitize=thread -fno-omit-frame-pointer
FLAGS_fuzz    := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_asan  := -fsanitize=address,undefined
LDFLAGS_tsan  := -fsanitize=thread
LDFLAGS_fuzz  := -fsanitize=fuzzer,address,undefined

ALL_CFLAGS  = $(COMMON) $(WARNINGS) $(FLAGS_$(MODE)) $(CFLAGS)
ALL_LDFLAGS = $(LDHARDEN) -pthread $(LDFLAGS_$(MODE)) $(LDFLAGS)
# libcurl is not here: net/curl.c opens it on the first probe.
LIBS        = -levent_core -lhiredis -lssl -lcrypto -lyaml -lsqlite3 -lresolv -ldl -lm

ROOMS    := base config net llm admit cache sched relay meter gate
SOURCES  := $(sort $(foreach room,$(ROOMS),$(wildcard src/$(room)/*.c)))
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/gen/presets_data.o
LIBRARY  := $(BUILD)/libdsgate.a
SIM_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard src/tools/sim/*.c)))
PROGRAMS := $(BUILD)/dsgate $(BUILD)/dsgate-sim

# One short line a step, or the whole command with V=1.
say = $(if $(V),,@echo "  $(1)$(MODE_NAME)  $@" &&)
MODE_NAME = $(if $(filter-out release,$(MODE)),-$(MODE))

.PHONY: all run check unit scenario integration asan tsan fuzz bench layers install man clean deps help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS)  ## build the programs into build/

include tests/tests.mk

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,cc) $(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Modules for one kind of processor are compiled for it and chosen at run time.
AVX2_x86_64   := -mavx2 -mbmi -mpclmul
AVX512_x86_64 := -O3 -mavx512f -mavx512bw -mavx512vbmi $(AVX2_x86_64)
$(BUILD)/src/llm/json_avx2.o:   ALL_CFLAGS += $(AVX2_$(MACHINE))
$(BUILD)/src/llm/json_avx512.o: ALL_CFLAGS += $(AVX512_$(MACHINE))

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(call say,ar) ar rcsD $@ $^

$(BUILD)/gen/presets_data.c: conf/presets.yaml
	@mkdir -p $(@D)
	@{ echo 'extern const char presets_yaml[]; extern const unsigned long presets_yaml_length;'; \
	  echo 'const char presets_yaml[] = {'; od -An -v -tu1 $< | sed 's/[0-9][0-9]*/(char)&,/g'; echo '0};'; \
	  echo 'const unsigned long presets_yaml_length = sizeof presets_yaml - 1;'; } > $@

$(BUILD)/gen/presets_data.o: $(BUILD)/gen/presets_data.c
	$(call say,cc) $(CC) $(ALL_CFLAGS) -c $< -o $@

$(BUILD)/dsgate: $(BUILD)/src/main.o $(LIBRARY)
	$(call say,ld) $(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

$(BUILD)/dsgate-sim: $(SIM_OBJECTS) $(LIBRARY)
	$(call say,ld) $(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

conf/dsgate.reference.yaml: $(BUILD)/dsgate
	$(BUILD)/dsgate reference > $@.new && mv $@.new $@

layers:  ## check that every include points downwards
	sh scripts/layers.sh

deps:  ## install missing packages
	@sh scripts/install-packages.sh build

run:  ## install what is missing, build, run the gateway (on the simulator when there is no key); ARGS="-c FILE"
	@sh scripts/install-packages.sh build
	@$(MAKE) --no-print-directory $(PARALLEL) all
	@exec env BUILD="$(BUILD)" sh scripts/run.sh $(ARGS)

# The options' part of dsgate.yaml(5) is generated from the option table, like the reference file.
$(BUILD)/man/dsgate.yaml.5: docs/man/dsgate.yaml.5.in $(BUILD)/dsgate
	@mkdir -p $(@D)
	$(BUILD)/dsgate reference --man > $(@D)/options
	sed -e '/^@OPTIONS@$$/{r $(@D)/options' -e 'd}' $< > $@

MANUAL = $(wildcard docs/man/*.1) $(BUILD)/man/dsgate.yaml.5
man: $(BUILD)/man/dsgate.yaml.5  ## build the man pages

install: all man  ## install into $(DESTDIR)$(PREFIX)
	sh scripts/install.sh "$(BUILD)" "$(DESTDIR)" "$(PREFIX)"

clean:  ## remove everything that was built
	rm -rf build build-*

help:
	@grep -hE '^[a-z-]+:.*##' Makefile tests/tests.mk | sed 's/:.*##/\t/' | expand -t 16

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
