package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unique"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdnredirect/cdnredirect/health"
	"github.com/cdnredirect/cdnredirect/internal/site"
)

// many serves probes at each address of 127.0.0.0/8 until it is killed, and
// prints its port. At /count it says how many it has served.
func many() error {
	listener, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	fmt.Println(port)
	var served atomic.Int64
	server := http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().IsLoopback() {
			w.WriteHeader(http.StatusForbidden)
		} else if r.URL.Path == "/count" {
			fmt.Fprintln(w, served.Load())
		} else {
			served.Add(1)
		}
	})}
	return server.Serve(listener)
}

// count prints how many probes the server at a port has served.
func count(port string) error {
	answer, err := http.Get("http://127.0.0.1:" + port + "/count")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}

// addressOf returns the address of a target by its number.
func addressOf(i int) string { return fmt.Sprintf("127.1.%d.%d", i/250, i%250+1) }

// addresses prints the addresses of so many targets.
func addresses(targets string) error {
	n, err := strconv.Atoi(targets)
	for i := range n {
		fmt.Println(addressOf(i))
	}
	return err
}

// monitor probes so many targets at a port, each once a period, until it is
// killed: the probes of cdnredirect without a server around them.
func monitor(port, targets, period, keep string) error {
	n, every, err := atLoad(targets, period)
	if err != nil {
		return err
	}
	s := health.NewScheduler(health.Config{
		Probes:  health.NewNetwork("bench").Probes(),
		Metrics: health.NewMetrics(prometheus.NewRegistry()),
		Deliver: func(_ site.Target, samples []site.Sample) {
			if s := samples[0]; s.Failure != "" {
				log.Print(s.Detail)
			}
		},
	})
	set := make(map[site.Target]time.Duration, n)
	ask := unique.Make(site.Ask{Status: site.DefaultStatus(), KeepAlive: keep == "keep"})
	for i := range n {
		set[site.Target{
			Kind: "http", URL: "http://" + net.JoinHostPort(addressOf(i), port) + "/up", Host: "www.example.org",
			Timeout: every / 2, Ask: ask,
		}] = every
	}
	s.Set(set)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return s.Run(ctx)
}

// drive has blackbox_exporter probe so many targets, each once a period, until
// it is killed.
func drive(exporter, port, targets, period string) error {
	n, every, err := atLoad(targets, period)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: every}
	places := make(chan struct{}, 256) // a slow exporter is not to be drowned
	tick := time.NewTicker(every / time.Duration(n))
	for i := 0; ; i++ {
		<-tick.C
		target := "http://" + net.JoinHostPort(addressOf(i%n), port) + "/up"
		places <- struct{}{}
		go func() {
			defer func() { <-places }()
			answer, err := client.Get("http://" + exporter + "/probe?module=bench&target=" + url.QueryEscape(target))
			if err != nil {
				log.Print(err)
				return
			}
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}()
	}
}

func atLoad(targets, period string) (n int, every time.Duration, err error) {
	if n, err = strconv.Atoi(targets); err == nil {
		every, err = time.ParseDuration(period)
	}
	return n, every, err
}
