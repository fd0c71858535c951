package onboard_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cdnredirect/cdnredirect/internal/provision/onboard"
	"github.com/cdnredirect/cdnredirect/internal/site"
	"github.com/cdnredirect/cdnredirect/test/bubble"
)

// told is a logger that keeps what it is told.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (l *told) Infof(format string, v ...any)  { l.add("info: "+format, v...) }
func (l *told) Errorf(format string, v ...any) { l.add("error: "+format, v...) }

func (l *told) add(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, v...))
}

// refusing refuses everything in words of somebody else.
type refusing struct{}

func (refusing) Do(_ context.Context, _ *site.Onboarding, _ int, undo bool) (string, error) {
	if undo {
		return "", nil
	}
	return "", onboard.Refuse(errors.New("no\n[ERROR] all is \x1b[31mlost"))
}

// TestF38WhatProvidersSayIsOneLine has one say what looks like a line of the log.
func TestF38WhatProvidersSayIsOneLine(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		log, s := new(told), newShelf(newOnboarding(site.Onboard, www))
		run(s, newWorld(), func() { time.Sleep(time.Second) }, func(c *onboard.Config) { c.Steps, c.Log = refusing{}, log })
		want := []string{`info: onboard of site "www.example.org" is undone: "check: no\n[ERROR] all is ?[31mlost"`}
		if !slices.Equal(log.lines, want) {
			t.Errorf("Expected %q, got %q", want, log.lines)
		}
	})
}
