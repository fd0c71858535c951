# Everything that people run here; CONTRIBUTING.md says what for.
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 10s

.PHONY: build test race bench lint fuzz full check torture

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o build/ ./cmd/coredns ./cmd/cdnctl

test:
	go test ./...

race:
	go test -race -timeout 20m ./...

bench:
	go test -run '^$$' -bench . -benchmem ./plugin ./internal/control ./health ./internal/redirect
	bench/run

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'gofmt would change these files'; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go mod tidy -diff

fuzz:
	go test -run '^$$' -fuzz FuzzAdd -fuzztime $(FUZZTIME) ./internal/corefile
	go test -run '^$$' -fuzz FuzzServeDNS -fuzztime $(FUZZTIME) ./plugin
	go test -run '^$$' -fuzz FuzzCanonicalName -fuzztime $(FUZZTIME) ./internal/site
	go test -run '^$$' -fuzz FuzzSelector -fuzztime $(FUZZTIME) ./internal/site
	go test -run '^$$' -fuzz FuzzF8Request -fuzztime $(FUZZTIME) ./health
	go test -run '^$$' -fuzz FuzzLocation -fuzztime $(FUZZTIME) ./internal/redirect
	go test -run '^$$' -fuzz FuzzStatistics -fuzztime $(FUZZTIME) ./health

full:
	CGO_ENABLED=0 go test -tags full ./cmd/coredns

check: lint full race fuzz

torture: lint
	go test -race -timeout 60m -count 3 ./...
	go test -timeout 60m -count 1 ./internal/control -rapid.checks 20000
	$(MAKE) fuzz FUZZTIME=10m
	$(MAKE) bench
