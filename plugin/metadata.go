package steer

import (
	"context"
	"strconv"
	"strings"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/request"
)

// Metadata implements metadata.Provider: which site the question is about,
// what was decided for it, and why.
func (h *Handler) Metadata(ctx context.Context, state request.Request) context.Context {
	entry := h.lookup(strings.ToLower(state.QName()))
	if entry == nil {
		return ctx
	}
	answers := entry.Answers()
	if answers == nil {
		return ctx
	}
	var c client
	decides := answers.Decides()
	_ = c.find(h, entry, decides, state.W, state.Req) // a malformed question is refused later
	records := c.records(decides)
	metadata.SetValueFunc(ctx, Name+"/site", entry.Name)
	metadata.SetValueFunc(ctx, Name+"/decision", records.Summary)
	metadata.SetValueFunc(ctx, Name+"/reason", answers.Decision.Reason.String)
	metadata.SetValueFunc(ctx, Name+"/epoch", func() string { return strconv.FormatUint(answers.Decision.Epoch, 10) })
	return ctx
}
