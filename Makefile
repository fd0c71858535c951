# Everything that people run here; CONTRIBUTING.md says what for.
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
# So many inputs: at the end of a time, Go takes the last input, which it could not try any more, for a failure.
FUZZTIME    ?= 8000x

# SQLite is C made into Go, which keeps to itself what it shares: to watch its memory, too, makes it ten times slower.
RACE        ?= -race '-gcflags=modernc.org/...=-race=false -d=checkptr=0' -timeout 60m

.PHONY: build test race bench lint openapi fuzz full check torture

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o build/ ./cmd/coredns ./cmd/cdnctl

test:
	go test ./...

race:
	go test $(RACE) ./...

bench:
	go test -run '^$$' -bench . -benchmem ./plugin ./internal/control ./internal/corefile ./internal/corefile/document ./health ./internal/redirect ./internal/store ./internal/provision
	bench/run

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'gofmt would change these files'; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go mod tidy -diff

openapi:
	go test ./internal/api -run '^TestTheDocumentInTheTreeIsThatOfTheCode$$' -count 1 -args -write

fuzz:
	go test -run '^$$' -fuzz FuzzAdd -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/corefile
	go test -run '^$$' -fuzz FuzzObjects -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/corefile
	go test -run '^$$' -fuzz FuzzGdnsd -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/corefile/foreign
	go test -run '^$$' -fuzz FuzzGSLB -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/corefile/foreign
	go test -run '^$$' -fuzz FuzzZone -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/corefile/foreign
	go test -run '^$$' -fuzz FuzzLoad -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/corefile/document
	go test -run '^$$' -fuzz FuzzServeDNS -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./plugin
	go test -run '^$$' -fuzz FuzzCanonicalName -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/site
	go test -run '^$$' -fuzz FuzzSelector -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/site
	go test -run '^$$' -fuzz FuzzF8Request -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./health
	go test -run '^$$' -fuzz FuzzLocation -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/redirect
	go test -run '^$$' -fuzz FuzzStatistics -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./health
	go test -run '^$$' -fuzz FuzzBodies -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/api
	go test -run '^$$' -fuzz FuzzOperations -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/api
	go test -run '^$$' -fuzz FuzzRestore -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/control
	go test -run '^$$' -fuzz FuzzRow -fuzztime $(FUZZTIME) -fuzzminimizetime 100x ./internal/control

full:
	CGO_ENABLED=0 go test -tags full ./cmd/coredns

check: lint full race fuzz

torture: lint
	CDNREDIRECT_TORTURE=1 go test $(RACE) -count 3 ./...
	go test -timeout 60m -count 1 ./internal/control -rapid.checks 20000
	go test -timeout 60m -count 1 ./internal/corefile -run '^TestOverlay$$' -rapid.checks 100000
	$(MAKE) fuzz FUZZTIME=10m
	$(MAKE) bench
