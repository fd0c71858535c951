package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/api"
	"github.com/cdnredirect/cdnredirect/internal/corefile"
	"github.com/cdnredirect/cdnredirect/internal/store"

	"github.com/miekg/dns"
)

// fill publishes the blocks that come in, as one revision of a new store.
func fill(driver, source string) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	objects, err := corefile.Objects("-", string(text))
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{Driver: driver, Source: source, Server: "bench"})
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.As(store.Viewer{Name: "bench", Operator: true}).Publish(ctx, store.Publication{Objects: objects, Why: "bench"})
	return err
}

// until prints when, in µs since 1970, a server's answer for NAME has become that
// address.
func until(to io.Writer, address, name, want, patience string) error {
	wait, err := time.ParseDuration(patience)
	if err != nil {
		return err
	}
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	client := dns.Client{Timeout: 100 * time.Millisecond}
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		answer, _, err := client.Exchange(question, address)
		if err != nil || len(answer.Answer) == 0 {
			continue
		}
		if a, ok := answer.Answer[0].(*dns.A); ok && a.A.String() == want {
			fmt.Fprintln(to, time.Now().UnixMicro())
			return nil
		}
	}
	return fmt.Errorf("%s does not answer %s with %s after %s", address, name, want, patience)
}

// publish puts one site after the other into the store, COUNT of them, one each
// second, through the socket of a server: as cdnctl does, without a process each.
func publish(socket, block, count string) error {
	total, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	ctx, client := context.Background(), api.Dial(socket)
	for i := range total {
		next := time.After(time.Second)
		text := fmt.Sprintf("site s%06d.example.org class %s {\n    origin 192.0.2.%d\n}\n", i, block, 2+time.Now().Unix()%200) // another than in the round before
		put, err := client.PutDraft(ctx, api.DraftTexts{Sources: []api.Source{{Name: "-", Text: text}}})
		if err == nil {
			_, err = client.Publish(ctx, api.PublishRequest{Base: put.Base, Why: "bench"})
		}
		if err != nil {
			return err
		}
		<-next
	}
	return nil
}
