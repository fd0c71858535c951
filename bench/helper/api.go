package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile/document"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// The budgets of the API with 100,000 sites.
const (
	readBudget   = 20 * time.Millisecond // p99
	changeBudget = time.Second           // from the request to the answer in DNS
)

// reads prints p50 and p99 of COUNT requests of each kind, one after the other, for sites
// of SITES taken by chance.
func reads(socket, sites, count string) error {
	total, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	all, err := strconv.Atoi(sites)
	if err != nil {
		return err
	}
	client := api.Dial(socket)
	for _, kind := range kindsOfRead(client) {
		times := make([]time.Duration, total)
		for i := range times {
			name := fmt.Sprintf("s%06d.example.org", rand.IntN(all))
			began := time.Now()
			if err := kind.ask(context.Background(), name); err != nil {
				return fmt.Errorf("%s: %w", kind.what, err)
			}
			times[i] = time.Since(began)
		}
		slices.Sort(times)
		p99 := times[total*99/100]
		fmt.Printf("%-26s p50 %5.1f ms, p99 %5.1f ms, budget 20 ms  %s\n", kind.what, ms(times[total/2]), ms(p99), verdict(p99 <= readBudget))
	}
	return nil
}

type reading struct {
	what string
	ask  func(ctx context.Context, name string) error
}

func kindsOfRead(c *api.Client) []reading {
	page := func(name string) api.Page { return api.Page{Cursor: name, Limit: 100} }
	return []reading{
		{"a site's document", func(ctx context.Context, name string) error {
			_, _, err := c.Document(ctx, site.ObjectSite, name)
			return err
		}},
		{"100 documents", func(ctx context.Context, name string) error {
			_, err := c.Documents(ctx, api.DocumentQuery{Page: page(name), Kind: site.ObjectSite})
			return err
		}},
		{"100 states", func(ctx context.Context, name string) error {
			_, err := c.States(ctx, api.StateQuery{Page: page(name + ".")})
			return err
		}},
		{"an explanation", func(ctx context.Context, name string) error {
			_, err := c.Explain(ctx, name, netip.Addr{})
			return err
		}},
		{"a dry run", func(ctx context.Context, name string) error {
			_, err := c.DryRun(ctx, api.DryRunRequest{Name: name})
			return err
		}},
		{"100 of the journal", func(ctx context.Context, name string) error {
			_, err := c.Journal(ctx, api.JournalQuery{Site: name, Limit: 100})
			return err
		}},
		{"the history", func(ctx context.Context, _ string) error {
			_, err := c.History(ctx, 100)
			return err
		}},
	}
}

// puts publishes other addresses of a site, COUNT times, and prints how long it took until
// a server at ADDRESS answers so.
func puts(socket, address, name, count string) error {
	total, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	client := api.Dial(socket)
	times := make([]time.Duration, total)
	for i := range times {
		want := fmt.Sprintf("192.0.2.%d", 2+i%200)
		doc, err := document.Read("site " + name + " class bench {\n    origin " + want + "\n}\n")
		if err != nil {
			return err
		}
		began := time.Now()
		if _, err := client.PutDocument(context.Background(), doc, api.WriteRequest{Wants: api.WhateverVersion, Why: "bench"}); err != nil {
			return err
		}
		if err := until(io.Discard, address, name, want, "30s"); err != nil {
			return err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	most := times[total-1]
	fmt.Printf("one site changed by PUT, until DNS answers so: %.0f ms (%.0f..%.0f), budget 1 s  %s\n", ms(times[total/2]), ms(times[0]), ms(most), verdict(most <= changeBudget))
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "over"
}
