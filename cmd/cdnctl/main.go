// Command cdnctl shows what a running CoreDNS with cdnredirect sees and does;
// it asks over the unix socket of the Corefile's line 'socket PATH'.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
