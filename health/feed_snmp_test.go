package health_test

import (
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// iface is what a made-up agent says of interface 3; an object that is nil is
// not there.
type iface struct{ octets, speed, discontinuity, uptime any }

// variables answers a question with what is there.
func (i iface) variables(asked []gosnmp.SnmpPDU) []gosnmp.SnmpPDU {
	values := map[string]gosnmp.SnmpPDU{
		".1.3.6.1.2.1.31.1.1.1.10.3": {Type: gosnmp.Counter64, Value: i.octets},
		".1.3.6.1.2.1.31.1.1.1.15.3": {Type: gosnmp.Gauge32, Value: i.speed},
		".1.3.6.1.2.1.31.1.1.1.19.3": {Type: gosnmp.TimeTicks, Value: i.discontinuity},
		".1.3.6.1.2.1.1.3.0":         {Type: gosnmp.TimeTicks, Value: i.uptime},
	}
	var answer []gosnmp.SnmpPDU
	for _, a := range asked {
		v := values[a.Name]
		if v.Value == nil {
			v.Type = gosnmp.NoSuchInstance
		}
		v.Name = a.Name
		answer = append(answer, v)
	}
	return answer
}

// agent answers every GET on a port of its own with what answer makes of it,
// which is one datagram after the other.
func agent(t *testing.T, answer func(asked *gosnmp.SnmpPacket) [][]byte) (url string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		datagram := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(datagram)
			if err != nil {
				return
			}
			asked, err := (&gosnmp.GoSNMP{Version: gosnmp.Version2c}).SnmpDecodePacket(datagram[:n])
			if err != nil {
				t.Errorf("the request cannot be read: %v", err)
				continue
			}
			for _, datagram := range answer(asked) {
				conn.WriteTo(datagram, from)
			}
		}
	})
	t.Cleanup(func() {
		conn.Close()
		done.Wait()
	})
	return "snmp://" + conn.LocalAddr().String()
}

// response writes an answer; change makes it another one first.
func response(t *testing.T, asked *gosnmp.SnmpPacket, variables []gosnmp.SnmpPDU, change func(*gosnmp.SnmpPacket)) []byte {
	p := &gosnmp.SnmpPacket{
		Version: gosnmp.Version2c, Community: asked.Community, PDUType: gosnmp.GetResponse,
		RequestID: asked.RequestID, Variables: variables,
	}
	if change != nil {
		change(p)
	}
	datagram, err := p.MarshalMsg()
	if err != nil {
		t.Errorf("the answer cannot be written: %v", err)
	}
	return datagram
}

// agentOf says one thing after the other, and the last one for ever.
func agentOf(t *testing.T, states ...iface) (url string) {
	return agent(t, func(asked *gosnmp.SnmpPacket) [][]byte {
		state := states[0]
		states = states[min(1, len(states)-1):]
		return [][]byte{response(t, asked, state.variables(asked.Variables), nil)}
	})
}

func TestSNMP(t *testing.T) {
	const second = uint32(100)
	before := iface{uint64(1e9), uint32(1000), uint32(0), 100 * second}
	for _, c := range []struct {
		name   string
		signal site.Signal
		after  iface
		want   float64
	}{
		{"used", site.UsedBandwidth, iface{uint64(2e9), uint32(1000), uint32(0), 110 * second}, 8e8},
		{"available", site.AvailableBandwidth, iface{uint64(2e9), uint32(1000), uint32(0), 110 * second}, 2e8},
		{"a little more than the speed", site.AvailableBandwidth, iface{uint64(2.26e9), uint32(1000), uint32(0), 110 * second}, 0},
		{"not refreshed yet", site.AvailableBandwidth, iface{uint64(1e9), uint32(1000), uint32(0), 110 * second}, none},
		{"the speed is not needed", site.UsedBandwidth, iface{uint64(2e9), uint32(0), uint32(0), 110 * second}, 8e8},
		{"nor is the discontinuity", site.UsedBandwidth, iface{uint64(2e9), uint32(0), nil, 110 * second}, 8e8},
		{"discontinuity", site.UsedBandwidth, iface{uint64(2e9), uint32(1000), uint32(5), 110 * second}, none},
		{"restart", site.UsedBandwidth, iface{uint64(2e9), uint32(1000), uint32(0), 5 * second}, none},
		{"reset", site.UsedBandwidth, iface{uint64(1), uint32(1000), uint32(0), 110 * second}, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := source("snmp", agentOf(t, before, c.after), site.Ask{Signal: c.signal, Query: "3"})
			samples, rejected := metered(t, to, 2)
			wantValue(t, samples, rejected, c.want)
		})
	}
}

func TestSNMPFailures(t *testing.T) {
	whole := iface{uint64(1), uint32(1000), uint32(0), uint32(1)}
	for _, c := range []struct {
		name   string
		state  iface
		change func(*gosnmp.SnmpPacket)
		signal site.Signal
		index  string
		want   site.Failure
		says   string
	}{
		{"no such interface", whole, nil, site.UsedBandwidth, "4", site.FailureContent, "interface 4 has no ifHCOutOctets"},
		{"no counters of 64 bits", iface{nil, uint32(10), uint32(0), uint32(1)}, nil, site.UsedBandwidth, "3", site.FailureContent, "interface 3 has no"},
		{"unknown speed", iface{uint64(1), uint32(0), uint32(0), uint32(1)}, nil, site.AvailableBandwidth, "3", site.FailureInvalid, "speed of interface 3 is not known"},
		{"no speed", iface{uint64(1), nil, uint32(0), uint32(1)}, nil, site.AvailableBandwidth, "3", site.FailureInvalid, "speed of interface 3 is not known"},
		{"no index", whole, nil, site.UsedBandwidth, "eth0", site.FailureContent, "'eth0' is not the index"},
		{"error", whole, func(p *gosnmp.SnmpPacket) { p.Error = gosnmp.GenErr }, site.UsedBandwidth, "3", site.FailureStatus, "error 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := agent(t, func(asked *gosnmp.SnmpPacket) [][]byte {
				return [][]byte{response(t, asked, c.state.variables(asked.Variables), c.change)}
			})
			wantFailure(t, read(t, source("snmp", url, site.Ask{Signal: c.signal, Query: c.index})), c.want, c.says)
		})
	}
}

// Datagrams that are no answer to the question are passed over, be they late or
// from somebody who guesses.
func TestSNMPPassesOverOthers(t *testing.T) {
	right := iface{uint64(7), uint32(1000), uint32(0), uint32(1)}
	wrong := iface{uint64(9), uint32(1000), uint32(0), uint32(1)}
	url := agent(t, func(asked *gosnmp.SnmpPacket) [][]byte {
		other := func(change func(*gosnmp.SnmpPacket)) []byte {
			return response(t, asked, wrong.variables(asked.Variables), change)
		}
		return [][]byte{
			nil, []byte("text"), {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, make([]byte, 2000),
			other(nil)[:40],
			other(func(p *gosnmp.SnmpPacket) { p.RequestID++ }),
			other(func(p *gosnmp.SnmpPacket) { p.RequestID = 0 }),
			other(func(p *gosnmp.SnmpPacket) { p.PDUType = gosnmp.GetRequest }),
			other(func(p *gosnmp.SnmpPacket) { p.Version = gosnmp.Version1 }),
			{0x30, 0x05, 0x02, 0x01, 0x03, 0x30, 0x00}, // version 3
			response(t, asked, right.variables(asked.Variables), nil),
		}
	})
	r := read(t, source("snmp", url, site.Ask{Signal: site.UsedBandwidth, Query: "3"}))
	wantGood(t, r)
	if got := r.Readings[0].Num[0].Value; got != 7 {
		t.Errorf("got %v octets, want 7", got)
	}
}

// A wrong community is not answered, which is a timeout; the community is
// quoted nowhere.
func TestSNMPCommunity(t *testing.T) {
	t.Setenv("COMMUNITY", "from the environment")
	state := iface{uint64(1), uint32(1000), uint32(0), uint32(1)}
	for configured, sent := range map[string]string{"": "public", "plain": "plain", "env:COMMUNITY": "from the environment"} {
		url := agent(t, func(asked *gosnmp.SnmpPacket) [][]byte {
			if asked.Community != sent {
				return nil
			}
			return [][]byte{response(t, asked, state.variables(asked.Variables), nil)}
		})
		to := source("snmp", url, site.Ask{Signal: site.UsedBandwidth, Query: "3", Community: configured})
		wantGood(t, read(t, to))

		to = source("snmp", url, site.Ask{Signal: site.UsedBandwidth, Query: "3", Community: "wrong one"})
		to.Timeout = 100 * time.Millisecond
		r := read(t, to)
		wantFailure(t, r, site.FailureTimeout)
		if strings.Contains(r.Err.Error(), "wrong one") {
			t.Errorf("error %q quotes the community", r.Err)
		}
	}
	r := read(t, source("snmp", "snmp://127.0.0.1:1", site.Ask{Query: "3", Community: "env:NOT_SET"}))
	wantFailure(t, r, site.FailureLocal, "NOT_SET")
}

func TestSNMPNobodyThere(t *testing.T) {
	to := source("snmp", "snmp://"+freeAddress(t, "udp"), site.Ask{Signal: site.UsedBandwidth, Query: "3"})
	wantFailure(t, read(t, to), site.FailureConnect, "refused")
}

// TestSNMPD reads the loopback interface of this machine from the agent that
// most machines have. It refreshes its counters every few seconds.
func TestSNMPD(t *testing.T) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		missing(t, "there is no interface lo: %v", err)
	}
	t.Setenv("SNMP_PERSISTENT_DIR", t.TempDir())
	address := freeAddress(t, "udp")
	daemon(t, "snmpd", "snmpd", "-f", "-Le", "-C", "-c", configFile(t, "agentAddress udp:ADDRESS\nrocommunity own 127.0.0.1\n", "ADDRESS", address))
	to := source("snmp", "snmp://"+address, site.Ask{
		Signal: site.UsedBandwidth, Query: strconv.Itoa(lo.Index), Community: "own",
	})
	probe := health.NewNetwork("test/1").Probes()["snmp"]
	eventually(t, "snmpd", func() bool { return probe(t.Context(), to).Err == nil })

	const sent = 5e6
	m, start := health.NewMeter(), time.Now()
	first := read(t, to)
	wantGood(t, first)
	m.Samples(start, start, first.Readings)
	toLoopback(t, sent)
	var last health.Result
	eventually(t, "the counters to move", func() bool {
		last = read(t, to)
		return last.Err == nil && last.Readings[0].Num[0].Value >= first.Readings[0].Num[0].Value+sent
	})
	now := start.Add(apart)
	samples, rejected := m.Samples(now, now, last.Readings)
	if len(samples) != 1 || len(rejected) > 0 || samples[0].Value < sent*8/apart.Seconds() {
		t.Errorf("got %+v, rejected %+v, want at least %v bit/s", samples, rejected, sent*8/apart.Seconds())
	}
	if last.Readings[0].Uptime <= 0 {
		t.Errorf("got uptime %s", last.Readings[0].Uptime)
	}

	to = source("snmp", to.URL, site.Ask{Signal: site.UsedBandwidth, Query: "999999", Community: "own"})
	wantFailure(t, read(t, to), site.FailureContent, "interface 999999")
	to.Timeout = 300 * time.Millisecond
	to.Ask = source("", "", site.Ask{Signal: site.UsedBandwidth, Query: "1", Community: "other"}).Ask
	wantFailure(t, read(t, to), site.FailureTimeout)
}

// toLoopback sends so many bytes to this machine.
func toLoopback(t *testing.T, bytes int) {
	t.Helper()
	conn, err := net.Dial("udp", freeAddress(t, "udp"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const size = 10_000
	for range bytes / size {
		conn.Write(make([]byte, size)) // nobody listens, so that every second one is refused
		conn.Write(make([]byte, size))
	}
}
