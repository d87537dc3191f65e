# The front door. Meson does the work; this says which room to enter.
#
#   make            build everything into build/
#   make run        install what is missing, build, start the server on PORT with its data in ./data
#   make test       install what is missing, run every test; the last line counts them
#   make bench      measure against the peers (BENCH=--quick for a look)
#   make fuzz       each target for FUZZ_SECONDS
#   make soak       the long forms of the randomised tests
#   make install    PREFIX and DESTDIR as usual
#   make clean      remove the build directories

PREFIX ?= /usr/local
PORT ?= 6379
FUZZ_SECONDS ?= 600

all:
	@scripts/install-deps --check build
	@test -f build/build.ninja || meson setup build
	@meson compile -C build

run:
	@scripts/install-deps run
	@PORT=$(PORT) scripts/run

test:
	@scripts/install-deps test
	@scripts/run_tests.py

bench:
	@scripts/install-deps bench
	@test -f build/build.ninja || meson setup build
	@meson configure build -Dbenchmarks=true
	@meson compile -C build
	@PATH="$$PATH:$(CURDIR)/build/tests/integration" bench/run.py $(BENCH)

fuzz:
	@scripts/install-deps fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.py

soak:
	@scripts/install-deps test
	@scripts/run_tests.py --soak

install: all
	@meson configure build -Dprefix=$(abspath $(PREFIX))
	@meson install -C build

clean:
	rm -rf build build-asan build-tsan build-fuzz

.PHONY: all run test bench fuzz soak install clean
