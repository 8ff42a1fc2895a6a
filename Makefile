# halfopen. `make help` lists the targets.
VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
# What is made is said in a word; V=1 shows the commands.
Q   := $(if $(V),,@)
say := $(if $(findstring s,$(firstword -$(MAKEFLAGS))),@:,@printf '  %-5s %s\n')
B       ?= build
SPEED   ?= 10

PACKAGES := openssl yaml-0.1 jansson zlib libpcre2-8 libxml-2.0
PACKAGES_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PACKAGES_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) $(SANITIZE) -Iproxy -I. -I$(B)/gen \
    $(PACKAGES_CFLAGS)
ALL_LIBS = $(SANITIZE) $(PACKAGES_LIBS) -lev -lm -lpthread

FAULTS := $(sort $(basename $(notdir $(wildcard proxy/fault/*.c))))
RULES  := $(sort $(basename $(notdir $(wildcard proxy/rules/*.c))))
MAIN   := proxy/control/main.c
SRCS   := $(filter-out $(MAIN),$(wildcard proxy/base/*.c proxy/ws/*.c proxy/trace/*.c proxy/fault/*.c \
    proxy/fault/lib/*.c proxy/rules/*.c proxy/rules/lib/*.c proxy/core/*.c proxy/scenario/*.c \
    proxy/net/*.c proxy/endpoint/*.c proxy/control/*.c reports/*.c))
GEN    := $(B)/gen/faults.c $(B)/gen/rules.c
OBJS   := $(SRCS:%.c=$(B)/%.o) $(GEN:%.c=%.o)
TEST_SRCS := $(sort $(wildcard tests/unit/*.c tests/sim/*.c tests/fuzz/fuzz_*.c))
SUITES := $(sort $(patsubst test_%.c,%,$(notdir $(filter %.c,$(foreach f,$(TEST_SRCS),$(if $(findstring test_,$(f)),$(f)))))))
TEST_OBJS := $(TEST_SRCS:%.c=$(B)/%.o) $(B)/tests/calibrate/schedules.o $(B)/gen/suites.o
LIB    := $(B)/libhalfopen.a

.PHONY: all matrix sound flaws clients docs fidelity check demo install san lint bench clean help needs unit e2e golden calibrate fuzz fuzzers objects tidy print-cflags FORCE
all: $(B)/halfopen $(B)/libhalfopen-time.so

help:
	@sed -n 's/^## //p' Makefile

## make            build build/halfopen
## make demo       install what is missing, build, and show halfopen doing its job
## make check      install what is missing, build, and run all tests
## make unit       the unit and simulated tests only
## make e2e        the tests over real sockets only
## make clients    real client libraries against what is known of them (25 minutes)
## make matrix     every flaw in every scenario in simulation, twenty seeds each
## make flaws      every flaw of the built-in client over real sockets, each found by its rule
## make sound      how often the sound client is convicted in 20,000 simulated runs
## make san        all of it again under AddressSanitizer and UBSan
## make lint       layering, style, documentation freshness
## make bench      round trips, MiB/s and memory beside HAProxy, as ratios
## make docs       rewrite the reference pages in docs/ from the descriptors
## make fidelity   our profiles against the real nginx, HAProxy, Apache and Caddy
## make fuzz       libFuzzer on the parsers, FUZZ_SECONDS=15 each
## make golden     rewrite the golden files (review the diff)
## make calibrate  repeat the Monte Carlo of the backoff verdicts
## make install    PREFIX=/usr/local DESTDIR=
## make clean      remove build/

# What check, demo, lint and bench cannot do without is installed first; what stands in the way is said.
needs:
	@sh scripts/needs.sh build

needs-%:
	@sh scripts/needs.sh $*

$(B)/halfopen: $(B)/proxy/control/main.o $(LIB)
	$(say) link $@
	$(Q)$(CC) -o $@ $< $(LIB) $(ALL_LIBS)

$(LIB): $(OBJS)
	@rm -f $@
	$(say) ar $@
	$(Q)ar rcs $@ $^

$(B)/libhalfopen-time.so: $(wildcard proxy/preload/*.c proxy/preload/*.h)
	@mkdir -p $(@D)
	$(say) cc $@
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -O2 -g -fPIC -shared -Iproxy -o $@ $(filter %.c,$^) -ldl -lpthread

# Another version, compiler or option compiles everything anew.
$(B)/gen/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(VERSION) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(VERSION) $(ALL_CFLAGS)' > $@

$(B)/%.o: %.c $(B)/gen/flags
	@mkdir -p $(@D)
	$(say) cc $<
	$(Q)$(CC) $(ALL_CFLAGS) -DHALFOPEN_VERSION='"$(VERSION)"' -MMD -MP -c -o $@ $<

$(B)/gen/%.o: $(B)/gen/%.c $(B)/gen/flags
	$(say) cc $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The registries are the sorted folder listings: dropping a file in registers it.
$(B)/gen/faults.c: $(B)/gen/faults.list
	@scripts/registry.sh fault fault_desc $(FAULTS) > $@
$(B)/gen/rules.c: $(B)/gen/rules.list
	@scripts/registry.sh rule rule_desc $(RULES) > $@
$(B)/gen/suites.c: $(B)/gen/suites.list
	@scripts/registry.sh suite test_suite $(SUITES) > $@
$(B)/gen/faults.list: FORCE
	@mkdir -p $(@D); echo '$(FAULTS)' | cmp -s - $@ || echo '$(FAULTS)' > $@
$(B)/gen/rules.list: FORCE
	@mkdir -p $(@D); echo '$(RULES)' | cmp -s - $@ || echo '$(RULES)' > $@
$(B)/gen/suites.list: FORCE
	@mkdir -p $(@D); echo '$(SUITES)' | cmp -s - $@ || echo '$(SUITES)' > $@

$(B)/check: $(TEST_OBJS) $(LIB)
	$(say) link $@
	$(Q)$(CC) -o $@ $(TEST_OBJS) $(LIB) $(ALL_LIBS) -lcunit

unit: $(B)/check
	$(B)/check $(ONLY)

matrix: $(B)/check
	@MATRIX=all $(B)/check matrix

sound: $(B)/check
	@SOUND=20000 $(B)/check sound

golden: $(B)/check
	@GOLDEN=1 $(B)/check $(ONLY)

$(B)/driver-test: $(B)/tests/e2e/driver.o $(LIB)
	$(say) link $@
	$(Q)$(CC) -o $@ $< $(LIB) $(ALL_LIBS)

$(B)/calibrate: $(B)/tests/calibrate/calibrate.o $(B)/tests/calibrate/schedules.o $(LIB)
	$(say) link $@
	$(Q)$(CC) -o $@ $(filter %.o,$^) $(LIB) $(ALL_LIBS)

e2e: all $(B)/driver-test
	@sh tests/e2e/run.sh $(B)

clients: needs-test
	@$(MAKE) --no-print-directory all
	@sh tests/e2e/clients/check.sh $(B) all

flaws: needs-test
	@$(MAKE) --no-print-directory all
	@python3 tests/e2e/flaws.py --halfopen $(B)/halfopen

check: needs-test
	@$(MAKE) --no-print-directory all $(B)/check $(B)/driver-test
	@sh scripts/check.sh $(B)

demo: needs-build
	@$(MAKE) --no-print-directory all
	@$(B)/halfopen demo --speed $(SPEED)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/halfopen $(DESTDIR)$(PREFIX)/share/halfopen
	install -m 755 $(B)/halfopen $(DESTDIR)$(PREFIX)/bin/halfopen
	install -m 755 $(B)/libhalfopen-time.so $(DESTDIR)$(PREFIX)/lib/halfopen/libhalfopen-time.so
	cp -R scenarios $(DESTDIR)$(PREFIX)/share/halfopen/

san: needs-lint
	@sh scripts/san.sh $(B)

lint: needs-lint
	@sh scripts/lint.sh $(B)

bench: needs-bench
	@$(MAKE) --no-print-directory all
	@sh bench/run.sh $(B)

# For lint: all objects, clang-tidy over what was compiled, and the flags of a compilation.
objects: $(OBJS) $(B)/proxy/control/main.o $(TEST_OBJS) $(B)/tests/e2e/driver.o

tidy: $(patsubst %.c,$(B)/tidy/%.ok,$(MAIN) $(SRCS))

$(B)/tidy/%.ok: $(B)/%.o .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $*.c -- $(ALL_CFLAGS) -DHALFOPEN_VERSION='"$(VERSION)"' 2>/dev/null
	@touch $@

print-cflags:
	@echo '$(ALL_CFLAGS)' -DHALFOPEN_VERSION='\"$(VERSION)\"'

docs: all
	@sh scripts/docs.sh $(B)

fidelity: needs-fidelity
	@$(MAKE) --no-print-directory all
	@python3 tests/e2e/fidelity/fidelity.py $(B)

# libFuzzer on each parser for FUZZ_SECONDS, from the corpus on; what it finds is added to build/fuzz only.
FUZZ_SECONDS ?= 15
FUZZERS := frame http yaml trace
fuzz: needs-lint
	@$(MAKE) --no-print-directory CC=clang B=$(B)/fuzz CFLAGS='-O1 -g' \
	    SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' fuzzers
	@for name in $(FUZZERS); do \
	    echo "== $$name"; mkdir -p $(B)/fuzz/found/$$name; log=$(B)/fuzz/$$name.log; \
	    $(B)/fuzz/fuzz-$$name -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -verbosity=0 -print_final_stats=1 \
	        -artifact_prefix=$(B)/fuzz/ $(B)/fuzz/found/$$name tests/fuzz/corpus/$$name >$$log 2>&1 || \
	        { tail -n 60 $$log; exit 1; }; \
	    sed -n 's/^stat::number_of_executed_units: */  inputs tried: /p' $$log; \
	done

fuzzers: $(FUZZERS:%=$(B)/fuzz-%)

$(B)/fuzz-%: tests/fuzz/entry.c $(B)/tests/fuzz/fuzz_%.o $(LIB)
	$(say) link $@
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -DFUZZ=fuzz_$* -o $@ $^ $(ALL_LIBS)

calibrate: $(B)/calibrate $(B)/check
	@sh tests/calibrate/run.sh $(B)

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
