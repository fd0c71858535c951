// Command helper does for bench/run what a shell cannot: it is the origin that
// gets probed, asks for one answer, finds a free port, times answers, drives
// probes, and makes the tables.
package main

import (
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/miekg/dns"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("helper: ")
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

const usage = `usage: helper origin | port
       helper ask ADDRESS NAME DURATION
       helper latency ADDRESS FILE RATE COUNT
       helper many | addresses TARGETS | count PORT
       helper monitor PORT TARGETS PERIOD fresh|keep
       helper drive EXPORTER PORT TARGETS PERIOD
       helper metrics ADDRESS SERIES
       helper fill DRIVER SOURCE
       helper until ADDRESS NAME WANT DURATION
       helper publish SOCKET CLASS COUNT
       helper reads SOCKET SITES COUNT
       helper puts SOCKET ADDRESS SITE COUNT
       helper table FILE BASE THING
       helper budget FILE ROW BASE LIMIT
       helper late FILE ROW BASE LIMIT`

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "origin":
		return origin()
	case len(args) == 1 && args[0] == "port":
		return port()
	case len(args) == 4 && args[0] == "ask":
		return ask(args[1], args[2], args[3])
	case len(args) == 5 && args[0] == "latency":
		return latency(args[1], args[2], args[3], args[4])
	case len(args) == 1 && args[0] == "many":
		return many()
	case len(args) == 2 && args[0] == "addresses":
		return addresses(args[1])
	case len(args) == 2 && args[0] == "count":
		return count(args[1])
	case len(args) == 5 && args[0] == "monitor":
		return monitor(args[1], args[2], args[3], args[4])
	case len(args) == 5 && args[0] == "drive":
		return drive(args[1], args[2], args[3], args[4])
	case len(args) == 3 && args[0] == "metrics":
		return metrics(args[1], args[2])
	case len(args) == 3 && args[0] == "fill":
		return fill(args[1], args[2])
	case len(args) == 5 && args[0] == "until":
		return until(os.Stdout, args[1], args[2], args[3], args[4])
	case len(args) == 4 && args[0] == "publish":
		return publish(args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "reads":
		return reads(args[1], args[2], args[3])
	case len(args) == 5 && args[0] == "puts":
		return puts(args[1], args[2], args[3], args[4])
	case len(args) == 4 && args[0] == "table":
		return table(args[1], args[2], args[3])
	case len(args) == 5 && args[0] == "budget":
		return budget(args[1], args[2], args[3], args[4])
	case len(args) == 5 && args[0] == "late":
		return late(args[1], args[2], args[3], args[4])
	}
	return errors.New(usage)
}

// origin serves probes until it is killed, and prints its address: /up is
// well, /slow is too but takes its time, everything else is not.
func origin() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/up":
		case "/slow":
			time.Sleep(50 * time.Millisecond)
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
}

// Ports that servers may have: below those that clients are given, or else a
// client that asks before the server is there may be given the server's, and
// hear itself.
const firstPort, lastPort = 10000, 29999

// port prints a port that is free for UDP and TCP.
func port() error {
	for range 100 {
		number := firstPort + rand.IntN(lastPort-firstPort+1)
		if free(fmt.Sprintf("127.0.0.1:%d", number)) {
			fmt.Println(number)
			return nil
		}
	}
	return errors.New("no free port")
}

func free(address string) bool {
	udp, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	tcp.Close()
	return true
}

// ask prints the type of the first record of the answer to a question for A.
// A server that does not answer yet is asked again for as long as patience says.
func ask(address, name, patience string) error {
	wait, err := time.ParseDuration(patience)
	if err != nil {
		return err
	}
	question := new(dns.Msg)
	question.SetQuestion(dns.Fqdn(name), dns.TypeA)
	client := dns.Client{Timeout: 100 * time.Millisecond}
	for deadline := time.Now().Add(wait); ; time.Sleep(time.Millisecond) {
		answer, _, err := client.Exchange(question, address)
		switch {
		case err == nil && len(answer.Answer) == 0:
			return fmt.Errorf("%s: no record, %s", name, dns.RcodeToString[answer.Rcode])
		case err == nil:
			fmt.Println(dns.TypeToString[answer.Answer[0].Header().Rrtype])
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("asking %s: %w", address, err)
		}
	}
}
