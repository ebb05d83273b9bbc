# make world   a world in a real VM, on this machine (PROJECT=dir names another project)
# make test    lint, race, cross, bed and e2e: what CI runs
# make check   a minute or two: lint and the unit tests, but for those that play the same code hundreds of times
# make lint    seconds: format, vet, lint
# make race    some minutes: the unit tests with the race detector, which takes three times their processor time, and without it
#              those that repeat the same thing hundreds of times
# make cross   builds and vets for the other systems
# make bed     half an hour: every scenario once, and some 130 kills, on the test bed (Linux, as root), on guests that take turns
#              by the day (DAY=20000 repeats one). GUEST=trixie LIMA=2.2.0 RUN="socket open" plays some scenarios.
# make bed-kills half an hour: kills worldsetup, and what it calls, at some 215 more points, and plays pairs of faults
# make bed-all hours: every scenario on every guest and every Lima, and runs that are killed at all points
# make e2e     8 minutes: on a real VM (Linux), a world made from nothing, proven, run again and restarted, and the faults that only
#              a VM can show. SUITE=trixie-ubuntu has another guest.
# make e2e-all two hours: every test and every scenario that can be played there
# make mac-cover RESULTS=FILE what unit tests execute of the code for Macs, in FILE.unit.cover; make bed writes FILE.mac.cover
# make tested-on RESULTS="FILE …" writes docs/tested-on.md from what make bed and make e2e RESULTS=FILE recorded, and FILE.*.cover
# make demo-check a minute: what the program must do on any machine. PROGRAM names another one than bin/worldsetup.
# make world-check minutes: the life of a world in a real VM, as an ordinary user, on a Mac or on Linux with KVM
# make mac-report records what a Mac answers to worldsetup's questions, for a test: shown first, sent nowhere
# make pictures draws docs/pictures again, from the demo
# make build   bin/worldsetup, with its completions and manual pages beside it
# make install the same, below PREFIX (/usr/local); make uninstall removes that again. DESTDIR is for packagers.
# make release-check checks .goreleaser.yaml, builds all that a release has, in dist, and installs it on a bare Debian
#              (as root). It takes a quarter of an hour, or 4 minutes once all is built. HOMEBREW=DIR, a clone of Homebrew/brew,
#              checks the cask with Homebrew's own cops.
# make reproducible builds the program twice, from two directories, and compares
# make vulnerabilities has govulncheck search what is linked, with its database on the network
# make notices writes THIRD_PARTY_NOTICES: the licenses of what is linked
# make bench-tui half a minute: the wizard under a flood of log lines
# make bench   a quarter of an hour on an idle machine: measures on the test bed, and writes docs/performance.md.
#              VM=1 takes a real VM, and some two hours, and writes docs/performance-vm.md. ROWS="growth" prints some rows,
#              or writes them to PAGE=FILE; TIMES=1 measures once.
#
# On a new machine each of them installs what it needs first.

.PHONY: world test check lint race cross bed bed-kills bed-all e2e e2e-all mac-cover tested-on pictures bench bench-tui \
  build install uninstall notices release-check reproducible vulnerabilities demo-check world-check mac-report need-go

# A newer Go than the machine's is fetched when a go.mod asks for it.
export GOTOOLCHAIN := auto

GO := $(shell scripts/ensure-go.sh)
export PATH := $(dir $(GO)):$(PATH)

TOOL := $(GO) tool -modfile=internal/tools/go.mod

world: need-go
	@$(GO) run ./e2e/devworld

test: lint race cross bed e2e

# Some tests wait more than they compute: more of them than processors run side by side. go vet was run already.
UNIT := $(GO) test -vet=off -p 4 -parallel 4 -timeout 20m

# What unit tests run: none of them is skipped for want of a tool.
TOOLS := python3 jq gettext-base ansible-core

# Tests that play the same code hundreds of times, which race runs. What runs side by side in it, others show to the race
# detector.
REPEATING := ^(TestKilled|TestUnknownSettingsSurvive|TestEverythingFitsAndCanBeReached)$$

check: lint
	scripts/ensure-packages.sh $(TOOLS)
	$(UNIT) -skip '$(REPEATING)' ./...

race: need-go
	scripts/ensure-packages.sh gcc libc6-dev $(TOOLS)
	GOGC=400 $(UNIT) -race -skip '$(REPEATING)' ./...
	$(UNIT) -run '$(REPEATING)' ./provision ./provision/lima ./tui

lint: need-go
	scripts/ensure-packages.sh python3 shellcheck
	@unformatted=$$(gofmt -l .) || exit 1; if [ -n "$$unformatted" ]; then echo "gofmt -w" $$unformatted; exit 1; fi
	@if LC_ALL=C.UTF-8 grep -rnE --include='*.go' '^.{121,}$$' .; then echo "longer than 120 columns"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags e2e ./e2e
	$(TOOL) staticcheck ./...
	$(TOOL) actionlint
	@if command -v shellcheck >/dev/null; then \
	  set -x; shellcheck .ci/run scripts/*.sh scripts/upstream-contract internal/devhost/recipe/*.sh && shellcheck --shell=sh embed/guest/*.sh; \
	else echo "skipped: no shellcheck here"; fi

# Compiles packages and their tests for a system, where a whole vet would find again what that of another one does.
TYPES := $(GO) vet -assign

cross: need-go
	GOOS=darwin GOARCH=arm64 $(GO) build ./... && GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	GOOS=darwin GOARCH=amd64 $(GO) build ./... && GOOS=darwin GOARCH=amd64 $(TYPES) ./...
	$(GO) vet -tags asmac ./... && GOOS=darwin GOARCH=arm64 $(TYPES) -tags asmac ./...
	GOOS=linux GOARCH=arm64 $(GO) build ./... && GOOS=linux GOARCH=arm64 $(TYPES) ./...

# Worlds that play side by side: one keeps a core and a half busy, and others have something to do while it waits.
GUEST ?= all
LIMA ?= turns
WORLDS ?= 6
# On how many of the guests each scenario is played; 0 is all. The basic ones have two places, and the tests beside the
# scenarios one with each Lima, which take turns by the day.
TURNS ?= 1
# Tests that bed leaves to bed-kills.
SKIP ?= ^(TestKills|TestKillEverything|TestPairs)$$
LIMIT ?= 60m
SPACE := $(subst ,, )

# With RESULTS=FILE it is appended to FILE how each scenario ended.
RECORD := $(if $(RESULTS),-results '$(abspath $(firstword $(RESULTS)))')

bed: need-go
	$(GO) test -tags e2e -count=1 -timeout $(LIMIT) -parallel $(WORLDS) ./e2e -guest '$(GUEST)' -lima '$(LIMA)' -turns $(if $(RUN),0,$(TURNS)) $(if $(DAY),-day $(DAY)) $(RECORD) $(BEDFLAGS) \
	  $(if $(RUN),-v -run 'TestScenarios/.*/$(subst ',.,$(subst $(SPACE),_,$(RUN)))',-skip '$(SKIP)')

bed-kills: need-go
	$(GO) test -tags e2e -count=1 -timeout 120m -parallel $(WORLDS) -v ./e2e -guest '$(GUEST)' -lima '$(LIMA)' -run '^(TestKill|TestPairs)' $(BEDFLAGS)

bed-all:
	$(MAKE) bed LIMA=all TURNS=0 SKIP=NothingIsSkipped LIMIT=600m

# The guest of the real VM: they take turns by the day. The last one is set up as Ubuntu's cloud images are.
SUITE ?= $(shell set -- bookworm trixie trixie-ubuntu && shift $$(( $$(date +%s) / 86400 % 3 )) && echo "$$1")

e2e: need-go
	$(GO) test -tags e2e -count=1 -timeout 60m -v -short ./e2e -suite $(SUITE) $(RECORD)

e2e-all: need-go
	$(GO) test -tags e2e -count=1 -timeout 240m -v ./e2e -suite $(SUITE) $(RECORD)

mac-cover: need-go
	$(GO) test -count=1 -coverprofile '$(abspath $(firstword $(RESULTS))).unit.cover' -coverpkg ./checks/...,./provision/... ./checks ./provision

tested-on: need-go
	$(GO) run ./e2e/testedon $(RESULTS) >docs/tested-on.md.new && mv docs/tested-on.md.new docs/tested-on.md

PROGRAM ?= bin/worldsetup

demo-check:
	@test -e '$(PROGRAM)' || $(MAKE) build
	scripts/demo-check.sh '$(PROGRAM)'

world-check:
	@test -e '$(PROGRAM)' || $(MAKE) build
	scripts/world-check.sh '$(PROGRAM)'

mac-report: need-go
	@$(GO) run ./internal/macreport $(REPORT)

pictures: need-go
	@mkdir -p docs/pictures
	$(GO) test ./cmd/worldsetup -run TestPictures -count=1 -draw

# The second guest lacks the packages that a world needs.
bench: need-go
	$(GO) test -tags e2e -run '^$$' -bench Table -benchtime 1x -timeout 180m ./e2e -rows '$(ROWS)' $(if $(TIMES),-times $(TIMES)) \
	  $(if $(VM),-suite,-lima 2.2.0 -guest) trixie,trixie-ubuntu \
	  $(if $(ROWS)$(TIMES),$(if $(PAGE),-page '$(abspath $(PAGE))'),-page '$(abspath docs/performance$(if $(VM),-vm).md)')

bench-tui: need-go
	$(GO) test -run '^$$' -bench 'Flood|KeyToFrame' -benchtime 300x ./tui

build: need-go
	$(GO) build -trimpath -ldflags '-s -w' -o bin/worldsetup ./cmd/worldsetup
	scripts/extras.sh bin/worldsetup bin

PREFIX ?= /usr/local
SHARE = $(DESTDIR)$(PREFIX)/share

install: build
	mkdir -p '$(DESTDIR)$(PREFIX)/bin' '$(SHARE)/bash-completion/completions' '$(SHARE)/zsh/site-functions' \
	  '$(SHARE)/fish/vendor_completions.d' '$(SHARE)/man/man1' '$(SHARE)/doc/worldsetup'
	install -m 755 bin/worldsetup '$(DESTDIR)$(PREFIX)/bin/worldsetup'
	install -m 644 bin/completions/worldsetup '$(SHARE)/bash-completion/completions/worldsetup'
	install -m 644 bin/completions/_worldsetup '$(SHARE)/zsh/site-functions/_worldsetup'
	install -m 644 bin/completions/worldsetup.fish '$(SHARE)/fish/vendor_completions.d/worldsetup.fish'
	install -m 644 bin/man/*.1 '$(SHARE)/man/man1/'
	install -m 644 LICENSE THIRD_PARTY_NOTICES '$(SHARE)/doc/worldsetup/'

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/worldsetup' '$(SHARE)/bash-completion/completions/worldsetup' \
	  '$(SHARE)/zsh/site-functions/_worldsetup' '$(SHARE)/fish/vendor_completions.d/worldsetup.fish' \
	  '$(SHARE)/man/man1/worldsetup.1' '$(SHARE)/man/man1'/worldsetup-*.1
	rm -rf '$(SHARE)/doc/worldsetup'

notices: need-go
	$(GO) run ./internal/notices >THIRD_PARTY_NOTICES.new && mv THIRD_PARTY_NOTICES.new THIRD_PARTY_NOTICES

# One that is served, and that the machine's Go builds.
GORELEASER ?= $(GO) run github.com/goreleaser/goreleaser/v2@v2.15.1
# The largest program that is released, stripped, in MB.
LARGEST ?= 15

release-check: need-go
	$(GORELEASER) check
	$(GORELEASER) release --snapshot --clean
	@for file in dist/*/worldsetup; do \
	  size=$$(wc -c <"$$file"); echo "$$file $$size"; test $$size -le $$(( $(LARGEST) * 1000000 )) || exit 1; done
	scripts/packages-check.sh dist
	scripts/sbom-check.sh dist
	scripts/install-check.sh

reproducible: need-go
	scripts/reproducible.sh

# The database is at https://vuln.go.dev; GOVULNDB names another place.
vulnerabilities: need-go
	$(TOOL) govulncheck $(if $(GOVULNDB),-db '$(GOVULNDB)') ./cmd/worldsetup

need-go:
	@test -n "$(GO)" || { echo "no usable Go, see above"; exit 1; }
