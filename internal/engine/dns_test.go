package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// dnsWorld is who answers questions such as "www.example.org. A": from a list of
// records, those of the authority section behind "|", or with an rcode. A
// question that is not in the list has no data.
type dnsWorld struct {
	mu     sync.Mutex
	pages  map[string]string
	hits   map[string]int
	asks   int
	inside int           // questions under way
	most   int           // of them at once
	takes  time.Duration // what an answer takes
	hangs  chan struct{} // questions of "hang" wait for it, whatever their context says
}

// set has a question answered with page from now on; "error", "panic" and
// "hang" are what they say.
func (d *dnsWorld) set(question, page string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pages == nil {
		d.pages, d.hangs = make(map[string]string), make(chan struct{})
	}
	d.pages[question] = page
}

// asked returns how often a question was asked, or, of "", how many were.
func (d *dnsWorld) asked(question string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if question == "" {
		return d.asks
	}
	return d.hits[question]
}

// begin counts a question and returns its answer.
func (d *dnsWorld) begin(question string) (page string, takes time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hits == nil {
		d.hits = make(map[string]int)
	}
	d.asks++
	d.hits[question]++
	d.inside++
	d.most = max(d.most, d.inside)
	return d.pages[question], d.takes
}

func (d *dnsWorld) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside--
}

func (d *dnsWorld) exchange(ctx context.Context, q *dns.Msg) (*dns.Msg, error) {
	question := q.Question[0].Name + " " + dns.Type(q.Question[0].Qtype).String()
	page, takes := d.begin(question)
	defer d.end()
	if takes > 0 {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	m := new(dns.Msg).SetReply(q)
	switch page {
	case "error":
		return nil, errors.New("nobody answers")
	case "panic":
		panic("asking for " + question)
	case "hang":
		<-d.hangs
		return nil, errors.New("hung for long")
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if rcode, named := dns.StringToRcode[page]; named {
		return m.SetRcode(q, rcode), nil
	}
	answer, authority, _ := strings.Cut(page, "|")
	m.Answer, m.Ns = records(answer), records(authority)
	if len(m.Answer) == 0 && len(m.Ns) == 0 {
		m.Ns = records("example.org. 60 SOA ns.example.org. h.example.org. 1 2 3 4 60")
	}
	return m, nil
}

// records reads records, with a ";" between two.
func records(text string) []dns.RR {
	var all []dns.RR
	for line := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		rr, err := dns.NewRR(strings.TrimSpace(line))
		if err != nil {
			panic(err)
		}
		all = append(all, rr)
	}
	return all
}
