//go:build linux

package test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// What visitors of a busy node fetch: its octets, and a pause between two of them.
// It is 5 Mbit/s, or less where the machine is busy.
const (
	largePage  = 64 << 10
	largeEvery = 100 * time.Millisecond
)

// tolerance is how far the part of few clients may be from a weight.
const tolerance = 0.08

// TestABusyNodeGetsFewerVisitors has one node of three send what others ask for,
// until they have enough.
func TestABusyNodeGetsFewerVisitors(t *testing.T) {
	t.Parallel()
	l := newOwnLab(t, true)
	busy := slices.Index(nodes, l.awaitNode(t, patience))
	await(t, patience, "all alike", func() string { return l.spared(t, busy, 8, 8) })
	before := l.clients(t)

	enough := l.load(t, nodes[busy])
	t.Logf("spared after %s", await(t, patience, "spared", func() string { return l.spared(t, busy, 1, 4) }))
	for i, node := range l.clients(t) {
		if before[i] != nodes[busy] && before[i] != node {
			t.Errorf("Expected client %d to stay at %s, got %s", i, before[i], node)
		}
	}

	l.expectCDNs(t, "hit_ratio")
	enough()
	t.Logf("all alike after %s", await(t, patience, "all alike", func() string { return l.spared(t, busy, 8, 8) }))
	if after := l.clients(t); !slices.Equal(before, after) {
		t.Errorf("Expected every client where it was, got %v, then %v", before, after)
	}
}

// spared says "spared" if the weight of a node is in a range, and so is its part
// of the clients; "all alike" if the weight is that of the others.
func (l *ownLab) spared(t *testing.T, node, least, most int) string {
	t.Helper()
	weights := l.weights(t)
	weight, others := weights[node], weights[(node+1)%3]
	got, want := part(l.clients(t), nodes[node]), float64(weight)/float64(weight+2*others)
	switch {
	case others != 8 || weight < least || weight > most || math.Abs(got-want) > tolerance:
		return fmt.Sprintf("weights %v, and %.2f of the clients", weights, got)
	case weight == others:
		return "all alike"
	}
	return "spared"
}

// part returns which part of the clients is at a node.
func part(clients []string, node string) float64 {
	there := 0
	for _, at := range clients {
		if at == node {
			there++
		}
	}
	return float64(there) / float64(len(clients))
}

// clients returns the nodes that each of many clients is sent to.
func (l *ownLab) clients(t *testing.T) []string {
	t.Helper()
	at := make([]string, 256)
	for i := range at {
		wire := forClient(t, "www.edge.own.zz.", dns.TypeA)
		wire[len(wire)-1] = byte(i)
		if err := l.call("/exchange?server="+dnsAt(ourServer1), wire, &wire); err != nil {
			t.Fatal(err)
		}
		m := new(dns.Msg)
		if err := m.Unpack(wire); err != nil || len(m.Answer) != 1 {
			t.Fatalf("Expected one record, got %v, %v", m, err)
		}
		at[i] = m.Answer[0].(*dns.A).A.String()
	}
	return at
}

// load has visitors fetch the large page of a node until they have enough.
func (l *ownLab) load(t *testing.T, node string) (enough func()) {
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		pause := time.NewTicker(largeEvery)
		defer pause.Stop()
		for ; ctx.Err() == nil; <-pause.C {
			l.page("http://" + node + "/large")
		}
	}()
	return func() { cancel(); <-over }
}
